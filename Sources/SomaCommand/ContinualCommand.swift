import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

struct ContinualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "continual",
    abstract: "Learn classes one group after the other, and see how much of the first is left at the end.",
    discussion: """
      Class-incremental: each task brings new classes, one softmax covers all, nothing says to which task a sample belongs, and \
      each sample is seen once, in order. The network has one hidden layer without biases, whose weights are kept at mean 0 and \
      length 1. Shows accuracies after each task, and forgetting: the mean over earlier tasks of their best accuracy minus the last.

      EXAMPLES
        soma continual fashion-mnist --activation hard-ash --optimizer adagrad --learning-rate 1e-3
        soma continual digits --batch 4 --learning-rate 0.01 --activation relu --strategy replay
        soma continual digits --batch 4 --learning-rate 0.01 --seeds 5 --html forgetting.html
      """)

  enum Strategy: String, CaseIterable, ExpressibleByArgument {
    case plain, joint, replay
    case elasticWeights = "elastic-weights"
  }

  enum Rule: String, CaseIterable, ExpressibleByArgument {
    case adagrad, adam, rmsprop, sgd, momentum

    var optimizer: any Optimizer {
      switch self {
      case .adagrad: Adagrad(initialSum: 0.1, epsilon: 1e-7)
      case .adam: Adam()
      case .rmsprop: RMSprop()
      case .sgd: SGD()
      case .momentum: SGD(momentum: 0.9)
      }
    }

    /// What came out best for sparse activations on split image sets.
    var learningRate: Double {
      switch self {
      case .adagrad: 1e-3
      case .adam, .rmsprop, .momentum: 1e-5
      case .sgd: 1e-2
      }
    }
  }

  @Argument(help: "A data set's name (left out with --data).") var name: String?
  @OptionGroup(title: "Data") var data: DataChoice
  @Option(help: "Classes of a task, in the order of their labels.") var classesPerTask = 2
  @Option(help: ArgumentHelp("Use so many training samples. Default: all.", valueName: "count")) var samplesUsed: Int?
  @Option(help: "The hidden layer's activation.") var activation = "hard-ash"
  @Option(help: "Units of the hidden layer.") var hidden = 1000
  @Option(help: "The optimizer.") var optimizer = Rule.adagrad
  @Option(help: ArgumentHelp("Default: what suits the optimizer.", valueName: "rate")) var learningRate: Double?
  @Option(help: ArgumentHelp("The most a weight may move in a step.", valueName: "size")) var clipUpdates = 0.01
  @Option(help: "Samples of a step.") var batch = 64
  @Option(help: "What is done against forgetting; joint learns all at once, the upper bound.") var strategy = Strategy
    .plain
  @Option(help: ArgumentHelp("λ of --strategy elastic-weights.", valueName: "λ")) var strength = 100.0
  @Option(help: ArgumentHelp("Samples of each task that --strategy replay keeps.", valueName: "count")) var samples =
    100
  @Option(help: "Runs with other weights.") var seeds = 1
  @Option(help: ArgumentHelp("Write the result as a self-contained page.", valueName: "file")) var html: String?
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    try checkOption(classesPerTask, "classes-per-task", 1...10_000)
    try checkOption(samplesUsed, "samples-used", 1...100_000_000)
    try checkOption(hidden, "hidden", 2...1_000_000)
    try checkOption(batch, "batch", 1...1_000_000)
    try checkOption(samples, "samples", 1...1_000_000)
    try checkOption(seeds, "seeds", 1...1000)
    for (value, name) in [(learningRate ?? 1, "learning-rate"), (clipUpdates, "clip-updates"), (strength, "strength")]
    where !(value > 0 && value.isFinite) {
      throw ValidationError("--\(name) must be above 0, not \(value).")
    }
  }

  struct Result: Encodable {
    var data: String
    var activation: String
    var optimizer: String
    var learningRate: Double
    var strategy: String
    var tasks: [[String]]
    /// By seed: `[after task][on task]`.
    var accuracies: [[[Double]]]
    var finalAccuracy: [Double]
    var forgetting: [Double]
    var gradientSparsity: [Double]
  }

  func run() throws {
    let unit = try Activation.named(activation)
    guard !unit.takesPair, unit.suitsDenseLayers else {
      throw ValidationError("--activation: \(unit.name) does not give each unit of a dense layer an output.")
    }
    let parts = try data.open(name).split(validation: 0, test: 0.2, seed: 0)
    let source = try data.source(name)
    let train = samplesUsed.map { parts.train.subset(Array(0..<min($0, parts.train.count))) } ?? parts.train
    let split = Split(train: train.flattened(), validation: train.flattened(), test: parts.test.flattened())
      .standardized().split
    let tasks = try ContinualProtocol(
      classIncremental: split.train, test: split.test, classesPerTask: classesPerTask)
    let network = Sequential([
      RowNormalizedLinear(hidden), unit,
      Dense(split.train.classNames.count, usesBias: false, initializer: .heNormal),
    ])
    let rate = learningRate ?? optimizer.learningRate
    let measure: ContinualProtocol.Strategy =
      switch strategy {
      case .plain: .plain
      case .joint: .joint
      case .replay: .replay(perTask: samples)
      case .elasticWeights: .elasticWeights(lambda: strength)
      }
    let progress = ProgressLine(isQuiet: output.quiet)
    let interruption = Interruption()
    defer { progress.clear() }
    let outcomes = try (0..<seeds).map { seed in
      try tasks.run(
        network, optimizer: ClippedUpdates(optimizer.optimizer, to: clipUpdates), learningRate: rate, batch: batch,
        strategy: measure, seed: seed
      ) { fraction in
        if interruption.isRequested { throw ExitCode(130) }
        progress.update((Double(seed) + fraction) / Double(seeds), "seed \(seed)")
      }
    }
    progress.clear()
    let names = split.train.classNames
    let result = Result(
      data: source, activation: unit.name, optimizer: optimizer.rawValue, learningRate: rate,
      strategy: strategy.rawValue, tasks: tasks.tasks.map { $0.map { names[Int($0)] } },
      accuracies: outcomes.map(\.accuracies), finalAccuracy: outcomes.map(\.finalAccuracy),
      forgetting: outcomes.map(\.forgetting), gradientSparsity: outcomes.map(\.gradientSparsity))
    if let html { try writeText(page(result).html, to: html) }
    if output.json { return print(try jsonText(result)) }
    show(result)
    if let html, !output.quiet { Terminal.note("Page: \(html)") }
  }

  /// Means over seeds, in per cent.
  private func means(_ result: Result) -> [[Double]] {
    result.accuracies[0].indices.map { t in
      result.tasks.indices.map { k in result.accuracies.map { $0[t][k] * 100 }.mean }
    }
  }

  private func after(_ t: Int, _ result: Result) -> String {
    strategy == .joint ? "all at once" : "after \(result.tasks[t].joined(separator: ", "))"
  }

  private func facts(_ result: Result) -> [(String, String)] {
    func percent(_ values: [Double]) -> String { Estimate(of: values.map { $0 * 100 }).formatted(digits: 4) + " %" }
    return [
      ("accuracy on all classes at the end", percent(result.finalAccuracy)),
      ("forgetting", percent(result.forgetting)),
      ("zeros in gradients of hidden weights", percent(result.gradientSparsity)),
    ]
  }

  private func show(_ result: Result) {
    print(
      "\(result.data): \(result.tasks.count) tasks, \(result.activation), \(result.optimizer) at \(short(result.learningRate)), \(result.strategy)"
    )
    var table = TextColumns(
      headings: ["accuracy, %"] + result.tasks.map { $0.joined(separator: ", ") },
      alignedRight: Set(1...result.tasks.count))
    table.rows = means(result).enumerated().map { t, row in
      [after(t, result)] + row.map { String(format: "%.1f", $0) }
    }
    for line in table.lines { print(line) }
    print("")
    for (name, value) in facts(result) { print("\(name): \(value)") }
  }

  private func page(_ result: Result) -> Page {
    var page = Page(
      title: "\(result.data): classes one group after the other",
      subtitle: "\(result.activation), \(result.optimizer) at \(short(result.learningRate)), \(result.strategy)")
    page.add(
      .facts(facts(result).map { (term: $0.0, value: $0.1) }),
      .figures([
        HeatMap(
          "Accuracy, %", xTitle: "judged on", yTitle: "", rows: result.accuracies[0].indices.map { after($0, result) },
          columns: result.tasks.map { $0.joined(separator: ", ") }, values: means(result))
      ]))
    return page
  }
}
