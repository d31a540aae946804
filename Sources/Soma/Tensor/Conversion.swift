extension Tensor {
  /// A tensor of `values` in row-major order; one axis unless a shape is given.
  public init<Element: TensorElement>(_ values: [Element], shape: Shape? = nil) {
    let shape = shape ?? [values.count]
    require(
      shape.elementCount == values.count, "\(values.count) values do not fill a tensor of shape \(shape)")
    self.init(shape: shape, dtype: Element.dtype, source: .concrete(Storage(values)))
  }

  /// A matrix from its rows, which must be equally long.
  public init<Element: TensorElement>(_ rows: [[Element]]) {
    let width = rows.first?.count ?? 0
    require(rows.allSatisfy { $0.count == width }, "the rows of a matrix have the same length")
    self.init(rows.flatMap { $0 }, shape: [rows.count, width])
  }

  /// A scalar.
  public init(_ value: some TensorScalar, dtype: DType = .float32) {
    self.init(shape: .scalar, dtype: dtype, source: .concrete(Storage(scalar: value, dtype: dtype)))
  }

  /// A tensor from raw row-major bytes in the machine's byte order.
  public init(bytes: [UInt8], shape: Shape, dtype: DType) {
    require(
      bytes.count == shape.elementCount * dtype.size,
      "\(bytes.count) bytes do not fill a \(dtype) tensor of shape \(shape)")
    self.init(shape: shape, dtype: dtype, source: .concrete(Storage(bytes)))
  }

  /// A tensor from raw row-major bytes in the machine's byte order, such as a part of a mapped file.
  public init(copying bytes: some Collection<UInt8>, shape: Shape, dtype: DType) {
    require(
      bytes.count == shape.elementCount * dtype.size,
      "\(bytes.count) bytes do not fill a \(dtype) tensor of shape \(shape)")
    self.init(shape: shape, dtype: dtype, source: .concrete(Storage(copying: bytes)))
  }

  /// The raw row-major bytes.
  public var bytes: [UInt8] { storage.array(of: UInt8.self, count: count * dtype.size) }

  /// The elements in row-major order, converted to `Element` if the tensor has another type.
  public func array<Element: TensorElement>(of type: Element.Type = Element.self) -> [Element] {
    cast(to: Element.dtype).storage.array(of: Element.self, count: count)
  }

  /// The elements as `Float`, row-major.
  public var floats: [Float] { array() }
  /// The elements as `Double`, row-major.
  public var doubles: [Double] { array() }
  /// The elements as `Int`, row-major.
  public var ints: [Int] { array() }
  /// The elements as `Bool`, row-major.
  public var bools: [Bool] { array() }

  /// The only element.
  /// - Precondition: there is exactly one.
  public func item<Element: TensorElement>(as type: Element.Type = Element.self) -> Element {
    require(count == 1, "item() wants one element; the shape is \(shape)")
    return array(of: Element.self)[0]
  }

  /// The only element, as a `Double`.
  public var scalar: Double { item() }
}
