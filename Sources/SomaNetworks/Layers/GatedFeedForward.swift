import Soma

/// `(g(x U) ⊙ x V) W`, the gate by any activation: sigmoid for GLU, relu for ReGLU, gelu for GEGLU, silu for SwiGLU.
/// Both
/// inner maps are one product. (Shazeer 2020, arXiv 2002.05202)
/// - Shape: `[…, d]` → `[…, units]`
public struct GatedFeedForward: Layer {
  public var hidden: Int
  public var units: Int?
  public var gate: Activation
  public var usesBias: Bool

  /// - `units`: the input's last axis if nil.
  public init(hidden: Int, units: Int? = nil, gate: Activation = .silu, usesBias: Bool = false) {
    self.hidden = hidden
    self.units = units
    self.gate = gate
    self.usesBias = usesBias
  }

  public static func glu(hidden: Int) -> GatedFeedForward { GatedFeedForward(hidden: hidden, gate: .sigmoid) }
  public static func reglu(hidden: Int) -> GatedFeedForward { GatedFeedForward(hidden: hidden, gate: .relu) }
  public static func geglu(hidden: Int) -> GatedFeedForward { GatedFeedForward(hidden: hidden, gate: .gelu) }
  public static func swiglu(hidden: Int) -> GatedFeedForward { GatedFeedForward(hidden: hidden, gate: .silu) }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let parts = Dense(2 * hidden, usesBias: usesBias)(x, scope["in"]).split(2, axis: -1)
    return Dense(units ?? x.shape.last, usesBias: usesBias)(gate(parts[0], scope["gate"]) * parts[1], scope["out"])
  }
}

/// `f(x U + a) V + b`
/// - Shape: `[…, d]` → `[…, units]`
public struct FeedForward: Layer {
  public var hidden: Int
  public var units: Int?
  public var activation: Activation
  public var usesBias: Bool

  /// - `units`: the input's last axis if nil.
  public init(hidden: Int, units: Int? = nil, activation: Activation = .gelu, usesBias: Bool = true) {
    self.hidden = hidden
    self.units = units
    self.activation = activation
    self.usesBias = usesBias
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let h = activation(Dense(hidden, usesBias: usesBias)(x, scope["in"]), scope["activation"])
    return Dense(units ?? x.shape.last, usesBias: usesBias)(h, scope["out"])
  }
}
