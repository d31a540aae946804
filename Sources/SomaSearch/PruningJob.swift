import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// A trained network made sparse: its smallest weights are removed for good, the rest is trained on, and, if wanted, the activation of
/// each hidden layer and the settings of that training are chosen for the sparse network (SAFS: Loni, Mohan, Asadi, Lindauer 2023,
/// arXiv 2305.10964).
public struct PruningJob: Sendable {
  public struct Options: Sendable, Hashable {
    public var ratio = 0.9
    public var extent = MagnitudePruning.Extent.layer
    public var epochs = 3
    public var batch = 64
    public var seed = 0
    /// Searches operators for the layers, steps and trials of settings; only for plain dense networks.
    public var tunesActivations = false
    public var steps = 12
    public var trials = 8
    public init() {}
  }

  public struct Report: Codable, Sendable {
    public var network: String
    /// Numbers in weight matrices and kernels, and how many of them are left.
    public var weights: Int
    public var kept: Int
    /// Accuracy, or 1 - (squared error)/(variance), on the test part.
    public var before: Double
    public var pruned: Double
    public var tuned: Double
    /// How the result was trained.
    public var settings: FineTuning
    public var operators: [String]
  }

  private let data: Split
  private let options: Options
  private let isClassification: Bool

  /// - `data`: as the network wants it, standardized
  public init(_ data: Split, _ options: Options) {
    self.data = data
    self.options = options
    isClassification = data.train.isClassification
  }

  private var loss: any Loss { isClassification ? CrossEntropy() : MeanSquaredError() }

  /// Prunes and trains on.
  /// - `onProgress`: told the share done; may throw to end the work
  /// - Throws: `LearningRuleError` if nothing of a layer would be left; `TrainingError` if training diverged; `NetworkError`
  public func run(
    _ specification: NetworkSpecification, _ start: Variables,
    onProgress: @escaping (Double, String) throws -> Void = { _, _ in }
  ) throws -> (specification: NetworkSpecification, variables: Variables, report: Report) {
    let masks = try MagnitudePruning(ratio: options.ratio, extent: options.extent).masks(start.parameters)
    let sparse = Variables(parameters: start.parameters.masked(masks), state: start.state)
    let total = Double(options.tunesActivations ? options.steps + 1 + options.trials * options.epochs : options.epochs)
    var done = 0.0
    func tick(_ epochs: Int, _ text: String) throws {
      try onProgress(min(1, done / total), text)
      done += Double(epochs)
    }

    var best: (specification: NetworkSpecification, variables: Variables, settings: FineTuning, score: Double)?
    func attempt(_ specification: NetworkSpecification, _ settings: FineTuning) throws -> Double? {
      guard let variables = try trained(specification, sparse, masks, settings, epochs: options.epochs) else {
        return nil
      }
      let score = try score(specification, variables, data.validation)
      if score > best?.score ?? -.infinity { best = (specification, variables, settings, score) }
      return score
    }
    if options.tunesActivations {
      guard let layers = specification.hiddenLayers else {
        throw TrainingError(
          "\(specification.name): activations are searched for plain dense networks (mlp, mlp-deep, mlp-N)")
      }
      let search = SparseActivationSearch(steps: options.steps)
      let found = try search.run(units: [Int](repeating: 1, count: layers), seed: UInt64(options.seed)) { state in
        try tick(1, state.map(\.[0].rawValue).joined(separator: ", "))
        let candidate = try specification.with(operators: state.map(\.[0]))
        guard let variables = try trained(candidate, sparse, masks, FineTuning(), epochs: 1) else { return .infinity }
        return try -score(candidate, variables, data.validation)
      }
      let chosen = try specification.with(operators: found.operators.map(\.[0]))
      var settings = FineTuning.search(trials: options.trials, seed: UInt64(options.seed))
      for _ in 0..<options.trials {
        let point = settings.next()
        let tuning = FineTuning(point)
        try tick(options.epochs, tuning.description)
        settings.observe(point, try attempt(chosen, tuning).map { -$0 } ?? .infinity)
      }
    } else {
      try tick(options.epochs, "training on")
      _ = try attempt(specification, FineTuning())
    }
    guard let best else { throw TrainingError("training of the pruned network diverged") }
    let report = Report(
      network: best.specification.description, weights: masks.leaves.reduce(0) { $0 + $1.count },
      kept: masks.leaves.reduce(0) { $0 + Int($1.sum().doubles[0]) },
      before: try score(specification, start, data.test), pruned: try score(specification, sparse, data.test),
      tuned: try score(best.specification, best.variables, data.test), settings: best.settings,
      operators: best.specification.operators?.map(\.rawValue) ?? [])
    return (best.specification, best.variables, report)
  }

  private func network(_ specification: NetworkSpecification) -> Network {
    Network(specification, input: Shape([1] + data.train.sampleShape), outputs: data.train.outputCount)
  }

  /// Trains the weights on, those removed kept at zero; scales of operators begin at one. Nil if training diverged.
  private func trained(
    _ specification: NetworkSpecification, _ start: Variables, _ masks: Parameters, _ settings: FineTuning, epochs: Int
  ) throws -> Variables? {
    let network = network(specification)
    let loader = DataLoader(
      data.train, batchSize: min(options.batch, data.train.count), seed: UInt64(options.seed), dropsLast: true)
    let trainer = Trainer(
      network, loss: loss, optimizer: settings.optimizer, schedule: settings.schedule(epochs * loader.batchCount),
      seed: options.seed)
    trainer.projection = { $0.masked(masks) }
    trainer.plateau = settings.plateau
    let fresh = network.initialized(for: Shape([1] + data.train.sampleShape), key: Key(options.seed))
    trainer.variables = Variables(
      parameters: fresh.parameters.map { start.parameters[$0] ?? $1 }, state: start.state)
    do {
      try trainer.fit(
        loader, validation: trainer.plateau == nil ? nil : DataLoader(data.validation, batchSize: 256),
        for: .epochs(epochs))
    } catch is NonFiniteLoss { return nil }
    return trainer.variables
  }

  private func score(_ specification: NetworkSpecification, _ variables: Variables, _ part: LabeledData) throws
    -> Double
  {
    let found = try Inference(network(specification), loss, isClassification ? [.accuracy] : []).evaluate(
      variables, DataLoader(part, batchSize: min(256, part.count)))
    if isClassification { return found.metrics["accuracy"] ?? .nan }
    guard case .values(let values, _) = part.target else { return .nan }
    let targets = Tensor(values)
    return 1 - found.loss / targets.variance().doubles[0]
  }
}
