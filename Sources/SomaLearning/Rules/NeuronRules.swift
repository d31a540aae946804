import Foundation

/// One pattern's turn in a learning rule, as one would write it down.
public struct NeuronStep: Sendable, Hashable {
  public let epoch: Int
  public let input: [Double]
  public let target: Double
  public let sum: Double
  public let output: Double
  public let error: Double
  /// After the update.
  public let weights: [Double]
  public let bias: Double
}

/// How a rule ended.
public struct NeuronFit: Sendable {
  public var neuron: McCullochPitts
  /// Epochs begun.
  public var epochs: Int
  /// Whether an epoch passed without an error (perceptron), or the error settled (delta rule).
  public var isDone: Bool
  /// `½ mean e²` of each epoch.
  public var errors: [Double]
  public var trace: [NeuronStep]
  public var warnings: [String]
}

private func check(_ x: [[Double]], _ t: [Double], _ rate: Double) throws {
  guard rate > 0, rate.isFinite else { throw LearningRuleError("the learning rate \(rate) is not above zero") }
  guard !x.isEmpty, x.count == t.count, x.allSatisfy({ $0.count == x[0].count }) else {
    throw LearningRuleError("\(x.count) patterns, \(t.count) targets: they do not fit each other")
  }
}

/// The perceptron rule (Rosenblatt 1958): for each pattern in order, `e = t - y`, `w ← w + η e x`, `b ← b + η e`; ends
/// after an epoch without an error, which comes exactly if the patterns are separable.
public struct PerceptronRule: Sendable, Hashable {
  public var learningRate: Double
  public var maximumEpochs: Int
  public init(learningRate: Double = 0.5, maximumEpochs: Int = 1000) {
    self.learningRate = learningRate
    self.maximumEpochs = maximumEpochs
  }

  /// - `order`: the patterns' order in an epoch; nil: as given
  /// - Throws: `LearningRuleError`
  public func fit(
    _ x: [[Double]], _ t: [Double], start: McCullochPitts? = nil, order: ((Int) -> [Int])? = nil, traces: Bool = false
  ) throws -> NeuronFit {
    try check(x, t, learningRate)
    var neuron = start ?? McCullochPitts(weights: [Double](repeating: 0, count: x[0].count), bias: 0)
    var fit = NeuronFit(neuron: neuron, epochs: 0, isDone: false, errors: [], trace: [], warnings: [])
    for epoch in 0..<maximumEpochs {
      var squares = 0.0
      for i in order?(epoch) ?? Array(x.indices) {
        let a = neuron.sum(x[i])
        let y = neuron.activation(a)
        let e = t[i] - y
        squares += e * e
        neuron.weights = zip(neuron.weights, x[i]).map { $0 + learningRate * e * $1 }
        neuron.bias += learningRate * e
        if traces {
          fit.trace.append(
            NeuronStep(
              epoch: epoch, input: x[i], target: t[i], sum: a, output: y, error: e, weights: neuron.weights,
              bias: neuron.bias))
        }
      }
      fit.epochs = epoch + 1
      fit.errors.append(squares / Double(2 * x.count))
      if squares == 0 {
        fit.isDone = true
        break
      }
    }
    if !fit.isDone { fit.warnings.append("no epoch was without an error in \(maximumEpochs): probably not separable") }
    fit.neuron = neuron
    return fit
  }

  /// Whether some line (plane) has all targets 1 on one side and all 0 on the other, exactly: by Rosenblatt's theorem a
  /// separable set is separated after finitely many corrections, and a dependency `Σ λᵢ sᵢ (xᵢ, 1) = 0` with λ ≥ 0 shows
  /// that none exists (Gordan 1873); decided by linear programming.
  public static func isSeparable(_ x: [[Double]], _ t: [Double]) -> Bool {
    // Feasible: sᵢ(w·xᵢ + b) ≥ 1, with w and b as differences of numbers ≥ 0.
    let signs = t.map { $0 > 0.5 ? 1.0 : -1.0 }
    let rows = zip(x, signs).map { row, s in row.map { $0 * s } + [s] }
    let split = rows.map { row in row.flatMap { [$0, -$0] } }
    return LinearProgram.isFeasible(split, atLeast: [Double](repeating: 1, count: x.count))
  }
}

/// The delta rule (Widrow, Hoff 1960) and its form with a differentiable activation: `δ = (t - y) f'(a)`, `w ← w + η δ x`,
/// `b ← b + η δ`, pattern by pattern or by the mean over all. A linear neuron descends `E = ½ mean e²`; by means it converges
/// exactly for `0 < η < 2/λ_max(X̃ᵀX̃/n)`, X̃ the patterns with a 1 appended, to the least-squares fit.
public struct DeltaRule: Sendable, Hashable {
  public enum Mode: String, Sendable, Hashable, CaseIterable, Codable { case pattern, batch }
  public var activation: McCullochPitts.Activation
  public var mode: Mode
  public var learningRate: Double
  public var maximumEpochs: Int
  /// Ends where no weight changes by more in an epoch.
  public var tolerance: Double

  public init(
    activation: McCullochPitts.Activation = .linear, mode: Mode = .batch, learningRate: Double = 0.1,
    maximumEpochs: Int = 1000, tolerance: Double = 1e-12
  ) {
    self.activation = activation
    self.mode = mode
    self.learningRate = learningRate
    self.maximumEpochs = maximumEpochs
    self.tolerance = tolerance
  }

