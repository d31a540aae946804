import Foundation
import Soma
import Synchronization

/// A fair comparison: every candidate gets the same number of parameters, the same learning rates to choose from on the
/// validation part, the same batches in the same order for each seed; the test part is used once at the end of each final
/// trial.
public struct FairComparison: Sendable {
  public let settings: ComparisonSettings
  public let candidates: [Candidate]
  let data: PreparedData

  /// What settings may be.
  public enum Limits {
    public static let seeds = 1...1000
    public static let epochs = 1...1_000_000
    public static let batch = 1...1_000_000
  }

  /// What may be left open.
  public struct Options: Sendable, Hashable {
    public var network = "mlp"
    /// Nil: 20,000 for dense networks, else the first candidate's own number.
    public var parameters: Int?
    public var seeds = 5
    public var epochs = 30
    public var batch = 64
    public var optimizer = OptimizerChoice.adam
    /// Nil: the optimizer's usual five.
    public var learningRates: [Double]?
    /// Nil: half of the epochs.
    public var tuningEpochs: Int?
    public init() {}
  }

  /// - Throws: `ComparisonError`, `NetworkError`, `ActivationError` for what cannot take part.
  public init(_ data: PreparedData, candidates names: [String], options: Options = Options()) throws {
    guard !names.isEmpty else { throw ComparisonError("there is nothing to compare: name an activation or a network") }
    if let twice = Dictionary(grouping: names, by: \.self).first(where: { $0.value.count > 1 })?.key {
      throw ComparisonError("\(twice) is given twice")
    }
    let specifications = try names.map { try Candidate.specification($0, network: options.network) }
    for specification in specifications { try Candidate.check(specification, data.facts) }
    let budget = options.parameters ?? Candidate.usualBudget(specifications[0], data.facts)
    self.data = data
    candidates = try zip(names, specifications).map { try Candidate($0, $1, budget: budget, data: data.facts) }
    settings = ComparisonSettings(
      data: data.facts, candidates: names, network: options.network, parameters: budget, seeds: options.seeds,
      epochs: options.epochs, batch: min(options.batch, data.facts.trainingCount), optimizer: options.optimizer,
      learningRates: options.learningRates ?? options.optimizer.learningRates,
      tuningEpochs: options.tuningEpochs ?? max(1, (options.epochs + 1) / 2))
  }

  /// Where a comparison stands.
  public struct Progress: Sendable {
    /// The share of the work that is done, 0 to 1.
    public var fraction: Double
    /// What is going on, in a few words.
    public var text: String
  }

  public enum Start: Sendable, Hashable {
    case new
    /// Some of the trials are in the store already.
    case resumed(finishedTrials: Int)
    /// All of them are.
    case stored
  }

  /// How a run ended.
  public struct Outcome: Sendable {
    public var experimentID: Int64
    public var start: Start
    /// Nil if it was interrupted.
    public var result: ComparisonReport?
    /// Trials in the store.
    public var finishedTrials: Int
  }

  /// Runs the trials that the store does not have yet, each written when it ends.
  /// - Parameters:
  ///   - jobs: trials side by side; each then has its share of the cores
  ///   - startsAnew: whether stored trials of the same settings are left alone
  ///   - shouldStop: asked after every step; what is unfinished then is given up, and a later call goes on
  ///   - onEpoch: told every epoch of every trial, also of those that the store has; may be called from several threads
  /// - Throws: `StoreError`, `Executable.MemoryLimitExceeded`, and what `onEpoch` throws.
  public func run(
    in store: RunStore, jobs: Int = 1, startsAnew: Bool = false, shouldStop: @escaping @Sendable () -> Bool = { false },
    onProgress: @escaping @Sendable (Progress) -> Void = { _ in },
    onEpoch: @escaping @Sendable (TrialEpoch) throws -> Void = { _ in }
  ) throws -> Outcome {
    let (id, trials) = try begin(in: store, startsAnew: startsAnew)
    for trial in trials {
      for epoch in trial.curve.indices { try onEpoch(TrialEpoch(stored: trial, epoch: epoch)) }
    }
    var done = Dictionary(trials.map { ($0.identity, $0) }, uniquingKeysWith: { $1 })
    let known = trials.count
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let isComplete = try runAll(id, in: store, jobs: jobs, shouldStop, onProgress, onEpoch, &done)
    try store.setStatus(isComplete ? .finished : .interrupted, of: id)
    let start: Start = known == 0 ? .new : done.count == known && isComplete ? .stored : .resumed(finishedTrials: known)
    return Outcome(
      experimentID: id, start: start, result: isComplete ? try ComparisonReport(experiment: id, in: store) : nil,
      finishedTrials: done.count)
  }

