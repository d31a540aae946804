import Soma

/// Reductions and running totals.
extension ONNXCall {
  func reduction() throws -> [ONNXValue]? {
    switch name {
    case "ReduceSum": return try reduce { $0.sum($1, keepsAxes: $2) }
    case "ReduceProd": return try reduce { $0.product($1, keepsAxes: $2) }
    case "ReduceMean":
      return try reduce { x, axes, keeps in
        let sum = x.sum(axes, keepsAxes: keeps)
        let count = axes.reduce(1) { $0 * x.shape[$1] }
        return x.dtype.isFloating ? sum / Double(count) : sum.truncatedQuotient(Tensor(count, dtype: sum.dtype))
      }
    case "ReduceMax":
      return try reduce(allowsBool: true) { x, axes, keeps in
        x.dtype == .bool ? x.any(axes, keepsAxes: keeps) : x.max(axes, keepsAxes: keeps)
      }
    case "ReduceMin":
      return try reduce(allowsBool: true) { x, axes, keeps in
        x.dtype == .bool ? x.all(axes, keepsAxes: keeps) : x.min(axes, keepsAxes: keeps)
      }
    case "ReduceL1": return try reduce { $0.abs().sum($1, keepsAxes: $2) }
    case "ReduceL2":
      return try reduce { x, axes, keeps in
        let root = x.squared().sum(axes, keepsAxes: keeps).sqrt()
        return x.dtype.isFloating ? root : root.cast(to: x.dtype)
      }
    case "ReduceSumSquare": return try reduce { $0.squared().sum($1, keepsAxes: $2) }
    case "ReduceLogSum": return try reduce(floating: true) { $0.sum($1, keepsAxes: $2).log() }
    case "ReduceLogSumExp":
      return try reduce(floating: true) { x, axes, keeps in
        axes.contains { x.shape[$0] == 0 }
          ? x.exp().sum(axes, keepsAxes: keeps).log() : x.logSumExp(axes, keepsAxes: keeps)
      }
    case "ArgMax": return try extremum(largest: true)
    case "ArgMin": return try extremum(largest: false)
    case "CumSum": return try running(from: 0) { $0.cumulativeSum($1, reverse: $2) }
    case "CumProd": return try running(from: 1) { $0.cumulativeProduct($1, reverse: $2) }
    case "TopK": return try largest()
    default: return nil
    }
  }

  private func reduce(
    allowsBool: Bool = false, floating: Bool = false, _ body: (Tensor, [Int], Bool) -> Tensor
  ) throws -> [ONNXValue] {
    let x = try input(0)
    try check(allowsBool || x.element != .bool, "operand of type bool")
    try check(!floating || x.element.isFloating, "operand of type \(x.element.name)")
    let names = try ints("axes") ?? optionalIntegers(1)
    if names?.isEmpty ?? true, try flag("noop_with_empty_axes") {
      // Nothing is reduced, but what is done to each element still is.
      return result(body(x.tensor.expandDimensions(at: -1), [x.shape.rank], false), x.element)
    }
    let list = names ?? []
    let axes = list.isEmpty ? Array(0..<x.shape.rank) : try axes(list, rank: x.shape.rank)
    let keeps = try flag("keepdims", true)
    let y = axes.isEmpty ? body(x.tensor.expandDimensions(at: -1), [0], false) : body(x.tensor, axes, keeps)
    return result(y.cast(to: x.tensor.dtype), x.element)
  }

  private func extremum(largest: Bool) throws -> [ONNXValue] {
    let x = try input(0)
    let axis = try axis(int("axis", 0), rank: x.shape.rank)
    try check(x.shape[axis] > 0, "axis \(axis) of \(x.shape) has no element")
    let takesLast = try flag("select_last_index")
    let operand = takesLast ? x.tensor.reversed([axis]) : x.tensor
    var index = largest ? operand.argMax(axis) : operand.argMin(axis)
    if takesLast { index = x.shape[axis] - 1 - index }
    let keeps = try flag("keepdims", true)
    return [ONNXValue((keeps ? index.expandDimensions(at: axis) : index).cast(to: .int64), .int64)]
  }

  private func running(from start: Int, _ body: (Tensor, Int, Bool) -> Tensor) throws -> [ONNXValue] {
    let x = try input(0)
    try check(x.element != .bool, "operand of type bool")
    let axis = try axis(integer(1), rank: x.shape.rank)
    let reverse = try flag("reverse")
    var y = body(x.tensor, axis, reverse)
    if try flag("exclusive"), x.shape[axis] > 0 {
      let edge = Tensor.full(x.shape.replacing(axis: axis, with: 1), start, dtype: y.dtype)
      let n = x.shape[axis]
      let parts = y.split(sizes: reverse ? [1, n - 1] : [n - 1, 1], axis: axis)
      y = .concatenate(reverse ? [parts[1], edge] : [edge, parts[0]], axis: axis)
    }
    return result(y, x.element)
  }

  private func largest() throws -> [ONNXValue] {
    let x = try input(0)
    let axis = try axis(int("axis", -1), rank: x.shape.rank)
    let k = version < 10 ? try int("k", 0) : try integer(1)
    try check(k >= 0 && k <= x.shape[axis], "k = \(k) of \(x.shape[axis]) elements")
    let order = x.tensor.argSort(axis, descending: try flag("largest", true))
    let first = order.split(sizes: [k, x.shape[axis] - k], axis: axis)[0]
    return [
      ONNXValue(x.tensor.takeAlong(first, axis: axis), x.element), ONNXValue(first.cast(to: .int64), .int64),
    ]
  }
}