  /// - Throws: `LearningRuleError`
  public func fit(
    _ x: [[Double]], _ t: [Double], start: McCullochPitts? = nil, order: ((Int) -> [Int])? = nil, traces: Bool = false
  ) throws -> NeuronFit {
    try check(x, t, learningRate)
    var neuron = start ?? McCullochPitts(weights: [Double](repeating: 0, count: x[0].count), bias: 0)
    neuron.activation = activation
    var fit = NeuronFit(neuron: neuron, epochs: 0, isDone: false, errors: [], trace: [], warnings: [])
    if t.contains(where: { !activation.range.contains($0) }) {
      fit.warnings.append("some targets lie outside \(activation.range), which \(activation.rawValue) cannot reach")
    }
    guard activation != .step, activation != .bipolarStep else {
      throw LearningRuleError("the delta rule wants a differentiable activation, not \(activation.rawValue)")
    }
    let n = Double(x.count)
    for epoch in 0..<maximumEpochs {
      let before = neuron
      var squares = 0.0
      var sum = (weights: [Double](repeating: 0, count: x[0].count), bias: 0.0)
      for i in order?(epoch) ?? Array(x.indices) {
        let a = neuron.sum(x[i])
        let y = activation(a)
        let e = t[i] - y
        let delta = e * activation.derivative(ofValue: y)
        squares += e * e
        if mode == .pattern {
          neuron.weights = zip(neuron.weights, x[i]).map { $0 + learningRate * delta * $1 }
          neuron.bias += learningRate * delta
        } else {
          sum.weights = zip(sum.weights, x[i]).map { $0 + delta * $1 }
          sum.bias += delta
        }
        if traces {
          fit.trace.append(
            NeuronStep(
              epoch: epoch, input: x[i], target: t[i], sum: a, output: y, error: e, weights: neuron.weights,
              bias: neuron.bias))
        }
      }
      if mode == .batch {
        neuron.weights = zip(neuron.weights, sum.weights).map { $0 + learningRate * $1 / n }
        neuron.bias += learningRate * sum.bias / n
      }
      fit.epochs = epoch + 1
      fit.errors.append(squares / (2 * n))
      guard neuron.bias.isFinite, neuron.weights.allSatisfy(\.isFinite), abs(neuron.bias) < 1e150 else {
        fit.warnings.append("the weights grow without bound: the learning rate \(learningRate) is too large")
        break
      }
      let change = zip(neuron.weights + [neuron.bias], before.weights + [before.bias]).map { abs($0 - $1) }.max() ?? 0
      if change <= tolerance {
        fit.isDone = true
        break
      }
    }
    fit.neuron = neuron
    return fit
  }

  /// `2/λ_max(X̃ᵀX̃/n)`: the learning rate below which means over all patterns converge, for a linear neuron.
  public static func stabilityLimit(_ x: [[Double]]) -> Double {
    let rows = x.map { $0 + [1] }
    let d = rows[0].count
    var v = (0..<d).map { 1 + 0.01 * Double($0) }
    var value = 0.0
    for _ in 0..<10_000 {
      var next = [Double](repeating: 0, count: d)
      for row in rows {
        let s = zip(row, v).reduce(0) { $0 + $1.0 * $1.1 }
        for k in 0..<d { next[k] += row[k] * s / Double(rows.count) }
      }
      let size = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard size > 0 else { return .infinity }
      v = next.map { $0 / size }
      if abs(size - value) < 1e-15 * size { break }
      value = size
    }
    return 2 / value
  }
}

/// Small linear programs, by the simplex method with Bland's rule (Dantzig 1947; Bland 1977).
public enum LinearProgram {
  /// The z ≥ 0 that maximizes `c·z` with `A z ≤ b`, b ≥ 0; nil if there is no bound.
  public static func maximize(_ c: [Double], _ a: [[Double]], atMost b: [Double]) -> (value: Double, z: [Double])? {
    precondition(b.allSatisfy { $0 >= 0 } && a.count == b.count, "the program starts at z = 0, so b is at least 0")
    let (m, n) = (a.count, c.count)
    var table = (0..<m).map { i in a[i] + (0..<m).map { $0 == i ? 1.0 : 0 } + [b[i]] }
    var cost = c.map { -$0 } + [Double](repeating: 0, count: m + 1)
    var basis = (0..<m).map { n + $0 }
    while let entering = (0..<(n + m)).first(where: { cost[$0] < -1e-10 }) {
      var leaving: Int?
      for i in 0..<m where table[i][entering] > 1e-10 {
        guard let best = leaving else {
          leaving = i
          continue
        }
        let (r, s) = (table[i][n + m] / table[i][entering], table[best][n + m] / table[best][entering])
        if r < s - 1e-13 || (abs(r - s) <= 1e-13 && basis[i] < basis[best]) { leaving = i }
      }
      guard let row = leaving else { return nil }
      let pivot = table[row][entering]
      table[row] = table[row].map { $0 / pivot }
      for i in 0..<m where i != row && table[i][entering] != 0 {
        let factor = table[i][entering]
        for k in 0...(n + m) { table[i][k] -= factor * table[row][k] }
      }
      let factor = cost[entering]
      for k in 0...(n + m) { cost[k] -= factor * table[row][k] }
      basis[row] = entering
    }
    var z = [Double](repeating: 0, count: n)
    for (i, column) in basis.enumerated() where column < n { z[column] = table[i][n + m] }
    return (cost[n + m], z)
  }

  /// Whether some z ≥ 0 has `A z ≥ b`, b ≥ 0: by Farkas's lemma (1902), unless some y ≥ 0 has `Aᵀy ≤ 0` and `b·y > 0`.
  public static func isFeasible(_ a: [[Double]], atLeast b: [Double]) -> Bool {
    guard let first = a.first else { return true }
    let transposed = first.indices.map { k in a.map { $0[k] } }
    return maximize(b, transposed, atMost: first.map { _ in 0 }) != nil
  }
}
