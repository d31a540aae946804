import Foundation
import Soma

/// How the weights of an arithmetic unit are kept in their range.
public enum ArithmeticBounds: String, Hashable, Sendable {
  /// Projected after each update.
  case clip
  /// Clamped in the forward pass only, with a penalty `bounds` on what lies outside.
  case regularized
}

/// The form of the penalty that drives weights to whole numbers.
public enum SparsityShape: String, Hashable, Sendable { case linear, squared }

/// `y = clamp(W, -1, 1) x`: adds and subtracts inputs. Reports the penalty `sparsity`, `mean min(|W|, 1 - |W|)` or
/// `mean W² (1 - |W|)²`. (NAU: Madsen, Rosenberg Johansen 2020, arXiv 2001.05016)
/// - Shape: `[…, n]` → `[…, outputs]`; the weight is `[outputs, n]`
public struct NeuralAddition: Layer {
  public var outputs: Int
  public var bounds: ArithmeticBounds
  public var shape: SparsityShape

  public init(outputs: Int, bounds: ArithmeticBounds = .clip, shape: SparsityShape = .linear) {
    require(outputs > 0, "an arithmetic unit has at least one output")
    self.outputs = outputs
    self.bounds = bounds
    self.shape = shape
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    checkArithmetic(x, scope)
    let n = x.shape.last
    let raw = scope.parameter("weight", [outputs, n], .uniform(Self.bound(n, outputs)), dtype: x.dtype)
    switch bounds {
    case .clip: scope.project("weight") { $0.clipped(-1.0, 1.0) }
    case .regularized: scope.penalize("bounds", (raw.abs() - 1).maximum(0).mean())
    }
    scope.penalize("sparsity", Self.sparsityPenalty(raw, shape))
    return x.matmul(raw.clipped(-1.0, 1.0).T)
  }

  static func bound(_ inputs: Int, _ outputs: Int) -> Double {
    min(0.5, (6 / Double(inputs + outputs)).squareRoot())
  }

  /// Zero exactly if all weights are -1, 0 or 1.
  public static func sparsityPenalty(_ weight: Tensor, _ shape: SparsityShape = .linear) -> Tensor {
    let size = weight.abs()
    return shape == .linear ? size.minimum((1 - size).abs()).mean() : (size * (1 - size)).squared().mean()
  }
}

/// `yₒ = Πᵢ (Wₒᵢ xᵢ + 1 - Wₒᵢ)`, W in 0 … 1: multiplies the inputs whose weight is 1. Its derivative has no division, so
/// inputs that are zero are exact. Reports the penalty `sparsity`, `mean min(W, 1 - W)` or `mean W² (1 - W)²`. (NMU: Madsen,
/// Rosenberg Johansen 2020, arXiv 2001.05016)
///
/// For many inputs the product overflows; `isNormalized` computes `Π(W x/c + 1 - W) · c^{ΣW}` with c the batch's deviation,
/// which is the same only where weights are 0 or 1.
/// - Shape: `[…, n]` → `[…, outputs]`; the weight is `[outputs, n]`
public struct NeuralMultiplication: Layer {
  public var outputs: Int
  public var isNormalized: Bool
  public var bounds: ArithmeticBounds
  public var shape: SparsityShape

  public init(
    outputs: Int, normalized: Bool = false, bounds: ArithmeticBounds = .clip, shape: SparsityShape = .linear
  ) {
    require(outputs > 0, "an arithmetic unit has at least one output")
    self.outputs = outputs
    isNormalized = normalized
    self.bounds = bounds
    self.shape = shape
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    checkArithmetic(x, scope)
    let start = Initializer("quarters") { .uniform($0, low: 0.25, high: 0.75, key: $1, dtype: $2) }
    let raw = scope.parameter("weight", [outputs, x.shape.last], start, dtype: x.dtype)
    var w = raw
    switch bounds {
    case .clip: scope.project("weight") { $0.clipped(0.0, 1.0) }
    case .regularized:
      scope.penalize("bounds", ((raw - 0.5).abs() - 0.5).maximum(0).mean())
      w = raw.clipped(0.0, 1.0)
    }
    scope.penalize("sparsity", Self.sparsityPenalty(raw, shape))
    let inputs = x.expandDimensions(at: -2)
    guard isNormalized else { return (w * inputs + (1 - w)).product([-1]) }
    let c = x.standardDeviation().stopGradient()
    return (w * (inputs / c) + (1 - w)).product([-1]) * (w.sum([-1]) * c.log()).exp()
  }

  /// Zero exactly if all weights are 0 or 1.
  public static func sparsityPenalty(_ weight: Tensor, _ shape: SparsityShape = .linear) -> Tensor {
    shape == .linear ? weight.minimum(1 - weight).abs().mean() : (weight * (1 - weight)).squared().mean()
  }
}

/// `y = W x` with `W = tanh(Ŵ) σ(M̂)`, drawn to -1, 0 and 1; or, in logarithms, `y = exp(W log(|x| + 10⁻⁷))`, which
/// multiplies and divides magnitudes. (NAC: Trask et al. 2018, arXiv 1808.00508)
/// - Shape: `[…, n]` → `[…, outputs]`
public struct NeuralAccumulator: Layer {
  public var outputs: Int
  public var isMultiplicative: Bool

