import ArgumentParser
import Foundation
import SomaData
import SomaExperiments
import SomaNetworks
import SomaReports
import Synchronization

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare activations and networks fairly on one data set.",
    discussion: """
      Every candidate gets the same number of parameters (its widths are scaled), the same learning rates to choose \
      from on validation data, and for each seed the same batches in the same order. Test data is used once, at the \
      end.

      Trials are stored as they end: a comparison that was interrupted goes on where it stopped when the same command \
      is given again, and one that is finished is shown at once (--fresh runs it anew).

      EXAMPLES
        soma compare digits relu gelu mish tanh
        soma compare digits relu gelu --parameters 20000 --html page.html
        soma compare iris mlp:relu mlp-deep:relu mlp:elu --epochs 60
        soma compare --data prices.csv --target price relu silu --jobs 2
        soma compare fashion-mnist resnet8:relu vit --epochs 5 --json
        soma compare digits --preset kan-or-mlp --parameters 6000
        soma compare fan mlp kan --task periodic:sin
        soma compare digits --all-activations --seeds 3 --html activations.html
        soma compare digits relu mish --network mlp-norm --depth 5,15,25 --html depth.html
      """)

  @Argument(
    help: ArgumentHelp(
      "A data set's name (left out with --data), then what to compare: activations (relu) or networks (resnet8:mish). The first is the baseline.",
      valueName: "data set, candidates"))
  var names: [String] = []

  @Flag(help: "Add every activation that can stand in the network, after those named; relu is the baseline if none is.")
  var allActivations = false

  @Option(help: "Add ready candidates; kan-or-mlp: a KAN, an MLP, an MLP with learned splines.") var preset: Preset?

  enum Preset: String, CaseIterable, ExpressibleByArgument {
    case kanOrMLP = "kan-or-mlp"

    var candidates: [String] {
      switch self {
      case .kanOrMLP: ["kan", "mlp:gelu", "spline-mlp"]
      }
    }
  }

  @Option(
    help: ArgumentHelp(
      "Compare in networks of so many hidden layers, each; for mlp, or mlp-norm with batch normalization.",
      valueName: "counts"),
    transform: parseDepths)
  var depth: [Int]?

  @OptionGroup(title: "Data") var data: DataChoice
  @OptionGroup(title: "Networks") var network: NetworkChoice
  @OptionGroup(title: "Training") var training: ComparisonTraining
  @OptionGroup(title: "Runs") var runs: ComparisonRuns
  @OptionGroup(title: "Output") var output: OutputChoice

  @Option(help: ArgumentHelp("Write the result as a self-contained page.", valueName: "file"))
  var html: String?

  mutating func validate() throws {
    let candidates = names.dropFirst(data.isComplete ? 0 : 1)
    guard !names.isEmpty || data.isComplete else {
      throw ValidationError("Say which data and what to compare, such as: soma compare digits relu gelu mish")
    }
    guard !candidates.isEmpty || allActivations || preset != nil else {
      throw ValidationError("Say what to compare on \(try data.source(names.first)), such as: relu gelu mish")
    }
  }

  func run() throws {
    let source = try data.source(names.first)
    var candidates = Array(names.dropFirst(data.isComplete ? 0 : 1))
    candidates += (preset?.candidates ?? []).filter { !candidates.contains($0) }
    if allActivations { candidates = try Candidate.withAllActivations(candidates, network: network.network) }
    let prepared = try PreparedData(try data.open(names.first), name: source)
    let store = try RunStore(path: runs.store ?? RunStore.defaultPath)
    guard let depth else {
      let outcome = try compare(prepared, candidates, options, store)
      return try report(outcome, store)
    }
    let steps = try depth.map { depth in
      var options = options
      options.network = try DepthSweep.network(network.network, depth: depth)
      return DepthSweep.Step(depth: depth, report: try compare(prepared, candidates, options, store).report)
    }
    try report(DepthSweep(steps), store)
  }

  private typealias Finished = (report: ComparisonReport, outcome: FairComparison.Outcome)

  /// Runs a comparison, or reads it from the store.
  private func compare(
    _ data: PreparedData, _ candidates: [String], _ options: FairComparison.Options, _ store: RunStore
  ) throws -> Finished {
    let comparison = try FairComparison(data, candidates: candidates, options: options)
    if !output.quiet { announce(comparison) }
    let interruption = Interruption()
    let progress = ProgressLine(isQuiet: output.quiet)
    let outcome: FairComparison.Outcome
    do {
      outcome = try comparison.run(
        in: store, jobs: runs.jobs, startsAnew: runs.reuse == .fresh, shouldStop: { interruption.isRequested },
        onProgress: { progress.update($0.fraction, $0.text) })
    } catch {
      progress.clear()
      throw error
    }
    progress.clear()
    guard let result = outcome.result else {
      Terminal.note(
        "Interrupted; \(outcome.finishedTrials) finished trials are stored as run \(outcome.experimentID). "
          + "Give the same command again to go on.")
      throw ExitCode(130)
    }
    return (result, outcome)
  }

  private var options: FairComparison.Options {
    var options = FairComparison.Options()
    options.network = network.network
    options.parameters = network.parameters
    options.seeds = training.seeds
    options.epochs = training.epochs
    options.batch = training.batch
    options.optimizer = training.optimizer
    options.learningRates = training.learningRates
    options.tuningEpochs = training.tuningEpochs
    return options
  }

  private func announce(_ comparison: FairComparison) {
    let (settings, facts) = (comparison.settings, comparison.settings.data)
    Terminal.note(
      "\(facts.name): \(facts.trainingCount) training, \(facts.validationCount) validation, \(facts.testCount) test samples. "
        + "\(settings.candidates.count) candidates of \(ComparisonReport.text(count: settings.parameters)) parameters, "
        + "\(settings.learningRates.count) learning rates, \(settings.seeds) seeds of \(settings.epochs) epochs.")
  }

  private func report(_ sweep: DepthSweep, _ store: RunStore) throws {
    if let html { try writeText(sweep.page().html, to: html) }
    if output.json { return print(try sweep.json()) }
    var table = TextColumns(
      headings: ["candidate"] + sweep.steps.map { "\($0.depth) layers" }, alignedRight: Set(1...sweep.steps.count))
    table.rows = sweep.candidates.map { name in
      [name] + sweep.steps.map { $0.report.text(sweep.score(name, $0)) }
    }
    for line in table.lines { print(line) }
    guard !output.quiet else { return }
    Terminal.note(
      "Stored as runs \(sweep.steps.map { String($0.report.experimentID) }.joined(separator: ", ")) in \(store.path).")
    if let html { Terminal.note("Page: \(html)") }
  }

  private func report(_ finished: Finished, _ store: RunStore) throws {
    let (result, outcome) = finished
    if let html { try writeText(result.page().html, to: html) }
    if output.json {
      print(try result.json())
    } else {
      ComparisonTable(result: result).show(isQuiet: output.quiet)
    }
    guard !output.quiet else { return }
    switch outcome.start {
    case .stored: Terminal.note("From run \(outcome.experimentID), which had all trials; --fresh runs them anew.")
    case .resumed(let count): Terminal.note("Run \(outcome.experimentID) went on after \(count) stored trials.")
    case .new: Terminal.note("Stored as run \(outcome.experimentID) in \(store.path).")
    }
    if let html { Terminal.note("Page: \(html)") }
  }
}

