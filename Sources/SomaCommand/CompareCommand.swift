import ArgumentParser
import Foundation
import SomaData
import SomaExperiments
import SomaNetworks
import SomaReports

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
        soma compare digits relu gelu --tensorboard events   (then: tensorboard --logdir events)
        soma compare digits relu gelu --save digits.yaml     (and later: soma run digits.yaml)
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

  @OptionGroup(title: "Output") var tensorBoard: TensorBoardChoice

  @Option(help: ArgumentHelp("Write the experiment as a file for soma run, with all settings.", valueName: "file"))
  var save: String?

  mutating func validate() throws {
    let candidates = names.dropFirst(data.isComplete ? 0 : 1)
    guard !names.isEmpty || data.isComplete else {
      throw ValidationError("Say which data and what to compare, such as: soma compare digits relu gelu mish")
    }
    guard !candidates.isEmpty || allActivations || preset != nil else {
      throw ValidationError("Say what to compare on \(try data.source(names.first)), such as: relu gelu mish")
    }
    guard depth == nil || save == nil else {
      throw ValidationError("--save writes one comparison; --depth makes several.")
    }
  }

  func run() throws {
    var candidates = Array(names.dropFirst(data.isComplete ? 0 : 1))
    candidates += (preset?.candidates ?? []).filter { !candidates.contains($0) }
    if allActivations { candidates = try Candidate.withAllActivations(candidates, network: network.network) }
    if let depth { return try sweep(depth, candidates) }
    let experiment = ExperimentFile(
      .init(try data.source(names.first), target: data.target, task: data.task?.encoding), candidates: candidates,
      options: options,
      output: .init(html: html, tensorBoard: tensorBoard.tensorboard))
    if let save { try checkWritable(save) }
    let comparison = try experiment.comparison()
    if let save {
      try experiment.settled(by: comparison).write(to: save)
      if !output.quiet { Terminal.note("Experiment: \(save), for soma run") }
    }
    try ComparisonSession(comparison, experiment.output, runs: runs, output: output).run()
  }

  /// The same comparison in networks of each depth.
  private func sweep(_ depths: [Int], _ candidates: [String]) throws {
    let prepared = try PreparedData(try data.open(names.first), name: try data.source(names.first))
    if let html { try checkWritable(html) }
    let store = try RunStore(path: runs.store ?? RunStore.defaultPath)
    let steps = try depths.map { depth in
      var options = options
      options.network = try DepthSweep.network(network.network, depth: depth)
      let events = tensorBoard.tensorboard.map { "\($0)/\(depth)-layers" }
      let session = ComparisonSession(
        try FairComparison(prepared, candidates: candidates, options: options), .init(tensorBoard: events), runs: runs,
        output: output)
      return DepthSweep.Step(depth: depth, report: try session.finished(in: store).report)
    }
    try report(DepthSweep(steps), store)
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
    try checkOption(seeds, "seeds", FairComparison.Limits.seeds)
    try checkOption(epochs, "epochs", FairComparison.Limits.epochs)
    try checkOption(batch, "batch", FairComparison.Limits.batch)
    try checkOption(tuningEpochs, "tuning-epochs", FairComparison.Limits.epochs)
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

/// Writes a text file.
/// - Throws: `DataError` that names the file.
func writeText(_ text: String, to path: String) throws {
  do {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw DataError(path, "cannot be written")
  }
}
