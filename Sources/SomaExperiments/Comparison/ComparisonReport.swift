import Foundation

/// What a comparison found, from the store's records.
public struct ComparisonReport: Codable, Sendable {
  /// A candidate's scores and costs.
  public struct Entry: Codable, Sendable {
    public var candidate: String
    /// The place in the ranking, from 1.
    public var rank: Int
    public var isBaseline: Bool
    /// The network with its width.
    public var network: String
    public var parameters: Int
    /// How far the parameters are from the budget, as a share of it.
    public var parameterDeviation: Double
    /// Chosen on the validation part; nil if training diverged at every rate.
    public var learningRate: Double?
    /// Accuracy or R² on the test part; nil if no trial finished.
    public var testScore: Estimate?
    public var testLoss: Estimate?
    /// In the target's unit; regression only.
    public var testRMSE: Estimate?
    public var validationScore: Estimate?
    /// Test scores by seed, 1 first; nil where training diverged.
    public var scores: [Double?]
    /// The mean over seeds of the score's difference from the baseline's with the same seed.
    public var difference: Estimate?
    /// Of the paired t-test against the baseline; of the signed-rank test if the difference is the same with every seed.
    public var pValue: Double?
    /// The same, adjusted for the number of candidates by Holm's rule.
    public var adjustedPValue: Double?
    /// Of Wilcoxon's signed-rank test against the baseline, not adjusted.
    public var wilcoxonPValue: Double?
    public var divergedTrials: Int
    /// Seconds of training of a trial.
    public var trainingSeconds: Estimate?
    /// Operations of a forward pass for a sample.
    public var operations: Int
    /// Median seconds of a forward pass for one sample, and for `batch`.
    public var latency: Double
    public var batchLatency: Double
    public var batch: Int
    /// Bytes that a training step needs.
    public var memoryBytes: Int
    /// Bytes that a forward pass for `batch` samples needs.
    public var inferenceMemoryBytes: Int
    public var curve: Curve
    /// Validation scores of the sweep (the last quarter of the epochs), by learning rate; nil where training diverged.
    public var tuning: [TuningPoint]
  }

  public struct TuningPoint: Codable, Sendable {
    public var learningRate: Double
    public var validationScore: Double?
  }

  /// Means over seeds for each epoch, with the ends of their 95 % intervals.
  public struct Curve: Codable, Sendable {
    public var validationScore: [Estimate] = []
    public var trainingLoss: [Estimate] = []
  }

  public var experimentID: Int64
  public var created: Date
  public var version: String
  public var machine: String
  public var settings: ComparisonSettings
  /// The best first.
  public var entries: [Entry]
  /// What a reader should know before trusting the numbers.
  public var notes: [String]

  /// The adjusted probability below which a difference is called significant.
  public static let significance = 0.05

  /// The finished tuning trial whose rate is kept. Scores are those of the last quarter of the epochs; the best of all epochs
  /// would favour rates whose scores jump about. Accuracies within a standard error of the best cannot be told apart on
  /// so few samples: among them the smallest loss decides (after the one-standard-error rule; Breiman et al. 1984).
  static func bestTuning(_ trials: [Trial], _ data: ComparisonSettings.Data) -> Trial? {
    let finished = trials.filter {
      $0.status == .finished && $0.purpose == .tuning && $0.metrics["settledScore"] != nil
    }
    guard let best = finished.compactMap({ $0.metrics["settledScore"] }).max() else { return nil }
    let error = data.task == .classification ? (best * (1 - best) / Double(data.validationCount)).squareRoot() : 0
    return finished.filter { $0.metrics["settledScore"]! >= best - error }
      .min { ($0.metrics["settledLoss"] ?? .infinity) < ($1.metrics["settledLoss"] ?? .infinity) }
  }

