import Foundation

/// The interval of a probability from counted successes (Wilson 1927): centre `(p + z²/2n)/(1 + z²/n)`, half width
/// `z √(p(1-p)/n + z²/4n²)/(1 + z²/n)`.
/// - Parameter z: 1.959964 for 95 %
public func wilsonInterval(successes: Int, of n: Int, z: Double = 1.959963984540054) -> ClosedRange<Double> {
  precondition(n >= 0 && successes >= 0 && successes <= n, "\(successes) successes of \(n)")
  guard n > 0 else { return 0...1 }
  let (n, p) = (Double(n), Double(successes) / Double(n))
  let center = (p + z * z / (2 * n)) / (1 + z * z / n)
  let half = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot() / (1 + z * z / n)
  return max(0, center - half)...min(1, center + half)
}

/// Half the 95 % point of χ² with one degree of freedom: how far the log-likelihood may fall within an interval.
private let likelihoodDrop = 3.841458820694124 / 2

/// The mean of numbers above zero, as that of a gamma distribution: maximum likelihood, and the interval where the
/// profile of the likelihood stays within 95 %. Student's interval, cut at zero, where the numbers hardly differ.
public func gammaMeanInterval(_ values: [Double]) -> Estimate {
  var result = Estimate(of: values)
  guard values.count > 1 else { return result }
  let deviation = result.standardDeviation ?? 0
  guard deviation >= 1e-5, values.allSatisfy({ $0 > 0 }) else {
    result.low = result.low.map { max(0, $0) }
    return result
  }
  let n = Double(values.count)
  let (mean, meanLog) = (values.mean, values.map { log($0) }.mean)
  /// The log-likelihood at a mean μ, at the best shape.
  func profile(_ mu: Double) -> Double {
    let s = mean / mu - 1 - meanLog + log(mu)  // log k - ψ(k) at the best k
    var (low, high) = (1e-8, 1e12)
    for _ in 0..<200 {
      let k = (low * high).squareRoot()
      if log(k) - digamma(k) > s { low = k } else { high = k }
    }
    let k = (low * high).squareRoot()
    let normalizer: Double = k * log(k / mu) - lgamma(k)
    let exponents: Double = (k - 1) * meanLog - k * mean / mu
    return n * (normalizer + exponents)
  }
  result.low = crossing(from: mean, towards: 0, best: profile(mean), profile)
  result.high = crossing(from: mean, towards: .infinity, best: profile(mean), profile)
  result.standardDeviation = deviation
  return result
}

/// The mean of numbers in 0 … `upper`, as that of a beta distribution, with the interval of the profile likelihood.
/// Student's interval, cut to the support, where the numbers hardly differ or touch its ends; uncut if some lie outside.
public func betaMeanInterval(_ values: [Double], upper: Double = 1) -> Estimate {
  var result = Estimate(of: values)
  guard values.count > 1 else { return result }
  let y = values.map { $0 / upper }
  let deviation = result.standardDeviation ?? 0
  guard y.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { return result }
  guard deviation >= 1e-10, y.allSatisfy({ $0 > 0 && $0 < 1 }) else {
    result.low = result.low.map { max(0, $0) }
    result.high = result.high.map { min(upper, $0) }
    return result
  }
  let n = Double(y.count)
  let (meanLog, meanLogRest) = (y.map { log($0) }.mean, y.map { log1p(-$0) }.mean)
  func profile(_ mu: Double) -> Double {
    func value(_ logPrecision: Double) -> Double {
      let precision = exp(logPrecision)
      let (a, b) = (mu * precision, (1 - mu) * precision)
      let normalizer: Double = lgamma(precision) - lgamma(a) - lgamma(b)
      let exponents: Double = (a - 1) * meanLog + (b - 1) * meanLogRest
      return n * (normalizer + exponents)
    }
    return goldenMaximum(-12, 40, value).value
  }
  let best = goldenMaximum(-40, 40) { profile(1 / (1 + exp(-$0))) }
  let mean = 1 / (1 + exp(-best.x))
  guard mean > 0, mean < 1, best.value.isFinite else { return result }
  result.mean = upper * mean
  result.low = upper * crossing(from: mean, towards: 0, best: best.value, profile)
  result.high = upper * min(1, crossing(from: mean, towards: 1, best: best.value, profile))
  return result
}

/// Where the log-likelihood has fallen by half the 95 % point, between a start and a limit.
private func crossing(from start: Double, towards limit: Double, best: Double, _ profile: (Double) -> Double) -> Double
{
  func isInside(_ mu: Double) -> Bool { profile(mu) >= best - likelihoodDrop }
  var inside = start
  var outside = limit
  if limit == .infinity {
    outside = start * 2
    while isInside(outside), outside < 1e300 { (inside, outside) = (outside, outside * 2) }
  }
  for _ in 0..<100 {
    let middle = (inside + outside) / 2
    if isInside(middle) { inside = middle } else { outside = middle }
  }
  return (inside + outside) / 2
}

private func goldenMaximum(_ low: Double, _ high: Double, _ f: (Double) -> Double) -> (x: Double, value: Double) {
  let ratio = (5.0.squareRoot() - 1) / 2
  var (a, b) = (low, high)
  var (c, d) = (b - ratio * (b - a), a + ratio * (b - a))
  var (fc, fd) = (f(c), f(d))
  for _ in 0..<90 {
    if fc > fd || fd.isNaN {
      (b, d, fd) = (d, c, fc)
      c = b - ratio * (b - a)
      fc = f(c)
    } else {
      (a, c, fc) = (c, d, fd)
      d = a + ratio * (b - a)
      fd = f(d)
    }
  }
  let x = (a + b) / 2
  return (x, f(x))
}

/// `d/dx log Γ(x)` for x > 0, by recurrence and the asymptotic series (Abramowitz, Stegun 1964, 6.3.18).
private func digamma(_ x: Double) -> Double {
  var (x, shift) = (x, 0.0)
  while x < 10 {
    shift -= 1 / x
    x += 1
  }
  let z = 1 / (x * x)
  var series = 0.0
  for coefficient in [1 / 132.0, -1 / 240.0, 1 / 252.0, -1 / 120.0, 1 / 12.0] { series = z * (coefficient + series) }
  return shift + log(x) - 1 / (2 * x) - series
}
