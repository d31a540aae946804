import SomaData

/// Tokens that are found in the text before it is split: special ones in the text as it is, others after normalization.
struct AddedTokens: Sendable {
  struct Token: Sendable {
    var id: Int
    var content: [Unicode.Scalar]
    var isSpecial: Bool
    var isNormalized: Bool
    var isSingleWord: Bool
    var takesLeft: Bool
    var takesRight: Bool
  }

  enum Part {
    case token(Int)
    case text([Unicode.Scalar], isStart: Bool)
  }

  let tokens: [Token]
  let table: TokenTable
  private let special: Set<Int>
  /// Tokens by their first letter, longest first.
  private let raw: [Unicode.Scalar: [Token]]
  private let normalized: [Unicode.Scalar: [Token]]

  init(_ json: JSONReader) throws {
    tokens = try json.parts("added_tokens").map { part in
      Token(
        id: try part.int("id"), content: Array(try part.text("content").unicodeScalars),
        isSpecial: part.flag("special", false), isNormalized: part.flag("normalized", false),
        isSingleWord: part.flag("single_word", false), takesLeft: part.flag("lstrip", false),
        takesRight: part.flag("rstrip", false))
    }
    guard tokens.allSatisfy({ $0.id >= 0 && $0.id < 1 << 31 }) else { throw json.fault("an added token's number") }
    func text(_ token: Token) -> String { String(String.UnicodeScalarView(token.content)) }
    table = TokenTable(tokens.map { (text($0), $0.id) })
    special = Set(tokens.filter(\.isSpecial).map(\.id))
    func byFirst(_ chosen: [Token]) -> [Unicode.Scalar: [Token]] {
      var table = [Unicode.Scalar: [Token]]()
      for token in chosen.sorted(by: { $0.content.count > $1.content.count }) {
        if let first = token.content.first { table[first, default: []].append(token) }
      }
      return table
    }
    raw = byFirst(tokens.filter { !$0.isNormalized })
    normalized = byFirst(tokens.filter(\.isNormalized))
  }

  func isSpecial(_ id: Int) -> Bool { special.contains(id) }

  func split(_ text: [Unicode.Scalar], normalized isNormalized: Bool) -> [Part] {
    let table = isNormalized ? normalized : raw
    if table.isEmpty { return text.isEmpty ? [] : [.text(text, isStart: true)] }
    var parts = [Part]()
    var (start, i) = (0, 0)
    func isWord(_ place: Int) -> Bool {
      text.indices.contains(place)
        && (text[place].properties.isAlphabetic || text[place].properties.numericType != nil || text[place] == "_")
    }
    while i < text.count {
      let found = table[text[i]]?.first { token in
        guard i + token.content.count <= text.count, text[i..<i + token.content.count].elementsEqual(token.content)
        else {
          return false
        }
        return !token.isSingleWord || !(isWord(i - 1) || isWord(i + token.content.count))
      }
      guard let token = found else {
        i += 1
        continue
      }
      var (from, to) = (i, i + token.content.count)
      if token.takesLeft { while from > start, text[from - 1].properties.isWhitespace { from -= 1 } }
      if token.takesRight { while to < text.count, text[to].properties.isWhitespace { to += 1 } }
      if from > start { parts.append(.text(Array(text[start..<from]), isStart: start == 0)) }
      parts.append(.token(token.id))
      (start, i) = (to, to)
    }
    if start < text.count { parts.append(.text(Array(text[start...]), isStart: start == 0)) }
    return parts
  }
}
