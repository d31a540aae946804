import SomaExperiments
import Testing

@Suite struct RankTestTests {
  @Test func friedmanOfPerfectAgreement() {
    let test = RankTest(ranks: Array(repeating: [1, 2, 3, 4], count: 6))
    #expect(test.meanRanks == [1, 2, 3, 4])
    #expect(abs(test.friedman.statistic - 18) < 1e-12)
    // scipy.stats.chi2.sf(18, 3)
    #expect(abs(test.friedman.pValue / 0.00043984 - 1) < 1e-4)
    let equal = RankTest(ranks: Array(repeating: [2.5, 2.5, 2.5, 2.5], count: 6))
    #expect(equal.friedman.statistic == 0 && equal.friedman.pValue == 1)
  }

  @Test func ranksOfScores() {
    #expect(RankTest.ranks([0.5, 0.9, 0.5, .nan]) == [2.5, 1, 2.5, 4])
    let scores = [[0.1, 0.7, 0.3], [0.9, 0.95, 0.2]]
    let moved = scores.map { $0.map { $0 * $0 * 3 - 1 } }
    #expect(RankTest(scores: scores).meanRanks == RankTest(scores: moved).meanRanks)
  }

  /// Demšar 2006, table 5: q₀.₀₅ of Nemenyi's test, the studentized range's quantile over √2.
  @Test(arguments: [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)]) func nemenyi(_ k: Int, _ q: Double) {
    #expect(abs(StudentizedRange.quantile95(groups: k) / 2.0.squareRoot() - q) < 1e-3)
  }

  /// statsmodels.stats.proportion.proportions_ztest([30, 50], [100, 100])
  @Test func twoProportions() {
    #expect(abs(twoProportionTest(0.3, 0.5, 100, 100) - 0.0038924) < 1e-6)
    #expect(twoProportionTest(0, 0, 10, 10) == 1)
  }
}
