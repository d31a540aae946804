import Kernels

/// Translates a group of nodes into a program for the block interpreter.
struct FusedBuilder {
  /// Elements of a block: its registers together stay within the second-level cache, each within the first.
  private static let blockElements = 2048

  /// Where an operand lies before registers have places.
  private enum Operand {
    case register(Int)
    case slot(Int, level: soma_level)
  }

  private struct Instruction {
    var kind: soma_fused_kind
    var level: soma_level
    var map: soma_map?
    var out: Operand
    var operands: [Operand]
    /// Bytes of an element of each operand.
    var sizes: [Int]
    var outSize: Int
    var op: Int32 = 0
    var dtype: DType
    var view = soma_view()
    /// Of a map of two operands: what it does, and the operand that is a scalar.
    var function: Binary?
    var scalar: Int?
    /// The operand that the view reads, and where it begins.
    var viewed = 0
    var viewOffset = 0
  }

  private struct Register {
    let bytes: Int
    let isPersistent: Bool
    var lastUse = 0
    var offset = 0
  }

  private let graph: Graph
  private let roots: [ValueID]
  private let makers: [Int?]
  private let isView: [Bool]
  private let group: Fusion.Group
  private let n: Int
  private let rows: Int
  private let blockRows: Int

  private var prologue: [Instruction] = []
  private var body: [Instruction] = []
  private var registers: [Register] = []
  private var operands: [ValueID: Operand] = [:]
  private var views: [View: Operand] = [:]
  private var outputs: [ValueID] = []
  private var inputs: [ValueID] = []

  private struct View: Hashable {
    let node: Int
    let isRow: Bool
  }

  init(_ graph: Graph, roots: [ValueID], makers: [Int?], isView: [Bool], group: Fusion.Group) {
    self.graph = graph
    self.roots = roots
    self.makers = makers
    self.isView = isView
    self.group = group
    n = group.inner ?? 1
    rows = group.rows
    blockRows = Swift.max(1, FusedBuilder.blockElements / n)
  }

  private func type(_ id: ValueID) -> TensorType { graph.types[id] }

  mutating func build(isStored: [Bool], isRow: [Bool]) -> Program.Step {
    let members = Set(group.nodes)
    outputs = group.nodes.flatMap { graph.nodes[$0].outputs }.filter { isStored[$0] }
    for i in group.nodes {
      let node = graph.nodes[i]
      let id = node.outputs.lowerBound
      let rowLevel = isRow[id]
      let level = rowLevel ? SOMA_LEVEL_ROW : SOMA_LEVEL_ELEMENT
      let isReduction: Bool
      if case .reduce = node.primitive { isReduction = true } else { isReduction = false }
      let operandLevelIsRow = rowLevel && !isReduction

      // A binary map may read a scalar in place; every other map wants it repeated.
      var map: soma_map?
      var sources: [Operand] = []
      var viewed: ViewedMap?
      if case .binary(let function) = node.primitive {
        viewed = viewedOperands(node, function, isRow: operandLevelIsRow, members)
      }
      if let viewed {
        (map, sources) = (viewed.map, viewed.operands)
      } else if case .binary(let function) = node.primitive,
        let (scalarMap, both) = scalarOperands(node, function, operandLevelIsRow, members)
      {
        map = scalarMap
        sources = both
      } else {
        sources = node.inputs.map { operand($0, isRow: operandLevelIsRow, members) }
      }
      let dtype = type(node.inputs[0]).dtype
      let out: Operand
      if let slot = outputs.firstIndex(of: id) {
        out = .slot(slot, level: level)
      } else {
        out = newRegister(level, type(id).dtype.size)
      }
      operands[id] = out
      var instruction = Instruction(
        kind: SOMA_FUSED_MAP, level: level, map: map, out: out, operands: sources,
        sizes: node.inputs.map { type($0).dtype.size }, outSize: type(id).dtype.size, dtype: dtype)
      if case .binary(let function) = node.primitive, viewed == nil {
        instruction.function = function
        if map != nil {
          instruction.scalar = sources.firstIndex { if case .slot(_, SOMA_LEVEL_SCALAR) = $0 { true } else { false } }
        }
      }
      if let viewed {
        instruction.kind = viewed.kind
        (instruction.op, instruction.viewed) = (Int32(viewed.side), viewed.side)
        (instruction.view, instruction.viewOffset) = (viewed.view, viewed.offset)
      }
      switch node.primitive {
      case .unary(let function): instruction.map = soma_unary_map(function.code, dtype.code)
      case .polygamma(let order):
        instruction.kind = SOMA_FUSED_POLYGAMMA
        instruction.op = Int32(order)
      case .binary(let function): instruction.map = map ?? soma_binary_map(function.code, dtype.code)
      case .compare(let comparison): instruction.map = soma_compare_map(comparison.code, dtype.code)
      case .select: instruction.map = soma_select_map(type(node.inputs[1]).dtype.code)
      case .cast(let target): instruction.map = soma_cast_map(dtype.code, target.code)
      case .reduce(let reduction, _):
        instruction.kind = SOMA_FUSED_REDUCE
        instruction.op = Int32(reduction.rawValue)
      default: fatalError("\(node.primitive.name) cannot be fused")
      }
      require(
        instruction.kind.rawValue > SOMA_FUSED_MAP_ROWS.rawValue || instruction.map != nil,
        "\(node.primitive.name) is not defined for \(dtype)")
      append(instruction)
    }
    joinPairs()
    let scratch = placeRegisters()
    return step(scratch)
  }

