import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct ExpandedGateTests {
  private let grid = (-100...100).map { Double($0) / 10 }

  private func expanded(_ gate: SelfGate, _ alpha: Double) -> (Tensor) -> Tensor {
    let f = Activation.expanded(gate, by: alpha)
    return { f($0) }
  }

  @Test(arguments: [
    (1.0, 0.1, [0.8, 0.909613695, 0.777270294]), (-1, 0.1, [-0.2, -0.0903863047, -0.222729706]),
    (2, -0.2, [1.42289966, 1.57269984, 1.45695649]),
  ])
  func valuesOfTheThree(_ x: Double, _ alpha: Double, _ expected: [Double]) {
    for (gate, y) in zip(SelfGate.allCases, expected) {
      #expect(abs(values(expanded(gate, alpha), [x])[0] - y) < 5e-9, "\(gate)")
    }
  }

  @Test(arguments: SelfGate.allCases) func identities(_ gate: SelfGate) {
    for alpha in [-0.5, 0, 0.3] {
      let f = expanded(gate, alpha)
      for (x, (a, b)) in zip(grid, zip(values(f, grid), values(f, grid.map { -$0 }))) {
        #expect(abs(a - b - x) < 1e-13)
      }
    }
    let plain = values({ Activation.selfGated(gate)($0) }, grid)
    #expect(values(expanded(gate, 0), grid) == plain)
    #expect(relativeError(values(expanded(gate, -0.5), grid), grid.map { $0 / 2 }, floor: 1) < 1e-15)
    let f = Activation.expanded(gate)
    let x = Tensor(grid)
    let slopes = jacobian { (alpha: Tensor) in
      f.apply(Variables(parameters: Parameters([("range", alpha)])), x)
    }(double(0.2)).doubles
    let expected = zip(grid, values({ Activation.gate(gate)($0) }, grid)).map { $0 * (2 * $1 - 1) }
    #expect(relativeError(slopes, expected, floor: 1) < 1e-13)
  }

  @Test func plainFormsAreTheCatalogues() {
    #expect(
      relativeError(values({ Activation.selfGated(.normal)($0) }, grid), values({ Activation.gelu($0) }, grid)) < 1e-14)
    #expect(
      relativeError(values({ Activation.selfGated(.sigmoid)($0) }, grid), values({ Activation.silu($0) }, grid)) < 1e-14
    )
  }

  @Test func leftTailOfTheArctanGate() {
    let f: (Tensor) -> Tensor = { Activation.atlu($0) }
    #expect(abs(values(f, [-1])[0] + 0.25) < 1e-15)
    #expect(abs(values(f, [-1e6])[0] + 0.318309886) < 1e-9)
    #expect(abs(Double(f(Tensor([Float(-1e6)])).floats[0]) + 0.318309886) < 1e-6)
    #expect(abs(values(f, [1], order: 2)[0] - 0.159154943) < 5e-9)
    let x = (0..<100_000).map { Double($0) / 1000 - 50 }
    #expect(values(f, x, order: 2).allSatisfy { $0 > 0 })
    for alpha in [0.3, 0] {
      let gate = Activation.gate(.arctan, expandedBy: alpha)
      let y = values({ gate($0) }, [-1e6, -10, 0, 10, 1e6])
      #expect(y.allSatisfy { $0 >= -alpha && $0 <= 1 + alpha } && y[2] == 0.5)
    }
  }

  @Test func gatedLayersReduceToTheirGates() throws {
    let x = Tensor([[0.3, -1.2], [2, 0.1]] as [[Double]])
    for order in 1...2 {
      let layer = GatedFeedForward(hidden: 3, gate: .sigmoid, order: order, isExpanded: true, usesBias: true)
      var variables = layer.initialized(for: TensorType(shape: [2, 2], dtype: .float64), key: Key(3))
      #expect(variables.parameters["gate/range"]?.shape == [])
      // The multiplied half: weights 0, bias 1; the last map the identity.
      let weight = variables.parameters["in/weight"]!
      variables.parameters["in/weight"] = .concatenate(
        [weight[.all, 0..<3], Tensor.zeros([2, 3], dtype: .float64)], axis: 1)
      variables.parameters["in/bias"] = Tensor([0, 0, 0, 1, 1, 1] as [Double])
      variables.parameters["out/weight"] = Tensor.eye(3, 2, dtype: .float64)
      variables.parameters["gate/range"] = double(0.25)
      let z = x.matmul(weight[.all, 0..<3])
      let gate = z.logistic() * 1.5 - 0.25
      let expected = (order == 1 ? gate : z * gate)[.all, 0..<2]
      #expect(layer.apply(variables, x).isClose(to: expected, relative: 1e-12, absolute: 1e-12))
      // One number for the block: its gradient adds up all places.
      let slope = grad { (range: Tensor) -> Tensor in
        var own = variables
        own.parameters["gate/range"] = range
        return layer.apply(own, x).sum()
      }(double(0.25)).doubles[0]
      let part = ((z.logistic() * 2.0 - 1) * (order == 1 ? Tensor.ones(like: z) : z))[.all, 0..<2].sum().doubles[0]
      #expect(abs(slope - part) < 1e-12)
    }
  }

  @Test func onlySelfGatedActivationsExpand() throws {
    #expect(try Activation.expanded(Activation.gelu).name == "xgelu")
    let error = #expect(throws: ActivationError.self) { try Activation.expanded(Activation.relu) }
    #expect(error?.description == "relu is not one of the self-gated activations atlu, gelu, silu")
  }
}
