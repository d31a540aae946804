import Foundation
import Soma

/// Several generalized means of the same inputs with the same weights and different exponents, all fed forward: minimum,
/// harmonic, arithmetic and contraharmonic character side by side, in place of dot product and activation function. Inputs
/// have to be positive. (Multiplet neural networks; Lehmer 1971, Gini 1938)
/// - Shape: `[…, n]` → `[…, units · exponents]`, the exponent fastest
public struct MultipletLayer: Layer {
  public enum Mean: Hashable, Sendable {
    case lehmer
    /// `G_{r,s}` with r the exponents and s these, one for each.
    case gini(second: [Double])
  }
  /// How stored numbers become weights above zero.
  public enum Weights: String, Hashable, Sendable { case exponential, softplus }
  public enum Sharing: String, Hashable, Sendable { case layer, unit }
  /// What happens to inputs at or below zero.
  public enum Positivity: String, Hashable, Sendable {
    /// Concrete inputs are checked; in a compiled graph they give NaN.
    case refuse
    /// Inputs go through `log(1 + eˣ)` first.
    case softplus
  }

  public var units: Int
  public var exponents: [Double]
  public var mean: Mean
  /// Inputs appended to those given; without any, a network of means maps equal inputs to themselves.
  public var constants: [Double]
  public var trainsExponents: Bool
  public var sharing: Sharing
  public var weights: Weights
  public var positivity: Positivity
  /// With a number c, each unit's weights learn at the rate times `1/(1 + c S/median S)`, S its slope score on the batch
  /// (seen by plain gradient descent; adaptive optimizers undo a constant factor).
  public var slopeRate: Double?

  public init(
    units: Int, exponents: [Double] = [-2, 0, 1, 3], mean: Mean = .lehmer, constants: [Double] = [0.02, 2],
    trainsExponents: Bool = false, sharing: Sharing = .layer, weights: Weights = .exponential,
    positivity: Positivity = .refuse, slopeRate: Double? = nil
  ) {
    require(units > 0 && !exponents.isEmpty, "a multiplet layer has at least one unit and one exponent")
    require(constants.allSatisfy { $0 > 0 }, "the constants \(constants) of a multiplet are above zero")
    if case .gini(let second) = mean {
      require(second.count == exponents.count, "\(second.count) second exponents for \(exponents.count) first")
    }
    self.units = units
    self.exponents = exponents
    self.mean = mean
    self.constants = constants
    self.trainsExponents = trainsExponents
    self.sharing = sharing
    self.weights = weights
    self.positivity = positivity
    self.slopeRate = slopeRate
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let inputs = withConstants(positive(x, scope.path))
    let raw = scope.parameter("weight", [units, inputs.shape.last], .normal(1), dtype: x.dtype)
    // Axes: […, unit, exponent, input].
    let wide = inputs.expandDimensions(at: -2).expandDimensions(at: -2)
    let p = exponent("exponent", exponents, x, scope)
    let theta = slopeRate.map { scaled(raw, wide, p, $0) } ?? raw
    let w = positiveWeights(theta).expandDimensions(at: 1)
    let result =
      switch mean {
      case .lehmer: LehmerMean.mean(wide, weights: w, exponent: p)
      case .gini(let second): GiniMean.mean(wide, weights: w, r: p, s: exponent("second", second, x, scope))
      }
    return result.reshape(Shape(Array(x.shape.dropLast()) + [units * exponents.count]))
  }

  private func positive(_ x: Tensor, _ path: String) -> Tensor {
    if positivity == .softplus { return x.softplus() }
    if x.isConcrete {
      let least = x.count == 0 ? 1 : x.min().scalar
      require(least > 0, "multiplet \(path): the input \(least) is not above zero; map the data, or use .softplus")
    }
    return x
  }

  private func withConstants(_ x: Tensor) -> Tensor {
    guard !constants.isEmpty else { return x }
    let row = Tensor(constants).cast(to: x.dtype).broadcast(to: Shape(Array(x.shape.dropLast()) + [constants.count]))
    return .concatenate([x, row], axis: -1)
  }

  private func positiveWeights(_ theta: Tensor) -> Tensor { weights == .exponential ? theta.exp() : theta.softplus() }

  /// - Returns: `[exponents, 1]`, or `[units, exponents, 1]`
  private func exponent(_ name: String, _ values: [Double], _ x: Tensor, _ scope: Scope) -> Tensor {
    let row = Tensor(values).cast(to: x.dtype)
    guard trainsExponents else { return row.expandDimensions(at: -1) }
    let shape: Shape = sharing == .layer ? [values.count] : [units, values.count]
    let start = Initializer("exponents") { shape, _, dtype in Tensor(values).cast(to: dtype).broadcast(to: shape) }
    return scope.parameter(name, shape, start, dtype: x.dtype).expandDimensions(at: -1)
  }

  /// The mean slope score of each unit over a batch and its exponents. (of Lehmer means)
  /// - `weights`: the stored numbers, `[units, n + constants]`
  /// - Shape: `[batch, n]` → `[units]`
  public func slopeScores(_ x: Tensor, weight: Tensor, exponent: Tensor? = nil) -> Tensor {
    let p = exponent ?? Tensor(exponents).cast(to: x.dtype).expandDimensions(at: -1)
    return scores(withConstants(positive(x, "")).expandDimensions(at: -2).expandDimensions(at: -2), weight, p)
  }

