import Testing

@testable import Soma
@testable import SomaNetworks

private func near(_ a: [Double], _ b: [Double], _ tolerance: Double) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}

@Suite struct EdgeBasisTests {
  let place = Tensor([0.3] as [Double])

  @Test func basesHaveThePublishedValues() {
    func at(_ basis: any EdgeBasis) -> [Double] { basis.values(place).doubles }
    #expect(near(at(BSpline(range: -1.2...1.2)), [0, 0, 0, 0.111654, 0.652018, 0.236003, 0.000326, 0], 2e-6))
    #expect(near(Array(at(GaussianBasis())[1...5]), [0.000011, 0.003551, 0.150977, 0.868815, 0.676634], 2e-6))
    #expect(
      near(
        at(ChebyshevBasis()), [1, 0.291313, -0.830274, -0.775051, 0.378710, 0.995697, 0.201409, -0.878351], 2e-6))
    #expect(
      near(
        at(FourierBasis()),
        [0.891007, 0.587785, 0.156434, -0.309017, 0.453990, 0.809017, 0.987688, 0.951057], 2e-6))
    #expect(
      near(
        at(WaveletBasis()),
        [-0.001266, -0.034930, -0.276522, -0.346060, 0.801026, 0.501258, -0.438132, -0.187880], 2e-6))
    #expect(near(at(TaylorBasis(3)), [1, 0.291313, 0.084863], 2e-6))
    #expect(near(at(LegendreBasis(3)), [1, 0.291313, -0.372705], 2e-6))
  }

  @Test func switchesHaveThePublishedValues() {
    let values = SwitchBasis().values(Tensor([0, 0.5] as [Double]))
    let half = [2.1771e-5, 6.94678e-4, 0.021937215, 0.511071297]
    #expect(near(values[0].doubles, half + half.reversed(), 1e-8))
    let largest = values[1].doubles.sorted(by: >)
    #expect(near(Array(largest.prefix(2)), [0.673693242, 0.369512566], 1e-8))
  }

  @Test func waveletsHaveThePublishedValues() {
    let x = Tensor([0.7] as [Double])
    #expect(abs(TrainedWaveletBasis(.mexicanHat).values(x).scalar - 0.346218227) < 1e-8)
    #expect(abs(TrainedWaveletBasis(.morlet).values(x).scalar + 0.732968899) < 1e-8)
    #expect(abs(TrainedWaveletBasis(.gaussianDerivative).values(x).scalar - 0.547893177) < 1e-8)
  }

  @Test func fourierRecurrenceEqualsTheFunctions() {
    let x = Tensor.linspace(-3, 3, count: 50, dtype: .float64)
    let values = FourierBasis(8, frequency: 1).values(x)
    for m in 1...8 {
      let angle = x * Double(m)
      #expect((values[.all, m - 1] - angle.cos()).abs().max().scalar < 1e-11)
      #expect((values[.all, 7 + m] - angle.sin()).abs().max().scalar < 1e-11)
    }
  }

  static let bases: [any EdgeBasis] = [
    BSpline(), GaussianBasis(), SwitchBasis(), ChebyshevBasis(), LegendreBasis(), TaylorBasis(), FourierBasis(),
    WaveletBasis(), WaveletBasis(.morlet), WaveletBasis(.gaussianDerivative), WaveletBasis(.meyer),
    WaveletBasis(.shannon),
    TrainedWaveletBasis(.morlet), ActivationBasis(.silu), ActivationBasis(.mish, count: 1), RationalBasis(),
    TwoSidedBasis(),
    TwoSidedBasis.relu(), BasisPool(), MixedBasis([GaussianBasis(), FourierBasis()], choices: [[0], [1], [0]]),
  ]

  /// Sums, single curves and slopes of every basis agree with each other and with differences.
  @Test(arguments: bases.indices) func basesMakeEdges(_ index: Int) {
    let basis = Self.bases[index]
    let layer = KANLayer(2, basis: basis, usesScale: false)
    let x = Tensor.uniform([6, 3], low: -0.83, high: 0.81, key: Key(5), dtype: .float64)
    let variables = layer.initialized(for: TensorType(shape: [6, 3], dtype: .float64), key: Key(1))
    let y = layer.apply(variables, x)
    let curves = layer.edges(x, Scope(variables)).curves
    #expect((curves.sum([1]) - y).abs().max().scalar < 1e-12, "\(basis.name)")
    let gradient = grad { (x: Tensor) in layer.apply(variables, x).squared().sum() }(x).doubles
    let h = 1e-6
    for k in 0..<18 {
      var step = [Double](repeating: 0, count: 18)
      step[k] = h
      let d = Tensor(step, shape: [6, 3])
      let up = layer.apply(variables, x + d).squared().sum().scalar
      let down = layer.apply(variables, x - d).squared().sum().scalar
      #expect(abs(gradient[k] - (up - down) / (2 * h)) < 1e-5 * max(1, abs(gradient[k])), "\(basis.name) \(k)")
    }
  }
}
