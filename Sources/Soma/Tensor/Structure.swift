extension Tensor {
  /// The same elements in another shape; one length may be -1 and is inferred.
  public func reshape(_ target: Shape) -> Tensor { shape == target ? self : emit(.reshape(target), self) }
  public func reshape(_ lengths: [Int]) -> Tensor {
    guard let free = lengths.firstIndex(of: -1) else { return reshape(Shape(lengths)) }
    let known = lengths.enumerated().filter { $0.offset != free }.reduce(1) { $0 * $1.element }
    require(
      known > 0 && count % known == 0, "reshape: \(count) elements of shape \(shape) do not fit \(lengths)")
    var result = lengths
    result[free] = count / known
    return reshape(Shape(result))
  }
  public func reshape(_ lengths: Int...) -> Tensor { reshape(lengths) }
  public func flattened() -> Tensor { reshape(Shape([count])) }
  /// Merges all axes from `axis` on.
  public func flattened(from axis: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    return reshape(Shape(Array(shape[..<axis]) + [shape[axis...].reduce(1, *)]))
  }

  /// Axes in another order; all reversed if none is given.
  public func transposed(_ permutation: [Int]? = nil) -> Tensor {
    let order = (permutation ?? Array((0..<rank).reversed())).map { shape.normalized(axis: $0) }
    return order == Array(0..<rank) ? self : emit(.transpose(order), self)
  }
  public func transposed(_ permutation: Int...) -> Tensor { transposed(permutation.isEmpty ? nil : permutation) }
  /// Exchanges two axes.
  public func swappingAxes(_ a: Int, _ b: Int) -> Tensor {
    var order = Array(0..<rank)
    order.swapAt(shape.normalized(axis: a), shape.normalized(axis: b))
    return transposed(order)
  }
  /// The transpose of the last two axes.
  // swift-format-ignore: AlwaysUseLowerCamelCase
  public var T: Tensor { swappingAxes(-2, -1) }
  /// Moves an axis, keeping the order of the others.
  public func movingAxis(_ source: Int, to destination: Int) -> Tensor {
    let (from, to) = (shape.normalized(axis: source), shape.normalized(axis: destination))
    var order = Array(0..<rank)
    order.insert(order.remove(at: from), at: to)
    return transposed(order)
  }

  /// Inserts an axis of length 1 so that it stands at `axis` of the result.
  public func expandDimensions(at axis: Int) -> Tensor {
    let position = axis < 0 ? axis + rank + 1 : axis
    require(position >= 0 && position <= rank, "axis \(axis) of a result with \(rank + 1) axes")
    var dimensions = shape.dimensions
    dimensions.insert(1, at: position)
    return reshape(Shape(dimensions))
  }
  /// Removes axes of length 1: the named ones, or all.
  public func squeezed(_ axes: [Int]? = nil) -> Tensor {
    let axes = axes?.map { shape.normalized(axis: $0) } ?? shape.indices.filter { shape[$0] == 1 }
    require(axes.allSatisfy { shape[$0] == 1 }, "squeezed: axes \(axes) of shape \(shape) are not of length 1")
    return reshape(shape.removing(axes: axes))
  }

  /// A part of one axis (normalized).
  func slice(_ axis: Int, _ range: Range<Int>) -> Tensor {
    if range == 0..<shape[axis] { return self }
    var (starts, limits) = (shape.map { _ in 0 }, shape.dimensions)
    starts[axis] = range.lowerBound
    limits[axis] = range.upperBound
    return emit(.slice(starts: starts, limits: limits, strides: shape.map { _ in 1 }), self)
  }

  /// Zeros (or `value`) before and after each axis.
  public func padded(low: [Int], high: [Int], interior: [Int]? = nil, value: Double = 0) -> Tensor {
    let interior = interior ?? shape.map { _ in 0 }
    if (low + high + interior).allSatisfy({ $0 == 0 }) { return self }
    let primitive = Primitive.pad(low: low, high: high, interior: interior)
    let result = emit(primitive, self)
    guard value != 0 else { return result }
    return .select(emit(primitive, Tensor.ones(shape, dtype: .int32)) .== 0, Tensor(value, dtype: dtype), result)
  }
  public func padded(_ widths: [(Int, Int)], value: Double = 0) -> Tensor {
    padded(low: widths.map(\.0), high: widths.map(\.1), value: value)
  }

  public static func concatenate(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    require(!tensors.isEmpty, "concatenate wants at least one tensor")
    let dtype = tensors.dropFirst().reduce(tensors[0].dtype) { DType.promote($0, $1.dtype) }
    if tensors.count == 1 { return tensors[0] }
    return emit(.concatenate(axis: tensors[0].shape.normalized(axis: axis)), tensors.map { $0.cast(to: dtype) })[0]
  }
  /// Joins tensors of one shape along a new axis.
  public static func stack(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    require(!tensors.isEmpty, "stack wants at least one tensor")
    let axis = axis < 0 ? axis + tensors[0].rank + 1 : axis
    return concatenate(tensors.map { $0.expandDimensions(at: axis) }, axis: axis)
  }
  /// Equal parts along an axis.
  public func split(_ parts: Int, axis: Int = 0) -> [Tensor] {
    let axis = shape.normalized(axis: axis)
    require(parts > 0 && shape[axis] % parts == 0, "split: axis \(axis) of \(shape) has no \(parts) equal parts")
    return split(sizes: [Int](repeating: shape[axis] / parts, count: parts), axis: axis)
  }
  /// Parts of the given lengths along an axis.
  public func split(sizes: [Int], axis: Int = 0) -> [Tensor] {
    let axis = shape.normalized(axis: axis)
    require(sizes.reduce(0, +) == shape[axis], "split: \(sizes) does not add up to axis \(axis) of \(shape)")
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return slice(axis, start..<(start + size))
    }
  }

  /// The order of elements along the axes turned around.
  public func reversed(_ axes: [Int]? = nil) -> Tensor {
    let axes = axes?.map { shape.normalized(axis: $0) }.sorted() ?? Array(0..<rank)
    return axes.isEmpty ? self : emit(.reverse(axes: axes), self)
  }
  /// Elements shifted by `shift` along `axis`; those that fall off come back at the other end.
  public func rolled(_ shift: Int, axis: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let n = shape[axis]
    guard n > 0 else { return self }
    let k = ((shift % n) + n) % n
    return k == 0 ? self : .concatenate([slice(axis, (n - k)..<n), slice(axis, 0..<(n - k))], axis: axis)
  }
  /// The tensor laid side by side `repeats[i]` times along each axis.
  public func tiled(_ repeats: [Int]) -> Tensor {
    let lengths = [Int](repeating: 1, count: Swift.max(0, repeats.count - rank)) + shape.dimensions
    let times = [Int](repeating: 1, count: lengths.count - repeats.count) + repeats
    let split = zip(times, lengths).flatMap { [1, $1] }
    let wide = zip(times, lengths).flatMap { [$0, $1] }
    return reshape(Shape(split)).broadcast(to: Shape(wide)).reshape(Shape(zip(times, lengths).map(*)))
  }
  /// Each element `count` times in a row along `axis`.
  public func repeated(_ count: Int, axis: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    var wide = shape.dimensions
    wide.insert(count, at: axis + 1)
    return expandDimensions(at: axis + 1).broadcast(to: Shape(wide))
      .reshape(shape.replacing(axis: axis, with: shape[axis] * count))
  }

  /// The diagonal of the last two axes, shifted right by `offset`.
  public func diagonal(offset: Int = 0) -> Tensor {
    let (batch, m, n) = shape.asMatrices
    let first = Swift.max(0, -offset)
    let length = Swift.max(0, Swift.min(m - first, n - Swift.max(0, offset)))
    let flat = reshape(batch + [m * n])
    let positions = (0..<length).map { Int32((first + $0) * n + first + $0 + offset) }
    return flat.take(Tensor(positions), axis: -1)
  }
  /// The sum of the diagonal of the last two axes.
  public func trace() -> Tensor { diagonal().sum([-1]) }
  /// Matrices with the last axis on their diagonal.
  public func diagonalMatrix() -> Tensor {
    expandDimensions(at: -1) * Tensor.eye(shape.last, dtype: dtype)
  }

  // MARK: Gather and scatter

  /// The positions `indices` (any shape, `int32` or `int64`, not negative) along `axis`; an index out of range stops on
  /// concrete tensors and gives zeros in a compiled graph.
  public func take(_ indices: Tensor, axis: Int = 0) -> Tensor {
    let axis = shape.normalized(axis: axis)
    indices.checkIndices(below: shape[axis], "take")
    return emit(.gather(axis: axis, batchAxes: 0), self, indices)
  }
  /// `result[…, i, …] = self[…, indices[…, i, …], …]`: one index for each element of the result along `axis`; the other
  /// axes broadcast.
  public func takeAlong(_ indices: Tensor, axis: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    require(indices.rank == rank, "takeAlong: indices of shape \(indices.shape) for a tensor of shape \(shape)")
    indices.checkIndices(below: shape[axis], "takeAlong")
    let batch = shape.removing(axes: [axis])
    let moved = indices.movingAxis(axis, to: -1)
    let result = emit(
      .gather(axis: rank - 1, batchAxes: rank - 1), movingAxis(axis, to: -1),
      moved.broadcast(to: batch + [moved.shape.last]))
    return result.movingAxis(-1, to: axis)
  }
  /// The tensor plus `updates` added at `indices` along `axis`; several updates of one place add up.
  public func scatterAdding(_ updates: Tensor, at indices: Tensor, axis: Int = 0) -> Tensor {
    let axis = shape.normalized(axis: axis)
    indices.checkIndices(below: shape[axis], "scatterAdding")
    let target = Shape(Array(shape[..<axis]) + indices.shape.dimensions + Array(shape[(axis + 1)...]))
    return emit(
      .scatterAdd(axis: axis, batchAxes: 0), self, indices, updates.cast(to: dtype).broadcast(to: target))
  }
  /// The transpose of `takeAlong`: `updates` added at one index each along `axis`.
  public func scatterAddingAlong(_ updates: Tensor, at indices: Tensor, axis: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let moved = indices.movingAxis(axis, to: -1)
    let result = emit(
      .scatterAdd(axis: rank - 1, batchAxes: rank - 1), movingAxis(axis, to: -1), moved,
      updates.movingAxis(axis, to: -1))
    return result.movingAxis(-1, to: axis)
  }

  private func checkIndices(below limit: Int, _ operation: String) {
    guard isConcrete, count > 0 else { return }
    let values: [Int64] = array()
    if let wrong = values.first(where: { $0 < 0 || $0 >= limit }) {
      fatalError("\(operation): index \(wrong) lies outside an axis of length \(limit)")
    }
  }

  /// Whether two tensors have the same type and the same elements within `absolute + relative·|other|`.
  public func isClose(to other: Tensor, relative: Double = 1e-5, absolute: Double = 1e-8) -> Bool {
    guard shape == other.shape else { return false }
    return zip(doubles, other.doubles).allSatisfy { a, b in
      a == b || (a.isNaN && b.isNaN) || Swift.abs(a - b) <= absolute + relative * Swift.abs(b)
    }
  }
}
