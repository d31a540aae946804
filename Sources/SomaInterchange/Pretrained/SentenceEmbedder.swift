import Foundation
import Soma
import SomaData

/// Vectors of sentences: an encoder, its tokens pooled, as Sentence-BERT does (Reimers, Gurevych 2019, arXiv 1908.10084).
///
/// ```swift
/// let embedder = try SentenceEmbedder.read("all-MiniLM-L6-v2")
/// let vectors = embedder.embed(["a cat", "a dog"])     // [2, 384]
/// ```
public final class SentenceEmbedder: Sendable {
  public enum Pooling: Sendable { case mean, first }

  public let tokenizer: Tokenizer
  public let encoder: PretrainedEncoder
  public let pooling: Pooling
  /// Whether the vectors have length 1.
  public let isNormalized: Bool
  /// The most tokens of a text, special ones included; the rest is left out.
  public let maximumLength: Int
  private let compiled: CompiledFunction<[Tensor], Tensor>

  /// - Throws: `DataError` if a file of the folder is missing or malformed.
  public static func read(_ folder: String) throws -> SentenceEmbedder { try SentenceEmbedder(folder) }

  private init(_ folder: String) throws {
    tokenizer = try Tokenizer.read("\(folder)/tokenizer.json")
    let encoder = try PretrainedEncoder.read(folder)
    self.encoder = encoder
    guard tokenizer.count <= encoder.vocabularySize else {
      throw DataError(folder, "its tokenizer has \(tokenizer.count) tokens, its model \(encoder.vocabularySize)")
    }
    var pooling = Pooling.mean
    if fileExists("\(folder)/1_Pooling/config.json") {
      let json = try PretrainedFolder.json("\(folder)/1_Pooling/config.json")
      if json.flag("pooling_mode_cls_token", false) {
        pooling = .first
      } else if !json.flag("pooling_mode_mean_tokens", true) {
        throw json.fault("its way of pooling is not known here")
      }
    }
    var normalizes = true
    if fileExists("\(folder)/modules.json") {
      normalizes = String(decoding: try readFile("\(folder)/modules.json", limit: 1 << 20), as: UTF8.self).contains(
        "Normalize")
    }
    var length = encoder.positionCount
    if fileExists("\(folder)/sentence_bert_config.json") {
      length = try PretrainedFolder.json("\(folder)/sentence_bert_config.json").int("max_seq_length", length)
    }
    (self.pooling, isNormalized) = (pooling, normalizes)
    maximumLength = Swift.min(Swift.max(length, 3), encoder.positionCount)
    compiled = compile { [encoder, pooling, normalizes] (inputs: [Tensor]) in
      let (ids, lengths) = (inputs[0], inputs[1])
      let t = ids.shape[1]
      let isText = Tensor.iota([1, t], axis: 1, dtype: .int32) .< lengths.expandDimensions(at: 1)
      let states = encoder(ids, isText: isText)
      var vectors: Tensor
      switch pooling {
      case .first: vectors = states[.all, 0]
      case .mean:
        let share = isText.cast(to: .float32) / lengths.cast(to: .float32).expandDimensions(at: 1)
        vectors = share.expandDimensions(at: 1).matmul(states).squeezed([1])
      }
      if normalizes { vectors = vectors / vectors.norm([-1], keepsAxes: true).maximum(1e-12) }
      return vectors
    }
  }

  /// - Parameter batchSize: texts that go through the network together. They are sorted by length, so that few places are
  ///   padding.
  /// - Shape: `[texts, width]`
  public func embed(_ texts: [String], batchSize: Int = 32) -> Tensor {
    require(batchSize > 0, "a batch has at least one text")
    guard !texts.isEmpty else { return .zeros([0, encoder.width]) }
    let encodings = texts.map { tokenizer.encode($0, limit: maximumLength).ids }
    let order = encodings.indices.sorted { encodings[$0].count < encodings[$1].count }
    var rows = [Tensor]()
    for start in stride(from: 0, to: order.count, by: batchSize) {
      let chosen = order[start..<Swift.min(start + batchSize, order.count)]
      let longest = Swift.max(1, chosen.map { encodings[$0].count }.max() ?? 1)
      // Few different lengths, so that few graphs are compiled.
      let length = Swift.min((longest + 7) / 8 * 8, encoder.positionCount)
      var ids = [Int32](repeating: 0, count: chosen.count * length)
      for (row, i) in chosen.enumerated() {
        for (j, id) in encodings[i].enumerated() { ids[row * length + j] = Int32(id) }
      }
      let lengths = chosen.map { Int32(Swift.max(1, encodings[$0].count)) }
      rows.append(compiled([Tensor(ids, shape: [chosen.count, length]), Tensor(lengths)]))
    }
    var place = [Int64](repeating: 0, count: order.count)
    for (sorted, original) in order.enumerated() { place[original] = Int64(sorted) }
    return Tensor.concatenate(rows).take(Tensor(place))
  }
}
