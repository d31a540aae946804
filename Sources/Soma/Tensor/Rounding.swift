/// Rounding, remainders, signs and angles beyond the primitives, under their usual names.
extension Tensor {
  /// Rounded towards zero.
  public func truncated() -> Tensor { Tensor.select(self .< 0, ceil(), floor()) }
  /// Fractional and integral part, both with the sign of the element.
  public func fractionAndInteger() -> (fraction: Tensor, integer: Tensor) {
    let integer = truncated()
    return (Tensor.select(isInfinite(), 0, self - integer), integer)
  }
  /// The remainder with the dividend's sign, as C's `fmod`.
  public func truncatedRemainder(_ divisor: Tensor) -> Tensor {
    let (a, b) = Tensor.aligned(self, divisor, "truncatedRemainder")
    let size = a.abs() % b.abs()
    return Tensor.select(a .< 0, -size, size)
  }
  /// The quotient rounded down, and the remainder with the divisor's sign.
  public func dividedWithRemainder(by divisor: Tensor) -> (quotient: Tensor, remainder: Tensor) {
    (floorDivide(by: divisor), self % divisor)
  }
  /// Rounded to so many decimals, halves to even.
  public func rounded(decimals: Int) -> Tensor {
    guard decimals != 0 else { return round() }
    let factor =
      decimals > 0 ? (0..<decimals).reduce(1.0) { x, _ in x * 10 } : (0..<(-decimals)).reduce(1.0) { x, _ in x * 10 }
    return decimals > 0 ? (floating() * factor).round() / factor : (floating() / factor).round() * factor
  }
  /// 0 below zero, 1 above, `atZero` at zero.
  public func heaviside(atZero: Double = 0.5) -> Tensor {
    let x = floating()
    let step = Tensor.select(x .< 0, Tensor(0, dtype: x.dtype), Tensor(1, dtype: x.dtype))
    let middle = Tensor.select(x .== 0, Tensor(atZero, dtype: x.dtype), step)
    return Tensor.select(x.isNaN(), x, middle)
  }
  /// The magnitude of the element with the sign of `other`; -0 counts as negative.
  public func withSign(of other: Tensor) -> Tensor {
    let sign = other.floating()
    // 1 / -0 is -∞, which tells the zeros apart.
    let isNegative = (sign .< 0) .| ((sign .== 0) .& (1 / sign .< 0))
    return Tensor.select(isNegative, -floating().abs(), floating().abs())
  }
  /// Whether the sign is negative, also that of -0.
  public func isSignNegative() -> Tensor {
    let x = floating()
    return (x .< 0) .| ((x .== 0) .& (1 / x .< 0))
  }
  /// The real cube root, with the element's sign.
  public func cubeRoot() -> Tensor {
    let x = floating()
    let size = x.abs()
    let start = size.power(1.0 / 3)
    // One step of Newton's method removes the rounding of the exponent 1/3; there is nothing to improve at 0 and ∞.
    let better = start - (start - size / (start * start)) / 3.0
    let root = Tensor.select((size .== 0) .| size.isInfinite(), start, better)
    return Tensor.select(x .< 0, -root, root)
  }
  /// `log₂(2ˣ + 2ʸ)` without overflow.
  public func logAddExp2(_ other: Tensor) -> Tensor {
    let ln2 = 0.6931471805599453
    return (floating() * ln2).logAddExp(other.floating() * ln2) / ln2
  }
  /// `x · 2ⁿ`
  public func scaled(byPowerOfTwo n: Tensor) -> Tensor { floating() * n.cast(to: floating().dtype).exp2() }

  public func degrees() -> Tensor { floating() * (180 / Double.pi) }
  public func radians() -> Tensor { floating() * (Double.pi / 180) }
  /// Angles along `axis` with their jumps of more than half a period undone.
  public func unwrapped(period: Double = 2 * .pi, _ axis: Int = -1) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let x = floating()
    let steps = x.differences(axis)
    let half = period / 2
    let wrapped = (steps + half) % Tensor(period, dtype: x.dtype) - half
    // A step of exactly half a period upwards stays upwards.
    let kept = Tensor.select((wrapped .== -half) .& (steps .> 0), Tensor(half, dtype: x.dtype), wrapped)
    let correction = Tensor.select(steps.abs() .< half, 0, kept - steps).cumulativeSum(axis)
    return Tensor.concatenate([x.slice(axis, 0..<1), x.slice(axis, 1..<shape[axis]) + correction], axis: axis)
  }

  /// The greatest common divisor, not negative; of 0 and 0 it is 0. By Euclid's algorithm: integers.
  public func greatestCommonDivisor(_ other: Tensor) -> Tensor {
    require(
      dtype.isInteger && other.dtype.isInteger, "greatestCommonDivisor wants integers, not \(dtype), \(other.dtype)")
    let (a, b) = Tensor.aligned(abs(), other.abs(), "greatestCommonDivisor")
    // Lamé: five steps for each decimal digit of the smaller number.
    let steps = a.dtype == .int64 ? 93 : 47
    return scan([a, b], [], length: steps) { carries, _ in
      let (a, b) = (carries[0], carries[1])
      let isDone = b .== 0
      let divisor = Tensor.select(isDone, Tensor(1, dtype: b.dtype), b)
      return ([Tensor.select(isDone, a, b), Tensor.select(isDone, b, a % divisor)], [])
    }.carries[0]
  }
  /// The least common multiple, not negative; 0 if one of both is 0.
  public func leastCommonMultiple(_ other: Tensor) -> Tensor {
    let divisor = greatestCommonDivisor(other)
    let (a, b) = Tensor.aligned(abs(), other.abs(), "leastCommonMultiple")
    let safe = Tensor.select(divisor .== 0, Tensor(1, dtype: a.dtype), divisor)
    return a.floorDivide(by: safe) * b
  }
}
