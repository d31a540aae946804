import Foundation
import Soma
import SomaData
import SomaNetworks
import SomaSearch
import Testing

@Suite struct ActivationSearchTests {
  private typealias Expression = ActivationExpression

  private func values(_ f: (Tensor) -> Tensor, _ x: [Double]) -> [Double] { f(Tensor(x)).doubles }

  @Test func swishValues() throws {
    func swish(_ beta: Double, _ x: Double) throws -> Double {
      let f = try Activation.swish(.trainable(start: beta, perChannel: false))
      return values({ f($0) }, [x])[0]
    }
    #expect(try abs(swish(1, -1) + 0.268941421) < 5e-10)
    #expect(try abs(swish(1, 1) - 0.731058579) < 5e-10)
    #expect(try abs(swish(1, 2) - 1.76159416) < 5e-9)
    #expect(try abs(swish(1.5, -2) + 0.0948517464) < 5e-11)
    #expect(try abs(swish(0.5, 1) - 0.622459331) < 5e-10)
    let x = Tensor((-40...40).map { Float($0) / 8 })
    #expect(try Activation.swish(.fixed(1))(x).floats == Activation.silu(x).floats)
    let trained = try Activation.swish(.trainable(start: 0.7, perChannel: false))
    let y = trained(x) - trained(-x)
    #expect(y.isClose(to: x, relative: 1e-5, absolute: 1e-6))
    let points = Tensor([-2.0, -0.4, 0.3, 1.9])
    let slope = grad { (beta: Tensor) in
      trained.apply(Variables(parameters: Parameters([("a", beta)])), points).sum()
    }(Tensor(0.7, dtype: .float64)).doubles[0]
    let expected = points.doubles.reduce(0.0) { (sum: Double, x: Double) in
      let s = 1 / (1 + exp(-0.7 * x))
      return sum + x * x * s * (1 - s)
    }
    #expect(abs(slope - expected) < 1e-12)
  }

  @Test func theExhaustiveSpace() {
    let space = ActivationSearchSpace.exhaustive
    #expect(space.count == 4032)
    let all = space.allOfOneUnit()
    #expect(all.count == 4032)
    let kept = ActivationSearchSpace.simplified(all)
    #expect(kept.count > 500 && kept.count < 4032)
    #expect(kept == ActivationSearchSpace.simplified(all))
    let swish = [
      Expression([.init(.multiply, .identity, .sigmoid)]), Expression([.init(.multiply, .sigmoid, .identity)]),
      Expression([.init(.gate, .identity, .identity)]),
    ]
    #expect(ActivationSearchSpace.simplified(swish).count == 1)
    #expect(kept.filter { expression in swish.contains(expression) }.count == 1)
    // Constants, lines and what is not finite on the grid are dropped.
    let dropped = [
      Expression([.init(.add, .identity, .one)]), Expression([.init(.multiply, .zero, .exp)]),
      Expression([.init(.subtract, .tanh, .tanh)]),
    ]
    #expect(ActivationSearchSpace.simplified(dropped).isEmpty)
  }

  @Test func operatorsAtExtremes() {
    let x = [0, 1e-30, -1e-30, 30, -30, 88, -88]
    for unary in Expression.Unary.allCases {
      let y = values({ Expression([.init(.add, unary, .zero)])($0) }, x)
      #expect(y.allSatisfy { !$0.isNaN }, "\(unary)")
    }
    for binary in Expression.Binary.allCases {
      let y = values({ Expression([.init(binary, .identity, .identity)])($0) }, x)
      #expect(y.allSatisfy { !$0.isNaN }, "\(binary)")
    }
    #expect(values({ Expression([.init(.add, .sinc, .zero)])($0) }, [0, 1e-30]) == [1, 1])
    #expect(values({ Expression([.init(.add, .softplus, .zero)])($0) }, [88])[0] == 88)
  }

  @Test func textIsReadAgain() throws {
    var generator = SeededGenerator(seed: 4)
    for i in 0..<1000 {
      let expression = ActivationSearchSpace(coreUnits: 1 + i % 4).random(&generator)
      #expect(try Expression(parsing: expression.description) == expression)
    }
    for text in [
      "", "mul(x, y)", "mul(id(x))", "foo(id(x), id(x))", "mul(id(x), bar(x))", "mul(id(y1), id(x))",
      "mul(id(x), id(x)",
    ] {
      #expect(throws: SearchError.self) { try Expression(parsing: text) }
    }
  }

  @Test func theControllerLearnsWhatIsRewarded() {
    var settings = ActivationController.Settings()
    settings.learningRate = 3e-3
    let space = ActivationSearchSpace()
    var controller = ActivationController(space, settings: settings, seed: 1)
    func reward(_ expression: Expression) -> Double {
      expression.units.contains { $0.binary == .gate || $0.first == .sigmoid || $0.second == .sigmoid } ? 1 : 0
    }
    for _ in 0..<300 {
      let samples = controller.sample(8)
      controller.learn(samples, samples.map { reward($0.expression) })
    }
    let mean = controller.sample(200).map { reward($0.expression) }.reduce(0, +) / 200
    #expect(mean > 0.9)
    var indifferent = ActivationController(space, seed: 2)
    let before = indifferent.entropy()
    for _ in 0..<40 {
      let samples = indifferent.sample(8)
      indifferent.learn(samples, samples.map { _ in 0.5 })
    }
    #expect(abs(indifferent.entropy() / before - 1) < 0.05)
  }

  @Test func searchesFindTheirTarget() throws {
    let x = Tensor(ActivationSearchSpace.grid)
    let target = Activation.silu(x)
    func score(_ expression: Expression) -> Double { -(expression(x) - target).squared().sum().doubles[0] }
    let result = try ActivationSearchSpace.exhaustive.exhaustiveSearch(score)
    let best = result.top(1)[0]
    #expect(best.score > -1e-20)
    #expect(
      values({ best.expression($0) }, [-1.3, 2.2]).elementsEqual(values({ Activation.silu($0) }, [-1.3, 2.2])) {
        abs($0 - $1) < 1e-12
      })
    let space = ActivationSearchSpace(coreUnits: 2)
    let positive = { (e: Expression) in 1 / (1 - score(e)) }
    let random = try space.randomSearch(evaluations: 60, seed: 1, positive)
    let evolved = try space.evolution(evaluations: 60, population: 20, tournament: 5, seed: 1, positive)
    let policy = try space.policySearch(evaluations: 60, seed: 1, positive)
    for found in [random, evolved, policy] {
      #expect(found.scored.count == 60 && found.best == found.best.sorted())
    }
    #expect(
      try space.policySearch(evaluations: 24, seed: 1, positive).scored.map(\.score)
        == policy.scored.prefix(24).map(\.score))
  }

  @Test func expressionsTrainTheirNumbers() throws {
    let expression = try Expression(parsing: "sig(scale(x), id(x))")
    let x = Tensor.normal([5, 3], key: Key(1))
    let variables = expression.initialized(for: x.shape, key: Key(0))
    #expect(variables.parameters.names == ["first1"] && variables.parameters["first1"]!.shape == [3])
    #expect(expression.apply(variables, x).isClose(to: Activation.silu(x), relative: 1e-5, absolute: 1e-6))
    for (name, expression) in Expression.discovered {
      #expect(expression(x).floats.allSatisfy { $0.isFinite }, "\(name)")
    }
  }
}
