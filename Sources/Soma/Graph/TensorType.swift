/// What is known of a tensor without its elements.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
  public var shape: Shape
  public var dtype: DType

  public init(shape: Shape, dtype: DType = .float32) {
    self.shape = shape
    self.dtype = dtype
  }

  public var byteCount: Int { shape.elementCount * dtype.size }
  public var description: String { "\(dtype)\(shape)" }
}
