import Testing

@testable import Soma

/// Rules against central differences, and against each other.
@Suite struct DerivativeTests {
  /// `Σ w·f(x)`: one number that sees every element of the value.
  private static func weighted(_ c: DerivativeCase) -> @Sendable ([Tensor]) -> Tensor {
    { x in
      let y = c.function(x)
      return (y * DerivativeCase.numbers(y.shape, 0.5, 1.5, seed: 99)).sum()
    }
  }

  private static func close(_ a: Double, _ b: Double, _ scale: Double, _ tolerance: Double) -> Bool {
    abs(a - b) <= tolerance * max(1, scale)
  }

  /// The directional derivative of `f` by central differences, fourth order.
  private static func difference(_ f: ([Tensor]) -> Tensor, _ x: [Tensor], _ direction: [Tensor]) -> Tensor {
    let h = 1e-3
    func at(_ t: Double) -> Tensor { f(zip(x, direction).map { $0 + $1 * (t * h) }) }
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
  }

  private static func directions(_ c: DerivativeCase) -> [Tensor] {
    c.inputs.enumerated().map { DerivativeCase.numbers($1.shape, seed: 40 + $0) }
  }

  @Test(arguments: DerivativeCase.all)
  func reverseModeAgreesWithDifferences(_ c: DerivativeCase) {
    let f = Self.weighted(c)
    let d = Self.directions(c)
    let gradient = grad(f)(c.inputs)
    let derivative = zip(gradient, d).map { ($0 * $1).sum().scalar }.reduce(0, +)
    let expected = Self.difference(f, c.inputs, d).scalar
    #expect(Self.close(derivative, expected, abs(expected), 1e-6), "\(derivative), differences give \(expected)")
    #expect(expected != 0)
  }

  @Test(arguments: DerivativeCase.all)
  func forwardModeAgreesWithDifferences(_ c: DerivativeCase) {
    let d = Self.directions(c)
    let tangent = jvp(c.inputs, tangent: d, c.function).tangent
    let expected = Self.difference(c.function, c.inputs, d)
    let scale = expected.abs().max().scalar
    for (a, b) in zip(tangent.doubles, expected.doubles) {
      #expect(Self.close(a, b, scale, 1e-6), "\(a), differences give \(b)")
    }
  }

  @Test(arguments: DerivativeCase.all)
  func secondDerivativesAgreeWithDifferences(_ c: DerivativeCase) {
    let f = Self.weighted(c)
    let d = Self.directions(c)
    let products = hessianVectorProduct(f, c.inputs, d)
    // Reverse over reverse must agree with forward over reverse.
    let twice = grad { (x: [Tensor]) in zip(grad(f)(x), d).map { ($0 * $1).sum() }.reduce(Tensor(0, dtype: .float64), +)
    }(c.inputs)
    for i in c.inputs.indices {
      let expected = Self.difference({ grad(f)($0)[i] }, c.inputs, d)
      let scale = expected.abs().max().scalar
      for (k, b) in expected.doubles.enumerated() {
        #expect(
          Self.close(products[i].doubles[k], b, scale, 2e-6),
          "input \(i): \(products[i].doubles[k]), differences give \(b)")
        #expect(
          Self.close(twice[i].doubles[k], b, scale, 2e-6),
          "input \(i), reverse twice: \(twice[i].doubles[k]), differences give \(b)")
      }
    }
  }

  /// vmap over each single input and over all, at every position of the batch axis, against a loop.
  @Test(arguments: DerivativeCase.all)
  func vectorizationAgreesWithALoop(_ c: DerivativeCase) {
    let n = 3
    let batched = c.inputs.map { x in Tensor.stack((0..<n).map { x * (1 + 0.01 * Double($0)) }) }
    var choices = c.inputs.indices.map { i in c.inputs.indices.map { $0 == i } }
    choices.append(c.inputs.map { _ in true })
    for flags in choices {
      for position in 0...(c.inputs.map(\.rank).max() ?? 0) {
        let axes = flags.indices.map { flags[$0] ? min(position, c.inputs[$0].rank) : nil as Int? }
        let arguments = flags.indices.map { i in
          axes[i].map { batched[i].movingAxis(0, to: $0) } ?? c.inputs[i]
        }
        func single(_ k: Int) -> [Tensor] {
          flags.indices.map { flags[$0] ? batched[$0].part([.position(k)]) : c.inputs[$0] }
        }
        let value = vmap(inAxes: axes) { c.function($0) }(arguments)
        let gradients = vmap(inAxes: axes) { (x: [Tensor]) in grad(Self.weighted(c))(x) }(arguments)
        for k in 0..<n {
          let expected = c.function(single(k))
          #expect(
            value.part([.position(k)]).isClose(to: expected, relative: 1e-9, absolute: 1e-10),
            "axes \(axes), problem \(k)")
          let expectedGradients = grad(Self.weighted(c))(single(k))
          for (a, b) in zip(gradients, expectedGradients) {
            #expect(
              a.part([.position(k)]).isClose(to: b, relative: 1e-8, absolute: 1e-9),
              "gradient, axes \(axes), problem \(k)")
          }
        }
      }
    }
  }

  @Test(arguments: DerivativeCase.all)
  func compiledAgreesWithEager(_ c: DerivativeCase) {
    let step = compile { (x: [Tensor]) in [c.function(x)] + grad(Self.weighted(c))(x) }
    let expected = [c.function(c.inputs)] + grad(Self.weighted(c))(c.inputs)
    for (a, b) in zip(step(c.inputs), expected) {
      #expect(a.isClose(to: b, relative: 1e-10, absolute: 1e-12), "\(a) compiled, \(b) eager")
    }
  }
}
