import Soma

/// Operators that take elements at indices, or put them there.
extension ONNXCall {
  func indexing() throws -> [ONNXValue]? {
    switch name {
    case "Gather":
      let (x, indices) = (try input(0), try input(1))
      let axis = try axis(int("axis", 0), rank: x.shape.rank)
      var lengths = x.shape.dimensions
      lengths.replaceSubrange(axis...axis, with: indices.shape)
      _ = try checkedShape(lengths)
      return [ONNXValue(x.tensor.take(try places(indices, below: x.shape[axis]), axis: axis), x.element)]
    case "GatherElements":
      let (x, indices) = (try input(0), try input(1))
      let axis = try axis(int("axis", 0), rank: x.shape.rank)
      let flat = try knownIfPossible(indices) { try flatPlaces(of: indices, along: axis, in: x.shape) }
      return [ONNXValue(x.tensor.flattened().take(flat), x.element)]
    case "GatherND": return try gatherPoints()
    case "Scatter", "ScatterElements":
      let (x, indices, updates) = (try input(0), try input(1), try input(2))
      let axis = try axis(int("axis", 0), rank: x.shape.rank)
      try check(updates.shape == indices.shape, "indices of shape \(indices.shape), updates of \(updates.shape)")
      try sameElements([x, updates])
      let flat = try knownIfPossible(indices) { try flatPlaces(of: indices, along: axis, in: x.shape) }
      return try scattered(x, flat.flattened(), updates.tensor.flattened())
    case "ScatterND":
      let (x, indices, updates) = (try input(0), try input(1), try input(2))
      try sameElements([x, updates])
      let (points, width) = try knownIfPossible(indices) { try flatPoints(of: indices, in: x.shape, batchAxes: 0) }
      let rest = Array(x.shape[width...])
      try check(
        updates.shape == Shape(indices.shape.dropLast()) + rest,
        "updates of shape \(updates.shape) for \(indices.shape)")
      return try scattered(
        x, try knownIfPossible(indices) { try spread(points, over: rest) }, updates.tensor.flattened())
    case "TensorScatter": return try writeCache()
    default: return nil
    }
  }

  /// Indices as non-negative places.
  /// - Throws: `ONNXError` if one that is known lies outside.
  func places(_ indices: ONNXValue, below limit: Int) throws -> Tensor {
    try check(indices.element == .int32 || indices.element == .int64, "indices of type \(indices.element.name)")
    if indices.isConcrete {
      for index in indices.tensor.ints where index < -limit || index >= limit {
        throw ONNXError(.invalid, "index \(index) lies outside an axis of length \(limit)")
      }
    }
    let x = indices.tensor
    return .select(x .< 0, x + Tensor(limit, dtype: x.dtype), x).cast(to: .int64)
  }

  /// Computes places outside of the traced function if the indices are known: counting along axes is recorded otherwise.
  private func knownIfPossible<Result>(_ indices: ONNXValue, _ body: () throws -> Result) rethrows -> Result {
    indices.isConcrete ? try untraced(body) : try body()
  }

  /// For each index along an axis, the place of its element in the flattened operand.
  private func flatPlaces(of indices: ONNXValue, along axis: Int, in shape: Shape) throws -> Tensor {
    try check(
      indices.shape.rank == shape.rank
        && shape.indices.allSatisfy { $0 == axis || indices.shape[$0] <= shape[$0] },
      "indices of shape \(indices.shape) for an operand of shape \(shape)")
    var flat = try places(indices, below: shape[axis]) * shape.strides[axis]
    for other in shape.indices where other != axis {
      flat = flat + Tensor.iota(indices.shape, axis: other, dtype: .int64) * shape.strides[other]
    }
    return flat
  }

  /// Points given by their coordinates along the last axis of the indices: their places in the operand with the axes
  /// behind the coordinates left out, and how many axes come before those.
  private func flatPoints(of indices: ONNXValue, in shape: Shape, batchAxes: Int) throws -> (Tensor, Int) {
    try check(indices.shape.rank > batchAxes && batchAxes >= 0, "\(batchAxes) batch axes of \(indices.shape)")
    let width = indices.shape.last
    try check(width >= 1 && batchAxes + width <= shape.rank, "points of \(width) coordinates in \(shape)")
    try check(
      batchAxes <= shape.rank && indices.shape[..<batchAxes].elementsEqual(shape[..<batchAxes]),
      "the batch axes of \(indices.shape) and \(shape) differ")
    let lead = Shape(Array(shape[..<(batchAxes + width)]))
    let coordinates = indices.tensor.split(indices.shape.last, axis: -1)
    var flat = Tensor.zeros(Shape(indices.shape.dropLast()), dtype: .int64)
    for (i, coordinate) in coordinates.enumerated() {
      let column = ONNXValue(coordinate.squeezed([-1]), indices.element)
      flat = flat + (try places(column, below: lead[batchAxes + i])) * lead.strides[batchAxes + i]
    }
    for axis in 0..<batchAxes {
      flat = flat + Tensor.iota(flat.shape, axis: axis, dtype: .int64) * lead.strides[axis]
    }
    return (flat, batchAxes + width)
  }

  private func gatherPoints() throws -> [ONNXValue] {
    let (x, indices) = (try input(0), try input(1))
    let batch = try int("batch_dims", 0)
    let (points, width) = try flatPoints(of: indices, in: x.shape, batchAxes: batch)
    let rest = Array(x.shape[width...])
    _ = try checkedShape(points.shape.dimensions + rest)
    let rows = x.tensor.reshape(Shape([x.shape[..<width].reduce(1, *)] + rest))
    return [ONNXValue(rows.take(points), x.element)]
  }

