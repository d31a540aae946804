import Testing

@testable import Soma
@testable import SomaNetworks

private let tokens = Tensor.uniform([20, 6], low: -1, high: 1, key: Key(3), dtype: .float64)
private let type = TensorType(shape: [20, 6], dtype: .float64)

@Suite struct MixtureOfExpertsTests {
  let layer = MLPKAN(hidden: 5, kanHidden: 2, experts: 4)

  @Test func routerKeepsTheBestTwo() {
    let logits = Tensor([1, 0.5, -0.2, 0.1] as [Double], shape: [1, 4])
    let mixture = MixtureOfExperts(experts: (0..<4).map { _ in Dense(1) }, topK: 2)
    let router = Variables(parameters: Parameters([("router", logits)]))
    let (p, weights) = mixture.route(Tensor([1.0] as [Double], shape: [1, 1]), Scope(router))
    #expect(zip(p.doubles, [0.43209712, 0.26208015, 0.13014515, 0.17567758]).allSatisfy { abs($0 - $1) < 1e-7 })
    #expect(zip(weights.doubles, [0.62245933, 0.37754067, 0, 0]).allSatisfy { abs($0 - $1) < 1e-7 })
    let ties = Variables(parameters: Parameters([("router", Tensor.zeros([1, 4], dtype: .float64))]))
    #expect(mixture.route(Tensor.ones([1, 1], dtype: .float64), Scope(ties)).weights.doubles == [0.5, 0.5, 0, 0])
  }

  @Test func parametersAreCounted() {
    #expect(MLPKAN(hidden: 30, kanHidden: 4, experts: 8).parameterCount(for: [1, 24]) == 12_536)
    #expect(FasterKAN([4, 24]).parameterCount(for: [1, 24]) == 1592)
  }

  @Test func gatheredTokensEqualAllTokens() {
    var gathered = layer
    gathered.capacity = 100
    let variables = layer.initialized(for: type, key: Key(1))
    // A global is made where it is read first, and in a traced function it would be traced.
    let inputs = tokens
    func loss(_ layer: MLPKAN) -> (Tensor, Parameters) {
      let (value, gradient) = valueAndGrad(variables.parameters) {
        layer.apply(Variables(parameters: $0), inputs).squared().sum()
      }
      return (value, gradient)
    }
    let (a, b) = (loss(layer), loss(gathered))
    #expect(abs(a.0.scalar - b.0.scalar) < 1e-9)
    for name in a.1.names { #expect((a.1[name]! - b.1[name]!).abs().max().scalar < 1e-9, "\(name)") }
  }

  @Test func tokensBeyondTheCapacityAreDropped() {
    let mixture = MixtureOfExperts(experts: [Lambda { $0 }, Lambda { $0 * 2 }], topK: 1, capacity: 1)
    let router = Tensor([50, -50] as [Double], shape: [1, 2])
    let x = Tensor.linspace(0.1, 1, count: 12, dtype: .float64).reshape([12, 1])
    let y = mixture.apply(Variables(parameters: Parameters([("router", router)])), x).doubles
    // All go to the first; half of twelve fit.
    #expect(y.filter { $0 == 0 }.count == 6)
  }

  @Test func orderOfTokensAndExpertsDoesNotMatter() {
    let variables = layer.initialized(for: type, key: Key(2))
    let y = layer.apply(variables, tokens)
    let back = layer.apply(variables, tokens.reversed([0])).reversed([0])
    #expect((y - back).abs().max().scalar < 1e-12)
    var moved = variables
    let order = [1, 0, 3, 2]
    for (new, old) in order.enumerated() {
      for name in variables.parameters.names where name.hasPrefix("expert\(old)/") {
        moved.parameters["expert\(new)" + name.dropFirst("expert\(old)".count)] = variables.parameters[name]
      }
    }
    moved.parameters["router"] = variables.parameters["router"]!.take(Tensor(order.map { Int32($0) }), axis: 1)
    #expect((y - layer.apply(moved, tokens)).abs().max().scalar < 1e-12)
  }

  @Test func equalExpertsNeedNoRouter() {
    let mixture = MixtureOfExperts(experts: (0..<3).map { _ in Lambda { $0.sin() } }, topK: 2)
    let variables = mixture.initialized(for: type, key: Key(5))
    #expect((mixture.apply(variables, tokens) - tokens.sin()).abs().max().scalar < 1e-12)
  }

  @Test func expertsThatWereNotChosenDoNotLearn() {
    let variables = layer.initialized(for: type, key: Key(4))
    let one = tokens[0..<1]
    let weights = layer.mixture(width: 6).route(one, Scope(variables)).weights.doubles
    #expect(abs(weights.reduce(0, +) - 1) < 1e-12 && weights.filter { $0 > 0 }.count == 2)
    let gradient = grad { (p: Parameters) in layer.apply(Variables(parameters: p), one).squared().sum() }(
      variables.parameters)
    for name in gradient.names where name.hasPrefix("expert") {
      let e = Int(String(name.dropFirst(6).prefix(1)))!
      if weights[e] == 0 { #expect(gradient[name]!.abs().max().scalar == 0, "\(name)") }
    }
  }

  @Test func balanceLossMeasuresCollapse() {
    let mixture = MixtureOfExperts(experts: (0..<4).map { _ in Dense(1) }, topK: 1, balance: .load)
    let one = Tensor([1, 0, 0, 0] as [Double]).broadcast(to: [8, 4])
    #expect(abs(mixture.balanceLoss(one).scalar - 4) < 1e-12)
    let cycle = Tensor((0..<8).flatMap { i in (0..<4).map { i % 4 == $0 ? 0.2500003 : 0.2499999 } }, shape: [8, 4])
    #expect(abs(mixture.balanceLoss(cycle).scalar - 1) < 1e-5)
  }

  @Test func secondExpertFollowsItsPolicy() {
    func second(_ policy: MixtureOfExperts.SecondExpert) -> [Double] {
      let mixture = MixtureOfExperts(experts: (0..<3).map { _ in Dense(1) }, topK: 2, balance: .topTwo(policy))
      let router = Variables(parameters: Parameters([("router", Tensor([2, 1, 0] as [Double], shape: [1, 3]))]))
      return mixture.route(Tensor.ones([1, 1], dtype: .float64), Scope(router)).weights.doubles
    }
    #expect(second(.none) == [1, 0, 0])
    #expect(second(.all)[1] > 0.2 && second(.threshold(0.2)) == second(.all))
    #expect(second(.threshold(0.4)) == [1, 0, 0])
  }
}
