import Soma

/// In training, parts become zero with a probability and the rest is scaled up so that the mean stays; otherwise the
/// identity. (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014)
public struct Dropout: Layer {
  /// What is kept or dropped together.
  public enum Unit: Sendable {
    case element
    /// A whole channel of `[n, c, spatial…]` (Tompson et al. 2014, arXiv 1411.4280).
    case channel
    /// All of an example: drop path on a residual branch (Huang et al. 2016, arXiv 1603.09382).
    case example
  }
  public var rate: Double
  public var unit: Unit

  public init(_ rate: Double, of unit: Unit = .element) {
    require(rate >= 0 && rate < 1, "dropout wants a rate in [0, 1), not \(rate)")
    self.rate = rate
    self.unit = unit
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    guard scope.isTraining, rate > 0 else { return x }
    let shared =
      switch unit {
      case .element: x.rank
      case .channel: Swift.min(2, x.rank)
      case .example: Swift.min(1, x.rank)
      }
    let shape = Shape(x.shape.indices.map { $0 < shared ? x.shape[$0] : 1 })
    let keep = Tensor.uniform(shape, key: scope.key()) .>= rate
    return x * (keep.cast(to: x.dtype) * (1 / (1 - rate)))
  }
}
