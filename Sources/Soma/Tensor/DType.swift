/// The element type of a tensor.
public enum DType: UInt8, Hashable, Sendable, CaseIterable, Codable {
  case float32, float64, int32, int64, bool, int8, uint8
  /// Storage only: operations compute in `float32` and round to nearest even.
  case bfloat16

  /// Bytes an element takes.
  public var size: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .bfloat16: 2
    case .bool, .int8, .uint8: 1
    }
  }

  public var isFloating: Bool { self == .float32 || self == .float64 || self == .bfloat16 }
  public var isInteger: Bool { !isFloating && self != .bool }

  /// The type in which two operands meet: the wider of a kind; floating wins over integer, integer over `bool`.
  /// `int8` with `uint8` gives `int32`.
  public static func promote(_ a: DType, _ b: DType) -> DType {
    if a == b { return a }
    if (a == .int8 && b == .uint8) || (a == .uint8 && b == .int8) { return .int32 }
    return a.rank > b.rank ? a : b
  }

  private var rank: Int {
    switch self {
    case .bool: 0
    case .uint8: 1
    case .int8: 2
    case .int32: 3
    case .int64: 4
    case .bfloat16: 5
    case .float32: 6
    case .float64: 7
    }
  }
}

extension DType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .float32: "float32"
    case .float64: "float64"
    case .int32: "int32"
    case .int64: "int64"
    case .bool: "bool"
    case .int8: "int8"
    case .uint8: "uint8"
    case .bfloat16: "bfloat16"
    }
  }

  /// The type of a given name, as `description` prints it.
  public init?(named name: String) {
    guard let match = DType.allCases.first(where: { $0.description == name }) else { return nil }
    self = match
  }
}

/// A Swift number type that tensors can hold.
public protocol TensorElement: BitwiseCopyable, Sendable {
  static var dtype: DType { get }
}

extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Double: TensorElement { public static var dtype: DType { .float64 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension Int: TensorElement { public static var dtype: DType { .int64 } }
extension Bool: TensorElement { public static var dtype: DType { .bool } }
extension Int8: TensorElement { public static var dtype: DType { .int8 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
