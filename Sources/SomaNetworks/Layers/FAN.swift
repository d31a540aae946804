import Soma

/// A layer whose units are cosines, sines and an activation: `[cos p ‖ sin p ‖ σ(x W_g + b_g)]`, `p = x W_p + b_p` (Dong et al. 2024,
/// arXiv 2410.02675). Cosines and sines share weights, so that it has fewer parameters than a dense layer of its width.
///
/// Large angles keep their accuracy: the vector library reduces them exactly.
/// - Shape: `[..., inputs]` → `[..., units]`
public struct FANLayer: Layer {
  public var units: Int
  /// The share of units that are cosines; as many are sines.
  public var ratio: Double
  public var activation: Activation
  public var usesBias: Bool
  /// Whether a trained gate weighs the periodic units against the others: `s`, `1 - s`, s the logistic function of γ ~ N(0, 1).
  public var isGated: Bool

  public init(
    _ units: Int, ratio: Double = 0.25, activation: Activation = .gelu, usesBias: Bool = true, isGated: Bool = false
  ) {
    require(ratio > 0 && ratio < 0.5, "the share of cosines lies between 0 and 0.5, not \(ratio)")
    require(Int(ratio * Double(units)) > 0, "of \(units) units, \(ratio) are no whole cosine")
    self.units = units
    self.ratio = ratio
    self.activation = activation
    self.usesBias = usesBias
    self.isGated = isGated
  }

  /// How many units are cosines.
  public var periodic: Int { Int(ratio * Double(units)) }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let p = UniformDense(periodic, usesBias: usesBias)(x, scope["periodic"])
    let g = activation(
      UniformDense(units - 2 * periodic, usesBias: usesBias)(x, scope["plain"]), scope["activation"])
    guard isGated else { return .concatenate([p.cos(), p.sin(), g], axis: x.rank - 1) }
    let s = scope.parameter("gate", [1], .normal(1), dtype: x.dtype).logistic()
    return .concatenate([p.cos() * s, p.sin() * s, g * (1 - s)], axis: x.rank - 1)
  }
}

/// A linear embedding, `layers - 1` FAN layers and a linear map (arXiv 2410.02675).
/// - Shape: `[..., inputs]` → `[..., outputs]`
public struct FAN: Layer {
  public var outputs: Int
  public var width: Int
  public var layers: Int
  public var ratio: Double
  public var activation: Activation
  public var isGated: Bool

  public init(
    outputs: Int = 1, width: Int = 64, layers: Int = 3, ratio: Double = 0.25, activation: Activation = .gelu,
    isGated: Bool = false
  ) {
    require(layers >= 2, "a FAN has an embedding and at least one layer: \(layers) layers are too few")
    self.outputs = outputs
    self.width = width
    self.layers = layers
    self.ratio = ratio
    self.activation = activation
    self.isGated = isGated
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let layer = FANLayer(width, ratio: ratio, activation: activation, isGated: isGated)
    let h = (0..<(layers - 1)).reduce(UniformDense(width)(x, scope["embedding"])) { layer($0, scope[$1]) }
    return UniformDense(outputs)(h, scope["head"])
  }
}

/// A FAN layer in place of a transformer's feed-forward part: `d → hidden` FAN, then a dense map back.
/// - Shape: `[..., d]`, unchanged
public struct FANFeedForward: Layer {
  public var hidden: Int
  public var ratio: Double
  public var isGated: Bool

  public init(hidden: Int, ratio: Double = 0.25, isGated: Bool = true) {
    self.hidden = hidden
    self.ratio = ratio
    self.isGated = isGated
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let h = FANLayer(hidden, ratio: ratio, isGated: isGated)(x, scope["in"])
    return Dense(x.shape.last)(h, scope["out"])
  }
}
