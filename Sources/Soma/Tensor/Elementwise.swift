extension Tensor {
  /// Applies a floating function; integers become `float32` first.
  func unary(_ function: Unary) -> Tensor { emit(.unary(function), floating()) }

  public func abs() -> Tensor { dtype == .bool ? self : emit(.unary(.abs), self) }
  /// -1, 0 or 1; NaN stays.
  public func sign() -> Tensor { emit(.unary(.sign), self) }
  public func floor() -> Tensor { emit(.unary(.floor), self) }
  public func ceil() -> Tensor { emit(.unary(.ceil), self) }
  /// To the nearest integer, halves to even.
  public func round() -> Tensor { emit(.unary(.round), self) }
  public func exp() -> Tensor { unary(.exp) }
  /// `eˣ - 1`, accurate near zero.
  public func expm1() -> Tensor { unary(.expm1) }
  public func log() -> Tensor { unary(.log) }
  /// `log(1 + x)`, accurate near zero.
  public func log1p() -> Tensor { unary(.log1p) }
  public func log2() -> Tensor { log() * 1.4426950408889634 }
  public func log10() -> Tensor { log() * 0.4342944819032518 }
  public func exp2() -> Tensor { Tensor(2, dtype: floating().dtype).power(floating()) }
  public func sqrt() -> Tensor { unary(.sqrt) }
  /// `1 / √x`
  public func rsqrt() -> Tensor { unary(.rsqrt) }
  public func reciprocal() -> Tensor { 1 / floating() }
  public func sin() -> Tensor { unary(.sin) }
  public func cos() -> Tensor { unary(.cos) }
  public func tan() -> Tensor { unary(.tan) }
  public func asin() -> Tensor { unary(.asin) }
  public func acos() -> Tensor { unary(.acos) }
  public func atan() -> Tensor { unary(.atan) }
  public func sinh() -> Tensor { unary(.sinh) }
  public func cosh() -> Tensor { unary(.cosh) }
  public func tanh() -> Tensor { unary(.tanh) }
  public func asinh() -> Tensor { unary(.asinh) }
  public func acosh() -> Tensor { unary(.acosh) }
  public func atanh() -> Tensor { unary(.atanh) }
  /// `2/√π ∫₀ˣ exp(-t²) dt`
  public func erf() -> Tensor { unary(.erf) }
  /// `1 - erf(x)`, accurate for large x.
  public func erfc() -> Tensor { unary(.erfc) }
  public func erfInverse() -> Tensor { unary(.erfInverse) }
  /// `log |Γ(x)|`
  public func lgamma() -> Tensor { unary(.lgamma) }
  /// `d/dx log |Γ(x)|`
  public func digamma() -> Tensor { polygamma(0) }
  /// The derivative of digamma of the given order.
  public func polygamma(_ order: Int) -> Tensor { emit(.polygamma(order), floating()) }
  /// `1 / (1 + e⁻ˣ)`
  public func logistic() -> Tensor { unary(.logistic) }
  /// The same values, without a derivative.
  public func stopGradient() -> Tensor { emit(.stopGradient, self) }

  /// `log(1 + eˣ)` without overflow.
  public func softplus() -> Tensor {
    // Selections, not maximum and abs, so that both derivatives are right at zero too.
    let isPositive = self .> 0
    return .select(isPositive, self, 0) + Tensor.select(isPositive, -self, self).exp().log1p()
  }
  /// `log(1 / (1 + e⁻ˣ))`
  public func logSigmoid() -> Tensor { -(-self).softplus() }
  /// `sin(πx)/(πx)`, 1 at zero.
  public func sinc() -> Tensor {
    let x = self * Double.pi
    let safe = Tensor.select(x .== 0, x * 0 + 1, x)
    return .select(x .== 0, 1 - x * x / 6, safe.sin() / safe)
  }
  /// `x log y`, zero where x is.
  public func timesLog(_ other: Tensor) -> Tensor {
    let (x, y) = Tensor.aligned(self, other, "timesLog")
    let isZero = x .== 0
    return .select(isZero, x * 0, x * Tensor.select(isZero, y * 0 + 1, y).log())
  }
}
