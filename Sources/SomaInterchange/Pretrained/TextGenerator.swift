import Soma
import SomaData

/// A pretrained decoder with its tokenizer, from a Hugging Face folder: texts that go on from a prompt.
public struct TextGenerator: Sendable {
  public let tokenizer: Tokenizer
  public let decoder: PretrainedDecoder
  private let stops: Set<Int>
  private let start: Int?

  /// - Throws: `DataError` if a file of the folder is missing or malformed, or the model is no decoder.
  public static func read(_ path: String) throws -> TextGenerator {
    let folder = try PretrainedFolder(path)
    let decoder = try PretrainedDecoder(folder)
    let tokenizer = try Tokenizer.read("\(path)/tokenizer.json")
    guard tokenizer.count <= decoder.vocabularySize else {
      throw DataError(path, "its tokenizer has \(tokenizer.count) tokens, its model \(decoder.vocabularySize)")
    }
    func numbers(_ key: String) throws -> [Int] {
      if let list = folder.configuration.object[key]?.list { return list.compactMap(\.int) }
      return folder.configuration.object[key]?.number == nil ? [] : [try folder.configuration.int(key)]
    }
    return TextGenerator(
      tokenizer: tokenizer, decoder: decoder, stops: Set(try numbers("eos_token_id")),
      start: try numbers("bos_token_id").first { (0..<decoder.vocabularySize).contains($0) })
  }

  /// The prompt's continuation. An empty prompt begins with the model's first token.
  /// - Parameters: as for `PretrainedDecoder.continuation`.
  /// - Throws: `DataError` if the prompt has no tokens and the model no first token, or it is longer than the model's context.
  public func continuation(
    of prompt: String, count: Int, temperature: Double = 0, key: Key = Key(0)
  ) throws -> String {
    var ids = tokenizer.encode(prompt).ids
    if ids.isEmpty, let start { ids = [start] }
    guard !ids.isEmpty else { throw DataError("prompt", "has no tokens; give the text to go on from") }
    guard ids.count <= decoder.positionCount else {
      throw DataError("prompt", "has \(ids.count) tokens; the model has \(decoder.positionCount) positions")
    }
    let more = decoder.continuation(of: ids, count: count, temperature: temperature, key: key, stops: stops)
    return tokenizer.decode(ids + more)
  }
}
