import Soma

/// Operators that move elements without computing.
extension ONNXCall {
  func structure() throws -> [ONNXValue]? {
    switch name {
    case "Shape":
      let shape = try input(0).shape
      func place(_ i: Int) -> Int { Swift.min(Swift.max(i < 0 ? i + shape.rank : i, 0), shape.rank) }
      let (start, end) = (place(try int("start", 0)), place(try int("end", shape.rank)))
      return [ONNXValue(Tensor(start < end ? Array(shape[start..<end]) : []))]
    case "Size": return [ONNXValue(Tensor(try input(0).tensor.count, dtype: .int64))]
    case "Reshape": return try reshape()
    case "Flatten":
      let x = try input(0)
      let axis = try int("axis", 1)
      try check(axis >= -x.shape.rank && axis <= x.shape.rank, "axis \(axis) of a tensor with \(x.shape.rank) axes")
      let start = axis < 0 ? axis + x.shape.rank : axis
      let rows = x.shape[..<start].reduce(1, *)
      let columns = x.shape[start...].reduce(1, *)
      return [ONNXValue(x.tensor.reshape(Shape([rows, columns])), x.element)]
    case "Squeeze":
      let x = try input(0)
      let named = try ints("axes") ?? optionalIntegers(1)
      let axes = try named.map { try self.axes($0, rank: x.shape.rank) } ?? x.shape.indices.filter { x.shape[$0] == 1 }
      try check(axes.allSatisfy { x.shape[$0] == 1 }, "axes \(axes) of \(x.shape) are not all of length 1")
      return [ONNXValue(x.tensor.reshape(x.shape.removing(axes: axes)), x.element)]
    case "Unsqueeze":
      let x = try input(0)
      guard let named = try ints("axes") ?? optionalIntegers(1) else { throw ONNXError(.invalid, "axes are missing") }
      try check(named.count <= 64, "\(named.count) new axes")
      let rank = x.shape.rank + named.count
      let axes = try self.axes(named, rank: rank)
      var rest = x.shape.dimensions[...]
      let lengths = (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }
      return [ONNXValue(x.tensor.reshape(Shape(lengths)), x.element)]
    case "Transpose":
      let x = try input(0)
      let order = try ints("perm") ?? Array((0..<x.shape.rank).reversed())
      try check(order.sorted() == Array(0..<x.shape.rank), "\(order) is no order of \(x.shape.rank) axes")
      return [ONNXValue(order.isEmpty ? x.tensor : x.tensor.transposed(order), x.element)]
    case "Concat":
      let values = try all()
      try sameElements(values)
      guard let axis = try int("axis") else { throw ONNXError(.invalid, "attribute axis is missing") }
      let place = try self.axis(axis, rank: values[0].shape.rank)
      for value in values {
        try check(
          value.shape.rank == values[0].shape.rank
            && value.shape.removing(axes: [place]) == values[0].shape.removing(axes: [place]),
          "shapes \(values[0].shape) and \(value.shape) differ beside axis \(place)")
      }
      let total = values.reduce(0) { $0 + $1.shape[place] }
      _ = try checkedShape(values[0].shape.replacing(axis: place, with: total).dimensions)
      return [ONNXValue(.concatenate(values.map(\.tensor), axis: place), values[0].element)]
    case "Split": return try split()
    case "Slice": return try slice()
    case "Expand":
      let x = try input(0)
      let target = try broadcastShape([x.shape, try checkedShape(try integers(1))])
      return [ONNXValue(x.tensor.broadcast(to: target), x.element)]
    case "Tile":
      let x = try input(0)
      let repeats = try integers(1)
      try check(repeats.count == x.shape.rank && repeats.allSatisfy { $0 >= 0 }, "repeats \(repeats) of \(x.shape)")
      let lengths = zip(x.shape, repeats).map { $0.multipliedReportingOverflow(by: $1) }
      try check(lengths.allSatisfy { !$0.overflow }, "repeats \(repeats) are too large")
      let target = try checkedShape(lengths.map(\.partialValue))
      if target.elementCount == 0 { return [ONNXValue(.zeros(target, dtype: x.tensor.dtype), x.element)] }
      return [ONNXValue(x.shape.rank == 0 ? x.tensor : x.tensor.tiled(repeats), x.element)]
    case "Pad": return try pad()
    case "DepthToSpace", "SpaceToDepth": return try blocks()
    case "CenterCropPad": return try centered()
    case "ReverseSequence": return try reverseSequence()
    case "Trilu":
      let x = try input(0)
      try check(x.shape.rank >= 2, "an operand with \(x.shape.rank) axes has no matrices")
      let offset = has(1) ? try integer(1) : 0
      let (rows, columns) = (x.shape[-2], x.shape[-1])
      let shift = Swift.min(Swift.max(offset, -rows - 1), columns + 1)
      let isUpper = try flag("upper", true)
      guard x.tensor.count > 0 else { return [x] }
      // Above the diagonal: not below the one to its left.
      let lower = Tensor.lowerTriangle(rows, columns, offset: isUpper ? shift - 1 : shift)
      let zero = Tensor(0, dtype: x.tensor.dtype)
      return [ONNXValue(isUpper ? .select(lower, zero, x.tensor) : .select(lower, x.tensor, zero), x.element)]
    case "Dropout":
      let x = try input(0)
      if version >= 12, has(2), try number(2) != 0, try !has(1) || number(1) != 0 {
        throw ONNXError(.unsupported, "dropout in training mode")
      }
      return [x, ONNXValue(Tensor(true, dtype: .bool).broadcast(to: x.shape), .bool)]
    default: return nil
    }
  }

