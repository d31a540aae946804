import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// Variants of a network trained alike: each with every learning rate and every seed; the rate with the best mean validation
/// score is kept, and its runs are judged on the test part.
///
/// A seed decides the initial weights and the order of the batches, which all variants see alike.
public struct TrainingStudy: Sendable {
  public struct Variant: Sendable {
    public var name: String
    public var network: any Layer
    /// In place of the study's.
    public var optimizer: (any Optimizer)?

    public init(_ name: String, _ network: any Layer, optimizer: (any Optimizer)? = nil) {
      self.name = name
      self.network = network
      self.optimizer = optimizer
    }
  }

  /// How a variant fared with the rate that was chosen.
  public struct Outcome: Sendable {
    public var name: String
    public var learningRate: Double
    /// One for each seed; not a number where training diverged.
    public var test: [Double]
    public var validation: [Double]
    /// For each seed, the training loss after each epoch.
    public var trainingLoss: [[Double]]
    public var validationCurve: [[Double]]
    /// Mean validation score of each rate.
    public var sweep: [(rate: Double, score: Double)]
    /// Seconds of training of one run, the mean.
    public var seconds: Double
    /// The trained weights of each seed.
    public var variables: [Variables?]

    /// An outcome without runs yet.
    public init(_ name: String, learningRate: Double) {
      self.name = name
      self.learningRate = learningRate
      (test, validation, trainingLoss, validationCurve, sweep, seconds, variables) = ([], [], [], [], [], 0, [])
    }

    public var estimate: Estimate { Estimate(of: test.filter(\.isFinite)) }
    /// Whether every seed's training stayed finite.
    public var isComplete: Bool { test.allSatisfy(\.isFinite) }
  }

  public var split: Split
  public var learningRates: [Double]
  public var epochs: Int
  public var batch: Int
  public var optimizer: any Optimizer
  public var schedule: @Sendable (Double) -> Schedule
  public var clipping: GradientClipping?
  public var loss: any Loss
  /// What is compared: the metric of this name, larger is better; nil compares the loss, smaller is better.
  public var metric: RunningMetric?

  /// A study of classification by accuracy, with Adam and a cosine schedule.
  public init(_ split: Split, learningRates: [Double], epochs: Int, batch: Int = 128) {
    self.split = split
    self.learningRates = learningRates
    self.epochs = epochs
    self.batch = batch
    optimizer = Adam()
    schedule = { .cosine($0) }
    loss = CrossEntropy()
    metric = .accuracy
  }

  /// Trains all variants.
  /// - Throws: `ReproductionInterrupted`, `DataError`
  public func run(_ variants: [Variant], _ run: ReproductionRun) throws -> [Outcome] {
    let rates = run.isSmoke ? Array(learningRates.prefix(1)) : learningRates
    let total = Double(variants.count * rates.count * run.seeds)
    return try variants.enumerated().map { i, variant in
      var best: Outcome?
      var sweep: [(rate: Double, score: Double)] = []
      for (j, rate) in rates.enumerated() {
        var outcome = Outcome(variant.name, learningRate: rate)
        for seed in 0..<run.seeds {
          let done = Double((i * rates.count + j) * run.seeds + seed)
          try train(variant, rate, seed, &outcome) { fraction in
            try run.report((done + fraction) / total, "\(variant.name): learning rate \(rate), seed \(seed)")
          }
        }
        outcome.seconds /= Double(run.seeds)
        let score = outcome.validation.mean
        sweep.append((rate, score))
        if best == nil || isBetter(score, best!.validation.mean) { best = outcome }
      }
      best!.sweep = sweep
      return best!
    }
  }

  /// Not a number is worse than any number.
  private func isBetter(_ a: Double, _ b: Double) -> Bool {
    guard a.isFinite else { return false }
    guard b.isFinite else { return true }
    return metric == nil ? a < b : a > b
  }

  private func train(
    _ variant: Variant, _ rate: Double, _ seed: Int, _ outcome: inout Outcome,
    onProgress: (Double) throws -> Void
  ) throws {
    let loader = DataLoader(
      split.train, batchSize: min(batch, split.train.count), seed: UInt64(seed), dropsLast: true, prefetch: 0)
    let trainer = Trainer(
      variant.network, loss: loss, optimizer: variant.optimizer ?? optimizer, schedule: schedule(rate),
      metrics: metric.map { [$0] } ?? [], clipping: clipping, seed: seed)
    let steps = Double(epochs * loader.batchCount)
    var (losses, curve) = ([Double](), [Double]())
    var validation = Double.nan
    do {
      try trainer.fit(loader, validation: evaluationLoader(split.validation), for: .epochs(epochs)) { event in
        switch event {
        case .step(let progress):
          // Often enough for a bar, seldom enough to cost nothing.
          if progress.step % 16 == 0 { try onProgress(Double(progress.step) / steps) }
        case .checkpoint: break
        case .epoch(let summary):
          outcome.seconds += summary.seconds
          losses.append(summary.trainingLoss)
          validation = score(summary.validationLoss ?? .nan, summary.validationMetrics)
          curve.append(validation)
        }
        return .proceed
      }
      let evaluation = try trainer.evaluate(evaluationLoader(split.test))
      outcome.test.append(score(evaluation.loss, evaluation.metrics))
    } catch is NonFiniteLoss {
      validation = .nan
      outcome.test.append(.nan)
    }
    outcome.validation.append(validation)
    outcome.trainingLoss.append(losses)
    outcome.validationCurve.append(curve)
    outcome.variables.append(trainer.variables)
  }

  private func score(_ loss: Double, _ metrics: [String: Double]) -> Double {
    metric.map { metrics[$0.name] ?? .nan } ?? loss
  }

  private func evaluationLoader(_ part: LabeledData) -> DataLoader {
    DataLoader(part, batchSize: min(512, part.count), prefetch: 0)
  }
}
