import Foundation
import Soma
import SomaNetworks
import Testing

@testable import SomaLearning

@Suite struct SurrogateNeuronTests {
  private let activations: [Activation] = [
    .relu, try! .parse("where(x>0, x, 0.1*x)", name: "leaky"), try! .named("elu"),
    try! .parse("softplus(x)-log(2)", name: "shifted softplus"),
  ]

  private func data(_ n: Int, _ d: Int, _ seed: Int) -> (x: Tensor, w: Tensor) {
    let keys = Key(seed).split()
    let w = Tensor.normal([d], key: keys[1], dtype: .float64)
    return (.normal([n, d], key: keys[0], dtype: .float64), w / w.norm())
  }

  @Test func gradientOmitsTheSlope() {
    let (x, w) = data(200, 5, 1)
    let y = Tensor.normal([200], key: Key(9), dtype: .float64)
    for f in activations {
      let loss = SurrogateLoss(f)
      let gradient = grad { (w: Tensor) in loss(x.matmul(w), y) }(w)
      let expected = ((f(x.matmul(w)) - y).expandDimensions(at: -1) * x).mean([0])
      #expect(gradient.isClose(to: expected, relative: 1e-12, absolute: 1e-12), "\(f.name)")
      // The antiderivative against a fine trapezoid rule.
      for t in [-2.0, -0.5, 0.7, 3] {
        let grid = Tensor.linspace(0, t, count: 20_001, dtype: .float64)
        let values = f(grid).doubles
        let area = (values.reduce(0, +) - (values[0] + values[20_000]) / 2) * t / 20_000
        #expect(abs(loss.antiderivative(Tensor([t])).scalar - area) < 1e-8 * max(1, abs(area)))
      }
    }
  }

  @Test func surrogateIsConvex() {
    let (x, _) = data(60, 3, 2)
    let y = Tensor.normal([60], key: Key(3), dtype: .float64)
    let pairs = Tensor.normal([1000, 2, 3], deviation: 2, key: Key(4), dtype: .float64)
    for f in activations {
      let loss = SurrogateLoss(f)
      let values = vmap { (pair: Tensor) -> [Tensor] in
        let (u, v) = (pair[0], pair[1])
        return [loss(x.matmul((u + v) * 0.5), y), (loss(x.matmul(u), y) + loss(x.matmul(v), y)) * 0.5]
      }(pairs)
      #expect((values[0] - values[1]).max().scalar <= 1e-9)
    }
  }

  @Test func stationaryPointsAndValues() throws {
    let x = Tensor([1.0, 2, -1], shape: [3, 1])
    let y = Tensor([1, 1, 0.5])
    let gradient = ((Activation.relu(x.matmul(Tensor([0.5]))) - y).expandDimensions(at: -1) * x)
    #expect(gradient.doubles == [-0.5, 0, 0.5])
    #expect(abs(SurrogateLoss(.relu)(Tensor([0.2]), Tensor([0.3])).scalar + 0.04) < 1e-15)
  }

  @Test func realizableDataAreLearned() throws {
    let (x, w) = data(500, 10, 5)
    let fit = try SurrogateNeuron(activation: .relu).fit(x, Activation.relu(x.matmul(w)))
    let gaps = fit.path.map { (Tensor($0) - w).norm().scalar }
    #expect(zip(gaps, gaps.dropFirst()).allSatisfy { $1 <= $0 })
    #expect(gaps.last! < 1e-6)
    #expect(
      SharpnessReading.sharpness(
        .zeros([10], dtype: .float64), reference: w, activation: .relu, x, Activation.relu(x.matmul(w))) > 0.2)
  }

  @Test func rotationsAndScales() throws {
    let (x, w) = data(100, 4, 6)
    let y = Activation.relu(x.matmul(w)) + 0.1 * Tensor.normal([100], key: Key(1), dtype: .float64)
    let q = Tensor.normal([4, 4], key: Key(2), dtype: .float64).qr().q
    let rule = SurrogateNeuron(activation: .relu, stepSize: 0.3, steps: 50)
    let plain = Tensor(try rule.fit(x, y).weights)
    #expect(Tensor(try rule.fit(x.matmul(q), y).weights).isClose(to: plain.matmul(q), relative: 1e-9, absolute: 1e-12))
    var slower = rule
    slower.stepSize = 0.3 / 4
    #expect(Tensor(try slower.fit(2 * x, y).weights).isClose(to: plain / 2, relative: 1e-9, absolute: 1e-12))
  }

  @Test func squaredErrorIsStuckAtZeroAndTheSurrogateIsNot() throws {
    let (x, w) = data(50, 3, 7)
    let y = Activation.relu(x.matmul(w))
    let zero = Tensor.zeros([3], dtype: .float64)
    let squared = grad { (w: Tensor) in (Tensor.select(x.matmul(w) .> 0, x.matmul(w), 0) - y).squared().mean() }(zero)
    #expect(squared.doubles == [0, 0, 0])
    let step = try SurrogateNeuron(activation: .relu, stepSize: 0.5, steps: 1).fit(x, y).weights
    let expected = (0.5 * (y.expandDimensions(at: -1) * x).mean([0])).doubles
    #expect(zip(step, expected).allSatisfy { abs($0 - $1) < 1e-15 })
  }

  @Test func labelsAreCut() throws {
    let (x, w) = data(50, 3, 8)
    let y = Activation.relu(x.matmul(w))
    func weights(_ clip: SurrogateNeuron.LabelClip) throws -> [Double] {
      try SurrogateNeuron(activation: .relu, steps: 20, labelClip: clip).fit(x, y).weights
    }
    #expect(try weights(.at(.infinity)) == weights(.none))
    #expect(try weights(.at(0.1)) != weights(.none))
  }

  @Test func whatIsRefused() {
    let (x, w) = data(20, 2, 9)
    let y = x.matmul(w)
    for name in ["gelu", "sigmoid"] {
      #expect(throws: LearningRuleError.self) { try SurrogateNeuron(activation: .named(name)).fit(x, y) }
    }
    #expect(throws: LearningRuleError.self) { try SurrogateNeuron(activation: .relu).fit(x * Double.nan, y) }
    #expect(throws: LearningRuleError.self) { try SurrogateNeuron(activation: .relu).fit(x, y[0..<3]) }
  }

  @Test func conditionsOfTheGuarantee() {
    let x = Tensor.normal([20_000, 3], key: Key(1), dtype: .float64)
    let margins = SharpnessReading.margins(Tensor([1.0, 0, 0]), x, gammas: [0, 1])
    #expect(abs(margins[0] - 0.5) < 0.03 && margins[1] < margins[0] && margins[1] > 0.1)
    // A Pareto law of exponent 3 by inversion.
    let u = Tensor.uniform([20_000, 1], low: 1e-9, high: 1, key: Key(2), dtype: .float64)
    #expect(abs(SharpnessReading.tailExponent(Tensor([1.0]), u.power(-1.0 / 3)) - 3) < 0.3)
  }

  @Test func unitDerivativeAsALayer() {
    let x = Tensor([-1.0, 2])
    let layer = Activation.relu.withUnitDerivative
    #expect(layer.apply(Variables(), x).doubles == [0, 2])
    #expect(grad { (x: Tensor) in layer.apply(Variables(), x).sum() }(x).doubles == [1, 1])
  }
}
