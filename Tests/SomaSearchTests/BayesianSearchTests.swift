import Foundation
import SomaSearch
import Testing

@Suite struct BayesianSearchTests {
  /// The function of Branin (1972); its minimum is 0.397887.
  private static func branin(_ x: Double, _ y: Double) -> Double {
    let inner = y - 5.1 / (4 * .pi * .pi) * x * x + 5 / .pi * x - 6
    return inner * inner + 10 * (1 - 1 / (8 * .pi)) * cos(x) + 10
  }

  private static func search(_ count: Int, seed: UInt64, model: Bool) -> BayesianSearch {
    var search = BayesianSearch(
      [.init("x", .real(-5...10)), .init("y", .real(0...15))], initialCount: model ? 5 : count, seed: seed)
    for _ in 0..<count {
      let point = search.next()
      search.observe(point, branin(point[0], point[1]))
    }
    return search
  }

  @Test func findsAMinimumFasterThanChance() {
    let found = (0..<5).map { Self.search(30, seed: $0, model: true).best!.value }.sorted()
    let drawn = (0..<5).map { Self.search(30, seed: $0, model: false).best!.value }.sorted()
    #expect(found[2] < 0.397887 + 0.05, "\(found)")
    #expect(found[2] < drawn[2], "\(found), at random \(drawn)")
    #expect(found[0] >= 0.397887 - 1e-6)
  }

  @Test func aSeedDecidesAll() {
    let (a, b) = (Self.search(12, seed: 3, model: true), Self.search(12, seed: 3, model: true))
    #expect(a.observations.map(\.point) == b.observations.map(\.point))
    #expect(a.observations.map(\.point) != Self.search(12, seed: 4, model: true).observations.map(\.point))
  }

  @Test func mixedParametersFailuresAndConditions() {
    var search = BayesianSearch(
      [
        .init("kind", .choice(3)), .init("rate", .real(1e-4...1, isLogarithmic: true)), .init("depth", .integer(1...4)),
        .init("momentum", .real(0...1), when: .init(parameter: 0, choices: [1])),
      ], seed: 1)
    for _ in 0..<40 {
      let point = search.next()
      #expect([0, 1, 2].contains(point[0]) && (1e-4...1).contains(point[1]) && [1, 2, 3, 4].contains(point[2]))
      #expect((0...1).contains(point[3]))
      // Kind 2 fails; the best is kind 1 at a rate of 0.01 with two layers.
      let distance = abs(log10(point[1]) + 2) + abs(point[2] - 2)
      search.observe(point, point[0] == 2 ? .nan : distance + (point[0] == 1 ? 0 : 1))
    }
    let best = search.best!
    #expect(best.point[0] == 1 && best.value < 0.2, "\(best)")
    // It has learned to leave failures alone.
    #expect(search.observations.suffix(20).count { $0.point[0] == 2 } <= 4)
  }

  @Test func nothingObservedHasNoBest() {
    var search = BayesianSearch([.init("x", .real(0...1))], seed: 0)
    #expect(search.best == nil)
    search.observe([0.5], .infinity)
    #expect(search.best == nil && (0...1).contains(search.next()[0]))
  }
}
