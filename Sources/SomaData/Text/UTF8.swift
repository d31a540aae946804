/// The text of bytes that must be UTF-8.
/// - Throws: `DataError` at the first byte that is not, or at a byte order mark of UTF-16 or UTF-32.
package func decodeUTF8(_ bytes: [UInt8], file: String) throws -> String {
  if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) {
    throw DataError(file, at: .byte(0), "is UTF-16 or UTF-32 text; convert it to UTF-8")
  }
  let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  guard let text = String(validating: bytes[start...], as: UTF8.self) else {
    let offset = firstInvalidUTF8(bytes)
    let line = 1 + bytes[..<offset].count { $0 == 0x0A }
    let byte = String(bytes[offset], radix: 16, uppercase: true)
    throw DataError(file, at: .line(line), "is not UTF-8 text: byte 0x\(byte) at offset \(offset)")
  }
  return text
}

/// Where the first ill-formed sequence starts; the count if there is none.
private func firstInvalidUTF8(_ bytes: [UInt8]) -> Int {
  var decoder = UTF8.ForwardParser()
  var iterator = bytes.makeIterator()
  var offset = 0
  while true {
    switch decoder.parseScalar(from: &iterator) {
    case .valid(let scalar): offset += scalar.count
    case .error, .emptyInput: return Swift.min(offset, Swift.max(bytes.count - 1, 0))
    }
  }
}
