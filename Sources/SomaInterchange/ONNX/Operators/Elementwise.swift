import Soma

/// Operators of one operand, element by element, and conversions.
extension ONNXCall {
  func elementwise() throws -> [ONNXValue]? {
    switch name {
    case "Acos": return try function { $0.acos() }
    case "Acosh": return try function { $0.acosh() }
    case "Asin": return try function { $0.asin() }
    case "Asinh": return try function { $0.asinh() }
    case "Atan": return try function { $0.atan() }
    case "Atanh": return try function { $0.atanh() }
    case "Ceil": return try function { $0.ceil() }
    case "Cos": return try function { $0.cos() }
    case "Cosh": return try function { $0.cosh() }
    case "Erf": return try number { $0.dtype.isFloating ? $0.erf() : $0.cast(to: .float64).erf().cast(to: $0.dtype) }
    case "Exp": return try function { $0.exp() }
    case "Floor": return try function { $0.floor() }
    case "Log": return try function { $0.log() }
    case "Reciprocal": return try function { $0.reciprocal() }
    case "Round": return try function { $0.round() }
    case "Sin": return try function { $0.sin() }
    case "Sinh": return try function { $0.sinh() }
    case "Sqrt": return try function { $0.sqrt() }
    case "Tan": return try function { $0.tan() }
    case "Tanh": return try function { $0.tanh() }
    case "Sigmoid": return try function { $0.logistic() }
    case "Abs": return try number { $0.abs() }
    case "Neg": return try number { -$0 }
    case "Sign": return try number { $0.sign() }
    case "Identity":
      return [try input(0)]
    case "Not":
      let x = try input(0)
      try check(x.element == .bool, "operand of type \(x.element.name), not bool")
      return [ONNXValue(!x.tensor, .bool)]
    case "BitwiseNot":
      let x = try input(0)
      try check(x.element.isInteger, "operand of type \(x.element.name), not an integer type")
      return result(!x.tensor, x.element)
    case "IsNaN": return [ONNXValue(try floating(0).tensor.isNaN(), .bool)]
    case "IsInf":
      let x = try floating(0).tensor
      let detectsPositive = try flag("detect_positive", true)
      let detectsNegative = try flag("detect_negative", true)
      var found = x.isInfinite()
      if !detectsPositive { found = found .& (x .< 0) }
      if !detectsNegative { found = found .& (x .> 0) }
      return [ONNXValue(found, .bool)]
    case "Cast":
      guard let target = try element("to") else { throw ONNXError(.invalid, "attribute to is missing") }
      return [try cast(try input(0), to: target)]
    case "CastLike": return [try cast(try input(0), to: try input(1).element)]
    case "BitCast":
      guard let target = try element("to") else { throw ONNXError(.invalid, "attribute to is missing") }
      let x = try known(0)
      try check(target.bits == x.element.bits, "\(x.element.name) and \(target.name) have different widths")
      return [ONNXValue(try target.decode(try x.rawBytes(), x.shape), target)]
    case "Clip": return try clip()
    default: return nil
    }
  }

  /// Of a floating operand.
  private func function(_ body: (Tensor) -> Tensor) throws -> [ONNXValue] {
    let x = try floating(0)
    return result(body(x.tensor), x.element)
  }

  /// Of any numbers.
  private func number(_ body: (Tensor) -> Tensor) throws -> [ONNXValue] {
    let x = try input(0)
    try check(x.element != .bool, "operand of type bool")
    return result(body(x.tensor), x.element)
  }

  private func clip() throws -> [ONNXValue] {
    let x = try input(0)
    var low: Tensor?
    var high: Tensor?
    if version < 11 {
      low = try float("min").map { Tensor($0, dtype: x.tensor.dtype) }
      high = try float("max").map { Tensor($0, dtype: x.tensor.dtype) }
    } else {
      low = optional(1)?.tensor
      high = optional(2)?.tensor
    }
    for bound in [low, high] {
      guard let bound else { continue }
      try check(bound.count == 1 && bound.dtype == x.tensor.dtype, "a bound is no number of the operand's type")
    }
    var y = x.tensor
    if let low { y = y.maximum(low.reshape([])) }
    if let high { y = y.minimum(high.reshape([])) }
    return result(y, x.element)
  }

  /// Conversion as the standard defines it: towards zero for integers, to the nearest for floating types.
  func cast(_ x: ONNXValue, to target: ElementFormat) throws -> ONNXValue {
    if x.element == target { return x }
    if let format = target.smallFloat {
      if target == .float8E8M0, try string("round_mode", "up") != "nearest" {
        return ONNXValue(try powers(x.tensor, try string("round_mode", "up")), target)
      }
      let saturates = try target == .float4E2M1 || flag("saturate", true)
      return ONNXValue(format.nearest(x.tensor.cast(to: .float32), saturates: saturates), target)
    }
    if target == .float16 && x.tensor.dtype == .float64 {
      return ONNXValue(x.tensor.roundedToHalf().cast(to: .float32), target)
    }
    var y = x.tensor
    if target.isInteger, x.element.isFloating {
      // Through the widest integers, so that narrow ones wrap as they do elsewhere.
      y = y.cast(to: target.storage == .int64 ? .int64 : .int32)
    }
    return ONNXValue(target.normalized(y.cast(to: target.storage)), target)
  }

  /// Powers of two at or above (or below) each element.
  private func powers(_ x: Tensor, _ mode: String) throws -> Tensor {
    guard x.isConcrete else {
      throw ONNXError(.unsupported, "conversion of values that are not known at load to float8e8m0")
    }
    let rounded = x.floats.map { value -> Float in
      guard value > 0, value.isFinite else { return value == 0 ? 0x1p-127 : .nan }
      let exponent = Int(value.exponent) + (mode == "up" && value.significand > 1 ? 1 : 0)
      return Float(sign: .plus, exponent: Swift.min(Swift.max(exponent, -127), 127), significand: 1)
    }
    return Tensor(rounded, shape: x.shape)
  }
}

extension ONNXValue {
  /// The elements in the standard's raw form.
  func rawBytes() throws -> [UInt8] {
    switch element {
    case .float16: return tensor.floats.flatMap { littleEndianBytes($0.halfBits) }
    case .uint16, .int16: return tensor.ints.flatMap { littleEndianBytes(UInt16(truncatingIfNeeded: $0)) }
    case .uint32: return tensor.ints.flatMap { littleEndianBytes(UInt32(truncatingIfNeeded: $0)) }
    case .uint4, .int4, .uint2, .int2:
      let perByte = 8 / element.bits
      let codes = tensor.ints.map { UInt8(truncatingIfNeeded: $0) & UInt8(1 << element.bits - 1) }
      return stride(from: 0, to: codes.count, by: perByte).map { start in
        (0..<perByte).reduce(0) { byte, i in
          start + i < codes.count ? byte | codes[start + i] << UInt8(i * element.bits) : byte
        }
      }
    case .float8E4M3, .float8E4M3Z, .float8E5M2, .float8E5M2Z, .float4E2M1, .float8E8M0:
      throw ONNXError(.unsupported, "the bits of \(element.name)")
    default: return tensor.bytes
    }
  }
}
