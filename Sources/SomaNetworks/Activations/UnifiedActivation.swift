import Foundation
import Soma

/// `c h(x) E_{α₁,β₁}(f(x)) / E_{α₂,β₂}(g(x))`, `c = Γ(β₁)/Γ(β₂)`: one form whose special cases are sigmoid, SiLU, tanh, softsign, ELU,
/// GELU, Mish and others (Mostafanejad 2023, arXiv 2302.11007). The numerator and the denominator may be absent.
/// - Shape: `[…]` → `[…]`
public struct UnifiedActivation: Layer {
  public typealias Function = @Sendable (Tensor) -> Tensor

  public struct Factor: Sendable {
    public var order: MittagLeffler
    public var argument: Function

    public init(_ alpha: Double, _ beta: Double, at argument: @escaping Function) {
      order = MittagLeffler(alpha, beta)
      self.argument = argument
    }
  }

  public var name: String
  /// `h`; nil is 1.
  public var gate: Function?
  public var numerator: Factor?
  public var denominator: Factor?

  public init(_ name: String, gate: Function? = nil, numerator: Factor? = nil, denominator: Factor? = nil) {
    self.name = name
    self.gate = gate
    self.numerator = numerator
    self.denominator = denominator
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let wide = x.cast(to: .float64)
    var result = gate?(wide) ?? Tensor.ones(like: wide)
    if numerator != nil || denominator != nil { result = result * ratio(wide) }
    return result.cast(to: x.dtype)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { self(x) }

  /// The exponents of both are subtracted before anything grows; the derivative is that of the quotient, in scaled parts.
  private func ratio(_ x: Tensor) -> Tensor {
    let c = (numerator.map { tgamma($0.order.beta) } ?? 1) / (denominator.map { tgamma($0.order.beta) } ?? 1)
    let (top, bottom) = (numerator?.order, denominator?.order)
    func parts(_ order: MittagLeffler?, _ z: Tensor) -> (value: Tensor, exponent: Tensor) {
      order?.scaled(z) ?? (Tensor.ones(like: z), Tensor.zeros(like: z))
    }
    let zero = Tensor.zeros(like: x)
    let arguments = [numerator?.argument(x) ?? zero, denominator?.argument(x) ?? zero]
    return withPushforward(
      "mittagLefflerRatio", arguments,
      { z in
        let (a, b) = (parts(top, z[0]), parts(bottom, z[1]))
        return [(a.exponent - b.exponent).exp() * a.value / b.value * c]
      },
      pushforward: { z, _, tangents in
        let (a, b) = (parts(top, z[0]), parts(bottom, z[1]))
        let up = top.map { $0.scaledSlope(z[0]) * tangents[0] / b.value } ?? zeros(z[0])
        let down = bottom.map { a.value * $0.scaledSlope(z[1]) * tangents[1] / (b.value * b.value) } ?? zeros(z[1])
        return [(a.exponent - b.exponent).exp() * (up - down) * c]
      })[0]
  }

  // MARK: The named rows

  /// `-e^{-kx}`, the exponent cut where it would overflow.
  private static func decay(_ k: Double = 1) -> Function { { x in -(x * -k).clipped(-700.0, 700.0).exp() } }
  private static let square: Function = { $0 * $0 }
  /// Beyond these the squares overflow; the functions are at their limits long before.
  private static func bounded(_ limit: Double, _ f: @escaping Function) -> Function { { f($0.clipped(-limit, limit)) } }

  public static let identity = UnifiedActivation("identity", gate: { $0 })
  public static let sigmoid = UnifiedActivation("sigmoid", numerator: Factor(0, 1, at: decay()))
  /// `x σ(kx)`; ReLU as `k` grows.
  public static func silu(_ k: Double = 1) -> UnifiedActivation {
    UnifiedActivation("silu", gate: { $0 }, numerator: Factor(0, 1, at: decay(k)))
  }
  /// `exp(-e^{-x})`
  public static let gumbel = UnifiedActivation("gumbel", numerator: Factor(1, 1, at: decay()))
  public static let tanh = UnifiedActivation(
    "tanh", gate: { $0 }, numerator: Factor(2, 2, at: bounded(1e30, square)),
    denominator: Factor(2, 1, at: bounded(1e30, square)))
  public static let softsign = UnifiedActivation("softsign", gate: { $0 }, numerator: Factor(0, 1, at: { -$0.abs() }))
  public static let elu = UnifiedActivation("elu", gate: { $0 }, numerator: Factor(1, 2, at: { $0.minimum(0) }))
  public static let gaussian = UnifiedActivation("gaussian", numerator: Factor(1, 1, at: bounded(1e30) { -($0 * $0) }))
  public static let gelu = UnifiedActivation(
    "gelu", gate: { $0 * 0.5 }, numerator: Factor(0.5, 1, at: bounded(40) { $0 * 0.5.squareRoot() }),
    denominator: Factor(1, 1, at: bounded(40) { $0 * $0 * 0.5 }))
  public static let mish = UnifiedActivation(
    "mish", gate: { $0 * $0.softplus() }, numerator: Factor(2, 2, at: { $0.softplus().minimum(1e30).squared() }),
    denominator: Factor(2, 1, at: { $0.softplus().minimum(1e30).squared() }))
  public static let cosine = UnifiedActivation("cosine", numerator: Factor(2, 1, at: bounded(1e30) { -($0 * $0) }))
  /// `x cos x`
  public static let growingCosine = UnifiedActivation(
    "gcu", gate: { $0 }, numerator: Factor(2, 1, at: bounded(1e30) { -($0 * $0) }))
  public static let sine = UnifiedActivation(
    "sine", gate: { $0 }, numerator: Factor(2, 2, at: bounded(1e30) { -($0 * $0) }))

  /// All rows that have no parameter.
  public static let all: [UnifiedActivation] = [
    identity, sigmoid, silu(), gumbel, tanh, softsign, elu, gaussian, gelu, mish, cosine, growingCosine, sine,
  ]
}

private func zeros(_ x: Tensor) -> Tensor { Tensor.zeros(like: x) }

/// `Γ(β) E_{α,β}(-e^{-kx})`, times `x` unless it is the sigmoid: with trained orders `α` in [0, 1], `β` in [½, 2] and slope `k > 0`.
/// `α = 0` is SiLU (sigmoid), `α = 1` the Gumbel gate (Mostafanejad 2023, arXiv 2302.11007). `kx` is cut to ±15.
/// - Shape: `[…]` → `[…]`
public struct MittagLefflerGate: Layer {
  public var isSigmoid: Bool
  public var alpha, beta, slope: Double
  public var trainsBeta: Bool
  public var isPerChannel: Bool

