import Soma

/// `softmax(q kᵀ/√d + bias) v` where the mask holds.
/// - `mask`: true where a query may look at a key; broadcasts to `[…, queries, keys]`. A query that may look nowhere
/// gets
///     the mean of all values.
///   - bias: added to the scores.
/// - Shape: q `[…, queries, d]`, k `[…, keys, d]`, v `[…, keys, e]` → `[…, queries, e]`
public func scaledDotProductAttention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, bias: Tensor? = nil, dropout: (Tensor) -> Tensor = { $0 }
) -> Tensor {
  // Scaling the queries costs less than scaling the scores.
  var scores = (q * (1 / Double(q.shape.last).squareRoot())).matmul(k.T)
  if let bias { scores = scores + bias }
  if let mask { scores = .select(mask, scores, -1e9) }
  return dropout(scores.softmax()).matmul(v)
}

/// Attention with several heads: queries, keys and values are linear maps of the input (of another sequence for keys
/// and
/// values in cross-attention), and one more map joins the heads. (Vaswani et al. 2017, arXiv 1706.03762) With fewer
/// key heads
/// than heads, groups of heads share keys and values. (Ainslie et al. 2023, arXiv 2305.13245)
/// - Shape: `[n, t, d]` → `[n, t, d]`
public struct MultiHeadAttention: Layer {
  public enum Positions: Sendable, Hashable {
    case none
    case rotary(RotaryPositions)
    case linearBiases
  }

  public var heads: Int
  public var keyHeads: Int
  /// Channels of one head; `d / heads` if nil.
  public var headWidth: Int?
  public var isCausal: Bool
  public var positions: Positions
  public var usesBias: Bool
  public var dropout: Double
  /// What turns scores into weights; the softmax if nil. Others take no mask, no bias of positions and no shared keys; given as
  /// `SoftmaxAttention`, the softmax takes masks and biases too, and shows its scores and weights to observers.
  public var activation: (any AttentionActivation)?

  public init(
    heads: Int, keyHeads: Int? = nil, headWidth: Int? = nil, isCausal: Bool = false, positions: Positions = .none,
    usesBias: Bool = true, dropout: Double = 0, activation: (any AttentionActivation)? = nil
  ) {
    self.activation = activation
    self.heads = heads
    self.keyHeads = keyHeads ?? heads
    self.headWidth = headWidth
    self.isCausal = isCausal
    self.positions = positions
    self.usesBias = usesBias
    self.dropout = dropout
    require(
      heads > 0 && self.keyHeads > 0 && heads % self.keyHeads == 0,
      "\(heads) heads in groups of \(self.keyHeads) key heads")
  }

  /// Keys and values of the positions seen so far, in a fixed memory of `capacity` positions.
  public struct Cache: TensorTree, Sendable {
    /// `[n, keyHeads, capacity, width]`
    public var keys: Tensor
    public var values: Tensor
    /// How many positions are filled, an `int32` scalar.
    public var count: Tensor

    public var leaves: [Tensor] { [keys, values, count] }
    public func replacingLeaves(_ leaves: [Tensor]) -> Cache {
      Cache(keys: leaves[0], values: leaves[1], count: leaves[2])
    }
  }

