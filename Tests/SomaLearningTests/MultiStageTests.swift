import Foundation
import Soma
import SomaLearning
import SomaNetworks
import Testing

@Suite struct MultiStageTests {
  private let x = Tensor.linspace(-1, 1, count: 120, dtype: .float64).reshape(120, 1)

  @Test func dominantFrequencies() {
    let grid = (0..<1001).map { -1 + 2 * Double($0) / 1000 }
    let seven = DominantFrequency.ofGrid(grid.map { sin(2 * .pi * 7 * $0) })
    #expect(abs(seven - 6.99301) < 1e-5)
    let twenty = DominantFrequency.ofGrid(grid.map { 0.1 * sin(2 * .pi * 3 * $0) + sin(2 * .pi * 20 * $0) })
    #expect(abs(twenty - 19.98002) < 1e-5)
    #expect(DominantFrequency.ofSignChanges(grid, grid.map { sin(2 * .pi * 7 * $0 + 0.3) }) == 7)
    // In the plane, one for each axis.
    let side = 64
    let axis = (0..<side).map { -1 + 2 * Double($0) / Double(side - 1) }
    let plane = axis.flatMap { u in axis.map { v in sin(2 * .pi * 5 * u) * cos(2 * .pi * 9 * v) } }
    let both = DominantFrequency.ofGrid(plane, sides: [side, side])
    #expect(abs(both[0] - 5) < 0.5 && abs(both[1] - 9) < 0.5)
  }

  @Test func emptyLaterStagesLeaveTheFirstAsItIs() {
    let layers = [StageNetwork.standard(0, 1), StageNetwork.standard(1, 9)]
    let parts = layers.enumerated().map { i, layer in
      layer.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(i)).parameters
    }
    var silent = parts[1]
    silent["head/weight"] = Tensor.zeros(like: silent["head/weight"]!)
    let sum = StageSum(layers, magnitudes: [1.7, 1e-5])
    let both = sum.apply(Variables(parameters: StageSum.joined([parts[0], silent])), x).doubles
    let first = (layers[0].apply(Variables(parameters: parts[0]), x) * 1.7).doubles
    #expect(both == first)
  }

  @Test func kappaScalesTheFirstWeights() {
    var layer = StageNetwork.standard(1, 12.5)
    let start = layer.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(3)).parameters
    let y = layer.apply(Variables(parameters: start), x)
    layer.kappa = 1
    var scaled = start
    scaled["weight"] = start["weight"]! * 12.5
    #expect((layer.apply(Variables(parameters: scaled), x) - y).abs().max().scalar < 1e-12)
  }

  @Test func startIsXaviersCutAtTwoDeviations() {
    let layer = StageNetwork(width: 400, depth: 2, kappa: 1, first: Activation.tanh)
    let weight = layer.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(3)).parameters["1/weight"]!
    let deviation = (2 / 800.0).squareRoot()
    #expect(weight.abs().max().scalar <= 2 * deviation * 1.0001 && weight.abs().max().scalar > 1.9 * deviation)
    #expect(abs(weight.standardDeviation().scalar / (deviation * 0.8796256610342398) - 1) < 0.01)
  }

  private func method(_ stages: Int) -> MultiStage {
    MultiStage(stages: stages, adamSteps: 60, iterations: 60) { stage, kappa in
      StageNetwork(
        width: 8, depth: 2, kappa: kappa, first: stage == 0 ? Activation.tanh : Activation.sine)
    }
  }

  @Test func stagesAddUpToWhatIsLeft() throws {
    let y = (x * 2.0 + 1).sin() + (x * 1.3).exp() * 0.2
    let result = try method(2).fit(x, y)
    let found = result.network.apply(Variables(parameters: result.parameters), x)
    let left = (y - found).doubles
    let scale = y.abs().max().scalar
    #expect(zip(left, result.reports.last!.residue).allSatisfy { abs($0 - $1) < 2e-15 * scale * 4 })
    #expect(result.reports[1].error < result.reports[0].error)
    // Each stage was trained with the earlier ones fixed: they are what a run of one stage gives.
    let one = try method(1).fit(x, y)
    for name in one.parameters.names { #expect(one.parameters[name]!.doubles == result.parameters[name]!.doubles) }
  }

  @Test func sizesScaleAndNetworksStay() throws {
    let y = (x * 2.0 + 1).sin()
    let (a, b) = (try method(2).fit(x, y), try method(2).fit(x, y * 0x1p-20))
    for j in 0..<2 { #expect(b.reports[j].epsilon == a.reports[j].epsilon * 0x1p-20) }
    for name in a.parameters.names { #expect(a.parameters[name]!.doubles == b.parameters[name]!.doubles) }
  }

  @Test func magnitudeOfAnEquationsError() {
    let epsilon = MultiStage.errorMagnitude(
      residual: 0.5.squareRoot(), frequency: 5, terms: [.init(order: 2, coefficient: 1)])
    #expect(abs(epsilon - 7.16448960e-4) < 1e-12)
    // Where the lower order dominates it counts.
    let low = MultiStage.errorMagnitude(
      residual: 1, frequency: 0.01, terms: [.init(order: 1, coefficient: 1), .init(order: 0, coefficient: 2)])
    #expect(low == 0.5)
  }

  @Test func residualsOfALinearEquationAdd() {
    func operatorOf(_ u: @escaping (Tensor) -> Tensor) -> Tensor {
      PhysicsLoss.derivative(u, x, axis: 0) + x[.all, 0] * u(x)
    }
    let layers = [StageNetwork.standard(0, 1), StageNetwork.standard(1, 6)]
    let parts = layers.enumerated().map { i, layer in
      layer.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(i)).parameters
    }
    let sum = StageSum(layers, magnitudes: [1, 1e-3])
    let whole = operatorOf { sum.apply(Variables(parameters: StageSum.joined(parts)), $0).squeezed([1]) }
    let separate = (0..<2).map { j in
      operatorOf { layers[j].apply(Variables(parameters: parts[j]), $0).squeezed([1]) } * sum.magnitudes[j]
    }
    #expect((whole - separate[0] - separate[1]).abs().max().scalar < 1e-12)
  }

  @Test func whatCannotWorkIsRefused() {
    #expect(throws: FieldError.self) { try method(3).fit(x.cast(to: .float32), x.cast(to: .float32)) }
    #expect(throws: (any Error).self) { try method(2).fit(x, x * Double.nan) }
  }

  @Test func sparseSamplesEndTheStages() throws {
    // Twelve points cannot show what is left of a fit.
    let few = Tensor.linspace(-1, 1, count: 12, dtype: .float64).reshape(12, 1)
    let result = try method(3).fit(few, (few * 9.0).sin())
    if case .dataTooSparse(let frequency, let samples) = result.ending {
      #expect(samples == 12 && 12 * frequency > 12)
    } else {
      #expect(result.reports.last!.error <= 1e-9 || result.ending == .noFurtherDecrease)
    }
  }
}
