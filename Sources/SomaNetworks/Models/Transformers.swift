import Soma

/// A transformer block with normalization before each part: `x + attention(norm(x))`, then `x + feed-forward(norm(x))`.
/// - Shape: `[n, t, d]`, unchanged
public struct TransformerBlock: Layer {
  public enum Normalization: Sendable, Hashable { case layer, rms }

  public var attention: MultiHeadAttention
  /// Units of the feed-forward part.
  public var hidden: Int
  public var activation: Activation
  /// Whether the feed-forward part is gated by the activation.
  public var isGated: Bool
  public var normalization: Normalization
  public var dropout: Double
  /// In place of the feed-forward part, a layer that keeps the width, such as `MLPKAN` or `FANFeedForward`.
  public var feedForward: (any Layer)?

  public init(
    attention: MultiHeadAttention, hidden: Int, activation: Activation = .gelu, isGated: Bool = false,
    normalization: Normalization = .layer, dropout: Double = 0, feedForward: (any Layer)? = nil
  ) {
    self.feedForward = feedForward
    self.attention = attention
    self.hidden = hidden
    self.activation = activation
    self.isGated = isGated
    self.normalization = normalization
    self.dropout = dropout
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let h = x + dropped(attention(normalized(x, scope["norm1"]), scope["attention"]), scope["dropout1"])
    return fed(h, scope)
  }

  /// The next positions, with the keys and values of those before.
  public func callAsFunction(
    _ x: Tensor, cache: MultiHeadAttention.Cache, _ scope: Scope
  ) -> (output: Tensor, cache: MultiHeadAttention.Cache) {
    scope {
      let (y, next) = attention(normalized(x, scope["norm1"]), cache: cache, scope["attention"])
      return (fed(x + y, scope), next)
    }
  }

  private func fed(_ h: Tensor, _ scope: Scope) -> Tensor {
    let n = normalized(h, scope["norm2"])
    let y =
      feedForward.map { $0(n, scope["feedForward"]) }
      ?? (isGated
        ? GatedFeedForward(hidden: hidden, gate: activation)(n, scope["feedForward"])
        : FeedForward(hidden: hidden, activation: activation)(n, scope["feedForward"]))
    return h + dropped(y, scope["dropout2"])
  }

  private func normalized(_ x: Tensor, _ scope: Scope) -> Tensor {
    normalization == .layer ? LayerNorm()(x, scope) : RMSNorm()(x, scope)
  }

  private func dropped(_ x: Tensor, _ scope: Scope) -> Tensor { dropout > 0 ? Dropout(dropout)(x, scope) : x }
}

/// A transformer language model: symbols to scores of the next symbol. (Radford et al. 2018, 2019: normalization
/// first, learned
/// positions, GELU; options of later models.)
/// - Shape: integers `[n, t]` → `[n, t, vocabulary]`
public struct GPT: Layer {
  public enum Positions: Sendable, Hashable { case learned, rotary, linearBiases }

  public var vocabulary: Int
  /// The longest sequence.
  public var context: Int
  public var width: Int
  public var heads: Int
  public var keyHeads: Int
  public var layers: Int
  /// Units of the feed-forward parts.
  public var hidden: Int
  public var activation: Activation
  public var isGated: Bool
  public var positions: Positions
  public var normalization: TransformerBlock.Normalization
  public var dropout: Double
  /// Whether the output uses the embedding's vectors.
  public var sharesEmbedding: Bool
  /// In place of the blocks' feed-forward parts, a layer that keeps the width.
  public var feedForward: (any Layer)?

  public init(
    vocabulary: Int, context: Int = 128, width: Int = 128, heads: Int = 4, keyHeads: Int? = nil, layers: Int = 4,
    hidden: Int? = nil, activation: Activation = .gelu, isGated: Bool = false, positions: Positions = .learned,
    normalization: TransformerBlock.Normalization = .layer, dropout: Double = 0, sharesEmbedding: Bool = false
  ) {
    require(heads > 0 && width % heads == 0, "GPT: width \(width) in \(heads) heads")
    self.vocabulary = vocabulary
    self.context = context
    self.width = width
    self.heads = heads
    self.keyHeads = keyHeads ?? heads
    self.layers = layers
    self.hidden = hidden ?? 4 * width
    self.activation = activation
    self.isGated = isGated
    self.positions = positions
    self.normalization = normalization
    self.dropout = dropout
    self.sharesEmbedding = sharesEmbedding
  }

