import ArgumentParser
import Foundation
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaSearch

struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Make a trained network sparse: remove its smallest weights, train the rest on.",
    discussion: """
      With --tune-activations the activation of each hidden layer is searched for the sparse network, with trained scales, and then \
      the optimizer and its settings; all choices on validation data. At 98 % and beyond this gains many points.

      EXAMPLES
        soma prune fashion.soma fashion-mnist --ratio 0.9 --out sparse.soma
        soma prune digits.soma digits --ratio 0.98 --tune-activations --out sparse.soma
        soma prune prices.soma prices.csv --ratio 0.8 --extent network --epochs 10 --out sparse.soma --json
      """)
  @Argument(help: "The model's file.") var model: String
  @Argument(help: "What it was trained on: a data set's name, a file or a folder.") var data: String
  @Option(help: "The share of weights that go, 0 up to but not 1.") var ratio = 0.9
  @Option(help: "Whether each layer loses that share, or the network as a whole.") var extent =
    MagnitudePruning.Extent.layer
  @Option(help: "Passes over the training data afterwards.") var epochs = 3
  @Option(help: "Samples of a step.") var batch = 64
  @Option(help: "Decides the order of samples, and the search.") var seed = 0
  @Flag(help: "Search activations and settings for the sparse network.") var tuneActivations = false
  @Option(help: ArgumentHelp("Steps of the search for activations, one epoch each.", valueName: "count")) var steps = 12
  @Option(help: ArgumentHelp("Trials of settings.", valueName: "count")) var trials = 8
  @Option(name: [.customLong("out"), .short], help: ArgumentHelp("Where the sparse model goes.", valueName: "file"))
  var out: String?
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    guard ratio >= 0, ratio < 1 else { throw ValidationError("--ratio must be at least 0 and below 1, not \(ratio).") }
    for (value, name, limit) in [
      (epochs, "epochs", 1_000_000), (batch, "batch", 1_000_000), (steps, "steps", 100_000), (trials, "trials", 10_000),
    ] {
      try checkOption(value, name, 1...limit)
    }
  }

  func run() throws {
    let saved = try SavedModel.load(model)
    guard saved.description.task != .text else {
      throw ValidationError("\(model) is a language model; prune takes classifiers and regressions.")
    }
    var options = PruningJob.Options()
    (options.ratio, options.extent, options.epochs, options.batch) = (ratio, extent, epochs, batch)
    (options.seed, options.tunesActivations, options.steps, options.trials) = (seed, tuneActivations, steps, trials)
    let job = PruningJob(try saved.split(of: data), options)
    let progress = ProgressLine(isQuiet: output.quiet)
    let interruption = Interruption()
    defer { progress.clear() }
    let result = try job.run(try NetworkSpecification(parsing: saved.description.network), saved.variables) {
      if interruption.isRequested { throw ExitCode(130) }
      progress.update($0, $1)
    }
    progress.clear()
    if let out {
      var description = saved.description
      description.network = result.specification.description
      try SavedModel(description, result.variables).save(to: out)
    }
    if output.json { return print(try jsonText(result.report)) }
    let report = result.report
    let isClassifier = saved.description.task == .classification
    func text(_ score: Double) -> String {
      isClassifier ? String(format: "%.2f %%", score * 100) : String(format: "%.4f", score)
    }
    print("\(report.network): \(report.kept) of \(report.weights) weights left")
    var table = TextColumns(headings: [isClassifier ? "test accuracy" : "test R²", ""], alignedRight: [1])
    table.rows = [
      ["before", text(report.before)], ["pruned", text(report.pruned)], ["trained on", text(report.tuned)],
    ]
    for line in table.lines { print(line) }
    print("trained with \(report.settings)")
    if let out, !output.quiet { Terminal.note("Model: \(out)") }
  }
}

extension MagnitudePruning.Extent: ExpressibleByArgument {}
