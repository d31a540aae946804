import Foundation
import Soma
import SomaNetworks

/// Data or settings that a learning rule refuses.
public struct LearningRuleError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// `L_s(w) = mean [S(w·x) - y w·x]` with `S(t) = ∫₀ᵗ σ`: convex for a non-decreasing σ, with the gradient
/// `mean (σ(w·x) - y) x`, that of the squared error without σ'. (Auer, Herbster, Warmuth 1995; Wang, Zarifis, Diakonikolas,
/// Diakonikolas 2023, arXiv 2306.07892)
public struct SurrogateLoss: Loss {
  public var activation: Activation
  public var reduction: LossReduction
  public init(_ activation: Activation, reduction: LossReduction = .mean) {
    self.activation = activation
    self.reduction = reduction
  }

  /// - `predictions`: the arguments w·x of the activation
  public func terms(_ predictions: Tensor, _ targets: Tensor) -> LossTerms {
    let y = matched(targets, to: predictions, "SurrogateLoss")
    return LossTerms(antiderivative(predictions) - y * predictions)
  }

  /// `∫₀ᵗ σ`: closed forms where the library has one, else 64 points of Gauss's rule; its derivative is σ itself either way.
  public func antiderivative(_ t: Tensor) -> Tensor {
    let positive = Tensor.select(t .> 0, t, 0)
    let negative = Tensor.select(t .> 0, 0, t)
    func parameter(_ name: String, _ usual: Double) -> Double {
      guard let found = activation.parameters.first(where: { $0.name == name }), case .number(let value) = found.value
      else { return usual }
      return value
    }
    switch activation.name {
    case "relu": return 0.5 * positive.squared()
    case "elu": return 0.5 * positive.squared() + parameter("a", 1) * (negative.expm1() - negative)
    default: return byQuadrature(t)
    }
  }

  /// `t ∫₀¹ σ(u t) du`, in two halves each side of a kink at zero being smooth.
  private func byQuadrature(_ t: Tensor) -> Tensor {
    let activation = self.activation
    return withPullback("antiderivative", [t]) { inputs in
      let t = inputs[0]
      var sum = Tensor.zeros(like: t)
      for (node, weight) in GaussLegendre.unit { sum = sum + weight * activation(node * t) }
      return [sum * t]
    } pullback: { inputs, _, cotangents in
      [activation(inputs[0]) * cotangents[0]]
    }[0]
  }
}

/// Nodes and weights of Gauss's rule with 64 points on 0 … 1 (Golub, Welsch 1969, by Newton's method).
enum GaussLegendre {
  static let unit: [(node: Double, weight: Double)] = {
    let n = 64
    return (0..<n).map { i in
      var x = cos(.pi * (Double(i) + 0.75) / (Double(n) + 0.5))
      var derivative = 0.0
      for _ in 0..<100 {
        var (p, before) = (1.0, 0.0)
        for k in 0..<n { (p, before) = (((2 * Double(k) + 1) * x * p - Double(k) * before) / Double(k + 1), p) }
        derivative = Double(n) * (x * p - before) / (x * x - 1)
        let change = p / derivative
        x -= change
        if abs(change) < 1e-16 { break }
      }
      return ((1 + x) / 2, 1 / ((1 - x * x) * derivative * derivative))
    }
  }()
}

/// Learns a single neuron `σ(w·x)` from labels that may be corrupted: gradient descent from 0 on the convex surrogate, whose
/// error stays within a constant factor of the best neuron's for non-decreasing σ with slope at least β > 0 on the positive
/// side. (Wang, Zarifis, Diakonikolas, Diakonikolas 2023, "Robustly Learning a Single Neuron via Sharpness", arXiv 2306.07892)
public struct SurrogateNeuron: Sendable {
  public enum Selection: String, Sendable { case last, best }
  public enum LabelClip: Hashable, Sendable {
    case none
    case at(Double)
    /// Three times the 99.9 % quantile of |y|.
    case quantile
  }

  public var activation: Activation
  /// η; nil: `1/λ_max(XᵀX/n)` over the activation's Lipschitz constant, a quarter of it for mini-batches.
  public var stepSize: Double?
  public var steps: Int
  /// Samples a step; nil: all.
  public var batchSize: Int?
  public var labelClip: LabelClip
  public var selection: Selection

