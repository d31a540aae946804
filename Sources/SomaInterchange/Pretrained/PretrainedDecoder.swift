import Foundation
import Soma
import SomaData
import SomaNetworks

/// A language model of the GPT-2 family (Radford et al. 2019) or the Llama family (Touvron et al. 2023, arXiv 2302.13971;
/// Mistral and Qwen2 share its layout), from a Hugging Face folder.
public struct PretrainedDecoder: Sendable {
  private struct Block: Sendable {
    var attention: AffineMap
    var output: AffineMap
    var attentionNorm: (scale: Tensor, offset: Tensor?)
    /// One map, or gate and value joined.
    var wide: AffineMap
    var narrow: AffineMap
    var norm: (scale: Tensor, offset: Tensor?)
  }

  public let width: Int
  /// The longest context in tokens.
  public let positionCount: Int
  public let vocabularySize: Int
  private let heads: Int
  private let keyHeads: Int
  private let headWidth: Int
  private let inner: Int
  private let epsilon: Double
  private let activation: Activation
  private let words: Tensor
  /// GPT-2's learned positions; nil where positions turn queries and keys.
  private let positions: Tensor?
  /// Angle of each pair of channels for one step.
  private let frequencies: [Double]
  private let blocks: [Block]
  private let norm: (scale: Tensor, offset: Tensor?)
  private let head: Tensor

  static let families: Set = ["gpt2", "llama", "mistral", "qwen2"]

  /// - Throws: `DataError` if the folder's configuration or weights are missing, malformed or of another family.
  public static func read(_ folder: String) throws -> PretrainedDecoder {
    try PretrainedDecoder(PretrainedFolder(folder))
  }

