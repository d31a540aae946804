import Soma

/// What turns a row of scores into a row of weights.
public protocol AttentionActivation: Sendable {
  /// - Shape: scores `[n, heads, queries, keys]`, unchanged
  func weights(_ scores: Tensor, _ scope: Scope) -> Tensor
}

/// The softmax over the keys.
public struct SoftmaxAttention: AttentionActivation, Hashable {
  public init() {}
  public func weights(_ scores: Tensor, _ scope: Scope) -> Tensor { scores.softmax() }
}

/// The logistic function of every score by itself, `1/(1 + e^{-(s + b)})`, b = -log keys (Ramapuram et al. 2024, arXiv 2409.04431).
public struct SigmoidAttention: AttentionActivation, Hashable {
  public init() {}
  public func weights(_ scores: Tensor, _ scope: Scope) -> Tensor {
    (scores - Tensor(Double(scores.shape.last), dtype: scores.dtype).log()).logistic()
  }
}

/// The point of the probability simplex nearest to each row (Held, Wolfe & Crowder 1974; Duchi et al. 2008).
/// - Shape: `[..., n]`, unchanged
public func simplexProjection(_ v: Tensor) -> Tensor {
  let n = v.shape.last
  let sorted = v.sorted(descending: true)
  let sums = sorted.cumulativeSum(v.rank - 1)
  let count = Tensor.iota([n], dtype: v.dtype) + 1
  // ρ: how many of the largest stay positive; θ: what is taken from all.
  let isKept = (sorted * count - sums + 1) .> 0
  let rho = isKept.cast(to: v.dtype).sum([-1], keepsAxes: true)
  let theta = ((Tensor.select(isKept, sorted, 0)).sum([-1], keepsAxes: true) - 1) / rho
  return (v - theta).maximum(0)
}
