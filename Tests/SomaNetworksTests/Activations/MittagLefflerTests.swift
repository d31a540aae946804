import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct MittagLefflerTests {
  @Test(arguments: [
    (0.5, 1.0, -1.0, 0.427583576156), (0.5, 1, 0.5, 1.95236048918), (0.25, 1, -0.4, 0.688473135607),
    (0.75, 1, -2, 0.202078483413), (0.75, 1.5, -3, 0.259376917178), (1.5, 1, -4, -0.27242487891),
    (1.2, 0.8, 1.5, 3.72023935559), (1, 2, -1, 0.632120558829), (2, 2, 1, 1.17520119364),
  ])
  func valuesOfTheFunction(_ alpha: Double, _ beta: Double, _ z: Double, _ expected: Double) {
    let e = MittagLeffler(alpha, beta)
    #expect(abs(values({ e($0) }, [z])[0] / expected - 1) < 5e-12)
    guard z <= 0, alpha <= 1 else { return }
    let trained = mittagLeffler(alpha: double(alpha), beta: double(beta), double(z)).doubles[0]
    #expect(abs(trained / expected - 1) < 5e-12)
  }

  @Test func derivatives() {
    let slopes = grad { (p: [Tensor]) in mittagLeffler(alpha: p[0], beta: p[1], p[2]) }(
      [double(0.75), double(1.0), double(-2.0)]
    ).map { $0.doubles[0] }
    #expect(relativeError(slopes, [-0.239857877448, 0.439911875218, 0.112484762994]) < 1e-10)
    for (alpha, beta, z) in [(0.3, 0.8, -0.2), (0.9, 1.7, -4), (0.05, 1, -0.7), (0.6, 1, -0.45)] {
      let point = [alpha, beta, z]
      let own = grad { (p: [Tensor]) in mittagLeffler(alpha: p[0], beta: p[1], p[2]) }(point.map { double($0) }).map {
        $0.doubles[0]
      }
      for i in 0..<3 {
        func moved(_ h: Double) -> Double {
          var p = point
          p[i] += h
          return mittagLeffler(alpha: double(p[0]), beta: double(p[1]), double(p[2])).doubles[0]
        }
        #expect(abs((moved(1e-5) - moved(-1e-5)) / 2e-5 - own[i]) < 1e-7, "\(point) \(i)")
      }
    }
    for (alpha, beta) in [(0.7, 1.3), (1.4, 1), (2, 1), (0.5, 1), (1, 2)] {
      let e = MittagLeffler(alpha, beta)
      let x = [-3, -0.8, -0.2, 0.3, 1.2]
      #expect(relativeError(values({ e($0) }, x, order: 1), slopes0(e, x), floor: 1) < 1e-7, "\(alpha), \(beta)")
      let first: (Tensor) -> Tensor = grad { e($0).sum() }
      #expect(
        relativeError(values({ e($0) }, x, order: 2), Self.differences(first, x), floor: 1) < 1e-6, "\(alpha), \(beta)")
    }
  }

  private func slopes0(_ e: MittagLeffler, _ x: [Double]) -> [Double] { Self.differences({ e($0) }, x) }
  private static func differences(_ f: @escaping (Tensor) -> Tensor, _ x: [Double]) -> [Double] { slopes(f, x) }

  @Test(arguments: [0.3, 0.7, 1, 1.4, 1.9]) func seriesAndContourMeet(_ alpha: Double) {
    // 1/Γ in double precision, sums of 80 terms.
    for beta in [0.7, 1, 1.8] where !(alpha == 1 && beta == 1) {
      let e = MittagLeffler(alpha, beta)
      for z in [-0.6, -0.51, -0.45, 0.42, 0.52, 0.6] {
        let sum = (0..<80).reduce(0.0) { $0 + pow(z, Double($1)) * exp(-lgamma(alpha * Double($1) + beta)) }
        #expect(abs(values({ e($0) }, [z])[0] - sum) < 2e-11, "\(alpha) \(beta) \(z)")
      }
    }
  }

  @Test func recurrenceAndDuplication() {
    for alpha in [0.3, 0.6, 0.95, 1.3, 1.7] {
      for beta in [0.7, 1.2] {
        for z in [-8, -2.5, -0.7, 0.3, 0.9, 2] {
          let left = values({ MittagLeffler(alpha, beta)($0) }, [z])[0]
          let next = values({ MittagLeffler(alpha, alpha + beta)($0) }, [z])[0]
          #expect(abs(left - 1 / tgamma(beta) - z * next) < 1e-11 * max(1, abs(left)), "\(alpha) \(beta) \(z)")
        }
        if alpha < 1 {
          let z = 0.8
          let double = values({ MittagLeffler(2 * alpha, beta)($0) }, [z * z])[0]
          let halves = values({ MittagLeffler(alpha, beta)($0) }, [z, -z])
          #expect(abs(double - (halves[0] + halves[1]) / 2) < 1e-11 * max(1, double))
        }
      }
    }
  }

  @Test func rowsEqualTheirClosedForms() {
    let closed: [String: (Double) -> Double] = [
      "identity": { $0 }, "sigmoid": { 1 / (1 + exp(-$0)) }, "silu": { $0 / (1 + exp(-$0)) },
      "gumbel": { exp(-exp(-$0)) },
      "tanh": { tanh($0) }, "softsign": { $0 / (1 + abs($0)) }, "elu": { $0 > 0 ? $0 : expm1($0) },
      "gaussian": { exp(-$0 * $0) },
      "gelu": { $0 / 2 * erfc(-$0 / 2.0.squareRoot()) }, "mish": { $0 * tanh(log1p(exp($0))) }, "cosine": { cos($0) },
      "gcu": { $0 * cos($0) }, "sine": { sin($0) },
    ]
    let x = (-100...100).map { Double($0) / 20 }
    for row in UnifiedActivation.all {
      let expected = x.map(closed[row.name]!)
      #expect(zip(values({ row($0) }, x), expected).allSatisfy { abs($0 - $1) < 1e-10 }, "\(row.name)")
      let single = row(Tensor(x.map { Float($0) })).floats
      #expect(zip(single, expected).allSatisfy { abs(Double($0) - $1) < 2e-5 }, "\(row.name)")
      let inner = x.filter { abs($0) > 1e-3 }
      #expect(
        relativeError(values({ row($0) }, inner, order: 1), slopes({ row($0) }, inner), floor: 1) < 1e-6, "\(row.name)")
    }
  }

  @Test func trainedGates() {
    let gate = MittagLefflerGate()
    func value(_ alpha: Double, _ x: [Double], isSigmoid: Bool = true) -> [Double] {
      let layer = MittagLefflerGate(isSigmoid: isSigmoid)
      return values({ layer($0, alpha: double(alpha), beta: double(1.0), slope: double(1.0)) }, x)
    }
    #expect(relativeError(value(0.5, [-2, 0, 2]), [0.07567389716, 0.4275835762, 0.8638965039]) < 1e-9)
    let x = (0...2000).map { Double($0) / 100 - 10 }
    for alpha in [0, 0.25, 0.5, 0.75, 1] {
      let y = value(alpha, x)
      // Far left it is zero to all digits, and the contour leaves 1e-13.
      #expect(zip(y, y.dropFirst()).allSatisfy { $0 <= $1 + 1e-12 } && y[0] < 0.01 && y[2000] > 0.99, "\(alpha)")
    }
    #expect(relativeError(value(0, [-1, 2], isSigmoid: false), [-1 / (1 + exp(1)), 2 / (1 + exp(-2))]) < 1e-12)
    let points = Tensor.normal([8, 4], key: Key(1))
    let variables = gate.initialized(for: points.shape, key: Key(0))
    #expect(Set(variables.parameters.names) == ["alpha", "slope"])
    let slopes = grad { (p: Parameters) in gate.apply(Variables(parameters: p), points).sum() }(variables.parameters)
    #expect(slopes.leaves.allSatisfy { $0.floats.allSatisfy { $0.isFinite && $0 != 0 } })
  }

  @Test func nothingIsNotANumberFarOut() {
    let x = Tensor([-1e30, -100, 0, 100, 1e30])
    for row in UnifiedActivation.all {
      #expect(row(x).doubles.allSatisfy { !$0.isNaN }, "\(row.name)")
      #expect(grad { row($0).sum() }(x).doubles.allSatisfy { !$0.isNaN }, "\(row.name)")
    }
    for isSigmoid in [true, false] {
      let layer = MittagLefflerGate(isSigmoid: isSigmoid)
      let variables = layer.initialized(for: TensorType(shape: [5], dtype: .float64), key: Key(0))
      #expect(layer.apply(variables, x).doubles.allSatisfy { !$0.isNaN })
      let slope = grad { layer.apply(variables, $0).sum() }(x)
      #expect(slope.doubles.allSatisfy { !$0.isNaN })
    }
  }
}
