import SomaData

/// The likeliest way to cut a word, by Viterbi's algorithm. (Kudo 2018, arXiv 1804.10959)
struct Unigram: SubwordModel {
  let table: TokenTable
  private let scores: [Double]
  private let trie: TokenTrie
  private let unknown: Int?
  private let unknownScore: Double
  private let bytes: [Int]?

  init(_ json: JSONReader) throws {
    guard let list = json.object["vocab"]?.list else { throw json.fault("vocab is no list") }
    var (tokens, scores, trie) = ([(text: String, id: Int)](), [Double](), TokenTrie())
    for (i, entry) in list.enumerated() {
      guard let pair = entry.list, pair.count == 2, let text = pair[0].text, let score = pair[1].number else {
        throw json.fault("token \(i) of vocab is no text with a number")
      }
      tokens.append((text, i))
      scores.append(score)
      if !text.isEmpty { trie.insert(text.utf8, i) }
    }
    if json.object["unk_id"]?.number != nil {
      let id = try json.int("unk_id")
      guard scores.indices.contains(id) else { throw json.fault("unk_id \(id) is no token") }
      unknown = id
    } else {
      unknown = nil
    }
    unknownScore = (scores.min() ?? 0) - 10
    table = TokenTable(tokens)
    if json.flag("byte_fallback", false) {
      let table = table
      let names = (0..<256).map { table.id(byteToken($0)) }
      bytes = names.allSatisfy { $0 != nil } ? names.compactMap { $0 } : nil
    } else {
      bytes = nil
    }
    (self.scores, self.trie) = (scores, trie)
  }

  func append(_ word: [Unicode.Scalar], to ids: inout [Int]) {
    let text = Array(String(String.UnicodeScalarView(word)).utf8)
    let n = text.count
    guard n > 0 else { return }
    // The best way to reach each place: its score, where its last token began, and that token (-1: unknown).
    var best = [(score: Double, start: Int, id: Int)?](repeating: nil, count: n + 1)
    best[0] = (0, 0, 0)
    var start = 0
    while start < n {
      let width = text[start] < 0x80 ? 1 : text[start] < 0xE0 ? 2 : text[start] < 0xF0 ? 3 : 4
      let base = best[start]?.score ?? 0
      var hasSingle = false
      trie.matches(text, from: start) { end, id in
        let score = base + scores[id]
        if best[end].map({ score > $0.score }) ?? true { best[end] = (score, start, id) }
        if end - start == width { hasSingle = true }
      }
      if !hasSingle {
        let score = base + unknownScore
        if best[start + width].map({ score > $0.score }) ?? true { best[start + width] = (score, start, -1) }
      }
      start += width
    }
    var pieces: [(range: Range<Int>, id: Int)] = []
    var end = n
    while end > 0, let step = best[end] {
      // Unknown characters that follow each other count as one.
      if step.id == -1, let last = pieces.last, last.id == -1 {
        pieces[pieces.count - 1].range = step.start..<last.range.upperBound
      } else {
        pieces.append((step.start..<end, step.id))
      }
      end = step.start
    }
    for piece in pieces.reversed() {
      if piece.id >= 0 && piece.id != unknown {
        ids.append(piece.id)
      } else if let bytes {
        ids += text[piece.range].map { bytes[Int($0)] }
      } else if let unknown {
        ids.append(unknown)
      }
    }
  }
}
