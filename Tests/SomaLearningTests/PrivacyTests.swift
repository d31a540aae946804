import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaLearning

@Suite struct PrivacyTests {
  @Test func temperedSigmoids() {
    let usual = TemperedSigmoid()
    #expect(abs(usual(Tensor([0.5])).scalar - 0.462117157) < 1e-9)
    let slope = grad { (x: Tensor) in usual(x).sum() }(Tensor([0.5])).scalar
    #expect(abs(slope - 0.786447733) < 1e-9)
    let tempered = TemperedSigmoid(scale: 1.58, inverseTemperature: 3, offset: 0.71)
    #expect(abs(tempered(Tensor([1.0])).scalar - 0.79506712) < 1e-8)
    #expect(abs(tempered(Tensor([-1.0])).scalar + 0.63506712) < 1e-8)
    #expect(abs(grad { (x: Tensor) in tempered(x).sum() }(Tensor([1.0])).scalar - 0.214137367) < 1e-9)
    let x = Tensor.linspace(-9, 9, count: 500, dtype: .float64)
    #expect((usual(x) - x.tanh()).abs().max().scalar < 1e-15)
    let narrow = x.cast(to: .float32)
    #expect((usual(narrow) - narrow.tanh()).abs().max().scalar < 1e-7)
    var trained = tempered
    trained.isTrained = true
    let start = trained.initialized(for: TensorType(shape: [500], dtype: .float64), key: Key(0))
    #expect(start.parameters.names == ["scale", "inverseTemperature", "offset"])
    #expect(trained.apply(start, x).isClose(to: tempered(x), relative: 1e-12, absolute: 1e-14))
  }

  @Test func accountant() throws {
    func accountant(_ q: Double, _ sigma: Double) throws -> PrivacyAccountant {
      try PrivacyAccountant(samplingRate: q, noiseMultiplier: sigma)
    }
    let a = try accountant(0.01, 1.1)
    #expect(abs(a.renyi(order: 2) / 1.28510082e-4 - 1) < 1e-8)
    #expect(abs(a.renyi(order: 2) - log1p(1e-4 * (exp(1 / 1.21) - 1))) < 1e-12)
    #expect(abs(a.renyi(order: 8) / 5.8407034e-4 - 1) < 1e-7)
    #expect(abs(try accountant(1, 2).renyi(order: 6) - 0.75) < 1e-12)
    #expect(abs(try accountant(1 - 1e-9, 2).renyi(order: 6) - 0.75) < 1e-6)
    for (q, sigma, steps, classic, improved) in [
      (0.01, 1.1, 1000, 2.0867961, 1.7252908), (256.0 / 60000, 1.1, 14062, 3.0090995, 2.5969812),
      (0.0256, 1, 400, 4.3220064, 3.6965034),
    ] {
      let account = try accountant(q, sigma)
      #expect(abs(try account.epsilon(steps: steps, delta: 1e-5, .classic).epsilon - classic) < 1e-7)
      #expect(abs(try account.epsilon(steps: steps, delta: 1e-5).epsilon - improved) < 1e-7)
    }
    #expect(try a.epsilon(steps: 1000, delta: 1e-5, .classic).order == 10)
    #expect(try a.epsilon(steps: 1000, delta: 1e-5).order == 9)
  }

  @Test func accountantMovesTheRightWay() throws {
    func epsilon(_ q: Double, _ sigma: Double, _ steps: Int) throws -> Double {
      try PrivacyAccountant(samplingRate: q, noiseMultiplier: sigma).epsilon(steps: steps, delta: 1e-5).epsilon
    }
    let base = try epsilon(0.02, 1, 500)
    #expect(try epsilon(0.02, 1.2, 500) < base && epsilon(0.03, 1, 500) > base && epsilon(0.02, 1, 600) > base)
    let sigma = try PrivacyAccountant.noiseMultiplier(epsilon: base, delta: 1e-5, samplingRate: 0.02, steps: 500)
    #expect(abs(sigma - 1) < 1e-6)
    for bad in [(0.0, 1.0), (0.1, 0), (0.1, -1), (2, 1)] {
      #expect(throws: LearningRuleError.self) { try PrivacyAccountant(samplingRate: bad.0, noiseMultiplier: bad.1) }
    }
    #expect(throws: LearningRuleError.self) { try DPSGD(clip: 0, noise: 1, samplingRate: 0.1) }
  }

  private let mlp = MLP(hidden: [6, 5], outputs: 3, activation: .tanh)
  private let cnn = Sequential {
    Convolution(3, [3, 3], strides: [2, 2])
    Activation.tanh
    Convolution(4, [2, 2], padding: .valid, usesBias: false)
    Flatten()
    Dense(3)
  }

