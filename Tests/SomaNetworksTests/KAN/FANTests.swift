import Foundation
import Testing

@testable import Soma
@testable import SomaNetworks

@Suite struct FANTests {
  private func layer(_ isGated: Bool = false) -> (FANLayer, Variables, Tensor) {
    let layer = FANLayer(8, isGated: isGated)
    let x = Tensor.uniform([5, 4], low: -1, high: 1, key: Key(1), dtype: .float64)
    return (layer, layer.initialized(for: TensorType(shape: [5, 4], dtype: .float64), key: Key(2)), x)
  }

  @Test func parametersAreCounted() {
    #expect(FANLayer(8).parameterCount(for: [1, 4]) == 30)
    #expect(FAN().parameterCount(for: [1, 1]) == 6433)
    #expect(FAN(isGated: true).parameterCount(for: [1, 1]) == 6435)
  }

  @Test func unitsAreCosinesSinesAndAnActivation() {
    var (layer, variables, x) = layer()
    for name in ["plain/weight", "plain/bias"] {
      variables.parameters[name] = Tensor.zeros(like: variables.parameters[name]!)
    }
    let y = layer.apply(variables, x)
    #expect(y[.all, 4...].abs().max().scalar == 0)
    let ones = y[.all, 0..<2].squared() + y[.all, 2..<4].squared()
    #expect((ones - 1).abs().max().scalar < 1e-12)
    variables.parameters["periodic/bias"] = variables.parameters["periodic/bias"]! + 2 * Double.pi
    #expect((layer.apply(variables, x) - y).abs().max().scalar < 1e-12)
  }

  @Test func gateWeighsBothHalves() {
    let (gated, start, x) = layer(true)
    func output(_ gamma: Double) -> Tensor {
      var variables = start
      variables.parameters["gate"] = Tensor([gamma])
      return gated.apply(variables, x)
    }
    var plain = gated
    plain.isGated = false
    let y = plain.apply(start, x)
    #expect((output(0) - y * 0.5).abs().max().scalar < 1e-12)
    #expect(output(60)[.all, 4...].abs().max().scalar < 1e-12)
    #expect((output(60)[.all, 0..<4] - y[.all, 0..<4]).abs().max().scalar < 1e-12)
    #expect(output(-60)[.all, 0..<4].abs().max().scalar < 1e-12)
  }

  @Test func periodFollowsTheWeight() {
    let layer = FANLayer(4)
    let variables = Variables(
      parameters: Parameters([
        ("periodic/weight", Tensor([3] as [Double], shape: [1, 1])), ("periodic/bias", Tensor([0.4] as [Double])),
        ("plain/weight", Tensor.zeros([1, 2], dtype: .float64)), ("plain/bias", Tensor.zeros([2], dtype: .float64)),
      ]))
    let f = { (x: Tensor) in layer.apply(variables, x.reshape([-1, 1]))[.all, 1] }
    let x = [-1.3, 0.2, 0.9]
    #expect(relativeError(values(f, x.map { $0 + 2 * .pi / 3 }), values(f, x)) < 1e-9)
    #expect(relativeError(values(f, x, order: 2), values(f, x).map { -9 * $0 }) < 1e-9)
  }

  @Test func tangentsAreThoseOfTheUnits() {
    let (layer, variables, x) = layer()
    let direction = Tensor.uniform([5, 4], low: -1, high: 1, key: Key(3), dtype: .float64)
    let tangent = jvp(x, tangent: direction) { layer.apply(variables, $0) }.tangent
    let p = x.matmul(variables.parameters["periodic/weight"]!) + variables.parameters["periodic/bias"]!
    let dp = direction.matmul(variables.parameters["periodic/weight"]!)
    #expect((tangent[.all, 0..<2] + p.sin() * dp).abs().max().scalar < 1e-12)
    #expect((tangent[.all, 2..<4] - p.cos() * dp).abs().max().scalar < 1e-12)
  }

  @Test func sineExtrapolatesInSinglePrecision() {
    let network = FAN(width: 4, layers: 2)
    var parameters = network.initialized(for: [1, 1], key: Key(0)).parameters.map { _, t in Tensor.zeros(like: t) }
    parameters["embedding/weight"] = Tensor([1, 0, 0, 0] as [Float], shape: [1, 4])
    parameters["0/periodic/weight"] = Tensor([1, 0, 0, 0] as [Float], shape: [4, 1])
    parameters["head/weight"] = Tensor([0, 1, 0, 0] as [Float], shape: [4, 1])
    let t = (0..<2001).map { Float($0 - 1000) }
    let y = network.apply(Variables(parameters: parameters), Tensor(t, shape: [2001, 1])).doubles
    #expect(zip(t, y).allSatisfy { abs(sin(Double($0)) - $1) < 1e-5 })
  }
}
