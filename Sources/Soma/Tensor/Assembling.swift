import Foundation

/// Putting tensors together and taking them apart, beyond `concatenate`, `stack` and `split`.
extension Tensor {
  /// At least so many axes, new ones in front.
  public func atLeast(rank wanted: Int) -> Tensor {
    rank >= wanted ? self : reshape(Shape([Int](repeating: 1, count: wanted - rank)) + shape)
  }

  /// One above the other: along the first axis, vectors as rows.
  public static func verticalStack(_ tensors: [Tensor]) -> Tensor {
    concatenate(tensors.map { $0.atLeast(rank: 2) }, axis: 0)
  }
  /// Side by side: along the second axis; vectors and scalars along their only one.
  public static func horizontalStack(_ tensors: [Tensor]) -> Tensor {
    let parts = tensors.map { $0.atLeast(rank: 1) }
    return concatenate(parts, axis: parts.first?.rank == 1 ? 0 : 1)
  }
  /// Behind one another: along the third axis.
  public static func depthStack(_ tensors: [Tensor]) -> Tensor {
    concatenate(
      tensors.map { tensor in
        let matrix = tensor.atLeast(rank: 2)
        return matrix.rank == 2 ? matrix.expandDimensions(at: 2) : matrix
      }, axis: 2)
  }
  /// Vectors as the columns of a matrix; matrices are put side by side.
  public static func columnStack(_ tensors: [Tensor]) -> Tensor {
    concatenate(
      tensors.map { tensor in tensor.rank < 2 ? tensor.atLeast(rank: 1).expandDimensions(at: 1) : tensor }, axis: 1)
  }
  /// A matrix of matrices.
  public static func block(_ rows: [[Tensor]]) -> Tensor {
    concatenate(rows.map { row in concatenate(row.map { $0.atLeast(rank: 2) }, axis: -1) }, axis: -2)
  }

  /// Parts whose lengths differ by one at most, longer ones first.
  public func split(nearlyEqual parts: Int, axis: Int = 0) -> [Tensor] {
    require(parts > 0, "split wants at least one part")
    let length = shape[shape.normalized(axis: axis)]
    return split(sizes: (0..<parts).map { length / parts + ($0 < length % parts ? 1 : 0) }, axis: axis)
  }

  /// The slice at position `i` along `axis` taken `counts[i]` times.
  public func repeated(_ counts: [Int], axis: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    require(
      counts.count == shape[axis] && counts.allSatisfy { $0 >= 0 },
      "repeated: \(counts.count) counts for axis \(axis) of \(shape)")
    return take(Tensor(counts.indices.flatMap { [Int32](repeating: Int32($0), count: counts[$0]) }), axis: axis)
  }

