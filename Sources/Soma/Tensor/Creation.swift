extension Tensor {
  /// Every element the same.
  public static func full(_ shape: Shape, _ value: some TensorScalar, dtype: DType = .float32) -> Tensor {
    Tensor(value, dtype: dtype).broadcast(to: shape)
  }
  public static func zeros(_ shape: Shape, dtype: DType = .float32) -> Tensor { full(shape, 0, dtype: dtype) }
  public static func ones(_ shape: Shape, dtype: DType = .float32) -> Tensor { full(shape, 1, dtype: dtype) }
  public static func zeros(like other: Tensor) -> Tensor { zeros(other.shape, dtype: other.dtype) }
  public static func ones(like other: Tensor) -> Tensor { ones(other.shape, dtype: other.dtype) }

  /// Counts 0, 1, 2 … along one axis of a shape.
  public static func iota(_ shape: Shape, axis: Int = 0, dtype: DType = .float32) -> Tensor {
    emit(.iota(TensorType(shape: shape, dtype: dtype), axis: shape.normalized(axis: axis)), [])[0]
  }

  /// `start, start + step, …`, without `end`.
  public static func range(
    from start: Double = 0, to end: Double, by step: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    require(step != 0, "range wants a step other than zero")
    let count = Swift.max(0, Int(((end - start) / step).rounded(.up)))
    if dtype.isFloating { return iota([count], dtype: dtype) * step + start }
    return iota([count], dtype: dtype) * Int(step) + Int(start)
  }

  /// `count` evenly spaced numbers, both ends included.
  public static func linspace(_ start: Double, _ end: Double, count: Int, dtype: DType = .float32) -> Tensor {
    require(count > 0, "linspace wants at least one point")
    let step = count == 1 ? 0 : (end - start) / Double(count - 1)
    let values = (0..<count).map { $0 == count - 1 && count > 1 ? end : start + Double($0) * step }
    return Tensor(values).cast(to: dtype)
  }

  /// Ones on the diagonal, shifted right by `offset`.
  public static func eye(_ rows: Int, _ columns: Int? = nil, offset: Int = 0, dtype: DType = .float32) -> Tensor {
    let shape: Shape = [rows, columns ?? rows]
    return (iota(shape, axis: 1, dtype: .int32) .== iota(shape, axis: 0, dtype: .int32) + offset).cast(to: dtype)
  }

  /// Whether each element of the last two axes lies on or below the diagonal shifted right by `offset`.
  public static func lowerTriangle(_ rows: Int, _ columns: Int, offset: Int = 0) -> Tensor {
    iota([rows, columns], axis: 1, dtype: .int32) .<= iota([rows, columns], axis: 0, dtype: .int32) + offset
  }
  /// The part of the matrices on and below the diagonal shifted right by `offset`; zero elsewhere.
  public func lowerTriangular(offset: Int = 0) -> Tensor {
    .select(Tensor.lowerTriangle(shape[-2], shape[-1], offset: offset), self, Tensor(0, dtype: dtype))
  }
  /// The part of the matrices on and above the diagonal shifted right by `offset`; zero elsewhere.
  public func upperTriangular(offset: Int = 0) -> Tensor {
    .select(Tensor.lowerTriangle(shape[-2], shape[-1], offset: offset - 1), Tensor(0, dtype: dtype), self)
  }

  /// Coordinates of a grid: one tensor an axis, `ij` order.
  public static func meshgrid(_ axes: [Tensor]) -> [Tensor] {
    let shape = Shape(axes.map(\.count))
    return axes.enumerated().map { i, axis in
      var aligned = [Int](repeating: 1, count: axes.count)
      aligned[i] = axis.count
      return axis.reshape(Shape(aligned)).broadcast(to: shape)
    }
  }

  /// `[...]` of class indices → `[..., classes]` with one 1 each; an index out of range gives zeros.
  public func oneHot(_ classes: Int, dtype: DType = .float32) -> Tensor {
    (expandDimensions(at: -1) .== Tensor.iota(Shape(shape.map { _ in 1 } + [classes]), axis: rank, dtype: self.dtype))
      .cast(to: dtype)
  }
}