  /// Reads the trials of a comparison. One that is not finished gives a preliminary result, with a note.
  /// - Throws: `StoreError`
  public init(experiment id: Int64, in store: RunStore) throws {
    let experiment = try store.experiment(id)
    guard experiment.kind == "compare",
      let settings = try? JSONDecoder().decode(ComparisonSettings.self, from: Data(experiment.settings.utf8))
    else { throw StoreError(store.path, "run \(id) is no comparison that this version can read") }
    experimentID = id
    created = experiment.created
    version = experiment.version
    machine = experiment.machine
    self.settings = settings
    let trials = try store.trials(of: id)
    let costs = Dictionary(try store.measurements(of: id).map { ($0.candidate, $0) }, uniquingKeysWith: { $1 })
    let grouped = Dictionary(grouping: trials, by: \.candidate)
    entries = settings.candidates.map { name in
      Entry(name, grouped[name] ?? [], costs[name], settings)
    }
    notes = []
    test()
    rank()
    notes = remarks(grouped, isFinished: experiment.status == .finished)
  }

  /// Tests each candidate against the first, paired by seed.
  private mutating func test() {
    guard let baseline = entries.first else { return }
    for i in entries.indices.dropFirst() {
      let pairs = zip(entries[i].scores, baseline.scores).compactMap { a, b in
        if let a, let b { (a, b) } else { nil as (Double, Double)? }
      }
      guard !pairs.isEmpty else { continue }
      let (own, base) = (pairs.map(\.0), pairs.map(\.1))
      let differences = zip(own, base).map { $0 - $1 }
      let ranks = wilcoxonSignedRankTest(own, base)?.pValue
      entries[i].difference = Estimate(of: differences)
      entries[i].wilcoxonPValue = ranks
      // The same difference with every seed (few test samples): a t-test would be certain of it for lack of spread.
      let hasSpread = (differences.max() ?? 0) - (differences.min() ?? 0) > 1e-12
      entries[i].pValue = hasSpread ? pairedTTest(own, base)?.pValue : pairs.count > 1 ? ranks ?? 1 : nil
    }
    let adjusted = holmAdjusted(entries.map { $0.pValue ?? .nan })
    for i in entries.indices where !adjusted[i].isNaN { entries[i].adjustedPValue = adjusted[i] }
  }

  private mutating func rank() {
    entries.sort { ($0.testScore?.mean ?? -.infinity) > ($1.testScore?.mean ?? -.infinity) }
    for i in entries.indices { entries[i].rank = i + 1 }
  }

  private func remarks(_ trials: [String: [Trial]], isFinished: Bool) -> [String] {
    var notes: [String] = []
    if !isFinished { notes.append("Not all trials are done: the numbers are preliminary.") }
    let odd = entries.filter { abs($0.parameterDeviation) > 0.02 }
    if odd.count > 8 {
      notes.append(
        "\(odd.count) candidates are more than 2 % from the budget of \(settings.parameters) parameters, since their widths allow nothing closer: \(Self.text(names: odd.map(\.candidate)))."
      )
    }
    let erratic = entries.filter { $0.learningRate != nil && $0.divergedTrials > 0 }
    if erratic.count > 8 {
      notes.append(
        "\(erratic.count) candidates diverged in some of their trials and have the mean of the others: \(Self.text(names: erratic.map(\.candidate)))."
      )
    }
    let lost = entries.filter { $0.learningRate == nil && !(trials[$0.candidate] ?? []).isEmpty }
    if lost.count > 8, isFinished {
      notes.append(
        "\(lost.count) candidates diverged at every learning rate: \(Self.text(names: lost.map(\.candidate))).")
    }
    for entry in entries {
      if odd.count <= 8, abs(entry.parameterDeviation) > 0.02 {
        let share = String(format: "%+.1f", entry.parameterDeviation * 100)
        notes.append(
          "\(entry.candidate) has \(entry.parameters) parameters, \(share) % from the budget of \(settings.parameters): its widths allow nothing closer."
        )
      }
      if entry.learningRate == nil && !(trials[entry.candidate] ?? []).isEmpty && isFinished {
        if lost.count <= 8 { notes.append("\(entry.candidate) diverged at every learning rate.") }
      } else if entry.divergedTrials > 0, erratic.count <= 8 {
        notes.append(
          "\(entry.candidate) diverged in \(entry.divergedTrials) of \(settings.seeds) trials; its score is the mean of the others."
        )
      }
    }
    let atEnds = entries.filter { entry in
      guard let rate = entry.learningRate, settings.learningRates.count > 2 else { return false }
      return rate == settings.learningRates.min() || rate == settings.learningRates.max()
    }
    if !atEnds.isEmpty {
      let names = Self.text(names: atEnds.map(\.candidate))
      notes.append(
        "The best learning rate of \(names) is at an end of the sweep: a rate beyond it may be better.")
    }
    if settings.seeds < 5 && settings.seeds > 1 {
      notes.append("With \(settings.seeds) seeds the intervals are wide and the tests find only large differences.")
    } else if settings.seeds == 1 {
      notes.append("One seed tells nothing of the spread: there are no intervals and no tests.")
    }
    notes.append(
      "Intervals and tests cover initial weights and the order of the data. They do not cover the division of the samples, nor the learning rate, which one sweep with one seed chose: another choice can move a candidate by as much as the differences shown."
    )
    return notes
  }
}

