import Testing

@testable import Soma
@testable import SomaNetworks

private let points = Tensor.uniform([40, 2], low: -1, high: 1, key: Key(3), dtype: .float64)

@Suite struct SelectableKANTests {
  private func decided(_ granularity: BasisPool.Granularity) -> FittedKAN {
    var kan = FittedKAN(KAN.selectable([2, 5, 1], granularity: granularity), key: Key(1))
    for l in 0..<2 {
      let logits = kan.variables.parameters["\(l)/selection"]!
      var values = [Double](repeating: 0, count: logits.count)
      let (rows, families) = (logits.shape[0], logits.shape[1])
      let columns = logits.rank == 3 ? logits.shape[2] : 1
      // Every choice another family.
      for i in 0..<rows { for o in 0..<columns { values[(i * families + (i + o + l) % families) * columns + o] = 60 } }
      kan.variables.parameters["\(l)/selection"] = Tensor(values, shape: logits.shape)
    }
    return kan
  }

  @Test func parametersAreCounted() {
    let kan = FittedKAN(KAN.selectable([2, 5, 1]), key: Key(0))
    #expect(kan.parameterCount == 777)
    #expect(kan.selectingFamilies().parameterCount == 135)
  }

  @Test(arguments: BasisPool.Granularity.allCases) func selectionKeepsADecidedFunction(
    _ granularity: BasisPool.Granularity
  ) {
    let kan = decided(granularity)
    let selected = kan.selectingFamilies()
    #expect((kan(points) - selected(points)).abs().max().scalar < 1e-9)
    var hard = kan
    hard.network = kan.network.selecting(.selective(temperature: 0.5))
    #expect((hard(points) - selected(points)).abs().max().scalar < 1e-12)
  }

  @Test func oneFamilyOfThePoolIsThatNetwork() {
    var kan = FittedKAN(KAN.selectable([2, 3, 1]), key: Key(2))
    for l in 0..<2 {
      let logits = kan.variables.parameters["\(l)/selection"]!
      let first = Tensor([40, 0, 0, 0, 0, 0] as [Double])
      kan.variables.parameters["\(l)/selection"] = Tensor.zeros(like: logits) + first
    }
    var single = FittedKAN(KAN([2, 3, 1], basis: BSpline(range: -1.2...1.2)), key: Key(2))
    for l in 0..<2 {
      single.variables.parameters["\(l)/base"] = kan.variables.parameters["\(l)/base"]
      single.variables.parameters["\(l)/coefficients"] = kan.variables.parameters["\(l)/coefficients"]![.all, 0..<8]
    }
    #expect((kan(points) - single(points)).abs().max().scalar < 1e-6)
  }

  @Test func straightThroughIsOneHotWithTheSoftmaxSlope() {
    let logits = Tensor([0.2, 1.1, -0.4, 0.9, 0.1, 0.3] as [Double], shape: [2, 3])
    #expect(BasisPool.straightThrough(logits).doubles == [0, 1, 0, 1, 0, 0])
    let weights = Tensor([1, 2, 3, 4, 5, 6] as [Double], shape: [2, 3])
    let hard = grad { (a: Tensor) in (BasisPool.straightThrough(a) * weights).sum() }(logits)
    let soft = grad { (a: Tensor) in (a.softmax() * weights).sum() }(logits)
    #expect((hard - soft).abs().max().scalar < 1e-14)
  }

  @Test func tiesGoToTheFirstFamily() {
    let pool = BasisPool([GaussianBasis(), FourierBasis()])
    #expect(pool.selection(Tensor.zeros([3, 2], dtype: .float64)).chosen == [0, 0, 0])
  }

  @Test func sharingKeepsASecondFamily() {
    var kan = FittedKAN(KAN.selectable([1, 1], pool: [GaussianBasis(), FourierBasis(), TaylorBasis()]), key: Key(4))
    kan.variables.parameters["0/selection"] = Tensor([1, 1.2, -4] as [Double], shape: [1, 3])
    let kept = kan.selectingFamilies(sharing: true)
    #expect((kept.network.layers[0].basis as? MixedBasis)?.choices == [[0, 1]])
    #expect(kan.selectingFamilies().parameterCount == 9 && kept.parameterCount == 17)
  }

