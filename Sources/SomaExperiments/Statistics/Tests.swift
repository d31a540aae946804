import Foundation
import Soma

/// What a test of "there is no difference" found.
public struct TestResult: Sendable, Hashable, Codable {
  /// The test's statistic: t, or the smaller sum of ranks.
  public var statistic: Double
  /// The probability of a difference at least this large if there is none.
  public var pValue: Double
  /// The pairs that count.
  public var count: Int
}

/// Student's test that the mean difference of pairs is zero: `t = mean(d) √n / s(d)`, two-sided (Gosset 1908). Nil for fewer
/// than two pairs. Differences that are all zero give `p = 1`.
public func pairedTTest(_ a: [Double], _ b: [Double]) -> TestResult? {
  require(a.count == b.count, "\(a.count) values cannot be paired with \(b.count)")
  guard a.count > 1 else { return nil }
  let differences = zip(a, b).map { $0 - $1 }
  if differences.allSatisfy({ $0 == 0 }) { return TestResult(statistic: 0, pValue: 1, count: a.count) }
  let t = differences.mean * Double(a.count).squareRoot() / differences.variance.squareRoot()
  return TestResult(
    statistic: t, pValue: StudentT(degrees: Double(a.count - 1)).twoSided(t), count: a.count)
}

/// Wilcoxon's signed-rank test that the differences of pairs are symmetric about zero, two-sided (Wilcoxon 1945). Pairs
/// without a difference are left out, ties share their mean rank. Up to 50 pairs the probability is exact given the ranks; above, the
/// normal approximation with the correction for ties. Nil if no pair differs.
public func wilcoxonSignedRankTest(_ a: [Double], _ b: [Double]) -> TestResult? {
  require(a.count == b.count, "\(a.count) values cannot be paired with \(b.count)")
  let differences = zip(a, b).map { $0 - $1 }.filter { $0 != 0 }
  let n = differences.count
  guard n > 0, differences.allSatisfy(\.isFinite) else { return nil }
  // Twice the ranks: whole numbers even for ties.
  let order = (0..<n).sorted { abs(differences[$0]) < abs(differences[$1]) }
  var ranks = [Int](repeating: 0, count: n)
  var tieSum = 0.0
  var start = 0
  while start < n {
    var end = start
    while end + 1 < n, abs(differences[order[end + 1]]) == abs(differences[order[start]]) { end += 1 }
    for k in start...end { ranks[order[k]] = start + end + 2 }
    let size = Double(end - start + 1)
    tieSum += size * (size * size - 1)
    start = end + 1
  }
  let positive = (0..<n).reduce(0) { $0 + (differences[$1] > 0 ? ranks[$1] : 0) }
  let smaller = min(positive, ranks.reduce(0, +) - positive)
  let statistic = Double(smaller) / 2
  guard n > 50 else {
    return TestResult(statistic: statistic, pValue: exactSignedRank(ranks, upTo: smaller), count: n)
  }
  let size = Double(n)
  let mean = size * (size + 1) / 4
  let variance = size * (size + 1) * (2 * size + 1) / 24 - tieSum / 48
  let z = (statistic - mean) / variance.squareRoot()
  return TestResult(statistic: statistic, pValue: min(1, erfc(abs(z) / 2.0.squareRoot())), count: n)
}

/// Twice the share of sign patterns whose positive (doubled) ranks sum to at most `limit`.
private func exactSignedRank(_ ranks: [Int], upTo limit: Int) -> Double {
  // probabilities[s]: that the ranks seen so far sum to s, each with a fair sign.
  var probabilities = [Double](repeating: 0, count: limit + 1)
  probabilities[0] = 1
  for rank in ranks {
    for sum in stride(from: limit, through: 0, by: -1) {
      probabilities[sum] = (probabilities[sum] + (sum >= rank ? probabilities[sum - rank] : 0)) / 2
    }
  }
  return min(1, 2 * probabilities.reduce(0, +))
}

/// The probabilities adjusted so that the chance of any false alarm among all tests stays below a level (Holm 1979): in
/// ascending order `p₍ᵢ₎ ← max(p₍ᵢ₋₁₎, min(1, (m - i + 1) p₍ᵢ₎))`. Those that are not a number are left as they are and do not count.
public func holmAdjusted(_ pValues: [Double]) -> [Double] {
  let order = pValues.indices.filter { !pValues[$0].isNaN }.sorted { pValues[$0] < pValues[$1] }
  var result = pValues
  var largest = 0.0
  for (i, index) in order.enumerated() {
    largest = max(largest, min(1, Double(order.count - i) * pValues[index]))
    result[index] = largest
  }
  return result
}

/// The two-sided p-value of the z-test that two shares of `n` and `m` trials are one.
public func twoProportionTest(_ a: Double, _ b: Double, _ n: Int, _ m: Int) -> Double {
  let pooled = (a * Double(n) + b * Double(m)) / Double(n + m)
  let deviation = (pooled * (1 - pooled) * (1 / Double(n) + 1 / Double(m))).squareRoot()
  guard deviation > 0 else { return 1 }
  return Foundation.erfc(abs(a - b) / deviation / 2.0.squareRoot())
}
