import Kernels

// Where the instructions of a fused kernel find their operands.
extension FusedBuilder {
  mutating func newRegister(_ level: soma_level, _ size: Int, persistent: Bool = false) -> Operand {
    let elements = level == SOMA_LEVEL_ROW ? blockRows : blockRows * n
    registers.append(Register(bytes: (elements * size + 63) & ~63, isPersistent: persistent))
    return .register(registers.count - 1)
  }

  mutating func append(_ instruction: Instruction) {
    for case .register(let r) in instruction.operands + [instruction.out] { registers[r].lastUse = body.count }
    body.append(instruction)
  }

  /// The slot of a value from outside.
  mutating func slot(_ root: ValueID) -> Int {
    if let known = inputs.firstIndex(of: root) { return outputs.count + known }
    inputs.append(root)
    return outputs.count + inputs.count - 1
  }

  /// The single number behind an operand that repeats it.
  func scalarSource(_ id: ValueID, _ members: Set<Int>) -> ValueID? {
    guard let m = makers[roots[id]], isView[m], case .broadcast = graph.nodes[m].primitive else { return nil }
    let source = roots[graph.nodes[m].inputs[0]]
    guard type(source).shape.elementCount == 1 else { return nil }
    if let s = makers[source], members.contains(s) { return nil }
    return source
  }

  mutating func scalarOperands(_ node: Graph.Node, _ function: Binary, _ isRow: Bool, _ members: Set<Int>)
    -> (soma_map, [Operand])?
  {
    let dtype = type(node.inputs[0]).dtype
    if let source = scalarSource(node.inputs[1], members),
      let map = soma_binary_scalar_right_map(function.code, dtype.code)
    {
      let left = operand(node.inputs[0], isRow: isRow, members)
      return (map, [left, .slot(slot(source), level: SOMA_LEVEL_SCALAR)])
    }
    if let source = scalarSource(node.inputs[0], members),
      let map = soma_binary_scalar_left_map(function.code, dtype.code)
    {
      let right = operand(node.inputs[1], isRow: isRow, members)
      return (map, [.slot(slot(source), level: SOMA_LEVEL_SCALAR), right])
    }
    return nil
  }

  /// A binary map that reads one operand through a view instead of from a block that the view was copied to.
  struct ViewedMap {
    var kind: soma_fused_kind
    var map: soma_map
    var operands: [Operand]
    var side: Int
    var view = soma_view()
    var offset = 0
  }

  mutating func viewedOperands(_ node: Graph.Node, _ function: Binary, isRow: Bool, _ members: Set<Int>)
    -> ViewedMap?
  {
    let dtype = type(node.inputs[0]).dtype
    for side in [1, 0] {
      guard let m = makers[roots[node.inputs[side]]], isView[m] else { continue }
      let view = graph.nodes[m]
      let source = roots[view.inputs[0]]
      let scalarMap =
        side == 1
        ? soma_binary_scalar_right_map(function.code, dtype.code)
        : soma_binary_scalar_left_map(function.code, dtype.code)
      let isInner = makers[source].map { members.contains($0) } ?? false
      var result: ViewedMap
      if isInner {
        guard !isRow, let scalarMap, let own = operands[source] else { continue }
        result = ViewedMap(kind: SOMA_FUSED_MAP_ROWS, map: scalarMap, operands: [own], side: side)
      } else {
        guard type(source).shape.elementCount > 1 else { continue }
        let (strides, offset) = FusedBuilder.strides(
          view.primitive, from: type(view.inputs[0]).shape, to: type(view.outputs.lowerBound).shape)
        let (run, step) = FusedBuilder.innermost(strides)
        let map = step == 0 ? scalarMap : soma_binary_map(function.code, dtype.code)
        guard let map, (step == 0 && run >= 16) || (step == 1 && run >= 64) else { continue }
        result = ViewedMap(kind: SOMA_FUSED_MAP_RUNS, map: map, operands: [], side: side, view: strides, offset: offset)
        result.operands = [.slot(slot(source), level: SOMA_LEVEL_SCALAR)]
      }
      result.operands.insert(operand(node.inputs[1 - side], isRow: isRow, members), at: side == 1 ? 0 : 1)
      return result
    }
    return nil
  }

