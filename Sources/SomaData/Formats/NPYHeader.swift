import Soma

/// How a `.npy` file stores one element, and what it becomes.
enum NPYElement: String {
  case float16 = "f2"
  case float32 = "f4"
  case float64 = "f8"
  case int8 = "i1"
  case int16 = "i2"
  case int32 = "i4"
  case int64 = "i8"
  case uint8 = "u1"
  case uint16 = "u2"
  case uint32 = "u4"
  case uint64 = "u8"
  case bool = "b1"
  case bfloat16 = "V2"

  var width: Int { Int(rawValue.dropFirst())! }

  static func descriptor(of dtype: DType) -> String {
    switch dtype {
    case .float32: "<f4"
    case .float64: "<f8"
    case .int32: "<i4"
    case .int64: "<i8"
    case .bool: "|b1"
    case .int8: "|i1"
    case .uint8: "|u1"
    case .bfloat16: "<V2"
    }
  }

  func tensor(_ bytes: [UInt8], shape: Shape, file: String, start: Int) throws -> Tensor {
    switch self {
    case .float32: return Tensor(bytes: bytes, shape: shape, dtype: .float32)
    case .float64: return Tensor(bytes: bytes, shape: shape, dtype: .float64)
    case .int8: return Tensor(bytes: bytes, shape: shape, dtype: .int8)
    case .int32: return Tensor(bytes: bytes, shape: shape, dtype: .int32)
    case .int64: return Tensor(bytes: bytes, shape: shape, dtype: .int64)
    case .uint8: return Tensor(bytes: bytes, shape: shape, dtype: .uint8)
    case .bfloat16: return Tensor(bytes: bytes, shape: shape, dtype: .bfloat16)
    case .bool:
      if let wrong = bytes.firstIndex(where: { $0 > 1 }) {
        throw DataError(file, at: .byte(start + wrong), "\(bytes[wrong]) is not a truth value (0 or 1)")
      }
      return Tensor(bytes: bytes, shape: shape, dtype: .bool)
    case .float16:
      return Tensor(words(bytes, UInt16.self).map { Float(float16: $0) }, shape: shape)
    case .int16: return Tensor(words(bytes, UInt16.self).map { Int32(Int16(bitPattern: $0)) }, shape: shape)
    case .uint16: return Tensor(words(bytes, UInt16.self).map { Int32($0) }, shape: shape)
    case .uint32: return Tensor(words(bytes, UInt32.self).map { Int64($0) }, shape: shape)
    case .uint64:
      let values = words(bytes, UInt64.self)
      if let wrong = values.firstIndex(where: { $0 > UInt64(Int64.max) }) {
        throw DataError(file, at: .byte(start + 8 * wrong), "\(values[wrong]) does not fit a 64-bit signed integer")
      }
      return Tensor(values.map { Int64($0) }, shape: shape)
    }
  }

  private func words<Word: FixedWidthInteger>(_ bytes: [UInt8], _ type: Word.Type) -> [Word] {
    let size = MemoryLayout<Word>.size
    return stride(from: 0, to: bytes.count, by: size).map { start in
      (0..<size).reversed().reduce(0) { $0 << 8 | Word(truncatingIfNeeded: bytes[start + $1]) }
    }
  }
}

extension Float {
  /// The value of an IEEE 754 half-precision number.
  init(float16 bits: UInt16) {
    let magnitude = bits & 0x7FFF
    let value: Float
    switch magnitude >> 10 {
    case 0: value = Float(magnitude) * 0x1p-24
    case 31: value = magnitude == 0x7C00 ? .infinity : .nan
    default: value = Float(bitPattern: (UInt32(magnitude) << 13) &+ (112 << 23))
    }
    self = bits & 0x8000 == 0 ? value : -value
  }
}

/// The header of a `.npy` file: a Python dictionary with exactly the keys `descr`, `fortran_order` and `shape`.
struct NPYHeader {
  var element: NPYElement
  var bigEndian: Bool
  var fortranOrder: Bool
  var shape: [Int]

