/// Least squares by the method of Levenberg and Marquardt (Marquardt 1963), derivatives by differences: for finding
/// parameters at which one function is another, where the smallest error is zero.
struct CurveFit {
  /// The model at all points, for parameters.
  let model: ([Double]) -> [Double]
  let target: [Double]
  /// What parameters are kept within.
  var limits: [ClosedRange<Double>]
  var iterations = 40

  struct Result {
    var parameters: [Double]
    /// The largest error, as a share of the target's largest magnitude.
    var error: Double
  }

  private func residuals(_ p: [Double]) -> [Double]? {
    let values = model(p)
    var result: [Double] = []
    result.reserveCapacity(values.count)
    for (value, wanted) in zip(values, target) {
      let r = value - wanted
      guard r.isFinite else { return nil }
      result.append(r)
    }
    return result
  }

  private func clamped(_ p: [Double]) -> [Double] {
    zip(p, limits).map { Swift.min(Swift.max($0, $1.lowerBound), $1.upperBound) }
  }

  func callAsFunction(from start: [Double]) -> Result? {
    let m = start.count
    var p = clamped(start)
    guard var r = residuals(p) else { return nil }
    let scale = Swift.max(target.map(\.magnitude).max() ?? 0, 1e-12)
    func square(_ v: [Double]) -> Double { v.reduce(0) { $0 + $1 * $1 } }
    var cost = square(r)
    let first = cost
    var damping = 1e-3
    for iteration in 0..<iterations {
      // What is far off after a few steps will not become exact.
      if iteration == 8, cost > 0.02 * first, cost.squareRoot() > 0.02 * scale { break }
      if cost.squareRoot() < 1e-13 * scale { break }
      var jacobian: [[Double]] = []
      for k in 0..<m {
        let h = 1e-6 * Swift.max(1, p[k].magnitude)
        var moved = p
        moved[k] += p[k] + h <= limits[k].upperBound ? h : -h
        guard let other = residuals(moved) else { return nil }
        let step = moved[k] - p[k]
        jacobian.append(zip(other, r).map { ($0 - $1) / step })
      }
      var matrix = [[Double]](repeating: [Double](repeating: 0, count: m), count: m)
      var right = [Double](repeating: 0, count: m)
      for a in 0..<m {
        for b in 0...a {
          var sum = 0.0
          for i in r.indices { sum += jacobian[a][i] * jacobian[b][i] }
          matrix[a][b] = sum
          matrix[b][a] = sum
        }
        var sum = 0.0
        for i in r.indices { sum += jacobian[a][i] * r[i] }
        right[a] = -sum
      }
      var improved = false
      for _ in 0..<6 {
        var damped = matrix
        for a in 0..<m { damped[a][a] += damping * (matrix[a][a] + 1e-12) }
        guard let step = Self.solve(damped, right) else { break }
        let next = clamped(zip(p, step).map { $0 + $1 })
        if let other = residuals(next), square(other) < cost {
          let gain = 1 - square(other) / cost
          (p, r, cost) = (next, other, square(other))
          damping = Swift.max(damping / 9, 1e-12)
          improved = gain > 1e-9
          break
        }
        damping *= 7
      }
      if !improved { break }
    }
    return Result(parameters: p, error: (r.map(\.magnitude).max() ?? .infinity) / scale)
  }

  /// Gaussian elimination with pivots; nil for a singular matrix.
  private static func solve(_ a: [[Double]], _ b: [Double]) -> [Double]? {
    var (a, b) = (a, b)
    let n = b.count
    for k in 0..<n {
      guard let pivot = (k..<n).max(by: { a[$0][k].magnitude < a[$1][k].magnitude }), a[pivot][k].magnitude > 1e-300
      else {
        return nil
      }
      a.swapAt(k, pivot)
      b.swapAt(k, pivot)
      for i in (k + 1)..<n {
        let factor = a[i][k] / a[k][k]
        for j in k..<n { a[i][j] -= factor * a[k][j] }
        b[i] -= factor * b[k]
      }
    }
    for k in stride(from: n - 1, through: 0, by: -1) {
      for j in (k + 1)..<n { b[k] -= a[k][j] * b[j] }
      b[k] /= a[k][k]
    }
    return b.allSatisfy(\.isFinite) ? b : nil
  }
}
