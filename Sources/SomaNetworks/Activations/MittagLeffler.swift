import Foundation
import Soma

/// The two-parameter Mittag-Leffler function of a real argument, `E_{α,β}(z) = Σ z^k / Γ(αk + β)`, the exponential's relative in
/// fractional calculus. `0 ≤ α ≤ 2`.
///
/// Evaluated in double precision: closed forms where there are any; the series for `|z| ≤ ½`; else the integral over a parabola
/// `s = μ(1 + iu)²` with the poles' parts subtracted (32 nodes). For `z > 0` it grows like `exp(z^{1/α})`; `scaled` keeps that factor
/// apart so that ratios of two such functions do not overflow.
public struct MittagLeffler: Sendable, Hashable {
  public let alpha: Double
  public let beta: Double

  public init(_ alpha: Double, _ beta: Double) {
    require(
      alpha >= 0 && alpha <= 2 && beta.isFinite,
      "Mittag-Leffler functions want 0 ≤ α ≤ 2 and a finite β, not \(alpha), \(beta)")
    self.alpha = alpha
    self.beta = beta
  }

  /// `E(z)`; twice differentiable.
  public func callAsFunction(_ z: Tensor) -> Tensor {
    withPushforward(
      "mittagLeffler", [z], { [self.value($0[0])] },
      pushforward: { inputs, _, tangents in [self.slope(inputs[0]) * tangents[0]] })[0]
  }

  private func value(_ z: Tensor) -> Tensor {
    let (scaled, exponent) = scaled(z.cast(to: .float64))
    return (exponent.exp() * scaled).cast(to: z.dtype)
  }

  /// `S′` with `E′(z) = S′ eᵉ`, `e` the exponent that `scaled` gives: `E′(z) = [E_{α,β-1}(z) - (β - 1) E_{α,β}(z)]/(αz)`, and near
  /// zero the series.
  public func scaledSlope(_ z: Tensor) -> Tensor {
    if alpha == 0 { return Self.reciprocalGamma(beta) / (1 - z).squared() }
    let isNear = z.abs() .<= 0.5
    let far = Tensor.select(isNear, 1, z)
    let (own, exponent) = scaled(far)
    let (below, belowExponent) = MittagLeffler(alpha, beta - 1).scaled(far)
    let quotient = (below * (belowExponent - exponent).exp() - own * (beta - 1)) / (far * alpha)
    let inside = Tensor.select(isNear, z, 0)
    let near = Self.series(inside) { Double($0 + 1) * Self.reciprocalGamma(self.alpha * Double($0 + 1) + self.beta) }
    return Tensor.select(isNear, near * (-scaled(inside).exponent).exp(), quotient)
  }

  /// `E′(z)`
  private func slope(_ z: Tensor) -> Tensor {
    let wide = z.cast(to: .float64)
    return (scaled(wide).exponent.exp() * scaledSlope(wide)).cast(to: z.dtype)
  }

