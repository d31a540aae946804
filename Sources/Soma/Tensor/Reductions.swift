extension Tensor {
  private func normalized(_ axes: [Int]?) -> [Int] {
    guard let axes else { return Array(0..<rank) }
    let result = axes.map { shape.normalized(axis: $0) }.sorted()
    require(Set(result).count == result.count, "an axis is named twice in \(axes)")
    return result
  }

  func reduce(_ reduction: Reduction, _ axes: [Int]?, keepsAxes: Bool) -> Tensor {
    let axes = normalized(axes)
    let reduced = axes.isEmpty ? self : emit(.reduce(reduction, axes: axes), self)
    return keepsAxes ? reduced.reshape(keeping(axes)) : reduced
  }

  private func keeping(_ axes: [Int]) -> Shape { Shape(shape.indices.map { axes.contains($0) ? 1 : shape[$0] }) }

  /// The sum over `axes` (all if nil); `keepsAxes` leaves them with length 1. `bool` counts as `int32`.
  public func sum(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    (dtype == .bool ? cast(to: .int32) : self).reduce(.sum, axes, keepsAxes: keepsAxes)
  }
  public func sum(_ axis: Int, keepsAxes: Bool = false) -> Tensor { sum([axis], keepsAxes: keepsAxes) }
  public func product(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    (dtype == .bool ? cast(to: .int32) : self).reduce(.product, axes, keepsAxes: keepsAxes)
  }
  /// The largest element; NaN if any is.
  public func max(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    reduce(.max, axes, keepsAxes: keepsAxes)
  }
  public func max(_ axis: Int, keepsAxes: Bool = false) -> Tensor { max([axis], keepsAxes: keepsAxes) }
  /// The smallest element; NaN if any is.
  public func min(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    reduce(.min, axes, keepsAxes: keepsAxes)
  }
  public func min(_ axis: Int, keepsAxes: Bool = false) -> Tensor { min([axis], keepsAxes: keepsAxes) }
  public func any(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    cast(to: .bool).reduce(.max, axes, keepsAxes: keepsAxes)
  }
  public func all(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    cast(to: .bool).reduce(.min, axes, keepsAxes: keepsAxes)
  }

  public func mean(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    let count = normalized(axes).reduce(1) { $0 * shape[$1] }
    return floating().sum(axes, keepsAxes: keepsAxes) / Double(count)
  }
  public func mean(_ axis: Int, keepsAxes: Bool = false) -> Tensor { mean([axis], keepsAxes: keepsAxes) }

  /// `Σ(x - mean)² / (n - correction)`
  public func variance(_ axes: [Int]? = nil, correction: Int = 0, keepsAxes: Bool = false) -> Tensor {
    let x = floating()
    let centered = x - x.mean(axes, keepsAxes: true)
    let count = normalized(axes).reduce(1) { $0 * shape[$1] }
    return (centered * centered).sum(axes, keepsAxes: keepsAxes) / Double(count - correction)
  }
  public func standardDeviation(_ axes: [Int]? = nil, correction: Int = 0, keepsAxes: Bool = false) -> Tensor {
    variance(axes, correction: correction, keepsAxes: keepsAxes).sqrt()
  }

  /// Index (`int32`) of the first largest element along `axis`.
  public func argMax(_ axis: Int = -1) -> Tensor {
    emit(.argReduce(largest: true, axis: shape.normalized(axis: axis)), self)
  }
  /// Index (`int32`) of the first smallest element along `axis`.
  public func argMin(_ axis: Int = -1) -> Tensor {
    emit(.argReduce(largest: false, axis: shape.normalized(axis: axis)), self)
  }

  /// `log Σ exp(x)` without overflow.
  public func logSumExp(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    let axes = normalized(axes)
    let peak = max(axes, keepsAxes: true).stopGradient()
    // A peak of ±∞ would give ∞ - ∞; shifting by zero there is exact.
    let shift = Tensor.select(peak.isFinite(), peak, 0)
    let result = (self - shift).exp().sum(axes, keepsAxes: true).log() + shift
    return keepsAxes ? result : result.reshape(shape.removing(axes: axes))
  }

  /// `exp(x) / Σ exp(x)` along `axis`.
  public func softmax(_ axis: Int = -1) -> Tensor {
    let exponentials = (self - max([axis], keepsAxes: true).stopGradient()).exp()
    return exponentials / exponentials.sum([axis], keepsAxes: true)
  }
  /// `x - log Σ exp(x)` along `axis`.
  public func logSoftmax(_ axis: Int = -1) -> Tensor {
    let shifted = self - max([axis], keepsAxes: true).stopGradient()
    return shifted - shifted.exp().sum([axis], keepsAxes: true).log()
  }

  /// The Euclidean norm over `axes`.
  public func norm(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    (self * self).sum(axes, keepsAxes: keepsAxes).sqrt()
  }
  /// The p-norm over `axes`; infinity gives the largest magnitude.
  public func norm(order p: Double, _ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    if p == .infinity { return abs().max(axes, keepsAxes: keepsAxes) }
    if p == -.infinity { return abs().min(axes, keepsAxes: keepsAxes) }
    if p == 2 { return norm(axes, keepsAxes: keepsAxes) }
    if p == 1 { return abs().sum(axes, keepsAxes: keepsAxes) }
    if p == 0 { return (self .!= 0).cast(to: floating().dtype).sum(axes, keepsAxes: keepsAxes) }
    return abs().power(p).sum(axes, keepsAxes: keepsAxes).power(1 / p)
  }

  private func cumulative(_ reduction: Reduction, _ axis: Int, _ reverse: Bool) -> Tensor {
    let x = dtype == .bool ? cast(to: .int32) : self
    return emit(.cumulative(reduction, axis: shape.normalized(axis: axis), reverse: reverse), x)
  }
  public func cumulativeSum(_ axis: Int = -1, reverse: Bool = false) -> Tensor { cumulative(.sum, axis, reverse) }
  public func cumulativeProduct(_ axis: Int = -1, reverse: Bool = false) -> Tensor {
    cumulative(.product, axis, reverse)
  }
  public func cumulativeMax(_ axis: Int = -1, reverse: Bool = false) -> Tensor { cumulative(.max, axis, reverse) }
  public func cumulativeMin(_ axis: Int = -1, reverse: Bool = false) -> Tensor { cumulative(.min, axis, reverse) }
  /// Differences of neighbours along `axis`, one fewer than elements.
  public func differences(_ axis: Int = -1) -> Tensor {
    let axis = shape.normalized(axis: axis)
    return slice(axis, 1..<shape[axis]) - slice(axis, 0..<(shape[axis] - 1))
  }

  /// Indices (`int32`) that would sort along `axis`, stably; NaN last.
  public func argSort(_ axis: Int = -1, descending: Bool = false) -> Tensor {
    emit(.argSort(axis: shape.normalized(axis: axis), descending: descending), self)
  }
  public func sorted(_ axis: Int = -1, descending: Bool = false) -> Tensor {
    takeAlong(argSort(axis, descending: descending), axis: axis)
  }
  /// The k largest of the last axis, largest first, and their indices.
  public func topK(_ k: Int) -> (values: Tensor, indices: Tensor) {
    let indices = emit(.argTopK(k), self)
    return (takeAlong(indices, axis: -1), indices)
  }
  /// The q-quantile along `axis`, linear between neighbours, for 0 ≤ q ≤ 1.
  public func quantile(_ q: Double, _ axis: Int = -1) -> Tensor {
    require(q >= 0 && q <= 1, "quantile wants 0 ≤ q ≤ 1, not \(q)")
    let axis = shape.normalized(axis: axis)
    let ordered = sorted(axis)
    let position = q * Double(shape[axis] - 1)
    let low = Int(position.rounded(.down))
    let high = Swift.min(low + 1, shape[axis] - 1)
    let weight = position - Double(low)
    let a = ordered.slice(axis, low..<(low + 1)).squeezed([axis])
    let b = ordered.slice(axis, high..<(high + 1)).squeezed([axis])
    return weight == 0 ? a : a + (b - a) * weight
  }
  public func median(_ axis: Int = -1) -> Tensor { quantile(0.5, axis) }
}
