import Testing

@testable import Soma
@testable import SomaNetworks

private func near(_ a: [Double], _ b: [Double], _ tolerance: Double) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}

@Suite struct AFKANTests {
  let place = Tensor([0.2] as [Double])

  @Test func phasesAreThirds() {
    let basis = TwoSidedBasis()
    let low: [Double] = [-3, -2, -1, 0, 1, 2]
    let high: [Double] = [1, 2, 3, 4, 5, 6]
    #expect(near(basis.low.map { $0 * 3 }, low, 1e-12))
    #expect(near(basis.high.map { $0 * 3 }, high, 1e-12))
  }

  @Test func featuresHaveThePublishedValues() {
    func at(_ function: TwoSidedBasis.Function) -> [Double] { TwoSidedBasis(function: function).values(place).doubles }
    #expect(near(at(.quad1), [0.00430004, 0.03062697, 0.03442574, 0.00888798, 0.00549979, 0.07718266], 1e-7))
    #expect(near(at(.prod), [0.06557472, 0.17500564, 0.18554175, 0.09427608, -0.07416056, -0.27781767], 1e-7))
    #expect(abs(at(.cubic1)[0] - 0.84986060) < 1e-7 && abs(at(.cubic1)[5] - 3.30059031) < 1e-7)
    #expect(abs(at(.sumProd)[0] - 1.05890900) < 1e-7)
    let relu = TwoSidedBasis(.relu).values(place).doubles
    #expect(near(relu, [0.0256, 0.16357531, 0.18204444, 0.05137778, 0, 0], 1e-7))
    #expect(near(TwoSidedBasis.relu().values(place).doubles, [0.1296, 0.8281, 0.9216, 0.2601, 0, 0], 1e-7))
    // The bump is 1 in the middle.
    let middle = TwoSidedBasis.relu().values(Tensor([1.0 / 3] as [Double])).doubles
    #expect(abs(middle[2] - 1) < 1e-12)
  }

  @Test func normalizedFeaturesFillTheUnitInterval() {
    // The extremes of the batch are not those of the first example.
    let sizes = Tensor([0.5, 1, 1] as [Double], shape: [3, 1, 1])
    let f = Tensor.uniform([3, 4, 6], low: -2, high: 5, key: Key(1), dtype: .float64) * sizes
    for scope in [AFKANLayer.FeatureScope.example, .batch] {
      let n = AFKANLayer.normalized(f, over: scope)
      #expect(n.min().scalar == 0 && abs(n.max().scalar - 1) < 1e-12)
      #expect((AFKANLayer.normalized(f * 7, over: scope) - n).abs().max().scalar < 1e-12)
    }
    let alone = AFKANLayer.normalized(f[0..<1], over: .example)
    #expect((alone - AFKANLayer.normalized(f, over: .example)[0..<1]).abs().max().scalar < 1e-14)
    let together = AFKANLayer.normalized(f[0..<1], over: .batch)
    #expect((together - AFKANLayer.normalized(f, over: .batch)[0..<1]).abs().max().scalar > 1e-3)
    #expect(AFKANLayer.normalized(Tensor.full([1, 2, 3], 4, dtype: .float64), over: .example).abs().max().scalar == 0)
  }

  @Test func globalAttentionOfEqualScoresIsTheMean() {
    let f = Tensor.uniform([2, 5, 6], low: 0, high: 1, key: Key(2), dtype: .float64)
    let zero = Variables(
      parameters: Parameters([
        ("temperature", Tensor([2.0] as [Double])), ("score/weight", Tensor.zeros([6, 1], dtype: .float64)),
        ("score/bias", Tensor.zeros([1], dtype: .float64)),
      ]))
    let h = FeatureReduction.global(f, Scope(zero))
    #expect((h - f.sum([2]) * 0.2).abs().max().scalar < 1e-12)
    let one = FeatureReduction.global(f[.all, 0..<1], Scope(zero))
    #expect((one - f[.all, 0..<1].sum([2])).abs().max().scalar < 1e-12)
  }

  @Test func parametersAreCounted() {
    #expect(AFKAN([64, 10]).parameterCount(for: [1, 784]) == 52_552)
    let mlp = Sequential([LayerNorm(), Dense(64), LayerNorm(), Dense(10)])
    #expect(mlp.parameterCount(for: [1, 784]) == 52_586)
  }

  @Test func clampedTemperatureDoesNotLearn() {
    let f = Tensor.uniform([2, 3, 6], low: 0, high: 1, key: Key(3), dtype: .float64)
    func slope(_ start: Double) -> Double {
      let scope = Scope(initializing: Key(4))
      _ = FeatureReduction.spatial(f, scope)
      var variables = scope.variables
      variables.parameters["temperature"] = Tensor([start])
      return grad { (p: Parameters) in
        FeatureReduction.spatial(f, Scope(Variables(parameters: p))).squared().sum()
      }(variables.parameters)["temperature"]!.scalar
    }
    #expect(slope(0.7) == 0 && slope(1.4) != 0)
  }

  static let layers: [AFKANLayer] =
    TwoSidedBasis.Function.allCases.map { AFKANLayer(2, basis: TwoSidedBasis(function: $0)) }
    + FeatureReduction.all.map { AFKANLayer(2, reduction: $0) }

  @Test(arguments: layers.indices) func slopesAgreeWithDifferences(_ index: Int) {
    let layer = Self.layers[index]
    let x = Tensor.uniform([2, 3], low: -0.9, high: 0.9, key: Key(7), dtype: .float64)
    let variables = layer.initialized(for: TensorType(shape: [2, 3], dtype: .float64), key: Key(8))
    let f = { (x: Tensor) in layer.apply(variables, x).squared().sum() }
    let gradient = grad(f)(x).doubles
    for k in 0..<6 {
      var step = [Double](repeating: 0, count: 6)
      step[k] = 1e-6
      let d = Tensor(step, shape: [2, 3])
      let difference = (f(x + d).scalar - f(x - d).scalar) / 2e-6
      #expect(abs(gradient[k] - difference) < 1e-6 * max(1, abs(difference)))
    }
  }

  /// Inside `vmap` over examples the batch is one of them.
  @Test func normsOverTheBatchAreRefusedForSingleExamples() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let layer = AFKANLayer(2, features: .batch)
      let variables = layer.initialized(for: [1, 3], key: Key(1))
      _ = vmap { (x: Tensor) in layer.apply(variables, x.reshape([1, 3])) }(Tensor.ones([4, 3]))
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("have no meaning for single examples"), "\(message)")
    let norm = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let layer = AFKANLayer(2, normalization: .batch)
      let variables = layer.initialized(for: [1, 3], key: Key(1))
      _ = vmap { (x: Tensor) in layer.apply(variables, x.reshape([1, 3])) }(Tensor.ones([4, 3]))
    }
    let other = String(decoding: norm?.standardErrorContent ?? [], as: UTF8.self)
    #expect(other.contains("normalization: .layer"), "\(other)")
  }

  @Test func normsOverEachExampleVectorize() {
    let layer = AFKANLayer(2)
    let variables = layer.initialized(for: [1, 3], key: Key(1))
    let x = Tensor.uniform([4, 3], low: -1, high: 1, key: Key(2))
    let each = vmap { (x: Tensor) in layer.apply(variables, x.reshape([1, 3])).reshape([2]) }(x)
    #expect((each - layer.apply(variables, x)).abs().max().scalar < 1e-5)
  }
}
