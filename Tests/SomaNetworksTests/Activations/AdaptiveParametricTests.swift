import Foundation
import Testing

@testable import Soma
import SomaNetworks

@Suite struct AdaptiveParametricTests {
  private func apa(_ z: Double, _ lambda: Double, _ kappa: Double) -> Double {
    AdaptiveParametric.value(double(z), lambda: double(lambda), kappa: double(kappa)).doubles[0]
  }

  @Test func valuesAndSlopes() {
    let cases: [(z: Double, lambda: Double, kappa: Double, value: Double)] = [
      (0, 1, 1, 0.5), (1, 1, 1, 0.731058579), (1, 0.5, 1, 0.713412669), (1, 2, 0.5, 0.67220738),
      (-2, 0.1, 1, 0.0039558509), (0, 0.5, 1, 0.444444444), (1, 1e-4, 1, 0.692205311),
    ]
    for c in cases { #expect(abs(apa(c.z, c.lambda, c.kappa) / c.value - 1) < 2e-9, "\(c)") }
    let (slopes) = grad { (p: [Tensor]) in AdaptiveParametric.value(p[0], lambda: p[1], kappa: p[2]) }(
      [double(1.0), double(0.5), double(1.0)])
    #expect(abs(slopes[0].doubles[0] - 0.221675014) < 5e-10 && abs(slopes[2].doubles[0] - 0.221675014) < 5e-10)
    #expect(abs(slopes[1].doubles[0] - 0.0384821072) < 5e-11)
    let aglu = AdaptiveParametric.aglu(.fixed(lambda: 0.1, kappa: 1))
    let z = Tensor([-2.0])
    #expect(abs(aglu.apply(aglu.initialized(for: z.type, key: Key(0)), z).doubles[0] + 0.0079117018) < 5e-11)
  }

  @Test func specialCases() {
    let z = (-40...40).map { Double($0) / 4 }
    for kappa in [0.5, 1, 3] {
      let own = values({ AdaptiveParametric.value($0, lambda: double(1.0), kappa: double(kappa)) }, z)
      #expect(relativeError(own, z.map { 1 / (1 + exp(-kappa * $0)) }) < 1e-14)
    }
    let points = Tensor(z)
    let unit = points * AdaptiveParametric.value(points, lambda: double(1.0), kappa: double(2.0))
    #expect(relativeError(unit.doubles, z.map { $0 / (1 + exp(-2 * $0)) }, floor: 1e-9) < 1e-13)
  }

  @Test func everythingStaysFiniteInSinglePrecision() {
    for z in [Float(-1e4), -88, 0, 88, 1e4] {
      for lambda in [Float(1e-4), 1, 10] {
        for kappa in [Float(-3.5), 0, 3.5] {
          let (value, slopes) = valueAndGrad([Tensor(z), Tensor(lambda), Tensor(kappa)]) { p in
            p[0] * AdaptiveParametric.value(p[0], lambda: p[1], kappa: p[2])
          }
          #expect(value.floats[0].isFinite && slopes.allSatisfy { $0.floats[0].isFinite }, "\(z) \(lambda) \(kappa)")
        }
      }
    }
  }

  @Test func itIsAnIncreasingGate() {
    let z = Tensor.linspace(-12, 12, count: 2001, dtype: .float64)
    for (lambda, kappa) in [(0.01, 1.0), (0.5, 2), (7, 0.3)] {
      let y = AdaptiveParametric.value(z, lambda: double(lambda), kappa: double(kappa))
      #expect(y.min().doubles[0] >= 0 && y.max().doubles[0] <= 1 && y.differences().min().doubles[0] >= 0)
    }
  }

  @Test func clampedParametersHaveNoGradient() {
    func slope(_ lambda: Double, _ kappa: Double) -> [Double] {
      grad { (p: [Tensor]) in AdaptiveParametric.value(double(0.7), lambda: p[0], kappa: p[1]) }(
        [double(lambda), double(kappa)]
      ).map { $0.doubles[0] }
    }
    #expect(slope(12, 1)[0] == 0 && slope(1e-5, 1)[0] == 0 && slope(1, 4)[1] == 0 && slope(1, -4)[1] == 0)
    #expect(slope(10, 1)[0] != 0 && slope(1, 3.5)[1] != 0)
    #expect(apa(0.7, 12, 1) == apa(0.7, 10, 1))
  }

  @Test func parametersPerLayerOrPerChannelAndTheirStarts() {
    let images = TensorType(shape: [2, 6, 4, 4])
    let shared = AdaptiveParametric().initialized(for: images, key: Key(1)).parameters
    #expect(shared["lambda"]!.shape == [] && (0..<1).contains(shared["lambda"]!.floats[0]))
    let own = AdaptiveParametric(.randomGate, sharing: .perChannel).initialized(for: images, key: Key(1)).parameters
    #expect(own["kappa"]!.shape == [6] && own["kappa"]!.floats.allSatisfy { $0 >= -1 && $0 < 0 })
    let attention = ChannelAttention(reduction: 2)
    let x = Tensor.normal([2, 6, 4, 4], key: Key(2))
    let y = attention.apply(attention.initialized(for: x.type, key: Key(3)), x)
    // Each channel is scaled by one number between 0 and 1.
    let ratios = (y / x).reshape(12, 16)
    #expect(ratios.max([1]).isClose(to: ratios.min([1]), relative: 1e-4))
    #expect(ratios.floats.allSatisfy { $0 > 0 && $0 < 1 })
  }
}
