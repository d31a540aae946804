import Foundation
import Soma
import SomaLearning
import SomaNetworks

/// When a run counts as solved: a threshold, and the step whose model is judged.
public protocol SuccessCriterion: Sendable {
  var threshold: Double { get }
  /// The place in the logged errors whose model is judged.
  func bestStep(_ interpolation: [Double]) -> Int?
}

/// The step of least interpolation error among the last logged ones.
public struct BestInterpolation: SuccessCriterion, Hashable {
  public var threshold: Double
  /// How many logged evaluations count, from the end.
  public var window: Int
  public init(threshold: Double, window: Int = 5000) {
    self.threshold = threshold
    self.window = window
  }
  public func bestStep(_ interpolation: [Double]) -> Int? {
    let start = max(0, interpolation.count - window)
    return interpolation.indices[start...].filter { interpolation[$0].isFinite }.min {
      interpolation[$0] < interpolation[$1]
    }
  }
}

/// Errors of a run, logged every so many steps.
public struct ExtrapolationRun: Sendable, Hashable, Codable {
  public var steps: [Int]
  public var interpolation: [Double]
  public var extrapolation: [Double]
  /// `max |W - nearest whole number|`
  public var sparsity: [Double]

  /// What the run comes to. Numbers that are not finite count as failures.
  public func verdict(_ criterion: some SuccessCriterion) -> (
    isSolved: Bool, convergedAt: Int?, sparsity: Double?, error: Double
  ) {
    guard let best = criterion.bestStep(interpolation) else { return (false, nil, nil, .nan) }
    let error = extrapolation[best]
    guard error.isFinite, error < criterion.threshold else { return (false, nil, nil, error) }
    let first = extrapolation.firstIndex { $0 < criterion.threshold }
    return (true, first.map { steps[$0] }, sparsity[best], error)
  }
}

/// A model under test: two units in a row, where its whole-number weights lie.
public struct ArithmeticModel: Sendable {
  public var name: String
  public var network: any Layer
  /// Which parameters ought to become whole numbers, and how they follow from what is stored.
  public var weights: @Sendable (Parameters) -> [Tensor]

  public init(
    _ name: String, _ network: any Layer, weights: @escaping @Sendable (Parameters) -> [Tensor] = { _ in [] }
  ) {
    self.name = name
    self.network = network
    self.weights = weights
  }

  /// The names of the command line.
  public static let names = ["linear", "relu", "nau", "nau-nmu", "nac", "nac-nacmul", "nalu"]

  /// - Parameter inputs: for the ReLU network, whose width makes its number of parameters that of the units
  /// - Throws: `ComparisonError` with the names there are
  public static func named(_ name: String, inputs: Int, hidden: Int = 2) throws -> ArithmeticModel {
    @Sendable func plain(_ p: Parameters) -> [Tensor] {
      zip(p.names, p.leaves).filter { $0.0.hasSuffix("/weight") }.map(\.1)
    }
    @Sendable func accumulators(_ p: Parameters) -> [Tensor] {
      p.names.filter { $0.hasSuffix("/weight") }.map { name in
        NeuralAccumulator.weight(hat: p[name]!, selection: p[String(name.dropLast(6)) + "selection"]!)
      }
    }
    switch name {
    case "linear":
      return ArithmeticModel(
        name, Sequential([Dense(hidden, usesBias: false), Dense(1, usesBias: false)]), weights: plain)
    case "relu":
      let width = max(1, (inputs * hidden + hidden) / (inputs + 2))
      return ArithmeticModel(name, MLP(hidden: [max(width, hidden)], outputs: 1, activation: .relu))
    case "nau":
      return ArithmeticModel(
        name, Sequential([NeuralAddition(outputs: hidden), NeuralAddition(outputs: 1)]),
        weights: plain)
    case "nau-nmu":
      return ArithmeticModel(
        name, Sequential([NeuralAddition(outputs: hidden), NeuralMultiplication(outputs: 1)]),
        weights: plain)
    case "nac":
      return ArithmeticModel(
        name, Sequential([NeuralAccumulator(outputs: hidden), NeuralAccumulator(outputs: 1)]), weights: accumulators)
    case "nac-nacmul":
      return ArithmeticModel(
        name, Sequential([NeuralAccumulator(outputs: hidden), NeuralAccumulator(outputs: 1, multiplies: true)]),
        weights: accumulators)
    case "nalu":
      return ArithmeticModel(
        name, Sequential([NeuralArithmeticLogic(outputs: hidden), NeuralArithmeticLogic(outputs: 1)]),
        weights: accumulators)
    default:
      throw ComparisonError("\(name): no arithmetic unit has this name; there are \(names.joined(separator: ", "))")
    }
  }
}

/// Trains models on an arithmetic task with many seeds, all seeds of a model in one graph, and counts how many learned it.
public struct ExtrapolationBenchmark: Sendable {
  public var task: ArithmeticTask
  public var steps: Int
  public var batch: Int
  /// Steps between two evaluations.
  public var interval: Int
  public var evaluationSamples: Int
  /// Where the sparsity penalty begins and where it is full, as shares of the steps.
  public var penaltyRange: ClosedRange<Double>
  public var seed: Int

  public init(
    _ task: ArithmeticTask, steps: Int = 20_000, batch: Int = 128, interval: Int = 200, evaluationSamples: Int = 2000,
    penaltyRange: ClosedRange<Double> = 0.3...0.6, seed: Int = 0
  ) {
    self.task = task
    self.steps = steps
    self.batch = batch
    self.interval = interval
    self.evaluationSamples = evaluationSamples
    self.penaltyRange = penaltyRange
    self.seed = seed
  }