  init(_ folder: PretrainedFolder) throws {
    let json = folder.configuration
    let family = try json.text("model_type")
    let isGPT = family == "gpt2"
    guard PretrainedDecoder.families.contains(family) else {
      throw json.fault("models of type \(quoted(family)) are no decoders known here")
    }
    width = try positive(json, isGPT ? "n_embd" : "hidden_size")
    heads = try positive(json, isGPT ? "n_head" : "num_attention_heads")
    keyHeads = isGPT ? heads : try json.int("num_key_value_heads", heads)
    guard keyHeads > 0, heads % keyHeads == 0 else {
      throw json.fault("\(heads) heads share \(keyHeads) key heads")
    }
    headWidth = isGPT ? width / heads : try json.int("head_dim", width / heads)
    guard headWidth > 0, isGPT ? width % heads == 0 : headWidth % 2 == 0 else {
      throw json.fault("heads of \(headWidth) channels")
    }
    let count = try positive(json, isGPT ? "n_layer" : "num_hidden_layers", limit: 1024)
    inner = isGPT ? try json.int("n_inner", 4 * width) : try positive(json, "intermediate_size")
    guard inner > 0 else { throw json.fault("n_inner is \(inner)") }
    positionCount = try positive(json, isGPT ? "n_positions" : "max_position_embeddings")
    vocabularySize = try positive(json, "vocab_size")
    epsilon = try json.number(isGPT ? "layer_norm_epsilon" : "rms_norm_eps", isGPT ? 1e-5 : 1e-6)
    activation = try pretrainedActivation(
      try json.text(isGPT ? "activation_function" : "hidden_act", isGPT ? "gelu_new" : "silu"), json
    )
    if !isGPT, json.object["sliding_window"]?.number != nil,
      json.flag("use_sliding_window", family == "mistral"),
      try json.int("sliding_window") < positionCount
    {
      throw json.fault("attention within a sliding window is not known here")
    }
    frequencies = isGPT ? [] : try Self.frequencies(json, headWidth)
    var weights = try folder.weights()
    let prefix = isGPT ? "transformer." : "model."
    let probe = isGPT ? "wte.weight" : "embed_tokens.weight"
    if weights.has(prefix + probe) { weights.prefix = prefix }
    let (d, q, kv, wideWidth) = (width, heads * headWidth, keyHeads * headWidth, inner)
    words = try weights.tensor(probe, [vocabularySize, d])
    if isGPT {
      positions = try weights.tensor("wpe.weight", [positionCount, d])
      // GPT-2 keeps its weights as [inputs, outputs].
      func map(_ name: String, _ inputs: Int, _ outputs: Int) throws -> AffineMap {
        AffineMap(
          weight: try weights.tensor("\(name).weight", [inputs, outputs]),
          bias: try weights.tensor("\(name).bias", [outputs]))
      }
      func norm(_ name: String) throws -> (scale: Tensor, offset: Tensor?) {
        let pair = try weights.norm(name, d)
        return (pair.scale, pair.offset)
      }
      blocks = try (0..<count).map { i in
        Block(
          attention: try map("h.\(i).attn.c_attn", d, 3 * d),
          output: try map("h.\(i).attn.c_proj", d, d),
          attentionNorm: try norm("h.\(i).ln_1"), wide: try map("h.\(i).mlp.c_fc", d, wideWidth),
          narrow: try map("h.\(i).mlp.c_proj", wideWidth, d), norm: try norm("h.\(i).ln_2"))
      }
      self.norm = try norm("ln_f")
    } else {
      positions = nil
      let hasBias = family == "qwen2" || json.flag("attention_bias", false)
      let hasOutputBias = family != "qwen2" && json.flag("attention_bias", false)
      let hasWideBias = json.flag("mlp_bias", false)
      blocks = try (0..<count).map { i in
        let name = "layers.\(i)"
        return Block(
          attention: .joined([
            try weights.linear("\(name).self_attn.q_proj", d, q, bias: hasBias),
            try weights.linear("\(name).self_attn.k_proj", d, kv, bias: hasBias),
            try weights.linear("\(name).self_attn.v_proj", d, kv, bias: hasBias),
          ]), output: try weights.linear("\(name).self_attn.o_proj", q, d, bias: hasOutputBias),
          attentionNorm: (try weights.tensor("\(name).input_layernorm.weight", [d]), nil),
          wide: .joined([
            try weights.linear("\(name).mlp.gate_proj", d, wideWidth, bias: hasWideBias),
            try weights.linear("\(name).mlp.up_proj", d, wideWidth, bias: hasWideBias),
          ]), narrow: try weights.linear("\(name).mlp.down_proj", wideWidth, d, bias: hasWideBias),
          norm: (try weights.tensor("\(name).post_attention_layernorm.weight", [d]), nil))
      }
      self.norm = (try weights.tensor("norm.weight", [d]), nil)
    }
    weights.prefix = ""
    let isTied = json.flag("tie_word_embeddings", isGPT) || !weights.has("lm_head.weight")
    head = isTied ? words.T : try weights.tensor("lm_head.weight", [vocabularySize, d]).T
  }

  /// Su et al. 2021, arXiv 2104.09864; stretched as Llama 3 does for long contexts (Grattafiori et al. 2024, arXiv
  /// 2407.21783).
  private static func frequencies(_ json: JSONReader, _ width: Int) throws -> [Double] {
    let parameters = try json.part("rope_parameters")
    let base = try parameters?.number("rope_theta", 10000) ?? json.number("rope_theta", 10000)
    guard base > 0 else { throw json.fault("rope_theta is \(base)") }
    let plain = (0..<width / 2).map { pow(base, -2 * Double($0) / Double(width)) }
    guard let scaling = try json.part("rope_scaling") ?? parameters else { return plain }
    let kind = try scaling.text("rope_type", scaling.text("type", "default"))
    switch kind {
    case "default": return plain
    case "linear":
      let factor = try scaling.number("factor", 1)
      guard factor > 0 else { throw scaling.fault("factor is \(factor)") }
      return plain.map { $0 / factor }
    case "llama3":
      let factor = try scaling.number("factor", 8)
      let (low, high) = (
        try scaling.number("low_freq_factor", 1), try scaling.number("high_freq_factor", 4)
      )
      let original = try scaling.number("original_max_position_embeddings", 8192)
      guard factor > 0, low > 0, high > low, original > 0 else {
        throw scaling.fault("its factors")
      }
      return plain.map { frequency in
        let length = 2 * .pi / frequency
        if length < original / high { return frequency }
        if length > original / low { return frequency / factor }
        let share = (original / length - low) / (high - low)
        return (1 - share) * frequency / factor + share * frequency
      }
    default: throw scaling.fault("positions scaled as \(quoted(kind)) are not known here")
    }
  }

