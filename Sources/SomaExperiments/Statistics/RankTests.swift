import Foundation
import Soma

/// Ranks of several candidates over blocks (tasks, data sets, seeds), and whether they differ.
public struct RankTest: Sendable, Hashable {
  /// Of each candidate, 1 the best; ties share the mean of their places.
  public let meanRanks: [Double]
  public let blocks: Int

  /// - Parameter scores: `[blocks][candidates]`, larger is better; not a number is last
  public init(scores: [[Double]]) {
    let count = scores.first?.count ?? 0
    require(
      !scores.isEmpty && scores.allSatisfy { $0.count == count }, "a rank test wants the same candidates in each block")
    self.init(ranks: scores.map(Self.ranks))
  }

  public init(ranks: [[Double]]) {
    let count = ranks.first?.count ?? 0
    require(
      count > 1 && ranks.allSatisfy { $0.count == count }, "a rank test wants at least two candidates in each block")
    blocks = ranks.count
    meanRanks = (0..<count).map { k in ranks.map { $0[k] }.reduce(0, +) / Double(ranks.count) }
  }

  /// The ranks of scores, the largest first.
  public static func ranks(_ scores: [Double]) -> [Double] {
    let order = scores.indices.sorted { a, b in
      scores[a].isNaN ? false : scores[b].isNaN || scores[a] > scores[b]
    }
    var ranks = [Double](repeating: 0, count: scores.count)
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count,
        scores[order[end + 1]] == scores[order[start]] || (scores[order[start]].isNaN && scores[order[end + 1]].isNaN)
      {
        end += 1
      }
      for place in start...end { ranks[order[place]] = Double(start + end) / 2 + 1 }
      start = end + 1
    }
    return ranks
  }

  /// Friedman's test of "all candidates are alike" (1937): `χ² = 12 N/(k(k+1)) [Σ R² - k(k+1)²/4]`, of `k - 1` degrees of freedom.
  public var friedman: TestResult {
    let (k, n) = (Double(meanRanks.count), Double(blocks))
    let squares = meanRanks.reduce(0) { $0 + $1 * $1 }
    let statistic = max(0, 12 * n / (k * (k + 1)) * (squares - k * (k + 1) * (k + 1) / 4))
    return TestResult(
      statistic: statistic, pValue: ChiSquared(degrees: k - 1).upperTail(statistic), count: blocks)
  }

  /// The difference of mean ranks that is significant at 5 % for all pairs together (Nemenyi 1963; Demšar 2006): `q √(k(k+1)/(6N))`.
  public var nemenyiDifference: Double {
    let k = Double(meanRanks.count)
    return StudentizedRange.quantile95(groups: meanRanks.count) / 2.0.squareRoot()
      * (k * (k + 1) / (6 * Double(blocks))).squareRoot()
  }
}

/// The chi-squared distribution.
public struct ChiSquared: Sendable, Hashable {
  public var degrees: Double

  public init(degrees: Double) {
    require(degrees > 0, "a chi-squared distribution has positive degrees of freedom")
    self.degrees = degrees
  }

  /// The probability of a value above `x`: the regularized upper incomplete gamma function, by its series or its continued fraction
  /// (Lentz's method).
  public func upperTail(_ x: Double) -> Double {
    let (a, x) = (degrees / 2, x / 2)
    guard x > 0 else { return 1 }
    let scale = exp(a * log(x) - x - lgamma(a))
    if x < a + 1 {
      var (term, sum, k) = (1 / a, 1 / a, a)
      while term > sum * 1e-17 {
        k += 1
        term *= x / k
        sum += term
      }
      return max(0, 1 - sum * scale)
    }
    var (b, c) = (x + 1 - a, 1e300)
    var d = 1 / b
    var h = d
    for i in 1..<1000 {
      let factor = -Double(i) * (Double(i) - a)
      b += 2
      d = 1 / (factor * d + b)
      c = b + factor / c
      h *= c * d
      if abs(c * d - 1) < 1e-16 { break }
    }
    return h * scale
  }
}

/// The distribution of the range of `k` standard normal values.
public enum StudentizedRange {
  /// The probability of a range below `q`: `k ∫ φ(z) [Φ(z) - Φ(z - q)]^{k-1} dz`.
  public static func probability(below q: Double, groups k: Int) -> Double {
    guard q > 0 else { return 0 }
    let h = 0.01
    func cumulative(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }
    let sum = stride(from: -8.0, through: 8 + q, by: h).reduce(0.0) { sum, z in
      sum + exp(-z * z / 2) * pow(cumulative(z) - cumulative(z - q), Double(k - 1))
    }
    return Double(k) * sum * h / (2 * Double.pi).squareRoot()
  }

  /// The range that 95 % of `k` values stay below, infinite degrees of freedom.
  public static func quantile95(groups k: Int) -> Double {
    require(k > 1, "a range wants at least two groups")
    var (low, high) = (0.0, 12.0)
    for _ in 0..<50 {
      let middle = (low + high) / 2
      if probability(below: middle, groups: k) < 0.95 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