  private func reshape() throws -> [ONNXValue] {
    let x = try input(0)
    var lengths = try integers(1)
    try check(lengths.count <= 64 && lengths.allSatisfy { $0 >= -1 }, "cannot become \(lengths)")
    if try !flag("allowzero") {
      for i in lengths.indices where lengths[i] == 0 {
        try check(i < x.shape.rank, "axis \(i) is to be kept, but \(x.shape) has none")
        lengths[i] = x.shape[i]
      }
    }
    let open = lengths.indices.filter { lengths[$0] == -1 }
    try check(open.count <= 1, "two lengths of \(lengths) are open")
    if let i = open.first {
      let rest = try checkedShape(lengths.filter { $0 != -1 }).elementCount
      try check(rest > 0 && x.tensor.count % rest == 0, "\(x.shape) cannot become \(lengths)")
      lengths[i] = x.tensor.count / rest
    }
    let shape = try checkedShape(lengths)
    try check(shape.elementCount == x.tensor.count, "\(x.shape) cannot become \(shape)")
    return [ONNXValue(x.tensor.reshape(shape), x.element)]
  }

  private func split() throws -> [ONNXValue] {
    let x = try input(0)
    let axis = try axis(int("axis", 0), rank: x.shape.rank)
    let n = x.shape[axis]
    var sizes = try ints("split") ?? optionalIntegers(1)
    if sizes == nil {
      let count = try int("num_outputs") ?? outputNames.count
      try check(count > 0 && count <= 65536, "\(count) parts")
      let size = (n + count - 1) / count
      sizes = (0..<count).map { Swift.max(0, Swift.min(size, n - $0 * size)) }
    }
    let parts = sizes ?? []
    try check(parts.allSatisfy { $0 >= 0 && $0 <= n } && parts.reduce(0, +) == n, "parts \(parts) of an axis of \(n)")
    return x.tensor.split(sizes: parts, axis: axis).map { ONNXValue($0, x.element) }
  }