  /// `S` and `e` with `E(z) = S eᵉ`, for `float64`; `S` neither overflows nor vanishes for large positive `z`.
  public func scaled(_ z: Tensor) -> (value: Tensor, exponent: Tensor) {
    let zero = Tensor.zeros(like: z)
    switch (alpha, beta) {
    case (0, _): return (Self.reciprocalGamma(beta) / (1 - z), zero)
    case (1, 1): return (Tensor.ones(like: z), z)
    case (1, 2):
      // (1 - e^{-|z|})/|z|, times e^z on the right
      let size = z.abs()
      let safe = Tensor.select(size .< 1e-8, 1e-8, size)
      return (Tensor.select(size .< 1e-8, 1 - size * 0.5, -(-safe).expm1() / safe), z.maximum(0))
    case (2, 1):
      let root = z.abs().sqrt()
      let right = ((root * -2.0).exp() + 1) * 0.5
      return (Tensor.select(z .> 0, right, root.cos()), Tensor.select(z .> 0, root, 0))
    case (2, 2):
      let root = z.abs().sqrt()
      let safe = Tensor.select(root .< 1e-8, 1e-8, root)
      let right = -(safe * -2.0).expm1() * 0.5 / safe
      let either = Tensor.select(z .> 0, right, safe.sin() / safe)
      return (Tensor.select(root .< 1e-8, 1 - root, either), Tensor.select(z .> 0, root, 0))
    case (1, 0): return (z, z)
    case (2, 0):
      // √z sinh √z
      let root = z.abs().sqrt()
      let right = -(root * -2.0).expm1() * 0.5 * root
      return (Tensor.select(z .> 0, right, -root * root.sin()), Tensor.select(z .> 0, root, 0))
    case (0.5, 0):
      // z(1/√π + z E_{½,1}(z))
      let (inner, exponent) = MittagLeffler(0.5, 1).scaled(z)
      return (z * ((-exponent).exp() * (1 / Double.pi.squareRoot()) + z * inner), exponent)
    case (0.5, 1):
      // e^{z²} erfc(-z)
      return (Tensor.select(z .> 0, (-z).erfc(), Self.scaledErfc(z.minimum(0).abs())), Tensor.select(z .> 0, z * z, 0))
    case (2, _):
      // ½(E_{1,β}(√z) + E_{1,β}(-√z)) on the right; the contour on the left
      let root = z.maximum(0).sqrt()
      let (up, exponent) = MittagLeffler(1, beta).scaled(root)
      let (down, downExponent) = MittagLeffler(1, beta).scaled(-root)
      let right = (up + down * (downExponent - exponent).exp()) * 0.5
      let (left, _) = general(z.minimum(0))
      return (Tensor.select(z .> 0, right, left), Tensor.select(z .> 0, exponent, 0))
    default: return general(z)
    }
  }

  /// `e^{x²} erfc(x)` for `x ≥ 0`.
  static func scaledErfc(_ x: Tensor) -> Tensor {
    let near = x.minimum(12)
    let far = x.maximum(12)
    let t = 1 / (far * far * 2.0)
    let tail = 1 - t * (1 - t * 3.0 * (1 - t * 5.0 * (1 - t * 7.0 * (1 - t * 9.0 * (1 - t * 11.0)))))
    return Tensor.select(x .<= 12, (near * near).exp() * near.erfc(), tail / (far * Double.pi.squareRoot()))
  }

  /// `1/Γ(x)`, 0 at the poles of Γ.
  static func reciprocalGamma(_ x: Double) -> Double {
    if x <= 0, x == x.rounded() { return 0 }
    if x > 170 { return Foundation.exp(-Foundation.lgamma(x)) }
    return 1 / tgamma(x)
  }

  /// `Σ c_k z^k`, 60 terms.
  private static func series(_ z: Tensor, _ coefficient: (Int) -> Double) -> Tensor {
    let coefficients = (0..<60).map(coefficient)
    return coefficients.dropLast().reversed().reduce(Tensor.zeros(like: z) + coefficients.last!) { $0 * z + $1 }
  }

  private func general(_ z: Tensor) -> (value: Tensor, exponent: Tensor) {
    let isNear = z.abs() .<= 0.5
    let near = Self.series(Tensor.select(isNear, z, 0)) { Self.reciprocalGamma(self.alpha * Double($0) + self.beta) }
    let outside = Tensor.select(isNear, 1, z)
    let isRight = outside .> 0
    // The pole of a positive argument, at z^{1/α}, is real.
    let radius = outside.abs().power(1 / alpha)
    let pole = Complex(radius, Tensor.zeros(like: z))
    var sum = Tensor.zeros(like: z)
    var leftSum = Tensor.zeros(like: z)
    // Of a negative argument with α > 1 there are two, at |z|^{1/α} e^{±iπ/α}.
    let hasPair = alpha > 1
    let pair = Complex(radius * cos(Double.pi / alpha), radius * sin(Double.pi / alpha))
    let residue = pole.power(1 - beta) * (1 / alpha)
    let pairResidue = Complex.polar(radius.power(1 - beta) * (1 / alpha), Double.pi * (1 - beta) / alpha)
    for (s, weight, size, angle) in Contour.nodes {
      let top = (
        re: pow(size, alpha - beta) * cos((alpha - beta) * angle),
        im: pow(size, alpha - beta) * sin((alpha - beta) * angle)
      )
      let power = (re: pow(size, alpha) * cos(alpha * angle), im: pow(size, alpha) * sin(alpha * angle))
      let full =
        Complex(top.re, top.im, like: z)
        / Complex(outside * -1.0 + power.re, Tensor.full(z.shape, power.im, dtype: .float64))
      let at = Complex(s.re, s.im, like: z)
      let right = full - residue / (at - pole)
      var left = full
      if hasPair { left = full - pairResidue / (at - pair) - pairResidue.conjugate / (at - pair.conjugate) }
      sum += right.re * weight.im + right.im * weight.re
      leftSum += left.re * weight.im + left.im * weight.re
    }
    let factor = Contour.factor
    // Right: the pole's part e^{radius} is kept apart.
    let right = residue.re + sum * factor * (-radius).exp()
    var left = leftSum * factor
    if hasPair {
      let growth = Complex.polar(pair.re.exp(), pair.im)
      left += (pairResidue * growth).re * 2.0
    }
    let far = Tensor.select(isRight, right, left)
    return (
      Tensor.select(isNear, near, far), Tensor.select(isNear .| !isRight, 0, radius)
    )
  }
}