extension ComparisonReport.Entry {
  init(_ name: String, _ trials: [Trial], _ cost: Measurement?, _ settings: ComparisonSettings) {
    candidate = name
    rank = 0
    isBaseline = name == settings.candidates.first
    network = cost?.network ?? name
    parameters = cost?.parameters ?? 0
    parameterDeviation =
      cost.map { Double($0.parameters - settings.parameters) / Double(max(settings.parameters, 1)) } ?? 0
    let isTuned = trials.count { $0.purpose == .tuning } == settings.learningRates.count
    let rate = isTuned ? ComparisonReport.bestTuning(trials, settings.data)?.learningRate : nil
    learningRate = rate
    let final = trials.filter { $0.purpose == .final && $0.learningRate == rate }.sorted { $0.seed < $1.seed }
    let finished = final.filter { $0.status == .finished }
    func estimate(_ values: [Double]) -> Estimate? { values.isEmpty ? nil : Estimate(of: values) }
    func estimate(_ metric: String) -> Estimate? { estimate(finished.compactMap { $0.metrics[metric] }) }
    testScore = estimate("testScore")
    testLoss = estimate("testLoss")
    testRMSE = estimate("testRMSE")
    validationScore = estimate("validationScore")
    scores = (1...max(1, settings.seeds)).map { seed in
      finished.first { $0.seed == seed }?.metrics["testScore"]
    }
    divergedTrials = final.count - finished.count
    trainingSeconds = estimate(finished.map(\.trainingSeconds))
    operations = cost?.operations ?? 0
    latency = cost?.latency ?? 0
    batchLatency = cost?.batchLatency ?? 0
    batch = cost?.batch ?? 0
    memoryBytes = final.map(\.memoryBytes).max() ?? 0
    inferenceMemoryBytes = cost?.inferenceMemoryBytes ?? 0
    tuning = trials.filter { $0.purpose == .tuning }.sorted { $0.learningRate < $1.learningRate }.map {
      ComparisonReport.TuningPoint(learningRate: $0.learningRate, validationScore: $0.metrics["settledScore"])
    }
    curve = ComparisonReport.Curve()
    for epoch in 0..<(finished.map(\.curve.count).min() ?? 0) {
      let scores = finished.compactMap { $0.curve[epoch].validationScore }
      let losses = finished.compactMap { $0.curve[epoch].trainingLoss }
      if let mean = estimate(scores) { curve.validationScore.append(mean) }
      if let mean = estimate(losses) { curve.trainingLoss.append(mean) }
    }
  }

  /// Whether the difference from the baseline is significant after adjustment.
  public var isSignificant: Bool { (adjustedPValue ?? 1) < ComparisonReport.significance }
}

extension ComparisonReport {
  /// Keys sorted, dates in ISO 8601.
  public func json() throws -> String { try Self.json(self) }

  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
