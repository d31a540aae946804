import Soma

/// Normalization by statistics of the operand or given ones.
extension ONNXCall {
  func normalization() throws -> [ONNXValue]? {
    switch name {
    case "BatchNormalization": return try batchNormalization()
    case "InstanceNormalization":
      let x = try floating(0)
      try check(x.shape.rank >= 3, "an operand of shape \(x.shape)")
      let epsilon = try float("epsilon", 1e-5)
      let (y, _, _) = standardized(x.tensor, Array(2..<x.shape.rank), epsilon)
      return result(try perChannel(try tensor(1), x) * y + (try perChannel(try tensor(2), x)), x.element)
    case "LayerNormalization": return try layerNormalization()
    case "RMSNormalization":
      let (x, scale) = (try floating(0), try floating(1))
      let axis = try axis(int("axis", -1), rank: x.shape.rank)
      try checkBroadcasts(scale.tensor, to: x.shape, "the scale")
      let axes = Array(axis..<x.shape.rank)
      let wide = x.tensor.cast(to: try stash(x))
      let root = (wide.squared().mean(axes, keepsAxes: true) + (try float("epsilon", 1e-5))).sqrt()
      return result((wide / root).cast(to: scale.tensor.dtype) * scale.tensor, scale.element)
    case "GroupNormalization": return try groupNormalization()
    case "LpNormalization":
      let x = try floating(0)
      let axis = try axis(int("axis", -1), rank: x.shape.rank)
      let order = try int("p", 2)
      try check(order == 1 || order == 2, "a norm of order \(order)")
      let norm =
        order == 1
        ? x.tensor.abs().sum([axis], keepsAxes: true) : x.tensor.squared().sum([axis], keepsAxes: true).sqrt()
      return result(.select(norm .== 0, Tensor(0, dtype: x.tensor.dtype), x.tensor / norm), x.element)
    case "MeanVarianceNormalization":
      let x = try floating(0)
      let axes = try self.axes(try ints("axes") ?? [0, 2, 3], rank: x.shape.rank)
      let centered = x.tensor - x.tensor.mean(axes, keepsAxes: true)
      let deviation = centered.squared().mean(axes, keepsAxes: true).sqrt()
      return result(centered / (deviation + 1e-9), x.element)
    case "LRN":
      let x = try floating(0)
      guard let size = try int("size"), size > 0, size < 1 << 24 else { throw ONNXError(.invalid, "the size") }
      try check(x.shape.rank >= 3, "an operand of shape \(x.shape)")
      let (alpha, beta, bias) = (try float("alpha", 0.0001), try float("beta", 0.75), try float("bias", 1))
      let squares = x.tensor.squared().movingAxis(1, to: -1)
      let sums = squares.sumPool([size], strides: [1], padding: .explicit([(size - 1) / 2], [size / 2]))
      let y = x.tensor / (sums.movingAxis(-1, to: 1) * (alpha / Double(size)) + bias).power(beta)
      return result(y, x.element)
    default: return nil
    }
  }

  /// The type that statistics are computed in.
  private func stash(_ x: ONNXValue) throws -> DType {
    let code = try int("stash_type", 1)
    guard let element = ElementFormat(rawValue: code), element.isFloating else {
      throw ONNXError(.invalid, "statistics of type \(elementName(code))")
    }
    return element.storage == .float64 || x.tensor.dtype == .float64 ? .float64 : .float32
  }

  private func standardized(_ x: Tensor, _ axes: [Int], _ epsilon: Double) -> (Tensor, mean: Tensor, inverse: Tensor) {
    let mean = x.mean(axes, keepsAxes: true)
    let centered = x - mean
    let inverse = (centered.squared().mean(axes, keepsAxes: true) + epsilon).rsqrt()
    return (centered * inverse, mean, inverse)
  }