/// The parabola `s = μ(1 + iu)²` along which the integrals run.
private enum Contour {
  typealias Node = (s: (re: Double, im: Double), weight: (re: Double, im: Double), size: Double, angle: Double)

  private static let count = 32
  private static let step = 3.0 / Double(count)
  /// Of the sum over nodes.
  static let factor = step / Double.pi

  /// Places, weights `e^s s′`, and the places' polar form.
  static let nodes: [Node] = (0..<count).map { k in
    let scale = Double.pi * Double(count) / 12
    let u = (Double(k) + 0.5) * step
    let s = (re: scale * (1 - u * u), im: 2 * scale * u)
    let slope = (re: -2 * scale * u, im: 2 * scale)
    let (e, c, d) = (Foundation.exp(s.re), Foundation.cos(s.im), Foundation.sin(s.im))
    let weight = (re: e * (c * slope.re - d * slope.im), im: e * (c * slope.im + d * slope.re))
    return (s, weight, Foundation.hypot(s.re, s.im), Foundation.atan2(s.im, s.re))
  }
}

/// Complex numbers as pairs of tensors, as much as the contour needs.
private struct Complex {
  var re, im: Tensor

  init(_ re: Tensor, _ im: Tensor) {
    self.re = re
    self.im = im
  }

  init(_ re: Double, _ im: Double, like z: Tensor) {
    self.init(Tensor.full(z.shape, re, dtype: z.dtype), Tensor.full(z.shape, im, dtype: z.dtype))
  }

  static func polar(_ size: Tensor, _ angle: Double) -> Complex { Complex(size * cos(angle), size * sin(angle)) }
  static func polar(_ size: Tensor, _ angle: Tensor) -> Complex { Complex(size * angle.cos(), size * angle.sin()) }

  var conjugate: Complex { Complex(re, -im) }

  /// Of a positive real number.
  func power(_ exponent: Double) -> Complex { Complex(re.power(exponent), im) }

  static func + (a: Complex, b: Complex) -> Complex { Complex(a.re + b.re, a.im + b.im) }
  static func - (a: Complex, b: Complex) -> Complex { Complex(a.re - b.re, a.im - b.im) }
  static func * (a: Complex, b: Complex) -> Complex { Complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re) }
  static func * (a: Complex, b: Double) -> Complex { Complex(a.re * b, a.im * b) }
  static func / (a: Complex, b: Complex) -> Complex {
    let size = b.re * b.re + b.im * b.im
    return Complex((a.re * b.re + a.im * b.im) / size, (a.im * b.re - a.re * b.im) / size)
  }
}

/// `E_{α,β}(z)` for `z ≤ 0`, with orders that are tensors and may be trained: `0 ≤ α ≤ 1`, `β > 0`. Once differentiable in all three,
/// twice in `z`.
public func mittagLeffler(alpha: Tensor, beta: Tensor, _ z: Tensor) -> Tensor {
  let dtype = z.dtype
  // The orders keep their own shapes: what depends on them alone is computed once and not for each element.
  let arguments = [alpha, beta, z].map { $0.cast(to: .float64) }
  return withPushforward(
    "mittagLeffler", arguments, { [TrainedOrders($0[0], $0[1], $0[2]).value] },
    pushforward: { inputs, _, tangents in
      let orders = TrainedOrders(inputs[0], inputs[1], inputs[2])
      return [orders.alphaSlope * tangents[0] + orders.betaSlope * tangents[1] + orders.slope * tangents[2]]
    })[0].cast(to: dtype)
}

