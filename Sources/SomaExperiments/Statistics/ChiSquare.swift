import Foundation
import Soma

/// The chi-square distribution.
public struct ChiSquare: Sendable, Hashable {
  public var degrees: Double

  public init(degrees: Double) {
    require(degrees > 0, "a chi-square distribution has more than 0 degrees of freedom, not \(degrees)")
    self.degrees = degrees
  }

  /// The probability of a larger value: the regularized upper gamma function `Q(k/2, x/2)`, by its series below `k/2 + 1`
  /// and its continued fraction above (Abramowitz, Stegun 1964, 6.5).
  public func probability(above x: Double) -> Double {
    guard x > 0 else { return x.isNaN ? .nan : 1 }
    guard x.isFinite else { return 0 }
    let (a, t) = (degrees / 2, x / 2)
    let front = exp(a * log(t) - t - lgamma(a))
    if t < a + 1 {
      var (term, sum, n) = (1 / a, 1 / a, a)
      for _ in 0..<10_000 {
        n += 1
        term *= t / n
        sum += term
        if term < sum * 1e-16 { break }
      }
      return max(0, 1 - sum * front)
    }
    // Lentz's way through the fraction.
    let tiny = 1e-300
    var b = t + 1 - a
    var (c, d) = (1 / tiny, 1 / b)
    var h = d
    for i in 1..<10_000 {
      let n = -Double(i) * (Double(i) - a)
      b += 2
      d = n * d + b
      if abs(d) < tiny { d = tiny }
      c = b + n / c
      if abs(c) < tiny { c = tiny }
      d = 1 / d
      h *= d * c
      if abs(d * c - 1) < 1e-15 { break }
    }
    return front * h
  }
}