  /// What one member of the ensemble trains with.
  public struct Trial: Sendable, Hashable {
    public var seed: Int
    public var learningRate: Double
    public var penalty: Double
    public init(seed: Int, learningRate: Double, penalty: Double = 0) {
      self.seed = seed
      self.learningRate = learningRate
      self.penalty = penalty
    }
  }

  /// The runs of all trials of a model. A run's numbers depend on its seed alone, not on the others.
  /// - Parameters:
  ///   - stopsBelow: ends when all members' extrapolation errors are below, at the earliest after the penalty is full.
  ///   - onProgress: told the share done; may throw to end.
  public func runs(
    _ model: ArithmeticModel, _ trials: [Trial], stopsBelow: Double? = nil,
    onProgress: (Double) throws -> Void = { _ in }
  ) throws -> [ExtrapolationRun] {
    try trained(model, trials, stopsBelow: stopsBelow, onProgress: onProgress).runs
  }

  /// The runs, and each trial's parameters at the end.
  public func trained(
    _ model: ArithmeticModel, _ trials: [Trial], stopsBelow: Double? = nil,
    onProgress: (Double) throws -> Void = { _ in }
  ) throws -> (runs: [ExtrapolationRun], parameters: [Parameters]) {
    let network = model.network
    let (task, batch) = (self.task, self.batch)
    let starts = trials.map {
      network.initialized(for: [batch, task.inputs], key: Key($0.seed).folding("weights")).parameters
    }
    let projections = network.projections(for: TensorType(shape: [batch, task.inputs], dtype: .float32))
    let last = Double(steps)
    let schedule = ScheduledPenalty(
      "sparsity", weight: 1, from: Int(penaltyRange.lowerBound * last), to: Int(penaltyRange.upperBound * last))
    let training = try EnsembleTraining(
      starts, optimizer: Adam(), learningRates: trials.map(\.learningRate), seeds: trials.map(\.seed),
      own: [Tensor(trials.map { Float($0.penalty) })],
      projection: { parameters in parameters.map { projections[$0]?($1) ?? $1 } }
    ) { member in
      let (x, y) = task.samples(batch, .training, key: member.key)
      let scope = Scope(Variables(parameters: member.parameters), isTraining: true)
      let error = (network(x, scope) - y).squared().mean()
      guard let penalty = scope.penalty("sparsity") else { return error }
      return error + member.own[0] * schedule.share(member.step) * penalty
    }
    let key = Key(seed).folding("evaluation")
    let inside = task.samples(evaluationSamples, .training, key: key.folding(0))
    let outside = task.samples(evaluationSamples, .extrapolation, key: key.folding(1))
    let weights = model.weights
    let evaluate = compile { (stacked: Parameters) -> [Tensor] in
      vmap { (parameters: Parameters) -> [Tensor] in
        func error(_ part: (x: Tensor, y: Tensor)) -> Tensor {
          (network.apply(Variables(parameters: parameters), part.x) - part.y).squared().mean()
        }
        let gaps = weights(parameters).map { sparsityError($0) }
        let sparsity = gaps.dropFirst().reduce(gaps.first ?? Tensor(Float.nan)) { $0.maximum($1) }
        return [error(inside), error(outside), sparsity + error(inside) * 0]
      }(stacked)
    }
    var runs = trials.map { _ in ExtrapolationRun(steps: [], interpolation: [], extrapolation: [], sparsity: []) }
    for step in 0...steps {
      if step % interval == 0 {
        let values = evaluate(training.stacked).map(\.doubles)
        for i in runs.indices {
          runs[i].steps.append(step)
          runs[i].interpolation.append(values[0][i])
          runs[i].extrapolation.append(values[1][i])
          runs[i].sparsity.append(values[2][i])
        }
        try onProgress(Double(step) / last)
        if let stopsBelow, Double(step) >= penaltyRange.upperBound * last || trials.allSatisfy({ $0.penalty == 0 }),
          values[1].allSatisfy({ $0 < stopsBelow })
        {
          break
        }
      }
      if step < steps { training.step() }
    }
    return (runs, training.members)
  }

  /// What the runs of a model come to.
  public struct Summary: Sendable {
    public var name: String
    public var count: Int
    public var solved: Int
    public var interval: ClosedRange<Double>
    /// First logged step with an error below the threshold, of solved runs.
    public var medianConvergence: Double?
    public var convergence: Estimate?
    public var sparsity: Estimate?
    /// Errors outside the training range at the judged step.
    public var errors: [Double]

    public var rate: Double { Double(solved) / Double(max(count, 1)) }
  }

  public static func summary(_ name: String, _ runs: [ExtrapolationRun], _ criterion: some SuccessCriterion) -> Summary
  {
    let verdicts = runs.map { $0.verdict(criterion) }
    let solved = verdicts.filter(\.isSolved)
    let times = solved.compactMap(\.convergedAt).map(Double.init)
    let gaps = solved.compactMap(\.sparsity).filter(\.isFinite)
    return Summary(
      name: name, count: runs.count, solved: solved.count,
      interval: wilsonInterval(successes: solved.count, of: runs.count),
      medianConvergence: times.isEmpty ? nil : times.median,
      convergence: times.count > 1 ? gammaMeanInterval(times) : nil,
      sparsity: gaps.count > 1 ? betaMeanInterval(gaps, upper: 0.5) : nil, errors: verdicts.map(\.error))
  }
}