  public init(
    activation: Activation, stepSize: Double? = nil, steps: Int = 300, batchSize: Int? = nil,
    labelClip: LabelClip = .none, selection: Selection = .last
  ) {
    require(steps > 0 && batchSize.map { $0 > 0 } ?? true, "a rule takes at least one step on at least one sample")
    self.activation = activation
    self.stepSize = stepSize
    self.steps = steps
    self.batchSize = batchSize
    self.labelClip = labelClip
    self.selection = selection
  }

  public struct Fit: Sendable {
    public var weights: [Double]
    /// The squared error `mean (σ(w·x) - y)²` on the samples (or those held out) before each step, and at the end.
    public var squaredErrors: [Double]
    /// The weights before each step, and at the end.
    public var path: [[Double]]
    public var stepSize: Double
    /// Conditions of the guarantee that do not hold.
    public var warnings: [String]
  }

  /// Facts about an activation that the rule asks for, from a grid over -30 … 30.
  public struct ActivationFacts: Sendable, Hashable {
    public var valueAtZero: Double
    public var isNonDecreasing: Bool
    /// α
    public var lipschitz: Double
    /// The least slope on the positive side, β.
    public var leastPositiveSlope: Double

    public init(_ activation: Activation) {
      let grid = (0...6000).map { Double($0 - 3000) / 100 }
      let values = activation(Tensor(grid)).doubles
      valueAtZero = values[3000]
      let slopes = zip(values, values.dropFirst()).map { ($1 - $0) * 100 }
      isNonDecreasing = slopes.allSatisfy { $0 >= -1e-9 }
      lipschitz = slopes.map(abs).max() ?? 0
      leastPositiveSlope = slopes[3000...].min() ?? 0
    }
  }

  /// - `x`: `[n, d]`; y: `[n]`; both `float64` or `float32`
  /// - `heldOut`: samples that `selection: .best` is judged by; the same samples if nil
  /// - Throws: `LearningRuleError` for a decreasing activation, σ(0) ≠ 0, data that are not finite or do not match.
  public func fit(
    _ x: Tensor, _ y: Tensor, start: [Double]? = nil, heldOut: (x: Tensor, y: Tensor)? = nil, key: Key = Key(0)
  ) throws -> Fit {
    guard x.rank == 2, x.shape[0] > 0, x.shape[1] > 0, y.shape == [x.shape[0]] else {
      throw LearningRuleError("features \(x.shape) and labels \(y.shape): wants [n, d] and [n]")
    }
    guard x.isFinite().all().item(as: Bool.self), y.isFinite().all().item(as: Bool.self) else {
      throw LearningRuleError("the data hold numbers that are not finite")
    }
    let facts = ActivationFacts(activation)
    guard facts.isNonDecreasing else {
      throw LearningRuleError("\(activation.name) decreases somewhere; the rule wants a non-decreasing activation")
    }
    guard abs(facts.valueAtZero) < 1e-12 else {
      throw LearningRuleError(
        "\(activation.name) is \(facts.valueAtZero) at 0, not 0: subtract that from activation and labels first")
    }
    var warnings: [String] = []
    if facts.leastPositiveSlope < 1e-3 {
      warnings.append("\(activation.name) flattens on the positive side: outside the guarantee")
    }
    let y = clipped(y.cast(to: x.dtype))
    let n = x.shape[0]
    let rate =
      stepSize
      ?? 1 / max(Self.largestEigenvalue(x), 1e-300) / max(facts.lipschitz, 1e-12) * (batchSize == nil ? 1 : 0.25)
    let activation = self.activation
    let step = compile { (inputs: [Tensor]) -> [Tensor] in
      let (w, x, y) = (inputs[0], inputs[1], inputs[2])
      let residual = activation(x.matmul(w)) - y
      return [w - rate * (residual.expandDimensions(at: -1) * x).mean([0]), residual.squared().mean()]
    }
    let error = compile { (inputs: [Tensor]) -> Tensor in
      (activation(inputs[1].matmul(inputs[0])) - inputs[2]).squared().mean()
    }
    var w = start.map { Tensor($0).cast(to: x.dtype) } ?? .zeros([x.shape[1]], dtype: x.dtype)
    let judge = heldOut.map { ($0.x, $0.y.cast(to: x.dtype)) } ?? (x, y)
    var result = Fit(weights: [], squaredErrors: [], path: [], stepSize: rate, warnings: warnings)
    for t in 0..<steps {
      result.path.append(w.doubles)
      var (bx, by) = (x, y)
      if let batchSize, batchSize < n {
        let indices = Tensor.randomIntegers([batchSize], in: 0..<n, key: key.folding(t))
        (bx, by) = (x.take(indices), y.take(indices))
      }
      let next = step([w, bx, by])
      result.squaredErrors.append(
        heldOut == nil && batchSize == nil ? next[1].scalar : error([w, judge.0, judge.1]).scalar)
      w = next[0]
    }
    result.path.append(w.doubles)
    result.squaredErrors.append(error([w, judge.0, judge.1]).scalar)
    let best = result.squaredErrors.indices.min { result.squaredErrors[$0] < result.squaredErrors[$1] }!
    result.weights = selection == .best ? result.path[best] : w.doubles
    return result
  }

