import Soma

/// The signs of a network's weights: how much of it excites, how much inhibits.
public struct SignStructure: Sendable, Hashable {
  public struct Entry: Sendable, Hashable {
    public let name: String
    public let count: Int
    /// The share of weights below zero.
    public let negativeShare: Double
    /// `Σ|W⁻| / Σ|W|`
    public let inhibition: Double
  }
  public let entries: [Entry]

  /// - `isWeight`: which parameters count; by default those with more than one axis.
  public init(_ parameters: Parameters, isWeight: (String, Tensor) -> Bool = { $1.rank > 1 }) {
    entries = zip(parameters.names, parameters.leaves).filter(isWeight).map { name, tensor in
      let values = tensor.doubles
      let negative = values.filter { $0 < 0 }
      let total = values.reduce(0) { $0 + abs($1) }
      return Entry(
        name: name, count: values.count, negativeShare: Double(negative.count) / Double(max(values.count, 1)),
        inhibition: total > 0 ? -negative.reduce(0, +) / total : 0)
    }
  }
}

extension Layer {
  /// Whether the network keeps the order of its inputs, by the signs of its paths or a pair that shows it does not.
  /// - `shape`: of an input, batch axis first
  public func orderPreservation(
    _ variables: Variables, for shape: Shape, range: ClosedRange<Double> = -2...2, key: Key = Key(0)
  ) -> OrderPreservation {
    OrderPreservation(shape, range: range, key: key) { self.apply(variables, $0) }
  }

  /// In which inputs the network is certainly non-decreasing: for each element of a sample, whether no output can fall
  /// while it rises.
  public func monotoneInputs(_ variables: Variables, for shape: Shape) -> [Bool] {
    let sample = Shape([1] + shape.dimensions.dropFirst())
    let graph = Graph(tracing: [TensorType(shape: sample)]) { [apply(variables, $0[0])] }
    return (0..<sample.elementCount).map { i in
      let moving = Tensor((0..<sample.elementCount).map { Float($0 == i ? 1 : 0) }, shape: sample)
      return graph.movement(moving: moving)[0].isNonDecreasing
    }
  }
}

/// A classifier or regressor whose weights are at or above zero and whose activations never decrease: it keeps the order
/// of its inputs, and cannot do anything else. (Wang et al. 2022, "Why do networks have inhibitory/negative connections?",
/// arXiv 2208.03211)
/// - Shape: `[n, d]` → `[n, outputs]`
public struct NonNegativeMLP: Layer {
  public let network: Constrained

  /// - `force`: whether activations that decrease somewhere are allowed.
  /// - Throws: `NeuronError` for an activation that decreases somewhere.
  public init(
    hidden: [Int], outputs: Int, activation: Activation = .relu,
    form: ParameterConstraint.NonNegativeForm = .projection, force: Bool = false
  ) throws {
    if !force {
      let values = activation(Tensor.linspace(-12, 12, count: 4801, dtype: .float64)).doubles
      guard zip(values, values.dropFirst()).allSatisfy({ $1 - $0 >= -1e-9 }) else {
        throw NeuronError(
          "\(activation.name) decreases somewhere, so the network would not keep the order; force it if wanted")
      }
    }
    network = Constrained(
      MLP(hidden: hidden, outputs: outputs, activation: activation), .nonNegative(form))
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { network.forward(x, scope) }
}
