import Soma

/// What a feed-forward block did with tokens: `y = Σ hᵢ W_out[i] + b`.
public struct FeedForwardActivity: Sendable {
  /// The block's place in its network.
  public var path: String
  /// `[…, t, d]`; positions along t are neighbours.
  public var inputs: Tensor
  /// h, `[…, t, units]`
  public var activations: Tensor
  /// `W_out`, `[units, d']`
  public var outputWeight: Tensor

  public init(path: String, inputs: Tensor, activations: Tensor, outputWeight: Tensor) {
    self.path = path
    self.inputs = inputs
    self.activations = activations
    self.outputWeight = outputWeight
  }
}
