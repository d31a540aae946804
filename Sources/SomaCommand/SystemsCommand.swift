import ArgumentParser
import Foundation
import Reproductions
import SomaExperiments

struct SystemsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "systems",
    abstract: "The published systems: what is built, what its authors claim, what came out here.",
    discussion: """
      EXAMPLES
        soma systems
        soma systems --family activations --state built
        soma systems show gelu
      """,
    subcommands: [List.self, Show.self], defaultSubcommand: List.self)

  enum State: String, CaseIterable, ExpressibleByArgument, Encodable { case built, planned }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the systems.")

    @Option(help: ArgumentHelp("Only one family.", valueName: "family")) var family: PublishedSystem.Family?
    @Option(help: ArgumentHelp("Only those built, or those not built yet.", valueName: "state")) var state: State?
    @OptionGroup var results: ResultsChoice
    @OptionGroup var output: OutputChoice

    private struct Row: Encodable {
      var number: Int
      var slug, title, kind: String
      var family: PublishedSystem.Family
      var state: State
      var verdict: Verdict?
    }

    func run() throws {
      let latest = try results.latest()
      let rows = PublishedSystem.all.compactMap { system -> Row? in
        let own: State = Reproduction.all.contains { $0.system.slug == system.slug } ? .built : .planned
        guard family == nil || system.family == family, state == nil || own == state else { return nil }
        return Row(
          number: system.number, slug: system.slug, title: system.title, kind: system.kind, family: system.family,
          state: own, verdict: own == .built ? latest[system.slug]?.verdict : nil)
      }
      if output.json { return print(try encoded(rows)) }
      var table = TextColumns(headings: ["#", "slug", "family", "state", "result", "title"], alignedRight: [0])
      table.rows = rows.map { row in
        [
          String(row.number), row.slug, row.family.rawValue, row.state.rawValue, row.verdict?.rawValue ?? "–",
          row.title,
        ]
      }
      for line in table.lines { print(line.prefix(isatty(STDOUT_FILENO) == 0 ? line.count : Terminal.width)) }
      if !output.quiet {
        let built = rows.count { $0.state == .built }
        Terminal.note("\(rows.count) systems, \(built) built. soma systems show SLUG tells more.")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a system: definition, names in the library, claim, last result.",
      discussion: """
        EXAMPLES
          soma systems show gelu
          soma systems show 20 --json
        """)

    @Argument(help: "A slug or a number.") var system: String
    @OptionGroup var results: ResultsChoice
    @OptionGroup var output: OutputChoice

    private struct Row: Encodable {
      var number: Int
      var slug, title, kind: String
      var family: PublishedSystem.Family
      var state: State
      var source, definition, claim, check, verdictRule: String?
      var interface: [String]?
      var result: ReproductionRecord?
    }

    func run() throws {
      let system = try PublishedSystem.named(system)
      let built = Reproduction.all.first { $0.system.slug == system.slug }
      let result = try results.latest()[system.slug]
      if output.json {
        return print(
          try encoded(
            Row(
              number: system.number, slug: system.slug, title: system.title, kind: system.kind, family: system.family,
              state: built == nil ? .planned : .built, source: built?.source, definition: built?.definition,
              claim: built?.claim, check: built?.check, verdictRule: built?.verdictRule, interface: built?.interface,
              result: result)))
      }
      print(Terminal.bold("\(system.number) \(system.slug): \(system.title)"))
      print("\(system.family.rawValue); \(system.kind)")
      guard let built else { return print("Not built yet.") }
      let facts = [
        ("source", built.source), ("definition", built.definition),
        ("in Soma", built.interface.joined(separator: ", ")),
        ("claim", built.claim), ("check", built.check), ("verdict by", built.verdictRule),
      ]
      for (term, text) in facts { print("\n" + Terminal.bold(term) + "\n" + text) }
      print()
      if let result { show(result) } else { print("Not run yet: soma reproduce \(system.slug)") }
    }
  }
}

/// Where recorded results of claim checks are.
struct ResultsChoice: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The folder with recorded results. Default: Reproductions, where there is one.", valueName: "folder"))
  var results: String?

  @Option(help: ArgumentHelp("The file with the runs. Default: $SOMA_STORE, or \(storePlace).", valueName: "file"))
  var store: String?

  /// The latest result of each system, from the store and the recorded ones.
  func latest() throws -> [String: ReproductionRecord] {
    let recorded = try ReproductionResults(folder: results ?? "Reproductions").all()
    var latest = Dictionary(recorded.map { ($0.slug, $0) }, uniquingKeysWith: { $1 })
    let path = store ?? RunStore.defaultPath
    guard store != nil || FileManager.default.fileExists(atPath: path) else { return latest }
    latest.merge(try RunStore(path: path, mustExist: true).reproductions()) { $0.ended > $1.ended ? $0 : $1 }
    return latest
  }
}

extension PublishedSystem.Family: ExpressibleByArgument {}

/// Prints an outcome: verdict, figures, tables, remarks.
func show(_ record: ReproductionRecord) {
  let verdict =
    switch record.verdict {
    case .reproduced: Terminal.green(record.verdict.rawValue)
    case .partly: Terminal.yellow(record.verdict.rawValue)
    case .notReproduced: Terminal.red(record.verdict.rawValue)
    }
  if record.effort == .smoke {
    print("Smoke run: it ran to its end; its figures mean nothing.")
  } else {
    print(Terminal.bold("verdict: ") + verdict)
  }
  print(record.summary)
  for measured in record.measurements { print("  \(measured.name): \(measured.value)") }
  for table in record.tables {
    print("\n" + table.title)
    var columns = TextColumns(headings: table.columns, alignedRight: Set(table.columns.indices.dropFirst()))
    columns.rows = table.rows
    for line in columns.lines { print(line) }
  }
  if !record.remarks.isEmpty { print() }
  for remark in record.remarks { print("- \(remark)") }
  print(
    Terminal.dim(
      "\(record.effort.rawValue) effort, \(record.seeds) seed\(record.seeds == 1 ? "" : "s"), \(formattedDuration(record.seconds)), \(record.ended.formatted(.iso8601)), soma \(record.version), \(record.machine)"
    ))
}
