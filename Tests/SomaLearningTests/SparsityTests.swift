import Foundation
import Soma
import SomaNetworks
import Testing

@testable import SomaLearning

@Suite struct SparsityTests {
  private let squared = try! Activation.parse("max(x,0)^2", name: "squared")

  @Test func squaredRectifier() {
    func f(_ x: Tensor) -> Tensor { squared(x).sum() }
    #expect(squared(Tensor([3.0, -3])).doubles == [9, 0])
    #expect(grad(f)(Tensor([3.0, 0])).doubles == [6, 0])
    #expect(grad { (x: Tensor) in grad(f)(x).sum() }(Tensor([3.0])).doubles == [2])
  }

  private func blocks() -> [(layer: any Layer, name: String)] {
    [
      (FeedForward(hidden: 12, activation: .relu), "relu"), (FeedForward(hidden: 12, activation: squared), "squared"),
      (GatedFeedForward(hidden: 8, gate: .silu), "gated"), (FeedForward(hidden: 12, activation: .gelu), "gelu"),
    ]
  }

  @Test func neuronsAddUpToTheBlock() {
    let x = Tensor.normal([5, 4], key: Key(1), dtype: .float64)
    for (layer, name) in blocks() {
      let variables = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(2))
      let same = SparseFeedForward.observing(layer).apply(variables, x)
      #expect(same.isClose(to: layer.apply(variables, x), relative: 1e-12), "\(name)")
      #expect(
        SparseFeedForward.truncating(layer, ["": 0]).apply(variables, x).isClose(to: same, relative: 1e-12), "\(name)")
      let scope = Scope(variables)
      _ = SparseFeedForward.observing(layer)(x, scope)
      let h = scope.observations.first { $0.name == "activations" }!.value
      let w = variables.parameters["out/weight"]!
      #expect(SparsityReading.tailError(h, w, threshold: 0) == 0)
      #expect(abs(SparsityReading.tailError(h, w, threshold: 1e9) - 1) < 1e-12)
    }
  }

  @Test func thresholdsAreTheLargestThatFit() {
    let h = Tensor.normal([1, 10], key: Key(3), dtype: .float64)
    // Orthogonal rows: the error is exactly the root of the share of squares.
    let w =
      Tensor.normal([10, 10], key: Key(4), dtype: .float64).qr().q
      * Tensor.range(from: 1, to: 11, dtype: .float64)
      .expandDimensions(at: -1)
    let m = (h.abs() * w.norm([1])).doubles.sorted()
    let total = m.reduce(0) { $0 + $1 * $1 }
    for c in [0.1, 0.2, 0.5] {
      let threshold = SparsityReading.threshold(h, w, cett: c)
      var (sum, dropped) = (0.0, 0)
      while dropped < 10, ((sum + m[dropped] * m[dropped]) / total).squareRoot() <= c {
        sum += m[dropped] * m[dropped]
        dropped += 1
      }
      #expect(m.filter { $0 < threshold }.count == dropped, "c = \(c)")
      #expect(
        abs(SparsityReading.tailError(h, w, threshold: threshold) - (sum / total).squareRoot()) < 1e-9)
      // Just above the next magnitude the error is too large.
      if dropped < 10 { #expect(abs(threshold - m[dropped]) < 1e-6 * m[dropped]) }
    }
  }

  @Test func scalesBetweenTheWeightsDoNotMatter() {
    let x = Tensor.normal([20, 4], key: Key(5), dtype: .float64)
    for (activation, power) in [(Activation.relu, 1.0), (squared, 2)] {
      let block = FeedForward(hidden: 6, activation: activation, usesBias: false)
      let plain = block.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(6))
      let s = Tensor.range(from: 1, to: 7, dtype: .float64)
      var scaled = plain
      scaled.parameters["in/weight"] = plain.parameters["in/weight"]! * s
      scaled.parameters["out/weight"] = plain.parameters["out/weight"]! / s.power(power).expandDimensions(at: -1)
      let thresholds = [plain, scaled].map { SparsityReading(block, $0, x, cett: 0.2).layers[0].threshold }
      #expect(abs(thresholds[0] / thresholds[1] - 1) < 1e-9)
    }
  }

  @Test func sparseExecutionIsExact() {
    let block = FeedForward(hidden: 40, activation: .relu)
    let variables = block.initialized(for: [1, 8], key: Key(7))
    let sparse = SparseExecution(block, variables, path: "")
    let reading = SparsityReading(block, variables, .normal([50, 8], key: Key(8)), cett: 0.3)
    let threshold = reading.layers[0].threshold
    let truncated = SparseFeedForward.truncating(block, ["": threshold])
    for t in 0..<10 {
      let x = Tensor.normal([8], key: Key(9).folding(t))
      let (y, neurons) = sparse(x)
      #expect(y.isClose(to: block.apply(variables, x), relative: 1e-5, absolute: 1e-6))
      #expect(neurons < 40)
      let z = x.matmul(variables.parameters["in/weight"]!) + variables.parameters["in/bias"]!
      let m = (z.maximum(0) * variables.parameters["out/weight"]!.norm([1])).floats
      let active = m.indices.filter { m[$0] >= Float(threshold) }
      #expect(
        sparse(x, active: active).output.isClose(to: truncated.apply(variables, x), relative: 1e-4, absolute: 1e-5))
    }
    #expect(reading.layers[0].sparsity >= reading.layers[0].zeros - 1e-9)
  }

  @Test func reuseOfNeighbours() {
    // The block sees signs: units 0…3 are on for x > 0, 4…7 for x < 0.
    let block = FeedForward(hidden: 8, units: 8, activation: .relu, usesBias: false)
    let weights: [Float] = [1, 1, 1, 1, -1, -1, -1, -1]
    let variables = Variables(
      parameters: Parameters([("in/weight", Tensor(weights, shape: [1, 8])), ("out/weight", .eye(8))]))
    func reuse(_ x: [Float]) -> Double {
      SparsityReading(block, variables, Tensor(x, shape: [1, x.count, 1]), cett: 1e-6).layers[0].reuse
    }
    #expect(reuse([1, 1, 1, 1]) == 1)
    #expect(reuse([1, -1, 1, -1]) == 0)
    // Independent signs: the chance that a neighbour has the same is one half.
    let random = Tensor.normal([2000], key: Key(10)).floats
    #expect(abs(reuse(random) - 0.5) < 3 * 0.5 / 2000.0.squareRoot())
  }

  @Test func predictorsFindHalfSpaces() throws {
    let w = Tensor.normal([6, 5], key: Key(11))
    func samples(_ n: Int, _ key: Int) -> (x: Tensor, active: Tensor) {
      let x = Tensor.normal([n, 6], key: Key(key))
      return (x, (x.matmul(w) .> 0).cast(to: .float32))
    }
    let training = samples(3000, 12)
    let result = try ActivityPredictor(hidden: 64, steps: 200, learningRate: 1e-2).fit(
      training.x, training.active, judged: samples(1000, 13), recall: 0.97)
    #expect(result.recall >= 0.97 && result.averagePrecision > 0.97 && result.sparsity > 0.4)
  }
}
