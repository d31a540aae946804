import Foundation
import Soma
import SomaLearning
import SomaNetworks

extension Workload {
  /// A product of square matrices, nothing trained.
  static let gemm = Workload(name: "gemm", summary: "product of two 2048×2048 matrices") { initial in
    let make = { (key: Key) in key.split().map { Tensor.normal([2048, 2048], key: $0) } }
    let inputs = try initial?.inputs(like: make) ?? make(Key(0))
    return Prepared(state: WorkloadState(), inputs: inputs) { state, inputs in
      (state, [inputs[0].matmul(inputs[1])])
    }
  }

  static let tinyMLP = training(
    "tiny-mlp", "2-32-32-1, tanh, 64 samples, mean squared error, Adam",
    network: Sequential {
      Dense(32)
      Activation.tanh
      Dense(32)
      Activation.tanh
      Dense(1)
    },
    optimizer: Adam(), learningRate: 1e-3,
    inputs: { key in
      let keys = key.split()
      return [.normal([64, 2], key: keys[0]), .normal([64, 1], key: keys[1])]
    },
    objective: { network, inputs in (network(inputs[0]) - inputs[1]).squared().mean() })

  static let mlp = training(
    "mlp", "784-256-256-10, Mish, 128 samples, cross-entropy, Adam",
    network: Sequential {
      Dense(256)
      Activation.mish
      Dense(256)
      Activation.mish
      Dense(10)
    },
    optimizer: Adam(), learningRate: 1e-3,
    inputs: { classified([128, 784], classes: 10, key: $0) { .normal($0, key: $1) } },
    objective: crossEntropy)

  /// What `kan` is measured against: as many multiplications as it would have with all of its splines.
  static let kanMLP = training(
    "kan-mlp", "784-576-10, SiLU, 128 samples, cross-entropy, Adam: as many weights as kan has",
    network: Sequential {
      Dense(576)
      Activation.silu
      Dense(10)
    },
    optimizer: Adam(), learningRate: 1e-3,
    inputs: { classified([128, 784], classes: 10, key: $0) { .normal($0, key: $1) } },
    objective: crossEntropy)

  static let kan = training(
    "kan", "Kolmogorov-Arnold network 784-64-10, cubic splines on 5 intervals, 128 samples, cross-entropy, Adam",
    network: Sequential {
      SplineLayer(64)
      SplineLayer(10)
    },
    optimizer: Adam(), learningRate: 1e-3,
    inputs: { classified([128, 784], classes: 10, key: $0) { .uniform($0, low: -1, high: 1, key: $1) } },
    objective: crossEntropy)

  /// The residual of Burgers' equation `u_t + u u_x - ν u_xx`, ν = 0.01/π, for points (x, t) (Raissi, Perdikaris,
  /// Karniadakis 2017, arXiv:1711.10561).
  static let pinn = training(
    "pinn", "Burgers' residual of 2-64-64-64-64-1, tanh, 2048 points, second derivatives, Adam",
    network: Sequential {
      for _ in 0..<4 {
        Dense(64)
        Activation.tanh
      }
      Dense(1)
    },
    optimizer: Adam(), learningRate: 1e-3,
    inputs: { [.uniform([2048, 2], key: $0)] },
    objective: { network, inputs in
      let points = inputs[0]
      let alongX = Tensor([1, 0] as [Float]).broadcast(to: points.shape)
      // No sample depends on another, so the gradient of the sum holds every sample's own.
      let (first, second) = withoutActuallyEscaping(network) { network in
        jvp(points, tangent: alongX, grad { (points: Tensor) in network(points).sum() })
      }
      let (ux, ut, uxx) = (first[.all, 0], first[.all, 1], second[.all, 0])
      return (ut + network(points)[.all, 0] * ux - uxx * (0.01 / Double.pi)).squared().mean()
    })

  /// An image as a function of the place (Sitzmann et al. 2020, arXiv:2006.09661).
  static let siren = training(
    "siren", "2-128-128-128-128-3, sin(30 x), 65536 pixels, mean squared error, Adam",
    network: Sequential {
      for _ in 0..<4 { SineLayer(128, frequency: 30) }
      Dense(3)
    },
    optimizer: Adam(), learningRate: 1e-3,
    inputs: { key in
      let keys = key.split()
      return [.uniform([65536, 2], low: -1, high: 1, key: keys[0]), .uniform([65536, 3], key: keys[1])]
    },
    objective: { network, inputs in (network(inputs[0]) - inputs[1]).squared().mean() })

  static let resnet8 = training(
    "resnet8", "ResNet-8, 64 images 3×32×32, batch normalization, cross-entropy, momentum",
    network: ResNet.depth(8, outputs: 10)!,
    optimizer: SGD(momentum: 0.9), learningRate: 0.1,
    inputs: { classified([64, 3, 32, 32], classes: 10, key: $0) { .normal($0, key: $1) } },
    objective: crossEntropy)

  static let gptChar = training(
    "gpt-char", "transformer of 4 layers, width 128, 4 heads, 16 texts of 128 symbols out of 256, AdamW",
    network: GPT(vocabulary: 256, context: 128, width: 128, heads: 4, layers: 4),
    optimizer: AdamW(), learningRate: 1e-3,
    inputs: {
      classified([16, 128], labels: [16, 128], classes: 256, key: $0) { .randomIntegers($0, in: 0..<256, key: $1) }
    },
    objective: crossEntropy)

  /// Features made by `features`, and a random class for each sample.
  private static func classified(
    _ shape: Shape, labels: Shape? = nil, classes: Int, key: Key, _ features: (Shape, Key) -> Tensor
  ) -> [Tensor] {
    let keys = key.split()
    return [features(shape, keys[0]), .randomIntegers(labels ?? [shape[0]], in: 0..<classes, key: keys[1])]
  }

  private static let crossEntropy: @Sendable ((Tensor) -> Tensor, [Tensor]) -> Tensor = { network, inputs in
    let terms = CrossEntropy().terms(network(inputs[0]), inputs[1])
    return terms.values.sum() / terms.weight
  }
}

/// `sin(ω (x W + b))`
private struct SineLayer: Layer {
  var units: Int
  var frequency: Double

  init(_ units: Int, frequency: Double) {
    self.units = units
    self.frequency = frequency
  }

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor { (Dense(units).forward(x, scope) * frequency).sin() }
}

/// A function of its own on every edge: `y = silu(x) W + B(x) C`, `B` the cubic B-splines on a uniform grid over -1 … 1
/// (Liu et al. 2024, arXiv:2404.19756), of which four are not zero at a place.
/// - Shape: `[n, inputs]` → `[n, units]`
private struct SplineLayer: Layer {
  var units: Int
  var grid = BSpline(intervals: 5)

  init(_ units: Int) { self.units = units }

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let inputs = x.shape.last
    let base = scope.parameter("base", [inputs, units], .normal(0.02))
    let spline = scope.parameter("spline", [inputs * grid.count, units], .normal(0.02))
    let knots = Tensor(grid.knots).cast(to: x.dtype).broadcast(to: [inputs, grid.knots.count])
    return Activation.silu(x).matmul(base)
      + x.splineSum(knots: knots, coefficients: spline.reshape([inputs, grid.count, units]), order: grid.order)
  }
}
