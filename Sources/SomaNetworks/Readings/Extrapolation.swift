import Foundation
import Soma

/// How a function goes on along a ray: values at `z·direction` for `z` in `[start, 2·start]`, the straight line with the least
/// squared error through them, and what is left.
public struct ExtrapolationReading: Sendable, Hashable {
  public enum Behaviour: String, Sendable, Hashable {
    case constant, linear, periodic
    /// None of the three.
    case other
  }

  public let slope: Double
  public let intercept: Double
  /// The root mean square of what the line leaves.
  public let residual: Double
  public let behaviour: Behaviour

  /// - Parameters:
  ///   - function: `[n, inputs]` → `[n]` or `[n, 1]`
  ///   - direction: a vector of the function's inputs
  ///   - start: how far out; the function is read up to twice as far
  ///   - count: samples; a period shorter than `4·start/count` is not seen
  public init(
    _ function: (Tensor) -> Tensor, along direction: [Double], from start: Double = 1e4, count: Int = 1024
  ) {
    require(count >= 16 && start > 0, "extrapolation is read from \(count) samples at \(start)")
    let z = (0..<count).map { start * (1 + Double($0) / Double(count)) }
    let points = Tensor(z.flatMap { z in direction.map { $0 * z } }, shape: [count, direction.count])
    let values = function(points).doubles
    require(values.count == count, "a function of \(count) points gave \(values.count) values")
    let (center, level) = (z.reduce(0, +) / Double(count), values.reduce(0, +) / Double(count))
    let spread = z.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    let slope = zip(z, values).reduce(0) { $0 + ($1.0 - center) * ($1.1 - level) } / spread
    let rest = zip(z, values).map { $1 - level - slope * ($0 - center) }
    let residual = (rest.reduce(0) { $0 + $1 * $1 } / Double(count)).squareRoot()
    self.slope = slope
    self.residual = residual
    intercept = level - slope * center
    let size = max(abs(level), abs(slope) * start, 1e-300)
    if residual > 1e-6 * size, Self.isPeriodic(rest) {
      behaviour = .periodic
    } else if residual > 1e-6 * size {
      behaviour = .other
    } else {
      behaviour = abs(slope) * start <= 1e-6 * max(size, 1) ? .constant : .linear
    }
  }

  /// Whether a shift by a twelfth to a half of the samples maps the values onto themselves, to a hundredth of their power.
  private static func isPeriodic(_ values: [Double]) -> Bool {
    let (n, power) = (values.count, values.reduce(0) { $0 + $1 * $1 } / Double(values.count))
    guard power > 0 else { return false }
    return (n / 12...n / 2).contains { shift in
      let length = n - shift
      let difference = (0..<length).reduce(0.0) { sum, i in
        let step = values[i + shift] - values[i]
        return sum + step * step
      }
      return difference / Double(length) < 0.02 * power
    }
  }
}