/// The contour and the series with orders that are tensors.
private struct TrainedOrders {
  let alpha, beta, z: Tensor
  /// `α = 0` has a closed form of its own, and the contour divides by α nowhere but near there.
  let isNear: Tensor

  init(_ alpha: Tensor, _ beta: Tensor, _ z: Tensor) {
    self.alpha = alpha
    self.beta = beta
    self.z = z
    isNear = z.abs() .<= 0.5
  }

  /// `(h/π) Σ Im(e^s s′ f(s^{α-β}, 1/(s^α - z), ln s))`
  private func integral(_ f: (_ top: Complex, _ bottom: Complex, _ log: (re: Double, im: Double)) -> Complex) -> Tensor
  {
    let far = Tensor.select(isNear, -1, z)
    var sum = Tensor.zeros(like: far)
    for (_, weight, size, angle) in Contour.nodes {
      let logSize = Foundation.log(size)
      let difference = alpha - beta
      let top = Complex.polar((difference * logSize).exp(), difference * angle)
      let power = Complex.polar((alpha * logSize).exp(), alpha * angle)
      let bottom = Complex(power.re - far, power.im)
      let value = f(top, bottom, (logSize, angle))
      sum += value.re * weight.im + value.im * weight.re
    }
    return sum * Contour.factor
  }

  /// `Σ_k f(k, 1/Γ(αk + β)) z^k` for |z| ≤ ½, 60 terms.
  private func series(_ f: (Int, _ reciprocal: Tensor, _ argument: Tensor) -> Tensor)
    -> Tensor
  {
    let near = Tensor.select(isNear, z, 0)
    var sum = Tensor.zeros(like: z)
    for k in (0..<60).reversed() {
      let argument = alpha * Double(k) + beta
      sum = sum * near + f(k, (-argument.lgamma()).exp(), argument)
    }
    return sum
  }

  private func chosen(_ near: Tensor, _ far: Tensor) -> Tensor { Tensor.select(isNear, near, far) }

  /// 1/(Γ(β)(1 - z)) where α is zero.
  private func closed(_ other: Tensor, _ own: Tensor) -> Tensor { Tensor.select(alpha .<= 1e-9, own, other) }
  private var reciprocalBeta: Tensor { (-beta.lgamma()).exp() }

  var value: Tensor {
    closed(
      chosen(series { _, reciprocal, _ in reciprocal }, integral { top, bottom, _ in top / bottom }),
      reciprocalBeta / (1 - z))
  }

  /// `∂E/∂z`: the integrand `s^{α-β}/(s^α - z)²`.
  var slope: Tensor {
    let far = integral { top, bottom, _ in top / (bottom * bottom) }
    // Σ (k+1) z^k/Γ(α(k+1)+β)
    let near = series { k, _, argument in (-(argument + alpha).lgamma()).exp() * Double(k + 1) }
    return closed(chosen(near, far), reciprocalBeta / (1 - z).squared())
  }

  var betaSlope: Tensor {
    let far = integral { top, bottom, log in
      let value = top / bottom
      return Complex(-(value.re * log.re - value.im * log.im), -(value.re * log.im + value.im * log.re))
    }
    let near = series { _, reciprocal, argument in -argument.digamma() * reciprocal }
    return closed(chosen(near, far), -beta.digamma() * reciprocalBeta / (1 - z))
  }

  var alphaSlope: Tensor {
    let size = Tensor.select(isNear, -1, z)
    let far = integral { top, bottom, log in
      let value = top / (bottom * bottom)
      return Complex((value.re * log.re - value.im * log.im) * -size, (value.re * log.im + value.im * log.re) * -size)
    }
    let near = series { k, reciprocal, argument in argument.digamma() * reciprocal * -Double(k) }
    // At α = 0: -ψ(β)/Γ(β) Σ k z^k = -ψ(β)/Γ(β) z/(1 - z)², by Abel's limit also beyond |z| < 1.
    return closed(chosen(near, far), -beta.digamma() * reciprocalBeta * z / (1 - z).squared())
  }
}
