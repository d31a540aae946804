import Soma

/// `a·b / (|a| |b|)` over the last axis, 0 beside a zero vector.
public func cosineSimilarity(_ a: Tensor, _ b: Tensor) -> Tensor {
  let (aa, bb) = (a.squared().sum([-1]), b.squared().sum([-1]))
  return a.dot(b) * (aa.maximum(1e-16) * bb.maximum(1e-16)).rsqrt()
}

/// The Euclidean distance over the last axis; 10⁻⁶ is added to each difference so that equal vectors have a derivative.
func distance(_ a: Tensor, _ b: Tensor) -> Tensor { (a - b + 1e-6).squared().sum([-1]).sqrt() }

/// `1 - cos(a, b)` for pairs that belong together (label 1), `max(0, cos(a, b) - margin)` for others (label -1).
public struct CosineEmbedding: Sendable {
  public var margin: Double
  public var reduction: LossReduction

  public init(margin: Double = 0, reduction: LossReduction = .mean) {
    self.margin = margin
    self.reduction = reduction
  }

  /// - Shape: `a`, `b` `[..., width]`; labels `[...]`
  public func callAsFunction(_ a: Tensor, _ b: Tensor, labels: Tensor) -> Tensor {
    let similarity = cosineSimilarity(a, b)
    let isPair = matched(labels, to: similarity, "CosineEmbedding") .> 0
    return LossTerms(.select(isPair, 1 - similarity, (similarity - margin).maximum(0))).reduced(reduction)
  }
}

/// `max(0, d(anchor, positive) - d(anchor, negative) + margin)` of Euclidean distances (Schroff, Kalenichenko, Philbin
/// 2015, arXiv:1503.03832).
public struct TripletMargin: Sendable {
  public var margin: Double
  /// Whether the negative's distance is that to the nearer of anchor and positive (Balntas et al. 2016).
  public var swapsAnchor: Bool
  public var reduction: LossReduction

  public init(margin: Double = 1, swapsAnchor: Bool = false, reduction: LossReduction = .mean) {
    self.margin = margin
    self.swapsAnchor = swapsAnchor
    self.reduction = reduction
  }

  /// - Shape: all `[..., width]`
  public func callAsFunction(anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor {
    var far = distance(anchor, negative)
    if swapsAnchor { far = far.minimum(distance(positive, negative)) }
    return LossTerms((distance(anchor, positive) - far + margin).maximum(0)).reduced(reduction)
  }
}

/// `t d²/2 + (1 - t) max(0, margin - d)²/2` of the Euclidean distance `d`; label 1 for pairs that belong together, 0 for
/// others (Hadsell, Chopra, LeCun 2006).
public struct ContrastivePairs: Sendable {
  public var margin: Double
  public var reduction: LossReduction

  public init(margin: Double = 1, reduction: LossReduction = .mean) {
    self.margin = margin
    self.reduction = reduction
  }

  /// - Shape: `a`, `b` `[..., width]`; labels `[...]`
  public func callAsFunction(_ a: Tensor, _ b: Tensor, labels: Tensor) -> Tensor {
    let d = distance(a, b)
    let t = matched(labels, to: d, "ContrastivePairs")
    return LossTerms(0.5 * (t * d.squared() + (1 - t) * (margin - d).maximum(0).squared())).reduced(reduction)
  }
}

/// The normalized, temperature-scaled cross-entropy of SimCLR: each of the 2 n vectors shall be most similar (cosine) to
/// the other view of its own sample (Chen, Kornblith, Norouzi, Hinton 2020, arXiv:2002.05709).
public struct NTXent: Sendable {
  public var temperature: Double
  public var reduction: LossReduction

  public init(temperature: Double = 0.5, reduction: LossReduction = .mean) {
    require(temperature > 0, "a temperature is above 0, not \(temperature)")
    self.temperature = temperature
    self.reduction = reduction
  }

  /// - Shape: two views of the same samples, `[n, width]`; without reduction the result is `[2 n]`
  public func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    require(a.shape == b.shape && a.rank == 2, "NTXent: shapes \(a.shape) and \(b.shape); wants [n, width] twice")
    let n = a.shape[0]
    let z = Tensor.concatenate([a, b])
    let unit = z * z.squared().sum([-1], keepsAxes: true).maximum(1e-16).rsqrt()
    let similarity = unit.matmul(unit.T) / temperature
    // A vector is no candidate for itself.
    let others = Tensor.select(Tensor.eye(2 * n, dtype: .bool), -1e30, similarity)
    let partner = (Tensor.iota([2 * n], dtype: .int32) + n) % (2 * n)
    return CrossEntropy(reduction: reduction)(others, partner)
  }
}
