import Soma

/// Attention whose rows of scores go through learned functions instead of a softmax (Maity et al. 2025, arXiv 2503.10632):
/// `u_p = Σ_q φ_{pq}(A_q)`, p = 1 … r, then `W u`; without a rank the functions lead from keys to keys directly.
///
/// The functions belong to positions: the number of keys is fixed, and causal masks are refused.
public struct KolmogorovArnoldAttention: AttentionActivation {
  public enum Sharing: String, Sendable, Hashable, CaseIterable {
    /// Every block and head has an operator of its own.
    case blockwise
    /// All blocks share the heads' operators.
    case universal
  }

  public enum Normalization: String, Sendable, Hashable, CaseIterable { case none, simplex, l1, softmax }

  /// Functions of the low-rank operator.
  public enum Rank: Sendable, Hashable {
    case full
    case of(Int)
    /// `max(4, ⌈keys/8⌉)`
    case automatic
  }

  public var basis: any EdgeBasis
  public var rank: Rank
  public var sharing: Sharing
  public var normalization: Normalization
  public var base: KANLayer.Base

  public init(
    basis: any EdgeBasis = KolmogorovArnoldAttention.fourier(3), rank: Rank = .automatic, sharing: Sharing = .blockwise,
    normalization: Normalization = .none, base: KANLayer.Base = .zero
  ) {
    self.basis = basis
    self.rank = rank
    self.sharing = sharing
    self.normalization = normalization
    self.base = base
  }

  /// `Σ_m a_m cos(mx) + b_m sin(mx)`, coefficients of deviation `initialScale`.
  public static func fourier(_ grid: Int, initialScale: Double = 1) -> any EdgeBasis {
    UnscaledFourier(grid: grid, initialScale: initialScale)
  }

  func rank(keys: Int) -> Int? {
    switch rank {
    case .full: nil
    case .of(let r): r
    case .automatic: max(4, (keys + 7) / 8)
    }
  }

  public func weights(_ scores: Tensor, _ scope: Scope) -> Tensor {
    let (n, heads, queries, keys) = (scores.shape[0], scores.shape[1], scores.shape[2], scores.shape[3])
    let scope = sharing == .universal ? scope.root["attentionOperator"] : scope
    let r = rank(keys: keys)
    let parts = (0..<heads).map { head -> Tensor in
      let rows = scores[.all, head].reshape([n * queries, keys])
      let inner = scope["head\(head)"]
      let layer = KANLayer(r ?? keys, basis: basis, base: base, usesScale: false)
      var u = layer(rows, inner["functions"])
      if let r {
        let w = inner.parameter("map", [r, keys], .uniform(1 / Double(r).squareRoot()), dtype: rows.dtype)
        u = u.matmul(w)
      }
      return u.reshape([n, queries, keys])
    }
    let raw = Tensor.stack(parts, axis: 1)
    switch normalization {
    case .none: return raw
    case .simplex: return simplexProjection(raw)
    case .l1: return raw / raw.abs().sum([-1], keepsAxes: true).maximum(1e-12)
    case .softmax: return raw.softmax()
    }
  }
}

/// A Fourier basis whose coefficients are normal numbers of one deviation, whatever the number of inputs.
private struct UnscaledFourier: EdgeBasis, Hashable {
  var grid: Int
  var initialScale: Double
  var name: String { "Fourier" }
  var count: Int { 2 * grid }
  var range: ClosedRange<Double> { -Double.pi...Double.pi }
  var initializer: Initializer { .normal(initialScale) }
  func values(_ x: Tensor, _ scope: Scope) -> Tensor { FourierBasis(grid, frequency: 1).values(x, scope) }
}
