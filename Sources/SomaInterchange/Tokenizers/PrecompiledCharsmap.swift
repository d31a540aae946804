import SomaData

/// SentencePiece's compiled normalization: a double-array trie (Aoe 1989; the Darts-clone layout) from byte sequences to
/// replacements.
struct PrecompiledCharsmap: Sendable {
  private let units: [UInt32]
  private let replacements: [UInt8]

  init(_ blob: [UInt8], _ json: JSONReader) throws {
    guard blob.count >= 4 else { throw json.fault("precompiled_charsmap is cut off") }
    let size = (0..<4).reduce(0) { $0 | Int(blob[$1]) << (8 * $1) }
    guard size % 4 == 0, size > 0, size <= blob.count - 4 else {
      throw json.fault("precompiled_charsmap has a trie of \(size) bytes in \(blob.count)")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map { start in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(blob[start + $1]) << UInt32(8 * $1) }
    }
    replacements = Array(blob[(4 + size)...])
  }

  func apply(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    if text.allSatisfy({ $0.isASCII && $0.value >= 32 && $0.value < 127 }) { return text }
    var result = [Unicode.Scalar]()
    for character in String(String.UnicodeScalarView(text)) {
      if character.utf8.count < 6, let replacement = replacement(of: Array(character.utf8)) {
        result += replacement
        continue
      }
      for scalar in character.unicodeScalars {
        if let replacement = replacement(of: Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)) {
          result += replacement
        } else {
          result.append(scalar)
        }
      }
    }
    return result
  }

  /// What the shortest known beginning of the bytes becomes.
  private func replacement(of bytes: [UInt8]) -> [Unicode.Scalar]? {
    func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & (1 << 9)) >> 6)) }
    var node = offset(units[0])
    for byte in bytes where byte != 0 {
      node ^= Int(byte)
      guard node < units.count else { return nil }
      let unit = units[node]
      guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
      node ^= offset(unit)
      guard unit >> 8 & 1 == 1 else { continue }
      guard node < units.count else { return nil }
      let start = Int(units[node] & 0x7FFF_FFFF)
      guard start <= replacements.count else { return nil }
      let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
      return Array(String(decoding: replacements[start..<end], as: UTF8.self).unicodeScalars)
    }
    return nil
  }
}
