import SomaData

/// Cuts words into tokens of a vocabulary.
protocol SubwordModel: Sendable {
  var table: TokenTable { get }
  func append(_ word: [Unicode.Scalar], to ids: inout [Int])
}

func subwordModel(_ json: JSONReader) throws -> any SubwordModel {
  switch json.type {
  case "WordPiece": return try WordPiece(json)
  case "BPE": return try BytePairEncoding(json)
  case "Unigram": return try Unigram(json)
  case "":
    // Files of early versions leave out the type.
    if json.object["merges"] != nil { return try BytePairEncoding(json) }
    return try WordPiece(json)
  default: throw json.fault("the model \(quoted(json.type)) is not known here")
  }
}

/// The vocabulary of a model: tokens by text and by number. Texts are told apart by their bytes: as strings, "é" in one scalar
/// and in two would be one token.
struct TokenTable: Sendable {
  private let ids: [[UInt8]: Int]
  private let texts: [Int: String]

  init(_ tokens: [(text: String, id: Int)]) {
    ids = Dictionary(tokens.map { (Array($0.text.utf8), $0.id) }, uniquingKeysWith: { $1 })
    texts = Dictionary(tokens.map { ($0.id, $0.text) }, uniquingKeysWith: { first, _ in first })
  }

  init(_ json: JSONReader) throws {
    guard let table = json.object["vocab"]?.object else { throw json.fault("vocab is no table") }
    self.init(
      try table.pairs.map { token, value in
        guard let number = value.int, number >= 0, number < 1 << 31 else {
          throw json.fault("the number of the token \(quoted(token))")
        }
        return (token, number)
      })
  }

  var count: Int { ids.count }
  func id(_ text: String) -> Int? { ids[Array(text.utf8)] }
  func text(_ id: Int) -> String? { texts[id] }
  var all: some Sequence<(key: [UInt8], value: Int)> { ids }
}

/// Byte sequences that lead to numbers, for finding the longest that begins somewhere.
struct TokenTrie: Sendable {
  private var next: [UInt64: Int32] = [:]
  private var ends: [Int32] = [-1]

  mutating func insert(_ bytes: some Sequence<UInt8>, _ id: Int) {
    var node: Int32 = 0
    for byte in bytes {
      let key = UInt64(node) << 8 | UInt64(byte)
      if let known = next[key] {
        node = known
      } else {
        ends.append(-1)
        node = Int32(ends.count - 1)
        next[key] = node
      }
    }
    ends[Int(node)] = Int32(id)
  }

  /// Calls the body for each sequence that begins at a place, shortest first, with the place behind it and its number.
  func matches(_ bytes: [UInt8], from start: Int, _ body: (_ end: Int, _ id: Int) -> Void) {
    var node: Int32 = 0
    for i in start..<bytes.count {
      guard let following = next[UInt64(node) << 8 | UInt64(bytes[i])] else { return }
      node = following
      if ends[Int(node)] >= 0 { body(i + 1, Int(ends[Int(node)])) }
    }
  }
}

/// The longest token that begins the rest of a word, again and again. (Schuster, Nakajima 2012; Devlin et al. 2019, arXiv
/// 1810.04805)
struct WordPiece: SubwordModel {
  let table: TokenTable
  private let starts: TokenTrie
  private let continuations: TokenTrie
  private let unknown: Int
  private let longestWord: Int

  init(_ json: JSONReader) throws {
    table = try TokenTable(json)
    let unknownToken = try json.text("unk_token", "[UNK]")
    guard let unknown = table.id(unknownToken) else { throw json.fault("\(quoted(unknownToken)) is no token") }
    self.unknown = unknown
    longestWord = try json.int("max_input_chars_per_word", 100)
    let prefix = Array(try json.text("continuing_subword_prefix", "##").utf8)
    var (starts, continuations) = (TokenTrie(), TokenTrie())
    for (token, id) in table.all where !token.isEmpty {
      starts.insert(token, id)
      if token.starts(with: prefix), token.count > prefix.count {
        continuations.insert(token.dropFirst(prefix.count), id)
      }
    }
    self.starts = starts
    self.continuations = continuations
  }

  func append(_ word: [Unicode.Scalar], to ids: inout [Int]) {
    guard word.count <= longestWord else { return ids.append(unknown) }
    let bytes = Array(String(String.UnicodeScalarView(word)).utf8)
    let first = ids.count
    var i = 0
    while i < bytes.count {
      var best: (end: Int, id: Int)?
      (i == 0 ? starts : continuations).matches(bytes, from: i) { best = ($0, $1) }
      guard let best else {
        ids.removeSubrange(first...)
        return ids.append(unknown)
      }
      ids.append(best.id)
      i = best.end
    }
  }
}
