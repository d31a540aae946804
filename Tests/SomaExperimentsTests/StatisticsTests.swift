import Foundation
import Testing

@testable import SomaExperiments

private func isClose(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
  a == b || abs(a - b) <= tolerance * max(abs(a), abs(b))
}

@Suite struct StatisticsTests {
  @Test func tailsAgreeWithFortyDigitArithmetic() {
    for (degrees, t, expected) in StatisticsGolden.tails {
      let found = StudentT(degrees: degrees).twoSided(t)
      #expect(isClose(found, expected, 2e-11), "ν = \(degrees), t = \(t): \(found), not \(expected)")
      let below = StudentT(degrees: degrees).cumulative(t)
      #expect(abs(below - (t < 0 ? expected / 2 : 1 - expected / 2)) < 1e-12)
    }
  }

  @Test func quantilesAgreeWithSciPy() {
    for (degrees, p, expected) in StatisticsGolden.quantiles {
      let found = StudentT(degrees: degrees).quantile(p)
      #expect(isClose(found, expected, 1e-10), "ν = \(degrees), p = \(p): \(found), not \(expected)")
    }
    #expect(StudentT(degrees: 3).quantile(0) == -.infinity && StudentT(degrees: 3).quantile(0.5) == 0)
  }

  @Test func intervalsAgreeWithSciPy() throws {
    for golden in StatisticsGolden.intervals {
      let (usual, wide) = (Estimate(of: golden.values), Estimate(of: golden.values, level: 0.99))
      #expect(isClose(usual.mean, golden.mean, 1e-13))
      #expect(isClose(try #require(usual.low), golden.low95, 1e-10))
      #expect(isClose(try #require(usual.high), golden.high95, 1e-10))
      #expect(isClose(try #require(wide.low), golden.low99, 1e-10))
      #expect(isClose(try #require(wide.high), golden.high99, 1e-10))
    }
  }

  @Test func oneValueHasNoInterval() {
    let single = Estimate(of: [4])
    #expect(single.mean == 4 && single.low == nil && single.interval == nil)
  }

  @Test func pairedTestsAgreeWithSciPy() throws {
    for golden in StatisticsGolden.pairs {
      let t = try #require(pairedTTest(golden.a, golden.b))
      #expect(isClose(t.statistic, golden.t, 1e-9))
      #expect(isClose(t.pValue, golden.tP, 1e-9), "\(t.pValue), not \(golden.tP)")
      let ranks = try #require(wilcoxonSignedRankTest(golden.a, golden.b))
      #expect(ranks.statistic == golden.rankSum)
      #expect(isClose(ranks.pValue, golden.rankP, 1e-9), "\(ranks.count): \(ranks.pValue), not \(golden.rankP)")
    }
  }

  @Test func pairsWithoutDifference() {
    #expect(pairedTTest([1, 2, 3], [1, 2, 3])?.pValue == 1)
    #expect(pairedTTest([1], [2]) == nil)
    #expect(wilcoxonSignedRankTest([1, 2], [1, 2]) == nil)
    // The same difference everywhere: no spread at all.
    #expect(pairedTTest([2, 3, 4], [1, 2, 3])?.pValue == 0)
  }

  @Test func holmAdjusts() {
    // Holm 1979: the smallest times 4, the next times 3, …, never falling.
    #expect(
      zip(holmAdjusted([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(holmAdjusted([0.6, 0.7]) == [1, 1])
    #expect(holmAdjusted([]) == [])
    let withGap = holmAdjusted([.nan, 0.02])
    #expect(withGap[0].isNaN && withGap[1] == 0.02)
  }

  @Test func quantilesOfValuesAgreeWithNumPy() {
    for golden in StatisticsGolden.quantile7 {
      #expect(abs(golden.values.quantile(golden.p) - golden.quantile) < 1e-14)
    }
    #expect([Double]().quantile(0.5).isNaN)
  }

  /// All nⁿ resamples give the limit; 40,000 drawn ones come near it, and nearer than a wrong level would.
  @Test func bootstrapApproachesAllResamples() throws {
    for golden in StatisticsGolden.bootstrap {
      let found = try #require(bootstrapInterval(golden.values, resamples: 40_000, seed: 3))
      let room = (golden.high - golden.low) * 0.03
      #expect(abs(found.lowerBound - golden.low) < room, "\(found), not \(golden.low)")
      #expect(abs(found.upperBound - golden.high) < room, "\(found), not \(golden.high)")
      #expect(try #require(bootstrapInterval(golden.values, resamples: 40_000, seed: 3)) == found)
    }
    #expect(bootstrapInterval([1]) == nil)
  }
}
