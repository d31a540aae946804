import Foundation
import Soma
import SomaNetworks
import Testing

/// The properties that the specification of Mish (Misra 2019) names.
@Suite struct MishTests {
  private let f: (Tensor) -> Tensor = { Activation.mish($0) }
  private let grid = (-160...160).map { Double($0) / 16 + 0.003 }

  @Test func valuesAndMinimum() {
    let expected = [-0.0335762377, -0.303401461, -0.220743775, 0.375245211, 0.865098388, 1.94395896, 4.99955208]
    #expect(relativeError(values(f, [-5, -1, -0.5, 0.5, 1, 2, 5]), expected) <= 5e-9)
    #expect(abs(values(f, [-1.19243122])[0] + 0.308843413) < 1e-9)
    #expect(abs(values(f, [-1.19243122], order: 1)[0]) < 1e-8)
    let fine = Tensor.linspace(-20, 20, count: 1_000_000, dtype: .float64)
    #expect(f(fine).min().doubles[0] >= -0.308844)
    #expect(abs(values(f, [1.49057097], order: 1)[0] - 1.08849816) < 1e-8)
  }

  @Test func derivatives() {
    #expect(abs(values(f, [1], order: 1)[0] - 1.04903622) < 5e-9 && abs(values(f, [0], order: 1)[0] - 0.6) < 1e-15)
    #expect(relativeError(values(f, grid, order: 1), slopes(f, grid), floor: 1) < 1e-9)
    let first: (Tensor) -> Tensor = grad { Activation.mish($0).sum() }
    #expect(relativeError(values(f, grid, order: 2), slopes(first, grid), floor: 1) < 1e-9)
    // Mish′ = sech²(s) swish(x) + Mish(x)/x
    for (x, slope) in zip(grid, values(f, grid, order: 1)) {
      let s = x > 30 ? x : log1p(exp(x))
      let other = x / (1 + exp(-x)) / pow(cosh(s), 2) + tanh(s)
      #expect(abs(slope - other) < 1e-12)
    }
  }

  @Test func closedFormAndSinglePrecision() {
    #expect(relativeError(values(f, grid), grid.map { $0 * tanh(log1p(exp($0))) }, floor: 1) < 1e-14)
    let x = Tensor((-320...320).map { Float($0) / 16 })
    #expect(relativeError(f(x).doubles, f(x.cast(to: .float64)).doubles) < 2e-6)
    let far = Tensor([Float(-1e30), -1e4, 1e4, 1e30])
    #expect(f(far).floats == [0, 0, 1e4, 1e30])
    #expect(grad { Activation.mish($0).sum() }(far).floats == [0, 0, 1, 1])
  }

  /// The gradient of a network is that of the same network with the formula written out.
  @Test func backwardThroughANetwork() {
    let written = Lambda { $0 * $0.softplus().tanh() }
    func slopes(_ activation: any Layer) -> [Double] {
      let network = Sequential([Dense(8), activation, Dense(8), activation, Dense(1)])
      let x = Tensor.normal([5, 3], key: Key(1), dtype: .float64)
      let variables = network.initialized(for: TensorType(shape: [5, 3], dtype: .float64), key: Key(2))
      return grad { (p: Parameters) in network.apply(Variables(parameters: p), x).squared().sum() }(
        variables.parameters
      )
      .leaves.flatMap(\.doubles)
    }
    #expect(relativeError(slopes(Activation.mish), slopes(written), floor: 1) < 1e-12)
  }
}