  private func normalized(_ x: Tensor, _ norm: (scale: Tensor, offset: Tensor?)) -> Tensor {
    if let offset = norm.offset { return layerNormalized(x, (norm.scale, offset), epsilon) }
    return x * (x.squared().mean([-1], keepsAxes: true) + epsilon).rsqrt() * norm.scale
  }

  /// Scores of the next token at each place.
  /// - Shape: `[n, t]` `int32` → `[n, t, vocabulary]`
  public func callAsFunction(_ ids: Tensor) -> Tensor {
    let t = ids.shape[1]
    require(t <= positionCount, "\(t) tokens; the model has \(positionCount) positions")
    return pass(ids, capacity: t).scores
  }

  /// What the feed-forward blocks do with texts of one length.
  /// - Parameter ids: `[n, t]` `int32`
  public func feedForwards(_ ids: Tensor) -> [FeedForwardActivity] {
    let seen = pass(ids, capacity: ids.shape[1]).seen
    return zip(blocks, seen).enumerated().map { i, pair in
      FeedForwardActivity(
        path: "layer/\(i)", inputs: pair.1.inputs, activations: pair.1.activations, outputWeight: pair.0.narrow.weight)
    }
  }

  /// Tokens through the network, behind others whose keys and values are remembered.
  /// - Parameters:
  ///   - position: the place of the one token there is, an `int32` number; nil if the tokens begin the text.
  ///   - memory: keys and values of each block, `[n, key heads, capacity, head width]`.
  private func pass(
    _ ids: Tensor, at position: Tensor? = nil, memory: [Tensor] = [], capacity: Int
  ) -> (scores: Tensor, memory: [Tensor], seen: [(inputs: Tensor, activations: Tensor)]) {
    var seen: [(inputs: Tensor, activations: Tensor)] = []
    let (n, t) = (ids.shape[0], ids.shape[1])
    var places = Tensor.iota([t], axis: 0, dtype: .int32)
    if let position { places = places + position }
    var x = words.take(ids)
    if let positions { x = x + positions.take(places) }
    let isBefore =
      Tensor.iota([t, capacity], axis: 1, dtype: .int32) .<= places.expandDimensions(at: 1)
    let isHere = position.map { Tensor.iota([capacity, 1], axis: 0, dtype: .int32) .== $0 }
    let turns =
      positions == nil ? [cos, sin].map { turn in angles(capacity, turn).take(places) } : []
    func turned(_ x: Tensor) -> Tensor {
      guard positions == nil else { return x }
      let halves = x.split(2, axis: -1)
      let (cosines, sines) = (turns[0], turns[1])
      return .concatenate(
        [halves[0] * cosines - halves[1] * sines, halves[1] * cosines + halves[0] * sines], axis: -1
      )
    }
    func perHead(_ x: Tensor, _ count: Int) -> Tensor {
      x.reshape([n, t, count, headWidth]).transposed(0, 2, 1, 3)
    }
    var remembered = [Tensor]()
    func remembering(_ new: Tensor) -> Tensor {
      let all: Tensor
      if let isHere {
        all = .select(isHere, new, memory[remembered.count])
      } else if capacity > t {
        all = .concatenate([new, .zeros([n, keyHeads, capacity - t, headWidth])], axis: 2)
      } else {
        all = new
      }
      remembered.append(all)
      return all
    }
    for block in blocks {
      let parts = block.attention(normalized(x, block.attentionNorm))
        .split(sizes: [heads * headWidth, keyHeads * headWidth, keyHeads * headWidth], axis: 2)
      let q = turned(perHead(parts[0], heads))
      var k = remembering(turned(perHead(parts[1], keyHeads)))
      var v = remembering(perHead(parts[2], keyHeads))
      if keyHeads != heads {
        (k, v) = (k.repeated(heads / keyHeads, axis: 1), v.repeated(heads / keyHeads, axis: 1))
      }
      let scores = Tensor.select(
        isBefore, (q * (1 / Double(headWidth).squareRoot())).matmul(k.T), -1e30)
      let mixed = scores.softmax().matmul(v).transposed(0, 2, 1, 3).reshape([
        n, t, heads * headWidth,
      ])
      x = x + block.output(mixed)
      let inputs = normalized(x, block.norm)
      var y = block.wide(inputs)
      if positions == nil {
        let gated = y.split(2, axis: -1)
        y = activation(gated[0]) * gated[1]
      } else {
        y = activation(y)
      }
      seen.append((inputs, y))
      x = x + block.narrow(y)
    }
    return (normalized(x, norm).matmul(head), remembered, seen)
  }