  private func slice() throws -> [ONNXValue] {
    let x = try input(0)
    let rank = x.shape.rank
    let starts: [Int]
    let ends: [Int]
    let named: [Int]?
    var steps: [Int]?
    if version < 10 {
      (starts, ends, named) = (try ints("starts") ?? [], try ints("ends") ?? [], try ints("axes"))
    } else {
      (starts, ends, named) = (try integers(1), try integers(2), try optionalIntegers(3))
      steps = try optionalIntegers(4)
    }
    let axes = try self.axes(named ?? Array(0..<starts.count), rank: rank)
    let by = steps ?? axes.map { _ in 1 }
    try check(
      starts.count == axes.count && ends.count == axes.count && by.count == axes.count,
      "\(starts.count) starts, \(ends.count) ends, \(by.count) steps for \(axes.count) axes")
    var (from, to, step) = (x.shape.map { _ in 0 }, x.shape.dimensions, x.shape.map { _ in 1 })
    var reversed = [Int]()
    for (i, axis) in axes.enumerated() {
      let n = x.shape[axis]
      try check(by[i] != 0 && by[i] != .min, "a step of \(by[i])")
      func place(_ p: Int, _ low: Int, _ high: Int) -> Int {
        Swift.min(Swift.max(p < 0 ? (p < -n ? -1 : p + n) : p, low), high)
      }
      if by[i] > 0 {
        from[axis] = place(starts[i], 0, n)
        to[axis] = Swift.max(from[axis], place(ends[i], 0, n))
        step[axis] = Swift.min(by[i], Swift.max(n, 1))
      } else {
        let start = place(starts[i], -1, n - 1)
        let end = ends[i] < -n ? -1 : place(ends[i], -1, n - 1)
        let size = Swift.min(-by[i], Swift.max(n, 1))
        let count = start > end ? (start - end + size - 1) / size : 0
        // The same places forwards, then turned around.
        from[axis] = count > 0 ? start - (count - 1) * size : 0
        to[axis] = count > 0 ? start + 1 : 0
        step[axis] = size
        reversed.append(axis)
      }
    }
    let y = apply(.slice(starts: from, limits: to, strides: step), [x.tensor])[0]
    return [ONNXValue(reversed.isEmpty ? y : y.reversed(reversed), x.element)]
  }

  private func pad() throws -> [ONNXValue] {
    let x = try input(0)
    let rank = x.shape.rank
    let mode = try string("mode", "constant")
    let pads = version < 11 ? try ints("pads") ?? [] : try integers(1)
    let axes = try optionalIntegers(3).map { try self.axes($0, rank: rank) } ?? Array(0..<rank)
    try check(pads.count == 2 * axes.count, "\(pads.count) widths for \(axes.count) axes")
    try check(pads.allSatisfy { abs($0.clamped) < elementLimit }, "widths \(pads) are too large")
    var (low, high) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    for (i, axis) in axes.enumerated() { (low[axis], high[axis]) = (pads[i], pads[i + axes.count]) }
    // Negative widths cut off.
    let starts = low.map { Swift.max(-$0, 0) }
    let limits = zip(x.shape, high).map { $0 - Swift.max(-$1, 0) }
    try check(zip(starts, limits).allSatisfy { $0 <= $1 }, "widths \(pads) cut off more than \(x.shape) has")
    let kept = apply(.slice(starts: starts, limits: limits, strides: starts.map { _ in 1 }), [x.tensor])[0]
    (low, high) = (low.map { Swift.max($0, 0) }, high.map { Swift.max($0, 0) })
    let target = try checkedShape((0..<rank).map { kept.shape[$0] + low[$0] + high[$0] })
    guard mode != "constant" else {
      var value = try float("value", 0)
      if version >= 11, has(2) {
        let given = try input(2)
        try check(given.element == x.element && given.tensor.count == 1, "the value is no number of the operand's type")
        if !given.isConcrete {
          let inside = Tensor.ones(kept.shape, dtype: .int32).padded(low: low, high: high) .!= 0
          let wide = kept.padded(low: low, high: high)
          return [ONNXValue(.select(inside, wide, given.tensor.reshape([])), x.element)]
        }
        value = given.tensor.doubles[0]
      }
      if x.element == .bool {
        let y = kept.cast(to: .uint8).padded(low: low, high: high, value: value)
        return [ONNXValue(y.cast(to: .bool), .bool)]
      }
      return [ONNXValue(kept.padded(low: low, high: high, value: value), x.element)]
    }
    var y = kept
    for axis in 0..<rank where low[axis] + high[axis] > 0 {
      let n = y.shape[axis]
      try check(n > 0, "axis \(axis) is empty and cannot be continued")
      let places = try (0..<target[axis]).map { i -> Int in
        let p = i - low[axis]
        switch mode {
        case "edge": return Swift.min(Swift.max(p, 0), n - 1)
        case "wrap": return ((p % n) + n) % n
        case "reflect":
          if n == 1 { return 0 }
          let period = 2 * (n - 1)
          let q = ((p % period) + period) % period
          return q < n ? q : period - q
        default: throw ONNXError(.invalid, "the mode is none of constant, reflect, edge and wrap")
        }
      }
      y = y.take(Tensor(places), axis: axis)
    }
    return [ONNXValue(y, x.element)]
  }

