import Soma

/// ReLU forward; backward the gradient passes where `z > -α` instead of where `z > 0`, so that a unit just below zero can come
/// back, while the network that is used is a plain ReLU network. `α = 0` is ReLU, `α = ∞` passes every gradient. Second
/// derivatives are zero: the mask counts as a constant.
/// - Shape: `[…]` → `[…]`
/// - Source: Kimhi, Kashani, Mendelson & Baskin 2024, arXiv 2411.10573
public struct HeLU: Layer {
  public var alpha: Double

  /// - Parameter alpha: not negative
  public init(alpha: Double = 0.05) {
    require(alpha >= 0, "HeLU wants α ≥ 0, not \(alpha)")
    self.alpha = alpha
  }

  /// What it computes when nothing is trained.
  public var inference: Activation { .relu }

  public func callAsFunction(_ z: Tensor) -> Tensor {
    let limit = -alpha
    return withPushforward(
      "helu", [z], { [Activation.relu($0[0])] },
      pushforward: { inputs, _, tangents in
        let mask = (inputs[0] .> limit).cast(to: inputs[0].dtype)
        return [tangents[0] * mask]
      })[0]
  }

  public func forward(_ z: Tensor, _ scope: Scope) -> Tensor { self(z) }
}
