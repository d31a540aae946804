import Soma
import SomaData
import SomaNetworks

/// An encoder of the BERT family: BERT (Devlin et al. 2019, arXiv 1810.04805), RoBERTa (Liu et al. 2019, arXiv
/// 1907.11692), DistilBERT (Sanh et al. 2019, arXiv 1910.01108).
public struct PretrainedEncoder: Sendable {
  private struct Block: Sendable {
    var attention: AffineMap
    var output: AffineMap
    var attentionNorm: (scale: Tensor, offset: Tensor)
    var wide: AffineMap
    var narrow: AffineMap
    var norm: (scale: Tensor, offset: Tensor)
  }

  /// Channels of a token.
  public let width: Int
  /// The longest text in tokens.
  public let positionCount: Int
  public let vocabularySize: Int
  private let heads: Int
  private let epsilon: Double
  private let activation: Activation
  private let words: Tensor
  private let positions: Tensor
  private let types: Tensor?
  private let norm: (scale: Tensor, offset: Tensor)
  private let blocks: [Block]

  /// - Throws: `DataError` if the folder's configuration or weights are missing, malformed or of another family.
  public static func read(_ folder: String) throws -> PretrainedEncoder {
    try PretrainedEncoder(PretrainedFolder(folder))
  }

  init(_ folder: PretrainedFolder) throws {
    let json = folder.configuration
    let family = try json.text("model_type")
    guard ["bert", "roberta", "xlm-roberta", "camembert", "distilbert"].contains(family) else {
      throw json.fault("models of type \(quoted(family)) are no encoders known here")
    }
    let isDistilled = family == "distilbert"
    width = try positive(json, isDistilled ? "dim" : "hidden_size")
    heads = try positive(json, isDistilled ? "n_heads" : "num_attention_heads")
    let inner = try positive(json, isDistilled ? "hidden_dim" : "intermediate_size")
    let count = try positive(json, isDistilled ? "n_layers" : "num_hidden_layers", limit: 1024)
    let rows = try positive(json, "max_position_embeddings")
    vocabularySize = try positive(json, "vocab_size")
    guard width % heads == 0 else { throw json.fault("\(width) channels in \(heads) heads") }
    let kind = try json.text("position_embedding_type", "absolute")
    guard kind == "absolute" else { throw json.fault("positions of type \(quoted(kind)) are not known here") }
    epsilon = try json.number("layer_norm_eps", 1e-12)
    activation = try pretrainedActivation(try json.text(isDistilled ? "activation" : "hidden_act", "gelu"), json)
    var weights = try folder.weights()
    for prefix in ["bert.", "roberta.", "distilbert."] where weights.has(prefix + "embeddings.word_embeddings.weight") {
      weights.prefix = prefix
    }
    words = try weights.tensor("embeddings.word_embeddings.weight", [vocabularySize, width])
    // RoBERTa's positions begin behind the padding's.
    let skipped = family.hasSuffix("roberta") || family == "camembert" ? try json.int("pad_token_id", 1) + 1 : 0
    guard skipped >= 0, skipped < rows else { throw json.fault("pad_token_id \(skipped - 1)") }
    let table = try weights.tensor("embeddings.position_embeddings.weight", [rows, width])
    positionCount = rows - skipped
    positions = table[skipped..<rows]
    types =
      isDistilled
      ? nil
      : try weights.tensor("embeddings.token_type_embeddings.weight", [try positive(json, "type_vocab_size"), width])
    norm = try weights.norm("embeddings.LayerNorm", width)
    let d = width
    blocks = try (0..<count).map { i in
      if isDistilled {
        let name = "transformer.layer.\(i)"
        return Block(
          attention: .joined(
            try ["q_lin", "k_lin", "v_lin"].map { try weights.linear("\(name).attention.\($0)", d, d) }),
          output: try weights.linear("\(name).attention.out_lin", d, d),
          attentionNorm: try weights.norm("\(name).sa_layer_norm", d),
          wide: try weights.linear("\(name).ffn.lin1", d, inner),
          narrow: try weights.linear("\(name).ffn.lin2", inner, d),
          norm: try weights.norm("\(name).output_layer_norm", d))
      }
      let name = "encoder.layer.\(i)"
      return Block(
        attention: .joined(
          try ["query", "key", "value"].map { try weights.linear("\(name).attention.self.\($0)", d, d) }),
        output: try weights.linear("\(name).attention.output.dense", d, d),
        attentionNorm: try weights.norm("\(name).attention.output.LayerNorm", d),
        wide: try weights.linear("\(name).intermediate.dense", d, inner),
        narrow: try weights.linear("\(name).output.dense", inner, d),
        norm: try weights.norm("\(name).output.LayerNorm", d))
    }
  }

  /// The last hidden state.
  /// - Parameters:
  ///   - ids, types: `[n, t]` `int32`
  ///   - isText: `[n, t]` `bool`, false for padding
  /// - Shape: `[n, t, width]`
  public func callAsFunction(_ ids: Tensor, types kinds: Tensor? = nil, isText: Tensor) -> Tensor {
    pass(ids, types: kinds, isText: isText).states
  }

  /// What the feed-forward blocks do with texts of one length.
  /// - Parameter ids: `[n, t]` `int32`
  public func feedForwards(_ ids: Tensor) -> [FeedForwardActivity] {
    let seen = pass(ids, types: nil, isText: .ones(ids.shape, dtype: .bool)).seen
    return zip(blocks, seen).enumerated().map { i, pair in
      FeedForwardActivity(
        path: "layer/\(i)", inputs: pair.1.inputs, activations: pair.1.activations, outputWeight: pair.0.narrow.weight)
    }
  }

  private func pass(
    _ ids: Tensor, types kinds: Tensor?, isText: Tensor
  ) -> (states: Tensor, seen: [(inputs: Tensor, activations: Tensor)]) {
    var seen: [(inputs: Tensor, activations: Tensor)] = []
    let (n, t) = (ids.shape[0], ids.shape[1])
    require(t <= positionCount, "\(t) tokens; the model has \(positionCount) positions")
    var x = words.take(ids) + positions[0..<t]
    if let types { x = x + (kinds.map { types.take($0) } ?? types[0]) }
    x = layerNormalized(x, norm, epsilon)
    let d = width / heads
    let bias = Tensor.select(isText, Tensor(0, dtype: .float32), Tensor(-1e30, dtype: .float32)).reshape([n, 1, 1, t])
    for block in blocks {
      let parts = block.attention(x).reshape([n, t, 3, heads, d]).transposed(2, 0, 3, 1, 4)
      let (q, k, v) = (parts[0], parts[1], parts[2])
      let scores = (q * (1 / Double(d).squareRoot())).matmul(k.T) + bias
      let mixed = scores.softmax().matmul(v).transposed(0, 2, 1, 3).reshape([n, t, width])
      x = layerNormalized(x + block.output(mixed), block.attentionNorm, epsilon)
      let h = activation(block.wide(x))
      seen.append((x, h))
      x = layerNormalized(x + block.narrow(h), block.norm, epsilon)
    }
    return (x, seen)
  }
}
