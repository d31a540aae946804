import Soma

/// Dense layers with an activation between them; inputs of any shape are flattened.
/// - Shape: `[n, …]` → `[n, outputs]`
public struct MLP: Layer {
  public var hidden: [Int]
  public var outputs: Int
  public var activation: Activation
  public var dropout: Double
  /// Instead of the activation: for each hidden layer an operator with trained scales.
  public var operators: [SparseOperator]?

  public init(
    hidden: [Int] = [64, 64], outputs: Int, activation: Activation = .relu, dropout: Double = 0,
    operators: [SparseOperator]? = nil
  ) {
    require(
      operators.map { $0.count == hidden.count } ?? true,
      "\(operators?.count ?? 0) operators for \(hidden.count) hidden layers")
    self.hidden = hidden
    self.outputs = outputs
    self.activation = activation
    self.dropout = dropout
    self.operators = operators
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    // A pair of inputs becomes one output; neighbours that change places have to be even in number.
    let (factor, multiple) = (activation.takesPair ? 2 : 1, activation.exchangesNeighbours ? 2 : 1)
    var h = x.rank == 1 ? x.reshape([x.count, 1]) : x.flattened(from: 1)
    for (i, units) in hidden.enumerated() {
      h = Dense((units + units % multiple) * factor, initializer: .heNormal)(h, scope[i])
      let own = scope["activation\(i)"]
      h = operators.map { ScaledOperator($0[i], isTrained: true)(h, own) } ?? activation(h, own)
      if dropout > 0 { h = Dropout(dropout)(h, scope["dropout\(i)"]) }
    }
    return Dense(outputs)(h, scope["head"])
  }
}