  private var block: TransformerBlock {
    let place: MultiHeadAttention.Positions =
      switch positions {
      case .learned: .none
      case .rotary: .rotary(RotaryPositions())
      case .linearBiases: .linearBiases
      }
    let attention = MultiHeadAttention(
      heads: heads, keyHeads: keyHeads, headWidth: width / heads, isCausal: true, positions: place, dropout: dropout)
    return TransformerBlock(
      attention: attention, hidden: hidden, activation: activation, isGated: isGated, normalization: normalization,
      dropout: dropout, feedForward: feedForward)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 2 && x.shape[1] <= context, "GPT wants [n, t] symbols with t ≤ \(context), not \(x.shape)")
    let embedding = Embedding(vocabulary, width: width)
    var h = embedding(x, scope["embedding"])
    if positions == .learned { h = LearnedPositions(context)(h, scope["positions"]) }
    if dropout > 0 { h = Dropout(dropout)(h, scope["dropout"]) }
    for i in 0..<layers { h = block(h, scope["block"][i]) }
    return scored(h, embedding, scope)
  }

  /// Empty caches for `callAsFunction(_:caches:_:)`.
  public func caches(batch: Int, dtype: DType = .float32) -> [MultiHeadAttention.Cache] {
    (0..<layers).map { _ in block.attention.cache(batch: batch, capacity: context, width: width, dtype: dtype) }
  }

  /// The scores after the next symbols, with the keys and values of those before.
  public func callAsFunction(_ x: Tensor, caches: [MultiHeadAttention.Cache], _ scope: Scope)
    -> (scores: Tensor, caches: [MultiHeadAttention.Cache])
  {
    scope {
      require(caches.count == layers, "GPT: \(caches.count) caches for \(layers) layers")
      let embedding = Embedding(vocabulary, width: width)
      var h = embedding(x, scope["embedding"])
      if positions == .learned {
        let table = scope["positions"].parameter("weight", [context, width], .normal(0.02))
        h = h + table.take(Tensor.iota([x.shape[1]], dtype: .int32) + caches[0].count)
      }
      var next: [MultiHeadAttention.Cache] = []
      for i in 0..<layers {
        let (y, cache) = block(h, cache: caches[i], scope["block"][i])
        h = y
        next.append(cache)
      }
      return (scored(h, embedding, scope), next)
    }
  }

  private func scored(_ h: Tensor, _ embedding: Embedding, _ scope: Scope) -> Tensor {
    let n = normalization == .layer ? LayerNorm()(h, scope["norm"]) : RMSNorm()(h, scope["norm"])
    if sharesEmbedding { return n.matmul(embedding.table(scope["embedding"]).T) }
    return Dense(vocabulary, usesBias: false)(n, scope["head"])
  }
}

/// A transformer on patches of an image, with a class symbol. (Dosovitskiy et al. 2020, arXiv 2010.11929) Images whose
/// sides are
/// no multiple of the patch are padded with zeros.
/// - Shape: images → `[n, outputs]`
public struct ViT: Layer {
  public var outputs: Int
  public var patch: Int
  public var width: Int
  public var heads: Int
  public var layers: Int
  /// Units of the feed-forward parts.
  public var hidden: Int
  public var activation: Activation
  public var dropout: Double
  /// What turns scores into weights; the softmax if nil.
  public var attention: (any AttentionActivation)?
  /// In place of the blocks' feed-forward parts.
  public var feedForward: (any Layer)?

  public init(
    outputs: Int, patch: Int = 4, width: Int = 64, heads: Int = 4, layers: Int = 4, hidden: Int? = nil,
    activation: Activation = .gelu, dropout: Double = 0, attention: (any AttentionActivation)? = nil,
    feedForward: (any Layer)? = nil
  ) {
    self.attention = attention
    self.feedForward = feedForward
    require(heads > 0 && width % heads == 0 && patch > 0, "ViT: width \(width) in \(heads) heads, patches of \(patch)")
    self.outputs = outputs
    self.patch = patch
    self.width = width
    self.heads = heads
    self.layers = layers
    self.hidden = hidden ?? 4 * width
    self.activation = activation
    self.dropout = dropout
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let images = asImages(x)
    let (n, c) = (images.shape[0], images.shape[1])
    // A strip of numbers has patches of one row.
    let (ph, pw) = (Swift.min(patch, images.shape[2]), patch)
    let (rows, columns) = ((images.shape[2] + ph - 1) / ph, (images.shape[3] + pw - 1) / pw)
    let padded = images.padded([(0, 0), (0, 0), (0, rows * ph - images.shape[2]), (0, columns * pw - images.shape[3])])
    let patches = padded.reshape([n, c, rows, ph, columns, pw]).transposed(0, 2, 4, 1, 3, 5)
      .reshape([n, rows * columns, c * ph * pw])
    var h = Dense(width)(patches, scope["patches"])
    let symbol = scope.parameter("class", [1, 1, width], .normal(0.02), dtype: h.dtype)
    h = .concatenate([symbol.broadcast(to: [n, 1, width]), h], axis: 1)
    h = LearnedPositions()(h, scope["positions"])
    let block = TransformerBlock(
      attention: MultiHeadAttention(heads: heads, dropout: dropout, activation: attention), hidden: hidden,
      activation: activation, dropout: dropout, feedForward: feedForward)
    for i in 0..<layers { h = block(h, scope["block"][i]) }
    return Dense(outputs)(LayerNorm()(h[.all, 0], scope["norm"]), scope["head"])
  }
}
