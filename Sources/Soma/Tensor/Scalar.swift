/// A Swift number that may stand beside a tensor in an expression; it takes the tensor's element type.
public protocol TensorScalar: Sendable {
  /// Whether the number is of a floating type, so that an integer tensor beside it becomes `float32`.
  static var isFloating: Bool { get }
  var doubleValue: Double { get }
  var int64Value: Int64 { get }
}

extension Double: TensorScalar {
  public static var isFloating: Bool { true }
  public var doubleValue: Double { self }
  public var int64Value: Int64 { Int64(self) }
}

extension Float: TensorScalar {
  public static var isFloating: Bool { true }
  public var doubleValue: Double { Double(self) }
  public var int64Value: Int64 { Int64(self) }
}

extension Bool: TensorScalar {
  public static var isFloating: Bool { false }
  public var doubleValue: Double { self ? 1 : 0 }
  public var int64Value: Int64 { self ? 1 : 0 }
}

extension Int: TensorScalar {}
extension Int32: TensorScalar {}
extension Int64: TensorScalar {}
extension Int8: TensorScalar {}
extension UInt8: TensorScalar {}

extension TensorScalar where Self: BinaryInteger {
  public static var isFloating: Bool { false }
  public var doubleValue: Double { Double(self) }
  public var int64Value: Int64 { Int64(truncatingIfNeeded: self) }
}