  /// A function of the angles by which places turn.
  /// - Shape: `[count, headWidth / 2]`
  private func angles(_ count: Int, _ function: (Double) -> Double) -> Tensor {
    untraced {
      Tensor(
        (0..<count).flatMap { i in frequencies.map { Float(function(Double(i) * $0)) } },
        shape: [count, frequencies.count])
    }
  }

  /// A continuation, token by token. Keys and values of the text so far are remembered, so each step reads one token.
  /// - Parameters:
  ///   - temperature: 0 takes the likeliest token, 1 draws from the model's distribution, less prefers the likely.
  ///   - key: another key, another text.
  ///   - stops: tokens that end the text.
  ///   - report: called with each token; the text ends if it returns false.
  public func continuation(
    of ids: [Int], count: Int, temperature: Double = 0, key: Key = Key(0), stops: Set<Int> = [],
    report: (Int) -> Bool = { _ in true }
  ) -> [Int] {
    require(!ids.isEmpty, "a text to continue has at least one token")
    require(
      ids.allSatisfy { (0..<vocabularySize).contains($0) },
      "a token is not among the model's \(vocabularySize)")
    var ids = ids
    let start = ids.count
    let end = Swift.min(start + count, positionCount)
    guard start < end else { return [] }
    // Few different lengths, so that few graphs are compiled. What stands behind the text is overwritten before it is seen.
    let length = Swift.min((start + 15) / 16 * 16, positionCount)
    let capacity = Swift.min(Swift.max((end + 63) / 64 * 64, length), positionCount)
    let begin = compile { (x: [Tensor]) -> [Tensor] in
      let (scores, memory, _) = self.pass(x[0], capacity: capacity)
      return [scores.take(x[1], axis: 1)] + memory
    }
    let proceed = compile { (x: [Tensor]) -> [Tensor] in
      let (scores, memory, _) = self.pass(x[0], at: x[1], memory: Array(x[2...]), capacity: capacity)
      return [scores] + memory
    }
    let padded = ids.map { Int32($0) } + [Int32](repeating: 0, count: length - ids.count)
    var results = begin([Tensor(padded, shape: [1, length]), Tensor([Int32(start - 1)])])
    while true {
      let scores = results[0].reshape([vocabularySize])
      let choice =
        temperature > 0
        ? Tensor.categorical(logits: scores * (1 / temperature), key: key.folding(ids.count))
        : scores.argMax()
      let next = Int(choice.item(as: Int32.self))
      if stops.contains(next) { break }
      ids.append(next)
      guard report(next), ids.count < end else { break }
      let position = Tensor(Int32(ids.count - 1), dtype: .int32)
      results = proceed([Tensor([Int32(next)], shape: [1, 1]), position] + results.dropFirst())
    }
    return Array(ids[start...])
  }
}
