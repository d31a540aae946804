import Soma
import SomaData
import SomaNetworks

/// Trains a network: takes batches, runs the compiled step, watches the loss, keeps checkpoints. For one task at a time.
///
/// The step is one graph for each shape of batch (forward, backward, clipping, update, averages, sums of the metrics), its
/// state updated in place. A last batch with fewer samples has a graph of its own; `DataLoader.dropsLast` leaves it out.
///
/// ```swift
/// let trainer = Trainer(network, loss: CrossEntropy(), optimizer: AdamW(), schedule: .cosine(1e-3))
/// trainer.metrics = [.accuracy]
/// try trainer.fit(DataLoader(split.train, batchSize: 64, seed: 1), validation: DataLoader(split.validation, batchSize: 256),
///                 for: .epochs(20))
/// ```
public final class Trainer {
  public let network: any Layer
  public let loss: any Loss
  public let optimizer: any Optimizer
  public let schedule: Schedule
  public let clipping: GradientClipping?
  public let averaging: WeightAveraging?
  public let metrics: [RunningMetric]
  /// The seed of initial weights and of the randomness in layers; the data's order has its own.
  public let seed: Int
  /// Each batch's gradient is computed in parts of at most this many samples, one after the other; nil: at once.
  public let microBatchSize: Int?
  /// A step that would need more bytes is refused.
  public let memoryLimit: Int?

  /// What layers report with `Scope.penalize` and training adds to the loss. Set before the first step.
  public var penalties: [ScheduledPenalty] = []
  /// What happens to the parameters after each update, beside the projections that layers ask for (masks of pruned
  /// weights). Set before the first step.
  public var projection: (@Sendable (Parameters) -> Parameters)?
  public var plateau: Plateau?
  public var earlyStopping: EarlyStopping?
  public var checkpoints: CheckpointPolicy?
  /// Steps between two `.step` events.
  public var reportInterval = 1

  var position = TrainingPosition()
  var state: TrainingState?
  /// The variables of the best epoch, while early stopping wants them.
  var best: Variables?
  var isRestored = false
  var lastCheckpoint: String?
  private var loops: [[TensorType]: CompiledLoop<TrainingState, [Tensor], [Tensor]>] = [:]
  private var current: CompiledLoop<TrainingState, [Tensor], [Tensor]>?
  private lazy var stepKey = Key(seed).folding("steps").words
  private(set) lazy var inference = Inference(network, loss, metrics, memoryLimit)

  public init(
    _ network: any Layer, loss: any Loss, optimizer: any Optimizer, schedule: Schedule, metrics: [RunningMetric] = [],
    clipping: GradientClipping? = nil, averaging: WeightAveraging? = nil, microBatchSize: Int? = nil, seed: Int = 0,
    memoryLimit: Int? = nil
  ) {
    require(Set(metrics.map(\.name)).count == metrics.count, "two metrics have the same name")
    require(microBatchSize.map { $0 > 0 } ?? true, "a part of a batch has at least one sample")
    self.network = network
    self.loss = loss
    self.optimizer = optimizer
    self.schedule = schedule
    self.metrics = metrics
    self.clipping = clipping
    self.averaging = averaging
    self.microBatchSize = microBatchSize
    self.seed = seed
    self.memoryLimit = memoryLimit
  }

  // MARK: Variables

  /// The variables to use: those of the best epoch if early stopping restored them, else with the averaged weights if there
  /// are any, else as trained. Nil before the first step. Setting them begins a new run from there.
  public var variables: Variables? {
    get {
      if isRestored, let best { return best }
      guard let state = latestState else { return nil }
      return Variables(parameters: state.average ?? state.variables.parameters, state: state.variables.state)
    }
    set {
      forgetLoops()
      state = newValue.map(begin)
      position = TrainingPosition()
      best = nil
      isRestored = false
    }
  }

  /// The variables as trained, not averaged, not restored.
  public var trainedVariables: Variables? { latestState?.variables }

  /// Steps done.
  public var stepCount: Int { position.step }
  public var history: [EpochSummary] { position.history }

  /// What a step needs in bytes, once one has been compiled.
  public var stepMemory: Executable.Memory? { current?.memory }

  var latestState: TrainingState? { current?.state ?? state }

  private func begin(_ variables: Variables) -> TrainingState {
    TrainingState(
      variables: variables, optimizer: optimizer.initialState(variables.parameters),
      average: averaging == nil ? nil : variables.parameters)
  }

