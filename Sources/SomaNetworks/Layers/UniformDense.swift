import Soma

/// An affine map whose weights and biases begin uniform in ±1/√inputs. On few inputs it spreads the places where units bend; with all
/// biases at zero every unit of a first layer would bend at the same place.
/// - Shape: `[..., inputs]` → `[..., units]`
public struct UniformDense: Layer {
  public var units: Int
  public var usesBias: Bool

  public init(_ units: Int, usesBias: Bool = true) {
    self.units = units
    self.usesBias = usesBias
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let bound = 1 / Double(max(1, x.shape.last)).squareRoot()
    let y = x.matmul(scope.parameter("weight", [x.shape.last, units], .uniform(bound), dtype: x.dtype))
    return usesBias ? y + scope.parameter("bias", [units], .uniform(bound), dtype: x.dtype) : y
  }
}