  /// An empty cache.
  public func cache(batch: Int, capacity: Int, width: Int, dtype: DType = .float32) -> Cache {
    let shape: Shape = [batch, keyHeads, capacity, headWidth ?? width / heads]
    return Cache(
      keys: .zeros(shape, dtype: dtype), values: .zeros(shape, dtype: dtype), count: Tensor(0, dtype: .int32))
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { attend(x, scope) }

  /// Attention from `x` to `context` (to itself if nil).
  /// - `mask`: true where a query may look; broadcasts to `[n, heads, t, s]`.
  public func callAsFunction(_ x: Tensor, context: Tensor? = nil, mask: Tensor? = nil, _ scope: Scope) -> Tensor {
    scope { attend(x, context: context, mask: mask, scope) }
  }

  /// Attention of the next positions to themselves and all before them, which the cache holds; it comes back longer.
  /// A position beyond the cache's capacity stops the run, and is dropped in a compiled one.
  public func callAsFunction(_ x: Tensor, cache: Cache, _ scope: Scope) -> (output: Tensor, cache: Cache) {
    scope {
      var (q, k, v) = projected(x, nil, scope)
      let (t, capacity) = (x.shape[1], cache.keys.shape[2])
      if case .rotary(let rotary) = positions {
        (q, k) = (rotary(q, start: cache.count), rotary(k, start: cache.count))
      }
      let places = Tensor.iota([t], dtype: .int32) + cache.count
      // Writes at traced places: the memory stays one block that a compiled loop updates.
      let keys = cache.keys.scatterAdding(k, at: places, axis: 2)
      let values = cache.values.scatterAdding(v, at: places, axis: 2)
      let filled = Tensor.iota([1, capacity], axis: 1, dtype: .int32) .<= places.reshape([t, 1])
      let y = combined(q, keys, values, mask: filled, start: cache.count, width: x.shape[2], scope)
      return (y, Cache(keys: keys, values: values, count: cache.count + t))
    }
  }

  private func attend(_ x: Tensor, context: Tensor? = nil, mask: Tensor? = nil, _ scope: Scope) -> Tensor {
    var (q, k, v) = projected(x, context, scope)
    if case .rotary(let rotary) = positions { (q, k) = (rotary(q), rotary(k)) }
    var mask = mask
    if isCausal {
      let (t, s) = (q.shape[-2], k.shape[-2])
      let causal = Tensor.lowerTriangle(t, s, offset: s - t)
      mask = mask.map { $0 .& causal } ?? causal
    }
    return combined(q, k, v, mask: mask, start: nil, width: x.shape[2], scope)
  }

  /// Queries `[n, heads, t, w]`, keys and values `[n, keyHeads, s, w]`; one product for all three if they share the
  /// input.
  private func projected(_ x: Tensor, _ context: Tensor?, _ scope: Scope) -> (Tensor, Tensor, Tensor) {
    require(x.rank == 3, "attention \(scope.path) wants [n, t, d], not \(x.shape)")
    let width = headWidth ?? x.shape[2] / heads
    require(
      headWidth != nil || x.shape[2] % heads == 0, "attention \(scope.path): \(x.shape[2]) channels in \(heads) heads")
    let (wide, narrow) = (heads * width, keyHeads * width)
    let parts: [Tensor]
    if let context {
      parts =
        [Dense(wide, usesBias: usesBias)(x, scope["q"])]
        + Dense(2 * narrow, usesBias: usesBias)(context, scope["kv"]).split(2, axis: -1)
    } else {
      parts = Dense(wide + 2 * narrow, usesBias: usesBias)(x, scope["qkv"]).split(
        sizes: [wide, narrow, narrow], axis: -1)
    }
    func divided(_ t: Tensor, _ count: Int) -> Tensor {
      t.reshape([t.shape[0], t.shape[1], count, width]).transposed(0, 2, 1, 3)
    }
    return (divided(parts[0], heads), divided(parts[1], keyHeads), divided(parts[2], keyHeads))
  }

  private func combined(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor?, start: Tensor?, width: Int, _ scope: Scope
  ) -> Tensor {
    let (n, t, w, s) = (q.shape[0], q.shape[2], q.shape[3], k.shape[2])
    var bias: Tensor?
    if case .linearBiases = positions {
      bias = LinearBiases().bias(heads: heads, queries: t, keys: s, start: start, dtype: q.dtype)
    }
    func dropped(_ weights: Tensor) -> Tensor { dropout > 0 ? Dropout(dropout)(weights, scope["dropout"]) : weights }
    let y: Tensor
    // The plain softmax is computed in one piece, unless its weights are asked for.
    if let activation = activation ?? (scope.showsAll && keyHeads == heads ? SoftmaxAttention() : nil) {
      require(
        (mask == nil && bias == nil || activation is SoftmaxAttention) && keyHeads == heads,
        "attention \(scope.path): its functions belong to positions, which masks, biases and shared keys change")
      var scores = (q * (1 / Double(q.shape.last).squareRoot())).matmul(k.T)
      if let bias { scores = scores + bias }
      scope.observe("scores", scores)
      if let mask { scores = .select(mask, scores, -1e9) }
      let weights = activation.weights(scores, scope["activation"])
      scope.observe("attention", weights)
      y = dropped(weights).matmul(v)
    } else if keyHeads == heads {
      y = scaledDotProductAttention(q, k, v, mask: mask, bias: bias, dropout: dropped)
    } else {
      // Heads that share keys become further queries of one product.
      let share = heads / keyHeads
      func grouped(_ t: Tensor) -> Tensor {
        t.rank < 3 || t.shape[-3] == 1
          ? (t.rank < 3 ? t : t.expandDimensions(at: -3))
          : t.reshape(Shape(t.shape.dropLast(3)) + [keyHeads, share, t.shape[-2], t.shape[-1]])
      }
      y = scaledDotProductAttention(
        grouped(q), k.expandDimensions(at: 2), v.expandDimensions(at: 2), mask: mask.map(grouped),
        bias: bias.map(grouped),
        dropout: dropped
      ).reshape([n, heads, t, w])
    }
    let joined = y.transposed(0, 2, 1, 3).reshape([n, t, heads * w])
    return Dense(width, usesBias: usesBias)(joined, scope["out"])
  }
}
