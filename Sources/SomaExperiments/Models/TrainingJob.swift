import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// One network trained on one data set: what `soma train` does.
public struct TrainingJob: Sendable {
  public enum Source: Sendable {
    /// A data set's name, or a path of a table, an archive or a folder of images.
    case samples(String, target: String?, task: TabularEncoding.Task?)
    /// A text file; the network predicts the next token.
    case text(String, level: TextCorpus.Level, context: Int)
  }

  public enum Duration: Sendable {
    case epochs(Int)
    case steps(Int)
  }

  public var source: Source
  public var network: String
  /// Scales the network's width if given.
  public var parameters: Int?
  public var duration = Duration.epochs(20)
  public var batchSize = 64
  /// Nil: what is customary for the optimizer.
  public var learningRate: Double?
  public var optimizer = OptimizerChoice.adamw
  public var weightDecay: Double?
  public var labelSmoothing = 0.0
  public var clipping: Double?
  public var augments = false
  public var validationShare = 0.1
  public var testShare = 0.1
  public var seed = 0
  public var checkpoint: String?
  public var resumes = false
  public var patience: Int?
  /// Trains so that each record stays hidden (`DPSGD`); nil trains as usual.
  public var privacy: Privacy?

  /// What the trained network may give away about any one record of the training part.
  public struct Privacy: Sendable, Hashable {
    public var epsilon: Double
    public var delta: Double
    public init(epsilon: Double, delta: Double = 1e-5) {
      self.epsilon = epsilon
      self.delta = delta
    }
  }

  public init(source: Source, network: String) {
    self.source = source
    self.network = network
  }

  /// What a job found.
  public struct Report: Codable, Sendable {
    public var network: String
    public var parameters: Int
    public var samples: [String: Int]
    public var steps: Int
    public var seconds: Double
    public var ending: String
    /// Scores of the parts: `validation`, `test`.
    public var scores: [String: [String: Double]]
    public var history: [EpochSummary]
    public var stepMemoryBytes: Int
    /// The noise over the clipping norm, and the share of examples clipped at the end, of private training.
    public var noiseMultiplier: Double?
    public var clippedShare: Double?
  }

  public enum Event: Sendable {
    case prepared(network: String, parameters: Int, samples: [String: Int])
    case training(TrainingEvent)
  }

  /// Trains, evaluates the test part once, and returns the model.
  /// - Parameter onEvent: called as the run goes; may end it.
  /// - Throws: `DataError`, `NetworkError`, `TrainingError`, `NonFiniteLoss`.
  public func run(onEvent: (Event) throws -> TrainingControl = { _ in .proceed }) throws -> (SavedModel, Report) {
    let prepared = try prepare()
    let specification = try scaled(prepared)
    let input = Shape([batchSize] + prepared.description.sampleShape)
    let network = Network(specification, input: input, outputs: prepared.description.outputs)
    let parameters = specification.parameterCount(input: input, outputs: prepared.description.outputs)
    let samples = [
      "training": prepared.training.count, "validation": prepared.validation.count, "test": prepared.test.count,
    ]
    _ = try onEvent(.prepared(network: specification.description, parameters: parameters, samples: samples))

    if let privacy {
      return try runPrivately(privacy, prepared, specification, network, parameters, samples, onEvent)
    }
    let rate = learningRate ?? optimizer.customaryRate
    let training = DataLoader(
      prepared.training, batchSize: min(batchSize, prepared.training.count), seed: UInt64(truncatingIfNeeded: seed),
      dropsLast: true, augmentations: augments ? [RandomFlip(), RandomCrop(padding: 2)] : [])
    let total =
      switch duration {
      case .epochs(let count): count * training.batchCount
      case .steps(let count): count
      }
    let trainer = Trainer(
      network, loss: prepared.loss(labelSmoothing), optimizer: optimizer.optimizer(weightDecay: weightDecay),
      schedule: .cosine(rate, final: rate * 0.01).warmedUp(min(200, total / 20)), metrics: prepared.metrics,
      clipping: clipping.map { .globalNorm($0) }, seed: seed)
    if let patience { trainer.earlyStopping = EarlyStopping(patience: patience) }
    if let checkpoint {
      trainer.checkpoints = CheckpointPolicy(path: checkpoint)
      if resumes { try trainer.load(from: checkpoint) }
    }
    let evaluationBatch = prepared.description.task == .text ? batchSize : 256
    let validation = DataLoader(prepared.validation, batchSize: min(evaluationBatch, prepared.validation.count))
    let start = ContinuousClock.now
    let result = try trainer.fit(
      training, validation: validation,
      for: {
        switch duration {
        case .epochs(let count): .epochs(count)
        case .steps(let count): .steps(count)
        }
      }()
    ) { try onEvent(.training($0)) }
    let elapsed = ContinuousClock.now - start

    var scores: [String: [String: Double]] = [:]
    for (name, part) in [("validation", prepared.validation), ("test", prepared.test)] where part.count > 0 {
      let evaluation = try trainer.evaluate(DataLoader(part, batchSize: min(evaluationBatch, part.count)))
      scores[name] = evaluation.metrics.merging(["loss": evaluation.loss]) { $1 }
    }
    guard let variables = trainer.variables else { throw TrainingError("no step was done") }
    var description = prepared.description
    description.network = specification.description
    let report = Report(
      network: specification.description, parameters: parameters, samples: samples, steps: result.steps,
      seconds: elapsed / .seconds(1), ending: result.ending.rawValue, scores: scores, history: result.epochs,
      stepMemoryBytes: trainer.stepMemory?.total ?? 0)
    return (SavedModel(description, variables), report)
  }

