import Foundation
import Soma
import SomaLearning
import SomaNetworks

/// The smallest learners of exclusive or, restarted many times in one graph. (PReLU: Yet Another Single-Layer Solution to
/// the XOR Problem, Pinto & Tavares 2024, arXiv 2409.10821)
public enum XorModel: String, Sendable, Hashable, CaseIterable {
  /// `PReLU_a(w·x)`, a trained from 0.25: three parameters.
  case prelu
  /// The same with a bias.
  case preluWithBias
  /// `g(w·x + b)`, `g(z) = z cos z`, the growing cosine unit (Noel et al. 2021, arXiv 2108.12943).
  case growingCosine
  /// 2-2-1, sigmoid units.
  case sigmoidNetwork
  /// 2-2-1, ReLU units and a linear output.
  case reluNetwork
  /// `w·x + b`, which cannot succeed.
  case linear

  public var layer: any Layer {
    switch self {
    case .prelu: SingleNeuron(usesBias: false) { z, a in Tensor.select(z .> 0, z, a * z) }
    case .preluWithBias: SingleNeuron(usesBias: true) { z, a in Tensor.select(z .> 0, z, a * z) }
    case .growingCosine: SingleNeuron(usesBias: true, slope: nil) { z, _ in z * z.cos() }
    case .sigmoidNetwork: TinyNetwork(hidden: .sigmoid, output: .sigmoid)
    case .reluNetwork: TinyNetwork(hidden: .relu, output: nil)
    case .linear: SingleNeuron(usesBias: true, slope: nil) { z, _ in z }
    }
  }
}

/// One neuron of two inputs, weights and bias uniform in ±1/√2.
private struct SingleNeuron: Layer {
  var usesBias: Bool
  var slope: Double? = 0.25
  var activation: @Sendable (Tensor, Tensor) -> Tensor

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let range = Initializer.uniform(0.5.squareRoot())
    var z = x.matmul(scope.parameter("weight", [2, 1], range, dtype: x.dtype))
    if usesBias { z = z + scope.parameter("bias", [1], range, dtype: x.dtype) }
    return activation(z, slope.map { scope.parameter("slope", [], .constant($0), dtype: x.dtype) } ?? z)
  }
}

private struct TinyNetwork: Layer {
  var hidden: Activation
  var output: Activation?

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let range = Initializer.uniform(0.5.squareRoot())
    func affine(_ x: Tensor, _ units: Int, _ scope: Scope) -> Tensor {
      x.matmul(scope.parameter("weight", [2, units], range, dtype: x.dtype))
        + scope.parameter("bias", [units], range, dtype: x.dtype)
    }
    let y = affine(hidden(affine(x, 2, scope["0"])), 1, scope["1"])
    return output.map { $0(y) } ?? y
  }
}

/// Success of small models on a Boolean function, by learning rate.
public struct SingleNeuronStudy: Sendable {
  public enum Coding: String, Sendable, Hashable, CaseIterable {
    /// Inputs -1 and 1.
    case bipolar
    /// Inputs 0 and 1.
    case binary
  }
  public enum Rule: String, Sendable, Hashable, CaseIterable {
    case adam, sgd
    var optimizer: any Optimizer { self == .adam ? Adam() : SGD() }
  }
  public struct Result: Sendable, Hashable {
    public let model: XorModel
    public let coding: Coding
    public let rule: Rule
    public let rates: [Double]
    /// The share of restarts with all outputs on the right side of ½, for each rate.
    public let success: [Double]
  }

  public var function: BooleanFunction
  public var coding: Coding
  public var rates: [Double]
  public var restarts: Int
  public var steps: Int

  public init(
    _ function: BooleanFunction = .xor, coding: Coding, rates: [Double] = [1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1],
    restarts: Int = 500, steps: Int = 300
  ) {
    self.function = function
    self.coding = coding
    self.rates = rates
    self.restarts = restarts
    self.steps = steps
  }

  /// The four patterns `[4, 2]` and their targets `[4, 1]`.
  public var patterns: (x: Tensor, y: Tensor) {
    let rows = function.rows(low: coding == .bipolar ? -1 : 0)
    return (Tensor(rows).cast(to: .float32), Tensor(function.values, shape: [4, 1]).cast(to: .float32))
  }

  /// Trains all restarts at all rates together; mean squared error, full batch.
  public func run(
    _ model: XorModel, _ rule: Rule, onProgress: (Double) throws -> Void = { _ in }
  ) throws -> (result: Result, parameters: [Parameters]) {
    let layer = model.layer
    let (x, y) = patterns
    let starts = (0..<restarts).map { layer.initialized(for: [4, 2], key: Key($0).folding("xor")).parameters }
    let members = rates.flatMap { _ in starts }
    let training = try EnsembleTraining(
      members, optimizer: rule.optimizer, learningRates: rates.flatMap { [Double](repeating: $0, count: restarts) }
    ) { member in
      (layer.apply(Variables(parameters: member.parameters), x) - y).squared().mean()
    }
    for step in 0..<steps {
      training.step()
      if step % 50 == 0 { try onProgress(Double(step) / Double(steps)) }
    }
    let outputs = vmap { (p: Parameters) in layer.apply(Variables(parameters: p), x) }(training.stacked)
    let right = ((outputs .> 0.5) .== (y .> 0.5)).reshape([rates.count, restarts, 4]).all([2])
      .cast(to: .float32).mean([1])
    // What is not a number is not above ½: such restarts fail by the two targets of 1.
    return (
      Result(model: model, coding: coding, rule: rule, rates: rates, success: right.doubles), training.members
    )
  }
}

/// How far a single neuron with an activation can separate exclusive or.
public struct XorCapacity: Sendable, Hashable {
  /// `½ (the smaller of one pair - the larger of the other)`, the largest over weights and biases; at most 0: impossible.
  public let margin: Double
  public let weights: [Double]
  public let bias: Double

  /// Looks at all weights and biases on a grid from -6 to 6, 61 points each.
  public init(_ activation: (Tensor) -> Tensor) {
    // All four sums are multiples of the grid's step.
    let points = 30
    let step = 0.2
    let values = activation(Tensor((-3 * points...3 * points).map { Double($0) * step })).doubles
    func f(_ k: Int) -> Double { values[k + 3 * points] }
    var best = (margin: -Double.infinity, w1: 0, w2: 0, b: 0)
    for b in -points...points {
      for w1 in -points...points {
        for w2 in w1...points {
          let (one, other) = ((f(b + w1), f(b + w2)), (f(b), f(b + w1 + w2)))
          let up = min(one.0, one.1) - max(other.0, other.1)
          let down = min(other.0, other.1) - max(one.0, one.1)
          let margin = max(up, down) / 2
          if margin > best.margin { best = (margin, w1, w2, b) }
        }
      }
    }
    margin = best.margin
    weights = [Double(best.w1) * step, Double(best.w2) * step]
    bias = Double(best.b) * step
  }
}