  // MARK: Operands

  private mutating func newRegister(_ level: soma_level, _ size: Int, persistent: Bool = false) -> Operand {
    let elements = level == SOMA_LEVEL_ROW ? blockRows : blockRows * n
    registers.append(Register(bytes: (elements * size + 63) & ~63, isPersistent: persistent))
    return .register(registers.count - 1)
  }

  private mutating func append(_ instruction: Instruction) {
    for case .register(let r) in instruction.operands + [instruction.out] { registers[r].lastUse = body.count }
    body.append(instruction)
  }

  /// The slot of a value from outside.
  private mutating func slot(_ root: ValueID) -> Int {
    if let known = inputs.firstIndex(of: root) { return outputs.count + known }
    inputs.append(root)
    return outputs.count + inputs.count - 1
  }

  /// The single number behind an operand that repeats it.
  private func scalarSource(_ id: ValueID, _ members: Set<Int>) -> ValueID? {
    guard let m = makers[roots[id]], isView[m], case .broadcast = graph.nodes[m].primitive else { return nil }
    let source = roots[graph.nodes[m].inputs[0]]
    guard type(source).shape.elementCount == 1 else { return nil }
    if let s = makers[source], members.contains(s) { return nil }
    return source
  }

  private mutating func scalarOperands(_ node: Graph.Node, _ function: Binary, _ isRow: Bool, _ members: Set<Int>)
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
  private struct ViewedMap {
    var kind: soma_fused_kind
    var map: soma_map
    var operands: [Operand]
    var side: Int
    var view = soma_view()
    var offset = 0
  }

  private mutating func viewedOperands(_ node: Graph.Node, _ function: Binary, isRow: Bool, _ members: Set<Int>)
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

  private static func innermost(_ view: soma_view) -> (run: Int, step: Int) {
    withUnsafeBytes(of: view.dims) { dims in
      withUnsafeBytes(of: view.strides) { strides in
        let last = Int(view.rank) - 1
        return (Int(dims.bindMemory(to: Int64.self)[last]), Int(strides.bindMemory(to: Int64.self)[last]))
      }
    }
  }

  private mutating func operand(_ id: ValueID, isRow: Bool, _ members: Set<Int>) -> Operand {
    let root = roots[id]
    let level = isRow ? SOMA_LEVEL_ROW : SOMA_LEVEL_ELEMENT
    guard let m = makers[root] else { return .slot(slot(root), level: level) }
    if isView[m] { return view(m, isRow: isRow, members) }
    if members.contains(m) { return operands[root]! }
    return .slot(slot(root), level: level)
  }

