import ArgumentParser
import SomaNetworks
import SomaReports

struct ActivationsTable: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table",
    abstract: "Put the computed properties of activations side by side, as Markdown or a page.",
    discussion: """
      EXAMPLES
        soma activations table relu gelu mish elliott
        soma activations table --monotone --bounded > sigmoids.md
        soma activations table relu elu selu --html table.html
      """)
  @Argument(help: "Activations of one number; those that the filters choose if none is named.") var names: [String] = []
  @OptionGroup(title: "Which") var filter: ActivationFilter
  @Option(help: ArgumentHelp("Write a page instead; headings sort it.", valueName: "file")) var html: String?
  @OptionGroup(title: "Output") var output: OutputChoice

  func run() throws {
    let progress = ProgressLine(isQuiet: output.quiet)
    let chosen = try names.isEmpty ? filter.chosen(progress) : names.map { try Activation.named($0) }
    let found = ActivationProperties.of(chosen) { progress.update($0, "looking at \(chosen.count) functions") }
    progress.clear()
    let rows = zip(chosen, found).compactMap { activation, properties in
      properties.map { (activation: activation, facts: activationFacts($0)) }
    }
    if let other = zip(chosen, found).first(where: { $0.1 == nil })?.0, !names.isEmpty {
      throw ValidationError("\(other.name) is no function of one number: it has no such properties.")
    }
    if output.json {
      return print(
        try jsonText(
          rows.map { row in
            Dictionary(
              row.facts + [("name", row.activation.name), ("formula", row.activation.formula)], uniquingKeysWith: { $1 }
            )
          }))
    }
    let headings = ["activation", "formula"] + (rows.first?.facts.map(\.0) ?? [])
    let cells = rows.map { [$0.activation.name, $0.activation.formula] + $0.facts.map(\.1) }
    if let html {
      var page = Page(title: "Properties of activation functions", subtitle: "Computed from the formulas")
      page.add(
        .table(
          PageTable(headings.map { .init($0, isNumeric: false) }, rows: cells.map { $0.map { PageTable.Cell($0) } })))
      try writeText(page.html, to: html)
      if !output.quiet { Terminal.note("\(rows.count) activations: \(html)") }
      return
    }
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    print(line(headings))
    print(line(headings.map { _ in "---" }))
    for row in cells { print(line(row)) }
  }
}