  func forgetLoops() {
    loops = [:]
    current = nil
  }

  // MARK: Training

  /// Trains until `duration` is reached, from where the trainer stands: at the beginning, after an earlier `fit`, or at a
  /// loaded checkpoint.
  /// - `validation`: samples that are evaluated after each epoch
  /// - `onEvent`: called after steps, epochs and checkpoints; may end the run
  /// - Throws: `NonFiniteLoss`, what the data set or the callback throws, `DataError` if a checkpoint cannot be written,
  ///   `TrainingError` if the data is not that of the loaded checkpoint, `Executable.MemoryLimitExceeded`.
  @discardableResult
  public func fit(
    _ data: DataLoader, validation: DataLoader? = nil, for duration: TrainingDuration,
    onEvent: (TrainingEvent) throws -> TrainingControl = { _ in .proceed }
  ) throws -> TrainingResult {
    try position.join(data)
    isRestored = false
    let perEpoch = data.batchCount
    guard perEpoch > 0 else { throw TrainingError("the training data has no batch of \(data.batchSize) samples") }
    let total =
      switch duration {
      case .epochs(let count): count * perEpoch
      case .steps(let count): count
      }
    let clock = ContinuousClock()
    let start = clock.now
    let startStep = position.step
    var samples = 0
    var epochStart = clock.now
    var ending = TrainingEnding.completed

    run: while position.step < total {
      let batches = data.epoch(position.epoch, startingAt: position.batch)
      while position.step < total, let batch = try batches.next() {
        if Task.isCancelled {
          ending = .cancelled
          break run
        }
        let rate = schedule(position.step, of: total) * (plateau?.current ?? 1)
        let (loss, norm) = try step(batch, rate: rate)
        samples += batch.count
        if position.step % reportInterval == 0 || position.step == total {
          let seconds = (clock.now - start) / .seconds(1)
          let progress = TrainingProgress(
            epoch: position.epoch, step: position.step, totalSteps: total, loss: Double(loss), learningRate: rate,
            gradientNorm: Double(norm), samplesPerSecond: Double(samples) / seconds,
            secondsLeft: seconds / Double(position.step - startStep) * Double(total - position.step))
          if try onEvent(.step(progress)) == .stop {
            ending = .stopped
            break run
          }
        }
        if let every = checkpoints?.everySteps, position.step % every == 0, position.batch < perEpoch,
          try saveAndReport(onEvent) == .stop
        {
          ending = .stopped
          break run
        }
        if position.batch < perEpoch, position.step == total { break run }
      }
      // The epoch's end.
      let summary = try summarize(validation, (clock.now - epochStart) / .seconds(1))
      epochStart = clock.now
      let isLast = observe(summary) == .stop
      let afterSaving = try saveAndReport(onEvent)
      if try onEvent(.epoch(summary)) == .stop || afterSaving == .stop {
        ending = .stopped
        break
      }
      if isLast {
        ending = .stoppedEarly
        break
      }
    }
    var summaries = position.history
    if position.batch > 0, position.step > startStep {
      // The run ended inside an epoch, which a later run goes on with.
      summaries.append(try summary(validation, (clock.now - epochStart) / .seconds(1)))
      _ = try saveAndReport(onEvent)
    }
    if earlyStopping?.restoresBest == true, best != nil, ending == .completed || ending == .stoppedEarly {
      isRestored = true
    }
    return TrainingResult(epochs: summaries, ending: ending, steps: position.step)
  }

  /// One step on one batch.
  private func step(_ batch: Batch, rate: Double) throws -> (loss: Float, norm: Float) {
    let input = [batch.features, batch.targets, Tensor(rate, dtype: .float64), stepKey]
    let loop = try loop(for: input)
    loop.load(input)
    loop.step()
    let (loss, norm) = (loop.float(TrainingStep.lossIndex), loop.float(TrainingStep.normIndex))
    guard loss.isFinite, norm.isFinite else {
      let before = loop.state
      let failed = loss.isFinite ? TrainingStep.normIndex : TrainingStep.lossIndex
      let cause = NonFiniteCause(
        in: loop.graph, before.leaves + input, output: before.leaves.count + failed,
        inputNames: before.names + ["the batch's features", "the batch's targets", "the learning rate", "the key"])
      throw NonFiniteLoss(
        epoch: position.epoch, step: position.step, loss: loss, cause: cause, checkpoint: lastCheckpoint)
    }
    let weight = Double(loop.float(TrainingStep.weightIndex))
    position.lossSum += Double(loss) * weight
    position.lossWeight += weight
    for i in metrics.indices {
      position.metricSums[i] += Double(loop.float(TrainingStep.metricsIndex + 2 * i))
      position.metricWeights[i] += Double(loop.float(TrainingStep.metricsIndex + 2 * i + 1))
    }
    position.step += 1
    position.batch += 1
    position.learningRate = rate
    return (loss, norm)
  }

