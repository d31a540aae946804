import Soma

/// Operators of two or more operands, element by element, with broadcasting.
extension ONNXCall {
  func binary() throws -> [ONNXValue]? {
    switch name {
    case "Add": return try arithmetic { $0 + $1 }
    case "Sub": return try arithmetic { $0 - $1 }
    case "Mul": return try arithmetic { $0 * $1 }
    case "Div": return try arithmetic { $0.dtype.isFloating ? $0 / $1 : $0.truncatedQuotient($1) }
    case "Mod":
      let isTruncated = try flag("fmod")
      return try arithmetic { isTruncated ? $0.truncatedRemainder($1) : $0 % $1 }
    case "Pow": return try power()
    case "PRelu":
      let (x, slope) = (try input(0), try input(1))
      try sameElements([x, slope])
      try checkBroadcasts(slope.tensor, to: x.shape, "the slope")
      let product = slope.tensor * x.tensor
      return result(.select(x.tensor .< 0, product, x.tensor), x.element)
    case "And": return try logical { $0 .& $1 }
    case "Or": return try logical { $0 .| $1 }
    case "Xor": return try logical { $0 .^ $1 }
    case "BitwiseAnd": return try bitwise { $0 .& $1 }
    case "BitwiseOr": return try bitwise { $0 .| $1 }
    case "BitwiseXor": return try bitwise { $0 .^ $1 }
    case "BitShift":
      let direction = try string("direction", "")
      switch direction {
      case "LEFT": return try bitwise { $0.shiftedLeft($1) }
      case "RIGHT": return try bitwise { $0.shiftedRight($1) }
      default: throw ONNXError(.invalid, "the direction is neither LEFT nor RIGHT")
      }
    case "Equal": return try comparison { $0 .== $1 }
    case "Greater": return try comparison { $0 .> $1 }
    case "GreaterOrEqual": return try comparison { $0 .>= $1 }
    case "Less": return try comparison { $0 .< $1 }
    case "LessOrEqual": return try comparison { $0 .<= $1 }
    case "Max": return try variadic { $0.maximum($1) }
    case "Min": return try variadic { $0.minimum($1) }
    case "Sum": return try variadic { $0 + $1 }
    case "Mean":
      let values = try variadic { $0 + $1 }
      return result(values[0].tensor / Double(inputs.count), values[0].element)
    case "Where":
      let (condition, then, otherwise) = (try input(0), try input(1), try input(2))
      try check(condition.element == .bool, "the condition is \(condition.element.name), not bool")
      try sameElements([then, otherwise])
      _ = try broadcastShape([condition.shape, then.shape, otherwise.shape])
      return [ONNXValue(.select(condition.tensor, then.tensor, otherwise.tensor), then.element)]
    default: return nil
    }
  }

  private func operands(_ accepts: (ElementFormat) -> Bool) throws -> (ONNXValue, ONNXValue) {
    let (a, b) = (try input(0), try input(1))
    try check(inputs.count == 2, "\(inputs.count) operands instead of two")
    try sameElements([a, b])
    try check(accepts(a.element), "operands of type \(a.element.name)")
    _ = try broadcastShape([a.shape, b.shape])
    return (a, b)
  }

  private func arithmetic(_ body: (Tensor, Tensor) -> Tensor) throws -> [ONNXValue] {
    let (a, b) = try operands { $0 != .bool }
    return result(body(a.tensor, b.tensor), a.element)
  }

  private func logical(_ body: (Tensor, Tensor) -> Tensor) throws -> [ONNXValue] {
    let (a, b) = try operands { $0 == .bool }
    return result(body(a.tensor, b.tensor), .bool)
  }

  private func bitwise(_ body: (Tensor, Tensor) -> Tensor) throws -> [ONNXValue] {
    let (a, b) = try operands { $0.isInteger }
    return result(body(a.tensor, b.tensor), a.element)
  }

  private func comparison(_ body: (Tensor, Tensor) -> Tensor) throws -> [ONNXValue] {
    let (a, b) = try operands { _ in true }
    return result(body(a.tensor, b.tensor), .bool)
  }

  private func variadic(_ body: (Tensor, Tensor) -> Tensor) throws -> [ONNXValue] {
    let values = try all()
    try sameElements(values)
    try check(values[0].element != .bool, "operands of type bool")
    _ = try broadcastShape(values.map(\.shape))
    return result(values.dropFirst().reduce(values[0].tensor) { body($0, $1.tensor) }, values[0].element)
  }

  /// The result has the base's type.
  private func power() throws -> [ONNXValue] {
    let (base, exponent) = (try input(0), try input(1))
    try check(base.element != .bool && exponent.element != .bool, "operands of type bool")
    _ = try broadcastShape([base.shape, exponent.shape])
    let dtype = base.tensor.dtype
    if base.tensor.dtype == exponent.tensor.dtype {
      return result(base.tensor.power(exponent.tensor), base.element)
    }
    let working = dtype == .float32 || dtype == .bfloat16 ? DType.float32 : .float64
    let y = base.tensor.cast(to: working).power(exponent.tensor.cast(to: working))
    return result(dtype.isFloating ? y.cast(to: dtype) : y.cast(to: .int64).cast(to: dtype), base.element)
  }
}

extension Tensor {
  /// The quotient of integers rounded towards zero; 0 for division by zero.
  func truncatedQuotient(_ divisor: Tensor) -> Tensor {
    let quotient = floorDivide(by: divisor)
    if dtype == .uint8 { return quotient }
    let isBelow = (quotient * divisor .!= self) .& ((self .< 0) .!= (divisor .< 0)) .& (divisor .!= 0)
    return quotient + isBelow.cast(to: dtype)
  }
}