  private func blocks() throws -> [ONNXValue] {
    let x = try input(0)
    try check(x.shape.rank == 4, "an operand with \(x.shape.rank) axes is no batch of pictures")
    guard let size = try int("blocksize"), size > 0, size < 65536 else { throw ONNXError(.invalid, "the block size") }
    let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    if name == "SpaceToDepth" {
      try check(h % size == 0 && w % size == 0, "\(h) × \(w) pixels in blocks of \(size)")
      let order = try string("mode", "DCR") == "DCR" ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]
      let parts = x.tensor.reshape(Shape([n, c, h / size, size, w / size, size])).transposed(order)
      return [ONNXValue(parts.reshape(Shape([n, c * size * size, h / size, w / size])), x.element)]
    }
    try check(c % (size * size) == 0, "\(c) channels in blocks of \(size)²")
    let depth = c / (size * size)
    let parts =
      try string("mode", "DCR") == "DCR"
      ? x.tensor.reshape(Shape([n, size, size, depth, h, w])).transposed([0, 3, 4, 1, 5, 2])
      : x.tensor.reshape(Shape([n, depth, size, size, h, w])).transposed([0, 1, 4, 2, 5, 3])
    return [ONNXValue(parts.reshape(Shape([n, depth, h * size, w * size])), x.element)]
  }

  private func centered() throws -> [ONNXValue] {
    let x = try input(0)
    let target = try integers(1)
    let axes = try ints("axes").map { try self.axes($0, rank: x.shape.rank) } ?? Array(0..<x.shape.rank)
    try check(target.count == axes.count, "\(target.count) lengths for \(axes.count) axes")
    var (starts, limits) = (x.shape.map { _ in 0 }, x.shape.dimensions)
    var (low, high) = (x.shape.map { _ in 0 }, x.shape.map { _ in 0 })
    for (axis, length) in zip(axes, target) {
      _ = try checkedShape([length])
      let n = x.shape[axis]
      if length < n {
        starts[axis] = (n - length) / 2
        limits[axis] = starts[axis] + length
      } else {
        low[axis] = (length - n) / 2
        high[axis] = length - n - low[axis]
      }
    }
    _ = try checkedShape(x.shape.indices.map { limits[$0] - starts[$0] + low[$0] + high[$0] })
    let cut = apply(.slice(starts: starts, limits: limits, strides: starts.map { _ in 1 }), [x.tensor])[0]
    return [ONNXValue(cut.padded(low: low, high: high), x.element)]
  }

  private func reverseSequence() throws -> [ONNXValue] {
    let (x, lengths) = (try input(0), try input(1))
    let (batch, time) = (try int("batch_axis", 1), try int("time_axis", 0))
    try check(x.shape.rank >= 2 && Set([batch, time]) == [0, 1], "batch axis \(batch) and time axis \(time)")
    try check(
      lengths.shape == [x.shape[batch]] && lengths.element == .int64, "lengths of shape \(lengths.shape) for \(x.shape)"
    )
    let steps = x.shape[time]
    guard x.tensor.count > 0 else { return [x] }
    let column = time == 0 ? lengths.tensor.reshape([1, -1]) : lengths.tensor.reshape([-1, 1])
    let grid = time == 0 ? [steps, x.shape[batch]] : [x.shape[batch], steps]
    let t = Tensor.iota(Shape(grid), axis: time, dtype: .int64)
    let places = Tensor.select(t .< column, column - 1 - t, t).maximum(0).minimum(steps - 1)
    let shaped = places.reshape(Shape(grid + [Int](repeating: 1, count: x.shape.rank - 2)))
    return [ONNXValue(x.tensor.takeAlong(shaped, axis: time), x.element)]
  }
}

extension Int {
  /// The number, its lowest value aside, so that it has a magnitude.
  fileprivate var clamped: Int { self == .min ? .min + 1 : self }
}