  private mutating func view(_ m: Int, isRow: Bool, _ members: Set<Int>) -> Operand {
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
  private static func strides(_ primitive: Primitive, from source: Shape, to target: Shape) -> (soma_view, offset: Int)
  {
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

  // MARK: Pairs

  /// How an instruction continues from its operand `side`, if it is a step of a pair; with its other operand.
  private static func step(_ instruction: Instruction, from side: Int) -> (soma_step, Operand)? {
    guard instruction.kind == SOMA_FUSED_MAP, let function = instruction.function, instruction.scalar != side else {
      return nil
    }
    let other = instruction.operands[1 - side]
    let isScalar = instruction.scalar != nil
    switch function {
    case .add: return (isScalar ? SOMA_STEP_ADD_SCALAR : SOMA_STEP_ADD, other)
    case .multiply: return (isScalar ? SOMA_STEP_MULTIPLY_SCALAR : SOMA_STEP_MULTIPLY, other)
    case .subtract where side == 0: return (isScalar ? SOMA_STEP_SUBTRACT_SCALAR : SOMA_STEP_SUBTRACT, other)
    case .subtract: return (isScalar ? SOMA_STEP_SUBTRACT_FROM_SCALAR : SOMA_STEP_SUBTRACT_FROM, other)
    default: return nil
    }
  }

  /// Makes one instruction of two where only the second reads what the first computes.
  private mutating func joinPairs() {
    var readers = [[Int]](repeating: [], count: registers.count)
    for (i, instruction) in body.enumerated() {
      for case .register(let r) in instruction.operands { readers[r].append(i) }
    }
    var isJoined = [Bool](repeating: false, count: body.count)
    for j in body.indices {
      for side in 0..<Swift.min(2, body[j].operands.count) {
        guard let second = FusedBuilder.step(body[j], from: side), case .register(let r) = body[j].operands[side],
          readers[r] == [j],
          let i = body[..<j].lastIndex(where: { if case .register(r) = $0.out { true } else { false } }),
          !isJoined[i], body[i].function != nil, body[i].level == body[j].level, body[i].dtype == body[j].dtype
        else { continue }
        let from = body[i].scalar == 0 ? 1 : 0
        guard let first = FusedBuilder.step(body[i], from: from),
          let map = soma_pair_map(first.0, second.0, body[j].dtype.code)
        else { continue }
        let size = body[j].outSize
        body[j].map = map
        body[j].operands = [body[i].operands[from], first.1, second.1]
        body[j].sizes = [size, size, size]
        body[j].function = nil
        isJoined[i] = true
        break
      }
    }
    body = body.indices.filter { !isJoined[$0] }.map { body[$0] }
    for r in registers.indices { registers[r].lastUse = 0 }
    for (i, instruction) in body.enumerated() {
      for case .register(let r) in instruction.operands + [instruction.out] { registers[r].lastUse = i }
    }
  }

  // MARK: Registers and code

  /// Gives registers places; those that are not needed at the same time share one. Returns the bytes they take.
  private mutating func placeRegisters() -> Int {
    var first = [Int](repeating: -1, count: registers.count)
    for (i, instruction) in body.enumerated() {
      if case .register(let r) = instruction.out, first[r] < 0 { first[r] = i }
    }
    let plan = MemoryPlan(
      registers.indices.map { r in
        let register = registers[r]
        let life =
          register.isPersistent ? 0...body.count : Swift.max(0, first[r])...Swift.max(first[r], register.lastUse)
        return MemoryPlan.Block(bytes: register.bytes, lifetime: life)
      })
    for r in registers.indices { registers[r].offset = plan.offsets[r] }
    return plan.byteCount
  }

  private func ref(_ operand: Operand, _ size: Int, offset: Int = 0) -> soma_ref {
    switch operand {
    case .register(let r):
      soma_ref(
        slot: -1, size: Int32(size), level: Int32(SOMA_LEVEL_SCALAR.rawValue), offset: Int64(registers[r].offset))
    case .slot(let s, let level):
      soma_ref(slot: Int32(s), size: Int32(size), level: Int32(level.rawValue), offset: Int64(offset * size))
    }
  }

  private func code(_ instruction: Instruction) -> soma_instruction {
    func operand(_ i: Int) -> soma_ref {
      guard i < instruction.operands.count else { return ref(instruction.operands[0], instruction.sizes[0]) }
      let offset = i == instruction.viewed ? instruction.viewOffset : 0
      return ref(instruction.operands[i], instruction.sizes[i], offset: offset)
    }
    return soma_instruction(
      kind: instruction.kind, level: instruction.level, map: instruction.map,
      out: ref(instruction.out, instruction.outSize),
      a: operand(0), b: operand(1), c: operand(2), op: instruction.op, dtype: instruction.dtype.code,
      view: instruction.view)
  }

  /// The inputs that each output may be written over.
  private func inPlace() -> [[Int]] {
    outputs.indices.map { o in
      guard let writer = body.firstIndex(where: { if case .slot(o, _) = $0.out { true } else { false } }) else {
        return []
      }
      return inputs.indices.filter { i in
        type(inputs[i]).byteCount == type(outputs[o]).byteCount
          && body.indices.allSatisfy { k in
            body[k].operands.allSatisfy { operand in
              guard case .slot(let s, let level) = operand, s == outputs.count + i else { return true }
              return level == body[writer].level
                && (k < writer || (k == writer && body[k].kind.rawValue <= SOMA_FUSED_MAP_ROWS.rawValue))
            }
          }
          && !prologue.contains { instruction in
            instruction.operands.contains { if case .slot(outputs.count + i, _) = $0 { true } else { false } }
          }
      }
    }
  }

  private func step(_ scratch: Int) -> Program.Step {
    let program = FusedProgram(prologue.map(code), body.map(code), n: n, blockRows: blockRows)
    // A rough cost of a row in elements' worth of simple operations.
    let cost = Swift.max(1, body.count * n)
    let blocks = (rows + blockRows - 1) / blockRows
    let blockGrain = Swift.max(1, 60_000 / (cost * blockRows))
    let workerScratch = (scratch + 63) & ~63
    let (rows, blockRows) = (self.rows, self.blockRows)
    let scratchSlot = outputs.count + inputs.count
    let kernel = Kernel.parallel(
      blocks, grain: blockGrain, scratch: Swift.max(64, workerScratch * Parallel.cores), inPlace: inPlace()
    ) { p, worker, part in

      program.run(
        p, p[scratchSlot] + worker * workerScratch, first: part.lowerBound * blockRows,
        last: Swift.min(rows, part.upperBound * blockRows))
    }
    let names = group.nodes.map { graph.nodes[$0].primitive.name }
    return Program.Step(
      kernel: kernel, outputs: outputs, inputs: inputs, name: "fused(" + names.joined(separator: " ") + ")")
  }
}

/// The instructions of a fused kernel in memory that the interpreter reads.
private final class FusedProgram: @unchecked Sendable {
  private let instructions: UnsafeMutablePointer<soma_instruction>
  private let sources: UnsafeMutablePointer<soma_ref>
  private let count: Int
  private var program: soma_fused_program

  init(_ prologue: [soma_instruction], _ body: [soma_instruction], n: Int, blockRows: Int) {
    count = prologue.count + body.count
    instructions = .allocate(capacity: count)
    for (i, instruction) in (prologue + body).enumerated() { (instructions + i).initialize(to: instruction) }
    var read: [soma_ref] = []
    var written: Set<Int32> = []
    for instruction in body {
      for ref in [instruction.a, instruction.b, instruction.c]
      where ref.slot >= 0 && ref.level != SOMA_LEVEL_SCALAR.rawValue && !written.contains(ref.slot)
        && !read.contains(where: { $0.slot == ref.slot })
      {
        read.append(ref)
      }
      written.insert(instruction.out.slot)
    }
    sources = .allocate(capacity: Swift.max(1, read.count))
    for (i, ref) in read.enumerated() { (sources + i).initialize(to: ref) }
    program = soma_fused_program(
      prologue: instructions, body: instructions + prologue.count, prologue_count: Int32(prologue.count),
      body_count: Int32(body.count), sources: sources, source_count: Int32(read.count), n: n, block_rows: blockRows)
  }

  deinit {
    instructions.deallocate()
    sources.deallocate()
  }

  func run(_ pointers: Kernel.Pointers, _ scratch: UnsafeMutableRawPointer, first: Int, last: Int) {
    pointers.withMemoryRebound(to: UnsafeMutableRawPointer?.self, capacity: 1) { pointers in
      soma_run_fused(&program, pointers, scratch, first, last)
    }
  }
}
