import Foundation
import SomaReports

extension Reproduction {
  /// A claim check as a self-contained page: claim, verdict, figures, tables, and how it was done.
  public func page(_ record: ReproductionRecord, _ finding: Finding) -> Page {
    var page = Page(title: system.title, subtitle: "System \(system.number), \(system.slug). \(source)")
    page.add(.heading("Claim"), .paragraph(claim))
    page.add(.heading("Verdict: \(finding.verdict.rawValue)"), .paragraph(finding.summary))
    if record.effort == .smoke {
      page.add(.note("A smoke run: it shows that the check runs; its figures mean nothing."))
    }
    if !finding.measurements.isEmpty {
      page.add(.facts(finding.measurements.map { (term: $0.name, value: $0.value) }))
    }
    if !finding.figures.isEmpty { page.add(.figures(finding.figures)) }
    for table in finding.tables { page.add(.table(PageTable(table))) }
    if !finding.remarks.isEmpty { page.add(.heading("What to be careful about"), .list(finding.remarks)) }
    page.add(.heading("How it was done"), .paragraph(check))
    page.add(
      .facts([
        ("definition", definition), ("in Soma", interface.joined(separator: ", ")), ("verdict by", verdictRule),
        ("effort", record.effort.rawValue), ("seeds", String(record.seeds)),
        ("run time", "\(formattedNumber(record.seconds, digits: 3)) s"),
      ]))
    page.footer = "Made by soma \(record.version), \(record.ended.formatted(.iso8601)), on \(record.machine)."
    return page
  }
}

extension PageTable {
  /// A column is numeric if all its cells begin like a number, or are empty of one (`–`).
  public init(_ table: Finding.Table) {
    let columns = table.columns.indices.map { i in
      let cells = table.rows.map { i < $0.count ? $0[i] : "" }
      return PageTable.Column(
        table.columns[i], isNumeric: cells.allSatisfy { $0 == "–" || Self.leadingNumber($0) != nil })
    }
    let rows = table.rows.map { row in row.map { PageTable.Cell($0, value: Self.leadingNumber($0)) } }
    self.init(columns, rows: rows, caption: table.title)
  }

  private static func leadingNumber(_ text: String) -> Double? {
    // `7.7·10⁻⁴` begins like a number too; where it sorts is told by its exponent.
    let head = text.split(separator: " ").first.map(String.init) ?? ""
    if let dot = head.firstIndex(of: "·"), let mantissa = leadingNumber(String(head[..<dot])) {
      let digits: [Character: Character] = [
        "⁻": "-", "⁰": "0", "¹": "1", "²": "2", "³": "3", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9",
      ]
      let exponent = String(head[dot...].dropFirst(3).compactMap { digits[$0] })
      return Double("1e\(exponent)").map { mantissa * $0 }
    }
    return Double(head.replacingOccurrences(of: "−", with: "-").replacingOccurrences(of: ",", with: ""))
  }
}