  /// The experiment to go on with, and its finished trials.
  private func begin(in store: RunStore, startsAnew: Bool) throws -> (Int64, [Trial]) {
    if !startsAnew, let known = try store.experiment(settingsHash: settings.hash), known.settings == settings.json,
      let id = known.id
    {
      if known.status != .finished { try store.setStatus(.running, of: id) }
      return (id, try store.trials(of: id))
    }
    let title = "\(settings.data.name): \(ComparisonReport.text(names: settings.candidates))"
    let experiment = try store.add(
      Experiment(
        kind: "compare", title: title, dataSet: settings.data.name, settings: settings.json, settingsHash: settings.hash
      ))
    guard let id = experiment.id else { preconditionFailure("a stored experiment has a number") }
    return (id, [])
  }

  private func runAll(
    _ id: Int64, in store: RunStore, jobs: Int, _ shouldStop: @escaping @Sendable () -> Bool,
    _ onProgress: @escaping @Sendable (Progress) -> Void, _ onEpoch: @escaping @Sendable (TrialEpoch) throws -> Void,
    _ done: inout [TrialRun.Identity: Trial]
  ) throws -> Bool {
    // Costs first, while nothing else runs.
    let measured = Set(try store.measurements(of: id).map(\.candidate))
    // Of many, each shortly.
    let milliseconds = candidates.count > ComparisonReport.mostOnSmallPage ? 20 : 100
    for candidate in candidates where !measured.contains(candidate.name) {
      if shouldStop() { return false }
      onProgress(Progress(fraction: 0, text: "measuring \(candidate.name)"))
      try store.add(try candidate.measured(data, experimentID: id, milliseconds: milliseconds))
    }
    let tuning = candidates.flatMap { candidate in
      settings.learningRates.map { rate in
        TrialRun(candidate: candidate, purpose: .tuning, seed: 0, learningRate: rate, epochs: settings.tuningEpochs)
      }
    }
    let finalEpochs = candidates.count * settings.seeds * settings.epochs
    let total = Double(tuning.reduce(0) { $0 + $1.epochs } + finalEpochs)
    let pool = TrialPool(
      data: data, settings: settings, experimentID: id, store: store, jobs: jobs, totalEpochs: total,
      shouldStop: shouldStop, onProgress: onProgress, onEpoch: onEpoch)
    guard try pool.run(tuning, &done) else { return false }
    // Seed by seed, so that an interrupted comparison has the same for all candidates.
    let rates = candidates.map { learningRate(of: $0, done) }
    let final = (1...settings.seeds).flatMap { seed in
      zip(candidates, rates).compactMap { candidate, rate in
        rate.map {
          TrialRun(candidate: candidate, purpose: .final, seed: seed, learningRate: $0, epochs: settings.epochs)
        }
      }
    }
    return try pool.run(final, &done)
  }

  /// The rate that the sweep found best; nil if training diverged at all of them.
  private func learningRate(of candidate: Candidate, _ done: [TrialRun.Identity: Trial]) -> Double? {
    let trials = settings.learningRates.compactMap { rate in
      done[
        TrialRun(candidate: candidate, purpose: .tuning, seed: 0, learningRate: rate, epochs: settings.tuningEpochs)
          .identity]
    }
    return ComparisonReport.bestTuning(trials, settings.data)?.learningRate
  }
}

extension Trial {
  var identity: TrialRun.Identity {
    TrialRun.Identity(candidate: candidate, purpose: purpose, seed: seed, learningRate: learningRate, epochs: epochs)
  }
}
