import Soma

/// Random numbers. The standard fixes their distribution, not the numbers; a seed gives the same ones each time.
extension ONNXCall {
  func randomness() throws -> [ONNXValue]? {
    switch name {
    case "RandomNormal", "RandomUniform":
      guard let lengths = try ints("shape") else { throw ONNXError(.invalid, "attribute shape is missing") }
      return [try random(try checkedShape(lengths, limit: 1 << 28), try element("dtype") ?? .float32)]
    case "RandomNormalLike", "RandomUniformLike":
      let x = try input(0)
      return [try random(x.shape, try element("dtype") ?? x.element)]
    case "Bernoulli":
      let x = try floating(0)
      let target = try element("dtype") ?? x.element
      let uniform = Tensor.uniform(x.shape, key: try key(), dtype: .float32)
      return [ONNXValue((uniform .< x.tensor.cast(to: .float32)).cast(to: target.storage), target)]
    case "Multinomial":
      let x = try floating(0)
      let count = try int("sample_size", 1)
      try check(x.shape.rank == 2 && x.shape[1] > 0 && count > 0, "\(count) samples of scores of shape \(x.shape)")
      let target = try element("dtype") ?? .int32
      let shape = try checkedShape([x.shape[0], count, x.shape[1]])
      let noise = Tensor.gumbel(shape, key: try key())
      let winners = (x.tensor.cast(to: .float32).expandDimensions(at: 1) + noise).argMax(2)
      return [ONNXValue(winners.cast(to: target.storage), target)]
    default: return nil
    }
  }

  private func key() throws -> Key {
    // Without a seed, operators differ by the name of what they make.
    guard let seed = try float("seed") else { return Key(0).folding(outputNames.first ?? "") }
    return Key(UInt64(Float(seed).bitPattern))
  }

  private func random(_ shape: Shape, _ target: ElementFormat) throws -> ONNXValue {
    try check(target.isFloating, "random numbers of type \(target.name)")
    let numbers: Tensor
    if name.hasPrefix("RandomNormal") {
      let (mean, scale) = (try float("mean", 0), try float("scale", 1))
      numbers = Tensor.normal(shape, key: try key(), dtype: .float32) * scale + mean
    } else {
      let (low, high) = (try float("low", 0), try float("high", 1))
      numbers = Tensor.uniform(shape, key: try key(), dtype: .float32) * (high - low) + low
    }
    return ONNXValue(target.normalized(numbers.cast(to: target.storage)), target)
  }
}
