import Foundation
import Testing

@testable import Soma
@testable import SomaLearning
@testable import SomaNetworks

@Suite struct KANTrainingTests {
  private let x = Tensor.uniform([80, 2], low: -1, high: 1, key: Key(1), dtype: .float64)

  private func target(_ x: Tensor) -> Tensor { (x[.all, 0..<1] * 2).sin() + x[.all, 1..<2].squared() }

  @Test(arguments: [KANTraining.Method.lbfgs, .adam(rate: 0.05)]) func errorsFall(_ method: KANTraining.Method) throws {
    let start = FittedKAN(KAN([2, 1]), key: Key(2))
    let training = KANTraining(method, steps: 60, gridUpdates: 2, updatingSteps: 20)
    let kan = try training.fit(start, x, target(x))
    #expect(kan.error(x, target(x)) < 0.2 * start.error(x, target(x)))
    #expect(try training.fit(start, x, target(x)).error(x, target(x)) == kan.error(x, target(x)))
  }

  @Test func additiveFunctionsAreFittedToManyDigits() throws {
    let kan = try KANTraining(steps: 200).fit(FittedKAN(KAN([2, 1]), key: Key(3)), x, target(x))
    #expect(kan.error(x, target(x)) < 2e-3)
  }

  @Test func penaltyMakesEdgesSmall() throws {
    // The second input does not matter.
    let y = x[.all, 0..<1].squared()
    func sizes(_ penalty: Double) throws -> [Double] {
      let kan = try KANTraining(steps: 60, penalty: penalty).fit(FittedKAN(KAN([2, 3, 1]), key: Key(4)), x, y)
      return kan.activity(x).curves[0].abs().mean([0]).sum([1]).doubles
    }
    let (plain, sparse) = (try sizes(0), try sizes(1e-2))
    #expect(sparse[1] < 0.1 * plain[1])
  }

  @Test func samplesHaveToBeFinite() {
    let kan = FittedKAN(KAN([2, 1]), key: Key(2))
    #expect(throws: KANError("the samples are not finite")) {
      try KANTraining().fit(kan, x * Double.infinity, target(x))
    }
  }

  @Test func phasesAddUp() {
    let rule = ThreePhase(full: 7, selective: 10, fineTune: 5)
    let phases = rule.phases(KAN.selectable([2, 1]))
    #expect(phases.map(\.steps).reduce(0, +) == 17 && phases.count == 2 && rule.steps == 22)
    #expect(rule.phases(KAN.selectable([2, 1], pool: [GaussianBasis()])).isEmpty)
  }

  @Test func threePhasesEndInAnOrdinaryNetwork() throws {
    let start = FittedKAN(KAN.selectable([2, 2, 1]), key: Key(5))
    let rule = ThreePhase(full: 30, selective: 32, fineTune: 30)
    let kan = try rule.fit(start, x, target(x), rate: 1e-2, key: Key(6))
    #expect(kan.parameterCount == 6 * 9)
    #expect(kan.error(x, target(x)) < start.error(x, target(x)))
    let again = try rule.fit(start, x, target(x), rate: 1e-2, key: Key(6))
    #expect(again.error(x, target(x)) == kan.error(x, target(x)))
  }

  @Test func formulaOfASumIsFound() throws {
    let rows = (0..<80).map { x[$0].doubles }
    let y = rows.map { 2 * sin(3 * $0[0]) + $0[1] * $0[1] }
    let fit = FormulaFit(hidden: [], grids: [5], starts: 1, steps: 60)
    let result = try fit(rows, y, names: ["u", "v"], key: Key(1))
    let error = try #require(result.printedError)
    #expect(error < 0.02 * result.deviation, "\(String(describing: result.formula))")
    #expect(result.formulaErrors!.test < 1e-3)
  }

  @Test func columnsKeepTheirUnits() throws {
    // Far from 1 in size: the network sees standardized numbers, the formula the columns' own.
    let rows = (0..<60).map { [2000 + 50 * x[$0].doubles[0]] }
    let y = rows.map { 3e4 + 20 * ($0[0] - 2000) }
    let result = try FormulaFit(hidden: [], grids: [3], penalty: 0, starts: 1, steps: 40)(
      rows, y, names: ["year"], key: Key(1))
    let formula = try #require(result.formula)
    #expect(abs(formula.value(["year": 2010]) - 30_200) < 5)
  }

  @Test func missingNumbersAreRefused() {
    #expect(throws: KANError.self) { try FormulaFit()([[1], [.nan], [2], [3]], [1, 2, 3, 4], names: ["x"]) }
    #expect(throws: KANError.self) { try FormulaFit()([[1]], [1], names: ["x"]) }
  }
}
