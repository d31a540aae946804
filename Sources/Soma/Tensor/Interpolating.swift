/// Searching, interpolating, differencing, polynomials and one-dimensional convolution.
extension Tensor {
  /// On which side of equal elements a value is put.
  public enum SearchSide: Sendable { case left, right }

  /// Where each value would be put into this ascending vector so that it stays sorted: `left` before equal elements, `right`
  /// after them. NaN goes to the end. Complexity: O(log n) a value, also in graphs.
  /// - Shape: `[n]`, values of any shape → `int32` of that shape, 0 … n
  public func searchSorted(_ values: Tensor, side: SearchSide = .left) -> Tensor {
    require(rank == 1, "searchSorted wants a sorted vector, not \(shape)")
    let n = count
    let type = DType.promote(dtype, values.dtype)
    let (sorted, values) = (cast(to: type), values.cast(to: type))
    var low = Tensor.zeros(values.shape, dtype: .int32)
    guard n > 0 else { return low }
    let isNaN = values.isNaN()
    // Steps of powers of two from the largest: `low` counts the elements known to lie before the value.
    var step = 1
    while step * 2 <= n { step *= 2 }
    while step > 0 {
      let next = low + step
      let element = sorted.take((next - 1).minimum(n - 1))
      let isBefore = (side == .left ? element .< values : element .<= values) .| isNaN
      low = Tensor.select((next .<= n) .& isBefore, next, low)
      step /= 2
    }
    return low
  }

  /// The number of the interval that each element falls into: `edges[i - 1] ≤ x < edges[i]` gives `i`; with `includesRight`,
  /// `edges[i - 1] < x ≤ edges[i]`.
  public func digitized(_ edges: Tensor, includesRight: Bool = false) -> Tensor {
    edges.searchSorted(self, side: includesRight ? .left : .right)
  }

  /// The piecewise linear function through the points `(xs, ys)`, at each element.
  /// - `xs`: `[n]`, ascending
  /// - `ys`: `[n]`
  ///   - left, right: values before the first and after the last point, if not theirs
  public func interpolated(_ xs: Tensor, _ ys: Tensor, left: Double? = nil, right: Double? = nil) -> Tensor {
    require(
      xs.rank == 1 && xs.shape == ys.shape && xs.count > 0, "interpolated: points of shapes \(xs.shape) and \(ys.shape)"
    )
    let x = floating()
    let (xs, ys) = (xs.cast(to: x.dtype), ys.cast(to: x.dtype))
    let n = xs.count
    guard n > 1 else { return x * 0 + ys[0] }
    let upper = xs.searchSorted(x, side: .right).clipped(1, n - 1)
    let (x0, x1) = (xs.take(upper - 1), xs.take(upper))
    let (y0, y1) = (ys.take(upper - 1), ys.take(upper))
    let inner = y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
    let low = Tensor.select(x .< xs[0], left.map { Tensor($0, dtype: x.dtype) } ?? ys[0], inner)
    let high = Tensor.select(x .> xs[-1], right.map { Tensor($0, dtype: x.dtype) } ?? ys[-1], low)
    return Tensor.select(x .== xs[-1], ys[-1], high)
  }

  /// Differences of neighbours taken `order` times along `axis`.
  public func differences(order: Int, _ axis: Int = -1) -> Tensor {
    require(order >= 0, "differences of order \(order)")
    return (0..<order).reduce(self) { x, _ in x.differences(axis) }
  }

  /// The slope along `axis` from values `spacing` apart: central differences inside, one-sided at the ends.
  public func slope(spacing: Double = 1, _ axis: Int = -1) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let n = shape[axis]
    require(n > 1, "slope wants at least two values along axis \(axis) of \(shape)")
    let x = floating()
    let ends = x.differences(axis) * (1 / spacing)
    guard n > 2 else { return Tensor.concatenate([ends, ends], axis: axis) }
    let inner = (x.slice(axis, 2..<n) - x.slice(axis, 0..<(n - 2))) * (0.5 / spacing)
    return Tensor.concatenate(
      [ends.slice(axis, 0..<1), inner, ends.slice(axis, (n - 2)..<(n - 1))], axis: axis)
  }

  /// `c₀ xⁿ + c₁ xⁿ⁻¹ + … + cₙ` at each element, by Horner's scheme.
  /// - Parameter coefficients: `[n + 1]`, the highest power first
  public func polynomial(_ coefficients: Tensor) -> Tensor {
    require(coefficients.rank == 1 && coefficients.count > 0, "polynomial: coefficients of shape \(coefficients.shape)")
    let x = floating()
    var result = Tensor.zeros(like: x) + coefficients[0]
    for i in 1..<Swift.max(1, coefficients.count) { result = result * x + coefficients[i] }
    return result
  }

  /// `[1, x, x², …]`, or the highest power first.
  /// - Shape: `[n]` → `[n, columns]`
  public func vandermonde(columns: Int, isAscending: Bool = false) -> Tensor {
    require(rank == 1, "vandermonde wants a vector, not \(shape)")
    var powers = [Tensor.ones(like: floating())]
    while powers.count < columns { powers.append(powers.last! * floating()) }
    return Tensor.stack(isAscending ? powers : powers.reversed(), axis: 1)
  }

  /// The coefficients of the polynomial with the least squared error at points, the highest power first.
  /// - Shape: points `[n]` each → `[degree + 1]`
  public static func polynomialFit(_ x: Tensor, _ y: Tensor, degree: Int) -> Tensor {
    let matrix = x.vandermonde(columns: degree + 1)
    // Columns of one length make the problem as well conditioned as it gets.
    let scale = matrix.norm([0])
    return (matrix / scale).leastSquares(y.floating().expandDimensions(at: 1)).squeezed([1]) / scale
  }

  /// Which part of a convolution is kept.
  public enum ConvolutionExtent: Sendable {
    /// All positions where the signals overlap: `n + m - 1`
    case full
    /// The middle, as long as the longer signal
    case same
    /// Where they overlap wholly: `|n - m| + 1`
    case valid
  }

  /// `Σ_k x[k] y[t - k]`: the product of two polynomials, a filter's answer.
  /// - Shape: `[n]`, `[m]` → as `extent` says
  public func convolved(with other: Tensor, _ extent: ConvolutionExtent = .full) -> Tensor {
    require(
      rank == 1 && other.rank == 1 && count > 0 && other.count > 0,
      "convolved: signals of shapes \(shape), \(other.shape)")
    let (signal, kernel) = count >= other.count ? (self, other) : (other, self)
    let (n, m) = (signal.count, kernel.count)
    let type = DType.promote(dtype, other.dtype)
    let full = signal.cast(to: type).reshape(1, 1, n).convolution(
      kernel.cast(to: type).reversed().reshape(1, 1, m), padding: .explicit([m - 1], [m - 1])
    ).reshape(n + m - 1)
    switch extent {
    case .full: return full
    case .same: return full.slice(0, (m - 1) / 2..<((m - 1) / 2 + n))
    case .valid: return full.slice(0, (m - 1)..<n)
    }
  }

  /// `Σ_k x[k + t] y[k]`, with NumPy's order of the shifts.
  public func correlated(with other: Tensor, _ extent: ConvolutionExtent = .valid) -> Tensor {
    convolved(with: other.reversed(), extent)
  }
}