  /// - Parameters: start values; `alpha` in [0, 1], `beta` in [½, 2], `slope` positive
  public init(
    isSigmoid: Bool = false, alpha: Double = 0.05, beta: Double = 1, slope: Double = 1, trainsBeta: Bool = false,
    isPerChannel: Bool = false
  ) {
    require(
      (0...1).contains(alpha) && (0.5...2).contains(beta) && slope > 0,
      "a Mittag-Leffler gate wants α in 0…1, β in ½…2 and a positive slope, not \(alpha), \(beta), \(slope)")
    self.isSigmoid = isSigmoid
    self.alpha = alpha
    self.beta = beta
    self.slope = slope
    self.trainsBeta = trainsBeta
    self.isPerChannel = isPerChannel
  }

  /// The value for orders and slope that broadcast against `x`.
  public func callAsFunction(_ x: Tensor, alpha: Tensor, beta: Tensor, slope: Tensor) -> Tensor {
    let z = -(-(slope * x).clipped(-15.0, 15.0)).exp()
    let gate = mittagLeffler(alpha: alpha, beta: beta, z) * beta.lgamma().exp()
    return isSigmoid ? gate : x * gate
  }

  /// `α` as it is used: clamped.
  public static func order(ofStored raw: Tensor) -> Tensor { raw.clipped(0.0, 1.0) }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let axis = x.rank >= 4 ? 1 : x.rank - 1
    let shape: Shape = isPerChannel ? [x.shape[axis]] : []
    let aligned: Shape = isPerChannel ? Shape([x.shape[axis]] + [Int](repeating: 1, count: x.rank - axis - 1)) : []
    func number(_ name: String, _ value: Double) -> Tensor {
      scope.parameter(name, shape, .constant(value), dtype: x.dtype)
    }
    let order = Self.order(ofStored: number("alpha", alpha)).reshape(aligned)
    let second = trainsBeta ? number("beta", beta).clipped(0.5, 2.0).reshape(aligned) : Tensor(beta, dtype: x.dtype)
    // softplus(raw) is the slope
    let raw = slope > 30 ? slope : log(expm1(slope))
    return self(x, alpha: order, beta: second, slope: number("slope", raw).softplus().reshape(aligned))
  }
}
