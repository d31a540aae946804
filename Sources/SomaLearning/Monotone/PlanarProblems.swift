import Soma

/// Classification problems of points in the plane that tell networks apart.
public enum PlanarProblem: String, Sendable, Hashable, CaseIterable {
  /// `x₁ + x₂ > 0`
  case fallingLine
  /// `x₁ > x₂`
  case risingLine
  /// `x₁² + x₂² < ½`
  case disk
  /// `|x₁ + x₂| > 0.6`
  case outsideBand
  /// The table of exclusive or on the four corners, each taken in turn.
  case exclusiveOr

  /// `count` points, uniform on the square -1 … 1 (the corners in turn for `exclusiveOr`), with labels 0 and 1.
  public func samples(_ count: Int, key: Key) -> (x: [[Double]], labels: [Int]) {
    if self == .exclusiveOr {
      let x = (0..<count).map { [$0 & 1 == 0 ? -1.0 : 1, $0 & 2 == 0 ? -1.0 : 1] }
      return (x, x.map { ($0[0] > 0) != ($0[1] > 0) ? 1 : 0 })
    }
    let values = Tensor.uniform([count, 2], low: -1, high: 1, key: key, dtype: .float64).doubles
    let x = (0..<count).map { [values[2 * $0], values[2 * $0 + 1]] }
    return (x, x.map { isInside($0[0], $0[1]) ? 1 : 0 })
  }

  public func isInside(_ a: Double, _ b: Double) -> Bool {
    switch self {
    case .fallingLine: a + b > 0
    case .risingLine: a > b
    case .disk: a * a + b * b < 0.5
    case .outsideBand: abs(a + b) > 0.6
    case .exclusiveOr: (a > 0) != (b > 0)
    }
  }
}
