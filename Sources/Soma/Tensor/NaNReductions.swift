/// Reductions that leave out elements that are not a number, as NumPy's `nan…` functions do.
extension Tensor {
  private func replacingNaN(by value: Double) -> Tensor { Tensor.select(isNaN(), value, floating()) }

  /// How many elements are numbers, in the tensor's own floating type.
  private func numberCount(_ axes: [Int]?, keepsAxes: Bool) -> Tensor {
    (!isNaN()).cast(to: floating().dtype).sum(axes, keepsAxes: keepsAxes)
  }

  /// The sum; 0 where there are no numbers.
  public func nanSum(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    replacingNaN(by: 0).sum(axes, keepsAxes: keepsAxes)
  }
  /// The product; 1 where there are no numbers.
  public func nanProduct(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    replacingNaN(by: 1).product(axes, keepsAxes: keepsAxes)
  }
  /// The largest number; NaN where there are none.
  public func nanMax(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    let isEmpty = numberCount(axes, keepsAxes: keepsAxes) .== 0
    return Tensor.select(isEmpty, Double.nan, replacingNaN(by: -.infinity).max(axes, keepsAxes: keepsAxes))
  }
  /// The smallest number; NaN where there are none.
  public func nanMin(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    let isEmpty = numberCount(axes, keepsAxes: keepsAxes) .== 0
    return Tensor.select(isEmpty, Double.nan, replacingNaN(by: .infinity).min(axes, keepsAxes: keepsAxes))
  }
  /// The mean of the numbers; NaN where there are none.
  public func nanMean(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    nanSum(axes, keepsAxes: keepsAxes) / numberCount(axes, keepsAxes: keepsAxes)
  }
  /// `Σ (x - mean)² / (n - correction)` over the `n` numbers.
  public func nanVariance(_ axes: [Int]? = nil, correction: Int = 0, keepsAxes: Bool = false) -> Tensor {
    let deviation = Tensor.select(isNaN(), 0, floating() - nanMean(axes, keepsAxes: true))
    let degrees = numberCount(axes, keepsAxes: keepsAxes) - Double(correction)
    let variance = (deviation * deviation).sum(axes, keepsAxes: keepsAxes) / degrees
    return Tensor.select(degrees .<= 0, Double.nan, variance)
  }
  public func nanStandardDeviation(_ axes: [Int]? = nil, correction: Int = 0, keepsAxes: Bool = false) -> Tensor {
    nanVariance(axes, correction: correction, keepsAxes: keepsAxes).sqrt()
  }
  /// Index (`int32`) of the first largest number along `axis`; 0 where there are none.
  public func nanArgMax(_ axis: Int = -1) -> Tensor { replacingNaN(by: -.infinity).argMax(axis) }
  /// Index (`int32`) of the first smallest number along `axis`; 0 where there are none.
  public func nanArgMin(_ axis: Int = -1) -> Tensor { replacingNaN(by: .infinity).argMin(axis) }
  public func nanCumulativeSum(_ axis: Int = -1) -> Tensor { replacingNaN(by: 0).cumulativeSum(axis) }
  public func nanCumulativeProduct(_ axis: Int = -1) -> Tensor { replacingNaN(by: 1).cumulativeProduct(axis) }

  /// The q-quantile of the numbers along `axis`, linear between neighbours, for 0 ≤ q ≤ 1; NaN where there are none.
  public func nanQuantile(_ q: Double, _ axis: Int = -1) -> Tensor {
    require(q >= 0 && q <= 1, "nanQuantile wants 0 ≤ q ≤ 1, not \(q)")
    let axis = shape.normalized(axis: axis)
    // Numbers come first; each row has its own count of them.
    let ordered = floating().sorted(axis)
    let position = (numberCount([axis], keepsAxes: true) - 1).maximum(0) * q
    let low = position.floor()
    let high = position.ceil()
    let a = ordered.takeAlong(low.cast(to: .int32), axis: axis)
    let b = ordered.takeAlong(high.cast(to: .int32), axis: axis)
    return Tensor.select(low .== high, a, a + (b - a) * (position - low)).squeezed([axis])
  }
  public func nanMedian(_ axis: Int = -1) -> Tensor { nanQuantile(0.5, axis) }

  /// NaN and infinities replaced by numbers: infinities by the largest finite ones of the type if nothing else is said.
  public func nanToNumber(_ nan: Double = 0, positiveInfinity: Double? = nil, negativeInfinity: Double? = nil) -> Tensor
  {
    let x = floating()
    let largest = x.dtype == .float64 ? Double.greatestFiniteMagnitude : Double(Float.greatestFiniteMagnitude)
    let high = Tensor.select(x .== Double.infinity, positiveInfinity ?? largest, x)
    let low = Tensor.select(x .== -Double.infinity, negativeInfinity ?? -largest, high)
    return Tensor.select(x.isNaN(), nan, low)
  }
}
