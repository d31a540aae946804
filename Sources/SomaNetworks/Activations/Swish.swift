import Soma

extension Activation {
  /// How the slope inside Swish is had.
  public enum SwishSlope: Sendable, Hashable {
    case fixed(Double)
    /// One number for each layer, or for each channel.
    case trainable(start: Double = 1, perChannel: Bool)
  }

  /// `x σ(βx)` (Ramachandran, Zoph & Le 2017, arXiv 1710.05941): `x/2` at `β = 0`, SiLU at 1, ReLU as `β` grows.
  /// - Throws: `ActivationError` if `β` is not finite.
  public static func swish(_ slope: SwishSlope = .trainable(perChannel: false)) throws(ActivationError) -> Activation {
    switch slope {
    case .fixed(1): silu
    case .fixed(let beta): try named("swish", ["a": beta]).training([], sharing: .perLayer)
    case .trainable(let start, let perChannel):
      try named("swish", ["a": start]).training(["a"], sharing: perChannel ? .perChannel : .perLayer)
    }
  }
}
