import Foundation
import Testing

@testable import SomaLearning

@Suite struct ScheduleTests {
  static let cases: [String: (schedule: Schedule, total: Int)] = [
    "step": (.step(0.5, every: 7, factor: 0.3), 40),
    "multiStep": (.multiStep(0.5, milestones: [5, 12, 30], factor: 0.5), 40),
    "exponential": (.exponential(0.5, factor: 0.93), 40),
    "cosine": (.cosine(0.5, final: 0.01), 40),
    "cosineRestarts": (.cosineRestarts(0.5, final: 0.02, period: 5, multiplier: 2), 40),
    "oneCycle": (.oneCycle(0.5), 41),
    "polynomial": (.polynomial(0.5, power: 1.7, steps: 30), 99),
    "warmedUp": (.cosine(0.5).warmedUp(10, from: 0.1), 40),
  ]

  @Test(arguments: cases.keys.sorted())
  func ratesAreTorchs(_ name: String) {
    let (schedule, total) = Self.cases[name]!
    let rates = (0..<40).map { schedule($0, of: total) }
    #expect(largestError(rates, LearningGolden.schedules[name]!, floor: 1e-6) < 1e-9)
  }

  @Test func plateauIsTorchs() {
    var plateau = Plateau(factor: 0.5, patience: 2, threshold: 0.01, coolDown: 3, smallestFactor: 0.2)
    let factors = (0..<30).map { i -> Double in
      plateau.observe(exp(-0.3 * Double(i)) + 0.5 + 0.1 * sin(5 * Double(i)))
      return plateau.current
    }
    #expect(factors == LearningGolden.schedules["plateau"]!)
    #expect(Set(factors) == [1, 0.5, 0.25, 0.2])
  }

  @Test func earlyStoppingWaitsForItsPatience() {
    var stopping = EarlyStopping(patience: 3, minimumImprovement: 0.1)
    let verdicts = [2, 1.95, 1.5, 1.45, 1.41, 1.3, 1.3, 1.25, .nan].map { stopping.observe($0) }
    #expect(verdicts == [.improved, .waiting, .improved, .waiting, .waiting, .improved, .waiting, .waiting, .stop])
    #expect(stopping.best == 1.3)
  }
}