  private func scores(_ wide: Tensor, _ raw: Tensor, _ p: Tensor) -> Tensor {
    let w = positiveWeights(raw).expandDimensions(at: 1)
    return LehmerMean.slopeScore(wide, weights: w, exponent: p).reshape([-1, units, exponents.count]).mean([0, 2])
  }

  /// The same weights, whose derivative is multiplied by the factors of the slope scores.
  private func scaled(_ raw: Tensor, _ wide: Tensor, _ p: Tensor, _ c: Double) -> Tensor {
    let factor = Self.learningRateFactors(scores(wide, raw, p).stopGradient(), c: c).stopGradient().reshape([units, 1])
    return raw * factor + (raw * (1 - factor)).stopGradient()
  }

  /// `1/(1 + c S/median(S))`
  public static func learningRateFactors(_ scores: Tensor, c: Double = 1) -> Tensor {
    let middle = scores.median(0)
    return 1 / (1 + scores / Tensor.select(middle .> 0, middle, 1) * c)
  }
}

/// Products and quotients of powers, `yⱼ = Πᵢ xᵢ^{vᵢⱼ}` with any real exponents, of positive inputs.
/// - Shape: `[…, n]` → `[…, outputs]`
public struct LogLinearHead: Layer {
  public var outputs: Int
  public var initializer: Initializer
  public init(outputs: Int, initializer: Initializer = .glorotUniform) {
    self.outputs = outputs
    self.initializer = initializer
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    x.log().matmul(scope.parameter("exponent", [x.shape.last, outputs], initializer, dtype: x.dtype)).exp()
  }
}

/// A truncated power series of weighted power means, `y = Σₖ cₖ G_{k,0}(w, x)ᵏ = Σₖ cₖ Σᵢ wᵢ xᵢᵏ / Σᵢ wᵢ`, k = 0 … degree: of one
/// input a polynomial.
/// - Shape: `[…, n]` → `[…, outputs]`
public struct PowerSeriesHead: Layer {
  public var outputs: Int
  public var degree: Int
  public init(outputs: Int, degree: Int) {
    require(outputs > 0 && degree >= 0, "a power series has outputs and a degree, not \(outputs), \(degree)")
    self.outputs = outputs
    self.degree = degree
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let theta = scope.parameter("weight", [outputs, x.shape.last], .normal(1), dtype: x.dtype)
    let c = scope.parameter("coefficient", [degree + 1, outputs], .normal(0.5), dtype: x.dtype)
    let w = theta.softmax(-1).T
    var power = Tensor.ones(like: x)
    var sum = c[0] + power.matmul(w) * 0
    for k in 0..<degree {
      power = power * x
      sum = sum + c[k + 1] * power.matmul(w)
    }
    return sum
  }
}

/// The quotient of two power series, `y = P/max(Q, ε)`: Padé forms.
/// - Shape: `[…, n]` → `[…, outputs]`
public struct PowerSeriesQuotient: Layer {
  public var numerator: PowerSeriesHead
  public var denominator: PowerSeriesHead
  public var epsilon: Double
  public init(outputs: Int, numerator: Int, denominator: Int, epsilon: Double = 1e-3) {
    self.numerator = PowerSeriesHead(outputs: outputs, degree: numerator)
    self.denominator = PowerSeriesHead(outputs: outputs, degree: denominator)
    self.epsilon = epsilon
  }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    numerator(x, scope["numerator"]) / denominator(x, scope["denominator"]).maximum(epsilon)
  }
}

/// Data that a layer cannot take.
public struct NeuronError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// Columns of data mapped linearly to a range above zero, by the least and largest values seen.
public struct PositiveRange: Hashable, Sendable {
  public let least: [Double]
  public let largest: [Double]
  public let range: ClosedRange<Double>

  /// - `data`: `[n, features]`
  /// - Throws: `NeuronError` for data that are not finite, or a range that does not lie above zero.
  public init(fitting data: Tensor, to range: ClosedRange<Double> = 0.1...0.9) throws {
    require(data.rank == 2, "a range is fitted to [n, features], not \(data.shape)")
    guard range.lowerBound > 0 else { throw NeuronError("the range \(range) does not lie above zero") }
    guard data.shape[0] > 0, data.isFinite().all().item(as: Bool.self) else {
      throw NeuronError("the data have no samples, or numbers that are not finite")
    }
    least = data.min([0]).doubles
    largest = data.max([0]).doubles
    self.range = range
  }

  /// Numbers outside what was seen end at the range's ends; a column that never changes goes to its middle.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let spans = zip(least, largest).map { $1 - $0 }
    let low = Tensor(least).cast(to: x.dtype)
    let scale = Tensor(spans.map { $0 > 0 ? 1 / $0 : 0 }).cast(to: x.dtype)
    let offset = Tensor(spans.map { $0 > 0 ? 0 : 0.5 }).cast(to: x.dtype)
    let unit = ((x - low) * scale + offset).clipped(0.0, 1.0)
    return unit * (range.upperBound - range.lowerBound) + range.lowerBound
  }
}
