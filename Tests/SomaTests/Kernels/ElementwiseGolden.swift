import Foundation

/// Arguments and exact values from `Tests/Golden/make_elementwise.py`, which also describes the file.
struct ElementwiseGolden {
  enum Function: Equatable {
    case unary(UInt32)
    case binary(UInt32)
    case polygamma(Int32)
  }

  var function: Function
  var isDouble: Bool
  var first: [Double] = []
  var second: [Double] = []
  /// The value rounded to double precision, and the rest of it in units of its last place.
  var value: [Double] = []
  var rest: [Double] = []

  static let all: [ElementwiseGolden] = {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Resources/elementwise.bin").standardized
    guard let data = try? Data(contentsOf: url) else { fatalError("cannot read \(url.path)") }
    var reader = Reader(bytes: [UInt8](data))
    var records: [ElementwiseGolden] = []
    while reader.position < reader.bytes.count { records.append(reader.record()) }
    return records
  }()

  /// How far `result` is from the value, in units of the last place of the value in the record's own precision.
  /// NaN, infinity and the sign of zero have to agree exactly.
  func error(_ result: Double, at index: Int) -> Double {
    let exact = value[index]
    if exact.isNaN { return result.isNaN ? 0 : .infinity }
    if exact.isInfinite { return result == exact ? 0 : .infinity }
    if exact == 0 && rest[index] == 0 { return result == 0 && result.sign == exact.sign ? 0 : .infinity }
    guard result.isFinite else { return .infinity }
    let leastExponent = isDouble ? -1022 : -126
    let exponent = exact == 0 ? leastExponent : max(Int(exact.exponent), leastExponent)
    let unit = Double(sign: .plus, exponent: exponent - (isDouble ? 52 : 23), significand: 1)
    return abs((result - exact) / unit - (isDouble ? rest[index] : 0))
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type) -> Value {
      defer { position += MemoryLayout<Value>.size }
      return (0..<MemoryLayout<Value>.size).reduce(0) { $0 | Value(bytes[position + $1]) << Value(8 * $1) }
    }
    mutating func float() -> Double { Double(Float(bitPattern: integer(UInt32.self))) }
    mutating func double() -> Double { Double(bitPattern: integer(UInt64.self)) }

    mutating func record() -> ElementwiseGolden {
      let kind = integer(UInt8.self)
      let code = integer(UInt8.self)
      let isDouble = integer(UInt8.self) == 1
      _ = integer(UInt8.self)
      let count = Int(integer(UInt32.self))
      let function: Function =
        kind == 0 ? .unary(UInt32(code)) : kind == 1 ? .binary(UInt32(code)) : .polygamma(Int32(code))
      var golden = ElementwiseGolden(function: function, isDouble: isDouble)
      golden.first = (0..<count).map { _ in isDouble ? double() : float() }
      if kind == 1 { golden.second = (0..<count).map { _ in isDouble ? double() : float() } }
      golden.value = (0..<count).map { _ in double() }
      golden.rest = (0..<count).map { _ in isDouble ? float() : 0 }
      return golden
    }
  }
}
