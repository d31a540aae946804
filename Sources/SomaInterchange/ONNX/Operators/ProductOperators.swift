import Soma

/// Products of matrices and tensors.
extension ONNXCall {
  func product() throws -> [ONNXValue]? {
    switch name {
    case "MatMul":
      let (a, b) = (try input(0), try input(1))
      try sameElements([a, b])
      try check(a.element != .bool, "operands of type bool")
      return result(try multiply(a.tensor, b.tensor), a.element)
    case "MatMulInteger":
      let (a, b) = (try input(0), try input(1))
      let left = try shifted(a, optional(2), axis: -2)
      let right = try shifted(b, optional(3), axis: -1)
      return result(try multiply(left, right), .int32)
    case "Gemm":
      let (a, b) = (try input(0), try input(1))
      try sameElements([a, b])
      try check(a.shape.rank == 2 && b.shape.rank == 2, "operands of shapes \(a.shape) and \(b.shape) are no matrices")
      let left = try flag("transA") ? a.tensor.T : a.tensor
      let right = try flag("transB") ? b.tensor.T : b.tensor
      var y = try multiply(left, right)
      let (alpha, beta) = (try float("alpha", 1), try float("beta", 1))
      if alpha != 1 { y = (y.dtype.isFloating ? y : y.cast(to: .float64)) * alpha }
      if let c = optional(2) {
        try sameElements([a, c])
        try checkBroadcasts(c.tensor, to: y.shape, "the addend")
        y = beta == 1 ? y + c.tensor : y + (y.dtype.isFloating ? c.tensor : c.tensor.cast(to: .float64)) * beta
      }
      return result(y.cast(to: a.tensor.dtype), a.element)
    case "Einsum": return try einsum()
    case "Det":
      let x = try floating(0)
      try check(
        x.shape.rank >= 2 && x.shape[-1] == x.shape[-2], "an operand of shape \(x.shape) has no square matrices")
      return result(x.tensor.determinant(), x.element)
    default: return nil
    }
  }

  /// NumPy's product, its shapes checked.
  func multiply(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    try check(a.rank > 0 && b.rank > 0, "a scalar is no matrix")
    let left = a.rank == 1 ? Shape([1, a.shape[0]]) : a.shape
    let right = b.rank == 1 ? Shape([b.shape[0], 1]) : b.shape
    try check(left[-1] == right[-2], "matrices \(a.shape) and \(b.shape) do not multiply")
    let batch = try broadcastShape([Shape(left.dropLast(2)), Shape(right.dropLast(2))])
    _ = try checkedShape(batch.dimensions + [left[-2], right[-1]])
    return a.matmul(b)
  }

  /// Quantized numbers without their zero point, as `int32`. A zero point may be one number or one for each row or column.
  func shifted(_ x: ONNXValue, _ zero: ONNXValue?, axis: Int) throws -> Tensor {
    let wide = x.tensor.cast(to: .int32)
    guard let zero else { return wide }
    try sameElements([x, zero])
    var z = zero.tensor.cast(to: .int32)
    if z.rank == 1, z.count > 1 {
      try check(x.shape.rank >= 2 && z.count == x.shape[axis], "\(z.count) zero points for \(x.shape)")
      if axis == -2 { z = z.reshape([-1, 1]) }
    } else if z.rank <= 1 {
      z = z.reshape([])
    }
    try checkBroadcasts(z, to: x.shape, "the zero point")
    return wide - z
  }

  private func einsum() throws -> [ONNXValue] {
    let values = try all()
    try sameElements(values)
    try check(values[0].element != .bool, "operands of type bool")
    guard let text = try string("equation") else { throw ONNXError(.invalid, "attribute equation is missing") }
    let equation = text.filter { $0 != " " }
    let parts = equation.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false)
    let isExplicit = parts.count == 2
    try check(!isExplicit || parts[0].hasSuffix("-"), "an equation without ->")
    let left = isExplicit ? parts[0].dropLast() : parts[0]
    let terms = left.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    try check(terms.count == values.count, "\(terms.count) terms for \(values.count) operands")
    var lengths = [Character: Int]()
    var ellipsis: Shape = []
    func letters(_ term: some StringProtocol) throws -> (before: [Character], after: [Character], hasEllipsis: Bool) {
      var pieces = [[Character]()]
      var rest = term[...]
      while let c = rest.first {
        if rest.hasPrefix("...") {
          pieces.append([])
          rest = rest.dropFirst(3)
          continue
        }
        try check(c.isASCII && c.isLetter, "the equation has a sign that is no letter")
        pieces[pieces.count - 1].append(c)
        rest = rest.dropFirst()
      }
      try check(pieces.count <= 2, "a term with two ellipses")
      return (pieces[0], pieces.count == 2 ? pieces[1] : [], pieces.count == 2)
    }
    for (term, value) in zip(terms, values) {
      let (before, after, hasEllipsis) = try letters(term)
      let named = before.count + after.count
      try check(
        hasEllipsis ? value.shape.rank >= named : value.shape.rank == named, "\(named) letters for shape \(value.shape)"
      )
      let middle = value.shape.rank - named
      if hasEllipsis {
        ellipsis = try broadcastShape([ellipsis, Shape(Array(value.shape[before.count..<before.count + middle]))])
      }
      let own = Array(value.shape[..<before.count]) + Array(value.shape[(before.count + middle)...])
      for (letter, length) in zip(before + after, own) {
        let known = lengths[letter]
        try check(known == nil || known == length, "axes of one letter have lengths \(known ?? 0) and \(length)")
        lengths[letter] = length
      }
    }
    try check(ellipsis.rank <= 9, "an ellipsis of \(ellipsis.rank) axes")
    if isExplicit {
      let (before, after, _) = try letters(parts[1])
      try check(Set(before + after).count == before.count + after.count, "a letter occurs twice in the result")
      try check((before + after).allSatisfy { lengths[$0] != nil }, "the result has a letter that no operand has")
      try check(ellipsis.rank == 0 || parts[1].contains("..."), "the result leaves out the ellipsis")
      _ = try checkedShape(ellipsis.dimensions + (before + after).compactMap { lengths[$0] })
    }
    return result(Tensor.einsum(equation, values.map(\.tensor)), values[0].element)
  }
}