  init(_ bytes: ArraySlice<UInt8>, file: String, start: Int) throws {
    var parser = Parser(bytes: bytes, position: bytes.startIndex, file: file, end: bytes.endIndex)
    var descriptor: String?
    var order: Bool?
    var dimensions: [Int]?
    try parser.expect("{")
    while !parser.accepts("}") {
      let at = parser.position
      let key = try parser.string()
      try parser.expect(":")
      switch key {
      case "descr" where descriptor == nil: descriptor = try parser.descriptor()
      case "fortran_order" where order == nil: order = try parser.truth()
      case "shape" where dimensions == nil: dimensions = try parser.tuple()
      default: throw DataError(file, at: .byte(at), "the header has an unknown or repeated key \(quoted(key))")
      }
      if !parser.accepts(",") {
        try parser.expect("}")
        break
      }
    }
    try parser.expectEnd()
    guard let descriptor, let order, let dimensions else {
      throw DataError(file, at: .byte(start), "the header lacks one of 'descr', 'fortran_order' and 'shape'")
    }
    guard let mark = descriptor.first, "<>|=".contains(mark), descriptor.utf8.count == 3,
      let element = NPYElement(rawValue: String(descriptor.dropFirst()))
    else {
      throw DataError(file, at: .byte(start), "elements of type \(quoted(descriptor)) cannot be read")
    }
    guard mark != "|" || element.width == 1 || element == .bfloat16 else {
      throw DataError(file, at: .byte(start), "elements of type \(quoted(descriptor)) lack a byte order")
    }
    self.element = element
    bigEndian = mark == ">"
    fortranOrder = order
    shape = dimensions
  }

  private struct Parser {
    let bytes: ArraySlice<UInt8>
    var position: Int
    let file: String
    let end: Int

    func fault(_ problem: String) -> DataError { DataError(file, at: .byte(position), "malformed header: \(problem)") }

    mutating func skipSpace() {
      while position < end, [0x20, 0x0A, 0x09, 0x0D].contains(bytes[position]) { position += 1 }
    }

    mutating func accepts(_ character: Unicode.Scalar) -> Bool {
      skipSpace()
      guard position < end, bytes[position] == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws {
      guard accepts(character) else { throw fault("\"\(character)\" expected") }
    }

    mutating func expectEnd() throws {
      skipSpace()
      guard position == end else { throw fault("something follows the dictionary") }
    }

    mutating func string() throws -> String {
      skipSpace()
      guard position < end, bytes[position] == UInt8(ascii: "'") || bytes[position] == UInt8(ascii: "\"") else {
        throw fault("a string expected")
      }
      let quote = bytes[position]
      guard let close = bytes[(position + 1)...].firstIndex(of: quote) else { throw fault("a string does not end") }
      defer { position = close + 1 }
      return String(decoding: bytes[position + 1..<close], as: UTF8.self)
    }

    mutating func descriptor() throws -> String {
      skipSpace()
      if position < end, bytes[position] == UInt8(ascii: "[") {
        throw fault("structured elements (several fields) cannot be read")
      }
      return try string()
    }

    mutating func truth() throws -> Bool {
      skipSpace()
      for (word, value) in [("True", true), ("False", false)] where bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return value
      }
      throw fault("True or False expected")
    }

    mutating func tuple() throws -> [Int] {
      try expect("(")
      var result = [Int]()
      while !accepts(")") {
        skipSpace()
        let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let length = Int(String(decoding: digits, as: UTF8.self)) else {
          throw fault("the length of an axis expected, not negative and below 2^63")
        }
        guard result.count < 32 else { throw fault("more than 32 axes") }
        position = digits.endIndex
        // Python 2's long integers.
        if position < end, bytes[position] == UInt8(ascii: "L") { position += 1 }
        result.append(length)
        if !accepts(",") {
          guard result.count > 1 else { throw fault("a tuple expected; (n) lacks its comma") }
          try expect(")")
          break
        }
      }
      return result
    }
  }
}
