import Foundation

/// A function of one number that formulas use, by its name in the grammar.
enum ScalarFunction: String, Hashable, Sendable {
  case exp, log, log1p, expm1, sqrt, abs, sign, floor, erf, erfc, tanh, sinh, cosh, sech, sin, cos, tan, atan, asin
  case asinh, sigmoid, softplus, relu, normcdf, normpdf, lgamma, gamma, step, elu, negate

  func callAsFunction(_ x: Double) -> Double {
    switch self {
    case .exp: Foundation.exp(x)
    case .log: Foundation.log(x)
    case .log1p: Foundation.log1p(x)
    case .expm1: Foundation.expm1(x)
    case .sqrt: x.squareRoot()
    case .abs: x.magnitude
    case .sign: x > 0 ? 1 : x < 0 ? -1 : x
    case .floor: x.rounded(.down)
    case .erf: Foundation.erf(x)
    case .erfc: Foundation.erfc(x)
    case .tanh: Foundation.tanh(x)
    case .sinh: Foundation.sinh(x)
    case .cosh: Foundation.cosh(x)
    case .sech: 1 / Foundation.cosh(x)
    case .sin: Foundation.sin(x)
    case .cos: Foundation.cos(x)
    case .tan: Foundation.tan(x)
    case .atan: Foundation.atan(x)
    case .asin: Foundation.asin(x)
    case .asinh: Foundation.asinh(x)
    case .sigmoid: x >= 0 ? 1 / (1 + Foundation.exp(-x)) : Foundation.exp(x) / (1 + Foundation.exp(x))
    case .softplus: Swift.max(x, 0) + Foundation.log1p(Foundation.exp(-x.magnitude))
    case .relu: x > 0 ? x : x.isNaN ? x : 0
    case .normcdf: Foundation.erfc(-x / 2.0.squareRoot()) / 2
    case .normpdf: Foundation.exp(-x * x / 2) * 0.3989422804014327
    case .lgamma: Foundation.lgamma(x)
    case .gamma: Foundation.exp(Foundation.lgamma(x))
    case .step: x >= 0 ? 1 : 0
    case .elu: x >= 0 ? x : Foundation.expm1(x)
    case .negate: -x
    }
  }

  /// Least and greatest value over an interval.
  func bounds(_ x: Interval) -> Interval {
    switch self {
    case .exp, .expm1, .erf, .tanh, .sinh, .atan, .asinh, .sigmoid, .softplus, .relu, .normcdf, .floor, .sign, .step,
      .elu:
      return Interval(self(x.low), self(x.high)).widened
    case .erfc, .negate: return Interval(self(x.high), self(x.low)).widened
    case .log: return within(x, 0, .infinity)
    case .log1p: return within(x, -1, .infinity)
    case .sqrt: return within(x, 0, .infinity)
    case .asin: return within(x, -1, 1)
    case .abs, .cosh: return even(x, rises: true)
    case .sech, .normpdf: return even(x, rises: false)
    case .sin: return Self.wave(x, peak: .pi / 2)
    case .cos: return Self.wave(x, peak: 0)
    case .tan:
      // Between two poles it rises.
      let half = Double.pi / 2
      guard x.isFinite, ((x.low + half) / .pi).rounded(.down) == ((x.high + half) / .pi).rounded(.down) else {
        return .all
      }
      return Interval(self(x.low), self(x.high)).widened
    case .lgamma, .gamma:
      // It falls to its minimum at 1.4616… and rises from there; below zero are poles.
      guard x.low > 0 else { return .all }
      let lowest = 1.4616321449683623
      let (a, b) = (self(x.low), self(x.high))
      let least = x.contains(lowest) ? self(lowest) : Swift.min(a, b)
      return Interval(least, Swift.max(a, b)).widened
    }
  }

  /// Of a rising function with a domain: what lies outside the domain has no value and is left out.
  private func within(_ x: Interval, _ low: Double, _ high: Double) -> Interval {
    guard x.high >= low, x.low <= high else { return .undefined }
    return Interval(self(Swift.max(x.low, low)), self(Swift.min(x.high, high))).widened
  }

  private func even(_ x: Interval, rises: Bool) -> Interval {
    let (a, b) = (self(x.low), self(x.high))
    let middle = x.contains(0) ? self(0) : a
    return Interval(Swift.min(a, b, middle), Swift.max(a, b, middle)).widened
  }

  private static func wave(_ x: Interval, peak: Double) -> Interval {
    guard x.isFinite, x.high - x.low < 2 * .pi else { return Interval(-1, 1) }
    func contains(_ place: Double) -> Bool {
      place + 2 * .pi * ((x.low - place) / (2 * .pi)).rounded(.up) <= x.high + 1e-12
    }
    let (a, b) = (Foundation.cos(x.low - peak), Foundation.cos(x.high - peak))
    return Interval(
      contains(peak + .pi) ? -1 : Swift.min(a, b), contains(peak) ? 1 : Swift.max(a, b)
    ).widened
  }
}
