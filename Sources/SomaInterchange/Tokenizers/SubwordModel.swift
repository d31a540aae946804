import SomaData

/// Cuts words into tokens of a vocabulary.
protocol SubwordModel: Sendable {
  var vocabulary: [String: Int] { get }
  func token(_ id: Int) -> String?
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

/// The vocabulary of a model: tokens by text and by number.
struct TokenTable: Sendable {
  let ids: [String: Int]
  private let texts: [Int: String]

  init(_ ids: [String: Int]) {
    self.ids = ids
    texts = Dictionary(ids.map { ($1, $0) }, uniquingKeysWith: { Swift.min($0, $1) })
  }

  init(_ json: JSONReader) throws {
    guard let table = json.object["vocab"] as? [String: Any] else { throw json.fault("vocab is no table") }
    var ids = [String: Int](minimumCapacity: table.count)
    for (token, value) in table {
      guard let number = value as? Int, number >= 0, number < 1 << 31 else {
        throw json.fault("the number of the token \(quoted(token))")
      }
      ids[token] = number
    }
    self.init(ids)
  }

  func text(_ id: Int) -> String? { texts[id] }
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
  private let table: TokenTable
  private let starts: TokenTrie
  private let continuations: TokenTrie
  private let unknown: Int
  private let longestWord: Int

  init(_ json: JSONReader) throws {
    table = try TokenTable(json)
    let unknownToken = try json.text("unk_token", "[UNK]")
    guard let unknown = table.ids[unknownToken] else { throw json.fault("\(quoted(unknownToken)) is no token") }
    self.unknown = unknown
    longestWord = try json.int("max_input_chars_per_word", 100)
    let prefix = try json.text("continuing_subword_prefix", "##")
    var (starts, continuations) = (TokenTrie(), TokenTrie())
    for (token, id) in table.ids where !token.isEmpty {
      starts.insert(token.utf8, id)
      if token.hasPrefix(prefix), token.utf8.count > prefix.utf8.count {
        continuations.insert(token.utf8.dropFirst(prefix.utf8.count), id)
      }
    }
    self.starts = starts
    self.continuations = continuations
  }

  var vocabulary: [String: Int] { table.ids }
  func token(_ id: Int) -> String? { table.text(id) }

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