  /// The compiled step for a batch, its state up to date.
  private func loop(for input: [Tensor]) throws -> CompiledLoop<TrainingState, [Tensor], [Tensor]> {
    let types = input.map { TensorType(shape: $0.shape, dtype: $0.dtype) }
    if position.metricSums.isEmpty {
      position.metricSums = metrics.map { _ in 0 }
      position.metricWeights = metrics.map { _ in 0 }
    }
    if let known = loops[types] {
      if let current, current !== known { known.state = current.state }
      current = known
      return known
    }
    let state = latestState ?? begin(network.initialized(for: types[0], key: Key(seed).folding("weights")))
    let step = TrainingStep(
      network: network, loss: loss, optimizer: optimizer, clipping: clipping, averaging: averaging, metrics: metrics,
      penalties: penalties, projection: projection, parts: parts(of: input[0].shape[0]))
    let made = try CompiledLoop(state, example: input, memoryLimit: memoryLimit, step.callAsFunction)
    loops[types] = made
    current = made
    self.state = nil
    return made
  }

  /// The fewest equal parts of a batch that are small enough.
  private func parts(of count: Int) -> Int {
    guard let microBatchSize, count > microBatchSize else { return 1 }
    return (2...count).first { count % $0 == 0 && count / $0 <= microBatchSize } ?? count
  }

  // MARK: Epochs

  private func summary(_ validation: DataLoader?, _ seconds: Double) throws -> EpochSummary {
    var result = EpochSummary(
      epoch: position.epoch, steps: position.step, trainingLoss: position.lossSum / position.lossWeight,
      trainingMetrics: [:], validationLoss: nil, validationMetrics: [:], learningRate: position.learningRate,
      seconds: seconds)
    for (i, metric) in metrics.enumerated() {
      result.trainingMetrics[metric.name] = metric.finish(position.metricSums[i] / position.metricWeights[i])
    }
    if let validation {
      let evaluation = try evaluate(validation)
      result.validationLoss = evaluation.loss
      result.validationMetrics = evaluation.metrics
    }
    return result
  }

  private func summarize(_ validation: DataLoader?, _ seconds: Double) throws -> EpochSummary {
    let result = try summary(validation, seconds)
    position.endEpoch(result)
    return result
  }

  /// Tells plateau and early stopping of an epoch.
  private func observe(_ summary: EpochSummary) -> EarlyStopping.Verdict {
    let value = summary.validationLoss ?? summary.trainingLoss
    plateau?.observe(value)
    guard earlyStopping != nil else { return .waiting }
    let verdict = earlyStopping!.observe(value)
    if verdict == .improved, earlyStopping!.restoresBest { best = variables }
    return verdict
  }

  private func saveAndReport(_ onEvent: (TrainingEvent) throws -> TrainingControl) throws -> TrainingControl {
    guard let checkpoints else { return .proceed }
    try save(to: checkpoints.path)
    lastCheckpoint = checkpoints.path
    return try onEvent(.checkpoint(checkpoints.path))
  }

  // MARK: Use

  /// The mean loss and the metrics over all samples, with `variables`, without training behaviour.
  /// - Throws: what the data set throws; `TrainingError` before the first step.
  public func evaluate(_ data: DataLoader) throws -> Evaluation {
    guard let variables else { throw TrainingError("the network has no weights yet: train it or load a checkpoint") }
    return try inference.evaluate(variables, data)
  }

  /// The network's output for samples, in batches.
  /// - Throws: `TrainingError` before the first step.
  public func predict(_ features: Tensor, batchSize: Int = 256) throws -> Tensor {
    guard let variables else { throw TrainingError("the network has no weights yet: train it or load a checkpoint") }
    return try inference.predict(variables, features, batchSize: batchSize)
  }
}
