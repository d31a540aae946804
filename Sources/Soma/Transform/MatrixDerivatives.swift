// Derivatives of factorizations (Giles 2008, "Collected matrix derivative results"; Walter & Lehmann 2010 for QR).

extension Tensor {
  /// The lower triangle with half the diagonal.
  fileprivate func halfLower() -> Tensor {
    let n = shape[-1]
    let weights = Tensor.lowerTriangle(n, n).cast(to: dtype) - Tensor.eye(n, dtype: dtype) * 0.5
    return self * weights
  }
  fileprivate func symmetrized() -> Tensor { (self + T) * 0.5 }
  /// `1 / (vⱼ - vᵢ)` off the diagonal, 0 on it.
  fileprivate func inverseGaps() -> Tensor {
    let gaps = expandDimensions(at: -2) - expandDimensions(at: -1)
    let isDiagonal = Tensor.eye(shape.last, dtype: .int32) .!= 0
    return .select(isDiagonal, 0, 1 / Tensor.select(isDiagonal, 1, gaps))
  }
  fileprivate var column: Tensor { expandDimensions(at: -1) }
  fileprivate var row: Tensor { expandDimensions(at: -2) }
  /// `A L⁻ᵀ`-like products by triangular solves: X with `X op(A) = self`.
  fileprivate func divided(byTriangular a: Tensor, lower: Bool, transposed: Bool) -> Tensor {
    a.triangularSolve(T, lower: lower, transposed: !transposed).T
  }
}

extension Application {
  func choleskyCotangent(_ g: Tensor) -> Tensor {
    let inner = y.T.matmul(g).halfLower()
    let left = y.triangularSolve(inner + inner.T, transposed: true)
    return left.divided(byTriangular: y, lower: true, transposed: false) * 0.5
  }

  func choleskyTangent(_ t: Tensor) -> Tensor {
    let left = y.triangularSolve(t.symmetrized())
    return y.matmul(left.divided(byTriangular: y, lower: true, transposed: true).halfLower())
  }

  func symmetricEigenCotangent(_ gValues: Tensor?, _ gVectors: Tensor?) -> Tensor {
    let (w, v) = (results[0], results[1])
    var inner = Tensor.zeros(like: v)
    if let gVectors { inner = inner + w.inverseGaps() * v.T.matmul(gVectors) }
    if let gValues { inner = inner + gValues.diagonalMatrix() }
    return v.matmul(inner).matmul(v.T).symmetrized()
  }

  func symmetricEigenTangents(_ t: Tensor) -> [Tensor] {
    let (w, v) = (results[0], results[1])
    let inner = v.T.matmul(t.symmetrized()).matmul(v)
    return [inner.diagonal(), v.matmul(w.inverseGaps() * inner)]
  }

  func singularValuesCotangent(_ gu: Tensor?, _ gs: Tensor?, _ gvt: Tensor?) -> Tensor {
    let (u, s, vt) = (results[0], results[1], results[2])
    let gaps = (s * s).inverseGaps()
    var inner = (gs ?? Tensor.zeros(like: s)).diagonalMatrix()
    var outer = Tensor.zeros(like: x)
    if let gu {
      let m = u.T.matmul(gu)
      inner = inner + gaps * (m - m.T) * s.row
      let scaled = gu / s.row
      outer = outer + (scaled - u.matmul(u.T.matmul(scaled))).matmul(vt)
    }
    if let gvt {
      let gv = gvt.T
      let m = vt.matmul(gv)
      inner = inner + s.column * (gaps * (m - m.T))
      let scaled = gv / s.row
      outer = outer + u.matmul((scaled - vt.T.matmul(vt.matmul(scaled))).T)
    }
    return u.matmul(inner).matmul(vt) + outer
  }

  func singularValuesTangents(_ t: Tensor) -> [Tensor] {
    let (u, s, vt) = (results[0], results[1], results[2])
    let v = vt.T
    let inner = u.T.matmul(t).matmul(v)
    let gaps = (s * s).inverseGaps()
    let (a, b) = (t.matmul(v) / s.row, t.T.matmul(u) / s.row)
    let du = u.matmul(gaps * (inner * s.row + s.column * inner.T)) + a - u.matmul(u.T.matmul(a))
    let dv = v.matmul(gaps * (s.column * inner + inner.T * s.row)) + b - v.matmul(vt.matmul(b))
    return [du, inner.diagonal(), dv.T]
  }

  func qrCotangent(_ gq: Tensor, _ gr: Tensor) -> Tensor {
    let (q, r) = (results[0], results[1])
    let (m, n) = (x.shape[-2], x.shape[-1])
    if m >= n { return squareQRCotangent(q, r, gq, gr) }
    // A = [X | Y] with X square: Q R₁ = X, R₂ = Qᵀ Y.
    let (last, k) = (x.rank - 1, m)
    let rest = x.slice(last, k..<n)
    let (g1, g2) = (gr.slice(last, 0..<k), gr.slice(last, k..<n))
    let left = squareQRCotangent(q, r.slice(last, 0..<k), gq + rest.matmul(g2.T), g1)
    return .concatenate([left, q.matmul(g2)], axis: -1)
  }

  private func squareQRCotangent(_ q: Tensor, _ r: Tensor, _ gq: Tensor, _ gr: Tensor) -> Tensor {
    let m = r.matmul(gr.T) - gq.T.matmul(q)
    let lower = m.lowerTriangular()
    let symmetric = lower + m.lowerTriangular(offset: -1).T
    return (gq + q.matmul(symmetric)).divided(byTriangular: r, lower: false, transposed: true)
  }

  func qrTangents(_ t: Tensor) -> [Tensor] {
    let (q, r) = (results[0], results[1])
    let (m, n) = (x.shape[-2], x.shape[-1])
    let last = x.rank - 1
    let k = Swift.min(m, n)
    let (r1, t1) = (r.slice(last, 0..<k), t.slice(last, 0..<k))
    let scaled = t1.divided(byTriangular: r1, lower: false, transposed: false)
    let inner = q.T.matmul(scaled)
    let lower = inner.lowerTriangular(offset: -1)
    let rotation = lower - lower.T
    let dq = q.matmul(rotation) + scaled - q.matmul(inner)
    let dr1 = (inner - rotation).matmul(r1)
    guard n > m else { return [dq, dr1] }
    let dr2 = dq.T.matmul(x.slice(last, k..<n)) + q.T.matmul(t.slice(last, k..<n))
    return [dq, .concatenate([dr1, dr2], axis: -1)]
  }
}
