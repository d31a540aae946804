import SomaData

/// A value of a JSON text (RFC 8259). Keys and texts keep their scalars: what Unicode calls equivalent, such as "é" in one
/// scalar and in two, stays apart, as a vocabulary needs.
enum JSONValue: Sendable {
  case null
  case flag(Bool)
  case int(Int)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object(JSONObject)

  var text: String? { if case .text(let text) = self { text } else { nil } }
  var list: [JSONValue]? { if case .list(let list) = self { list } else { nil } }
  var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
  var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
  var isNull: Bool { if case .null = self { true } else { false } }

  /// A whole number, also if it is written as `2.0`.
  var int: Int? {
    switch self {
    case .int(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  var number: Double? {
    switch self {
    case .int(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// - Throws: `DataError` at the first byte that is no JSON, or if values are nested deeper than 256.
  static func decode(_ bytes: [UInt8], file: String) throws -> JSONValue {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw DataError(file, "is not UTF-8 text") }
    var parser = JSONParser(bytes, file: file)
    return try parser.document()
  }
}

/// The members of an object in the file's order.
struct JSONObject: Sendable {
  var pairs: [(key: String, value: JSONValue)] = []

  /// The last member of a name.
  subscript(_ key: String) -> JSONValue? { pairs.last { $0.key.utf8.elementsEqual(key.utf8) }?.value }
}

private struct JSONParser {
  private let bytes: [UInt8]
  private let file: String
  private var place = 0
  private var depth = 0

  init(_ bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  private func fault(_ problem: String) -> DataError { DataError(file, at: .byte(place), problem) }

  mutating func document() throws -> JSONValue {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
    let value = try value()
    skipSpace()
    guard place == bytes.count else { throw fault("something follows the JSON value") }
    return value
  }

  private mutating func skipSpace() {
    while place < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[place]) { place += 1 }
  }

  private mutating func accept(_ sign: Character) -> Bool {
    skipSpace()
    guard place < bytes.count, bytes[place] == sign.asciiValue else { return false }
    place += 1
    return true
  }

  private mutating func expect(_ sign: Character) throws {
    guard accept(sign) else { throw fault("is no JSON: \(quoted(String(sign))) is expected") }
  }

  private mutating func value() throws -> JSONValue {
    skipSpace()
    guard place < bytes.count else { throw fault("the JSON text ends early") }
    switch bytes[place] {
    case UInt8(ascii: "{"): return .object(try nested { try $0.object() })
    case UInt8(ascii: "["): return .list(try nested { try $0.list() })
    case UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "t"): return try word("true", .flag(true))
    case UInt8(ascii: "f"): return try word("false", .flag(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func nested<Value>(_ body: (inout JSONParser) throws -> Value) throws -> Value {
    depth += 1
    guard depth <= 256 else { throw fault("the JSON text is nested too deep") }
    place += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  private mutating func object() throws -> JSONObject {
    var object = JSONObject()
    if accept("}") { return object }
    repeat {
      skipSpace()
      guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else {
        throw fault("is no JSON: a key is expected")
      }
      let key = try text()
      try expect(":")
      object.pairs.append((key, try value()))
    } while accept(",")
    try expect("}")
    return object
  }

  private mutating func list() throws -> [JSONValue] {
    var list = [JSONValue]()
    if accept("]") { return list }
    repeat { list.append(try value()) } while accept(",")
    try expect("]")
    return list
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
    guard bytes[place...].starts(with: word.utf8) else { throw fault("is no JSON: \(word) is expected") }
    place += word.utf8.count
    return value
  }

  private mutating func number() throws -> JSONValue {
    let start = place
    var end = place
    while end < bytes.count, Self.isPartOfNumber(bytes[end]) { end += 1 }
    let text = String(decoding: bytes[start..<end], as: UTF8.self)
    guard let first = text.utf8.first, first == UInt8(ascii: "-") || (48...57).contains(first), text.utf8.count <= 512
    else { throw fault("is no JSON: a value is expected") }
    place = end
    if let int = Int(text) { return .int(int) }
    // Numbers beyond the range become infinite; they are no JSON that anybody can use.
    guard let value = Double(text), value.isFinite else { throw fault("\(quoted(text)) is no number") }
    return .number(value)
  }

  private static func isPartOfNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
      UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }

  private mutating func text() throws -> String {
    place += 1
    let start = place
    while place < bytes.count, bytes[place] != UInt8(ascii: "\""), bytes[place] != UInt8(ascii: "\\") {
      guard bytes[place] >= 0x20 else { throw fault("a control character stands in a text") }
      place += 1
    }
    var scalars = Array(bytes[start..<place])
    while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
      guard bytes[place] >= 0x20 else { throw fault("a control character stands in a text") }
      if bytes[place] == UInt8(ascii: "\\") {
        scalars += try escape().utf8
      } else {
        scalars.append(bytes[place])
        place += 1
      }
    }
    guard place < bytes.count else { throw fault("a text does not end") }
    place += 1
    return String(decoding: scalars, as: UTF8.self)
  }

  private mutating func escape() throws -> String {
    guard place + 1 < bytes.count else { throw fault("a text does not end") }
    let sign = bytes[place + 1]
    if sign == UInt8(ascii: "u") {
      var unit = try hexadecimal(at: place + 2)
      place += 6
      if (0xD800..<0xDC00).contains(unit), place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\"),
        bytes[place + 1] == UInt8(ascii: "u")
      {
        let low = try hexadecimal(at: place + 2)
        if (0xDC00..<0xE000).contains(low) {
          unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
          place += 6
        }
      }
      guard let scalar = Unicode.Scalar(unit) else { throw fault("half of a surrogate pair stands alone") }
      return String(scalar)
    }
    let text: String
    switch sign {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text = String(Unicode.Scalar(sign))
    case UInt8(ascii: "b"): text = "\u{8}"
    case UInt8(ascii: "f"): text = "\u{C}"
    case UInt8(ascii: "n"): text = "\n"
    case UInt8(ascii: "r"): text = "\r"
    case UInt8(ascii: "t"): text = "\t"
    default: throw fault("an escape that JSON does not have")
    }
    place += 2
    return text
  }

  private func hexadecimal(at start: Int) throws -> UInt32 {
    guard start + 4 <= bytes.count,
      bytes[start..<start + 4].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
      let value = UInt32(String(decoding: bytes[start..<start + 4], as: UTF8.self), radix: 16)
    else { throw fault("an escape wants four hexadecimal digits") }
    return value
  }
}