  /// One number for each channel, shaped to stand beside the operand.
  private func perChannel(_ values: Tensor, _ x: ONNXValue) throws -> Tensor {
    try check(values.shape == [x.shape[1]], "numbers of shape \(values.shape) for \(x.shape[1]) channels")
    return values.reshape(Shape([x.shape[1]] + x.shape.dropFirst(2).map { _ in 1 }))
  }

  private func batchNormalization() throws -> [ONNXValue] {
    let x = try floating(0)
    try check(x.shape.rank >= 2, "an operand of shape \(x.shape)")
    let (scale, bias) = (try perChannel(try tensor(1), x), try perChannel(try tensor(2), x))
    let (mean, variance) = (try tensor(3), try tensor(4))
    let epsilon = try float("epsilon", 1e-5)
    let dtype = x.tensor.dtype
    if try flag("training_mode") {
      let axes = [0] + Array(2..<x.shape.rank)
      let momentum = try float("momentum", 0.9)
      let current = x.tensor.mean(axes)
      let spread = x.tensor.variance(axes)
      _ = (try perChannel(mean, x), try perChannel(variance, x))
      let centered = x.tensor - (try perChannel(current, x))
      let y = centered * (try perChannel((spread + epsilon).rsqrt(), x)) * scale + bias
      let element = try input(3).element
      return [
        ONNXValue(x.element.normalized(y.cast(to: dtype)), x.element),
        ONNXValue((mean * momentum + current * (1 - momentum)).cast(to: mean.dtype), element),
        ONNXValue((variance * momentum + spread * (1 - momentum)).cast(to: variance.dtype), element),
      ]
    }
    let inverse = (try perChannel(variance, x) + epsilon).rsqrt()
    let factor = scale * inverse
    let offset = bias - (try perChannel(mean, x)) * factor
    return result((x.tensor * factor + offset).cast(to: dtype), x.element)
  }

  private func layerNormalization() throws -> [ONNXValue] {
    let (x, scale) = (try floating(0), try floating(1))
    let axis = try axis(int("axis", -1), rank: x.shape.rank)
    try checkBroadcasts(scale.tensor, to: x.shape, "the scale")
    let wide = x.tensor.cast(to: try stash(x))
    let (y, mean, inverse) = standardized(wide, Array(axis..<x.shape.rank), try float("epsilon", 1e-5))
    var z = y.cast(to: x.tensor.dtype) * scale.tensor
    if let bias = optional(2) {
      try checkBroadcasts(bias.tensor, to: x.shape, "the bias")
      z = z + bias.tensor
    }
    let statistics = ElementFormat(wide.dtype)
    return [
      ONNXValue(x.element.normalized(z.cast(to: x.tensor.dtype)), x.element), ONNXValue(mean, statistics),
      ONNXValue(inverse, statistics),
    ]
  }

  private func groupNormalization() throws -> [ONNXValue] {
    let x = try floating(0)
    guard let groups = try int("num_groups"), groups > 0 else { throw ONNXError(.invalid, "the number of groups") }
    try check(x.shape.rank >= 3 && x.shape[1] % groups == 0, "\(x.shape) in \(groups) groups")
    try check(x.tensor.count > 0, "an operand of shape \(x.shape) is empty")
    let channels = x.shape[1]
    let grouped = x.tensor.cast(to: try stash(x))
      .reshape(Shape([x.shape[0], groups, x.tensor.count / (x.shape[0] * groups)]))
    let (y, _, _) = standardized(grouped, [2], try float("epsilon", 1e-5))
    // Before version 21, one scale for a group.
    func shaped(_ values: Tensor) throws -> Tensor {
      let all = values.shape == [groups] && version < 21 ? values.repeated(channels / groups, axis: 0) : values
      return try perChannel(all, x)
    }
    let back = y.reshape(x.shape).cast(to: x.tensor.dtype)
    return result(back * (try shaped(try tensor(1))) + (try shaped(try tensor(2))), x.element)
  }
}
