import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct SnakeTests {
  private func snake(_ a: Double) throws -> (Tensor) -> Tensor {
    let f = try Activation.snake(a)
    return { f($0) }
  }

  @Test(arguments: [
    (1, 1, 1.70807342, 1.90929743), (5, -0.7, -0.675390225, 0.343013401), (0.2, 2, 2.75823323, 1.71735609),
  ])
  func valuesAndSlopes(_ a: Double, _ x: Double, _ value: Double, _ slope: Double) throws {
    #expect(abs(values(try snake(a), [x])[0] - value) < 5e-9)
    #expect(abs(values(try snake(a), [x], order: 1)[0] - slope) < 5e-9)
  }

  @Test func theRestHasThePeriodOfTheGate() throws {
    for a in [0.3, 1, 5] {
      let x = (0..<100).map { Double($0) / 7 - 7 }
      let (f, moved) = (values(try snake(a), x), values(try snake(a), x.map { $0 + .pi / a }))
      for i in x.indices { #expect(abs(moved[i] - f[i] - .pi / a) < 1e-12) }
    }
  }

  @Test func slopesLieBetweenZeroAndTwo() throws {
    let x = Tensor.linspace(-50, 50, count: 1_000_000, dtype: .float64)
    let f = try snake(1.7)
    let slopes = grad { f($0).sum() }(x)
    #expect(slopes.min().doubles[0] >= 0 && slopes.max().doubles[0] <= 2)
  }

  @Test(arguments: [1e-3, 0.2, 1, 5]) func slopesInTheFrequency(_ a: Double) throws {
    let x = [-2.0, -0.3, 0, 0.8, 3.1]
    let points = Tensor(x)
    func f(_ a: Tensor) -> Tensor { points + (points * a).sin().squared() / a }
    let expected = x.map { $0 * sin(2 * a * $0) / a - pow(sin(a * $0), 2) / (a * a) }
    // The activation's own trained parameter, through its softplus.
    let activation = try Activation.snake(a, sharing: .perLayer)
    let start = activation.initialized(for: TensorType(shape: [5], dtype: .float64), key: Key(0))
    for i in x.indices {
      let slope = grad { (raw: Tensor) -> Tensor in
        var variables = start
        variables.parameters["a"] = raw
        return activation.apply(variables, points)[i]
      }(start.parameters["a"]!).doubles[0]
      // d softplus / d raw = 1 - e^{-a}
      #expect(abs(slope / -expm1(-a) - expected[i]) < 1e-7 * max(1, abs(expected[i])), "\(a) \(x[i])")
      let h = 1e-5 * a
      let difference = (f(double(a + h))[i].doubles[0] - f(double(a - h))[i].doubles[0]) / (2 * h)
      #expect(abs(difference - expected[i]) < 1e-5 * max(1, abs(expected[i])))
    }
  }

  @Test func vanishingFrequencyGivesTheIdentity() throws {
    for (value, x) in zip(values(try snake(1e-7), [-3, -1, 0.5, 3]), [-3, -1, 0.5, 3]) {
      #expect(abs(value - x) < 1e-6)
    }
    #expect(throws: ActivationError.self) { try Activation.snake(0) }
    #expect(throws: ActivationError.self) { try Activation.snake(.nan) }
  }

  @Test(arguments: [(0.5, 0.39346934, 1.1997882), (1, 0.432332358, 1.12046302), (5, 0.1, 1.005)])
  func moments(_ a: Double, _ mean: Double, _ variance: Double) throws {
    let moments = Activation.snakeMoments(a)
    #expect(abs(moments.mean - mean) < 1e-8 && abs(moments.variance - variance) < 5e-8)
    // The trapezoidal rule is exact to rounding for a function times a normal density.
    let x = (-4000...4000).map { Double($0) / 400 }
    let f = values(try snake(a), x)
    let weights = x.map { exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() / 400 }
    let first = zip(f, weights).reduce(0) { $0 + $1.0 * $1.1 }
    let second = zip(f, weights).reduce(0) { $0 + $1.0 * $1.0 * $1.1 }
    #expect(abs(first - moments.mean) < 1e-10 && abs(second - first * first - moments.variance) < 1e-10)
  }

  /// `snake(x) + snake(-x) = (1 - cos 2ax)/a`, so two units make a cosine.
  @Test func twoUnitsMakeACosine() throws {
    let x = Tensor.linspace(-100, 100, count: 4001, dtype: .float64)
    let f = try snake(1.5)
    let cosine = 1 - (f(x) + f(-x)) * 1.5
    let error = (cosine - (x * 3.0).cos()).abs().max().doubles[0]
    #expect(error < 1e-12)
  }

  @Test func scalingMovesIntoTheFrequency() throws {
    let x = [-2.0, -0.4, 0.3, 5]
    let (left, right) = (values(try snake(0.7), x.map { $0 * 3 }).map { $0 / 3 }, values(try snake(2.1), x))
    for (a, b) in zip(left, right) { #expect(abs(a - b) < 1e-13) }
  }

  @Test func networksGoOnAsTheirActivationsDo() throws {
    func network(_ activation: any Layer) -> (Tensor) -> Tensor {
      let layers = Sequential([Dense(16), activation, Dense(16), activation, Dense(1)])
      let variables = layers.initialized(for: TensorType(shape: [1, 2], dtype: .float64), key: Key(4))
      return { layers.apply(variables, $0) }
    }
    let relu = network(Activation.relu)
    let points = Tensor([1e4, 2e4, 3e4].flatMap { [$0, -0.5 * $0] }, shape: [3, 2])
    let v = relu(points).doubles
    #expect(abs(v[0] - 2 * v[1] + v[2]) < 1e-6 * abs(v[1]))
    #expect(ExtrapolationReading(relu, along: [1, -0.5]).behaviour == .linear)
    let tanh = network(Activation.tanh)
    let u = tanh(points).doubles
    #expect(abs(u[0] - u[1]) < 1e-9)
    #expect(ExtrapolationReading(tanh, along: [1, -0.5]).behaviour == .constant)
    let wave = ExtrapolationReading({ $0[.all, 0] * 0.5 + ($0[.all, 0] * 2.0).sin() + 3 }, along: [1], from: 100)
    #expect(wave.behaviour == .periodic && abs(wave.slope - 0.5) < 0.01 && abs(wave.residual - 0.5.squareRoot()) < 0.02)
  }
}
