import Foundation
import Reproductions
import SomaExperiments
import SomaReports

/// The pages of the published systems: what is built, what its authors claim, what came out here.
struct Systems: Sendable {
  let results: String
  let runs: Runs

  /// The latest result of each system, from the recorded ones and the store.
  private func latest() throws -> [String: ReproductionRecord] {
    let recorded = try ReproductionResults(folder: results).all()
    var latest = Dictionary(recorded.map { ($0.slug, $0) }, uniquingKeysWith: { $1 })
    if let store = try runs.store() { latest.merge(try store.reproductions()) { $0.ended > $1.ended ? $0 : $1 } }
    return latest
  }

  private static let built = Dictionary(Reproduction.all.map { ($0.system.slug, $0) }, uniquingKeysWith: { $1 })

  var list: WebPage {
    get throws {
      let latest = try latest()
      var rows = ""
      for system in PublishedSystem.all {
        let isBuilt = Self.built[system.slug] != nil
        let verdict = isBuilt ? latest[system.slug]?.verdict : nil
        let slug = system.slug.markupEscaped
        rows += """
          <tr data-group="\(system.family.rawValue)" data-state="\(isBuilt ? "built" : "planned")" data-verdict="\(verdict.map(Self.word) ?? "")">\
          <th scope="row" class="n">\(system.number)</th><td><a href="/systems/\(slug)">\(slug)</a></td>\
          <td>\(system.family.rawValue)</td><td>\(isBuilt ? "built" : "planned")</td>\
          <td>\(verdict.map(Self.badge) ?? "–")</td><td class="wide">\(system.title.markupEscaped)</td></tr>

          """
      }
      let families = PublishedSystem.Family.allCases.map { "<option>\($0.rawValue)</option>" }.joined()
      let verdicts = Verdict.allCases.map { "<option value=\"\(Self.word($0))\">\($0.rawValue)</option>" }.joined()
      let count = PublishedSystem.all.count
      return WebPage(
        title: "Systems", room: .systems,
        body: """
          <h1>Published systems</h1>
          <p class="subtitle">\(count) systems, \(Self.built.count) built; each that is built has a check of its authors' claim.</p>
          <div class="controls" data-filter="systems">
          <input type="search" placeholder="name or title" aria-label="search">
          <select name="group" aria-label="family"><option value="">every family</option>\(families)</select>
          <select name="state" aria-label="state"><option value="">built and planned</option><option>built</option><option>planned</option></select>
          <select name="verdict" aria-label="result"><option value="">any result</option>\(verdicts)</select>
          <output>\(count) of \(count)</output></div>
          <div class="scroll" tabindex="0" role="region" aria-label="systems"><table id="systems" class="sortable">
          <thead><tr><th scope="col" class="n"><button type="button">#</button></th><th scope="col"><button type="button">name</button></th><th scope="col"><button type="button">family</button></th><th scope="col"><button type="button">state</button></th><th scope="col"><button type="button">result</button></th><th scope="col"><button type="button">title</button></th></tr></thead>
          <tbody>
          \(rows)</tbody></table></div>
          """)
    }
  }

  func page(of name: String) throws -> WebPage {
    let system = try PublishedSystem.named(name)
    var page = Page(
      title: "\(system.number) \(system.slug)", subtitle: "\(system.title). \(system.family.rawValue); \(system.kind).")
    var badge = ""
    if let built = Self.built[system.slug] {
      let record = try latest()[system.slug]
      badge = record.map { "<p class=\"state\">\(Self.badge($0.verdict))</p>\n" } ?? ""
      add(built, record, to: &page)
    } else {
      page.add(.note("This system is not built yet."))
    }
    return WebPage(title: system.slug, room: .systems, body: badge + page.content)
  }

  private func add(_ built: Reproduction, _ record: ReproductionRecord?, to page: inout Page) {
    page.add(
      .facts([
        ("source", built.source), ("definition", built.definition),
        ("in the library", built.interface.joined(separator: ", ")), ("claim", built.claim), ("check", built.check),
        ("verdict by", built.verdictRule),
      ]))
    guard let record else { return page.add(.note("Not run yet: soma reproduce \(built.system.slug)")) }
    page.add(.heading("Result: \(record.verdict.rawValue)"), .paragraph(record.summary))
    if !record.measurements.isEmpty { page.add(.facts(record.measurements.map { ($0.name, $0.value) })) }
    for table in record.tables { page.add(.table(PageTable(table))) }
    if !record.remarks.isEmpty { page.add(.heading("Remarks"), .list(record.remarks)) }
    page.footer =
      "\(record.effort.rawValue) effort, \(record.seeds) seed\(record.seeds == 1 ? "" : "s"), \(Int(record.seconds)) s, \(record.ended.formatted(.iso8601)), soma \(record.version), \(record.machine)"
  }

  private static func word(_ verdict: Verdict) -> String {
    switch verdict {
    case .reproduced: "reproduced"
    case .partly: "partly"
    case .notReproduced: "not"
    }
  }

  /// A verdict, told by its words; the colour only helps.
  private static func badge(_ verdict: Verdict) -> String {
    "<span class=\"badge \(word(verdict))\">\(verdict.rawValue)</span>"
  }
}
