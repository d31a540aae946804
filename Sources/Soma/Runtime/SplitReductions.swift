extension Graph {
  /// An equivalent graph in which a reduction of the last axes and of others is two, first of the last axes: those fuse
  /// with what makes their operand, which then need not be stored. The order of additions stays what the reduction of
  /// all axes at once has.
  func withSplitReductions() -> Graph {
    var result = Graph()
    var values = [ValueID](repeating: -1, count: types.count)
    for id in inputs { values[id] = result.addInput(types[id]) }
    for node in nodes {
      var operands = node.inputs.map { values[$0] }
      var primitive = node.primitive
      if case .reduce(let reduction, let axes) = primitive, let last = Graph.lastAxes(axes, of: types[node.inputs[0]]) {
        operands = Array(result.add(.reduce(reduction, axes: last), operands, scope: node.scope))
        primitive = .reduce(reduction, axes: axes.filter { !last.contains($0) })
      }
      let outputs = result.add(primitive, operands, types: node.outputs.map { types[$0] }, scope: node.scope)
      for (id, output) in zip(node.outputs, outputs) { values[id] = output }
    }
    result.outputs = outputs.map { values[$0] }
    return result
  }

  /// The run of axes at the end of a shape that a reduction takes beside others, if rows of it can be fused.
  private static func lastAxes(_ axes: [Int], of type: TensorType) -> [Int]? {
    let rank = type.shape.rank
    let taken = Set(axes)
    let first = (0..<rank).last { !taken.contains($0) }.map { $0 + 1 } ?? 0
    let last = Array(first..<rank)
    let length = last.reduce(1) { $0 * type.shape[$1] }
    guard !last.isEmpty, last.count < axes.count, length > 1, length <= Fusion.longestRow else { return nil }
    return type.dtype.isFloating && type.dtype != .bfloat16 && type.shape.elementCount > 0 ? last : nil
  }
}
