import Soma

/// Windows that slide over spatial axes: their sizes, steps and borders.
struct ONNXWindow {
  var size: [Int]
  var strides: [Int]
  var dilations: [Int]
  var low: [Int]
  var high: [Int]

  /// Positions along each axis, without rounding up.
  func positions(_ input: [Int]) -> [Int] {
    input.indices.map { i in
      let room = input[i] + low[i] + high[i] - ((size[i] - 1) * dilations[i] + 1)
      return room < 0 ? 0 : room / strides[i] + 1
    }
  }
}

extension ONNXCall {
  /// Window settings from the attributes.
  func window(size: [Int], input: [Int]) throws -> ONNXWindow {
    let n = input.count
    let strides = try ints("strides") ?? input.map { _ in 1 }
    let dilations = try ints("dilations") ?? input.map { _ in 1 }
    try check((1...3).contains(n), "\(n) spatial axes; 1 to 3 are known here")
    try check(
      size.count == n && strides.count == n && dilations.count == n, "settings for other than \(n) spatial axes")
    try check((size + strides + dilations).allSatisfy { $0 > 0 && $0 < 1 << 24 }, "sizes, strides or dilations below 1")
    var (low, high) = (input.map { _ in 0 }, input.map { _ in 0 })
    switch try string("auto_pad", "NOTSET") {
    case "NOTSET":
      let pads = try ints("pads") ?? [Int](repeating: 0, count: 2 * n)
      try check(pads.count == 2 * n && pads.allSatisfy { $0 >= 0 && $0 < 1 << 24 }, "pads \(pads)")
      (low, high) = (Array(pads[..<n]), Array(pads[n...]))
    case "VALID": break
    case let mode where mode == "SAME_UPPER" || mode == "SAME_LOWER":
      for i in 0..<n {
        let positions = (input[i] + strides[i] - 1) / strides[i]
        let total = Swift.max((positions - 1) * strides[i] + (size[i] - 1) * dilations[i] + 1 - input[i], 0)
        low[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
        high[i] = total - low[i]
      }
    default: throw ONNXError(.invalid, "auto_pad is unknown")
    }
    return ONNXWindow(size: size, strides: strides, dilations: dilations, low: low, high: high)
  }

  func convolution() throws -> [ONNXValue]? {
    switch name {
    case "Conv":
      let (x, kernel) = (try floating(0), try floating(1))
      try sameElements([x, kernel])
      return result(try withBias(try convolve(x.tensor, kernel.tensor), optional(2), x), x.element)
    case "ConvInteger":
      let (x, kernel) = (try input(0), try input(1))
      let left = try shifted(x, optional(2), axis: -1)
      return result(try convolve(left, try kernelShifted(kernel, optional(3))), .int32)
    case "QLinearConv": return try quantizedConvolution()
    case "ConvTranspose": return try transposedConvolution()
    case "Col2Im": return try assemble()
    case "CausalConvWithState": return try causalConvolution()
    default: return nil
    }
  }

  private func kernelShifted(_ kernel: ONNXValue, _ zero: ONNXValue?) throws -> Tensor {
    guard let zero, zero.tensor.count > 1 else { return try shifted(kernel, zero, axis: -1) }
    try check(zero.shape == [kernel.shape[0]], "\(zero.shape) zero points for a kernel of shape \(kernel.shape)")
    let lengths = [kernel.shape[0]] + [Int](repeating: 1, count: kernel.shape.rank - 1)
    return kernel.tensor.cast(to: .int32) - zero.tensor.cast(to: .int32).reshape(Shape(lengths))
  }

  private func withBias(_ y: Tensor, _ bias: ONNXValue?, _ x: ONNXValue) throws -> Tensor {
    guard let bias else { return y }
    try check(bias.shape == [y.shape[1]], "a bias of shape \(bias.shape) for \(y.shape[1]) channels")
    return y
      + bias.tensor.reshape(Shape([1, -1].map { $0 == -1 ? y.shape[1] : $0 } + y.shape.dropFirst(2).map { _ in 1 }))
  }

  func convolve(_ x: Tensor, _ kernel: Tensor) throws -> Tensor {
    try check(x.rank >= 3 && kernel.rank == x.rank, "an operand of shape \(x.shape) and a kernel of \(kernel.shape)")
    let input = Array(x.shape[2...])
    let size = Array(kernel.shape[2...])
    if let named = try ints("kernel_shape") {
      try check(named == size, "kernel_shape \(named), but the kernel has \(kernel.shape)")
    }
    let window = try window(size: size, input: input)
    let groups = try int("group", 1)
    try check(
      groups > 0 && kernel.shape[1] > 0 && x.shape[1] == kernel.shape[1] * groups && kernel.shape[0] % groups == 0,
      "\(x.shape[1]) input channels and a kernel of shape \(kernel.shape) in \(groups) groups")
    let positions = window.positions(input)
    try check(positions.allSatisfy { $0 > 0 } && kernel.shape[0] > 0, "the kernel is larger than the padded operand")
    _ = try checkedShape([x.shape[0], kernel.shape[0]] + positions)
    return x.convolution(
      kernel, strides: window.strides, padding: .explicit(window.low, window.high), dilations: window.dilations,
      groups: groups)
  }

  private func quantizedConvolution() throws -> [ONNXValue] {
    let (x, kernel) = (try input(0), try input(3))
    let left = try shifted(x, try input(2), axis: -1)
    var y = try convolve(left, try kernelShifted(kernel, try input(5)))
    if let bias = optional(8) { y = try withBias(y, bias, x) }
    let (xScale, kernelScale, scale, zero) = (try input(1), try input(4), try input(6), try input(7))
    try check(
      xScale.tensor.count == 1 && scale.tensor.count == 1 && zero.tensor.count == 1, "scales that are no numbers")
    var factor = kernelScale.tensor.cast(to: .float32)
    try check(factor.count == 1 || factor.count == y.shape[1], "\(factor.count) scales for \(y.shape[1]) channels")
    factor =
      factor.count == 1 ? factor.reshape([]) : factor.reshape([factor.count] + y.shape.dropFirst(2).map { _ in 1 })
    let real = y.cast(to: .float32) * (xScale.tensor.reshape([]) * factor)
    return [try quantized(real, scale.tensor.reshape([]), zero.tensor.reshape([]), zero.element)]
  }

  private func transposedConvolution() throws -> [ONNXValue] {
    let (x, kernel) = (try floating(0), try floating(1))
    try sameElements([x, kernel])
    try check(
      x.shape.rank >= 3 && kernel.shape.rank == x.shape.rank, "a kernel of shape \(kernel.shape) for \(x.shape)")
    let n = x.shape.rank - 2
    let input = Array(x.shape[2...])
    let size = Array(kernel.shape[2...])
    try check((1...3).contains(n), "\(n) spatial axes; 1 to 3 are known here")
    let strides = try ints("strides") ?? input.map { _ in 1 }
    let dilations = try ints("dilations") ?? input.map { _ in 1 }
    let extra = try ints("output_padding") ?? input.map { _ in 0 }
    let groups = try int("group", 1)
    try check(
      strides.count == n && dilations.count == n && extra.count == n
        && (size + strides + dilations).allSatisfy { $0 > 0 && $0 < 1 << 24 }
        && extra.allSatisfy { $0 >= 0 && $0 < 1 << 24 }, "settings of the wrong number or size")
    try check(
      groups > 0 && x.shape[1] == kernel.shape[0] && x.shape[1] % groups == 0 && kernel.shape[1] > 0 && x.shape[1] > 0,
      "\(x.shape[1]) input channels and a kernel of shape \(kernel.shape) in \(groups) groups")
    try check(input.allSatisfy { $0 > 0 }, "an operand of shape \(x.shape) is empty")
    let full = (0..<n).map { i -> Int in
      let spread = (input[i] - 1) * strides[i]
      return spread + (size[i] - 1) * dilations[i] + 1
    }
    var (low, high) = (input.map { _ in 0 }, input.map { _ in 0 })
    let mode = try string("auto_pad", "NOTSET")
    if let target = try ints("output_shape") {
      let wanted = target.count == n + 2 ? Array(target[2...]) : target
      try check(wanted.count == n, "an output shape of \(target)")
      (low, high) = split((0..<n).map { i -> Int in full[i] + extra[i] - wanted[i] }, lowerFirst: mode != "SAME_UPPER")
    } else if mode == "SAME_UPPER" || mode == "SAME_LOWER" {
      let total = (0..<n).map { i -> Int in full[i] + extra[i] - input[i] * strides[i] }
      (low, high) = split(total, lowerFirst: mode != "SAME_UPPER")
    } else if mode == "NOTSET" {
      let pads = try ints("pads") ?? [Int](repeating: 0, count: 2 * n)
      try check(pads.count == 2 * n && pads.allSatisfy { $0 >= 0 && $0 < 1 << 24 }, "pads \(pads)")
      (low, high) = (Array(pads[..<n]), Array(pads[n...]))
    }
    let length = (0..<n).map { i -> Int in full[i] + extra[i] - low[i] - high[i] }
    try check(length.allSatisfy { $0 > 0 }, "the result has no element left: \(length)")
    _ = try checkedShape([x.shape[0], kernel.shape[1] * groups] + length)
    // The whole result, then cut: so paddings beyond the kernel and output paddings beyond the strides work too.
    let spread = x.tensor.transposedConvolution(kernel.tensor, strides: strides, dilations: dilations, groups: groups)
    let starts = [0, 0] + low.map { Swift.max($0, 0) }
    let before = [0, 0] + low.map { Swift.max(-$0, 0) }
    let ends = (0..<n).map { i -> Int in Swift.min(full[i], low[i] + length[i]) }
    let limits = Array(spread.shape[..<2]) + ends
    try check(zip(starts, limits).allSatisfy { $0 < $1 }, "padding cuts off the whole result")
    let cut = apply(.slice(starts: starts, limits: limits, strides: starts.map { _ in 1 }), [spread])[0]
    let after = [0, 0] + (0..<n).map { i -> Int in length[i] - before[i + 2] - cut.shape[i + 2] }
    return result(try withBias(cut.padded(low: before, high: after), optional(2), x), x.element)
  }

  private func split(_ total: [Int], lowerFirst: Bool) -> ([Int], [Int]) {
    let halves = total.map { $0 >> 1 }
    let rest = zip(total, halves).map { $0 - $1 }
    return lowerFirst ? (rest, halves) : (halves, rest)
  }

  /// Adds columns of patches up to an image.
  private func assemble() throws -> [ONNXValue] {
    let x = try input(0)
    let (image, block) = (try integers(1), try integers(2))
    let n = image.count
    let strides = try ints("strides") ?? image.map { _ in 1 }
    let dilations = try ints("dilations") ?? image.map { _ in 1 }
    let pads = try ints("pads") ?? [Int](repeating: 0, count: 2 * n)
    try check(
      n >= 1 && n <= 8 && block.count == n && strides.count == n && dilations.count == n && pads.count == 2 * n
        && (image + block + strides + dilations).allSatisfy { $0 > 0 && $0 < 1 << 24 }
        && pads.allSatisfy { $0 >= 0 && $0 < 1 << 24 }, "settings of the wrong number or size")
    try check(x.shape.rank == 3 && x.element != .bool, "an operand of shape \(x.shape)")
    let window = ONNXWindow(
      size: block, strides: strides, dilations: dilations, low: Array(pads[..<n]), high: Array(pads[n...]))
    let positions = window.positions(image)
    let size = try checkedShape(block).elementCount
    try check(x.shape[1] % size == 0, "\(x.shape[1]) rows for blocks of \(size)")
    try check(x.shape[2] == (try checkedShape(positions).elementCount), "\(x.shape[2]) columns for \(positions) blocks")
    let channels = x.shape[1] / size
    let total = try checkedShape([x.shape[0], channels] + image)
    // Where each element of each block comes to lie; one place more takes what lies in the border.
    let grid = Shape(block + positions)
    var place = Tensor.zeros(grid, dtype: .int64)
    var isInside = Tensor.ones(grid, dtype: .int32) .> 0
    let strideOf = Shape(image).strides
    for i in 0..<n {
      let tap = Tensor.iota(grid, axis: i, dtype: .int64) * dilations[i]
      let at = Tensor.iota(grid, axis: n + i, dtype: .int64) * strides[i] + tap - window.low[i]
      isInside = isInside .& (at .>= 0) .& (at .< image[i])
      place = place + at * strideOf[i]
    }
    let count = image.reduce(1, *)
    place = Tensor.select(isInside, place, Tensor(count, dtype: .int64)).flattened()
    let columns = x.tensor.reshape(Shape([x.shape[0] * channels, size * x.shape[2]]))
    let sums = Tensor.zeros([x.shape[0] * channels, count + 1], dtype: x.tensor.dtype)
      .scatterAdding(columns, at: place, axis: 1)
    return result(sums.split(sizes: [count, 1], axis: 1)[0].reshape(total), x.element)
  }

  private func causalConvolution() throws -> [ONNXValue] {
    let (x, kernel) = (try floating(0), try floating(1))
    try sameElements([x, kernel])
    try check(
      x.shape.rank == 3 && kernel.shape.rank == 3 && kernel.shape[0] == x.shape[1] && kernel.shape[1] == 1
        && kernel.shape[2] > 0 && x.shape[2] > 0, "a kernel of shape \(kernel.shape) for \(x.shape)")
    let reach = kernel.shape[2] - 1
    let lead = Shape([x.shape[0], x.shape[1], reach])
    let past = optional(3)?.tensor ?? Tensor.zeros(lead, dtype: x.tensor.dtype)
    try check(past.shape == lead && past.dtype == x.tensor.dtype, "a state of shape \(past.shape) instead of \(lead)")
    let whole = Tensor.concatenate([past, x.tensor], axis: 2)
    var y = whole.convolution(kernel.tensor, groups: x.shape[1])
    y = try withBias(y, optional(2), x)
    switch try string("activation", "none") {
    case "none": break
    case "silu", "swish": y = y * y.logistic()
    default: throw ONNXError(.invalid, "the activation is none of none, silu and swish")
    }
    let state = whole.split(sizes: [whole.shape[2] - reach, reach], axis: 2)[1]
    return results([y, state], x.element)
  }
}
