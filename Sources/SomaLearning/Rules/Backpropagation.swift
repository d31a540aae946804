import Foundation

/// A small feed-forward network on paper, trained by back-propagation (Rumelhart, Hinton, Williams 1986), with every number
/// of every step: `aˡ = Wˡ yˡ⁻¹ + bˡ`, `yˡ = f(aˡ)`, `E = ½ Σ (t - y)²`; `δᴸ = (y - t) f'(a)`, `δˡ = (Wˡ⁺¹)ᵀ δˡ⁺¹ f'(aˡ)`;
/// `∂E/∂Wˡ = δˡ (yˡ⁻¹)ᵀ`, `∂E/∂bˡ = δˡ`; `V ← μ V - η ∂E/∂W`, `W ← W + V`.
public struct Backpropagation: Sendable {
  public struct Layer: Sendable, Hashable {
    /// One row for each unit.
    public var weights: [[Double]]
    public var biases: [Double]
    public var activation: McCullochPitts.Activation

    public init(weights: [[Double]], biases: [Double], activation: McCullochPitts.Activation = .logistic) {
      self.weights = weights
      self.biases = biases
      self.activation = activation
    }
  }

  /// All numbers of one layer for one pattern.
  public struct LayerTrace: Sendable, Hashable {
    public let sums: [Double]
    public let outputs: [Double]
    public let deltas: [Double]
    public let weightGradient: [[Double]]
    public let biasGradient: [Double]
  }

  public struct Step: Sendable {
    public let epoch: Int
    public let input: [Double]
    public let target: [Double]
    public let error: Double
    public let layers: [LayerTrace]
    /// The network after the update; in batch mode, the one before.
    public let network: [Layer]
  }

  public struct Fit: Sendable {
    public var network: [Layer]
    public var epochs: Int
    public var isDone: Bool
    /// `½ mean Σ (t - y)²` of each epoch.
    public var errors: [Double]
    public var trace: [Step]
  }

  public var mode: DeltaRule.Mode
  public var learningRate: Double
  /// μ
  public var momentum: Double
  public var updatesBiases: Bool
  public var maximumEpochs: Int
  /// Ends where the error is below.
  public var tolerance: Double

  public init(
    mode: DeltaRule.Mode = .pattern, learningRate: Double = 0.5, momentum: Double = 0, updatesBiases: Bool = true,
    maximumEpochs: Int = 1000, tolerance: Double = 1e-3
  ) {
    self.mode = mode
    self.learningRate = learningRate
    self.momentum = momentum
    self.updatesBiases = updatesBiases
    self.maximumEpochs = maximumEpochs
    self.tolerance = tolerance
  }

  /// Weights and biases uniform in ±½.
  public static func start(
    _ widths: [Int], activation: McCullochPitts.Activation = .logistic,
    using generator: inout some RandomNumberGenerator
  ) -> [Layer] {
    zip(widths, widths.dropFirst()).map { inputs, units in
      Layer(
        weights: (0..<units).map { _ in (0..<inputs).map { _ in Double.random(in: -0.5...0.5, using: &generator) } },
        biases: (0..<units).map { _ in Double.random(in: -0.5...0.5, using: &generator) }, activation: activation)
    }
  }

  public static func output(_ network: [Layer], _ x: [Double]) -> [Double] {
    network.reduce(x) { y, layer in
      zip(layer.weights, layer.biases).map { row, bias in
        layer.activation(zip(row, y).reduce(bias) { $0 + $1.0 * $1.1 })
      }
    }
  }

