import Soma
import SomaNetworks

/// Activation functions with parameters.
extension ONNXCall {
  func activation() throws -> [ONNXValue]? {
    switch name {
    case "Relu":
      let x = try input(0)
      try check(x.element != .bool, "operand of type bool")
      return result(x.tensor.maximum(0), x.element)
    case "LeakyRelu":
      let slope = try float("alpha", 0.01)
      return try function { .select($0 .< 0, $0 * slope, $0) }
    case "ThresholdedRelu":
      let threshold = try float("alpha", 1)
      return try function { .select($0 .> threshold, $0, 0.0) }
    case "Elu":
      let scale = try float("alpha", 1)
      return try function { .select($0 .< 0, $0.minimum(0.0).expm1() * scale, $0) }
    case "Celu":
      let scale = try float("alpha", 1)
      try check(scale != 0, "alpha is zero")
      return try function { $0.maximum(0.0) + ((($0 / scale).expm1()) * scale).minimum(0.0) }
    case "Selu":
      let (alpha, gamma) = (try float("alpha", 1.673_263_192_176_818_8), try float("gamma", 1.050_701_022_148_132_3))
      return try function { .select($0 .> 0, $0, $0.minimum(0.0).expm1() * alpha) * gamma }
    case "HardSigmoid":
      let (alpha, beta) = (try float("alpha", 0.2), try float("beta", 0.5))
      return try function { ($0 * alpha + beta).clipped(0.0, 1.0) }
    case "HardSwish": return try function { Activation.hardSwish($0) }
    case "Mish": return try function { Activation.mish($0) }
    case "Softplus": return try function { $0.softplus() }
    case "Softsign": return try function { $0 / ($0.abs() + 1) }
    case "Swish":
      let alpha = try float("alpha", 1)
      return try function { $0 * ($0 * alpha).logistic() }
    case "SwiGLU":
      let (gate, value) = (try floating(0), try floating(1))
      try sameElements([gate, value])
      try check(gate.shape == value.shape, "gate and value have shapes \(gate.shape) and \(value.shape)")
      let alpha = try float("alpha", 1)
      let swish = gate.tensor * (gate.tensor * alpha).logistic()
      return result(gate.element.normalized(swish) * value.tensor, gate.element)
    case "Gelu":
      switch try string("approximate", "none") {
      case "none": return try function { Activation.gelu($0) }
      case "tanh":
        return try function { Activation.geluTanh($0) }
      default: throw ONNXError(.invalid, "approximate is neither none nor tanh")
      }
    case "Shrink":
      let x = try input(0)
      try check(x.element != .bool, "operand of type bool")
      let (bias, limit) = (try float("bias", 0), try float("lambd", 0.5))
      let wide = x.tensor.cast(to: x.tensor.dtype == .float32 ? .float32 : .float64)
      let y = Tensor.select(wide .< -limit, wide + bias, Tensor.select(wide .> limit, wide - bias, 0.0))
      return [try cast(ONNXValue(y), to: x.element)]
    case "Softmax": return try overAxis { $0.softmax($1) }
    case "LogSoftmax": return try overAxis { $0.logSoftmax($1) }
    case "Hardmax":
      return try overAxis { x, axis in
        x.argMax(axis).oneHot(x.shape[axis], dtype: x.dtype).movingAxis(-1, to: axis)
      }
    default: return nil
    }
  }

  private func function(_ body: (Tensor) throws -> Tensor) throws -> [ONNXValue] {
    let x = try floating(0)
    return result(try body(x.tensor), x.element)
  }

  /// Before version 13 the operand counts as a matrix whose columns begin at the axis.
  private func overAxis(_ body: (Tensor, Int) -> Tensor) throws -> [ONNXValue] {
    let x = try floating(0)
    if version >= 13 {
      try check(x.shape.rank > 0, "a scalar has no axis")
      let axis = try axis(int("axis", -1), rank: x.shape.rank)
      return x.tensor.count == 0 ? [x] : result(body(x.tensor, axis), x.element)
    }
    let axis = try int("axis", 1)
    try check(axis >= -x.shape.rank && axis <= x.shape.rank, "axis \(axis) of a tensor with \(x.shape.rank) axes")
    let start = axis < 0 ? axis + x.shape.rank : axis
    let rows = x.shape[..<start].reduce(1, *)
    guard x.tensor.count > 0 else { return [x] }
    let matrix = x.tensor.reshape([rows, x.tensor.count / rows])
    return result(body(matrix, 1).reshape(x.shape), x.element)
  }
}
