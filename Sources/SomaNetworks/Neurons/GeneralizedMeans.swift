import Soma

/// `log Σ wᵢ xᵢʳ` over the last axis, from `ℓ = log x`: powers relative to the largest that has weight.
private func logPowerSum(_ logs: Tensor, _ weights: Tensor, _ exponent: Tensor) -> Tensor {
  let scaled = logs * exponent
  let counted = (weights + scaled * 0) .> 0
  let peak = Tensor.select(counted, scaled, -Double.infinity).max([-1], keepsAxes: true).stopGradient()
  // Terms without weight may be larger than the peak; they only matter to the derivative by their weight.
  return ((scaled - peak).minimum(60).exp() * weights).sum([-1]).log() + peak.squeezed([-1])
}

/// A constant in the type of `x`, or a tensor.
private func exponent(_ value: Double, like x: Tensor) -> Tensor { Tensor(value, dtype: x.dtype) }

/// The Lehmer mean `L_p(w, x) = Σ wᵢ xᵢᵖ / Σ wᵢ xᵢᵖ⁻¹` of positive numbers with weights at or above zero, not all zero:
/// minimum (p → -∞), harmonic (0), arithmetic (1), contraharmonic (2), maximum (p → ∞). Evaluated in logarithms, so that
/// large |p| neither overflows nor vanishes. (Lehmer 1971)
public struct LehmerMean: Hashable, Sendable {
  public var p: Double
  public init(p: Double) { self.p = p }

  /// - Shape: `[…, n]`, weights `[n]` or any shape that broadcasts → `[…]`
  public func callAsFunction(_ x: Tensor, weights: Tensor? = nil) -> Tensor {
    Self.mean(x, weights: weights ?? Tensor(1, dtype: x.dtype), exponent: exponent(p, like: x))
  }

  /// The mean with an exponent that may be traced; x, weights and exponent broadcast, the last axis goes away.
  public static func mean(_ x: Tensor, weights: Tensor, exponent: Tensor) -> Tensor {
    let logs = x.log()
    return (logPowerSum(logs, weights, exponent) - logPowerSum(logs, weights, exponent - 1)).exp()
  }

  /// The slope score `S = ∂L_p/∂p / L_p = Σ wᵢ xᵢᵖ⁻¹ (xᵢ/L - 1) log xᵢ / Σ wᵢ xᵢᵖ⁻¹`: zero exactly if all inputs that the
  /// mean selects are equal.
  public static func slopeScore(_ x: Tensor, weights: Tensor, exponent: Tensor) -> Tensor {
    let logs = x.log()
    let mean = mean(x, weights: weights, exponent: exponent).expandDimensions(at: -1)
    let total = logPowerSum(logs, weights, exponent - 1).expandDimensions(at: -1)
    let shares = weights * (logs * (exponent - 1) - total).exp()
    return (shares * (x / mean - 1) * logs).sum([-1])
  }
}

/// The Gini mean `G_{r,s} = (Σ wᵢ xᵢʳ / Σ wᵢ xᵢˢ)^{1/(r-s)}` of positive numbers, `exp(Σ w xˢ log x / Σ w xˢ)` for r = s:
/// `G_{p,p-1}` is the Lehmer mean, `G_{r,0}` the power mean. (Gini 1938)
public struct GiniMean: Hashable, Sendable {
  public var r: Double
  public var s: Double
  public init(r: Double, s: Double) {
    self.r = r
    self.s = s
  }

  /// - Shape: `[…, n]`, weights `[n]` or any shape that broadcasts → `[…]`
  public func callAsFunction(_ x: Tensor, weights: Tensor? = nil) -> Tensor {
    Self.mean(x, weights: weights ?? Tensor(1, dtype: x.dtype), r: exponent(r, like: x), s: exponent(s, like: x))
  }

  /// Where r and s are nearer than this, the limit at their middle is used, whose error is of the order of the square.
  static let nearness = 1e-4

  /// The mean with exponents that may be traced; all broadcast, the last axis goes away.
  public static func mean(_ x: Tensor, weights: Tensor, r: Tensor, s: Tensor) -> Tensor {
    let logs = x.log()
    let gap = r - s
    let isNear = gap.abs() .< nearness
    let apart =
      (logPowerSum(logs, weights, r) - logPowerSum(logs, weights, s))
      / Tensor.select(isNear, 1, gap).squeezedLast()
    let middle = (r + s) * 0.5
    let total = logPowerSum(logs, weights, middle).expandDimensions(at: -1)
    let limit = (weights * (logs * middle - total).exp() * logs).sum([-1])
    return Tensor.select(isNear.squeezedLast(), limit, apart).exp()
  }
}

extension Tensor {
  /// An exponent has a last axis of length 1 (or none), beside the axis that a mean runs over.
  fileprivate func squeezedLast() -> Tensor { rank == 0 ? self : squeezed([-1]) }
}

/// The Lehmer mean of each window over the spatial axes of positive images, each channel by itself; p = 1 is average
/// pooling, p → ∞ max pooling.
/// - Shape: `[n, c, h, w]` → `[n, c, h', w']`
public struct LehmerPool2d: Layer {
  public var p: Double
  public var isTrained: Bool
  public var size: [Int]
  public var strides: [Int]

  public init(p: Double, isTrained: Bool = false, size: [Int] = [2, 2], strides: [Int]? = nil) {
    require(size.count == 2, "Lehmer pooling has two spatial axes, not \(size.count)")
    self.p = p
    self.isTrained = isTrained
    self.size = size
    self.strides = strides ?? size
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 4, "Lehmer pooling \(scope.path): input \(x.shape); wants [n, c, h, w]")
    let (n, c) = (x.shape[0], x.shape[1])
    let window = Window(size: size, strides: strides)
    let out = window.outputSize([x.shape[2], x.shape[3]])
    let patches = x.unfold(size, strides: strides).reshape([n, c, size[0] * size[1], out[0] * out[1]]).T
    let p =
      isTrained
      ? scope.parameter("exponent", [], .constant(self.p), dtype: x.dtype) : Tensor(self.p, dtype: x.dtype)
    return LehmerMean.mean(patches, weights: Tensor(1, dtype: x.dtype), exponent: p).reshape([n, c, out[0], out[1]])
  }
}
