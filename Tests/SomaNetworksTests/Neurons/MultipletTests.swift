import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Values from a computation by hand with 30 digits (system 13).
@Suite struct MultipletTests {
  private let w = Tensor([1.0, 2, 0.5])
  private let x = Tensor([0.3, 0.8, 1.7])

  private func lehmer(_ p: Double) -> Double { LehmerMean(p: p)(x, weights: w).scalar }
  private func gini(_ r: Double, _ s: Double) -> Double { GiniMean(r: r, s: s)(x, weights: w).scalar }

  @Test func lehmerMeansOfEveryCharacter() {
    let expected = [
      -50: 0.3, -1: 0.425248061, 0: 0.5712, 0.5: 0.672283611, 1: 0.785714286, 2: 1.023636364, 3: 1.246003552, 50: 1.7,
    ]
    for (p, value) in expected { #expect(abs(lehmer(p) - value) < 1e-9, "p = \(p)") }
  }

  @Test func giniMeans() {
    #expect(abs(gini(2, 0) - 0.896819778) < 1e-9)
    #expect(abs(gini(1, 0) - 0.785714286) < 1e-9)
    #expect(abs(gini(0, 0) - 0.673209440) < 1e-9)
    #expect(abs(gini(3, 1) - 1.129360237) < 1e-9)
    #expect(abs(gini(1, 1) - 0.907411630) < 1e-9)
    #expect(abs(gini(2, 1) - lehmer(2)) < 1e-12)
    #expect(abs(gini(-1, 0) - lehmer(0)) < 1e-12)
    #expect(abs(gini(0, 3) - gini(3, 0)) < 1e-12)
  }

  @Test func derivativesInWeightsAndExponents() {
    let two = Tensor(2, dtype: .float64)
    let byWeight = grad { (w: Tensor) in LehmerMean.mean(x, weights: w, exponent: two) }(w).doubles
    for (a, b) in zip(byWeight, [-0.078942149, -0.065057851, 0.418115702]) { #expect(abs(a - b) < 1e-9) }
    #expect(abs(zip(w.doubles, byWeight).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-12)
    let byExponent = grad { (p: Tensor) in LehmerMean.mean(x, weights: w, exponent: p) }(two).scalar
    #expect(abs(byExponent - 0.235010682) < 1e-9)
    #expect(abs(LehmerMean.slopeScore(x, weights: w, exponent: two).scalar - byExponent / lehmer(2)) < 1e-9)
    let byR = grad { (r: Tensor) in
      GiniMean.mean(x, weights: w, r: r, s: Tensor(1, dtype: .float64))
    }(Tensor(3, dtype: .float64)).scalar
    let byS = grad { (s: Tensor) in
      GiniMean.mean(x, weights: w, r: Tensor(3, dtype: .float64), s: s)
    }(Tensor(1, dtype: .float64)).scalar
    #expect(abs(byR - 0.099137393) < 1e-9)
    #expect(abs(byS - 0.123557886) < 1e-9)
    // ∂L/∂xᵢ = wᵢ xᵢᵖ⁻² (p xᵢ - (p-1) L)/D
    let byInput = grad { (x: Tensor) in LehmerMean.mean(x, weights: w, exponent: two) }(x).doubles
    let mean = lehmer(2)
    let d = zip(w.doubles, x.doubles).reduce(0) { $0 + $1.0 * $1.1 }
    for i in 0..<3 { #expect(abs(byInput[i] - w.doubles[i] * (2 * x.doubles[i] - mean) / d) < 1e-12) }
  }

  @Test func productsAndQuotientsOfTwo() {
    let pair = Tensor([0.1, 0.9])
    func mean(_ p: Double) -> Double { LehmerMean(p: p)(pair).scalar }
    for (p, value) in [0: 0.18, 0.5: 0.3, 1: 0.5, 2: 0.82] { #expect(abs(mean(p) - value) < 1e-12) }
    #expect(abs(mean(0) * mean(1) - 0.09) < 1e-12)
    #expect(abs(mean(1) / mean(0) - 1 / 0.36) < 1e-9)
  }

  @Test func homogeneityIdempotenceBoundsAndMonotonyInTheExponent() {
    let x = (Tensor.uniform([1000, 5], low: -3, high: 3, key: Key(1), dtype: .float64)).exp()
    let w = Tensor.uniform([1000, 5], low: 0.01, high: 2, key: Key(2), dtype: .float64)
    let (low, high) = (x.min([1]).doubles, x.max([1]).doubles)
    var before = [Double](repeating: 0, count: 1000)
    for p in [-8.0, -2, -0.5, 0, 0.5, 1, 2.5, 9] {
      let means = LehmerMean(p: p)(x, weights: w).doubles
      let scaled = LehmerMean(p: p)(x * 3, weights: w).doubles
      for i in 0..<1000 {
        #expect(means[i] >= low[i] * (1 - 1e-9) && means[i] <= high[i] * (1 + 1e-9))
        #expect(means[i] >= before[i] * (1 - 1e-9))
        #expect(abs(scaled[i] / means[i] - 3) < 1e-9)
      }
      before = means
    }
    #expect(abs(LehmerMean(p: 3)(Tensor([0.7, 0.7, 0.7]), weights: self.w).scalar - 0.7) < 1e-12)
    let extremes = Tensor([1e-6, 1, 1e6]).cast(to: .float32)
    for p in [-200.0, 200] { #expect(LehmerMean(p: p)(extremes).scalar.isFinite) }
    #expect(abs(LehmerMean(p: 200)(extremes).scalar / 1e6 - 1) < 1e-3)
  }

  @Test func giniMeansGoOverIntoTheirLimit() {
    #expect(abs(gini(1 + 1e-5, 1) - gini(1, 1)) < 1e-5 && abs(gini(1 + 1e-7, 1) - gini(1, 1)) < 1e-6)
    func slope(_ r: Double) -> Double {
      grad { (r: Tensor) in GiniMean.mean(x, weights: w, r: r, s: Tensor(1, dtype: .float64)) }(
        Tensor(r, dtype: .float64)
      ).scalar
    }
    #expect(abs(slope(1 + 0.9e-4) - slope(1 + 1.1e-4)) < 1e-4)
  }

  @Test func networksWithoutConstantsKeepEqualInputs() {
    let net = Sequential((0..<3).map { _ in MultipletLayer(units: 3, constants: []) as any Layer })
    let x = Tensor.full([4, 2], 0.37, dtype: .float64)
    let y = net.apply(net.initialized(for: TensorType(shape: [4, 2], dtype: .float64), key: Key(3)), x)
    #expect(y.shape == [4, 12])
    #expect(y.doubles.allSatisfy { abs($0 - 0.37) < 1e-12 })
    let mixed = MultipletLayer(units: 2, mean: .gini(second: [0, 1, 0, 1]), trainsExponents: true, sharing: .unit)
    let variables = mixed.initialized(for: [4, 2], key: Key(4))
    #expect(variables.parameters.elementCount == 2 * 4 + 2 * 2 * 4)
    #expect(mixed.apply(variables, .full([4, 2], 0.5)).floats.allSatisfy { $0 > 0.02 && $0 < 2 })
  }

  @Test func slopeScoresSlowHeterogeneousUnits() {
    let layer = MultipletLayer(units: 3, constants: [])
    let weight = Tensor.normal([3, 2], key: Key(0), dtype: .float64)
    let equal = layer.slopeScores(.full([5, 2], 0.4, dtype: .float64), weight: weight)
    #expect(equal.doubles.allSatisfy { abs($0) < 1e-12 })
    let scores = layer.slopeScores(
      .uniform([5, 2], low: 0.1, high: 0.9, key: Key(1), dtype: .float64), weight: weight)
    #expect(scores.doubles.allSatisfy { $0 > 0 })
    let factors = MultipletLayer.learningRateFactors(scores)
    #expect(abs(factors.median(0).scalar - 0.5) < 1e-9)
    // The layer's output does not change, its derivative is multiplied by the factors.
    var slowed = layer
    slowed.slopeRate = 1
    let x = Tensor.uniform([5, 2], low: 0.1, high: 0.9, key: Key(1), dtype: .float64)
    func gradient(_ layer: MultipletLayer) -> Tensor {
      grad { (w: Tensor) in layer.apply(Variables(parameters: Parameters([("weight", w)])), x).sum() }(weight)
    }
    #expect(gradient(slowed).isClose(to: gradient(layer) * factors.reshape([3, 1]), relative: 1e-9))
  }

  @Test func headsMultiplyDivideAndSum() {
    let v = Tensor([1.0, 0.5, -1, 2], shape: [2, 2])
    let x = Tensor([0.5, 3, 2, 0.25], shape: [2, 2])
    let y = LogLinearHead(outputs: 2).apply(Variables(parameters: Parameters([("exponent", v)])), x).doubles
    for (a, b) in zip(y, [0.5 / 3, 0.5.squareRoot() * 9, 8, 2.0.squareRoot() / 16]) { #expect(abs(a - b) < 1e-12) }
    // Of one input, a polynomial.
    let parameters = Parameters([
      ("weight", Tensor([0.3], shape: [1, 1])), ("coefficient", Tensor([1.0, -2, 0, 0.5], shape: [4, 1])),
    ])
    let series = PowerSeriesHead(outputs: 1, degree: 3).apply(
      Variables(parameters: parameters), Tensor([0.5, 2], shape: [2, 1]))
    #expect(zip(series.doubles, [0.0625, 1]).allSatisfy { abs($0 - $1) < 1e-12 })
    let quotient = PowerSeriesQuotient(outputs: 1, numerator: 2, denominator: 2)
    let variables = quotient.initialized(for: [3, 1], key: Key(0))
    #expect(quotient.apply(variables, Tensor([0.5, 1, 2], shape: [3, 1])).floats.allSatisfy { $0.isFinite })
  }

  @Test func poolingBetweenMeanAndMaximum() {
    let image = Tensor.uniform([1, 2, 4, 4], low: 0.1, high: 1, key: Key(0), dtype: .float64)
    func pooled(_ p: Double) -> Tensor { LehmerPool2d(p: p).apply(Variables(), image) }
    #expect(pooled(1).isClose(to: image.averagePool([2, 2]), relative: 1e-9))
    #expect(pooled(2000).isClose(to: image.maxPool([2, 2]), relative: 1e-2))
  }

  @Test func dataAreMappedAboveZero() throws {
    let data = Tensor([1.0, 5, 2, 5, 3, 5], shape: [3, 2])
    let y = try PositiveRange(fitting: data)(data).doubles
    #expect(zip(y, [0.1, 0.5, 0.5, 0.5, 0.9, 0.5]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(throws: NeuronError.self) { try PositiveRange(fitting: data, to: 0...1) }
    #expect(throws: NeuronError.self) { try PositiveRange(fitting: Tensor([Double.nan], shape: [1, 1])) }
  }
}
