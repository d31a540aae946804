import Foundation
import Testing

@testable import Soma
@testable import SomaData
@testable import SomaExperiments
@testable import SomaNetworks

@Suite struct FunctionTests {
  @Test func publishedCountsAreReproduced() {
    let large = FairCost.kan([784, 10, 10, 10], intervals: 20, order: 5, base: 5)
    #expect(large == FairCost(parameters: 225_150, operations: 10_198_740))
    #expect(
      FairCost.kan([64, 8, 10], intervals: 5, order: 3, base: 5) == FairCost(parameters: 6530, operations: 155_464))
    #expect(FairCost.mlp([64, 64, 10], activation: 14) == FairCost(parameters: 4810, operations: 10_508))
    let exact = FairCost.mlp([64, 64, 10], activation: 14, isExact: true)
    #expect(exact.operations == 10_508 - 140)
    #expect(FairCost.mlp([4, 3, 2], activation: 1, hasBatchNorm: true).parameters == 15 + 8 + 6)
    #expect(FairCost.splineDense(3, 4, intervals: 5, order: 3).parameters == 4 * 4 + 4 * 8)
    #expect(FairCost.splineDense(3, 4, intervals: 5, order: 3, isBefore: true).parameters == 4 * 4 + 3 * 8)
  }

  @Test func envelopeNeverFalls() throws {
    typealias Point = BudgetEnvelope.Point
    let points = [Point(cost: 10, score: 0.5), Point(cost: 20, score: 0.4), Point(cost: 30, score: 0.9)]
    let envelope = BudgetEnvelope(points)
    #expect(envelope.points.map(\.score) == [0.5, 0.9])
    #expect(BudgetEnvelope(points + [Point(cost: 25, score: 0.45)]) == envelope)
    #expect(try envelope.best(within: 29).score == 0.5)
    #expect(throws: ReproductionError.self) { try envelope.best(within: 5) }
  }

  @Test func bandsOfEnvelopesHoldTheMeans() {
    let runs: [(cost: Double, scores: [Double])] = [
      (10, [0.4, 0.6]), (20, [0.3, 0.4]), (30, [0.9, 0.9, 0.9]), (40, [.nan, 0.95, 1]),
    ]
    let band = BudgetBand(runs, resamples: 500, seed: 1)
    #expect(band.costs == [10, 30, 40] && zip(band.scores, [0.5, 0.9, 0.975]).allSatisfy { abs($0 - $1) < 1e-12 })
    // Two runs drawn again have three means; a configuration without spread has none to show.
    #expect(band.low[0] == 0.4 && band.high[0] == 0.6 && band.low[1] == 0.9 && band.high[1] == 0.9)
    #expect(band.low[2] == 0.95 && band.high[2] == 1)
    #expect(BudgetBand(runs, resamples: 500, seed: 1) == band)
  }

  @Test func forgettingIsMeasured() {
    let scores = ClassIncrementalScores([[0.9, 0], [0.2, 0.8]])
    #expect(abs(scores.average - 0.5) < 1e-12 && abs(scores.backwardTransfer + 0.35) < 1e-12)
  }

  @Test func periodicTasksHaveThePublishedValues() throws {
    let composed = PeriodicTask.all[2]
    #expect(composed.value(0) == 1)
    #expect(abs(composed.value(1) - exp(cos(1.0))) < 1e-12)
    #expect(PeriodicTask.modulus(-1, 5) == 4 && PeriodicTask.all[1].value(12.5) == 2.5)
    let parts = try DataSet.open("periodic:mod")
    let test = try #require(parts.test)
    #expect(parts.train.count == 2000 && parts.train.values.allSatisfy { abs($0) <= 20 })
    #expect(test.values.allSatisfy { abs($0) >= 20 && abs($0) <= 40 } && test.values.contains { $0 < 0 })
    let targets = test.targets.floats
    #expect(
      zip(test.values, targets).allSatisfy {
        abs(Double($1) - PeriodicTask.modulus(Double($0), 5)) < 1e-4 || $1 > 4.99 || $1 < 0.01
      })
    let error = #expect(throws: DataError.self) { try DataSet.open("periodic:sinus") }
    #expect(error?.description.contains("sin, mod, composed") == true)
  }

  /// All hundred formulas can be read and are finite in their ranges; some values by hand.
  @Test func feynmanFormulasAreReadable() throws {
    #expect(FeynmanEquation.all.count == 100 && Set(FeynmanEquation.all.map(\.name)).count == 100)
    for equation in FeynmanEquation.all {
      let (x, y) = try equation.samples(50, key: Key(1))
      #expect(x.count == 50 && x.allSatisfy { $0.count == equation.variables.count }, "\(equation.name)")
      #expect(y.allSatisfy { $0.isFinite }, "\(equation.name)")
      for row in x {
        #expect(zip(row, equation.variables).allSatisfy { $1.low <= $0 && $0 <= $1.high }, "\(equation.name)")
      }
    }
    let gauss = FeynmanEquation.all[0]
    let (x, y) = try gauss.samples(5, key: Key(2))
    for (row, value) in zip(x, y) {
      #expect(abs(value - exp(-row[0] * row[0] / 2) / (2 * Double.pi).squareRoot()) < 1e-14)
    }
    let planck = try #require(FeynmanEquation.all.first { $0.name == "I.41.16" })
    let (points, values) = try planck.samples(3, key: Key(3))
    for (row, value) in zip(points, values) {
      let v = Dictionary(uniqueKeysWithValues: zip(planck.variables.map(\.name), row))
      let hbar = v["h"]! / (2 * .pi)
      let omega = v["omega"]!
      let expected =
        hbar * pow(omega, 3) / (.pi * .pi * v["c"]! * v["c"]! * (exp(hbar * omega / (v["kb"]! * v["T"]!)) - 1))
      #expect(abs(value - expected) < 1e-12 * abs(expected))
    }
  }

  @Test func picturesShowLiveEdges() {
    let kan = FittedKAN(KAN([2, 2, 1]), key: Key(1)).removing([(0, 0, 1)])
    let x = Tensor.uniform([30, 2], low: -1, high: 1, key: Key(2), dtype: .float64)
    let picture = kan.picture("drawn", on: x, inputs: ["a", "b"], outputs: ["c"])
    #expect(picture.edges.count == 5 && picture.nodes == [2, 2, 1])
    let svg = picture.svg()
    #expect(svg.contains(">a<") && svg.contains(">c<") && svg.hasSuffix("</svg>\n") || svg.contains("</svg>"))
  }
}