  /// Forward and backward for one pattern.
  public static func traced(_ network: [Layer], _ x: [Double], _ t: [Double]) -> (error: Double, layers: [LayerTrace]) {
    var inputs = [x]
    var sums: [[Double]] = []
    for layer in network {
      let a = zip(layer.weights, layer.biases).map { row, bias in
        zip(row, inputs.last!).reduce(bias) { $0 + $1.0 * $1.1 }
      }
      sums.append(a)
      inputs.append(a.map { layer.activation($0) })
    }
    let y = inputs.last!
    let error = zip(t, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 2
    var deltas = zip(y, t).map { y, t in (y - t) * network.last!.activation.derivative(ofValue: y) }
    var layers: [LayerTrace] = []
    for l in network.indices.reversed() {
      layers.append(
        LayerTrace(
          sums: sums[l], outputs: inputs[l + 1], deltas: deltas,
          weightGradient: deltas.map { d in inputs[l].map { d * $0 } }, biasGradient: deltas))
      guard l > 0 else { break }
      deltas = inputs[l].indices.map { k in
        zip(network[l].weights, deltas).reduce(0) { $0 + $1.0[k] * $1.1 }
          * network[l - 1].activation.derivative(ofValue: inputs[l][k])
      }
    }
    return (error, layers.reversed())
  }

  /// - Throws: `LearningRuleError` for shapes that do not fit, or a learning rate that is not above zero.
  public func fit(
    _ network: [Layer], _ x: [[Double]], _ t: [[Double]], order: ((Int) -> [Int])? = nil, traces: Bool = false
  ) throws -> Fit {
    guard learningRate > 0, learningRate.isFinite else {
      throw LearningRuleError("the learning rate \(learningRate) is not above zero")
    }
    guard !network.isEmpty, x.count == t.count, !x.isEmpty,
      zip(network, network.dropFirst()).allSatisfy({ a, b in b.weights.allSatisfy { $0.count == a.weights.count } }),
      x.allSatisfy({ $0.count == network[0].weights[0].count }),
      t.allSatisfy({ $0.count == network.last!.weights.count })
    else { throw LearningRuleError("the patterns, the targets and the layers do not fit each other") }
    var fit = Fit(network: network, epochs: 0, isDone: false, errors: [], trace: [])
    var velocity = network.map { layer in
      (weights: layer.weights.map { $0.map { _ in 0.0 } }, biases: layer.biases.map { _ in 0.0 })
    }
    let n = Double(x.count)
    func update(_ gradients: [(weights: [[Double]], biases: [Double])]) {
      for l in fit.network.indices {
        for u in fit.network[l].weights.indices {
          for k in fit.network[l].weights[u].indices {
            velocity[l].weights[u][k] = momentum * velocity[l].weights[u][k] - learningRate * gradients[l].weights[u][k]
            fit.network[l].weights[u][k] += velocity[l].weights[u][k]
          }
          guard updatesBiases else { continue }
          velocity[l].biases[u] = momentum * velocity[l].biases[u] - learningRate * gradients[l].biases[u]
          fit.network[l].biases[u] += velocity[l].biases[u]
        }
      }
    }
    for epoch in 0..<maximumEpochs {
      var total = 0.0
      var sums = network.map { layer in
        (weights: layer.weights.map { $0.map { _ in 0.0 } }, biases: layer.biases.map { _ in 0.0 })
      }
      for i in order?(epoch) ?? Array(x.indices) {
        let (error, layers) = Self.traced(fit.network, x[i], t[i])
        total += error
        if mode == .pattern {
          update(layers.map { ($0.weightGradient, $0.biasGradient) })
        } else {
          for l in layers.indices {
            for u in layers[l].biasGradient.indices {
              sums[l].biases[u] += layers[l].biasGradient[u] / n
              for k in layers[l].weightGradient[u].indices {
                sums[l].weights[u][k] += layers[l].weightGradient[u][k] / n
              }
            }
          }
        }
        if traces {
          fit.trace.append(
            Step(epoch: epoch, input: x[i], target: t[i], error: error, layers: layers, network: fit.network))
        }
      }
      if mode == .batch { update(sums) }
      fit.epochs = epoch + 1
      fit.errors.append(total / n)
      if total / n < tolerance {
        fit.isDone = true
        break
      }
    }
    return fit
  }
}