  static func innermost(_ view: soma_view) -> (run: Int, step: Int) {
    withUnsafeBytes(of: view.dims) { dims in
      withUnsafeBytes(of: view.strides) { strides in
        let last = Int(view.rank) - 1
        return (Int(dims.bindMemory(to: Int64.self)[last]), Int(strides.bindMemory(to: Int64.self)[last]))
      }
    }
  }

  mutating func operand(_ id: ValueID, isRow: Bool, _ members: Set<Int>) -> Operand {
    let root = roots[id]
    let level = isRow ? SOMA_LEVEL_ROW : SOMA_LEVEL_ELEMENT
    guard let m = makers[root] else { return .slot(slot(root), level: level) }
    if isView[m] { return view(m, isRow: isRow, members) }
    if members.contains(m) { return operands[root]! }
    return .slot(slot(root), level: level)
  }

  mutating func view(_ m: Int, isRow: Bool, _ members: Set<Int>) -> Operand {
    let key = View(node: m, isRow: isRow)
    if let known = views[key] { return known }
    let node = graph.nodes[m]
    let source = roots[node.inputs[0]]
    let size = type(source).dtype.size
    let level = isRow ? SOMA_LEVEL_ROW : SOMA_LEVEL_ELEMENT
    let isInner = makers[source].map { members.contains($0) } ?? false
    let result: Operand
    if !isInner, type(source).shape.elementCount == 1 {
      // One number, repeated once for all blocks.
      result = newRegister(level, size, persistent: true)
      prologue.append(
        Instruction(
          kind: SOMA_FUSED_FILL, level: level, map: nil, out: result,
          operands: [.slot(slot(source), level: SOMA_LEVEL_SCALAR)],
          sizes: [size], outSize: size, dtype: type(source).dtype))
    } else {
      result = newRegister(level, size)
      var instruction = Instruction(
        kind: isInner ? SOMA_FUSED_EXPAND : SOMA_FUSED_LOAD, level: level, map: nil, out: result,
        operands: [isInner ? operands[source]! : .slot(slot(source), level: SOMA_LEVEL_SCALAR)], sizes: [size],
        outSize: size,
        dtype: type(source).dtype)
      if !isInner {
        let (view, offset) = FusedBuilder.strides(
          node.primitive, from: type(node.inputs[0]).shape, to: type(node.outputs.lowerBound).shape)
        instruction.view = view
        instruction.viewOffset = offset
      }
      append(instruction)
    }
    views[key] = result
    return result
  }

  /// How a broadcast or slice reads its operand: lengths and strides, and where it begins, in elements.
  static func strides(_ primitive: Primitive, from source: Shape, to target: Shape) -> (soma_view, offset: Int) {
    let own = source.strides
    var strides = [Int](repeating: 0, count: target.rank)
    var offset = 0
    switch primitive {
    case .broadcast(_, let axes): for (i, axis) in axes.enumerated() { strides[axis] = own[i] }
    case .slice(let starts, _, let steps):
      strides = zip(own, steps).map(*)
      offset = zip(own, starts).map(*).reduce(0, +)
    default: fatalError("\(primitive.name) is no view")
    }
    var merged: [(n: Int, stride: Int)] = []
    for (n, stride) in zip(target, strides) where n != 1 {
      if let last = merged.last, last.stride == stride * n {
        merged[merged.count - 1] = (last.n * n, stride)
      } else {
        merged.append((n, stride))
      }
    }
    if merged.isEmpty { merged = [(1, 0)] }
    var view = soma_view()
    view.rank = Int32(merged.count)
    withUnsafeMutableBytes(of: &view.dims) { bytes in
      let list = bytes.bindMemory(to: Int64.self)
      for (i, axis) in merged.enumerated() { list[i] = Int64(axis.n) }
    }
    withUnsafeMutableBytes(of: &view.strides) { bytes in
      let list = bytes.bindMemory(to: Int64.self)
      for (i, axis) in merged.enumerated() { list[i] = Int64(axis.stride) }
    }
    return (view, offset)
  }
}