  public init(outputs: Int, multiplies: Bool = false) {
    require(outputs > 0, "an arithmetic unit has at least one output")
    self.outputs = outputs
    isMultiplicative = multiplies
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    checkArithmetic(x, scope)
    let w = Self.weight(x.shape.last, outputs, x, scope)
    return isMultiplicative ? Self.logarithmic(x, w) : x.matmul(w.T)
  }

  static func weight(_ inputs: Int, _ outputs: Int, _ x: Tensor, _ scope: Scope, suffix: String = "") -> Tensor {
    let r = bound(inputs, outputs)
    let hat = scope.parameter("weight" + suffix, [outputs, inputs], .uniform(r), dtype: x.dtype)
    let gate = scope.parameter("selection" + suffix, [outputs, inputs], .uniform(r), dtype: x.dtype)
    return weight(hat: hat, selection: gate)
  }

  /// `tanh(Ŵ) σ(M̂)`
  public static func weight(hat: Tensor, selection: Tensor) -> Tensor { hat.tanh() * selection.logistic() }

  static func logarithmic(_ x: Tensor, _ w: Tensor) -> Tensor { (x.abs() + 1e-7).log().matmul(w.T).exp() }

  /// The r for which uniform numbers in ±r make W's variance that of Glorot's rule, `(n + m) v(r) = 2` with
  /// `v(r) = (1 - tanh(r)/r)(r - tanh(r/2))/(2r)`; n + m counts as 5 at least, where the equation has a solution.
  public static func bound(_ inputs: Int, _ outputs: Int) -> Double {
    let fans = Double(max(inputs + outputs, 5))
    func excess(_ r: Double) -> Double { fans * (1 - tanh(r) / r) * (r - tanh(r / 2)) / (2 * r) - 2 }
    var (low, high) = (1e-3, 64.0)
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if excess(middle) < 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

/// `y = g ⊙ W x + (1 - g) ⊙ exp(W log(|x| + 10⁻⁷))`, `g = σ(G x)`: chooses between adding and multiplying. (NALU: Trask et al.
/// 2018, arXiv 1808.00508)
/// - Shape: `[…, n]` → `[…, outputs]`
public struct NeuralArithmeticLogic: Layer {
  public enum Multiplication: String, Hashable, Sendable {
    case logarithmic
    /// A `NeuralMultiplication` as the multiplying path.
    case nmu
  }
  public var outputs: Int
  public var multiplication: Multiplication
  /// Whether the multiplying path has a W of its own.
  public var separatesWeights: Bool
  /// Whether the multiplying path has a gate of its own instead of 1 - g.
  public var separatesGates: Bool

  public init(
    outputs: Int, multiplication: Multiplication = .logarithmic, separatesWeights: Bool = false,
    separatesGates: Bool = false
  ) {
    require(outputs > 0, "an arithmetic unit has at least one output")
    self.outputs = outputs
    self.multiplication = multiplication
    self.separatesWeights = separatesWeights
    self.separatesGates = separatesGates
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    checkArithmetic(x, scope)
    let n = x.shape.last
    let w = NeuralAccumulator.weight(n, outputs, x, scope)
    func gate(_ name: String) -> Tensor {
      x.matmul(scope.parameter(name, [outputs, n], .glorotUniform, dtype: x.dtype).T).logistic()
    }
    let g = gate("gate")
    let other = separatesGates ? gate("multiplicationGate") : 1 - g
    let product =
      switch multiplication {
      case .nmu: NeuralMultiplication(outputs: outputs)(x, scope["multiplication"])
      case .logarithmic:
        NeuralAccumulator.logarithmic(
          x,
          separatesWeights ? NeuralAccumulator.weight(n, outputs, x, scope, suffix: "Multiplication") : w)
      }
    return g * x.matmul(w.T) + other * product
  }
}

/// Numbers that are not finite, and empty inputs, are a mistake where exact arithmetic is wanted.
private func checkArithmetic(_ x: Tensor, _ scope: Scope) {
  require(x.rank > 0 && x.shape.last > 0, "arithmetic unit \(scope.path): input \(x.shape) has no numbers")
  if x.isConcrete {
    require(x.isFinite().all().item(as: Bool.self), "arithmetic unit \(scope.path): the input is not finite")
  }
}

/// A unit that runs over time, `hₜ = unit([hₜ₋₁, xₜ])`: running sums (start 0) and products (start 1).
/// - Shape: `[n, t, d]` → `[n, t, units]`, units being the unit's outputs
public struct ArithmeticCell: Layer {
  public var unit: any Layer
  public var units: Int
  public var start: Double

  public init(_ unit: any Layer, units: Int, start: Double) {
    self.unit = unit
    self.units = units
    self.start = start
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 3, "arithmetic cell \(scope.path): input \(x.shape); wants [n, t, d]")
    let first = Tensor.full([x.shape[0], units], start, dtype: x.dtype)
    // Declared before the loop, so that the loop finds the parameters in place.
    if scope.isInitializing { _ = unit(.concatenate([first, x[.all, 0]], axis: -1), scope["unit"]) }
    let (_, results) = scan([first], [x.movingAxis(1, to: 0)]) { carries, slices in
      let h = unit(.concatenate([carries[0], slices[0]], axis: -1), scope["unit"])
      return ([h], [h])
    }
    return results[0].movingAxis(0, to: 1)
  }
}
