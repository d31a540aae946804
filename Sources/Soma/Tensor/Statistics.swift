/// Statistics of samples, as NumPy names them.
extension Tensor {
  /// `Σ w x / Σ w` over `axes`; the weights broadcast.
  public func average(weights: Tensor, _ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    let weights = weights.broadcast(to: shape)
    return (floating() * weights).sum(axes, keepsAxes: keepsAxes) / weights.sum(axes, keepsAxes: keepsAxes)
  }

  /// The largest minus the smallest element.
  public func peakToPeak(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    max(axes, keepsAxes: keepsAxes) - min(axes, keepsAxes: keepsAxes)
  }

  /// How many elements are not zero, as `int32`.
  public func countNonZero(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    (self .!= 0).sum(axes, keepsAxes: keepsAxes)
  }

  /// The quantile of `p` per cent.
  public func percentile(_ p: Double, _ axis: Int = -1) -> Tensor { quantile(p / 100, axis) }

  /// The covariance of variables: `Σ (x - x̄)(y - ȳ) / (n - correction)`.
  /// - Shape: `[variables, samples]` → `[variables, variables]`
  public func covariance(correction: Int = 1) -> Tensor {
    require(rank == 2, "covariance wants [variables, samples], not \(shape)")
    let centered = floating() - floating().mean([1], keepsAxes: true)
    return centered.matmul(centered.T) / Double(shape[1] - correction)
  }

  /// Pearson's correlation of variables.
  /// - Shape: `[variables, samples]` → `[variables, variables]`
  public func correlation() -> Tensor {
    let covariance = covariance(correction: 0)
    let deviation = covariance.diagonal().sqrt()
    return (covariance / deviation.outer(deviation)).clipped(-1.0, 1.0)
  }

  /// How often each of `0 ..< length` occurs, or the sum of its weights.
  /// - Shape: any → `[length]`, `int32` without weights
  public func binCount(length: Int, weights: Tensor? = nil) -> Tensor {
    let amounts = weights?.broadcast(to: shape).flattened() ?? Tensor.ones([count], dtype: .int32)
    return Tensor.zeros([length], dtype: amounts.dtype).scatterAdding(amounts, at: flattened())
  }

  /// How many elements fall between neighbouring edges; the last interval has both its ends. Elements outside, and NaN, are
  /// not counted.
  /// - Parameters:
  ///   - edges: `[n + 1]`, ascending
  ///   - weights: counts, if not 1 each
  ///   - density: divide by the total and by the intervals' widths
  /// - Shape: any → `[n]`
  public func histogram(edges: Tensor, weights: Tensor? = nil, density: Bool = false) -> Tensor {
    require(edges.rank == 1 && edges.count > 1, "histogram wants at least two edges, not \(edges.shape)")
    let bins = edges.count - 1
    let values = floating().flattened()
    let edges = edges.cast(to: values.dtype)
    let place = edges.searchSorted(values, side: .right) - 1
    let isLast = values .== edges[-1]
    let index = Tensor.select(isLast, Tensor(bins - 1, dtype: .int32), place)
    // What lies outside goes into a bin of its own, which is dropped.
    let isInside = (index .>= 0) .& (index .< bins) .& (values .<= edges[-1])
    let bin = Tensor.select(isInside, index, Tensor(bins, dtype: .int32))
    let amounts = weights.map { $0.floating().broadcast(to: shape).flattened() }
    let counts = bin.binCount(length: bins + 1, weights: amounts).slice(0, 0..<bins)
    guard density else { return counts }
    let widths = edges.differences()
    return counts.cast(to: values.dtype) / counts.cast(to: values.dtype).sum() / widths
  }

  /// A histogram over `bins` intervals of one width in `range`, which is that of the elements if not given.
  /// - Returns: counts `[bins]`, edges `[bins + 1]`
  public func histogram(
    bins: Int = 10, range: ClosedRange<Double>? = nil, weights: Tensor? = nil, density: Bool = false
  ) -> (counts: Tensor, edges: Tensor) {
    require(bins > 0, "histogram wants at least one bin")
    let edges: Tensor
    if let range {
      edges = Tensor.linspace(range.lowerBound, range.upperBound, count: bins + 1, dtype: floating().dtype)
    } else {
      let (low, high) = (floating().min(), floating().max())
      // All elements the same: half a unit to each side, as NumPy does.
      let half = Tensor.select(low .== high, Tensor(0.5, dtype: low.dtype), Tensor(0, dtype: low.dtype))
      let steps = Tensor.linspace(0, 1, count: bins + 1, dtype: low.dtype)
      let (start, end) = (low - half, high + half)
      // The last edge is the largest element itself, not a rounding away from it.
      edges = Tensor.select(steps .== 1, end, start + (end - start) * steps)
    }
    return (histogram(edges: edges, weights: weights, density: density), edges)
  }

  /// `∫ y dx` by the trapezoidal rule along `axis`.
  public func trapezoid(spacing: Double = 1, _ axis: Int = -1) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let sums = slice(axis, 1..<shape[axis]) + slice(axis, 0..<(shape[axis] - 1))
    return sums.sum([axis]) * (spacing / 2)
  }
  /// `∫ y dx` by the trapezoidal rule along `axis` over the points `x`, `[n]` or of the tensor's shape.
  public func trapezoid(over x: Tensor, _ axis: Int = -1) -> Tensor {
    let y = movingAxis(axis, to: -1)
    let widths = (x.rank == 1 ? x : x.movingAxis(axis, to: -1)).differences()
    let n = y.shape.last
    return ((y.slice(y.rank - 1, 1..<n) + y.slice(y.rank - 1, 0..<(n - 1))) * widths).sum([-1]) * 0.5
  }
}
