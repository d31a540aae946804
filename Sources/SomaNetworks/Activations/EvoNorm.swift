import Soma

/// Normalization and activation found together by evolution (Liu, Brock, Simonyan, Le 2020, arXiv 2004.02967). With s² a
/// variance and m² a mean of squares, over the batch (b), a channel of an example (i), or a group of channels (g):
///
/// - B0: `x / max(√(s²_b + ε), v₁ x + √(s²_i + ε)) · γ + β`
/// - B1: `x / max(√(s²_b + ε), (x + 1) √(m²_i + ε)) · γ + β`
/// - B2: `x / max(√(s²_b + ε), √(m²_i + ε) - x) · γ + β`
/// - S0: `x σ(v₁ x) / √(s²_g + ε) · γ + β`; S1: the same with v₁ = 1; S2: with m²_g
///
/// In use, B takes a running variance. Where an example has a single position, s²_i is zero and √ε stands below.
/// - Shape: `[n, c, spatial…]`, unchanged
public struct EvoNorm: Layer, Hashable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case b0, b1, b2, s0, s1, s2
    public var usesBatch: Bool { self == .b0 || self == .b1 || self == .b2 }
    var usesV1: Bool { self == .b0 || self == .s0 }
  }
  public var kind: Kind
  public var groups: Int
  public var epsilon: Double
  /// The weight of the new batch in the running variance.
  public var momentum: Double
  /// Without it the layer is `γ x + β`, for the end of a residual branch.
  public var appliesActivation: Bool

  public init(
    _ kind: Kind, groups: Int = 32, epsilon: Double? = nil, momentum: Double = 0.1, appliesActivation: Bool = true
  ) {
    self.kind = kind
    self.groups = groups
    self.epsilon = epsilon ?? (kind == .b0 ? 1e-3 : 1e-5)
    self.momentum = momentum
    self.appliesActivation = appliesActivation
  }

  /// The largest number of groups up to `wanted` that divides the channels.
  public static func groupCount(channels: Int, upTo wanted: Int = 32) -> Int {
    (1...max(1, min(wanted, channels))).last { channels % $0 == 0 } ?? 1
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank >= 3, "EvoNorm \(scope.path): input \(x.shape); wants [n, c, spatial…]")
    let channels = x.shape[1]
    let spatial = Array(2..<x.rank)
    let gamma = channelwise("scale", channels, .ones, like: x, scope)
    let beta = channelwise("shift", channels, .zeros, like: x, scope)
    guard appliesActivation else { return x * gamma + beta }
    let v1 = kind.usesV1 ? channelwise("v1", channels, .ones, like: x, scope) : nil
    func root(_ x: Tensor) -> Tensor { (x + epsilon).sqrt() }
    let y: Tensor
    switch kind {
    case .b0, .b1, .b2:
      let batch = root(batchVariance(x, scope))
      let rival =
        switch kind {
        case .b0: v1! * x + root(x.variance(spatial, keepsAxes: true))
        case .b1: (x + 1) * root(x.squared().mean(spatial, keepsAxes: true))
        default: root(x.squared().mean(spatial, keepsAxes: true)) - x
        }
      y = x / batch.maximum(rival)
    case .s0, .s1, .s2:
      require(channels % groups == 0, "EvoNorm \(scope.path): \(channels) channels in \(groups) groups")
      let rows = x.reshape([x.shape[0], groups, x.count / max(1, x.shape[0] * groups)])
      let size = kind == .s2 ? rows.squared().mean([2], keepsAxes: true) : rows.variance([2], keepsAxes: true)
      let below = root(size).broadcast(to: rows.shape).reshape(x.shape)
      y = x * ((v1.map { $0 * x } ?? x).logistic()) / below
    }
    return y * gamma + beta
  }

  /// `[1, c, 1, …]`: of the batch in training, else the running one.
  private func batchVariance(_ x: Tensor, _ scope: Scope) -> Tensor {
    let running = scope.state("variance", [x.shape[1]], .ones, dtype: x.dtype)
    guard scope.isTraining else { return running.alignedToChannels(x.rank) }
    let count = x.count / x.shape[1]
    require(
      x.shape[0] > 1 && count > 1,
      "EvoNorm-\(kind.rawValue.uppercased()) \(scope.path) needs a batch in training, not \(x.shape): "
        + "one example at a time (as vmap gives) has no batch statistics; the S kinds do without")
    let axes = [0] + Array(2..<x.rank)
    let variance = x.variance(axes)
    scope.setState("variance", running * (1 - momentum) + variance * (momentum * Double(count) / Double(count - 1)))
    return variance.alignedToChannels(x.rank)
  }
}

/// What stands where a network normalizes and activates, so that any of them can be tried in its place.
public enum NormActivation: Layer {
  case batchNorm(Activation)
  case groupNorm(Activation, groups: Int)
  case layer(any Layer)

  public static func evoNorm(_ kind: EvoNorm.Kind, groups: Int = 32) -> NormActivation {
    .layer(EvoNorm(kind, groups: groups))
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    switch self {
    case .batchNorm(let activation): activation(BatchNorm()(x, scope["norm"]), scope["activation"])
    case .groupNorm(let activation, let groups):
      activation(GroupNorm(groups)(x, scope["norm"]), scope["activation"])
    case .layer(let layer): layer(x, scope)
    }
  }
}