  @Test func noiseDependsOnTheKeyAlone() {
    let network = KAN.selectable([2, 3, 1]).selecting(.selective(temperature: 1))
    let variables = network.initialized(for: TensorType(shape: [4, 2], dtype: .float64), key: Key(1))
    let x = points[0..<4]
    func run(_ key: Int) -> [Double] { network.applyTraining(variables, x, key: Key(key)).output.doubles }
    #expect(run(5) == run(5) && run(5) != run(6))
  }

  @Test func temperaturesFollowTheSteps() {
    // Quarters of ten steps begin at 2.5, 5 and 7.5.
    let found = BasisPool.temperature(Tensor([0, 2, 3, 4, 5, 7, 8, 50] as [Float]), [1, 0.7, 0.4, 0.2], 10).floats
    #expect(found == [1, 1, 0.7, 0.7, 0.4, 0.4, 0.2, 0.2])
  }

  /// An annealed selection is the selective one of its step's temperature.
  @Test func annealingCountsTrainingSteps() {
    let x = points[0..<4]
    func network(_ phase: BasisPool.Phase) -> KAN { KAN.selectable([2, 3, 1]).selecting(phase) }
    let annealed = network(.annealed(temperatures: [1, 0.3], steps: 4, isDeterministic: false))
    var variables = annealed.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(1))
    for step in 0..<5 {
      let (output, next) = annealed.applyTraining(variables, x, key: Key(step))
      let selective = network(.selective(temperature: step < 2 ? 1 : 0.3))
      let slopes = [annealed, selective].map { kan in
        grad { (p: Parameters) in
          kan.applyTraining(Variables(parameters: p, state: variables.state), x, key: Key(step)).output.sum()
        }(variables.parameters)["0/selection"]!
      }
      #expect(output.doubles == selective.applyTraining(variables, x, key: Key(step)).output.doubles)
      #expect((slopes[0] - slopes[1]).abs().max().scalar < 1e-6 * slopes[1].abs().max().scalar)
      variables.state = next.state
      #expect(variables.state["0/selectionStep"]!.floats == [Float(step + 1)])
    }
  }

  @Test func powersOfDegreeOneAreAnOrdinaryConvolution() {
    let layer = KANConvolution(3, kernel: 3, basis: TaylorBasis(2), base: .zero, padding: 1)
    let x = Tensor.uniform([2, 2, 6, 5], low: -1, high: 1, key: Key(6), dtype: .float64)
    let variables = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(7))
    let c = variables.parameters["coefficients"]!
    func kernel(_ r: Int) -> Tensor { c[.all, r].reshape([2, 3, 3, 3]).transposed(1, 0, 2, 3) }
    let bias = kernel(0).sum([1, 2, 3]).reshape([3, 1, 1])
    let expected = x.tanh().convolution(kernel(1), padding: .explicit([1, 1], [1, 1])) + bias
    #expect((layer.apply(variables, x) - expected).abs().max().scalar < 1e-12)
  }

  @Test func selectedConvolutionKeepsADecidedFunction() {
    let layer = KANConvolution(2, basis: BasisPool([GaussianBasis(), FourierBasis()]))
    let x = Tensor.uniform([1, 3, 5, 5], low: -1, high: 1, key: Key(8), dtype: .float64)
    var variables = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(9))
    variables.parameters["selection"] = Tensor([60, 0, 0, 60, 60, 0] as [Double], shape: [3, 2])
    let (selected, parameters) = layer.selectingFamilies(variables.parameters)
    let y = selected.apply(Variables(parameters: parameters), x)
    #expect((layer.apply(variables, x) - y).abs().max().scalar < 1e-9)
  }
}
