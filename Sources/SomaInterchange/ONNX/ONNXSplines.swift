import Soma

extension SplineSum {
  /// The sum in elementary operations, for formats that have no splines: all splines by the recursion of Cox and de Boor, then a
  /// product of matrices.
  func spelledOut(_ role: Role, _ types: [TensorType]) -> Graph {
    Graph(tracing: types) { operands in
      let (x, knots, third) = (operands[0], operands[1], operands[2])
      let (b, s, i) = (x.shape[0], x.shape[1], x.shape[2])
      var values = splines(x, knots)
      let r = values.shape[3]
      if role != .weights, operands.count > 3 { values = values * operands[3].expandDimensions(at: 3) }
      let matrix = values.reshape([b, s, i * r])
      switch role {
      case .output: return [matrix.matmul(third.reshape([b, i * r, third.shape[3]]))]
      case .coefficients: return [matrix.T.matmul(third).reshape([b, i, r, third.shape[2]])]
      case .weights:
        let o = third.shape[3]
        let sums = operands[3].matmul(third.reshape([b, i * r, o]).T).reshape([b, s, i, r])
        return [(values * sums).sum([3])]
      }
    }
  }

  /// - Shape: x `[b, s, i]`, knots `[b, i, k]` → `[b, s, i, splines]`
  private func splines(_ x: Tensor, _ knots: Tensor) -> Tensor {
    let count = knots.shape[2]
    let places = x.expandDimensions(at: 3)
    func knot(_ first: Int, _ length: Int) -> Tensor {
      knots[.all, .all, first..<first + length].expandDimensions(at: 1)
    }
    /// 1 / (t[j + degree] - t[j]); 0 where knots coincide, as such a spline is zero.
    func inverses(_ first: Int, _ length: Int, _ degree: Int) -> Tensor {
      let gap = knot(first + degree, length) - knot(first, length)
      let isOpen = gap .> Tensor(0, dtype: x.dtype)
      return Tensor.select(
        isOpen, 1 / Tensor.select(isOpen, gap, Tensor(1, dtype: x.dtype)), Tensor(0, dtype: x.dtype))
    }
    let isInside = (places .>= knot(0, count - 1)) .& (places .< knot(1, count - 1))
    var values = isInside.cast(to: x.dtype)
    for degree in stride(from: 1, through: order, by: 1) {
      let n = count - 1 - degree
      let left = values[.all, .all, .all, 0..<n] * inverses(0, n, degree)
      let right = values[.all, .all, .all, 1..<n + 1] * inverses(1, n, degree)
      if degree <= order - derivative {
        values = (places - knot(0, n)) * left + (knot(degree + 1, n) - places) * right
      } else {
        values = (left - right) * Double(degree)
      }
    }
    return values
  }
}
