import Soma

/// Operators that make tensors from settings.
extension ONNXCall {
  func creation() throws -> [ONNXValue]? {
    switch name {
    case "Constant": return [try constant()]
    case "ConstantOfShape":
      let shape = try checkedShape(try integers(0), limit: 1 << 28)
      var value = ONNXValue(Tensor(0, dtype: .float32))
      if let attribute = attributes["value"] {
        value = try ONNXValue(attribute.t, directory: interpreter.file.directory)
        try check(value.tensor.count == 1, "the value is no single number")
      }
      return [ONNXValue(value.tensor.reshape([]).broadcast(to: shape), value.element)]
    case "Range":
      let values = [try known(0), try known(1), try known(2)]
      try sameElements(values)
      let (start, limit, step) = (try number(0), try number(1), try number(2))
      try check(step != 0 && start.isFinite && limit.isFinite && step.isFinite, "from \(start) to \(limit) by \(step)")
      let count = Swift.max(((limit - start) / step).rounded(.up), 0)
      try check(count <= Double(1 << 28), "\(count) numbers")
      let places = Tensor.iota([Int(count)], dtype: .float64)
      let element = values[0].element
      let numbers = places * step + start
      return result(numbers.cast(to: element.storage), element)
    case "EyeLike":
      let x = try input(0)
      try check(x.shape.rank == 2, "an operand with \(x.shape.rank) axes is no matrix")
      let target = try element("dtype") ?? x.element
      let offset = Swift.min(Swift.max(try int("k", 0), -x.shape[0]), x.shape[1])
      let rows = Tensor.iota(x.shape, axis: 0, dtype: .int32)
      let columns = Tensor.iota(x.shape, axis: 1, dtype: .int32)
      return [ONNXValue((columns - rows .== offset).cast(to: target.storage), target)]
    case "OneHot": return try oneHot()
    default: return nil
    }
  }

  private func constant() throws -> ONNXValue {
    if let attribute = attributes["value"] {
      return try ONNXValue(attribute.t, directory: interpreter.file.directory)
    }
    if let attribute = attributes["sparse_value"] { return try ONNXValue(attribute.sparseTensor) }
    if let value = try float("value_float") { return ONNXValue(Tensor(Float(value))) }
    if let values = try floats("value_floats") { return ONNXValue(Tensor(values.map { Float($0) })) }
    if let value = try int("value_int") { return ONNXValue(Tensor(value, dtype: .int64)) }
    if let values = try ints("value_ints") { return ONNXValue(Tensor(values)) }
    if attributes["value_string"] != nil || attributes["value_strings"] != nil {
      throw ONNXError(.unsupported, "text")
    }
    throw ONNXError(.invalid, "it has no value")
  }

  private func oneHot() throws -> [ONNXValue] {
    let (indices, values) = (try input(0), try input(2))
    let depth = Int(try number(1).rounded(.towardZero).clampedToInt)
    try check(depth > 0, "a depth of \(depth)")
    try check(values.shape == [2], "values of shape \(values.shape) instead of [2]")
    let rank = indices.shape.rank + 1
    let axis = try axis(int("axis", -1), rank: rank)
    var lengths = indices.shape.dimensions
    lengths.insert(depth, at: axis)
    let shape = try checkedShape(lengths)
    let wide = indices.tensor.cast(to: .int64)
    let places = Tensor.select(wide .< 0, wide + depth, wide).expandDimensions(at: axis)
    let isHot = Tensor.iota(shape, axis: axis, dtype: .int64) .== places
    let parts = values.tensor.split(2)
    return [ONNXValue(.select(isHot, parts[1].reshape([]), parts[0].reshape([])), values.element)]
  }
}

extension Double {
  /// The number within what an `Int` holds; 0 for NaN.
  var clampedToInt: Double { isNaN ? 0 : Swift.min(Swift.max(self, -0x1p62), 0x1p62) }
}
