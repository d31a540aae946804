import Soma

/// A text as a sequence of tokens.
public struct TextCorpus: Sendable {
  public enum Level: String, Sendable, Codable { case character, byte }

  public var name: String
  public let tokens: [Int32]
  public let vocabulary: Vocabulary

  public init(name: String, tokens: [Int32], vocabulary: Vocabulary) {
    require(tokens.allSatisfy { $0 >= 0 && $0 < vocabulary.count }, "tokens are below \(vocabulary.count)")
    self.name = name
    self.tokens = tokens
    self.vocabulary = vocabulary
  }

  public init(name: String, text: String, level: Level = .character) throws {
    let vocabulary: Vocabulary = level == .byte ? .bytes : Vocabulary(charactersOf: text)
    self.init(name: name, tokens: try vocabulary.encode(text, file: name), vocabulary: vocabulary)
  }

  /// Reads a file, plain or gzipped. At character level it must be UTF-8; at byte level it may be anything.
  /// - Parameter vocabulary: that of a trained model; nil makes one of the text.
  /// - Throws: `DataError` if the file is empty, or at the place that is not UTF-8 or not in the vocabulary.
  public static func read(
    _ path: String, level: Level = .character, vocabulary: Vocabulary? = nil
  ) throws -> TextCorpus {
    var bytes = try readFile(path, limit: 4 << 30)
    if Gzip.isCompressed(bytes) { bytes = try Gzip.decompress(bytes, file: path, limit: 4 << 30) }
    return try decode(bytes, file: path, level: level, vocabulary: vocabulary)
  }

  public static func decode(
    _ bytes: [UInt8], file: String, level: Level = .character, vocabulary: Vocabulary? = nil
  ) throws -> TextCorpus {
    guard !bytes.isEmpty else { throw DataError(file, "is empty") }
    let isBytes = vocabulary.map { $0 == .bytes } ?? (level == .byte)
    if isBytes { return TextCorpus(name: file, tokens: bytes.map { Int32($0) }, vocabulary: .bytes) }
    let text = try decodeUTF8(bytes, file: file)
    if let offset = bytes.firstIndex(of: 0) {
      let line = 1 + bytes[..<offset].count { $0 == 0x0A }
      throw DataError(file, at: .line(line), "holds a zero byte at offset \(offset): it is not plain text")
    }
    guard !text.isEmpty else { throw DataError(file, "is empty") }
    let known = vocabulary ?? Vocabulary(charactersOf: text)
    return TextCorpus(name: file, tokens: try known.encode(text, file: file), vocabulary: known)
  }

  /// The text that the tokens stand for.
  public func text() throws -> String { try vocabulary.decode(tokens) }

  /// The first part and the rest, which is the share `test` of all tokens; a text is not shuffled.
  public func split(test: Double) -> (train: TextCorpus, test: TextCorpus) {
    require(test >= 0 && test <= 1, "a share is between 0 and 1, not \(test)")
    let cut = tokens.count - Int((Double(tokens.count) * test).rounded())
    return (
      TextCorpus(name: name, tokens: Array(tokens[..<cut]), vocabulary: vocabulary),
      TextCorpus(name: name, tokens: Array(tokens[cut...]), vocabulary: vocabulary)
    )
  }

  /// Windows of `length` tokens that start every `stride` tokens (by default one after the other, without overlap).
  /// - Throws: `DataError` if the text is too short for one.
  public func windows(length: Int, stride: Int? = nil) throws -> TokenSequences {
    let stride = stride ?? length
    require(length > 0 && stride > 0, "windows of \(length) tokens every \(stride)")
    try check(length)
    return TokenSequences(
      tokens: tokens, length: length,
      offsets: Array(Swift.stride(from: 0, through: tokens.count - length - 1, by: stride)))
  }

  /// The text cut into `rows` parallel streams; sample `t × rows + r` is the `t`-th window of stream `r`. Batches of
  /// `rows` samples in this order continue each other row by row, as a recurrent network that keeps its state wants.
  /// - Throws: `DataError` if the text is too short.
  public func streams(rows: Int, length: Int) throws -> TokenSequences {
    require(rows > 0 && length > 0, "\(rows) streams of windows of \(length) tokens")
    let perRow = (tokens.count - 1) / rows
    guard perRow >= length else {
      throw DataError(name, "\(tokens.count) tokens are too few for \(rows) streams of \(length) and one more")
    }
    let offsets = (0..<perRow / length).flatMap { t in (0..<rows).map { $0 * perRow + t * length } }
    return TokenSequences(tokens: tokens, length: length, offsets: offsets)
  }

  private func check(_ length: Int) throws {
    guard tokens.count > length else {
      throw DataError(name, "\(tokens.count) tokens are too few for a window of \(length) and the next")
    }
  }
}

/// Windows of a token sequence, each with the tokens that follow: a batch's features are `[n, length]` and its targets
/// the same shifted by one, both `int32`.
public struct TokenSequences: Dataset {
  public let tokens: [Int32]
  public let length: Int
  /// Where each window starts.
  public let offsets: [Int]

  /// - Precondition: each window and the token after it lie inside the sequence.
  public init(tokens: [Int32], length: Int, offsets: [Int]) {
    require(offsets.allSatisfy { $0 >= 0 && $0 + length < tokens.count }, "a window leaves the text")
    self.tokens = tokens
    self.length = length
    self.offsets = offsets
  }

  public var count: Int { offsets.count }

  public func batch(of indices: [Int]) throws -> Batch {
    var inputs = [Int32]()
    var targets = [Int32]()
    for index in indices {
      inputs += tokens[offsets[index]..<offsets[index] + length]
      targets += tokens[offsets[index] + 1...offsets[index] + length]
    }
    let shape: Shape = [indices.count, length]
    return Batch(features: Tensor(inputs, shape: shape), targets: Tensor(targets, shape: shape), indices: indices)
  }
}
