import Foundation
import Soma
import SomaLearning
import SomaNetworks
import Testing

@Suite struct PhysicsLossTests {
  @Test func residualOfAnExactSolution() {
    let x = Tensor.uniform([50, 1], low: -1, high: 1, key: Key(1), dtype: .float64)
    let second = PhysicsLoss.laplacian({ ($0 * Double.pi).sin() }, x)
    #expect((second + (x * Double.pi).sin().squeezed([1]) * (Double.pi * Double.pi)).abs().max().doubles[0] < 1e-10)
    let both = PhysicsLoss.laplacian(
      { $0[.all, 0].squared() * 3.0 + $0[.all, 0] * $0[.all, 1] + $0[.all, 1].squared() }, x.tiled([1, 2]))
    #expect(both.isClose(to: Tensor.full([50], 8, dtype: .float64), relative: 1e-12))
  }

  @Test func theWidthStaysAwayFromZero() {
    let layer = CauchyActivation()
    let x = Tensor.normal([16, 3], key: Key(2))
    var parameters = layer.initialized(for: x.shape, key: Key(1)).parameters
    #expect(CauchyActivation.width(ofStored: parameters["width"]!).isClose(to: Tensor.ones([3]), relative: 1e-5))
    let optimizer = Adam()
    var state = optimizer.initialState(parameters)
    let step = compile { (pair: [Tensor]) -> Tensor in
      grad { (p: Tensor) in CauchyActivation.width(ofStored: p).sum() }(pair[0])
    }
    for _ in 0..<1000 {
      let gradient = Parameters(
        parameters.names.map { name in
          (name, name == "width" ? step([parameters[name]!]) : Tensor.zeros(like: parameters[name]!))
        })
      (parameters, state) = optimizer.update(parameters, gradients: gradient, state: state, learningRate: Tensor(0.1))
    }
    #expect(
      CauchyActivation.width(ofStored: parameters["width"]!).min().floats[0] >= Float(CauchyActivation.smallestWidth)
        * 0.9999)
  }
}
