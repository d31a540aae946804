import Foundation
import Soma

/// Functions that the standard has not, in its operators.
extension ONNXWriter {
  /// atan(a/b), half a turn further where b is negative; zeros have signs, and two infinities are a diagonal.
  mutating func atan2(_ a: String, _ b: String, _ type: TensorType) -> String {
    let (zero, one) = (number(0, type), number(1, type))
    let areInfinite = add("And", [add("IsInf", [a]), add("IsInf", [b])])
    let y = add("Where", [areInfinite, add("Sign", [a]), a])
    let x = add("Where", [areInfinite, add("Sign", [b]), b])
    let isAxis = add("Equal", [x, zero])
    let slope = add("Div", [y, add("Where", [isAxis, one, x])])
    let turn = add("Where", [isNegative(y, zero), number(-.pi, type), number(.pi, type)])
    let angle = add("Add", [add("Atan", [slope]), add("Where", [isNegative(x, zero), turn, zero])])
    let isUpright = add("And", [isAxis, add("Not", [add("Equal", [y, zero])])])
    return add("Where", [isUpright, add("Mul", [add("Sign", [y]), number(.pi / 2, type)]), angle])
  }

  /// Whether a number has a minus sign: zero has one if its reciprocal has.
  private mutating func isNegative(_ x: String, _ zero: String) -> String {
    let isNegativeZero = add("And", [add("Equal", [x, zero]), add("Less", [add("Reciprocal", [x]), zero])])
    return add("Or", [add("Less", [x, zero]), isNegativeZero])
  }

  /// `log |Γ(x)|` by the approximation of Lanczos (1964) with g = 7 and nine terms, reflected below 1/2.
  static func logarithmOfGamma(_ type: TensorType) -> Graph {
    Graph(tracing: [type]) { inputs in
      let x = inputs[0]
      let coefficients = [
        676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
        -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
      ]
      let isLow = x .< 0.5
      let z = Tensor.select(isLow, 1 - x, x) - 1
      var sum = Tensor(0.99999999999980993, dtype: x.dtype)
      for (i, coefficient) in coefficients.enumerated() { sum = sum + coefficient / (z + Double(i + 1)) }
      let t = z + 7.5
      let direct = (z + 0.5) * t.log() - t + (sum.log() + 0.5 * log(2 * Double.pi))
      // At whole numbers the sine is zero exactly.
      let reflected = log(Double.pi) - ((x - x.round()) * Double.pi).sin().abs().log() - direct
      let value = Tensor.select(isLow, reflected, direct)
      return [Tensor.select(x.isFinite(), value, x.abs())]
    }
  }
}
