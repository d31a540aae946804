import Kernels

/// The kernel of a sum of splines: samples, or inputs of the coefficients' role, are spread over threads, so that no sum
/// depends on their number.
func lowerSplineSum(_ sum: SplineSum, _ role: SplineSum.Role, _ inputs: [TensorType], _ output: TensorType) -> Kernel {
  let (x, knots) = (inputs[0].shape, inputs[1].shape)
  let splines = knots[2] - sum.order - 1
  let width = role == .coefficients ? output.shape[3] : inputs[2].shape[3]
  let description = soma_spline(
    order: Int32(sum.order), derivative: Int32(sum.derivative), samples: x[1], inputs: x[2], splines: splines,
    outputs: width)
  let code = inputs[0].dtype.code
  let batches = x[0]
  let (samples, features) = (x[1], x[2])
  func bytes(_ type: TensorType) -> Int { type.byteCount / Swift.max(1, batches) }
  let steps = inputs.map(bytes)
  let step = bytes(output)
  let hasWeights = inputs.count > 3 && role != .weights
  let work = Swift.max(1, (role == .coefficients ? samples : features) * (width + 4) * (sum.order + 1) / 4)
  let count = role == .coefficients ? features : samples
  // A batch's parts lie behind those of the one before.
  return .parallel(batches * count, grain: Swift.max(1, parallelGrain / work)) { p, _, part in
    var description = description
    var position = part.lowerBound
    while position < part.upperBound {
      let b = position / count
      let end = Swift.min(part.upperBound, (b + 1) * count)
      let (first, last) = (position - b * count, end - b * count)
      let (x, knots, third) = (p[1] + b * steps[0], p[2] + b * steps[1], p[3] + b * steps[2])
      let result = p[0] + b * step
      switch role {
      case .output:
        soma_spline_output(
          code, &description, result, x, knots, third, hasWeights ? p[4] + b * steps[3] : nil, first, last)
      case .coefficients:
        soma_spline_coefficients(
          code, &description, result, x, knots, third, hasWeights ? p[4] + b * steps[3] : nil, first, last)
      case .weights:
        soma_spline_weights(code, &description, result, x, knots, third, p[4] + b * steps[3], first, last)
      }
      position = end
    }
  }
}
