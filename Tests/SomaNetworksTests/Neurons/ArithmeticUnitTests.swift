import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Values by hand (system 164).
@Suite struct ArithmeticUnitTests {
  private func variables(_ name: String, _ values: [Double], _ shape: Shape, _ dtype: DType = .float64) -> Variables {
    Variables(parameters: Parameters([(name, Tensor(values, shape: shape).cast(to: dtype))]))
  }

  @Test func multiplicationAndAddition() {
    let x = Tensor([2.0, 3, -1, 0.5], shape: [1, 4])
    let nmu = NeuralMultiplication(outputs: 3).apply(
      variables("weight", [1, 0, 1, 0, 0, 1, 0, 1, 0.5, 0.25, 0.75, 0], [3, 4]), x)
    #expect(nmu.doubles == [-2, 1.5, -1.125])
    let nau = NeuralAddition(outputs: 2).apply(variables("weight", [1, -1, 0, 0.5, 0, 0, 1, -1], [2, 4]), x)
    #expect(nau.doubles == [-0.75, -1.5])
  }

  @Test func multiplicationDifferentiatesThroughZeros() {
    func derivatives(_ x: [Double], _ w: [Double]) -> (y: Double, w: [Double], x: [Double]) {
      let (value, pullback) = vjp([Tensor(x, shape: [1, 3]), Tensor(w, shape: [1, 3])]) { inputs in
        NeuralMultiplication(outputs: 1).apply(Variables(parameters: Parameters([("weight", inputs[1])])), inputs[0])
      }
      let g = pullback(Tensor([1.0], shape: [1, 1]))
      return (value.scalar, g[1].doubles, g[0].doubles)
    }
    let a = derivatives([2, 3, 0.5], [0.5, 0.25, 1])
    #expect(a.y == 1.125 && a.w == [0.75, 1.5, -1.125] && a.x == [0.375, 0.1875, 2.25])
    let b = derivatives([0, 3, 0], [1, 1, 1])
    #expect(b.w == [0, 0, 0] && b.x == [0, 0, 0])
    let c = derivatives([0, 3, 2], [1, 1, 1])
    #expect(c.y == 0 && c.x == [6, 0, 0] && c.w == [-6, 0, 0])
  }

  @Test func startRanges() {
    for (fans, r) in [(5, 9.471406), (6, 5.425508), (102, 0.503909)] {
      #expect(abs(NeuralAccumulator.bound(fans - 1, 1) - r) < 1e-6)
    }
    #expect(abs(NeuralAccumulator.bound(1, 1) - 9.471406) < 1e-6)
    #expect(abs(NeuralAddition.bound(100, 2) - 0.242536) < 1e-6)
  }

  @Test func accumulator() {
    let w = NeuralAccumulator.weight(hat: Tensor([1.0, -2, 0.5]), selection: Tensor([2.0, 0, -1]))
    for (a, b) in zip(w.doubles, [0.670810, -0.482014, 0.124282]) { #expect(abs(a - b) < 1e-6) }
    let parameters = Parameters([
      ("weight", Tensor([1.0, -2, 0.5], shape: [1, 3])), ("selection", Tensor([2.0, 0, -1], shape: [1, 3])),
    ])
    let y = NeuralAccumulator(outputs: 1, multiplies: true).apply(
      Variables(parameters: parameters), Tensor([2.0, 3, -1], shape: [1, 3]))
    #expect(abs(y.scalar - 0.937465) < 1e-6)
  }

  @Test func derivativesAgreeWithDifferences() {
    let layers: [(any Layer, Tensor)] = [
      (NeuralAddition(outputs: 2), Tensor.uniform([3, 4], low: -2, high: 2, key: Key(5), dtype: .float64)),
      (NeuralMultiplication(outputs: 2), Tensor([0.0, 3, 2, 0, 1, -1, 0.5, 0, 0, 0, 1, 2], shape: [3, 4])),
      (NeuralMultiplication(outputs: 2, bounds: .regularized, shape: .squared), .ones([3, 4], dtype: .float64) * 0.7),
      (NeuralArithmeticLogic(outputs: 2), Tensor.uniform([3, 4], low: 0.5, high: 2, key: Key(6), dtype: .float64)),
      (
        NeuralArithmeticLogic(outputs: 2, multiplication: .nmu, separatesGates: true),
        Tensor.uniform([3, 4], low: 0.5, high: 2, key: Key(6), dtype: .float64)
      ),
    ]
    for (layer, x) in layers {
      let start = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(7)).parameters
      let weights = Tensor((0..<6).map { 0.3 + 0.2 * Double($0) }, shape: [3, 2])
      func value(_ p: Parameters) -> Tensor { (layer.apply(Variables(parameters: p), x) * weights).sum() }
      let gradient = grad(value)(start)
      for name in start.names {
        let values = start[name]!.doubles
        for i in values.indices {
          func shifted(_ by: Double) -> Double {
            var moved = values
            moved[i] += by
            var p = start
            p[name] = Tensor(moved, shape: start[name]!.shape)
            return value(p).scalar
          }
          let difference = (shifted(1e-6) - shifted(-1e-6)) / 2e-6
          #expect(abs(difference - gradient[name]!.doubles[i]) < 1e-6 * max(1, abs(difference)), "\(layer) \(name)")
        }
      }
    }
  }

