import Soma

/// Reductions of sliding windows.
extension ONNXCall {
  func pooling() throws -> [ONNXValue]? {
    switch name {
    case "MaxPool": return try maximumPool()
    case "AveragePool": return try averagePool()
    case "LpPool":
      let x = try floating(0)
      let (window, grown) = try poolWindow(x)
      let p = Double(try int("p", 2))
      try check(p > 0, "a norm of order \(p)")
      return result(pool(x.tensor.abs().power(p), window, grown).power(1 / p), x.element)
    case "GlobalAveragePool": return try global { $0.mean($1, keepsAxes: true) }
    case "GlobalMaxPool": return try global { $0.max($1, keepsAxes: true) }
    case "GlobalLpPool":
      let p = Double(try int("p", 2))
      try check(p > 0, "a norm of order \(p)")
      return try global { $0.abs().power(p).sum($1, keepsAxes: true).power(1 / p) }
    case "MaxUnpool": return try unpool()
    default: return nil
    }
  }

  private func global(_ body: (Tensor, [Int]) -> Tensor) throws -> [ONNXValue] {
    let x = try floating(0)
    try check(x.shape.rank >= 3 && x.tensor.count > 0, "an operand of shape \(x.shape)")
    return result(body(x.tensor, Array(2..<x.shape.rank)), x.element)
  }

  /// The window, and its border at the end grown by what rounding up needs.
  private func poolWindow(_ x: ONNXValue) throws -> (ONNXWindow, grownHigh: [Int]) {
    try check(x.shape.rank >= 3, "an operand of shape \(x.shape) has no spatial axes")
    guard let size = try ints("kernel_shape") else { throw ONNXError(.invalid, "attribute kernel_shape is missing") }
    let input = Array(x.shape[2...])
    let window = try window(size: size, input: input)
    var high = window.high
    if try flag("ceil_mode") {
      for i in input.indices {
        let reach = (size[i] - 1) * window.dilations[i] + 1
        let room = input[i] + window.low[i] + window.high[i] - reach
        var steps = room < 0 ? 0 : (room + window.strides[i] - 1) / window.strides[i]
        // The last window must begin before the border at the end.
        if steps * window.strides[i] >= input[i] + window.low[i] { steps -= 1 }
        high[i] += Swift.max(steps * window.strides[i] - room, 0)
      }
    }
    var grown = window
    grown.high = high
    let positions = grown.positions(input)
    try check(positions.allSatisfy { $0 > 0 }, "the window is larger than the padded operand")
    _ = try checkedShape(Array(x.shape[..<2]) + positions)
    return (window, high)
  }

  private func pool(_ x: Tensor, _ window: ONNXWindow, _ high: [Int]) -> Tensor {
    x.sumPool(window.size, strides: window.strides, padding: .explicit(window.low, high), dilations: window.dilations)
  }

  private func averagePool() throws -> [ONNXValue] {
    let x = try floating(0)
    let (window, grown) = try poolWindow(x)
    // How many numbers each window has: those of the border count if asked for, those that rounding up adds never.
    let spatial = Shape(Array(x.shape[2...]))
    var ones = Tensor.ones(spatial, dtype: .float32)
    var rest = window
    if try flag("count_include_pad") {
      ones = ones.padded(low: window.low, high: window.high, value: 1)
      rest.low = window.low.map { _ in 0 }
      rest.high = zip(grown, window.high).map { $0 - $1 }
    } else {
      rest.high = grown
    }
    let counts = pool(ones, rest, rest.high).cast(to: x.tensor.dtype)
    return result(pool(x.tensor, window, grown) / counts.maximum(1), x.element)
  }

  private func maximumPool() throws -> [ONNXValue] {
    let x = try input(0)
    try check(x.element != .bool, "operand of type bool")
    let (window, grown) = try poolWindow(x)
    let padding = Padding.explicit(window.low, grown)
    let y = x.tensor.maxPool(window.size, strides: window.strides, padding: padding, dilations: window.dilations)
    guard wants(1) else { return [ONNXValue(y, x.element)] }
    let description = Window(
      size: window.size, strides: window.strides, dilations: window.dilations, low: window.low, high: grown)
    var index = apply(.windowArgMax(description), [x.tensor])[0].cast(to: .int64)
    let spatial = Array(x.shape[2...])
    if try int("storage_order", 0) == 1 {
      // Column-major places: axes counted in the other order.
      var (rest, strided, step) = (index, Tensor.zeros(index.shape, dtype: .int64), 1)
      let lengths = Shape(spatial)
      for (axis, stride) in lengths.strides.enumerated() {
        let coordinate = rest.floorDivide(by: Tensor(stride, dtype: .int64))
        rest = rest - coordinate * stride
        strided = strided + coordinate * step
        step *= spatial[axis]
      }
      index = strided
    }
    let size = spatial.reduce(1, *)
    let plane =
      Tensor.iota(index.shape, axis: 0, dtype: .int64) * (x.shape[1] * size)
      + Tensor.iota(index.shape, axis: 1, dtype: .int64) * size
    return [ONNXValue(y, x.element), ONNXValue(index + plane, .int64)]
  }

  private func unpool() throws -> [ONNXValue] {
    let (x, indices) = (try input(0), try input(1))
    try check(x.shape == indices.shape && indices.element == .int64, "indices of shape \(indices.shape) for \(x.shape)")
    guard let size = try ints("kernel_shape") else { throw ONNXError(.invalid, "attribute kernel_shape is missing") }
    try check(x.shape.rank >= 3, "an operand of shape \(x.shape)")
    let window = try window(size: size, input: Array(x.shape[2...]))
    let inferred = (0..<size.count).map { i -> Int in
      let reach = (x.shape[i + 2] - 1) * window.strides[i] + size[i]
      return reach - window.low[i] - window.high[i]
    }
    let own = try checkedShape(Array(x.shape[..<2]) + inferred)
    let target = try optionalIntegers(2).map { try checkedShape($0) } ?? own
    try check(target.rank == own.rank && target.elementCount > 0, "an output shape of \(target)")
    // Indices count in the inferred shape; a larger output keeps coordinates.
    let flat = try places(ONNXValue(indices.tensor.flattened(), .int64), below: own.elementCount)
    var (rest, place) = (flat, Tensor.zeros(flat.shape, dtype: .int64))
    for axis in 0..<own.rank where target != own {
      let coordinate = rest.floorDivide(by: Tensor(own.strides[axis], dtype: .int64))
      rest = rest - coordinate * own.strides[axis]
      place = place + coordinate * target.strides[axis]
    }
    if target == own { place = flat }
    if place.isConcrete {
      try check(place.ints.allSatisfy { $0 < target.elementCount }, "an index leaves the output shape \(target)")
    }
    let zeros = Tensor.zeros([target.elementCount], dtype: x.tensor.dtype)
    return [ONNXValue(zeros.scatterAdding(x.tensor.flattened(), at: place).reshape(target), x.element)]
  }
}
