import SomaNetworks
import Testing

@testable import Soma

@Suite struct HeLUTests {
  @Test(arguments: [0, 0.05, 1]) func forwardIsReLU(_ alpha: Double) {
    let random = Tensor.normal([100_000], deviation: 3, key: Key(1)).floats
    let x = Tensor(random + [0, -0, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNonzeroMagnitude])
    #expect(HeLU(alpha: alpha)(x).floats.map(\.bitPattern) == Activation.relu(x).floats.map(\.bitPattern))
    #expect(HeLU(alpha: alpha)(Tensor([Float.nan])).floats[0].isNaN)
  }

  @Test func derivativeHasItsThresholdBelowZero() {
    let z = [-0.2, -0.05, -0.0499, -1e-9, 0, 0.3]
    #expect(values({ HeLU(alpha: 0.05)($0) }, z, order: 1) == [0, 0, 1, 1, 1, 1])
    #expect(values({ HeLU(alpha: 0)($0) }, z, order: 1) == [0, 0, 0, 0, 0, 1])
    #expect(values({ HeLU(alpha: .infinity)($0) }, z, order: 1) == [1, 1, 1, 1, 1, 1])
    #expect(values({ HeLU()($0) }, z, order: 2) == [0, 0, 0, 0, 0, 0])
  }

  @Test func bothModesAgree() {
    let layers = Sequential([Dense(7), HeLU(alpha: 0.3), Dense(5), HeLU(alpha: 0.3), Dense(3), HeLU(alpha: 0.3)])
    let x = Tensor.normal([4, 6], key: Key(1), dtype: .float64)
    let variables = layers.initialized(for: x.type, key: Key(2))
    let (u, v) = (
      Tensor.normal([4, 3], key: Key(3), dtype: .float64), Tensor.normal([4, 6], key: Key(4), dtype: .float64)
    )
    let forward = jvp(x, tangent: v) { layers.apply(variables, $0) }.tangent
    let backward = vjp(x) { layers.apply(variables, $0) }.pullback(u)
    #expect(abs((u * forward).sum().doubles[0] - (backward * v).sum().doubles[0]) < 1e-12)
  }

  @Test func aUnitJustBelowZeroComesBack() {
    let z = Tensor((-5...5).map { Double($0) / 10 })
    func slope(_ unit: @escaping (Tensor) -> Tensor, _ bias: Double) -> Double {
      grad { (b: Tensor) in (unit(z + b) - 1).squared().mean() }(double(bias)).doubles[0]
    }
    #expect(slope({ Activation.relu($0) }, -0.52) == 0)
    #expect(abs(slope({ HeLU(alpha: 0.05)($0) }, -0.52) + 2.0 / 11) < 1e-12)
    // All below the second threshold: dead for good.
    #expect(slope({ HeLU(alpha: 0.05)($0) }, -0.56) == 0)
  }

  @Test func secondDerivativesTreatTheMaskAsConstant() {
    let x = Tensor([0.4, -0.02, 0.9])
    func loss(_ unit: @escaping (Tensor) -> Tensor) -> Tensor {
      hessian { (x: Tensor) in (unit(x * 1.5) * x).sum() }(x)
    }
    let mask = Tensor([1.0, 1, 1])
    // f = 1.5 m x², with HeLU's value 0 at the second place: curvature comes through the mask alone.
    let own = loss { HeLU(alpha: 0.05)($0) }
    #expect(own.isClose(to: (mask * 3.0).diagonalMatrix(), relative: 1e-12))
  }

  @Test func perExampleGradientsUseTheSameRule() {
    let z = Tensor([-0.2, -0.03, 0.5])
    let slopes = vmap { (z: Tensor) in grad { HeLU(alpha: 0.05)($0) }(z) }(z)
    #expect(slopes.doubles == [0, 1, 1])
  }

  /// A network whose first hidden layer has one unit that never answers, the second two.
  @Test func deadUnitsAreCounted() {
    let network = Sequential([Dense(3), HeLU(), Dense(4), Activation.relu, Dense(1)])
    let x = Tensor.normal([32, 2], key: Key(1))
    var variables = network.initialized(for: [32, 2], key: Key(2))
    variables.parameters["0/bias"] = Tensor([Float(-100), 100, 100])
    variables.parameters["2/bias"] = Tensor([Float(-10_000), 10_000, -10_000, 10_000])
    let dead = DeadUnits(network, variables, x)
    #expect(dead.layers == [1.0 / 3, 0.5] && abs(dead.fraction - 3.0 / 7) < 1e-15)
    let residual = Residual { [Dense(2), Activation.relu] }
    #expect(DeadUnits(residual, residual.initialized(for: [32, 2], key: Key(3)), x).layers.count == 1)
  }
}
