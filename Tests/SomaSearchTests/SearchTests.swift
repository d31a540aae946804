import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaSearch

@Suite struct SearchTests {
  @Test func theOldestLeavesAndTheFrontWins() {
    let space = NormActivationSearchSpace()
    var evolution = AgingEvolution<NormActivationGraph>(populationSize: 30, tournamentShare: 0.2, seed: 1)
    // Scores that only count operations: the search has to be exact, not good.
    func score(_ graph: NormActivationGraph) -> [Double]? {
      let operations = graph.nodes.map(\.operation)
      return [
        Double(operations.filter { $0 == .maximum }.count), Double(operations.filter { $0 == .sigmoid }.count),
      ]
    }
    evolution.begin({ space.random(&$0) }, score)
    var best = 0.0
    for t in 0..<500 {
      let oldest = evolution.population[0].birth
      let step = evolution.step({ space.mutated($0, &$1) }, score)
      #expect(step.removed.birth == oldest && oldest == t)
      let front = paretoFront(step.tournament.map(\.scores)).map { step.tournament[$0].birth }
      #expect(front.contains(step.winner.birth) && step.tournament.count == 6)
      let changed = zip(step.child.genome.nodes, step.winner.genome.nodes).filter { $0 != $1 }.count
      #expect(changed == 1)
      let now = evolution.history.map { $0.scores.reduce(0, +) }.max()!
      #expect(now >= best)
      best = now
    }
    #expect(best >= 5)
    #expect(
      evolution.paretoSet.allSatisfy { a in
        !evolution.history.contains { $0.scores[0] > a.scores[0] && $0.scores[1] > a.scores[1] }
      })
  }

  @Test func frontOfVectors() {
    #expect(paretoFront([[1, 2], [2, 1], [0, 0], [2, 1], [1, 1]]) == [0, 1, 3])
  }

  @Test func explodingLayersAreRefused() {
    func network(_ layer: any Layer) -> Sequential {
      Sequential([
        Convolution(4, [3, 3], usesBias: false), layer, Convolution(4, [3, 3], usesBias: false), layer, GlobalPool(),
        Dense(2),
      ])
    }
    let exploding = NormActivationGraph(
      [.init(.exp, 0)] + (0..<8).map { .init(.square, 4 + $0) } + [.init(.exp, 12)], groups: 1)
    let x = Tensor.normal([8, 1, 6, 6], key: Key(1))
    let labels = Tensor((0..<8).map { Int32($0 % 2) })
    func isAccepted(_ layer: any Layer) -> Bool {
      let net = network(layer)
      return StabilityFilter(steps: 30).accepts(net, net.initialized(for: x.shape, key: Key(0)), x) { logits in
        let here = (labels.expandDimensions(at: -1) .== Tensor.iota([2], dtype: .int32)).cast(to: .float32)
        return -(here * logits.logSoftmax()).sum() / 8
      }
    }
    #expect(!isAccepted(exploding))
    #expect(isAccepted(EvoNorm(.s0, groups: 2)))
    #expect(!QualityFilter().accepts([0.5, 0.1]) && QualityFilter().accepts([0.3, 0.2]))
  }

  @Test func lateAcceptanceFindsHiddenTexts() {
    for trial in 0..<50 {
      var generator = SeededGenerator(seed: UInt64(trial))
      let hidden = (0..<6).map { _ in generator.below(15) }
      let start = (0..<6).map { _ in generator.below(15) }
      let result = LateAcceptanceHillClimb<[Int]>(history: 3, steps: 4000).minimize(
        start, seed: UInt64(trial), stopsAt: 0,
        neighbour: { state, generator in
          var next = state
          next[generator.below(6)] = generator.below(15)
          next.swapAt(generator.below(6), generator.below(6))
          return next
        }, energy: { state in Double(zip(state, hidden).filter { $0 != $1 }.count) })
      #expect(result.bestEnergy == 0)
      check(result.steps, history: 3)
    }
  }

  /// Replays the rule.
  private func check(_ steps: [LateAcceptanceHillClimb<[Int]>.Step], history: Int) {
    guard let first = steps.first else { return }
    var (current, late) = (first.current, [Double](repeating: first.current, count: history))
    var best = current
    for (i, step) in steps.enumerated() {
      #expect(step.current == current && step.late == late[i % history])
      #expect(step.isAccepted == (step.energy <= current || step.energy <= late[i % history]))
      if step.isAccepted { current = step.energy }
      late[i % history] = current
      best = min(best, current)
    }
  }

  @Test func historyOfOneIsPlainClimbing() {
    let climb = LateAcceptanceHillClimb<Int>(history: 1, steps: 300)
    func neighbour(_ s: Int, _ g: inout SeededGenerator) -> Int { s + g.below(7) - 3 }
    let result = climb.minimize(40, seed: 5, neighbour: { neighbour($0, &$1) }, energy: { Double(abs($0)) })
    // The same by hand, from the same randomness.
    var generator = SeededGenerator(seed: 5)
    var now = 40
    for step in result.steps {
      let next = neighbour(now, &generator)
      #expect(step.candidate == next && step.isAccepted == (abs(next) <= abs(now)))
      if abs(next) <= abs(now) { now = next }
    }
    #expect(abs(result.best) <= 2)
  }
}
