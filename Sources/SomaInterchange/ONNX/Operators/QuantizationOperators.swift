import Soma

/// Numbers on a coarse scale: `x ≈ (q - zero) · scale`.
extension ONNXCall {
  func quantization() throws -> [ONNXValue]? {
    switch name {
    case "QuantizeLinear":
      let (x, scale) = (try input(0), try input(1))
      let zero = optional(2)
      let target = try zero?.element ?? element("output_dtype") ?? .uint8
      let s = try spread(scale.tensor, over: x.shape)
      let z = try zero.map { try spread($0.tensor, over: x.shape) } ?? Tensor(0, dtype: target.storage)
      if let precision = try element("precision"), precision != .float32 {
        throw ONNXError(.unsupported, "quantization in \(precision.name)")
      }
      let real = x.element == .float64 ? x.tensor : x.tensor.cast(to: .float32)
      return [try quantized(real, s.cast(to: real.dtype), z, target)]
    case "DequantizeLinear":
      let (x, scale) = (try input(0), try input(1))
      let target = try element("output_dtype") ?? scale.element
      let s = try spread(scale.tensor, over: x.shape)
      var wide: Tensor
      if x.element.isFloating {
        wide = x.tensor.cast(to: .float32)
      } else {
        wide = x.tensor.cast(to: .int32)
        if let zero = optional(2) {
          try sameElements([x, zero])
          wide = wide - (try spread(zero.tensor, over: x.shape)).cast(to: .int32)
        }
      }
      let y = wide.cast(to: .float32) * s.cast(to: .float32)
      return [ONNXValue(target.normalized(y.cast(to: target.storage)), target)]
    case "DynamicQuantizeLinear":
      let x = try floating(0)
      try check(x.tensor.count > 0, "an operand of shape \(x.shape) is empty")
      let low = x.tensor.min().minimum(0.0)
      let high = x.tensor.max().maximum(0.0)
      let range = (high - low) / 255.0
      let scale = Tensor.select(range .== 0, Tensor(1, dtype: range.dtype), range)
      let zero = (-low / scale).clipped(0.0, 255.0).round()
      let y = ((x.tensor / scale).round() + zero).clipped(0.0, 255.0)
      return [
        ONNXValue(y.cast(to: .uint8), .uint8), ONNXValue(scale, .float32), ONNXValue(zero.cast(to: .uint8), .uint8),
      ]
    case "QLinearMatMul":
      let (a, b) = (try input(0), try input(3))
      let left = try shifted(a, try input(2), axis: -2)
      let right = try shifted(b, try input(5), axis: -1)
      let product = try multiply(left, right)
      let (aScale, bScale, scale, zero) = (try input(1), try input(4), try input(6), try input(7))
      let rows = aScale.tensor.rank == 1 && aScale.tensor.count > 1 ? aScale.tensor.reshape([-1, 1]) : aScale.tensor
      for factor in [rows, bScale.tensor, scale.tensor, zero.tensor] where factor.count != 1 {
        try checkBroadcasts(factor, to: product.shape, "a scale")
      }
      func scalar(_ t: Tensor) -> Tensor { t.count == 1 ? t.reshape([]) : t }
      let real = product.cast(to: .float32) * scalar(rows.cast(to: .float32)) * scalar(bScale.tensor.cast(to: .float32))
      return [try quantized(real, scalar(scale.tensor).cast(to: .float32), scalar(zero.tensor), zero.element)]
    default: return nil
    }
  }

  /// `round(x / scale) + zero`, cut to the range of the target.
  func quantized(_ x: Tensor, _ scale: Tensor, _ zero: Tensor, _ target: ElementFormat) throws -> ONNXValue {
    let ratio = x / scale
    if let format = target.smallFloat {
      let saturates = try target == .float4E2M1 || flag("saturate", true)
      return ONNXValue(format.nearest(ratio + zero.cast(to: ratio.dtype), saturates: saturates), target)
    }
    try check(target.isInteger, "quantization to \(target.name)")
    let (low, high) = target.integerRange
    // In double precision the zero point of 16-bit types is exact.
    let y = (ratio.round().cast(to: .float64) + zero.cast(to: .float64)).clipped(low, high)
    return ONNXValue(y.cast(to: target.storage), target)
  }

  /// Scales or zero points (one, one for each place of an axis, or one for each block of an axis) beside the operand.
  private func spread(_ values: Tensor, over shape: Shape) throws -> Tensor {
    let block = try int("block_size", 0)
    if values.count == 1, block == 0 { return values.reshape([]) }
    let axis = try axis(int("axis", 1), rank: shape.rank)
    if block > 0 {
      try check(
        values.rank == shape.rank && values.shape.removing(axes: [axis]) == shape.removing(axes: [axis])
          && values.shape[axis] == (shape[axis] + block - 1) / block,
        "scales of shape \(values.shape) for blocks of \(block) along axis \(axis) of \(shape)")
      return values.take(Tensor((0..<shape[axis]).map { $0 / block }), axis: axis)
    }
    try check(values.shape == [shape[axis]], "scales of shape \(values.shape) for axis \(axis) of \(shape)")
    return values.reshape(Shape([shape[axis]] + [Int](repeating: 1, count: shape.rank - axis - 1)))
  }
}