  /// Batches drawn at random, gradients clipped to `clipping` (1 if nil), noise for the wanted (ε, δ). Standardization by
  /// the training part is not hidden.
  private func runPrivately(
    _ privacy: Privacy, _ prepared: Prepared, _ specification: NetworkSpecification, _ network: Network,
    _ parameters: Int, _ samples: [String: Int], _ onEvent: (Event) throws -> TrainingControl
  ) throws -> (SavedModel, Report) {
    guard let data = prepared.training as? LabeledData else {
      throw TrainingError("private training hides samples; a text is one sequence and has none")
    }
    guard privacy.delta < 1 / Double(data.count) else {
      throw TrainingError("δ = \(privacy.delta) must be below 1/\(data.count), one over the number of records")
    }
    let perEpoch = max(1, data.count / batchSize)
    let steps =
      switch duration {
      case .epochs(let count): count * perEpoch
      case .steps(let count): count
      }
    let sampling = min(1, Double(batchSize) / Double(data.count))
    let noise = try PrivacyAccountant.noiseMultiplier(
      epsilon: privacy.epsilon, delta: privacy.delta, samplingRate: sampling, steps: steps)
    let rule = try DPSGD(
      clip: clipping ?? 1, noise: noise, samplingRate: sampling,
      optimizer: optimizer.optimizer(weightDecay: weightDecay))
    let rate = learningRate ?? optimizer.customaryRate
    let start = ContinuousClock.now
    var done = 0
    let fit = try rule.fit(
      network, loss: prepared.loss(labelSmoothing), data, learningRate: rate, steps: steps, seed: seed
    ) { step in
      done = step
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let progress = TrainingProgress(
        epoch: (step - 1) / perEpoch, step: step, totalSteps: steps, loss: .nan, learningRate: rate,
        samplesPerSecond: Double(step * batchSize) / seconds, secondsLeft: seconds / Double(step) * Double(steps - step)
      )
      return try onEvent(.training(.step(progress))) == .proceed
    }
    var scores: [String: [String: Double]] = [:]
    let inference = Inference(network, prepared.loss(labelSmoothing), prepared.metrics)
    for (name, part) in [("validation", prepared.validation), ("test", prepared.test)] where part.count > 0 {
      let evaluation = try inference.evaluate(fit.variables, DataLoader(part, batchSize: min(256, part.count)))
      scores[name] = evaluation.metrics.merging(["loss": evaluation.loss]) { $1 }
    }
    var description = prepared.description
    description.network = specification.description
    let ending = done < steps ? TrainingEnding.stopped : .completed
    let report = Report(
      network: specification.description, parameters: parameters, samples: samples, steps: done,
      seconds: (ContinuousClock.now - start) / .seconds(1), ending: ending.rawValue, scores: scores, history: [],
      stepMemoryBytes: 0, noiseMultiplier: noise,
      clippedShare: fit.clippedShares.last.flatMap { $0.isFinite ? $0 : nil })
    return (SavedModel(description, fit.variables), report)
  }

  private func scaled(_ prepared: Prepared) throws -> NetworkSpecification {
    let specification = try NetworkSpecification(parsing: network)
    guard specification.readsSymbols == (prepared.description.task == .text) else {
      throw TrainingError(
        specification.readsSymbols
          ? "\(network) reads text; give it one with --text" : "\(network) does not read text; gpt and lstm do")
    }
    guard let parameters else { return specification }
    return try specification.scaled(
      toParameters: parameters, input: Shape([1] + prepared.description.sampleShape),
      outputs: prepared.description.outputs)
  }

