import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct PadeActivationTests {
  private typealias Coefficients = PadeActivation.Coefficients

  private func run(_ c: Coefficients, _ x: [Double], _ variant: PadeActivation.Variant = .termwise) -> [Double] {
    let layer = PadeActivation(c, variant: variant, growsFreely: true)
    return values({ layer($0) }, x)
  }

  @Test func valuesOfTheLeakyStart() {
    let expected = [-0.039591397, -0.00918872848, -0.00166475635, 0.0335583603, 0.503335195, 1.00081126, 2.99040823]
    #expect(relativeError(run(.leakyReLU, [-3, -1, -0.5, 0, 0.5, 1, 3]), expected) < 1e-8)
    #expect(relativeError(run(.leakyReLU, [5, 10, -5, -10]), [4.682391, 7.825385, -0.367607, -2.274609]) < 1.4e-6)
    let grid = (-3000...3000).map { Double($0) / 1000 }
    let errors = zip(run(.leakyReLU, grid), grid).map { abs($0 - ($1 > 0 ? $1 : 0.01 * $1)) }
    #expect(abs(errors.max()! - 0.0335583603) < 1e-9 && errors[3000] == errors.max()!)
    #expect(relativeError(run(.sigmoid, [0, 1]), [0.5, 1 / (1 + exp(-1))]) < 0.01)
  }

  @Test func gradients() {
    let random = Tensor.normal([10 + 50], key: Key(3), dtype: .float64).doubles
    let c = Coefficients(numerator: Array(random[0..<6]), denominator: Array(random[6..<10]))
    let x = Array(random[10...])
    for variant in [PadeActivation.Variant.termwise, .total, .sharp] {
      let layer = PadeActivation(c, variant: variant)
      let f: (Tensor) -> Tensor = { layer($0) }
      #expect(relativeError(values(f, x, order: 1), slopes(f, x, step: 1e-6), floor: 1) < 1e-6, "\(variant)")
      let variables = layer.initialized(for: TensorType(shape: [x.count], dtype: .float64), key: Key(0))
      let points = Tensor(x)
      for name in ["numerator", "denominator"] {
        func total(_ values: Tensor) -> Tensor {
          var own = variables
          own.parameters[name] = values
          return layer.apply(own, points).sum()
        }
        let start = variables.parameters[name]!
        let slope = grad(total)(start).doubles
        for i in slope.indices {
          var (up, down) = (start.doubles, start.doubles)
          up[i] += 1e-6
          down[i] -= 1e-6
          let difference = (total(Tensor(up)).doubles[0] - total(Tensor(down)).doubles[0]) / 2e-6
          #expect(abs(difference - slope[i]) < 1e-5 * max(1, abs(slope[i])), "\(variant) \(name) \(i)")
        }
      }
    }
  }

  @Test func theDenominatorHasNoZero() {
    for seed in 0..<200 {
      let c = Coefficients.random(key: Key(seed))
      let layer = PadeActivation(c)
      let x = Tensor([Float(-1e8), -1e6, -1e3, -1, 0, 0.3, 10, 1e5, 1e7, 1e8])
      #expect(layer(x).floats.allSatisfy { $0.isFinite })
      #expect(grad { layer($0).sum() }(x).floats.allSatisfy { $0.isFinite })
      let points = (0..<50).map { Double($0) / 5 - 5 }
      // Numerator 1: the value is 1/Q.
      let inverse = run(Coefficients(numerator: [1], denominator: c.denominator), points)
      #expect(inverse.allSatisfy { $0 > 0 && $0 <= 1 })
    }
  }

  @Test func farOutTheTailsAreLinear() {
    let slope = 1.52424124e-1 / 3.01830109e-1
    for variant in [PadeActivation.Variant.termwise, .total] {
      let tails = run(.leakyReLU, [1e39, 1e41, 1e60, -1e60], variant)
      #expect(relativeError(tails, [1e39, 1e41, 1e60, -1e60].map { $0 * slope }) < 1e-9, "\(variant)")
    }
  }

  @Test func identities() {
    let x = (-30...30).map { Double($0) / 7 }
    var flipped = Coefficients.average
    flipped.denominator[1] *= -1
    #expect(run(flipped, x) == run(.average, x))
    let scaled = Coefficients(
      numerator: Coefficients.average.numerator.enumerated().map { $1 * pow(1.7, Double($0)) },
      denominator: Coefficients.average.denominator.enumerated().map { $1 * pow(1.7, Double($0 + 1)) })
    #expect(relativeError(run(scaled, x), run(.average, x.map { $0 * 1.7 }), floor: 1e-3) < 1e-12)
    #expect(run(Coefficients(numerator: [0, 1], denominator: []), x) == x)
    #expect(run(Coefficients(numerator: [0, 0, 1], denominator: []), x) == x.map { $0 * $0 })
    let plain = Coefficients(numerator: [0.5, -1, 2], denominator: [0, 0])
    #expect(run(plain, x) == run(Coefficients(numerator: [0.5, -1, 2], denominator: []), x))
  }

  @Test func fits() throws {
    func error(_ f: @escaping (Tensor) -> Tensor) throws -> Double { try RationalFit(f).maximumError }
    #expect(try error { $0.tanh() } <= 1e-4)
    #expect(try error { Activation.silu($0) } <= 1e-4)
    #expect(try error { Activation.gelu($0) } <= 5e-3)
    #expect(try error { $0.logistic() } <= 1e-6)
    #expect(try error { Activation.leakyReLU($0) } > 0.02)
    #expect(throws: ActivationError.self) { try RationalFit({ Activation.relu($0) }, tolerance: 1e-3) }
    let own = PadeActivation(.leakyReLU)
    let again = try RationalFit { own($0) }
    #expect(again.maximumError < 1e-6)
  }

  @Test func coefficientsPerChannelAndNoise() {
    let x = Tensor.normal([4, 3, 2, 2], key: Key(1))
    let layer = PadeActivation(sharing: .channel, noise: 0.01)
    let variables = layer.initialized(for: x.shape, key: Key(0))
    #expect(variables.parameters["numerator"]!.shape == [6, 3])
    #expect(layer.apply(variables, x).isClose(to: PadeActivation()(x), relative: 1e-5, absolute: 1e-6))
    let noisy = layer.applyTraining(variables, x, key: Key(5)).output
    let difference = (noisy - PadeActivation()(x)).abs().max().doubles[0]
    #expect(difference > 1e-5 && difference < 0.5)
    #expect(noisy.floats == layer.applyTraining(variables, x, key: Key(5)).output.floats)
  }
}
