import Foundation
import Soma
import SomaNetworks
import Testing

@testable import SomaLearning

/// Hand calculations (system 134).
@Suite struct NeuronRuleTests {
  private let rows = BooleanFunction.and.rows()

  @Test func gatesByHand() {
    let tables: [(McCullochPitts, [Double])] = [
      (.and, [0, 0, 0, 1]), (.or, [0, 1, 1, 1]), (.nand, [1, 1, 1, 0]), (.nor, [1, 0, 0, 0]),
    ]
    for (neuron, values) in tables { #expect(rows.map { neuron($0) } == values) }
    #expect(McCullochPitts.not([0]) == 1 && McCullochPitts.not([1]) == 0)
    #expect(rows.map { McCullochPitts.xor($0) } == [0, 1, 1, 0])
    #expect(McCullochPitts.and.boundary == .line(slope: -1, intercept: 1.5))
    #expect(McCullochPitts(weights: [2, 0], bias: 1).boundary == .vertical(-0.5))
    #expect(McCullochPitts(weights: [0, 0], bias: 1).boundary == .none)
    #expect(rows.map { McCullochPitts(weights: [1, 1], threshold: 1.5)($0) } == [0, 0, 0, 1])
  }

  @Test func perceptronLearnsAndInSixEpochs() throws {
    let fit = try PerceptronRule(learningRate: 0.5).fit(rows, BooleanFunction.and.values, traces: true)
    #expect(fit.isDone && fit.epochs == 6)
    #expect(fit.neuron.weights == [1, 0.5] && fit.neuron.bias == -1.5)
    #expect(fit.trace.count == 24)
  }

  @Test func perceptronNeverLearnsExclusiveOr() throws {
    let fit = try PerceptronRule(maximumEpochs: 200).fit(rows, BooleanFunction.xor.values)
    #expect(!fit.isDone && fit.warnings.count == 1)
    var separable = 0
    for function in BooleanFunction.ofTwo {
      let isSeparable = PerceptronRule.isSeparable(rows, function.values)
      separable += isSeparable ? 1 : 0
      #expect(try PerceptronRule(maximumEpochs: 200).fit(rows, function.values).isDone == isSeparable, "\(function)")
    }
    #expect(separable == 14)
  }

  @Test func deltaRuleEndsAtLeastSquares() throws {
    let rule = DeltaRule(learningRate: 1, maximumEpochs: 20_000)
    let and = try rule.fit(rows, BooleanFunction.and.values).neuron
    let xor = try rule.fit(rows, BooleanFunction.xor.values).neuron
    for (a, b) in zip(and.weights + [and.bias], [0.5, 0.5, -0.25]) { #expect(abs(a - b) < 1e-9) }
    for (a, b) in zip(xor.weights + [xor.bias], [0, 0, 0.5]) { #expect(abs(a - b) < 1e-9) }
    #expect(abs(DeltaRule.stabilityLimit(rows) - 1.25543735) < 1e-8)
    func last(_ rate: Double) throws -> Double {
      try DeltaRule(learningRate: rate, maximumEpochs: 8000).fit(rows, BooleanFunction.and.values).errors.last!
    }
    #expect(abs(try last(1.25) - 1.0 / 32) < 1e-6)
    #expect(try last(1.26) > 1e6)
    #expect(throws: LearningRuleError.self) { try DeltaRule(learningRate: 0).fit(rows, [0, 0, 0, 1]) }
    #expect(try DeltaRule(activation: .logistic, learningRate: 1).fit(rows, [0, 0, 0, 2]).warnings.count == 1)
  }

  private let worked = [
    Backpropagation.Layer(weights: [[0.15, 0.20], [0.25, 0.30]], biases: [0.35, 0.35]),
    Backpropagation.Layer(weights: [[0.40, 0.45], [0.50, 0.55]], biases: [0.60, 0.60]),
  ]

  @Test func workedExample() throws {
    let (error, layers) = Backpropagation.traced(worked, [0.05, 0.10], [0.01, 0.99])
    func check(_ a: [Double], _ b: [Double], _ digits: Double = 1e-9) {
      for (a, b) in zip(a, b) { #expect(abs(a - b) < digits) }
    }
    check(layers[0].outputs, [0.593269992, 0.596884378])
    check(layers[1].outputs, [0.751365070, 0.772928465])
    check([error], [0.298371109])
    for (updatesBiases, after) in [(false, 0.291027774), (true, 0.280471447)] {
      let rule = Backpropagation(updatesBiases: updatesBiases, maximumEpochs: 1, tolerance: 0)
      let fit = try rule.fit(worked, [[0.05, 0.10]], [[0.01, 0.99]])
      check(fit.network[1].weights.flatMap { $0 }, [0.35891648, 0.40866619, 0.51130127, 0.56137012], 1e-8)
      check(fit.network[0].weights.flatMap { $0 }, [0.14978072, 0.19956143, 0.24975114, 0.29950229], 1e-8)
      check([Backpropagation.traced(fit.network, [0.05, 0.10], [0.01, 0.99]).error], [after])
    }
  }

  @Test(arguments: [McCullochPitts.Activation.linear, .logistic, .tanh]) func traceIsTheGradient(
    _ activation: McCullochPitts.Activation
  ) {
    var generator = SystemRandomNumberGenerator()
    for depth in 1...4 {
      let widths = [3, 4, 2, 5, 2].suffix(depth + 1).map { $0 }
      let network = Backpropagation.start(widths, activation: activation, using: &generator)
      let x = (0..<widths[0]).map { _ in Double.random(in: -1...1, using: &generator) }
      let t = (0..<widths[depth]).map { _ in Double.random(in: 0...1, using: &generator) }
      let parameters = network.flatMap { [Tensor($0.weights), Tensor($0.biases)] }
      let gradient = grad { (p: [Tensor]) -> Tensor in
        var y = Tensor(x)
        for l in 0..<depth {
          let a = p[2 * l].matmul(y) + p[2 * l + 1]
          switch activation {
          case .logistic: y = a.logistic()
          case .tanh: y = a.tanh()
          case .linear, .step, .bipolarStep: y = a
          }
        }
        return 0.5 * (Tensor(t) - y).squared().sum()
      }(parameters)
      let layers = Backpropagation.traced(network, x, t).layers
      for l in 0..<depth {
        #expect(Tensor(layers[l].weightGradient).isClose(to: gradient[2 * l], relative: 1e-12, absolute: 1e-12))
        #expect(Tensor(layers[l].biasGradient).isClose(to: gradient[2 * l + 1], relative: 1e-12, absolute: 1e-12))
      }
    }
  }

  @Test func modesAndMomentum() throws {
    func end(_ mode: DeltaRule.Mode, _ momentum: Double) throws -> [Backpropagation.Layer] {
      try Backpropagation(mode: mode, momentum: momentum, maximumEpochs: 5, tolerance: 0).fit(
        worked, [[0.05, 0.10]], [[0.01, 0.99]]
      ).network
    }
    let (a, b) = (try end(.pattern, 0), try end(.batch, 0))
    for (p, q) in zip(a, b) {
      for (u, v) in zip(p.weights.flatMap { $0 }, q.weights.flatMap { $0 }) { #expect(abs(u - v) < 1e-15) }
    }
    // Plain descent by hand.
    var plain = worked
    for _ in 0..<5 {
      let layers = Backpropagation.traced(plain, [0.05, 0.10], [0.01, 0.99]).layers
      for l in 0..<2 {
        for u in 0..<2 {
          for k in 0..<2 { plain[l].weights[u][k] -= 0.5 * layers[l].weightGradient[u][k] }
          plain[l].biases[u] -= 0.5 * layers[l].biasGradient[u]
        }
      }
    }
    #expect(plain == a)
    #expect(try end(.pattern, 0.9) != a)
  }
}
