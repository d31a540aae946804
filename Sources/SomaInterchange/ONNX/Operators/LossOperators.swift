import Soma

/// Losses of classifications.
extension ONNXCall {
  func loss() throws -> [ONNXValue]? {
    switch name {
    case "NegativeLogLikelihoodLoss": return [try likelihood(try floating(0))]
    case "SoftmaxCrossEntropyLoss":
      let x = try floating(0)
      try check(x.shape.rank >= 2 && x.tensor.count > 0, "scores of shape \(x.shape)")
      let logarithms = ONNXValue(x.element.normalized(x.tensor.logSoftmax(1)), x.element)
      return [try likelihood(logarithms), logarithms]
    default: return nil
    }
  }

  private func likelihood(_ x: ONNXValue) throws -> ONNXValue {
    let target = try input(1)
    try check(x.shape.rank >= 2, "scores of shape \(x.shape)")
    let classes = x.shape[1]
    try check(
      target.shape == x.shape.removing(axes: [1]) && (target.element == .int32 || target.element == .int64),
      "targets of shape \(target.shape) for scores of \(x.shape)")
    let ignored = try int("ignore_index")
    let labels = target.tensor.cast(to: .int64)
    let isKept = ignored.map { labels .!= $0 }
    if labels.isConcrete {
      try check(
        labels.ints.allSatisfy { ($0 >= 0 && $0 < classes) || $0 == ignored }, "a target beyond \(classes) classes")
    }
    let places = labels.maximum(0).minimum(classes - 1)
    var losses = -x.tensor.takeAlong(places.expandDimensions(at: 1), axis: 1).squeezed([1])
    var weights = Tensor.ones(losses.shape, dtype: losses.dtype)
    if let given = optional(2)?.tensor {
      try check(given.shape == [classes] && given.dtype == losses.dtype, "weights of shape \(given.shape)")
      weights = given.take(places)
    }
    if let isKept { weights = .select(isKept, weights, 0.0) }
    losses = Tensor.select(weights .== 0, Tensor(0, dtype: losses.dtype), losses * weights)
    switch try string("reduction", "mean") {
    case "none": return ONNXValue(x.element.normalized(losses), x.element)
    case "sum": return ONNXValue(x.element.normalized(losses.sum()), x.element)
    case "mean": return ONNXValue(x.element.normalized(losses.sum() / weights.sum()), x.element)
    default: throw ONNXError(.invalid, "the reduction is none of none, sum and mean")
    }
  }
}