  /// Places of whole blocks as places of their elements, flattened.
  private func spread(_ points: Tensor, over rest: [Int]) throws -> Tensor {
    let size = rest.reduce(1, *)
    _ = try checkedShape(points.shape.dimensions + [size])
    let column = points.flattened().expandDimensions(at: 1) * size
    return (column + Tensor.iota([1, size], axis: 1, dtype: .int64)).flattened()
  }

  /// The operand with updates put at flat places, or joined to what is there.
  private func scattered(_ x: ONNXValue, _ places: Tensor, _ updates: Tensor) throws -> [ONNXValue] {
    let mode = try string("reduction", "none")
    guard x.tensor.count > 0, updates.count > 0 else { return [x] }
    let isBool = x.element == .bool
    let flat = (isBool ? x.tensor.cast(to: .int32) : x.tensor).flattened()
    let values = isBool ? updates.cast(to: .int32) : updates
    let y: Tensor
    switch mode {
    case "none": y = try replaced(flat, values, places)
    case "add": y = flat.scatterAdding(values, at: places)
    case "mul", "max", "min":
      y = try joined(flat, values, places) { a, b in mode == "mul" ? a * b : mode == "max" ? a.maximum(b) : a.minimum(b)
      }
    default: throw ONNXError(.invalid, "the reduction \(mode.prefix(20)) is not known")
    }
    return result(y.cast(to: x.tensor.dtype).reshape(x.shape), x.element)
  }

  private func replaced(_ flat: Tensor, _ updates: Tensor, _ places: Tensor) throws -> Tensor {
    if places.isConcrete { return try joined(flat, updates, places) { $1 } }
    let touched = Tensor.zeros(flat.shape, dtype: .int32)
      .scatterAdding(Tensor.ones(places.shape, dtype: .int32), at: places)
    let sums = Tensor.zeros(flat.shape, dtype: flat.dtype).scatterAdding(updates, at: places)
    return .select(touched .> 0, sums, flat)
  }

  /// Applies updates of one place one after the other: in rounds, each with at most one for a place.
  private func joined(
    _ flat: Tensor, _ updates: Tensor, _ places: Tensor, _ body: (Tensor, Tensor) -> Tensor
  ) throws -> Tensor {
    guard places.isConcrete else {
      var error = ONNXError(.needsValue([]), "indices with duplicates must be known when the model is loaded")
      error.operand = 1
      throw error
    }
    var rounds = [[Int]]()
    var seen = [Int: Int]()
    for (i, place) in places.ints.enumerated() {
      let round = seen[place, default: 0]
      seen[place] = round + 1
      if round == rounds.count { rounds.append([]) }
      rounds[round].append(i)
    }
    try check(rounds.count <= 4096, "\(rounds.count) updates of one place")
    var y = flat
    for round in rounds {
      let chosen = Tensor(round)
      let at = places.take(chosen)
      let new = body(y.take(at), updates.take(chosen))
      let isTouched =
        Tensor.zeros(flat.shape, dtype: .int32)
        .scatterAdding(Tensor.ones(at.shape, dtype: .int32), at: at) .> 0
      // Not the difference added: that would lose infinite values.
      y = .select(isTouched, Tensor.zeros(flat.shape, dtype: flat.dtype).scatterAdding(new, at: at), y)
    }
    return y
  }

  private func writeCache() throws -> [ONNXValue] {
    let (cache, update) = (try input(0), try input(1))
    try sameElements([cache, update])
    let rank = cache.shape.rank
    let axis = try axis(int("axis", -2), rank: rank)
    try check(axis > 0 && update.shape.rank == rank, "axis \(axis) of a cache of shape \(cache.shape)")
    let (size, length) = (cache.shape[axis], update.shape[axis])
    try check(
      update.shape.removing(axes: [axis]) == cache.shape.removing(axes: [axis]) && length <= size,
      "an update of shape \(update.shape) for a cache of \(cache.shape)")
    let isCircular = try string("mode", "linear") == "circular"
    var start = Tensor.zeros([cache.shape[0]], dtype: .int64)
    if let given = optional(2) {
      try check(given.shape == start.shape, "write indices of shape \(given.shape)")
      if given.isConcrete, !isCircular {
        for index in given.tensor.ints where index < 0 || index > size - length {
          throw ONNXError(.invalid, "\(length) entries at \(index) leave a cache of \(size)")
        }
      }
      start = given.tensor.cast(to: .int64)
    }
    guard update.tensor.count > 0 else { return [cache] }
    // For each place of the cache, which entry of the update comes there, if any.
    var lengths = [Int](repeating: 1, count: rank)
    lengths[0] = cache.shape[0]
    let first = start.reshape(Shape(lengths))
    lengths[axis] = size
    let distance = Tensor.iota(Shape(lengths), axis: axis, dtype: .int64) - first
    let source = isCircular ? distance % Tensor(size, dtype: .int64) : distance
    let isNew = (source .>= 0) .& (source .< length)
    let entries = update.tensor.takeAlong(source.maximum(0).minimum(length - 1), axis: axis)
    return [ONNXValue(.select(isNew, entries, cache.tensor), cache.element)]
  }
}
