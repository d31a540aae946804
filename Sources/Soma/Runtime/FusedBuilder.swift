import Kernels

/// Translates a group of nodes into a program for the block interpreter, in which machine code takes the place of simple
/// operations in a row.
struct FusedBuilder {
  /// Elements of a block: its registers together stay within the second-level cache, each within the first.
  private static let blockElements = 2048

  /// Where an operand lies before registers have places.
  enum Operand: Equatable {
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
    /// What a map does, for machine code.
    var operation: soma_operation?
    var run: MachineRun?

    /// What the instruction writes.
    var results: [Operand] { run?.results ?? [out] }
  }

  struct Register {
    var bytes: Int
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
      instruction.operation = node.primitive.machineOperation(node.inputs.map { type($0).dtype })
      append(instruction)
    }
    makeMachineRuns()
    joinPairs()
    dropUnusedRegisters()
    let scratch = placeRegisters()
    return step(scratch)
  }

  // MARK: Registers and code

  /// Gives registers places; those that are not needed at the same time share one. Returns the bytes they take.
  private mutating func placeRegisters() -> Int {
    var first = [Int](repeating: -1, count: registers.count)
    for (i, instruction) in body.enumerated() {
      for case .register(let r) in instruction.results where first[r] < 0 { first[r] = i }
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

  /// Where the operands and results of machine code lie.
  private func refs(_ run: MachineRun) -> [soma_ref] {
    zip(run.operands + run.results, run.operandSizes + run.resultSizes).map { ref($0, $1) }
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
      view: instruction.view, code: instruction.run?.code ?? soma_machine_code(), refs: nil,
      ref_count: Int32(instruction.run.map { $0.operands.count + $0.results.count } ?? 0))
  }

  /// The inputs that each output may be written over.
  private func inPlace() -> [[Int]] {
    let productInputs = group.product.map { graph.nodes[$0.node].inputs.map { roots[$0] } } ?? []
    return outputs.indices.map { o in
      let isOutput = { (operand: Operand) in if case .slot(o, _) = operand { true } else { false } }
      guard let writer = body.firstIndex(where: { $0.results.contains(where: isOutput) }) else { return [] }
      return inputs.indices.filter { i in
        !productInputs.contains(inputs[i]) && type(inputs[i]).byteCount == type(outputs[o]).byteCount
          && body.indices.allSatisfy { k in
            body[k].operands.indices.allSatisfy { a in
              guard case .slot(let s, let level) = body[k].operands[a], s == outputs.count + i else { return true }
              guard level == body[writer].level else { return false }
              if k == writer, let run = body[k].run {
                return run.lastReads[a] <= run.makers[run.results.firstIndex(where: isOutput)!]
              }
              return k < writer || (k == writer && body[k].kind.rawValue <= SOMA_FUSED_MAP_ROWS.rawValue)
            }
          }
          && !prologue.contains { instruction in
            instruction.operands.contains { if case .slot(outputs.count + i, _) = $0 { true } else { false } }
          }
      }
    }
  }

  private func step(_ scratch: Int) -> Program.Step {
    let program = FusedProgram(
      prologue.map(code), body.map(code), runs: body.map { instruction in instruction.run.map { ($0, refs($0)) } },
      n: n,
      blockRows: blockRows)
    let scratchSlot = outputs.count + inputs.count
    let workerScratch = (scratch + 63) & ~63
    let kernel =
      group.product.map { withProduct($0, program, workerScratch, scratchSlot: scratchSlot) }
      ?? blockwise(program, workerScratch, scratchSlot: scratchSlot)
    let names = group.nodes.map { graph.nodes[$0].primitive.name }
    return Program.Step(
      kernel: kernel, outputs: outputs, inputs: inputs, name: "fused(" + names.joined(separator: " ") + ")")
  }

  /// A rough cost of an element in simple operations.
  private var operationCount: Int { body.reduce(0) { $0 + ($1.run?.cost ?? 1) } }

  private func blockwise(_ program: FusedProgram, _ workerScratch: Int, scratchSlot: Int) -> Kernel {
    let cost = Swift.max(1, operationCount * n)
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
    let pieceCost = pieceRows * product.n * (product.k + Epilogue.operationCost * operationCount)
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
  /// Operands and results of machine code, then what is read from memory.
  private let refs: UnsafeMutablePointer<soma_ref>
  private let runs: [MachineRun]
  private var program: soma_fused_program

  /// - Parameter runs: of each instruction of the body that is machine code, with the places of its operands and results.
  init(
    _ prologue: [soma_instruction], _ body: [soma_instruction], runs: [(run: MachineRun, refs: [soma_ref])?], n: Int,
    blockRows: Int
  ) {
    self.runs = runs.compactMap { $0?.run }
    var read: [soma_ref] = []
    var written: Set<Int32> = []
    /// What machine code asks for by itself.
    var asked: Set<Int32> = []
    for (instruction, run) in zip(body, runs) {
      let operands =
        run.map { Array($0.refs[..<$0.run.operands.count]) } ?? [instruction.a, instruction.b, instruction.c]
      let results = run.map { Array($0.refs[$0.run.operands.count...]) } ?? [instruction.out]
      for ref in operands
      where ref.slot >= 0 && ref.level != SOMA_LEVEL_SCALAR.rawValue && !written.contains(ref.slot)
        && !read.contains(where: { $0.slot == ref.slot })
      {
        read.append(ref)
        if let run = run?.run, run.isFar { asked.insert(ref.slot) }
      }
      written.formUnion(results.map(\.slot))
    }
    read.removeAll { asked.contains($0.slot) }
    let all = runs.flatMap { $0?.refs ?? [] }
    refs = .allocate(capacity: Swift.max(1, all.count + read.count))
    for (i, ref) in (all + read).enumerated() { (refs + i).initialize(to: ref) }

    instructions = .allocate(capacity: Swift.max(1, prologue.count + body.count))
    var next = UnsafePointer(refs)
    for (i, instruction) in (prologue + body).enumerated() {
      (instructions + i).initialize(to: instruction)
      guard instruction.kind == SOMA_FUSED_CODE else { continue }
      instructions[i].refs = next
      next += Int(instruction.ref_count)
    }
    let isWhole = prologue.isEmpty && body.count == 1 && runs[0]?.refs.allSatisfy { $0.slot >= 0 } ?? false
    program = soma_fused_program(
      prologue: instructions, body: instructions + prologue.count, prologue_count: Int32(prologue.count),
      body_count: Int32(body.count), sources: refs + all.count, source_count: Int32(read.count),
      is_whole: isWhole ? 1 : 0, n: n, block_rows: blockRows)
  }

  deinit {
    instructions.deallocate()
    refs.deallocate()
  }

  func run(_ pointers: Kernel.Pointers, _ scratch: UnsafeMutableRawPointer, first: Int, last: Int) {
    pointers.withMemoryRebound(to: UnsafeMutableRawPointer?.self, capacity: 1) { pointers in
      soma_run_fused(&program, pointers, scratch, first, last)
    }
  }
}
