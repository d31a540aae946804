extension Graph {
  /// An equivalent graph without calls: `custom` and `checkpoint` nodes give way to their bodies. Values of a checkpoint
  /// get a number of their own so that common sub-expressions are not merged across it.
  func inlined() -> (graph: Graph, regions: [Int]) {
    var result = Graph()
    var regions: [Int] = []
    var regionCount = 0
    func inline(_ graph: Graph, _ arguments: [ValueID], _ region: Int, _ scope: String) -> [ValueID] {
      var values = [ValueID](repeating: -1, count: graph.types.count)
      for (id, argument) in zip(graph.inputs, arguments) { values[id] = argument }
      for node in graph.nodes {
        let inputs = node.inputs.map { values[$0] }
        let path = scope.isEmpty ? node.scope : node.scope.isEmpty ? scope : scope + "/" + node.scope
        let outputs: [ValueID]
        if case .custom(let custom) = node.primitive {
          outputs = inline(custom.function, inputs, region, path)
        } else if case .checkpoint(let body) = node.primitive {
          regionCount += 1
          outputs = inline(body, inputs, regionCount, path)
        } else {
          outputs = Array(
            result.add(node.primitive, inputs, types: node.outputs.map { graph.types[$0] }, scope: path))
          regions.append(region)
        }
        for (id, output) in zip(node.outputs, outputs) { values[id] = output }
      }
      return graph.outputs.map { values[$0] }
    }
    let arguments = inputs.map { result.addInput(types[$0]) }
    result.outputs = inline(self, arguments, 0, "")
    return (result, regions)
  }

  /// An equivalent graph without calls, dead nodes, repeated sub-expressions and operations that change nothing.
  public func simplified() -> Graph {
    let (flat, regions) = inlined()
    return flat.withoutRepetitions(regions).withoutDeadNodes()
  }

  private struct Expression: Hashable {
    let primitive: Primitive
    let inputs: [ValueID]
    let region: Int
  }

  /// Merges equal sub-expressions and applies algebraic identities that hold to the bit.
  private func withoutRepetitions(_ regions: [Int]) -> Graph {
    var result = Graph()
    var values = [ValueID](repeating: -1, count: types.count)
    for id in inputs { values[id] = result.addInput(types[id]) }
    var known: [Expression: Range<ValueID>] = [:]
    /// The node that makes each value of `result`.
    var makers: [ValueID: Node] = [:]
    func constantScalar(_ id: ValueID) -> Double? {
      guard let maker = makers[id] else { return nil }
      if case .constant(let constant) = maker.primitive {
        return constant.type.shape.elementCount == 1 ? constant.tensor.doubles[0] : nil
      }
      if case .broadcast = maker.primitive { return constantScalar(maker.inputs[0]) }
      if case .reshape = maker.primitive { return constantScalar(maker.inputs[0]) }
      return nil
    }
    for (index, node) in nodes.enumerated() {
      var operands = node.inputs.map { values[$0] }
      var primitive = node.primitive
      let type = types[node.outputs.lowerBound]

      // Chains of reshapes and transposes become one.
      if let maker = operands.first.flatMap({ makers[$0] }) {
        if case .reshape = primitive, case .reshape = maker.primitive {
          operands = maker.inputs
        } else if case .transpose(let outer) = primitive, case .transpose(let inner) = maker.primitive {
          primitive = .transpose(outer.map { inner[$0] })
          operands = maker.inputs
        } else if case .broadcast(let shape, let outer) = primitive, case .broadcast(_, let inner) = maker.primitive {
          primitive = .broadcast(shape, axes: inner.map { outer[$0] })
          operands = maker.inputs
        }
      }

      var identity: ValueID?
      let first = operands.first.map { result.types[$0] }
      if case .reshape(let shape) = primitive, first?.shape == shape { identity = operands[0] }
      if case .broadcast(let shape, _) = primitive, first?.shape == shape { identity = operands[0] }
      if case .transpose(let order) = primitive, order == Array(order.indices) { identity = operands[0] }
      if case .cast(let dtype) = primitive, first?.dtype == dtype { identity = operands[0] }
      if case .concatenate = primitive, operands.count == 1 { identity = operands[0] }
      if primitive == .stopGradient { identity = operands[0] }
      if primitive == .binary(.multiply), type.dtype != .bool {
        if constantScalar(operands[1]) == 1 { identity = operands[0] }
        if constantScalar(operands[0]) == 1 { identity = operands[1] }
      }
      if primitive == .binary(.divide), constantScalar(operands[1]) == 1 { identity = operands[0] }
      if primitive == .binary(.subtract), let zero = constantScalar(operands[1]), zero == 0, zero.sign == .plus {
        identity = operands[0]
      }
      if primitive == .unary(.negate), let maker = makers[operands[0]], maker.primitive == primitive {
        identity = maker.inputs[0]
      }
      if let identity {
        values[node.outputs.lowerBound] = identity
        continue
      }

      // Sources cost nothing to share between regions.
      let region = primitive.isSource || operands.isEmpty ? 0 : regions[index]
      let expression = Expression(primitive: primitive, inputs: operands, region: region)
      let outputs: Range<ValueID>
      if let same = known[expression] {
        outputs = same
      } else {
        outputs = result.add(primitive, operands, types: node.outputs.map { types[$0] }, scope: node.scope)
        known[expression] = outputs
        for id in outputs { makers[id] = result.nodes[result.nodes.count - 1] }
      }
      for (id, output) in zip(node.outputs, outputs) { values[id] = output }
    }
    result.outputs = outputs.map { values[$0] }
    return result
  }

  /// Keeps what the outputs need, and every input.
  func withoutDeadNodes() -> Graph {
    var isNeeded = [Bool](repeating: false, count: types.count)
    for id in outputs { isNeeded[id] = true }
    var kept: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: { isNeeded[$0] }) {
      for id in node.inputs { isNeeded[id] = true }
      kept.append(node)
    }
    var result = Graph()
    var values = [ValueID](repeating: -1, count: types.count)
    for id in inputs { values[id] = result.addInput(types[id]) }
    for node in kept.reversed() {
      let outputs = result.add(
        node.primitive, node.inputs.map { values[$0] }, types: node.outputs.map { types[$0] }, scope: node.scope)
      for (id, output) in zip(node.outputs, outputs) { values[id] = output }
    }
    result.outputs = outputs.map { values[$0] }
    return result
  }
}
