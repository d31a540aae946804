import Foundation
import Soma

/// The inputs of Tests/Golden/make_learning_golden.py: `scale · sin(0.7 i² + 1.3 i + seed)`.
func numbers(_ shape: Shape, _ seed: Double, _ scale: Double = 1, dtype: DType = .float64) -> Tensor {
  let values = (0..<shape.elementCount).map { i -> Double in
    let x = Double(i)
    // In the script's order, so that both round alike.
    let angle: Double = 0.7 * x * x + 1.3 * x + seed
    return scale * sin(angle)
  }
  return Tensor(values, shape: shape).cast(to: dtype)
}

/// The largest difference relative to the expected number, numbers below `floor` counting as that.
func largestError(_ actual: [Double], _ expected: [Double], floor: Double) -> Double {
  guard actual.count == expected.count else { return .infinity }
  return zip(actual, expected).map { a, b in
    let error = abs(a - b) / max(abs(b), floor)
    return error.isNaN ? .infinity : error
  }.max() ?? 0
}
