/// Operations whose result's length depends on the values. They want concrete tensors: in a graph, shapes are known before values.
extension Tensor {
  private func concrete(_ operation: String) -> Tensor {
    require(isConcrete, "\(operation) wants a concrete tensor: the length of its result depends on the values")
    return self
  }

  /// The different values in ascending order, with where each comes first, where each element went, and how often each occurs.
  /// NaN counts as one value.
  /// - Returns: values `[u]`; firsts `[u]`, inverse (of this tensor's shape) and counts `[u]`, all `int32`
  public func unique() -> (values: Tensor, firsts: Tensor, inverse: Tensor, counts: Tensor) {
    let flat = concrete("unique").flattened()
    let order = flat.argSort().ints
    let sorted = flat.take(Tensor(order.map(Int32.init)))
    let isNew = count < 2 ? [] : zip(order.indices.dropFirst(), Self.areEqual(sorted)).map { !$0.1 }
    var (firsts, inverse, counts) = ([Int32](), [Int32](repeating: 0, count: count), [Int32]())
    for (place, index) in order.enumerated() {
      if place == 0 || isNew[place - 1] {
        firsts.append(Int32(index))
        counts.append(0)
      }
      inverse[index] = Int32(firsts.count - 1)
      counts[counts.count - 1] += 1
    }
    return (flat.take(Tensor(firsts)), Tensor(firsts), Tensor(inverse).reshape(shape), Tensor(counts))
  }

  /// Whether each element of a sorted vector equals the one before it.
  private static func areEqual(_ sorted: Tensor) -> [Bool] {
    let (a, b) = (sorted.slice(0, 0..<(sorted.count - 1)), sorted.slice(0, 1..<sorted.count))
    return ((a .== b) .| (a.isNaN() .& b.isNaN())).bools
  }

  /// Whether each element is one of `elements`; also in graphs. NaN is no member.
  public func isMember(of elements: Tensor) -> Tensor {
    guard elements.count > 0 else { return Tensor.zeros(shape, dtype: .bool) }
    let sorted = elements.flattened().sorted()
    let place = sorted.searchSorted(self).minimum(sorted.count - 1)
    return sorted.take(place) .== self
  }

  /// The different values of both, ascending.
  public func union(_ other: Tensor) -> Tensor {
    Tensor.concatenate([flattened(), other.flattened()]).unique().values
  }
  /// The different values that are in both, ascending.
  public func intersection(_ other: Tensor) -> Tensor {
    let values = unique().values
    return values.elements(where: values.isMember(of: other))
  }
  /// The different values that are not in `other`, ascending.
  public func subtracting(_ other: Tensor) -> Tensor {
    let values = unique().values
    return values.elements(where: !values.isMember(of: other))
  }
  /// The different values that are in one of both alone, ascending.
  public func symmetricDifference(_ other: Tensor) -> Tensor {
    union(other).subtracting(intersection(other))
  }

  /// The positions of elements other than zero, in row-major order.
  /// - Returns: `int32`, `[found, rank]`
  public func nonZeroPositions() -> Tensor {
    let found = (concrete("nonZeroPositions") .!= 0).flattened().bools.enumerated().filter(\.element).map(\.offset)
    let strides = shape.indices.map { axis in shape[(axis + 1)...].reduce(1, *) }
    let positions = found.flatMap { index in
      shape.indices.map { Int32(index / strides[$0] % shape[$0]) }
    }
    return Tensor(positions, shape: [found.count, rank])
  }

  /// The elements where a mask of the same shape holds, in row-major order.
  public func elements(where mask: Tensor) -> Tensor {
    require(mask.shape == shape, "elements(where:): a mask of shape \(mask.shape) for a tensor of shape \(shape)")
    let places = mask.concrete("elements(where:)").cast(to: .bool).bools.enumerated().filter(\.element)
    return flattened().take(Tensor(places.map { Int32($0.offset) }))
  }

  /// The slices along `axis` where a mask holds.
  public func compressed(_ mask: [Bool], axis: Int = 0) -> Tensor {
    require(
      mask.count == shape[shape.normalized(axis: axis)], "compressed: \(mask.count) flags for axis \(axis) of \(shape)")
    return take(Tensor(mask.indices.filter { mask[$0] }.map(Int32.init)), axis: axis)
  }

  /// The order that sorts by the last key, then by the one before it, and so on.
  /// - Parameter keys: vectors of one length
  public static func lexicographicOrder(_ keys: [Tensor]) -> Tensor {
    require(!keys.isEmpty, "lexicographicOrder wants at least one key")
    var order = keys[0].argSort()
    for key in keys.dropFirst() { order = order.take(key.take(order).argSort()) }
    return order
  }
}
