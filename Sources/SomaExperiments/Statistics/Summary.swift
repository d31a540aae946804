import Foundation
import Soma
import SomaData

/// A mean with the interval that covers the true mean with a given probability.
public struct Estimate: Sendable, Hashable, Codable {
  public var mean: Double
  /// Nil if a single value says nothing of the spread.
  public var low: Double?
  public var high: Double?
  public var standardDeviation: Double?
  public var count: Int

  /// The mean of normally distributed values and its interval `mean ± t_{n-1} s/√n` (Gosset 1908).
  /// - Parameter level: the probability of covering, 0.95 by custom
  public init(of values: [Double], level: Double = 0.95) {
    require(level > 0 && level < 1, "an interval's level is between 0 and 1, not \(level)")
    count = values.count
    mean = values.mean
    guard values.count > 1 else { return }
    let deviation = values.variance.squareRoot()
    let half =
      StudentT(degrees: Double(values.count - 1)).quantile(0.5 + level / 2) * deviation
      / Double(values.count).squareRoot()
    standardDeviation = deviation
    (low, high) = (mean - half, mean + half)
  }

  /// Half the interval's length.
  public var halfWidth: Double? { high.map { $0 - mean } }

  /// The interval, if it is finite.
  public var interval: ClosedRange<Double>? {
    guard let low, let high, low.isFinite, high.isFinite, low <= high else { return nil }
    return low...high
  }
}

extension [Double] {
  /// The arithmetic mean; not a number if there are no values.
  public var mean: Double { isEmpty ? .nan : reduce(0, +) / Double(count) }

  /// The unbiased variance `Σ (x - mean)² / (n - 1)`; not a number for fewer than two values.
  public var variance: Double {
    guard count > 1 else { return .nan }
    let center = mean
    return reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(count - 1)
  }

  /// The middle value, or the mean of the two in the middle; not a number if there are no values.
  public var median: Double { quantile(0.5) }

  /// The value below which a share `p` lies, linear between neighbours (Hyndman, Fan 1996, definition 7).
  public func quantile(_ p: Double) -> Double {
    guard !isEmpty, p >= 0, p <= 1 else { return .nan }
    let sorted = sorted()
    let place = p * Double(count - 1)
    let i = Swift.min(Int(place), count - 1)
    guard i + 1 < count else { return sorted[i] }
    return sorted[i] + (place - Double(i)) * (sorted[i + 1] - sorted[i])
  }
}

/// The interval between the quantiles of a statistic over resamples of the values, drawn with replacement (Efron 1979).
/// Nil for fewer than two values.
/// - Parameters:
///   - resamples: 10 000 make the ends stable to about a hundredth of the interval
///   - statistic: the mean, if not given
public func bootstrapInterval(
  _ values: [Double], level: Double = 0.95, resamples: Int = 10_000, seed: UInt64 = 0,
  statistic: ([Double]) -> Double = { $0.mean }
) -> ClosedRange<Double>? {
  require(level > 0 && level < 1 && resamples > 0, "level \(level), \(resamples) resamples")
  guard values.count > 1 else { return nil }
  var generator = SeededGenerator(seed: seed)
  var resample = values
  let results = (0..<resamples).map { _ in
    for i in resample.indices { resample[i] = values[Int.random(in: 0..<values.count, using: &generator)] }
    return statistic(resample)
  }
  let (low, high) = (results.quantile(0.5 - level / 2), results.quantile(0.5 + level / 2))
  return low <= high ? low...high : nil
}
