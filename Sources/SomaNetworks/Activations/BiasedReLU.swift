import Soma

/// `max(0, x - m)`, `m` the mean of an example's units in the layer (average biased ReLU, Dubey & Chakraborty 2021, arXiv 1804.02051).
/// The gradient goes through the mean.
/// - Shape: `[n, …]` → the same
public struct AverageBiasedReLU: Layer {
  public init() {}

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let axes = x.rank > 1 ? Array(1..<x.rank) : [0]
    return Activation.relu(x - x.mean(axes, keepsAxes: true))
  }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { self(x) }
}
