import ArgumentParser
import Foundation
import SomaExperiments
import SomaReports

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "List, show, export and delete stored runs.",
    discussion: """
      EXAMPLES
        soma runs list
        soma runs show 3
        soma runs show 3 --html page.html
        soma runs export 3 --format csv --output trials.csv
        soma runs delete 1 2
      """,
    subcommands: [List.self, Show.self, Export.self, Delete.self], defaultSubcommand: List.self)
}

/// Which store a command reads.
struct StoreChoice: ParsableArguments {
  @Option(help: ArgumentHelp("The file with the runs. Default: $SOMA_STORE, or \(storePlace).", valueName: "file"))
  var store: String?

  func open() throws -> RunStore { try RunStore(path: store ?? RunStore.defaultPath, mustExist: true) }
}

extension RunsCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the stored runs, the newest first.",
      discussion: """
        EXAMPLES
          soma runs list
          soma runs list --json
        """)

    @OptionGroup var store: StoreChoice
    @Flag(help: "Print the list as JSON.") var json = false

    func run() throws {
      let store = try store.open()
      let experiments = try store.experiments()
      let counts = try experiments.map { try store.trialCount(of: $0.id!) }
      if json { return print(try encoded(zip(experiments, counts).map(Item.init))) }
      guard !experiments.isEmpty else { return print("No runs are stored.") }
      var columns = TextColumns(headings: ["run", "when", "status", "trials", "what"], alignedRight: [0, 3])
      columns.rows = zip(experiments, counts).map { experiment, count in
        [
          String(experiment.id!),
          experiment.created.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: false)),
          experiment.status.rawValue, String(count), experiment.title,
        ]
      }
      for line in columns.lines { print(line) }
    }

    /// A run in the list.
    private struct Item: Encodable {
      var run: Int64
      var kind, title, dataSet, status, version, machine: String
      var trials: Int
      var created, updated: Date

      init(_ experiment: Experiment, _ trials: Int) {
        run = experiment.id ?? 0
        kind = experiment.kind
        title = experiment.title
        dataSet = experiment.dataSet
        status = experiment.status.rawValue
        version = experiment.version
        machine = experiment.machine
        created = experiment.created
        updated = experiment.updated
        self.trials = trials
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what a run found.",
      discussion: """
        EXAMPLES
          soma runs show 3
          soma runs show 3 --json
          soma runs show 3 --html page.html
        """)

    @Argument(help: ArgumentHelp("The run's number, as `soma runs list` tells it.", valueName: "run")) var id: Int64
    @OptionGroup var store: StoreChoice
    @OptionGroup var output: OutputChoice
    @Option(help: ArgumentHelp("Write the result as a self-contained page.", valueName: "file")) var html: String?

    func run() throws {
      let store = try store.open()
      let result = try ComparisonReport(experiment: id, in: store)
      if let html { try writeText(result.page().html, to: html) }
      if output.json { return print(try result.json()) }
      let experiment = try store.experiment(id)
      if !output.quiet {
        print(Terminal.bold("Run \(id): \(experiment.title)"))
        print(
          "\(experiment.status.rawValue), \(try store.trialCount(of: id)) trials, \(experiment.created.formatted(.iso8601)), soma \(experiment.version)"
        )
        print()
      }
      ComparisonTable(result: result).show(isQuiet: output.quiet)
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Export all that is stored of a run.",
      discussion: """
        JSON has everything: settings, costs, each trial with its curve. CSV has a line for each trial.

        EXAMPLES
          soma runs export 3
          soma runs export 3 --format csv --output trials.csv
        """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case json, csv }

    @Argument(help: ArgumentHelp("The run's number.", valueName: "run")) var id: Int64
    @Option(help: "The form.") var format = Format.json
    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write. Default: standard output.", valueName: "file"))
    var output: String?
    @OptionGroup var store: StoreChoice

    func run() throws {
      let exported = try ExportedExperiment(id, from: try store.open())
      let text = format == .json ? try exported.json() + "\n" : exported.csv()
      if let output { try writeText(text, to: output) } else { print(text, terminator: "") }
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete runs with all their trials.",
      discussion: """
        EXAMPLES
          soma runs delete 3
          soma runs delete 1 2
        """)

    @Argument(help: "The runs' numbers.") var runs: [Int64]
    @OptionGroup var store: StoreChoice

    func run() throws {
      let store = try store.open()
      // All are looked up first, so that a wrong number deletes nothing.
      let experiments = try runs.map { try store.experiment($0) }
      for (id, experiment) in zip(runs, experiments) {
        try store.delete(id)
        print("Deleted run \(id), \(experiment.title).")
      }
    }
  }
}

/// JSON with sorted keys and ISO 8601 dates.
func encoded(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.dateEncodingStrategy = .iso8601
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