  @Test func penaltiesVanishOnTheGridAlone() {
    #expect(NeuralAddition.sparsityPenalty(Tensor([-1.0, 0, 1])).scalar == 0)
    #expect(NeuralMultiplication.sparsityPenalty(Tensor([0.0, 1])).scalar == 0)
    let half = Tensor([0.5, 0.5])
    for value in [NeuralAddition.sparsityPenalty(half), NeuralMultiplication.sparsityPenalty(half)] {
      #expect(value.scalar == 0.5)
    }
    for value in [NeuralAddition.sparsityPenalty(half, .squared), NeuralMultiplication.sparsityPenalty(half, .squared)]
    {
      #expect(value.scalar == 0.0625)
    }
    let network = Sequential([NeuralAddition(outputs: 2), NeuralMultiplication(outputs: 1)])
    let projections = network.projections(for: TensorType(shape: [1, 3], dtype: .float32))
    #expect(projections.keys.sorted() == ["0/weight", "1/weight"])
    #expect(projections["0/weight"]!(Tensor([-3.0, 0.2, 2])).doubles == [-1, 0.2, 1])
    #expect(projections["1/weight"]!(Tensor([-3.0, 0.2, 2])).doubles == [0, 0.2, 1])
    #expect(sparsityError(Tensor([1.0, -0.98, 0.3])).scalar == 0.3)
  }

  @Test func wholeWeightsComputeExactly() throws {
    let network = ArithmeticNetwork([(.addition, 2), (.multiplication, 1)])
    let weights = Variables(
      parameters: Parameters([
        ("0/weight", Tensor([0.98, 0, 1, 0, -1.01, 0.02], shape: [2, 3]).cast(to: .float32)),
        ("1/weight", Tensor([Float(0.97), 1.02], shape: [1, 2])),
      ]))
    let (formula, exact) = try network.rounded(weights)
    #expect(formula == ["(x0 + x2)*(-x1)"])
    let x = Tensor([Float(1_000), 4_000, 3_003], shape: [1, 3])
    #expect(network.apply(exact, x).scalar == 4_003 * -4_000)
    #expect(try integerWeights(exact.parameters["0/weight"]!, multiplies: false).dtype == .int8)
    #expect(throws: NeuronError.self) { try integerWeights(weights.parameters["0/weight"]!, multiplies: false) }
  }

  @Test func normalizedProductsAgreeOnWholeWeights() {
    let x = Tensor.uniform([16, 5], low: -3, high: 3, key: Key(8), dtype: .float64)
    let w = variables("weight", [1, 0, 1, 1, 0, 0, 1, 0, 0, 1], [2, 5])
    let plain = NeuralMultiplication(outputs: 2).apply(w, x)
    #expect(NeuralMultiplication(outputs: 2, normalized: true).apply(w, x).isClose(to: plain, relative: 1e-9))
  }

  @Test func runningProductsAndSums() {
    let x = Tensor([2.0, 3, -1, 0.5], shape: [1, 4, 1])
    let product = ArithmeticCell(NeuralMultiplication(outputs: 1), units: 1, start: 1)
    let y = product.apply(variables("unit/weight", [1, 1], [1, 2]), x)
    #expect(y.doubles == [2, 6, -6, -3])
    let sum = ArithmeticCell(NeuralAddition(outputs: 1), units: 1, start: 0)
    #expect(sum.apply(variables("unit/weight", [1, 1], [1, 2]), x).doubles == [2, 5, 4, 4.5])
    #expect(sum.initialized(for: [2, 4, 1], key: Key(0)).parameters.names == ["unit/weight"])
  }

  @Test func manySeedsAtOnceEqualSingleRuns() {
    let layer = Sequential([NeuralAddition(outputs: 2), NeuralMultiplication(outputs: 1)])
    let x = Tensor.uniform([6, 4], low: 1, high: 2, key: Key(9))
    let members = (0..<8).map { layer.initialized(for: [6, 4], key: Key($0)).parameters }
    let all = vmap { (p: Parameters) in layer.apply(Variables(parameters: p), x) }(.stacked(members))
    for (i, member) in members.enumerated() {
      #expect(all[i].isClose(to: layer.apply(Variables(parameters: member), x), relative: 1e-5))
    }
  }
}