  /// `values` put before position `index` along `axis`.
  public func inserting(_ values: Tensor, at index: Int, axis: Int = 0) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let n = shape[axis]
    require(index >= -n && index <= n, "inserting at \(index) into axis \(axis) of \(shape)")
    let place = index < 0 ? index + n : index
    return Tensor.concatenate([slice(axis, 0..<place), values.cast(to: dtype), slice(axis, place..<n)], axis: axis)
  }
  /// All but the positions `indices` along `axis`; negative ones count from the end.
  public func removing(at indices: [Int], axis: Int = 0) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let n = shape[axis]
    require(indices.allSatisfy { $0 >= -n && $0 < n }, "removing at \(indices) from axis \(axis) of \(shape)")
    let gone = Set(indices.map { $0 < 0 ? $0 + n : $0 })
    return take(Tensor((0..<n).filter { !gone.contains($0) }.map(Int32.init)), axis: axis)
  }

  /// Turned by quarter turns in the plane of two axes, from the first towards the second.
  public func rotated90(_ turns: Int = 1, axes: (Int, Int) = (0, 1)) -> Tensor {
    let (a, b) = (shape.normalized(axis: axes.0), shape.normalized(axis: axes.1))
    require(a != b, "rotated90 wants two axes")
    switch ((turns % 4) + 4) % 4 {
    case 1: return reversed([b]).swappingAxes(a, b)
    case 2: return reversed([a, b])
    case 3: return swappingAxes(a, b).reversed([b])
    default: return self
    }
  }

  /// The tensor with the part that a subscript names replaced; `values` broadcast to it. Differentiable in both.
  ///
  /// ```swift
  /// let y = x.replacing(0, .all, with: row)   // x with its first slice along axis 0 replaced
  /// ```
  public func replacing<each Index: TensorIndexExpression>(
    _ indices: repeat each Index, with values: Tensor
  ) -> Tensor {
    var list: [TensorIndex] = []
    for index in repeat each indices { list.append(index.tensorIndex) }
    let places = Tensor.iota([count], dtype: .int32).reshape(shape).part(list)
    let positions = places.flattened()
    let isReplaced = Tensor.zeros([count], dtype: .int32).scatterAdding(
      Tensor.ones([positions.count], dtype: .int32), at: positions)
    let spread = Tensor.zeros([count], dtype: dtype).scatterAdding(
      values.cast(to: dtype).broadcast(to: places.shape).flattened(), at: positions)
    return Tensor.select(isReplaced .!= 0, spread, flattened()).reshape(shape)
  }
  /// At each place the element of the choice that the index names; all broadcast.
  public static func choose(_ index: Tensor, _ choices: [Tensor]) -> Tensor {
    require(!choices.isEmpty, "choose wants at least one choice")
    return choices.indices.dropFirst().reduce(choices[0]) { result, i in select(index .== i, choices[i], result) }
  }
  /// At each place the choice of the first condition that holds, or `otherwise`.
  public static func select(_ cases: [(condition: Tensor, value: Tensor)], otherwise: Tensor) -> Tensor {
    cases.reversed().reduce(otherwise) { result, next in select(next.condition, next.value, result) }
  }

  /// `count` numbers with one ratio between neighbours, from `base^start` to `base^end`.
  public static func logspace(
    _ start: Double, _ end: Double, count: Int, base: Double = 10, dtype: DType = .float32
  ) -> Tensor {
    Tensor(base, dtype: .float64).power(linspace(start, end, count: count, dtype: .float64)).cast(to: dtype)
  }
  /// `count` numbers with one ratio between neighbours, both ends included.
  public static func geomspace(_ start: Double, _ end: Double, count: Int, dtype: DType = .float32) -> Tensor {
    require(start != 0 && end / start > 0, "geomspace from \(start) to \(end)")
    let step = count > 1 ? Foundation.log(end / start) / Double(count - 1) : 0
    let values = (0..<count).map { start * Foundation.exp(Double($0) * step) }
    let exact = values.indices.map { $0 == 0 ? start : $0 == count - 1 ? end : values[$0] }
    return Tensor(exact).cast(to: dtype)
  }

  /// Rows and columns of the places on and below the diagonal of an `n × n` matrix, shifted right by `offset`.
  public static func lowerTriangleIndices(_ n: Int, offset: Int = 0) -> (rows: Tensor, columns: Tensor) {
    triangleIndices(n) { row, column in column <= row + offset }
  }
  /// Rows and columns of the places on and above the diagonal of an `n × n` matrix, shifted right by `offset`.
  public static func upperTriangleIndices(_ n: Int, offset: Int = 0) -> (rows: Tensor, columns: Tensor) {
    triangleIndices(n) { row, column in column >= row + offset }
  }
  private static func triangleIndices(_ n: Int, _ isIn: (Int, Int) -> Bool) -> (rows: Tensor, columns: Tensor) {
    let places = (0..<n * n).filter { isIn($0 / n, $0 % n) }
    return (Tensor(places.map { Int32($0 / n) }), Tensor(places.map { Int32($0 % n) }))
  }
}
