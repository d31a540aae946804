import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct RepeatedCompositionTests {
  private func column(_ values: [Double]) -> Tensor { Tensor(values, shape: [values.count, 1]) }
  private func run(_ made: (network: RepeatedComposition, parameters: Parameters), _ x: Tensor) -> [Double] {
    made.network.apply(Variables(parameters: made.parameters), x).doubles
  }

  @Test func codesOfTheAbsoluteValue() throws {
    let samples = (0...8).map { abs(Double($0) / 8 - 0.5) }
    let two = try RepeatedComposition.codes(samples, digits: 8, base: .two)
    #expect(two.plus == 0.05859375 && two.minus == 0.9375 && two.step == 0.125)
    let four = try RepeatedComposition.codes(samples, digits: 8, base: .four)
    #expect(four.plus == 0.0012969970703125 && four.minus == 0.33203125)
  }

  @Test(arguments: [(8, RepeatedComposition.DigitBase.two), (16, .two), (32, .two), (48, .two), (8, .four)])
  func absoluteValueIsExact(_ r: Int, _ base: RepeatedComposition.DigitBase) throws {
    let made = try RepeatedComposition.constructed({ abs($0 - 0.5) }, compositions: r, base: base)
    let x = Tensor.linspace(0, 1, count: 2001, dtype: .float64)
    let found = run(made, x.reshape(2001, 1))
    #expect(zip(found, x.doubles).allSatisfy { abs($0 - abs($1 - 0.5)) < 1e-12 })
    let few = run(made, column([0, 0.3, 1]))
    #expect(zip(few, [0.5, 0.2, 0.5]).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  // From NumPy, on 20,001 points.
  @Test(arguments: [(8, 0.046615), (16, 0.025228), (32, 0.011659), (48, 0.008670)])
  func errorsOfTheSine(_ r: Int, _ expected: Double) throws {
    let made = try RepeatedComposition.constructed({ sin(2 * .pi * $0) / (2 * .pi) }, compositions: r)
    let x = Tensor.linspace(0, 1, count: 20_001, dtype: .float64)
    let gap = zip(run(made, x.reshape(20_001, 1)), x.doubles).map { abs($0 - sin(2 * .pi * $1) / (2 * .pi)) }.max()!
    #expect(abs(gap - expected) < 1e-6 && gap * Double(r) <= 0.42)
  }

  @Test func gIsAffineMapsAndReLUsOfFixedSize() throws {
    let f: (Double) -> Double = { abs($0 - 0.3).squareRoot() }
    let (small, large) = (
      try RepeatedComposition.constructed(f, compositions: 8), try RepeatedComposition.constructed(f, compositions: 40)
    )
    let inner = small.parameters.names.filter { $0.hasPrefix("g/") }
    #expect(inner == large.parameters.names.filter { $0.hasPrefix("g/") })
    for name in inner {
      #expect(small.parameters[name]!.shape == large.parameters[name]!.shape)
      // Only the digits' steep ramps depend on r.
      let steep = [8, 40].map { r in Foundation.pow(2.0, Double(r)) }
      for (a, b) in zip(small.parameters[name]!.doubles, large.parameters[name]!.doubles) where a != b {
        #expect(abs(a) == steep[0] || abs(a) == steep[0] / 2 || abs(a - 1) == steep[0] / 2 || abs(b) >= steep[1] / 2)
      }
    }
    guard let layers = (small.network.g as? Sequential)?.layers else { return #expect(Bool(false), "g is a sequence") }
    #expect(layers.allSatisfy { $0 is Dense || ($0 as? Activation)?.name == "relu" })
    #expect(layers.compactMap { ($0 as? Dense)?.units }.max()! <= 12)
  }

  // Mean errors on the centres of 201² cells, from NumPy.
  @Test(arguments: [(2, 0.1183), (3, 0.1007), (4, 0.0742), (5, 0.0635), (6, 0.0599), (7, 0.0498)])
  func errorsInThePlane(_ k: Int, _ expected: Double) throws {
    let f: (Double, Double) -> Double = { (($0 - 0.4) * ($0 - 0.4) + ($1 - 0.6) * ($1 - 0.6)).squareRoot() }
    let made = try RepeatedComposition.constructed(side: k, f)
    #expect(made.network.times == (k - 1) + 1 + (k * k - 1))
    let centres = (0..<201).map { (Double($0) + 0.5) / 201 }
    let places = centres.flatMap { x in centres.flatMap { [x, $0] } }
    let found = run(made, Tensor(places, shape: [201 * 201, 2]))
    var sum = 0.0
    for (i, value) in found.enumerated() { sum += abs(value - f(places[2 * i], places[2 * i + 1])) }
    #expect(abs(sum / Double(found.count) - expected) < 6e-5)
  }

  @Test func tooManyDigitsAreRefused() {
    let f: (Double) -> Double = { abs($0 - 0.5) }
    #expect(throws: CompositionError.self) { try RepeatedComposition.constructed(f, compositions: 60) }
    #expect(throws: CompositionError.self) { try RepeatedComposition.constructed(f, compositions: 27, base: .four) }
    #expect(throws: CompositionError.self) { try RepeatedComposition.constructed(side: 8) { x, _ in x } }
    #expect(throws: CompositionError.self) { try RepeatedComposition.constructed({ 1 / ($0 - 0.5) }, compositions: 8) }
  }

  @Test func scannedAndUnrolledAgree() {
    let network = RepeatedComposition.trainable(state: 5, width: 6, times: 4)
    let type = TensorType(shape: [1, 2], dtype: .float64)
    let start = network.initialized(for: type, key: Key(1)).parameters
    let x = Tensor.uniform([7, 2], low: -1, high: 1, key: Key(2), dtype: .float64)
    func unrolled(_ p: Parameters) -> Tensor {
      let scope = Scope(Variables(parameters: p))
      var h = Dense(5)(x, scope["in"])
      for _ in 0..<4 { h = network.g(h, scope["g"]) }
      return Dense(1)(h, scope["out"]).squared().sum()
    }
    func scanned(_ p: Parameters) -> Tensor { network.apply(Variables(parameters: p), x).squared().sum() }
    let (a, b) = (valueAndGrad(start, scanned), valueAndGrad(start, unrolled))
    #expect(abs(a.value.scalar - b.value.scalar) < 1e-10)
    for name in start.names { #expect((a.gradient[name]! - b.gradient[name]!).abs().max().scalar < 1e-10) }
    // The parameters, and the graph, do not grow with the number of times.
    var longer = network
    longer.times = 40
    #expect(longer.parameterCount(for: [1, 2]) == network.parameterCount(for: [1, 2]))
  }

  @Test func timesAdd() {
    let g = Sequential {
      Dense(4)
      Activation.tanh
    }
    let start = EulerFlow(g, steps: 1).initialized(for: TensorType(shape: [1, 4], dtype: .float64), key: Key(3))
    let x = Tensor.normal([5, 4], key: Key(4), dtype: .float64)
    func flow(_ steps: Int, _ x: Tensor) -> Tensor {
      EulerFlow(g, steps: steps, time: 0.1 * Double(steps)).apply(start, x)
    }
    #expect((flow(3, flow(2, x)) - flow(5, x)).abs().max().scalar < 1e-12)
    // One composition is the plain network, none is the two affine maps.
    var network = RepeatedComposition.trainable(state: 4, width: 3, times: 1)
    let own = network.initialized(for: TensorType(shape: [1, 2], dtype: .float64), key: Key(5))
    let scope = Scope(own)
    let y = Tensor.normal([5, 2], key: Key(6), dtype: .float64)
    let plain = Dense(1)(network.g(Dense(4)(y, scope["in"]), scope["g"]), scope["out"])
    #expect((network.apply(own, y) - plain).abs().max().scalar < 1e-12)
    network.times = 0
    #expect((network.apply(own, y) - Dense(1)(Dense(4)(y, scope["in"]), scope["out"])).abs().max().scalar < 1e-12)
  }
}
