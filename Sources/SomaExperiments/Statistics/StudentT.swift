import Foundation
import Soma

/// Student's t distribution (Gosset 1908).
public struct StudentT: Sendable, Hashable {
  /// Degrees of freedom, above 0.
  public let degrees: Double

  public init(degrees: Double) {
    require(degrees > 0, "a t distribution has degrees of freedom above 0, not \(degrees)")
    self.degrees = degrees
  }

  /// The probability of a value of at most `t`.
  public func cumulative(_ t: Double) -> Double {
    if t.isNaN { return .nan }
    let tail = twoSided(t) / 2
    return t >= 0 ? 1 - tail : tail
  }

  /// The probability of a value at least as far from zero as `t`: `I_{ν/(ν+t²)}(ν/2, 1/2)`.
  public func twoSided(_ t: Double) -> Double {
    if t.isNaN { return .nan }
    let square = t * t
    guard square.isFinite else { return 0 }
    return incompleteBeta(
      degrees / (degrees + square), complement: square / (degrees + square), degrees / 2, 0.5)
  }

  /// The value that is not exceeded with probability `p`.
  public func quantile(_ p: Double) -> Double {
    guard p > 0, p < 1 else { return p == 0 ? -.infinity : p == 1 ? .infinity : .nan }
    if p == 0.5 { return 0 }
    // By the smaller tail, so that no digits are lost near 1.
    let tail = 2 * min(p, 1 - p)
    var (low, high) = (0.0, 1.0)
    while twoSided(high) > tail, high < 1e300 { (low, high) = (high, high * 2) }
    for _ in 0..<200 where high - low > high * 1e-16 {
      let middle = (low + high) / 2
      if twoSided(middle) > tail { low = middle } else { high = middle }
    }
    return p > 0.5 ? (low + high) / 2 : -(low + high) / 2
  }
}

/// The regularized incomplete beta function `I_x(a, b) = ∫₀ˣ t^{a-1} (1-t)^{b-1} dt / B(a, b)`, by its continued fraction
/// (Abramowitz, Stegun 1964, 26.5.8) in the half where that converges fast.
/// - Parameter y: `1 - x`, which the caller knows with all its digits even if `x` is near 1
func incompleteBeta(_ x: Double, complement y: Double, _ a: Double, _ b: Double) -> Double {
  require(a > 0 && b > 0, "the incomplete beta function wants parameters above 0, not \(a), \(b)")
  guard x > 0 else { return 0 }
  guard y > 0 else { return 1 }
  let logX = y < 0.5 ? log1p(-y) : log(x)
  let logY = x < 0.5 ? log1p(-x) : log(y)
  let front = exp(a * logX + b * logY - logBeta(a, b))
  return x < (a + 1) / (a + b + 2) ? front * betaFraction(x, a, b) / a : 1 - front * betaFraction(y, b, a) / b
}

/// `log B(a, b)`. Where one parameter is large, its logarithms of gamma functions nearly cancel; Stirling's series gives their
/// difference without the loss.
private func logBeta(_ a: Double, _ b: Double) -> Double {
  let (small, large) = (min(a, b), max(a, b))
  guard large >= 10 else { return lgamma(a) + lgamma(b) - lgamma(a + b) }
  /// What Stirling's formula leaves of `log Γ(x)` (Abramowitz, Stegun 1964, 6.1.41).
  func rest(_ x: Double) -> Double {
    let z = 1 / (x * x)
    return (1 / 12.0 - z * (1 / 360.0 - z * (1 / 1260.0 - z * (1 / 1680.0 - z * (1 / 1188.0 - z * 691 / 360360))))) / x
  }
  let difference =
    (large - 0.5) * log1p(small / large) + small * log(large + small) - small + rest(large + small) - rest(large)
  return lgamma(small) - difference
}

/// The continued fraction of the incomplete beta function, evaluated by Lentz's method (Lentz 1976; Thompson, Barnett 1986).
private func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
  let tiny = 1e-300
  func kept(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
  var c = 1.0
  var d = 1 / kept(1 - (a + b) * x / (a + 1))
  var result = d
  for m in 1...10_000 {
    let m = Double(m)
    let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / kept(1 + even * d)
    c = kept(1 + even / c)
    result *= c * d
    let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / kept(1 + odd * d)
    c = kept(1 + odd / c)
    let change = c * d
    result *= change
    if abs(change - 1) < 1e-16 { break }
  }
  return result
}
