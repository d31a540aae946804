import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaLearning

@Suite struct ContinualTests {
  private func tasks() throws -> ContinualProtocol {
    let digits = Embedded.digits().flattened()
    return try ContinualProtocol(
      classIncremental: digits.subset(Array(0..<1200)), test: digits.subset(Array(1200..<1500)), classesPerTask: 2)
  }

  private let network = Sequential([Dense(32), Activation.relu, Dense(10)])

  @Test func eachImageIsSeenOnceAndClassesDoNotMix() throws {
    let tasks = try tasks()
    let samples = tasks.tasks.map { ContinualProtocol.samples(of: $0, in: tasks.train) }
    #expect(samples.flatMap { $0 }.sorted() == Array(0..<1200))
    for (classes, indices) in zip(tasks.tasks, samples) {
      #expect(Set(indices.map { tasks.train.labels![$0] }) == Set(classes))
    }
    #expect(throws: TrainingError.self) {
      try ContinualProtocol(classIncremental: Embedded.digits(), test: Embedded.digits(), classesPerTask: 3)
    }
    #expect(throws: TrainingError.self) {
      try ContinualProtocol(classIncremental: Embedded.diabetes(), test: Embedded.diabetes(), classesPerTask: 1)
    }
  }

  @Test func aPlainNetworkForgetsAndRememberingHelps() throws {
    let tasks = try tasks()
    func run(_ strategy: ContinualProtocol.Strategy) throws -> ContinualProtocol.Outcome {
      try tasks.run(network, optimizer: Adam(), learningRate: 5e-3, batch: 8, strategy: strategy, seed: 1)
    }
    let plain = try run(.plain)
    #expect(plain.accuracies.count == 5 && plain.accuracies[0][0] > 0.9)
    #expect(plain.forgetting > 0.4 && plain.finalAccuracy < 0.6)
    let again = try run(.plain)
    #expect(again.accuracies == plain.accuracies)
    #expect(try run(.replay(perTask: 30)).finalAccuracy > plain.finalAccuracy + 0.1)
    #expect(try run(.joint).finalAccuracy > 0.8)
    let elastic = try run(.elasticWeights(lambda: 1000))
    #expect(elastic.accuracies != plain.accuracies && elastic.finalAccuracy.isFinite)
  }

  @Test func updatesAreClipped() {
    let start = Parameters([("w", Tensor([Float(0), 1, 2]))])
    let gradient = Parameters([("w", Tensor([Float(5), -0.004, 0]))])
    let optimizer = ClippedUpdates(SGD(), to: 0.01)
    let (next, _) = optimizer.update(
      start, gradients: gradient, state: optimizer.initialState(start), learningRate: Tensor(1.0))
    let moved = zip(next["w"]!.floats, [-0.01, 1.004, 2] as [Float]).map { abs($0 - $1) }
    #expect(moved.allSatisfy { $0 < 1e-6 })
  }

  /// `s ← s + g²`, `θ ← θ - r g/(√s + ε)` by hand.
  @Test func adagradWithAStartedSum() {
    var parameters = Parameters([("w", Tensor(1.0, dtype: .float64))])
    let optimizer = ClippedUpdates(Adagrad(initialSum: 0.1, epsilon: 1e-7), to: 10)
    var state = optimizer.initialState(parameters)
    var (w, s) = (1.0, 0.1)
    for g in [0.5, -0.2, 0.9] {
      (parameters, state) = optimizer.update(
        parameters, gradients: Parameters([("w", Tensor(g, dtype: .float64))]), state: state,
        learningRate: Tensor(0.3, dtype: .float64))
      s += g * g
      w -= 0.3 * g / (s.squareRoot() + 1e-7)
      #expect(abs(parameters["w"]!.doubles[0] - w) < 1e-12)
    }
  }

  @Test func oneVersusAllLosses() {
    let z = Tensor((-20...20).map { Float($0) }, shape: [41, 1])
    for link in OneVersusAll.Link.allCases {
      let scores = link == .logProbability ? z.logSigmoid() : z
      let (yes, no) = OneVersusAll(link).logProbabilities(scores)
      let sum = yes.exp() + no.exp()
      #expect((sum - 1).abs().max().floats[0] < 1e-6, "\(link)")
    }
    // Two classes, label 0: -ln σ(z₀) - ln(1 - σ(z₁))
    let scores = Tensor([[0.3, -1.2]] as [[Double]])
    let expected = log(1 + exp(-0.3)) + log(1 + exp(-1.2))
    #expect(abs(OneVersusAll()(scores, Tensor([Int32(0)])).doubles[0] - expected) < 1e-12)
    for link in OneVersusAll.Link.allCases {
      let start = link == .logProbability ? Tensor([[-0.4, -2.1]] as [[Double]]) : scores
      let f = { (s: Tensor) in OneVersusAll(link)(s, Tensor([Int32(1)])) }
      let slope = grad(f)(start).doubles
      for i in 0..<2 {
        var (up, down) = (start.doubles, start.doubles)
        up[i] += 1e-6
        down[i] -= 1e-6
        let difference = (f(Tensor(up, shape: [1, 2])).doubles[0] - f(Tensor(down, shape: [1, 2])).doubles[0]) / 2e-6
        #expect(abs(difference - slope[i]) < 1e-7)
      }
    }
  }
}
