import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Values of another implementation (system 51).
@Suite struct EvoNormTests {
  private let x = Tensor((0..<32).map { (Double(7 * $0 % 11) - 5) / 4 }, shape: [2, 4, 2, 2])
  private func layer(_ kind: EvoNorm.Kind) -> EvoNorm { EvoNorm(kind, groups: 2, epsilon: 1e-5) }
  private func training(_ layer: any Layer, _ x: Tensor) -> Tensor {
    layer.applyTraining(layer.initialized(for: TensorType(shape: x.shape, dtype: x.dtype), key: Key(0)), x, key: nil)
      .output
  }

  @Test func goldenValues() {
    let sums: [(EvoNorm.Kind, Double, Double)] = [
      (.b0, -6.8003666, 19.9139972), (.b1, -6.1234645, 20.7379299), (.b2, 8.1535636, 20.6816971),
      (.s0, 6.0836461, 9.9748660), (.s1, 6.0836461, 9.9748660), (.s2, 6.0401255, 9.8309150),
    ]
    for (kind, sum, squares) in sums {
      let y = training(layer(kind), x)
      #expect(abs(y.sum().scalar - sum) < 1e-6, "\(kind)")
      #expect(abs(y.squared().sum().scalar - squares) < 1e-6, "\(kind)")
    }
    for (kind, first) in [
      (EvoNorm.Kind.b0, [-1.429474, 0.3443581, -0.5717896, 0.5676717]),
      (.s0, [-0.3446584, 0.3853358, -0.233718, 1.2029762]),
    ] {
      for (a, b) in zip(training(layer(kind), x).doubles, first) { #expect(abs(a - b) < 1e-6) }
    }
  }

  @Test func relationsBetweenTheKinds() {
    let s1 = training(layer(.s1), x)
    #expect(training(layer(.s0), x).doubles == s1.doubles)
    // With the mean of each group removed, s²_g and m²_g are the same.
    let rows = x.reshape([2, 2, 8])
    let centered = (rows - rows.mean([2], keepsAxes: true)).reshape(x.shape)
    #expect(training(layer(.s1), centered).isClose(to: training(layer(.s2), centered), relative: 1e-10))
  }

  @Test func examplesDoNotSeeEachOther() {
    for kind in EvoNorm.Kind.allCases {
      let layer = layer(kind)
      let start = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(0))
      #expect(layer.apply(start, x)[0..<1].doubles == layer.apply(start, x[0..<1]).doubles)
      if !kind.usesBatch {
        let each = vmap { (x: Tensor) in
          layer.applyTraining(start, x.expandDimensions(at: 0), key: nil).output.squeezed([0])
        }(x)
        #expect(each.isClose(to: training(layer, x), relative: 1e-12))
      }
    }
  }

  @Test func scaleOfTheInput() {
    let layer = EvoNorm(.s0, groups: 2, epsilon: 0)
    func output(_ k: Double) -> Tensor {
      let p = Parameters([
        ("scale", Tensor.ones([4], dtype: .float64)), ("shift", .zeros([4], dtype: .float64)),
        ("v1", .full([4], 1 / k, dtype: .float64)),
      ])
      return layer.apply(Variables(parameters: p), k * x)
    }
    #expect(output(3).isClose(to: output(1), relative: 1e-10, absolute: 1e-12))
  }

  @Test func runningVarianceIsUnbiased() {
    let layer = layer(.b0)
    let start = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(0))
    let after = layer.applyTraining(start, x, key: nil).variables.state["variance"]!.doubles
    let expected = x.variance([0, 2, 3], correction: 1).doubles.map { 0.9 + 0.1 * $0 }
    for (a, b) in zip(after, expected) { #expect(abs(a - b) < 1e-12) }
  }

  @Test func derivativesAgreeWithDifferences() {
    let x = Tensor.normal([2, 4, 3, 2], key: Key(1), dtype: .float64)
    let weights = Tensor.normal(x.shape, key: Key(2), dtype: .float64)
    for kind in EvoNorm.Kind.allCases {
      let layer = layer(kind)
      let start = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(0))
      let p = start.parameters.map { name, t in
        t + 0.1 * Tensor.normal(t.shape, key: Key(3).folding(name), dtype: .float64)
      }
      func value(_ p: Parameters, _ x: Tensor) -> Tensor {
        (layer.applyTraining(Variables(parameters: p, state: start.state), x, key: nil).output * weights).sum()
      }
      let direction = p.map { name, t in .normal(t.shape, key: Key(4).folding(name), dtype: .float64) }
      let dx = Tensor.normal(x.shape, key: Key(5), dtype: .float64)
      func along(_ h: Double) -> Double { value(p.map { $1 + h * direction[$0]! }, x + h * dx).scalar }
      let g = grad { (p: Parameters) in value(p, x) }(p)
      let gx = grad { (x: Tensor) in value(p, x) }(x)
      let slope =
        zip(g.leaves, direction.leaves).reduce((gx * dx).sum().scalar) { $0 + ($1.0 * $1.1).sum().scalar }
      #expect(abs((along(1e-6) - along(-1e-6)) / 2e-6 - slope) < 1e-6 * max(1, abs(slope)), "\(kind)")
    }
  }

  @Test func singlePositions() {
    let point = Tensor.normal([3, 4, 1, 1], key: Key(6))
    for kind in EvoNorm.Kind.allCases {
      let layer = layer(kind)
      #expect(training(layer, point).isFinite().all().item(as: Bool.self))
      let start = layer.initialized(for: point.shape, key: Key(0))
      let g = grad { (x: Tensor) in layer.applyTraining(start, x, key: nil).output.sum() }(point)
      #expect(g.isFinite().all().item(as: Bool.self), "\(kind)")
    }
    #expect(EvoNorm.groupCount(channels: 48) == 24 && EvoNorm.groupCount(channels: 7, upTo: 4) == 1)
  }

  @Test func graphsOfKnownLayers() {
    let x = Tensor.normal([3, 4, 3, 3], key: Key(7), dtype: .float64)
    let pairs: [(NormActivationGraph, any Layer)] = [
      (.batchNormReLU(), Sequential([BatchNorm(), Activation.relu])),
      (.groupNormReLU(groups: 2), Sequential([GroupNorm(2), Activation.relu])),
      (.evoNormB0(), EvoNorm(.b0, epsilon: 1e-5)), (.evoNormS0(groups: 2), EvoNorm(.s0, groups: 2)),
    ]
    for (graph, layer) in pairs {
      #expect(graph.nodes.count == 10)
      #expect(training(graph, x).isClose(to: training(layer, x), relative: 1e-5, absolute: 1e-5))
    }
  }
}