  // MARK: Data

  private struct Prepared {
    var description: SavedModel.Description
    var training: any Dataset
    var validation: any Dataset
    var test: any Dataset

    func loss(_ smoothing: Double) -> any Loss {
      description.task == .regression ? MeanSquaredError() : CrossEntropy(labelSmoothing: smoothing)
    }

    var metrics: [RunningMetric] {
      switch description.task {
      case .classification: [.accuracy]
      case .regression: [.rootMeanSquaredError]
      case .text: [.bitsPerCharacter()]
      }
    }
  }

  private func prepare() throws -> Prepared {
    switch source {
    case .text(let path, let level, let context): return try prepareText(path, level, context)
    case .samples(let name, let target, let task): return try prepareSamples(name, target, task)
    }
  }

  private func prepareText(_ path: String, _ level: TextCorpus.Level, _ context: Int) throws -> Prepared {
    let corpus = try TextCorpus.read(path, level: level)
    let (train, test) = corpus.split(test: testShare)
    let tests = try test.windows(length: context)
    // Watching the run must not cost much of it: a few hundred windows of the held-out text tell enough.
    let watched = stride(from: 0, to: tests.count, by: max(1, tests.count / 256)).map { $0 }
    return Prepared(
      description: SavedModel.Description(
        network: network, task: .text, sampleShape: [context], outputs: corpus.vocabulary.count, data: corpus.name,
        vocabulary: corpus.vocabulary),
      training: try train.windows(length: context, stride: max(1, context / 2)),
      validation: DatasetSubset(tests, watched), test: tests)
  }

  private func prepareSamples(_ name: String, _ target: String?, _ task: TabularEncoding.Task?) throws -> Prepared {
    var encoding: TabularEncoding?
    let parts: DataSet.Parts
    if SavedModel.isTable(name), !DataSet.all.contains(where: { $0.name == name }) {
      let table = try CSV.read(name)
      guard let last = table.columns.last else { throw DataError(name, "has no columns") }
      let fitted = try TabularEncoding(fitting: table, target: target ?? last.name, task: task)
      encoding = fitted
      parts = DataSet.Parts(train: try fitted.labeled(table))
    } else {
      parts = try DataSet.open(name, target: target, task: task)
    }
    let raw = parts.split(validation: validationShare, test: testShare, seed: UInt64(truncatingIfNeeded: seed))
    guard raw.train.count >= 2, raw.validation.count >= 1, raw.test.count >= 1 else {
      throw DataError(name, "\(parts.train.count) samples are too few for a training, a validation and a test part")
    }
    let (split, features) = raw.standardized()
    let mapped = split.standardizingTargets()
    let final = mapped?.split ?? split
    var targetNames: [String] = []
    if case .values(_, let names) = raw.train.target { targetNames = names }
    return Prepared(
      description: SavedModel.Description(
        network: network, task: raw.train.isClassification ? .classification : .regression,
        sampleShape: raw.train.sampleShape.dimensions, outputs: raw.train.outputCount, data: parts.train.name,
        classNames: raw.train.classNames, targetNames: targetNames, features: features,
        targets: mapped?.standardization, encoding: encoding),
      training: final.train, validation: final.validation, test: final.test)
  }
}

extension OptimizerChoice {
  /// The rate to begin with where nothing is known of the problem.
  public var customaryRate: Double {
    switch self {
    case .adam, .adamw, .nadam, .radam: 1e-3
    case .rmsprop: 3e-4
    case .lion: 1e-4
    case .sgd: 0.1
    case .momentum: 0.05
    }
  }

  /// - Parameter weightDecay: nil is the optimizer's own.
  func optimizer(weightDecay: Double?) -> any Optimizer {
    guard let weightDecay else { return optimizer }
    switch self {
    case .adam: return Adam(weightDecay: weightDecay)
    case .adamw: return AdamW(weightDecay: weightDecay)
    case .nadam: return NAdam(weightDecay: weightDecay)
    case .radam: return RAdam(weightDecay: weightDecay)
    case .rmsprop: return RMSprop(weightDecay: weightDecay)
    case .lion: return Lion(weightDecay: weightDecay)
    case .sgd: return SGD(weightDecay: weightDecay)
    case .momentum: return SGD(momentum: 0.9, weightDecay: weightDecay)
    }
  }
}
