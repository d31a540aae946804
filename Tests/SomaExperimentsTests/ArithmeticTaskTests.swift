import Foundation
import Soma
import SomaNetworks
import Testing

@testable import SomaExperiments

@Suite struct ArithmeticTaskTests {
  private func isNear(_ a: Double, _ b: Double, _ share: Double) -> Bool { abs(a - b) <= share * abs(b) }

  @Test func thresholds() throws {
    // Fewer samples than the default keep the test short; the standard error is below one per cent.
    for (operation, expected) in [(ArithmeticTask.Operation.add, 1.604e-5), (.sub, 1.375e-8), (.mul, 0.16055)] {
      let task = try ArithmeticTask(operation)
      #expect(isNear(task.threshold(samples: 60_000), expected, 0.02), "\(operation)")
    }
    let add = try ArithmeticTask(.add)
    #expect(isNear(add.threshold(samples: 60_000), try #require(add.exactThreshold()), 0.01))
    #expect(isNear(try ArithmeticTask(.add, inputs: 10).threshold(samples: 200_000), 2.348e-7, 0.02))
    #expect(isNear(try ArithmeticTask(.mul, inputs: 10).threshold(samples: 200_000), 1.530e-5, 0.02))
  }

  @Test func subsets() throws {
    for seed in 0..<40 {
      let task = try ArithmeticTask(.add, seed: seed)
      #expect(task.second.lowerBound == task.first.lowerBound + 13)
      #expect(task.second.upperBound == task.first.lowerBound + 38)
      #expect((0...62).contains(task.first.lowerBound))
    }
    #expect(Set((0..<40).map { try! ArithmeticTask(.add, seed: $0).first.lowerBound }).count > 10)
    #expect(throws: ComparisonError.self) { try ArithmeticTask(.add, subsetRatio: 0.8, overlapRatio: 0) }
    #expect(try ArithmeticTask(.mul, inputs: 10, subsetRatio: 0.3).first.count == 3)
  }

  @Test func mirroredRangesAndSequences() throws {
    let task = try ArithmeticTask(
      .mul, inputs: 10, trainRange: .init(-2...2), testRange: .init(-6 ... -2, 2...6), seed: 1)
    let x = task.samples(2000, .extrapolation, key: Key(0)).x
    #expect(x.abs().min().scalar >= 2 && x.abs().max().scalar <= 6)
    #expect(abs(x.sign().mean().scalar) < 0.05)
    let (series, y) = task.sequences(3, steps: 4, .training, key: Key(1))
    #expect(series.shape == [3, 4, 10] && y.shape == [3, 1])
  }

  @Test func exactAndNearlyExactSolutions() throws {
    for operation in [ArithmeticTask.Operation.add, .mul] {
      let task = try ArithmeticTask(operation, inputs: 10, seed: 2)
      let network = ArithmeticNetwork([
        (.addition, 2), (operation == .mul ? .multiplication : .addition, 1),
      ])
      func error(_ epsilon: Double) -> Double {
        let weights = task.exactWeights(epsilon)
        let first = Tensor(weights).T
        let variables = Variables(
          parameters: Parameters([("0/weight", first), ("1/weight", .ones([1, 2], dtype: .float64))]))
        let (x, y) = task.samples(20_000, .extrapolation, key: Key(3), dtype: .float64)
        return (network.apply(variables, x) - y).squared().mean().scalar
      }
      let threshold = task.threshold(samples: 100_000)
      #expect(error(0) < 1e-20)
      #expect(error(2e-5) > threshold && error(0.5e-5) < threshold)
    }
  }

  @Test func runsAreJudgedAtTheirBestInterpolation() {
    let criterion = BestInterpolation(threshold: 1e-3)
    let lucky = ExtrapolationRun(
      steps: [0, 10, 20], interpolation: [1, 0.1, 0.01], extrapolation: [5, 1e-5, 2], sparsity: [0.5, 0.1, 0.1])
    let verdict = lucky.verdict(criterion)
    #expect(!verdict.isSolved && verdict.convergedAt == nil)
    let good = ExtrapolationRun(
      steps: [0, 10, 20], interpolation: [1, 0.1, 0.01], extrapolation: [5, 1e-5, 1e-4], sparsity: [0.5, 0.1, 0.02])
    #expect(good.verdict(criterion).isSolved && good.verdict(criterion).convergedAt == 10)
    let broken = ExtrapolationRun(
      steps: [0, 10], interpolation: [.nan, .nan], extrapolation: [.nan, .nan], sparsity: [.nan, .nan])
    let summary = ExtrapolationBenchmark.summary("unit", [good, broken, lucky], criterion)
    #expect(summary.count == 3 && summary.solved == 1 && summary.medianConvergence == 10)
  }

  @Test func runsDependOnTheirSeedAlone() throws {
    let task = try ArithmeticTask(.mul, inputs: 10, subsetRatio: 0.3, seed: 1)
    let benchmark = ExtrapolationBenchmark(task, steps: 40, interval: 20, evaluationSamples: 200)
    let model = try ArithmeticModel.named("nau-nmu", inputs: 10)
    func runs(_ seeds: [Int]) throws -> [ExtrapolationRun] {
      try benchmark.runs(model, seeds.map { .init(seed: $0, learningRate: 0.01, penalty: 10) })
    }
    let (a, b, c) = (try runs([0, 1, 2]), try runs([2, 0, 1]), try runs([1]))
    #expect(a == [b[1], b[2], b[0]])
    for (x, y) in zip(a[1].extrapolation, c[0].extrapolation) { #expect(abs(x - y) <= 1e-4 * abs(y)) }
    for name in ArithmeticModel.names { _ = try ArithmeticModel.named(name, inputs: 10) }
    #expect(throws: ComparisonError.self) { try ArithmeticModel.named("nmu-nmu", inputs: 10) }
  }

  @Test func wilsonIntervals() {
    for (k, n, low, high) in [(98, 100, 0.92999, 0.99450), (0, 10, 0, 0.27753), (7, 10, 0.39678, 0.89221)] {
      let interval = wilsonInterval(successes: k, of: n)
      #expect(abs(interval.lowerBound - low) < 1e-5 && abs(interval.upperBound - high) < 1e-5)
    }
  }

  @Test func gammaAndBetaMeans() {
    // Gamma with shape 4 and mean 10: the sum of four exponentials.
    let draws = Tensor.exponential([1000, 4], key: Key(4), dtype: .float64).sum([1]).doubles.map { $0 * 2.5 }
    let gamma = gammaMeanInterval(draws)
    #expect(abs(gamma.mean - 10) < 0.2 && gamma.low! < 10 && gamma.high! > 10)
    // Close to Student's interval for many draws.
    #expect(abs(gamma.halfWidth! - Estimate(of: draws).halfWidth!) < 0.05)
    let uniform = Tensor.uniform([1000], high: 0.5, key: Key(5), dtype: .float64).doubles
    let beta = betaMeanInterval(uniform, upper: 0.5)
    #expect(abs(beta.mean - 0.25) < 0.01 && beta.low! < 0.25 && beta.high! > 0.25)
    #expect(betaMeanInterval([0.1, 0.1, 0.1], upper: 0.5).low! >= 0)
    #expect(gammaMeanInterval([5]).low == nil)
  }
}