  private func clipped(_ y: Tensor) -> Tensor {
    switch labelClip {
    case .none: y
    case .at(let limit): limit.isInfinite ? y : y.clipped(-limit, limit)
    case .quantile:
      { limit in y.clipped(-limit, limit) }(3 * y.abs().quantile(0.999, 0).scalar)
    }
  }

  /// The largest eigenvalue of `XᵀX/n`, by twenty steps of the power method.
  static func largestEigenvalue(_ x: Tensor) -> Double {
    let gram = x.T.matmul(x) / Double(x.shape[0])
    var v = Tensor.ones([x.shape[1]], dtype: x.dtype) + Tensor.iota([x.shape[1]], dtype: x.dtype) * 0.01
    for _ in 0..<20 {
      v = gram.matmul(v)
      let size = v.norm().scalar
      guard size > 0 else { return 0 }
      v = v / size
    }
    return v.dot(gram.matmul(v)).scalar
  }
}

/// The sharpness `⟨∇L_s(w), w - w*⟩ / |w - w*|²` of the surrogate, which its guarantee keeps above a constant away from good
/// solutions, and how far data fulfil the guarantee's conditions.
public enum SharpnessReading {
  public static func sharpness(
    _ w: Tensor, reference: Tensor, activation: Activation, _ x: Tensor, _ y: Tensor
  ) -> Double {
    let residual = activation(x.matmul(w)) - y
    let gradient = (residual.expandDimensions(at: -1) * x).mean([0])
    let gap = w - reference
    return gradient.dot(gap).scalar / gap.squared().sum().scalar
  }

  /// The margin condition's constant: the least eigenvalue of `mean x xᵀ 1{w·x ≥ γ|w|}` for each γ.
  public static func margins(_ w: Tensor, _ x: Tensor, gammas: [Double]) -> [Double] {
    let scores = x.matmul(w)
    let size = w.norm().scalar
    return gammas.map { gamma in
      let inside = (scores .>= gamma * size).cast(to: x.dtype).expandDimensions(at: -1)
      return ((x * inside).T.matmul(x) / Double(x.shape[0])).symmetricEigen().values[0].scalar
    }
  }

  /// Hill's estimate (1975) of the exponent a of tails `P(|u·x| ≥ r) ~ r⁻ᵃ` in a direction, from the largest share of
  /// the samples.
  public static func tailExponent(_ direction: Tensor, _ x: Tensor, share: Double = 0.05) -> Double {
    let sizes = x.matmul(direction).abs().doubles.sorted(by: >)
    let k = max(2, Int(Double(sizes.count) * share))
    guard k < sizes.count, sizes[k] > 0 else { return .nan }
    return Double(k) / sizes[..<k].reduce(0) { $0 + log($1 / sizes[k]) }
  }
}

/// An activation whose derivative counts as 1 in the backward pass: the surrogate's gradient as a layer of any network,
/// without its guarantee.
public struct UnitDerivative: Layer {
  public var activation: Activation
  public init(_ activation: Activation) { self.activation = activation }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { straightThrough(x) { activation($0) } }
}

extension Activation {
  /// This activation, differentiated as the identity.
  public var withUnitDerivative: UnitDerivative { UnitDerivative(self) }
}