/// How candidates of a comparison are trained.
struct ComparisonTraining: ParsableArguments {
  @Option(help: "Trials of each candidate that count.") var seeds = 5
  @Option(help: "Passes over the training data.") var epochs = 30
  @Option(help: "Samples of a step.") var batch = 64
  @Option(help: "The optimizer.") var optimizer = OptimizerChoice.adam

  @Option(
    name: .customLong("learning-rates"),
    help: ArgumentHelp(
      "Rates to try, such as 0.001,0.01. Default: five about the optimizer's usual.", valueName: "list"),
    transform: parseRates)
  var learningRates: [Double]?

  @Option(
    help: ArgumentHelp("Epochs of each try of a learning rate. Default: half of --epochs.", valueName: "count"))
  var tuningEpochs: Int?

  mutating func validate() throws {
    func check(_ value: Int, _ name: String, _ range: ClosedRange<Int>) throws {
      guard range.contains(value) else {
        throw ValidationError("--\(name) must be between \(range.lowerBound) and \(range.upperBound), not \(value).")
      }
    }
    try check(seeds, "seeds", 1...1000)
    try check(epochs, "epochs", 1...1_000_000)
    try check(batch, "batch", 1...1_000_000)
    if let tuningEpochs { try check(tuningEpochs, "tuning-epochs", 1...1_000_000) }
  }
}

private func parseDepths(_ text: String) throws -> [Int] {
  let depths = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
    guard let depth = Int(part.trimmingCharacters(in: .whitespaces)),
      (1...NetworkSpecification.mostLayers).contains(depth)
    else { throw ValidationError("\"\(part)\" is no number of layers from 1 to \(NetworkSpecification.mostLayers).") }
    return depth
  }
  guard Set(depths).count == depths.count else { throw ValidationError("a depth is given twice.") }
  return depths
}

private func parseRates(_ text: String) throws -> [Double] {
  let rates = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
    guard let rate = Double(part.trimmingCharacters(in: .whitespaces)), rate > 0, rate.isFinite else {
      throw ValidationError("\"\(part)\" is no learning rate above 0.")
    }
    return rate
  }
  guard Set(rates).count == rates.count else { throw ValidationError("a learning rate is given twice.") }
  return rates
}

/// Where trials are kept, and how many run side by side.
struct ComparisonRuns: ParsableArguments {
  enum Reuse: String, EnumerableFlag {
    case resume, fresh
    static func help(for value: Reuse) -> ArgumentHelp? {
      value == .resume ? "Use stored trials of the same settings." : "Run all trials anew."
    }
  }

  @Option(help: "Trials side by side; they share the cores.") var jobs = 1

  @Option(
    help: ArgumentHelp("The file that trials are stored in. Default: $SOMA_STORE, or \(storePlace).", valueName: "file")
  )
  var store: String?

  @Flag(exclusivity: .exclusive) var reuse = Reuse.resume

  mutating func validate() throws {
    guard (1...256).contains(jobs) else { throw ValidationError("--jobs must be between 1 and 256, not \(jobs).") }
  }
}

let storePlace = "~/.local/share/soma/runs.sqlite"

extension OptimizerChoice: ExpressibleByArgument {}

/// Turns Ctrl-C (and a polite request to end) into a question that work asks after each step. A second one ends at once.
final class Interruption: @unchecked Sendable {
  private let flag: Flag
  // Held, never used again: a source that is released listens no more.
  private let sources: [any DispatchSourceSignal]

  private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
  }

  init() {
    let flag = Flag()
    self.flag = flag
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        flag.isSet.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
      source.resume()
      return source
    }
  }

  var isRequested: Bool { flag.isSet.load(ordering: .relaxed) }
}

/// Writes a text file.
/// - Throws: `DataError` that names the file.
func writeText(_ text: String, to path: String) throws {
  do {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw DataError(path, "cannot be written")
  }
}
