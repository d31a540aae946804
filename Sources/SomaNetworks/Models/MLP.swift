import Soma

/// Dense layers with an activation between them; inputs of any shape are flattened.
/// - Shape: `[n, …]` → `[n, outputs]`
public struct MLP: Layer {
  public var hidden: [Int]
  public var outputs: Int
  public var activation: Activation
  public var dropout: Double

  public init(hidden: [Int] = [64, 64], outputs: Int, activation: Activation = .relu, dropout: Double = 0) {
    self.hidden = hidden
    self.outputs = outputs
    self.activation = activation
    self.dropout = dropout
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    // A pair of inputs becomes one output; neighbours that change places have to be even in number.
    let (factor, multiple) = (activation.takesPair ? 2 : 1, activation.exchangesNeighbours ? 2 : 1)
    var h = x.rank == 1 ? x.reshape([x.count, 1]) : x.flattened(from: 1)
    for (i, units) in hidden.enumerated() {
      h = Dense((units + units % multiple) * factor, initializer: .heNormal)(h, scope[i])
      h = activation(h, scope["activation\(i)"])
      if dropout > 0 { h = Dropout(dropout)(h, scope["dropout\(i)"]) }
    }
    return Dense(outputs)(h, scope["head"])
  }
}
