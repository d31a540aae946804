import Foundation
import Soma

/// The functions that formulas may use.
extension ExpressionEvaluation {
  func call(_ name: String, _ arguments: [Expression]) -> Value {
    if name == "len", case .variable(let list) = arguments[0] {
      switch values[list] {
      case .list(let elements, _)?: return .number(Double(elements.count))
      case .activations(let pool)?: return .number(Double(pool.count))
      default: break
      }
    }
    let given = arguments.map { self($0) }
    let a = given[0]
    switch name {
    case "exp": return unary(a, Foundation.exp) { $0.exp() }
    case "log": return unary(a, Foundation.log) { $0.log() }
    case "log1p": return unary(a, Foundation.log1p) { $0.log1p() }
    case "expm1": return unary(a, Foundation.expm1) { $0.expm1() }
    case "sqrt":
      return unary(a, { $0.squareRoot() }) { x in
        // The slope at zero is infinite, and times zero would be NaN; it counts as zero. A sum is hardly ever zero.
        if case .arithmetic(.add, _, _) = arguments[0] { return x.sqrt() }
        let isZero = x .== 0
        return .select(isZero, 0, Tensor.select(isZero, 1, x).sqrt())
      }
    case "abs": return unary(a, { $0.magnitude }) { $0.abs() }
    case "sign": return unary(a, { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }) { $0.sign() }
    case "max", "min": return given.dropFirst().reduce(a) { extremum($0, $1, isMax: name == "max") }
    case "floor": return unary(a, { $0.rounded(.down) }) { $0.floor() }
    case "erf": return unary(a, Foundation.erf) { $0.erf() }
    case "erfc": return unary(a, Foundation.erfc) { $0.erfc() }
    case "tanh": return unary(a, Foundation.tanh) { $0.tanh() }
    case "sinh": return unary(a, Foundation.sinh) { $0.sinh() }
    case "cosh": return unary(a, Foundation.cosh) { $0.cosh() }
    case "sech":
      // Beyond 80 the value is below Float32's smallest number, and cosh would overflow.
      return unary(a, { 1 / Foundation.cosh($0) }) { 1 / Tensor.select($0.abs() .>= 80, 80, $0).cosh() }
    case "sin": return unary(a, Foundation.sin) { $0.sin() }
    case "cos": return unary(a, Foundation.cos) { $0.cos() }
    case "tan": return unary(a, Foundation.tan) { $0.tan() }
    case "atan": return unary(a, Foundation.atan) { $0.atan() }
    case "asin": return unary(a, Foundation.asin) { $0.asin() }
    case "asinh": return unary(a, Foundation.asinh) { $0.asinh() }
    case "sigmoid": return unary(a, { 1 / (1 + Foundation.exp(-$0)) }) { $0.logistic() }
    case "softplus":
      return unary(a, { Swift.max($0, 0) + Foundation.log1p(Foundation.exp(-$0.magnitude)) }, Self.softplus)
    case "relu": return extremum(a, .number(0), isMax: true)
    case "normcdf":
      return unary(a, { Foundation.erfc(-$0 / 2.0.squareRoot()) / 2 }) { ($0 * -0.7071067811865476).erfc() * 0.5 }
    case "normpdf":
      return unary(a, { Foundation.exp(-$0 * $0 / 2) * 0.3989422804014327 }) {
        ($0 * $0 * -0.5).exp() * 0.3989422804014327
      }
    case "lgamma": return unary(a, Foundation.lgamma) { $0.lgamma() }
    case "gamma": return unary(a, { Foundation.exp(Foundation.lgamma($0)) }) { $0.lgamma().exp() }
    case "clip": return extremum(extremum(a, given[1], isMax: true), given[2], isMax: false)
    case "step":
      return unary(a, { $0 >= 0 ? 1 : 0 }) { ($0 .>= 0).cast(to: $0.dtype) }
    case "elu":
      return unary(a, { $0 >= 0 ? $0 : Foundation.expm1($0) }) { x in
        .select(x .>= 0, x, Tensor.select(x .>= 0, 0, x).expm1())
      }
    case "root": return unary(a, { $0.squareRoot() }, Self.cappedRoot)
    case "stop": return unary(a, { $0 }) { $0.stopGradient() }
    case "concat": return concatenation(given)
    case "running": return unary(a, { $0 }, surroundings.running)
    case "batchmean", "batchmin", "batchmax", "batchstd": return unary(a, { $0 }) { batchStatistic(name, $0) }
    case "axissum", "axismax", "axismin", "axismean", "axislse", "axisindex", "axisrank", "axisswap":
      return unary(a, { $0 }) { alongAxis(name, $0) }
    default: fatalError("the function \(name) has no meaning")
    }
  }

  /// `log(1 + eˣ)`: one exponential and one logarithm, without overflow, every derivative right at zero too. Beyond 40
  /// the identity is exact in double precision.
  static func softplus(_ x: Tensor) -> Tensor {
    let bend = 40.0
    let isLinear = x .>= bend
    return .select(isLinear, x, Tensor.select(isLinear, bend, x).exp().log1p())
  }

  /// `√x` whose slope is at most 1000.
  private static func cappedRoot(_ x: Tensor) -> Tensor {
    withPullback("root", [x], { [$0[0].sqrt()] }, pullback: { _, y, g in [g[0] * 0.5 / y[0].maximum(5e-4)] })[0]
  }

  private func alongAxis(_ name: String, _ x: Tensor) -> Tensor {
    let axis = x.shape.normalized(axis: surroundings.axis)
    switch name {
    case "axissum": return x.sum([axis], keepsAxes: true)
    case "axismax": return x.max([axis], keepsAxes: true).stopGradient()
    case "axismin": return x.min([axis], keepsAxes: true).stopGradient()
    case "axismean": return x.mean([axis], keepsAxes: true)
    case "axislse": return x.logSumExp([axis], keepsAxes: true)
    case "axisindex": return .iota(x.shape, axis: axis, dtype: x.dtype)
    case "axisrank": return x.argSort(axis, descending: true).argSort(axis).cast(to: x.dtype)
    default:
      let n = x.shape[axis]
      require(n % 2 == 0, "pairs along an axis whose length is odd: \(x.shape), axis \(axis)")
      let paired = Array(x.shape[..<axis]) + [n / 2, 2] + Array(x.shape[(axis + 1)...])
      return x.reshape(Shape(paired)).reversed([axis + 1]).reshape(x.shape)
    }
  }

  /// Over everything but the units or channels.
  private func batchStatistic(_ name: String, _ x: Tensor) -> Tensor {
    guard x.rank > 0 else { return x }
    let channel = x.shape.normalized(axis: surroundings.channelAxis)
    let axes = x.shape.indices.filter { $0 != channel }
    switch name {
    case "batchmean": return x.mean(axes, keepsAxes: true)
    case "batchmin": return x.min(axes, keepsAxes: true)
    case "batchmax": return x.max(axes, keepsAxes: true)
    default: return x.standardDeviation(axes, keepsAxes: true)
    }
  }
}
