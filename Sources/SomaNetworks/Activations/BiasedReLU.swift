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

extension Activation {
  /// `x/(x/α + e^{-x/β})`, the soft-root-sign (Zhou, Li & Zhu 2020, arXiv 2003.00547), both numbers trained for each layer and kept at
  /// 0.1 or more.
  public static let softRootSign = try! parse(
    "x/(x/a+exp(-x/b))", "a=5:a>=0.1:trained:per-layer;b=3:b>=0.1:trained:per-layer", name: "soft-root-sign")

  /// `x` right of zero, `a([1 + (1-t)x]_+^{1/(1-t)} - 1)` left of it (parametric deformable ELU, Cheng et al. 2020), `t = 0.9`, `a`
  /// trained for each layer.
  public static let parametricDeformableELU = try! deformableELU(0.9)

  /// - Throws: `ActivationError` for `t = 1`, where the limit is ELU.
  static func deformableELU(_ t: Double, isTrained: Bool = true) throws(ActivationError) -> Activation {
    try parse(
      "where(x>0, x, a*(relu(1+(1-t)*min(x,0))^(1/(1-t))-1))",
      "a=1:a>0:\(isTrained ? "trained:per-layer" : "fixed");t=\(t):t<>1:fixed", name: "pdelu")
  }
}
