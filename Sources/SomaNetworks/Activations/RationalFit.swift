import Foundation
import Soma

/// The ratio of polynomials of the variant `.termwise` that comes closest to a function on an interval.
///
/// Alternating linear least squares (Sanathanan & Koerner 1963): `Σ [P(x) - y Q(x)]² / Q_before(x)²` with `Q = 1 + Σ b_k |x|^k`,
/// `b_k ≥ 0` (non-negative least squares, Lawson & Hanson 1974), then Gauss-Newton steps on the error itself, damped by Levenberg's rule.
public struct RationalFit: Sendable {
  public let coefficients: PadeActivation.Coefficients
  /// On the grid of the fit.
  public let maximumError: Double

  /// - `tolerance`: the largest error allowed
  /// - Throws: `ActivationError` if the fit is worse than the tolerance.
  public init(
    _ target: (Tensor) -> Tensor, numerator m: Int = 5, denominator n: Int = 4,
    on interval: ClosedRange<Double> = -3...3,
    samples: Int = 6001, tolerance: Double = .infinity
  ) throws(ActivationError) {
    require(m >= 0 && n >= 0 && samples > m + n + 1, "a fit of degrees \(m) and \(n) to \(samples) samples")
    let x = (0..<samples).map {
      interval.lowerBound + (interval.upperBound - interval.lowerBound) * Double($0) / Double(samples - 1)
    }
    let y = target(Tensor(x)).doubles
    var a = [Double](repeating: 0, count: m + 1)
    var b = [Double](repeating: 0, count: n)
    var q = [Double](repeating: 1, count: samples)
    for _ in 0..<30 {
      (a, b) = Self.linearStep(x, y, q, m, n)
      q = x.map { Self.denominator(b, $0) }
    }
    (a, b) = Self.refined(x, y, a, b)
    coefficients = PadeActivation.Coefficients(numerator: a, denominator: b)
    maximumError = zip(x, y).map { abs(Self.value(a, b, $0) - $1) }.max() ?? 0
    if !(maximumError <= tolerance) {
      throw .unsuitableKind(
        "a ratio of degrees \(m) and \(n)", wanted: "close enough: its error is \(maximumError), not below \(tolerance)"
      )
    }
  }

  private static func denominator(_ b: [Double], _ x: Double) -> Double {
    let size = abs(x)
    return 1 + size * b.reversed().reduce(0) { $0 * size + abs($1) }
  }

  private static func value(_ a: [Double], _ b: [Double], _ x: Double) -> Double {
    a.reversed().reduce(0) { $0 * x + $1 } / denominator(b, x)
  }

  /// `b ≥ 0` by active sets: the free coefficients' least squares, those that come out negative set to zero.
  private static func linearStep(_ x: [Double], _ y: [Double], _ q: [Double], _ m: Int, _ n: Int) -> (
    [Double], [Double]
  ) {
    let columns =
      (0...m).map { j in x.indices.map { pow(x[$0], Double(j)) / q[$0] } }
      + (1..<(n + 1)).map { k in x.indices.map { -y[$0] * pow(abs(x[$0]), Double(k)) / q[$0] } }
    let right = x.indices.map { y[$0] / q[$0] }
    func solved(_ passive: [Bool]) -> [Double] {
      let chosen = columns.indices.filter { $0 <= m || passive[$0 - m - 1] }
      let solution = leastSquares(chosen.map { columns[$0] }, right)
      var full = [Double](repeating: 0, count: columns.count)
      for (place, value) in zip(chosen, solution) { full[place] = value }
      return full
    }
    var passive = [Bool](repeating: false, count: n)
    var current = solved(passive)
    for _ in 0..<3 * n + 1 {
      // The gradient of the constrained coefficients says which would help.
      let rest = x.indices.map { i in right[i] - columns.indices.reduce(0) { $0 + columns[$1][i] * current[$1] } }
      let gains = (0..<n).map { k in passive[k] ? -1 : zip(columns[m + 1 + k], rest).reduce(0) { $0 + $1.0 * $1.1 } }
      guard let best = gains.indices.max(by: { gains[$0] < gains[$1] }), gains[best] > 1e-12 else { break }
      passive[best] = true
      var next = solved(passive)
      while let worst = (0..<n).filter({ passive[$0] && next[m + 1 + $0] < 0 }).min(by: {
        next[m + 1 + $0] < next[m + 1 + $1]
      }) {
        passive[worst] = false
        next = solved(passive)
      }
      current = next
    }
    return (Array(current.prefix(m + 1)), Array(current.suffix(n)))
  }

  private static func leastSquares(_ columns: [[Double]], _ right: [Double]) -> [Double] {
    // Columns of one length keep the problem well conditioned.
    let lengths = columns.map { column in max(column.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-300) }
    let matrix = Tensor.stack(zip(columns, lengths).map { Tensor($0) * (1 / $1) }, axis: 1)
    let (q, r) = matrix.qr()
    let projected = q.T.matmul(Tensor(right, shape: [right.count, 1]))
    return zip(r.triangularSolve(projected, lower: false).doubles, lengths).map { $0 / $1 }
  }

  private static func refined(_ x: [Double], _ y: [Double], _ a: [Double], _ b: [Double]) -> ([Double], [Double]) {
    var (a, b) = (a, b)
    func error(_ a: [Double], _ b: [Double]) -> Double {
      zip(x, y).reduce(0) { sum, point in
        let e = value(a, b, point.0) - point.1
        return sum + e * e
      }
    }
    var (damping, current) = (1e-6, error(a, b))
    for _ in 0..<200 {
      let q = x.map { denominator(b, $0) }
      let f = x.indices.map { value(a, b, x[$0]) }
      var columns = a.indices.map { j in x.indices.map { pow(x[$0], Double(j)) / q[$0] } }
      columns += b.indices.map { k in
        x.indices.map { -f[$0] * pow(abs(x[$0]), Double(k + 1)) * (b[k] < 0 ? -1 : 1) / q[$0] }
      }
      // Damped: rows √λ · length below the system.
      let rest = x.indices.map { y[$0] - f[$0] }
      let padded = columns.indices.map { j -> [Double] in
        let length = columns[j].reduce(0) { $0 + $1 * $1 }.squareRoot()
        return columns[j] + columns.indices.map { $0 == j ? damping.squareRoot() * max(length, 1e-12) : 0 }
      }
      let step = leastSquares(padded, rest + columns.map { _ in 0 })
      let nextA = zip(a, step).map { $0 + $1 }
      let nextB = zip(b, step.suffix(b.count)).map { max(0, abs($0) + $1) }
      let next = error(nextA, nextB)
      if next.isFinite, next < current {
        let gain = current - next
        (a, b, current) = (nextA, nextB, next)
        damping = max(damping / 4, 1e-15)
        if gain < 1e-16 * current { break }
      } else {
        damping *= 8
        if damping > 1e6 { break }
      }
    }
    return (a, b)
  }
}
