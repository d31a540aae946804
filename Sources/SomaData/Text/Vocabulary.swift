/// The tokens of a text and their numbers.
public enum Vocabulary: Hashable, Sendable, Codable {
  /// The 256 bytes; any text has tokens.
  case bytes
  /// Unicode scalars, in order of their numbers.
  case characters([String])

  /// The scalars that occur in `text`, sorted.
  public init(charactersOf text: String) {
    self = .characters(Set(text.unicodeScalars).sorted().map { String($0) })
  }

  /// The number of tokens.
  public var count: Int {
    switch self {
    case .bytes: 256
    case .characters(let characters): characters.count
    }
  }

  /// The tokens of a text.
  /// - Throws: `DataError` at the line of a character that the vocabulary lacks.
  public func encode(_ text: String, file: String = "text") throws -> [Int32] {
    guard case .characters(let characters) = self else { return text.utf8.map { Int32($0) } }
    var numbers = [Unicode.Scalar: Int32]()
    for (number, character) in characters.enumerated() {
      guard let scalar = character.unicodeScalars.first, character.unicodeScalars.count == 1,
        numbers.updateValue(Int32(number), forKey: scalar) == nil
      else {
        throw DataError(file, "the vocabulary's entry \(number) is not one character, or repeated")
      }
    }
    var line = 1
    var tokens = [Int32]()
    tokens.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard let number = numbers[scalar] else {
        throw DataError(file, at: .line(line), "the character \(quoted(String(scalar))) is not in the vocabulary")
      }
      tokens.append(number)
      if scalar == "\n" { line += 1 }
    }
    return tokens
  }

  /// The text of tokens. Bytes that are no UTF-8 become U+FFFD.
  /// - Throws: `DataError` if a number is no token's.
  public func decode(_ tokens: [Int32]) throws -> String {
    if let wrong = tokens.firstIndex(where: { $0 < 0 || $0 >= count }) {
      throw DataError("tokens", "\(tokens[wrong]) at position \(wrong) is not below \(count)")
    }
    return switch self {
    case .bytes: String(decoding: tokens.map { UInt8($0) }, as: UTF8.self)
    case .characters(let characters): tokens.map { characters[Int($0)] }.joined()
    }
  }
}
