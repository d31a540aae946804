/// Products of tensors beyond `matmul` and `einsum`, and what they say of matrices.
extension Tensor {
  /// The vector product of the last axes, of length 3 each; the others broadcast.
  public func cross(_ other: Tensor) -> Tensor {
    require(
      rank > 0 && other.rank > 0 && shape.last == 3 && other.shape.last == 3,
      "cross wants vectors of length 3 along the last axis, not \(shape), \(other.shape)")
    let (a, b) = Tensor.aligned(self, other, "cross")
    func turned(_ x: Tensor, _ shift: Int) -> Tensor { x.rolled(-shift, axis: -1) }
    return turned(a, 1) * turned(b, 2) - turned(a, 2) * turned(b, 1)
  }

  /// Sums of products over the last axes of both.
  /// - Shape: `[…a, n]`, `[…b, n]` → `[…a, …b]`
  public func inner(_ other: Tensor) -> Tensor { tensorDot(other, axes: [rank - 1], [other.rank - 1]) }

  /// Sums of products over pairs of axes.
  /// - Shape: the axes of this tensor that are left, then those of the other
  public func tensorDot(_ other: Tensor, axes: [Int], _ otherAxes: [Int]) -> Tensor {
    let (own, others) = (axes.map { shape.normalized(axis: $0) }, otherAxes.map { other.shape.normalized(axis: $0) })
    require(
      own.map { shape[$0] } == others.map { other.shape[$0] } && Set(own).count == own.count
        && Set(others).count == others.count,
      "tensorDot: axes \(axes) of \(shape) with axes \(otherAxes) of \(other.shape)")
    let (left, right) = (
      (0..<rank).filter { !own.contains($0) }, (0..<other.rank).filter { !others.contains($0) }
    )
    let length = own.reduce(1) { $0 * shape[$1] }
    let rows = left.reduce(1) { $0 * shape[$1] }
    let columns = right.reduce(1) { $0 * other.shape[$1] }
    let a = transposed(left + own).reshape(rows, length)
    let b = other.transposed(others + right).reshape(length, columns)
    return a.matmul(b).reshape(Shape(left.map { shape[$0] } + right.map { other.shape[$0] }))
  }
  /// Sums of products over the last `count` axes of this tensor and the first of the other.
  public func tensorDot(_ other: Tensor, _ count: Int = 2) -> Tensor {
    tensorDot(other, axes: Array((rank - count)..<rank), Array(0..<count))
  }

  /// `Aⁿ` of square matrices, by repeated squaring; negative powers are those of the inverse.
  public func matrixPower(_ n: Int) -> Tensor {
    require(rank >= 2 && shape[-1] == shape[-2], "matrixPower wants square matrices, not \(shape)")
    if n < 0 { return inverse().matrixPower(-n) }
    var (result, square, left) = (Tensor?.none, self, n)
    while left > 0 {
      if left & 1 == 1 { result = result?.matmul(square) ?? square }
      left >>= 1
      if left > 0 { square = square.matmul(square) }
    }
    return result ?? Tensor.eye(shape[-1], dtype: dtype).broadcast(to: shape)
  }

  /// The product of matrices in the order of multiplication that costs least (Cormen et al., Introduction to Algorithms,
  /// chapter 15). Complexity: O(k³) to find it for `k` matrices.
  public static func chainProduct(_ matrices: [Tensor]) -> Tensor {
    require(!matrices.isEmpty && matrices.allSatisfy { $0.rank == 2 }, "chainProduct wants matrices")
    let n = matrices.count
    let lengths = [matrices[0].shape[0]] + matrices.map { $0.shape[1] }
    var cost = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
    var cut = [[Int]](repeating: [Int](repeating: 0, count: n), count: n)
    for span in 1..<Swift.max(1, n) {
      for i in 0..<(n - span) {
        let j = i + span
        cost[i][j] = .infinity
        for k in i..<j {
          let own = cost[i][k] + cost[k + 1][j] + Double(lengths[i] * lengths[k + 1] * lengths[j + 1])
          if own < cost[i][j] { (cost[i][j], cut[i][j]) = (own, k) }
        }
      }
    }
    func product(_ i: Int, _ j: Int) -> Tensor {
      i == j ? matrices[i] : product(i, cut[i][j]).matmul(product(cut[i][j] + 1, j))
    }
    return product(0, n - 1)
  }

  /// The largest over the smallest singular value.
  public func conditionNumber() -> Tensor {
    let s = singularValues().s
    return s.max([-1]) / s.min([-1])
  }
  /// How many singular values exceed `tolerance` times the largest (rows or columns, whichever are more, times the type's
  /// resolution if not given), as `int32`.
  public func matrixRank(relativeTolerance: Double? = nil) -> Tensor {
    let s = singularValues().s
    let resolution = s.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
    let tolerance = relativeTolerance ?? Double(Swift.max(shape[-1], shape[-2])) * resolution
    return (s .> s.max([-1], keepsAxes: true) * tolerance).sum([-1])
  }
  /// The sum of singular values.
  public func nuclearNorm() -> Tensor { singularValues().s.sum([-1]) }
}
