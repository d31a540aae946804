extension Tensor {
  /// The tensor stretched to `shape` by NumPy's rule: axes align at the right, axes of length 1 repeat.
  public func broadcast(to target: Shape) -> Tensor {
    if shape == target { return self }
    require(Shape.broadcast(shape, target) == target, "a tensor of shape \(shape) does not broadcast to \(target)")
    let offset = target.rank - rank
    let kept = shape.indices.filter { shape[$0] == target[$0 + offset] }
    let squeezed = kept.count == rank ? self : reshape(Shape(kept.map { shape[$0] }))
    return emit(.broadcast(target, axes: kept.map { $0 + offset }), squeezed)
  }

  /// Converts the elements. Float to integer truncates toward zero and saturates (NaN gives 0); integer to narrower
  /// integer wraps; to `bool` tests for non-zero.
  public func cast(to dtype: DType) -> Tensor { dtype == self.dtype ? self : emit(.cast(dtype), self) }

  static func binary(_ function: Binary, _ a: Tensor, _ b: Tensor) -> Tensor {
    let (x, y) = aligned(a, b, "\(function)")
    return emit(.binary(function), x, y)
  }

  /// Both tensors in their common type and shape.
  static func aligned(_ a: Tensor, _ b: Tensor, _ operation: @autoclosure () -> String) -> (Tensor, Tensor) {
    let dtype = DType.promote(a.dtype, b.dtype)
    guard let shape = Shape.broadcast(a.shape, b.shape) else {
      fatalError(
        "\(operation()): shapes \(a.shape) and \(b.shape) do not broadcast"
          + (Tracer.scopePath.isEmpty ? "" : " in \(Tracer.scopePath)"))
    }
    return (a.cast(to: dtype).broadcast(to: shape), b.cast(to: dtype).broadcast(to: shape))
  }

  /// A scalar that stands beside this tensor: of its type, except that a fractional number turns integers to `float32`.
  func operand<S: TensorScalar>(_ value: S) -> Tensor {
    let keeps = dtype.isFloating || (dtype.isInteger && !S.isFloating) || (dtype == .bool && value is Bool)
    return Tensor(value, dtype: keeps ? dtype : S.isFloating ? .float32 : .int32)
  }

  func floating() -> Tensor { dtype.isFloating ? self : cast(to: .float32) }

  public static func + (a: Tensor, b: Tensor) -> Tensor { binary(.add, a, b) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { binary(.subtract, a, b) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { binary(.multiply, a, b) }
  /// True division; integers become `float32`.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    let isFloating = DType.promote(a.dtype, b.dtype).isFloating
    return isFloating ? binary(.divide, a, b) : binary(.divide, a.floating(), b.floating())
  }
  /// The remainder with the divisor's sign, as NumPy's `%`.
  public static func % (a: Tensor, b: Tensor) -> Tensor { binary(.remainder, a, b) }
  public static prefix func - (a: Tensor) -> Tensor { emit(.unary(.negate), a) }

  public static func + <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a + a.operand(b) }
  public static func - <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a - a.operand(b) }
  public static func * <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a * a.operand(b) }
  public static func / <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a / a.operand(b) }
  public static func % <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a % a.operand(b) }
  public static func + <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.operand(a) + b }
  public static func - <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.operand(a) - b }
  public static func * <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.operand(a) * b }
  public static func / <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.operand(a) / b }

  public static func += (a: inout Tensor, b: Tensor) { a = a + b }
  public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
  public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
  public static func /= (a: inout Tensor, b: Tensor) { a = a / b }

  /// The quotient rounded down; for integers, division by zero gives 0.
  public func floorDivide(by other: Tensor) -> Tensor {
    let quotient = Tensor.binary(.divide, self, other)
    return quotient.dtype.isFloating ? quotient.floor() : quotient
  }

  public func power(_ exponent: Tensor) -> Tensor { .binary(.power, self, exponent) }

  /// `xⁿ`. Small integer exponents become products.
  public func power<S: TensorScalar>(_ exponent: S) -> Tensor {
    switch exponent.doubleValue {
    case 0: return self * 0 + 1
    case 1: return self
    case 2: return self * self
    case 3: return self * self * self
    case -1 where dtype.isFloating: return 1 / self
    case 0.5 where dtype.isFloating: return sqrt()
    default: return power(operand(exponent))
    }
  }

  /// `x²`
  public func squared() -> Tensor { self * self }

  /// The larger of both; NaN if either is.
  public func maximum(_ other: Tensor) -> Tensor { .binary(.maximum, self, other) }
  public func maximum<S: TensorScalar>(_ other: S) -> Tensor { maximum(operand(other)) }
  /// The smaller of both; NaN if either is.
  public func minimum(_ other: Tensor) -> Tensor { .binary(.minimum, self, other) }
  public func minimum<S: TensorScalar>(_ other: S) -> Tensor { minimum(operand(other)) }
  /// `min(max(x, low), high)`
  public func clipped<S: TensorScalar>(_ low: S, _ high: S) -> Tensor { maximum(low).minimum(high) }

  /// The angle of the point (x: `other`, y: self), in (-π, π].
  public func atan2(_ other: Tensor) -> Tensor { .binary(.atan2, floating(), other.floating()) }

  /// `√(x² + y²)` without overflow.
  public func hypot(_ other: Tensor) -> Tensor {
    let (a, b) = (abs(), other.abs())
    let (large, small) = (a.maximum(b), a.minimum(b))
    let ratio = Tensor.select(large .== 0, large * 0, small / Tensor.select(large .== 0, large + 1, large))
    return large * (ratio * ratio + 1).sqrt()
  }

  /// `log(eᵃ + eᵇ)` without overflow.
  public func logAddExp(_ other: Tensor) -> Tensor {
    let (a, b) = Tensor.aligned(floating(), other.floating(), "logAddExp")
    let isLarger = a .> b
    // Equal infinities differ by NaN.
    let isSame = (a .== b) .& a.isInfinite()
    let gap = Tensor.select(isSame, 0, Tensor.select(isLarger, b - a, a - b))
    return .select(isLarger, a, b) + gap.exp().log1p()
  }
}

