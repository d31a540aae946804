import SomaData

/// A tokenizer from Hugging Face's `tokenizer.json`: normalization, splitting, a model (WordPiece, byte-pair encoding or
/// Unigram), and special tokens around the result.
///
/// ```swift
/// let tokenizer = try Tokenizer.read("model/tokenizer.json")
/// tokenizer.encode("Hello, world!").ids      // [101, 7592, 1010, 2088, 999, 102]
/// ```
public struct Tokenizer: Sendable {
  public struct Encoding: Sendable, Equatable {
    public var ids: [Int]
    /// 0 for the first text, 1 for the second.
    public var types: [Int]
  }

  let normalizer: TextNormalizer
  let splitter: TextSplitter
  let model: any SubwordModel
  let template: TokenTemplate
  let joiner: TokenJoiner
  let added: AddedTokens
  /// The length to which the file asks to cut texts, if it does.
  public let maximumLength: Int?

  /// - Throws: `DataError` if the file is unreadable, malformed or uses a part that is not known here.
  public static func read(_ path: String) throws -> Tokenizer {
    try decode(try readFile(path, limit: 1 << 30), file: path)
  }

  public static func decode(_ bytes: [UInt8], file: String) throws -> Tokenizer {
    try Tokenizer(JSONReader(bytes, file: file))
  }

  private init(_ json: JSONReader) throws {
    added = try AddedTokens(json)
    normalizer = try TextNormalizer(json.part("normalizer"))
    splitter = try TextSplitter(json.part("pre_tokenizer"))
    guard let model = try json.part("model") else { throw json.fault("model is missing") }
    self.model = try subwordModel(model)
    template = try TokenTemplate(json.part("post_processor"), added: added)
    joiner = try TokenJoiner(json.part("decoder"))
    maximumLength = try json.part("truncation").map { part in
      let length = try part.int("max_length")
      guard length >= 0 else { throw part.fault("max_length is \(length)") }
      return length
    }
  }

  /// The number of tokens, added ones included.
  public var count: Int { Swift.max(model.table.count, (added.tokens.map(\.id).max() ?? -1) + 1) }

  /// The number of a token.
  public func id(of token: String) -> Int? { added.table.id(token) ?? model.table.id(token) }

  /// The token of a number.
  public func token(_ id: Int) -> String? { added.table.text(id) ?? model.table.text(id) }

  /// The tokens of a text, or of a pair, with the special tokens that the model wants around them.
  /// - Parameters:
  ///   - limit: the most tokens to give; the end of the text is left out. Of a pair, the longer text loses first.
  public func encode(
    _ text: String, with second: String? = nil, addsSpecialTokens: Bool = true, limit: Int? = nil
  ) -> Encoding {
    var first = pieces(text)
    var other = second.map { pieces($0) }
    if let limit {
      let room = Swift.max(0, limit - (addsSpecialTokens ? template.specialCount(isPair: second != nil) : 0))
      if var cut = other {
        while first.count + cut.count > room {
          if first.count > cut.count { first.removeLast() } else { cut.removeLast() }
        }
        other = cut
      } else if first.count > room {
        first.removeSubrange(room...)
      }
    }
    return template.around(first, other, addsSpecialTokens: addsSpecialTokens)
  }

  /// The text of tokens; special tokens are left out unless asked for.
  public func decode(_ ids: [Int], skipsSpecialTokens: Bool = true) -> String {
    let tokens = ids.compactMap { id -> String? in
      if skipsSpecialTokens && added.isSpecial(id) { return nil }
      return token(id)
    }
    return joiner.join(tokens)
  }

  private func pieces(_ text: String) -> [Int] {
    var ids = [Int]()
    for part in added.split(Array(text.unicodeScalars), normalized: false) {
      switch part {
      case .token(let id): ids.append(id)
      case .text(let raw, let isStart):
        for inner in added.split(normalizer.apply(raw), normalized: true) {
          switch inner {
          case .token(let id): ids.append(id)
          case .text(let clean, let isInnerStart):
            for word in splitter.split(clean, isStart: isStart && isInnerStart) { model.append(word, to: &ids) }
          }
        }
      }
    }
    return ids
  }
}

/// A part of a JSON file, with its place for messages.
struct JSONReader {
  let object: JSONObject
  let file: String
  let path: String

  init(_ object: JSONObject, file: String, path: String) {
    self.object = object
    self.file = file
    self.path = path
  }

  init(_ bytes: [UInt8], file: String) throws {
    guard let object = try JSONValue.decode(bytes, file: file).object else {
      throw DataError(file, "is no JSON object")
    }
    self.init(object, file: file, path: "")
  }

  func fault(_ problem: String) -> DataError { DataError(file, path.isEmpty ? problem : "\(path): \(problem)") }

  /// A nested object; nil if it is missing or null.
  func part(_ key: String) throws -> JSONReader? {
    guard let value = object[key], !value.isNull else { return nil }
    guard let inner = value.object else { throw fault("\(key) is no object") }
    return JSONReader(inner, file: file, path: path.isEmpty ? key : "\(path).\(key)")
  }

  func parts(_ key: String) throws -> [JSONReader] {
    guard let value = object[key], !value.isNull else { return [] }
    guard let list = value.list else { throw fault("\(key) is no list of objects") }
    return try list.enumerated().map { i, part in
      guard let inner = part.object else { throw fault("\(key) is no list of objects") }
      return JSONReader(inner, file: file, path: path.isEmpty ? "\(key)[\(i)]" : "\(path).\(key)[\(i)]")
    }
  }

  func text(_ key: String) throws -> String {
    guard let text = object[key]?.text else { throw fault("\(key) is no text") }
    return text
  }
  func text(_ key: String, _ standard: String) throws -> String { object[key]?.text ?? standard }

  func int(_ key: String) throws -> Int {
    guard let value = object[key]?.int else { throw fault("\(key) is no whole number") }
    return value
  }
  func int(_ key: String, _ standard: Int) throws -> Int { object[key]?.number == nil ? standard : try int(key) }

  func number(_ key: String, _ standard: Double) throws -> Double {
    object[key]?.number ?? standard
  }

  func flag(_ key: String, _ standard: Bool) -> Bool { object[key]?.flag ?? standard }

  var type: String { object["type"]?.text ?? "" }
}
