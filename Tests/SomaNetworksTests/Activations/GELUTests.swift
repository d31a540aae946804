import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct GELUTests {
  private let grid = (-100...100).map { Double($0) / 20 }

  @Test(arguments: [
    (
      GELUForm.exact,
      [-0.00404969409, -0.158655254, -0.154268769, 0.345731231, 0.841344746, 1.95449974, 2.99595031]
    ),
    (.tanh, [-0.00363739208, -0.158808009, -0.15428599, 0.34571401, 0.841191991, 1.95459769, 2.99636261]),
    (.sigmoid, [-0.0180713097, -0.154204234, -0.149611563, 0.350388437, 0.845795766, 1.93565862, 2.98192869]),
  ])
  func valuesOfTheForms(_ form: GELUForm, _ expected: [Double]) {
    let result = values({ Activation.gelu(form)($0) }, [-3, -1, -0.5, 0.5, 1, 2, 3])
    // The expected values have nine digits.
    #expect(relativeError(result, expected) <= 5e-9)
  }

  @Test func differenceOfMirroredValuesIsTheInput() {
    let f: (Tensor) -> Tensor = { Activation.gelu($0) }
    for (x, (a, b)) in zip(grid, zip(values(f, grid), values(f, grid.map { -$0 }))) {
      #expect(abs(a - b - x) <= 4 * max(abs(x), 1).ulp)
    }
    for (a, b) in zip(values(f, grid, order: 1), values(f, grid.map { -$0 }, order: 1)) {
      #expect(abs(a + b - 1) < 1e-14)
    }
  }

  @Test func derivatives() {
    let f: (Tensor) -> Tensor = { Activation.gelu($0) }
    #expect(abs(values(f, [1], order: 1)[0] - 1.08331547) < 1e-8)
    #expect(abs(values(f, [0], order: 2)[0] - 0.797884561) < 1e-9)
    for form in GELUForm.allCases {
      let f: (Tensor) -> Tensor = { Activation.gelu(form)($0) }
      let first: (Tensor) -> Tensor = grad { f($0).sum() }
      #expect(relativeError(values(f, grid, order: 1), slopes(f, grid), floor: 1) < 1e-8)
      #expect(relativeError(values(f, grid, order: 2), slopes(first, grid), floor: 1) < 1e-8)
    }
  }

  @Test func tailInSinglePrecision() {
    let x = Tensor((-200...(-20)).map { Float($0) / 20 })
    let result = Activation.gelu(x).doubles
    let exact = Activation.gelu(x.cast(to: .float64)).doubles
    #expect(relativeError(result, exact) < 1e-5)
    #expect(abs(result[0] / -7.6198530e-23 - 1) < 1e-5)
    let slopes = grad { Activation.gelu($0).sum() }(Tensor((-100...100).map { Float($0) / 20 + 0.013 }))
    #expect(slopes.floats.allSatisfy { $0 != 0 })
  }

  /// Where the gate is zero to all digits, the input no longer counts: no ∞ · 0.
  @Test func infinitiesHaveTheirLimits() {
    for f in [Activation.gelu, .mish] {
      for order in 0...1 {
        let result = values({ f($0) }, [-.infinity, .nan], order: order)
        #expect(result[0] == 0 && result[1].isNaN, "\(f.name), derivative \(order)")
      }
      #expect(values({ f($0) }, [.infinity]) == [.infinity])
    }
  }

  @Test func stochasticFormHasGELUAsItsMean() {
    let count = 2_000_000
    let x = Tensor.full([count], 0.7, dtype: .float32)
    let y = StochasticGELU().applyTraining(Variables(), x, key: Key(11)).output
    let kept = Double(y.floats.count { $0 != 0 }) / Double(count)
    // Bernoulli(Φ(0.7)) times 0.7: three standard errors.
    let p = 0.530625 / 0.7
    #expect(abs(0.7 * kept - 0.530625) < 3 * 0.7 * (p * (1 - p) / Double(count)).squareRoot())
    let slope = grad { StochasticGELU().applyTraining(Variables(), $0, key: Key(3)).output.sum() }(x[0..<64])
    #expect(Set(slope.floats) == [0, 1])
    #expect(
      StochasticGELU().apply(Variables(), Tensor([Float(1)])).floats[0] == Activation.gelu(Tensor([Float(1)])).floats[0]
    )
  }

  @Test func smallScaleIsReLU() throws {
    let narrow = try Activation.gelu(mean: 0, scale: 1e-4)
    for (a, x) in zip(values({ narrow($0) }, grid), grid) { #expect(abs(a - max(x, 0)) < 1e-4) }
    for scale in [1e-3, 0.1, 1, 7] {
      let f = try Activation.gelu(mean: 0, scale: scale)
      #expect(values({ f($0) }, grid.map { $0 * scale }, order: 1).max()! <= 1.13)
    }
    #expect(throws: ActivationError.self) { try Activation.gelu(mean: 0, scale: 0) }
  }

  @Test func configurationNamesKeepTheForm() {
    #expect(GELUForm(configurationName: "gelu") == .exact)
    #expect(GELUForm(configurationName: "gelu_pytorch_tanh") == .tanh)
    #expect(GELUForm(configurationName: "quick_gelu") == .sigmoid)
    #expect(GELUForm(configurationName: "relu") == nil)
  }
}