// MARK: - Comparison and logic

infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence
infix operator .& : LogicalConjunctionPrecedence
infix operator .| : LogicalDisjunctionPrecedence
infix operator .^ : LogicalDisjunctionPrecedence

extension Tensor {
  static func compare(_ comparison: Comparison, _ a: Tensor, _ b: Tensor) -> Tensor {
    let (x, y) = aligned(a, b, "\(comparison)")
    return emit(.compare(comparison), x, y)
  }

  public static func .== (a: Tensor, b: Tensor) -> Tensor { compare(.equal, a, b) }
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare(.notEqual, a, b) }
  public static func .< (a: Tensor, b: Tensor) -> Tensor { compare(.less, a, b) }
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare(.lessEqual, a, b) }
  public static func .> (a: Tensor, b: Tensor) -> Tensor { compare(.greater, a, b) }
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare(.greaterEqual, a, b) }
  public static func .== <S: TensorScalar>(a: Tensor, b: S) -> Tensor { compare(.equal, a, a.operand(b)) }
  public static func .!= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { compare(.notEqual, a, a.operand(b)) }
  public static func .< <S: TensorScalar>(a: Tensor, b: S) -> Tensor { compare(.less, a, a.operand(b)) }
  public static func .<= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { compare(.lessEqual, a, a.operand(b)) }
  public static func .> <S: TensorScalar>(a: Tensor, b: S) -> Tensor { compare(.greater, a, a.operand(b)) }
  public static func .>= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { compare(.greaterEqual, a, a.operand(b)) }

  /// Logical on `bool`, bitwise on integers.
  public static func .& (a: Tensor, b: Tensor) -> Tensor { binary(.and, a, b) }
  public static func .| (a: Tensor, b: Tensor) -> Tensor { binary(.or, a, b) }
  public static func .^ (a: Tensor, b: Tensor) -> Tensor { binary(.xor, a, b) }
  public static prefix func ! (a: Tensor) -> Tensor { emit(.unary(.not), a) }
  /// `x · 2ⁿ` on integers; arithmetic.
  public func shiftedLeft(_ count: Tensor) -> Tensor { .binary(.shiftLeft, self, count) }
  public func shiftedRight(_ count: Tensor) -> Tensor { .binary(.shiftRight, self, count) }

  /// `then` where the condition holds, else `otherwise`; all broadcast together.
  public static func select(_ condition: Tensor, _ then: Tensor, _ otherwise: Tensor) -> Tensor {
    let (a, b) = aligned(then, otherwise, "select")
    guard let shape = Shape.broadcast(condition.shape, a.shape) else {
      fatalError("select: a condition of shape \(condition.shape) does not broadcast with \(a.shape)")
    }
    return emit(.select, condition.cast(to: .bool).broadcast(to: shape), a.broadcast(to: shape), b.broadcast(to: shape))
  }
  public static func select<S: TensorScalar>(_ condition: Tensor, _ then: Tensor, _ otherwise: S) -> Tensor {
    select(condition, then, then.operand(otherwise))
  }
  public static func select<S: TensorScalar>(_ condition: Tensor, _ then: S, _ otherwise: Tensor) -> Tensor {
    select(condition, otherwise.operand(then), otherwise)
  }

  public func isNaN() -> Tensor { self .!= self }
  public func isFinite() -> Tensor { emit(.unary(.isFinite), self) }
  public func isInfinite() -> Tensor { abs() .== Double.infinity }
}
