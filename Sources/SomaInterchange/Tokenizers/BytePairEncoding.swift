import SomaData
import Synchronization

/// Joins neighbours by a list of pairs, the earliest of the list first. (Sennrich, Haddow, Birch 2016, arXiv 1508.07909; on
/// bytes: Radford et al. 2019)
final class BytePairEncoding: SubwordModel {
  private struct Merge {
    var rank: Int32
    var id: Int32
  }

  let table: TokenTable
  private let merges: [UInt64: Merge]
  private let unknown: Int?
  private let joinsUnknown: Bool
  private let prefix: String
  private let suffix: String
  private let ignoresMerges: Bool
  private let bytes: [Int]?
  private let cache = Mutex<[[Unicode.Scalar]: [Int]]>([:])
  private static let cacheLimit = 1 << 16

  init(_ json: JSONReader) throws {
    table = try TokenTable(json)
    let table = table
    unknown = try json.object["unk_token"]?.text.map { token in
      guard let id = table.id(token) else { throw json.fault("\(quoted(token)) is no token") }
      return id
    }
    joinsUnknown = json.flag("fuse_unk", false)
    prefix = try json.text("continuing_subword_prefix", "")
    suffix = try json.text("end_of_word_suffix", "")
    ignoresMerges = json.flag("ignore_merges", false)
    if json.flag("byte_fallback", false) {
      bytes = try (0..<256).map { byte in
        let name = byteToken(byte)
        guard let id = table.id(name) else { throw json.fault("\(name) is no token") }
        return id
      }
    } else {
      bytes = nil
    }
    guard let list = json.object["merges"]?.list else { throw json.fault("merges is no list") }
    var merges = [UInt64: Merge](minimumCapacity: list.count)
    for (rank, entry) in list.enumerated() {
      let pair: [String]
      if let parts = entry.list {
        pair = parts.compactMap(\.text)
      } else {
        // By scalars: a mark that follows the space does not belong to it.
        let parts = (entry.text ?? "").unicodeScalars.split(separator: " ", omittingEmptySubsequences: false)
        pair = parts.map { String($0) }
      }
      guard pair.count == 2, let left = table.id(pair[0]), let right = table.id(pair[1]) else {
        throw json.fault("merge \(rank) joins no two tokens")
      }
      guard let joined = table.id(pair[0] + pair[1].withoutPrefix(prefix)) else {
        throw json.fault("merge \(rank) makes no token")
      }
      let key = UInt64(left) << 32 | UInt64(right)
      // A pair that is listed twice counts by its last place.
      merges[key] = Merge(rank: Int32(rank), id: Int32(joined))
    }
    self.merges = merges
  }

  func append(_ word: [Unicode.Scalar], to ids: inout [Int]) {
    guard !word.isEmpty else { return }
    if word.count <= 64, let known = cache.withLock({ $0[word] }) {
      ids += known
      return
    }
    let result = tokens(of: word)
    if word.count <= 64 {
      cache.withLock { cache in
        if cache.count >= Self.cacheLimit { cache.removeAll(keepingCapacity: true) }
        cache[word] = result
      }
    }
    ids += result
  }

  private func tokens(of word: [Unicode.Scalar]) -> [Int] {
    if ignoresMerges, let whole = table.id(String(String.UnicodeScalarView(word))) { return [whole] }
    var symbols = [Int32]()
    var lastWasUnknown = false
    for (i, scalar) in word.enumerated() {
      var text = String(scalar)
      if i > 0 { text = prefix + text }
      if i == word.count - 1 { text += suffix }
      if let id = table.id(text) {
        symbols.append(Int32(id))
        lastWasUnknown = false
      } else if let bytes {
        symbols += text.utf8.map { Int32(bytes[Int($0)]) }
        lastWasUnknown = false
      } else if let unknown {
        if !(joinsUnknown && lastWasUnknown) { symbols.append(Int32(unknown)) }
        lastWasUnknown = true
      }
    }
    return merged(symbols)
  }

  /// The symbols as a linked list, candidates in a queue by rank, then place.
  private func merged(_ symbols: [Int32]) -> [Int] {
    var symbols = symbols
    let n = symbols.count
    guard n > 1 else { return symbols.map { Int($0) } }
    var next = Array(1...n)
    var previous = Array(-1..<n - 1)
    var queue = LeastFirst()
    func consider(_ left: Int) {
      let right = next[left]
      guard right < n, let merge = merges[UInt64(symbols[left]) << 32 | UInt64(symbols[right])] else { return }
      queue.insert(UInt64(merge.rank) << 32 | UInt64(left), merge.id)
    }
    for i in 0..<n - 1 { consider(i) }
    while let (key, id) = queue.removeLeast() {
      let left = Int(key & 0xFFFF_FFFF)
      guard symbols[left] >= 0 else { continue }
      let right = next[left]
      // The pair may have changed since it was queued.
      guard right < n, let merge = merges[UInt64(symbols[left]) << 32 | UInt64(symbols[right])], merge.id == id,
        UInt64(merge.rank) == key >> 32
      else { continue }
      symbols[left] = id
      symbols[right] = -1
      next[left] = next[right]
      if next[left] < n { previous[next[left]] = left }
      if previous[left] >= 0 { consider(previous[left]) }
      consider(left)
    }
    return symbols.filter { $0 >= 0 }.map { Int($0) }
  }
}

extension String {
  /// The text behind a prefix, if it begins with its bytes. As characters, a mark behind the prefix would join it.
  func withoutPrefix(_ prefix: String) -> String {
    utf8.starts(with: prefix.utf8) ? String(unicodeScalars.dropFirst(prefix.unicodeScalars.count)) : self
  }
}

/// The name of a byte among the tokens of models that fall back to bytes.
func byteToken(_ byte: Int) -> String {
  let digits = String(byte, radix: 16, uppercase: true)
  return "<0x" + (digits.count == 1 ? "0" : "") + digits + ">"
}

/// A queue that gives the least key first: a binary heap.
private struct LeastFirst {
  private var entries: [(key: UInt64, id: Int32)] = []

  mutating func insert(_ key: UInt64, _ id: Int32) {
    entries.append((key, id))
    var i = entries.count - 1
    while i > 0, entries[i].key < entries[(i - 1) / 2].key {
      entries.swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }

  mutating func removeLeast() -> (key: UInt64, id: Int32)? {
    guard let least = entries.first else { return nil }
    let last = entries.removeLast()
    guard !entries.isEmpty else { return least }
    entries[0] = last
    var i = 0
    while true {
      var child = 2 * i + 1
      guard child < entries.count else { return least }
      if child + 1 < entries.count, entries[child + 1].key < entries[child].key { child += 1 }
      guard entries[child].key < entries[i].key else { return least }
      entries.swapAt(i, child)
      i = child
    }
  }
}
