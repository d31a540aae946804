import Kernels

/// Translates a group of nodes into a program for the block interpreter.
struct FusedBuilder {
  /// Elements of a block: its registers together stay within the second-level cache, each within the first.
  private static let blockElements = 2048

  /// Where an operand lies before registers have places.
  enum Operand {
    case register(Int)
    case slot(Int, level: soma_level)
    /// The piece of the group's product that was just computed.
    case product
  }

  struct Instruction {
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

  struct Register {
    let bytes: Int
    let isPersistent: Bool
    var lastUse = 0
    var offset = 0
  }

  let graph: Graph
  let roots: [ValueID]
  let makers: [Int?]
  let isView: [Bool]
  private let group: Fusion.Group
  let n: Int
  private let rows: Int
  let blockRows: Int

  var prologue: [Instruction] = []
  var body: [Instruction] = []
  var registers: [Register] = []
  var operands: [ValueID: Operand] = [:]
  var views: [View: Operand] = [:]
  var outputs: [ValueID] = []
  var inputs: [ValueID] = []

  struct View: Hashable {
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

  func type(_ id: ValueID) -> TensorType { graph.types[id] }

  mutating func build(isStored: [Bool], isRow: [Bool]) -> Program.Step {
    let members = Set(group.nodes)
    outputs = group.nodes.flatMap { graph.nodes[$0].outputs }.filter { isStored[$0] }
    if let product = group.product {
      let node = graph.nodes[product.node]
      let id = node.outputs.lowerBound
      for input in node.inputs { _ = slot(roots[input]) }
      operands[id] = outputs.firstIndex(of: id).map { .slot($0, level: SOMA_LEVEL_ELEMENT) } ?? .product
    }
    for i in group.nodes where i != group.product?.node {
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
    case .product:
      soma_ref(
        slot: Int32(outputs.count + inputs.count + 1), size: Int32(size),
        level: Int32(SOMA_LEVEL_ELEMENT.rawValue), offset: 0)
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
    let productInputs = group.product.map { graph.nodes[$0.node].inputs.map { roots[$0] } } ?? []
    return outputs.indices.map { o in
      guard let writer = body.firstIndex(where: { if case .slot(o, _) = $0.out { true } else { false } }) else {
        return []
      }
      return inputs.indices.filter { i in
        !productInputs.contains(inputs[i]) && type(inputs[i]).byteCount == type(outputs[o]).byteCount
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
    let scratchSlot = outputs.count + inputs.count
    let workerScratch = (scratch + 63) & ~63
    let kernel =
      group.product.map { withProduct($0, program, workerScratch, scratchSlot: scratchSlot) }
      ?? blockwise(program, workerScratch, scratchSlot: scratchSlot)
    let names = group.nodes.map { graph.nodes[$0].primitive.name }
    return Program.Step(
      kernel: kernel, outputs: outputs, inputs: inputs, name: "fused(" + names.joined(separator: " ") + ")")
  }

  private func blockwise(_ program: FusedProgram, _ workerScratch: Int, scratchSlot: Int) -> Kernel {
    // A rough cost of a row in elements' worth of simple operations.
    let cost = Swift.max(1, body.count * n)
    let blocks = (rows + blockRows - 1) / blockRows
    let blockGrain = Swift.max(1, 60_000 / (cost * blockRows))
    let (rows, blockRows) = (self.rows, self.blockRows)
    return Kernel.parallel(
      blocks, grain: blockGrain, scratch: Swift.max(64, workerScratch * Parallel.cores), inPlace: inPlace()
    ) { p, worker, part in
      program.run(
        p, p[scratchSlot] + worker * workerScratch, first: part.lowerBound * blockRows,
        last: Swift.min(rows, part.upperBound * blockRows))
    }
  }

  /// A kernel that multiplies a piece of rows and runs the program on them, piece by piece. Scratch memory holds copies of
  /// the product's operands, then for each worker the program's and, if the product's result is not stored, a piece of it.
  private func withProduct(
    _ epilogue: Epilogue, _ program: FusedProgram, _ programScratch: Int, scratchSlot: Int
  ) -> Kernel {
    let node = graph.nodes[epilogue.node]
    let dtype = type(node.outputs.lowerBound).dtype
    let product = epilogue.product
    let (left, right) = (slot(of: node.inputs[0]), slot(of: node.inputs[1]))
    let stored = outputs.firstIndex(of: node.outputs.lowerBound)
    let copies = (product.scratch + 63) & ~63
    let workerScratch = programScratch + (stored == nil ? epilogue.pieceBytes(dtype) : 0)
    let (rowBytes, pieceRows, count, n) = (product.n * dtype.size, epilogue.rows, product.rowCount, self.n)
    let elements = product.n
    let pieceCost = pieceRows * product.n * (product.k + Epilogue.operationCost * body.count)
    let loop = ParallelLoop(epilogue.pieces, grain: Swift.max(1, productGrain / Swift.max(1, pieceCost))) {
      p, worker, part in
      let operands = product.operands(p[left], p[right], scratch: p[scratchSlot])
      let scratch = p[scratchSlot] + copies + worker * workerScratch
      withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: scratchSlot + 2) { table in
        for i in 0...scratchSlot { table[i] = p[i] }
        for piece in part {
          let first = piece * pieceRows
          let last = Swift.min(count, first + pieceRows)
          let result = stored.map { p[$0] + first * rowBytes } ?? scratch + programScratch
          product.run(operands, rows: first..<last, to: result)
          // The program counts rows from the first of all.
          table[scratchSlot + 1] = result - first * rowBytes
          program.run(
            UnsafePointer(table.baseAddress!), scratch, first: first * elements / n, last: last * elements / n)
        }
      }
    }
    let workers = Swift.min(Parallel.cores, epilogue.pieces)
    return Kernel(scratch: Swift.max(64, copies + workerScratch * workers), inPlace: inPlace()) { p in
      if copies > 0 { product.prepare(p[left], p[right], scratch: p[scratchSlot]) }
      loop.run(p)
    }
  }

  private func slot(of id: ValueID) -> Int { outputs.count + inputs.firstIndex(of: roots[id])! }
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