  @Test func ghostNormsAreTheNorms() {
    for (network, x) in [
      (mlp as any Layer, Tensor.normal([7, 4], key: Key(1))), (cnn, .normal([7, 2, 7, 6], key: Key(2))),
    ] {
      let y = Tensor((0..<7).map { Int32($0 % 3) })
      let p = network.initialized(for: x.shape, key: Key(3)).parameters
      let weights = Tensor((0..<7).map { Float($0 == 2 ? 0 : 1) })
      #expect(PerExampleGradients.supportsGhost(network, for: TensorType(shape: x.shape, dtype: .float32)))
      let a = PerExampleGradients(network, loss: CrossEntropy(), mode: .vectorized).clippedSum(
        p, x, y, weights: weights, clip: 0.5, key: nil)
      let b = PerExampleGradients(network, loss: CrossEntropy(), mode: .ghost).clippedSum(
        p, x, y, weights: weights, clip: 0.5, key: nil)
      #expect(b.norms.isClose(to: a.norms, relative: 1e-5))
      #expect(b.losses.isClose(to: a.losses, relative: 1e-5))
      for (u, v) in zip(a.sum.leaves, b.sum.leaves) { #expect(v.isClose(to: u, relative: 1e-4, absolute: 1e-6)) }
      // By hand: one example at a time.
      let single = grad { (p: Parameters) in
        CrossEntropy()(network.apply(Variables(parameters: p), x[4..<5]), y[4..<5])
      }(p)
      #expect(abs(gradientNorm(single).scalar - a.norms.doubles[4]) < 1e-5)
    }
    #expect(
      !PerExampleGradients.supportsGhost(
        Sequential([Dense(3), LayerNorm()]), for: TensorType(shape: [2, 4], dtype: .float32)))
  }

  @Test func oneRecordChangesTheSumByItsClip() {
    let x = Tensor.normal([5, 4], deviation: 3, key: Key(4))
    let y = Tensor((0..<5).map { Int32($0 % 3) })
    let p = mlp.initialized(for: [5, 4], key: Key(5)).parameters
    let gradients = PerExampleGradients(mlp, loss: CrossEntropy(), mode: .ghost)
    func sum(_ x: Tensor, _ weights: [Float]) -> [Double] {
      gradients.clippedSum(p, x, y, weights: Tensor(weights), clip: 0.1, key: nil).sum.leaves.flatMap(\.doubles)
    }
    func gap(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    let all = sum(x, [1, 1, 1, 1, 1])
    for i in 0..<5 {
      var weights = [Float](repeating: 1, count: 5)
      weights[i] = 0
      #expect(gap(all, sum(x, weights)) <= 0.1 * (1 + 1e-5))
    }
    let other = Tensor.concatenate([x[0..<4], -5 * x[4..<5]])
    #expect(gap(all, sum(other, [1, 1, 1, 1, 1])) <= 0.2 * (1 + 1e-5))
  }

  private let rows = LabeledData(
    name: "rows", description: "", values: Tensor.normal([40, 4], key: Key(6)).floats, sampleShape: [4],
    target: .classes(labels: (0..<40).map { Int32($0 % 3) }, names: ["a", "b", "c"]))

  @Test func withoutNoiseAndClippingItIsPlainDescent() throws {
    let rule = try DPSGD(clip: .infinity, noise: 0, samplingRate: 1)
    let start = mlp.initialized(for: [2, 4], key: Key(7))
    let fit = try rule.fit(mlp, loss: CrossEntropy(), rows, learningRate: 0.5, steps: 5, start: start)
    var p = start.parameters
    for _ in 0..<5 {
      let g = grad { (p: Parameters) in
        CrossEntropy()(mlp.apply(Variables(parameters: p), rows.features), rows.targets)
      }(p)
      p = p.map { $1 - 0.5 * g[$0]! }
    }
    for (a, b) in zip(fit.variables.parameters.leaves, p.leaves) {
      #expect(a.isClose(to: b, relative: 1e-5, absolute: 1e-6))
    }
    #expect(fit.clippedShares.allSatisfy { $0 == 0 } && fit.lastNorms.count == 40)
  }

  @Test func noiseIsGaussianAndRepeats() throws {
    // A frozen gradient: with a tiny clip the update is the noise.
    let network = MLP(hidden: [300, 300], outputs: 3, activation: .tanh)
    let rule = try DPSGD(clip: 1e-6, noise: 2e6, samplingRate: 1)
    let start = network.initialized(for: [2, 4], key: Key(8))
    func noise() throws -> [Double] {
      let fit = try rule.fit(network, loss: CrossEntropy(), rows, learningRate: 40, steps: 1, seed: 3, start: start)
      return zip(fit.variables.parameters.leaves, start.parameters.leaves).flatMap { ($0 - $1).doubles }
    }
    let a = try noise()
    let n = Double(a.count)
    #expect(n > 9e4)
    let mean = a.reduce(0, +) / n
    let variance = a.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    #expect(abs(mean) < 4 * 2 / n.squareRoot())
    #expect(abs(variance - 4) < 4 * 4 * (2 / n).squareRoot() + 1e-3)
    #expect(try noise() == a)
  }

  @Test func batchStatisticsAreRefused() throws {
    let network = Sequential([Dense(4), BatchNorm(), Dense(3)])
    let error = #expect(throws: LearningRuleError.self) {
      try DPSGD(clip: 1, noise: 1, samplingRate: 0.5).fit(
        network, loss: CrossEntropy(), rows, learningRate: 1, steps: 1)
    }
    #expect(error?.description.contains("1/mean") == true)
  }

  @Test func privateTrainingLearns() throws {
    let digits = Embedded.digits().flattened()
    let rule = try DPSGD(clip: 1, noise: 0.5, samplingRate: 0.1, optimizer: Adam())
    let fit = try rule.fit(
      MLP(hidden: [16], outputs: 10, activation: .tanh), loss: CrossEntropy(), digits, learningRate: 0.02, steps: 40)
    #expect(fit.losses.suffix(5).reduce(0, +) / 5 < 1.2)
  }
}
