import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct OrderPreservationTests {
  private func isProven(_ result: OrderPreservation) -> Bool { if case .proven = result { true } else { false } }

  @Test func networksWithoutNegativeWeightsKeepTheOrder() throws {
    let activations = ["relu", "tanh", "sigmoid"].map { try! Activation.named($0) }
    let key = Key(0)
    for t in 0..<1000 {
      let depth = t % 5 + 1
      let layers = (0..<depth).flatMap { i -> [any Layer] in
        let act: any Layer = t % 4 == 3 ? Lambda { ($0 .>= 0).cast(to: .float32) } : activations[(t + i) % 3]
        return [Dense(4), act]
      }
      let net = Constrained(Sequential(layers), .nonNegative())
      let keys = key.folding(t).split(4)
      let variables = Variables(
        parameters: net.initialized(for: [1, 3], key: keys[0]).parameters.map { name, p in
          name.hasSuffix("bias") ? .normal(p.shape, key: keys[1]) : p
        })
      let low = Tensor.uniform([100, 3], low: -2, high: 2, key: keys[2])
      let high = low + Tensor.uniform([100, 3], high: 1, key: keys[3])
      let drop = (net.apply(variables, low) - net.apply(variables, high)).max().scalar
      #expect(drop <= 1e-5, "network \(t)")
      if t < 40, t % 4 != 3 { #expect(isProven(net.orderPreservation(variables, for: [1, 3]))) }
    }
  }

  @Test func convolutionsResidualsAndPoolingArePossible() {
    let net = Constrained(
      Sequential {
        Convolution(3, [3, 3])
        Residual {
          Convolution(3, [3, 3])
          Activation.relu
        }
        MaxPool()
        Flatten()
        Dense(2)
      }, .nonNegative())
    var variables = net.initialized(for: [1, 1, 4, 4], key: Key(0))
    #expect(isProven(net.orderPreservation(variables, for: [1, 1, 4, 4])))
    // One weight on a live path turned around.
    var weight = variables.parameters["4/weight"]!.floats
    let place = weight.indices.max { weight[$0] < weight[$1] }!
    weight[place] *= -3
    variables.parameters["4/weight"] = Tensor(weight, shape: variables.parameters["4/weight"]!.shape)
    guard case .refuted(let low, let high, let drop) = net.orderPreservation(variables, for: [1, 1, 4, 4]) else {
      Issue.record("no pair was found")
      return
    }
    #expect((high - low).min().scalar >= 0 && drop > 0)
    let fall = net.apply(variables, low.expandDimensions(at: 0)) - net.apply(variables, high.expandDimensions(at: 0))
    #expect(abs(fall.max().scalar - drop) < 1e-5)
  }

  @Test func inputsByThemselves() {
    let net = MLP(hidden: [2], outputs: 1, activation: .relu)
    let parameters = Parameters([
      ("0/weight", Tensor([Float(1), 0, -1, -2, 1, -1], shape: [3, 2])), ("0/bias", .zeros([2])),
      ("head/weight", Tensor([Float(1), -1], shape: [2, 1])), ("head/bias", .zeros([1])),
    ])
    let variables = Variables(parameters: parameters)
    // Paths: +1; -1 and +2; +1 and +1.
    #expect(net.monotoneInputs(variables, for: [1, 3]) == [true, false, true])
    let signs = SignStructure(parameters)
    #expect(signs.entries.map(\.name) == ["0/weight", "head/weight"])
    #expect(signs.entries[0].negativeShare == 0.5 && abs(signs.entries[0].inhibition - 4.0 / 6) < 1e-9)
  }

  @Test func activationsThatDecreaseAreRefused() throws {
    for name in ["gelu", "swish", "sine"] {
      guard let activation = try? Activation.named(name) else { continue }
      #expect(throws: NeuronError.self) { try NonNegativeMLP(hidden: [4], outputs: 1, activation: activation) }
    }
    #expect(throws: NeuronError.self) { try NonNegativeMLP(hidden: [4], outputs: 1, activation: .gelu) }
    _ = try NonNegativeMLP(hidden: [4], outputs: 1, activation: .gelu, force: true)
  }

  @Test func constraintsByReparameterization() {
    for form in ParameterConstraint.NonNegativeForm.allCases {
      let dense = Constrained(Dense(5), .nonNegative(form))
      let plain = Dense(5).initialized(for: [1, 4], key: Key(3)).parameters["weight"]!.abs()
      let variables = dense.initialized(for: [1, 4], key: Key(3))
      let x = Tensor.eye(4)
      #expect(dense.apply(variables, x).isClose(to: plain, relative: 1e-4, absolute: 2e-6), "\(form)")
      let far = Variables(parameters: variables.parameters.map { $0 == "weight" ? $1 - 5 : $1 })
      if form != .projection { #expect(dense.apply(far, x).min().scalar >= 0) }
    }
  }
}
