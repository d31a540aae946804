import Soma
import SomaData
import SomaNetworks

/// What the feed-forward blocks of a pretrained transformer in a Hugging Face folder do with the beginning of a text: an
/// encoder reads windows of it between the special tokens that it wants, a decoder windows alone.
/// - Parameters:
///   - file: the text's
///   - windows: the most windows
///   - length: tokens of a window, fewer if the model has fewer positions
/// - Throws: `DataError` if a file of the folder is missing or malformed, or the text is shorter than a window.
public func pretrainedFeedForwards(
  _ folder: String, text file: String, windows: Int = 16, length: Int = 128
) throws -> [FeedForwardActivity] {
  let text = try decodeUTF8(readFile(file, limit: 1 << 30), file: file)
  let configured = try PretrainedFolder(folder)
  let tokenizer = try Tokenizer.read("\(folder)/tokenizer.json")
  let isDecoder = try PretrainedDecoder.families.contains(configured.configuration.text("model_type"))
  let encoder = isDecoder ? nil : try PretrainedEncoder(configured)
  let decoder = isDecoder ? try PretrainedDecoder(configured) : nil
  let (positions, vocabulary) =
    encoder.map { ($0.positionCount, $0.vocabularySize) } ?? (decoder!.positionCount, decoder!.vocabularySize)
  guard tokenizer.count <= vocabulary else {
    throw DataError(folder, "its tokenizer has \(tokenizer.count) tokens, its model \(vocabulary)")
  }
  // A token is at least one character; words are not cut at the end.
  let beginning = String(text.prefix(windows * length * 16))
  let tokens = tokenizer.encode(beginning, addsSpecialTokens: false).ids
  let around = isDecoder ? [] : tokenizer.encode("", addsSpecialTokens: true).ids
  let (before, behind) = (around.prefix((around.count + 1) / 2), around.suffix(around.count / 2))
  let size = Swift.min(length, positions)
  let inner = size - around.count
  guard inner > 0, tokens.count >= inner else {
    throw DataError(file, "has \(tokens.count) tokens; the reading wants \(Swift.max(1, inner))")
  }
  let count = Swift.min(windows, tokens.count / inner)
  var ids: [Int32] = []
  for w in 0..<count {
    let window = Array(before) + Array(tokens[(w * inner)..<((w + 1) * inner)]) + Array(behind)
    ids += window.map { Int32($0) }
  }
  let batch = Tensor(ids, shape: [count, size])
  return encoder?.feedForwards(batch) ?? decoder!.feedForwards(batch)
}
