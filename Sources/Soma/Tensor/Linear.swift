extension Tensor {
  /// NumPy's `matmul`: `[..., m, k] · [..., k, n]` → `[..., m, n]`, batch axes broadcast; a vector on the left counts as
  /// a row, on the right as a column, and its axis goes away.
  ///
  /// Large `float32` products may take fewer multiplications at about twice the rounding error; see ``FastProducts``.
  public func matmul(_ other: Tensor) -> Tensor {
    require(rank > 0 && other.rank > 0, "matmul: shapes \(shape) and \(other.shape); wants at least one axis each")
    let common = DType.promote(self.dtype, other.dtype)
    guard common.hasProducts else {
      return cast(to: common.forProducts).matmul(other.cast(to: common.forProducts)).cast(to: common)
    }
    let (a, b) = (cast(to: common), other.cast(to: common))
    let inner = b.rank == 1 ? 0 : b.rank - 2
    require(
      a.shape.last == b.shape[inner],
      "matmul: shapes \(shape) and \(other.shape) cannot multiply"
        + (Tracer.scopePath.isEmpty ? "" : " in \(Tracer.scopePath)"))
    if b.rank <= 2 { return emit(.dot(Dot(leftContracted: [a.rank - 1], rightContracted: [inner])), a, b) }
    if a.rank == 1 { return a.expandDimensions(at: 0).matmul(b).squeezed([-2]) }
    guard let batch = Shape.broadcast(Shape(a.shape.dropLast(2)), Shape(b.shape.dropLast(2))) else {
      fatalError("matmul: the batch axes of \(shape) and \(other.shape) do not broadcast")
    }
    let left = a.broadcast(to: batch + [a.shape[-2], a.shape[-1]])
    let right = b.broadcast(to: batch + [b.shape[-2], b.shape[-1]])
    let axes = Array(0..<batch.rank)
    return emit(
      .dot(
        Dot(
          leftBatch: axes, rightBatch: axes, leftContracted: [batch.rank + 1], rightContracted: [batch.rank])),
      left, right)
  }

  /// `Σᵢ aᵢ bᵢ` over the last axis of both, batch axes broadcast.
  public func dot(_ other: Tensor) -> Tensor { (self * other).sum([-1]) }

  /// All products of an element of each: shapes join.
  public func outer(_ other: Tensor) -> Tensor {
    reshape(shape + [Int](repeating: 1, count: other.rank)) * other
  }

  /// `[..., m, n]` ⊗ `[..., p, q]` → `[..., m·p, n·q]`
  public func kronecker(_ other: Tensor) -> Tensor {
    let (batch, m, n) = shape.asMatrices
    let (_, p, q) = other.shape.asMatrices
    let left = reshape(batch + [m, 1, n, 1])
    let right = other.reshape(Shape(other.shape.dropLast(2)) + [1, p, 1, q])
    let result = left * right
    return result.reshape(Shape(result.shape.dropLast(4)) + [m * p, n * q])
  }

  // MARK: Factorizations of the last two axes

  /// The lower L with `L Lᵀ = (A + Aᵀ)/2`; NaN where that is not positive-definite.
  public func cholesky() -> Tensor { emit(.cholesky, (floating() + floating().T) * 0.5) }
  /// Ascending eigenvalues and, in columns, eigenvectors of the symmetric part of A.
  public func symmetricEigen() -> (values: Tensor, vectors: Tensor) {
    let result = emit(.symmetricEigen, [floating()])
    return (result[0], result[1])
  }
  /// `A = U diag(s) Vᵀ`, thin, s descending.
  public func singularValues() -> (u: Tensor, s: Tensor, vTransposed: Tensor) {
    let result = emit(.singularValues, [floating()])
    return (result[0], result[1], result[2])
  }
  /// `A = Q R`, reduced, with a non-negative diagonal of R.
  public func qr() -> (q: Tensor, r: Tensor) {
    let result = emit(.qr, [floating()])
    return (result[0], result[1])
  }
  /// X with `A X = B`; B is `[..., n, m]` or one vector `[n]`.
  public func solve(_ right: Tensor) -> Tensor {
    Tensor.solving(self, right) { emit(.solve(transposed: false), $0, $1) }
  }
  /// X with `A X = B` (or `Aᵀ X = B`) for triangular A.
  public func triangularSolve(
    _ right: Tensor, lower: Bool = true, transposed: Bool = false, unitDiagonal: Bool = false
  ) -> Tensor {
    Tensor.solving(self, right) {
      emit(.triangularSolve(lower: lower, transposed: transposed, unitDiagonal: unitDiagonal), $0, $1)
    }
  }
  private static func solving(_ a: Tensor, _ b: Tensor, _ solve: (Tensor, Tensor) -> Tensor) -> Tensor {
    let dtype = DType.promote(a.floating().dtype, b.floating().dtype)
    let isVector = b.rank == 1
    let right = (isVector ? b.expandDimensions(at: -1) : b).cast(to: dtype)
    guard let batch = Shape.broadcast(Shape(a.shape.dropLast(2)), Shape(right.shape.dropLast(2))) else {
      fatalError("solve: the batch axes of \(a.shape) and \(b.shape) do not broadcast")
    }
    let result = solve(
      a.cast(to: dtype).broadcast(to: batch + [a.shape[-2], a.shape[-1]]),
      right.broadcast(to: batch + [right.shape[-2], right.shape[-1]]))
    return isVector ? result.squeezed([-1]) : result
  }
  /// `A⁻¹`
  public func inverse() -> Tensor { solve(Tensor.eye(shape[-1], dtype: floating().dtype)) }
  /// Sign and logarithm of the magnitude of the determinant.
  public func logDeterminant() -> (sign: Tensor, logMagnitude: Tensor) {
    let result = emit(.logDeterminant, [floating()])
    return (result[0], result[1])
  }
  public func determinant() -> Tensor {
    let (sign, log) = logDeterminant()
    return sign * log.exp()
  }
  /// The pseudo-inverse, leaving out singular values below `relativeTolerance` times the largest.
  public func pseudoInverse(relativeTolerance: Double = 1e-6) -> Tensor {
    let (u, s, vt) = singularValues()
    let keep = s .> s.max([-1], keepsAxes: true) * relativeTolerance
    let inverse = Tensor.select(keep, 1 / Tensor.select(keep, s, s * 0 + 1), 0)
    return vt.T.matmul(inverse.expandDimensions(at: -1) * u.T)
  }
  /// The least-squares solution of `A x = b`, A of full column rank.
  public func leastSquares(_ right: Tensor) -> Tensor {
    let (q, r) = qr()
    let isVector = right.rank == 1
    let projected = q.T.matmul(isVector ? right.expandDimensions(at: -1) : right)
    let result = r.triangularSolve(projected, lower: false)
    return isVector ? result.squeezed([-1]) : result
  }

  // MARK: Fourier transforms

  /// Real and imaginary parts of `Σⱼ xⱼ exp(-2πi jk/n)` along `axis`; (self, imaginary) is the input.
  public func fourier(imaginary: Tensor? = nil, axis: Int = -1) -> (real: Tensor, imaginary: Tensor) {
    let x = floating()
    let result = emit(
      .fourier(inverse: false, axis: shape.normalized(axis: axis)), [x, imaginary ?? Tensor.zeros(like: x)])
    return (result[0], result[1])
  }
  /// Real and imaginary parts of `1/n Σₖ Xₖ exp(2πi jk/n)` along `axis`.
  public static func inverseFourier(real: Tensor, imaginary: Tensor, axis: Int = -1) -> (
    real: Tensor, imaginary: Tensor
  ) {
    let axis = real.shape.normalized(axis: axis)
    let result = emit(.fourier(inverse: true, axis: axis), [real, imaginary])
    let n = Double(real.shape[axis])
    return (result[0] / n, result[1] / n)
  }
  /// The first `n / 2 + 1` bins of the Fourier transform of a real signal.
  public func realFourier(axis: Int = -1) -> (real: Tensor, imaginary: Tensor) {
    let result = emit(.realFourier(axis: shape.normalized(axis: axis)), [floating()])
    return (result[0], result[1])
  }
  /// The real signal of `length` whose first `length / 2 + 1` bins are given.
  public static func inverseRealFourier(real: Tensor, imaginary: Tensor, length: Int, axis: Int = -1) -> Tensor {
    emit(.inverseRealFourier(axis: real.shape.normalized(axis: axis), length: length), real, imaginary) / Double(length)
  }
}
