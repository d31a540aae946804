import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct EntropyCorrectionTests {
  private let normal = InputDensity.standardNormal()

  @Test func valuesOfCRReLU() {
    func f(_ epsilon: Double, _ x: Double) -> Double {
      let activation = Activation.crrelu(epsilon: epsilon)
      return values({ activation($0) }, [x])[0]
    }
    #expect(abs(f(0.01, -1) + 0.0060653066) < 5e-11 && abs(f(0.01, 1) - 1.00606531) < 5e-9)
    #expect(abs(f(0.1, -2) + 0.0270670566) < 5e-11 && abs(f(0.1, 0.5) - 0.544124845) < 5e-10)
    let x = Tensor((-40...40).map { Float($0) / 8 })
    #expect(Activation.crrelu(epsilon: 0)(x).floats == Activation.relu(x).floats)
  }

  @Test func symmetryAndSlopes() {
    let activation = Activation.crrelu(epsilon: 0.3)
    let f: (Tensor) -> Tensor = { activation($0) }
    let x = (1...60).map { Double($0) / 12 }
    for (x, (a, b)) in zip(x, zip(values(f, x), values(f, x.map { -$0 }))) {
      #expect(abs(a - b - x - 0.6 * x * exp(-x * x / 2)) < 1e-14)
    }
    #expect(relativeError(values(f, x, order: 1), slopes(f, x), floor: 1) < 1e-9)
    // The trained number stays trained when compiled; its gradient is Σ ḡ x e^{-x²/2}.
    let points = Tensor(x)
    let step = compile { (epsilon: Tensor) in
      grad { (e: Tensor) in activation.apply(Variables(parameters: Parameters([("a", e)])), points).sum() }(epsilon)
    }
    let expected = x.reduce(0.0) { (sum: Double, x: Double) in sum + x * exp(-x * x / 2) }
    #expect(abs(step(double(0.3)).doubles[0] - expected) < 1e-12)
  }

  @Test func theWorstActivationMakesItsOutputUniform() {
    let worst = WorstActivation(normal)
    let x = [-2.0, -0.5, 0, 1.3]
    for (value, x) in zip(values({ worst($0) }, x), x) {
      #expect(abs(value - 0.5 * erfc(-x / 2.0.squareRoot())) < 1e-6)
    }
    func phi(_ scale: Double) -> (Tensor) -> Tensor { { 0.5 * ($0 * (-scale / 2.0.squareRoot())).erfc() } }
    // Φ(x) itself, inside where its slope is a normal number.
    #expect(abs(OutputEntropy(of: phi(1), normal).value) < 1e-9)
    for scale in [2.0, 0.5] {
      let entropy = OutputEntropy(of: phi(scale), InputDensity.standardNormal(width: 6)).value
      #expect(entropy < -0.01 && entropy.isFinite)
    }
    // Increasing functions onto [0, 1]: mixtures of distribution functions.
    for seed in 0..<50 {
      let numbers = Tensor.uniform([6], key: Key(seed), dtype: .float64).doubles
      let f = { (x: Tensor) -> Tensor in
        var sum = Tensor.zeros(like: x)
        for k in 0..<3 {
          let (center, scale) = (numbers[k] * 3 - 1.5, -(0.5 + 2 * numbers[3 + k]) / 2.0.squareRoot())
          sum += ((x - center) * scale).erfc() * (0.5 / 3)
        }
        return sum
      }
      #expect(OutputEntropy(of: f, InputDensity.standardNormal(width: 6)).value < 1e-9)
    }
  }

  @Test func entropyRisesWithTheCoefficient() {
    func entropy(_ epsilon: Double) -> Double {
      OutputEntropy(of: { $0 + $0 * ($0 * $0 * -0.5).exp() * epsilon }, normal).value
    }
    #expect(abs(entropy(0.1) - entropy(0) - 0.03352084105) < 1e-9)
    #expect(abs(entropy(-0.1) - entropy(0) + 0.03738351342) < 1e-9)
    #expect(abs((entropy(1e-4) - entropy(-1e-4)) / 2e-4 - 0.353553391) < 1e-6)
    #expect(abs(entropy(0) - 0.5 * log(2 * .pi * M_E)) < 1e-9)
  }

  /// `δH/δy` at the inverse `sinh` against the entropy of `y + t·bump`, from `H = -∫ p(y) y′ ln(p(y) y′)`.
  @Test func functionalDerivative() {
    let h = 1e-3
    let grid = (-2500...2500).map { Double($0) * h }
    func p(_ y: Double) -> Double { exp(-y * y / 2) / (2 * Double.pi).squareRoot() }
    for center in [-0.8, -0.3, 0, 0.4, 1] {
      func bump(_ x: Double) -> (Double, Double) {
        let z = (x - center) / 0.3
        let value = exp(-z * z)
        return (value, -2 * z / 0.3 * value)
      }
      func entropy(_ t: Double) -> Double {
        -grid.reduce(0.0) { sum, x in
          let (b, slope) = bump(x)
          let q = p(sinh(x) + t * b) * (cosh(x) + t * slope)
          return sum + (q > 0 ? q * log(q) : 0)
        } * h
      }
      let numeric = (entropy(1e-4) - entropy(-1e-4)) / 2e-4
      // The activation is asinh; the correction is f′ δH/δy at f(x) = x's image.
      let analytic =
        grid.reduce(0.0) { sum, x in
          let y = sinh(x)
          return sum + (p(y) * sinh(x) / cosh(x) - y * p(y) * cosh(x)) * bump(x).0
        } * h
      #expect(abs(numeric - analytic) < 1e-5)
    }
    // The same formula in the library, on the activation's own axis.
    let correction = EntropyCorrection(of: { $0.asinh() }, InputDensity.standardNormal(width: 6, count: 6001))
    for (i, x) in correction.density.grid.enumerated() where i % 500 == 250 {
      let u = asinh(x)
      let derivative = p(x) * sinh(u) / cosh(u) - x * p(x) * cosh(u)
      #expect(abs(correction.correction[i] - derivative / cosh(u)) < 1e-5)
    }
  }

  @Test func correctionOfTheIdentityIsTheOddBump() {
    let correction = EntropyCorrection(of: { $0 * 1.0 }, normal)
    let bump = normal.grid.map { $0 * exp(-$0 * $0 / 2) }
    let (a, b) = (correction.correction, bump)
    let product = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    let norms = (a.reduce(0) { $0 + $1 * $1 } * b.reduce(0) { $0 + $1 * $1 }).squareRoot()
    #expect(abs(product / norms + 1) < 1e-9)
    let layer = CorrectedActivation(.relu, EntropyCorrection(of: { Activation.relu($0) }, normal), epsilon: 0.5)
    let x = Tensor([-1.0, 1])
    let y = layer.apply(layer.initialized(for: TensorType(shape: [2], dtype: .float64), key: Key(0)), x).doubles
    // On x > 0 the correction is -x φ(x); at x < 0 ReLU is flat and has none.
    #expect(y[0] == 0 && abs(y[1] - (1 - 0.5 * exp(-0.5) / (2 * Double.pi).squareRoot())) < 1e-5)
  }

  @Test func densitiesFromSamples() {
    let samples = Tensor.normal([20_000], mean: 0.5, deviation: 2, key: Key(1), dtype: .float64).doubles
    for density in [InputDensity.normal(fitting: samples), .kernel(fitting: Array(samples.prefix(4000)))] {
      #expect(abs(density.mean { _ in 1 } - 1) < 1e-3)
      #expect(abs(density.entropy - 0.5 * log(2 * .pi * M_E * 4)) < 0.03)
      #expect(abs(density.cumulative.last! - 1) < 1e-12)
    }
  }
}
