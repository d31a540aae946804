import Soma

/// Affine map `y = x W + b`.
/// - Shape: `[..., inputs]` → `[..., units]`
public struct Dense: Layer {
  public var units: Int
  public var usesBias: Bool
  public var initializer: Initializer

  public init(_ units: Int, usesBias: Bool = true, initializer: Initializer = .glorotUniform) {
    self.units = units
    self.usesBias = usesBias
    self.initializer = initializer
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let w = scope.parameter("weight", [x.shape.last, units], initializer, dtype: x.dtype)
    guard usesBias else { return x.matmul(w) }
    return x.matmul(w) + scope.parameter("bias", [units], .zeros, dtype: x.dtype)
  }
}
