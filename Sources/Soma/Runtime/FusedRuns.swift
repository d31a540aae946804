import Kernels

// Machine code within a fused kernel.
extension Primitive {
  /// What machine code there is for on operands of these types.
  func machineOperation(_ operands: [DType]) -> soma_operation? {
    guard let first = operands.first else { return nil }
    var operation = soma_operation(kind: SOMA_OPERATION_SELECT, code: 0, dtype: first.code, operands: (0, 0, 0))
    switch self {
    case .unary(let function): (operation.kind, operation.code) = (SOMA_OPERATION_UNARY, Int32(function.code.rawValue))
    case .binary(let function):
      (operation.kind, operation.code) = (SOMA_OPERATION_BINARY, Int32(function.code.rawValue))
    case .compare(let comparison):
      (operation.kind, operation.code) = (SOMA_OPERATION_COMPARE, Int32(comparison.code.rawValue))
    case .select: operation.dtype = operands[1].code
    case .cast(let target): (operation.kind, operation.code) = (SOMA_OPERATION_CAST, Int32(target.code.rawValue))
    default: return nil
    }
    return soma_machine_has(&operation) != 0 ? operation : nil
  }
}

extension FusedBuilder {
  /// Puts machine code in the place of simple operations. Other instructions come as early as they can, so that runs are
  /// long.
  mutating func makeMachineRuns() {
    guard soma_makes_machine_code() != 0 else { return }
    let original = body
    let isSimple = original.map(isSimple)
    var isDone = [Bool](repeating: false, count: original.count)
    guard isSimple.contains(true) else { return }
    var writer = [Int](repeating: -1, count: registers.count)
    var slotWriter = [Int](repeating: -1, count: outputs.count)
    var readers = [[Int]](repeating: [], count: registers.count)
    for (i, instruction) in original.enumerated() {
      switch instruction.out {
      case .register(let r): writer[r] = i
      case .slot(let s, _): slotWriter[s] = i
      case .product: break
      }
      for case .register(let r) in instruction.operands { readers[r].append(i) }
    }
    let needs = original.map { instruction in
      instruction.operands.compactMap { operand -> Int? in
        switch operand {
        case .register(let r): writer[r] < 0 ? nil : writer[r]
        case .slot(let s, _): s < outputs.count && slotWriter[s] >= 0 ? slotWriter[s] : nil
        case .product: nil
        }
      }
    }
    // A result may be written over an operand from outside that everything before it has read by then.
    let readsOutside = original.map { instruction in
      instruction.operands.contains { operand in
        if case .slot(let s, let level) = operand { s >= outputs.count && level != SOMA_LEVEL_SCALAR } else { false }
      }
    }
    func isTooEarly(_ i: Int) -> Bool {
      guard case .slot = original[i].out else { return false }
      return (0..<i).contains { readsOutside[$0] && !isDone[$0] }
    }
    let fills = constantFills()
    let streams = outsideBytes > MachineRun.cacheBytes

    var rest = Array(original.indices)
    body = []
    while !rest.isEmpty {
      var later: [Int] = []
      for i in rest {
        if !isSimple[i] && needs[i].allSatisfy({ isDone[$0] }) {
          body.append(original[i])
          isDone[i] = true
        } else {
          later.append(i)
        }
      }
      rest = []
      var run: [Int] = []
      var isDouble: Bool?
      for i in later {
        let fits =
          isSimple[i] && needs[i].allSatisfy({ isDone[$0] }) && !isTooEarly(i)
          && (run.isEmpty || original[i].level == original[run[0]].level)
        let type = original[i].operation.flatMap(numberType)
        if fits, isDouble == nil || type == nil || isDouble == (type == SOMA_F64) {
          run.append(i)
          isDone[i] = true
          if let type { isDouble = type == SOMA_F64 }
        } else {
          rest.append(i)
        }
      }
      appendRun(run, original, readers, fills: fills, streams: streams)
    }
  }

  private func isSimple(_ instruction: Instruction) -> Bool {
    instruction.kind == SOMA_FUSED_MAP && instruction.operation != nil
  }

  /// The floating type that an operation is about; nil if all is bool.
  private func numberType(_ operation: soma_operation) -> soma_dtype? {
    if operation.dtype != SOMA_BOOL { return operation.dtype }
    return operation.kind == SOMA_OPERATION_CAST ? soma_dtype(UInt32(operation.code)) : nil
  }

  /// For registers that the prologue fills with one number, where that number lies.
  private func constantFills() -> [Int: Operand] {
    var fills: [Int: Operand] = [:]
    for instruction in prologue where instruction.kind == SOMA_FUSED_FILL {
      if case .register(let r) = instruction.out { fills[r] = instruction.operands[0] }
    }
    return fills
  }

  /// Bytes of the arrays that the kernel reads and writes.
  private var outsideBytes: Int { (inputs + outputs).reduce(0) { $0 + type($1).byteCount } }

  private mutating func appendRun(
    _ run: [Int], _ original: [Instruction], _ readers: [[Int]], fills: [Int: Operand], streams: Bool
  ) {
    // A map alone is as fast, but for arrays that come from memory.
    guard run.count > 1 || (run.count == 1 && outsideBytes > MachineRun.nearBytes) else {
      body += run.map { original[$0] }
      return
    }
    var list = MachineOperations()
    var position: [Int: Int] = [:]
    var makerOfRegister: [Int: Int] = [:]
    var makerOfSlot: [Int: Int] = [:]
    for (p, i) in run.enumerated() {
      let instruction = original[i]
      let operation = instruction.operation!
      position[i] = p
      var sources: [MachineOperations.Source] = []
      for (k, operand) in instruction.operands.enumerated() {
        let dtype = operation.kind == SOMA_OPERATION_SELECT && k == 0 ? SOMA_BOOL : operation.dtype
        switch operand {
        case .register(let r):
          if let maker = makerOfRegister[r] {
            sources.append(.operation(maker))
          } else if let fill = fills[r] {
            sources.append(list.outside(fill, dtype, scalar: .init(bits: knownBits(fill))))
          } else {
            sources.append(list.outside(operand, dtype, scalar: nil))
          }
        case .slot(let s, let level):
          if let maker = makerOfSlot[s] {
            sources.append(.operation(maker))
          } else {
            let scalar =
              level == SOMA_LEVEL_SCALAR ? MachineOperations.Scalar(bits: knownBits(operand)) : nil
            sources.append(list.outside(operand, dtype, scalar: scalar))
          }
        case .product: sources.append(list.outside(operand, dtype, scalar: nil))
        }
      }
      switch instruction.out {
      case .register(let r): makerOfRegister[r] = p
      case .slot(let s, _): makerOfSlot[s] = p
      case .product: break
      }
      list.operations.append(.init(what: operation, sources: sources))
    }
    var results: [(value: Int, operand: Operand, size: Int, streams: Bool)] = []
    for (p, i) in run.enumerated() {
      let instruction = original[i]
      switch instruction.out {
      case .register(let r):
        if readers[r].contains(where: { position[$0] == nil }) {
          results.append((p, instruction.out, instruction.outSize, false))
        }
      case .slot(let s, let level):
        let isReadLater = original.indices.contains { other in
          position[other] == nil && original[other].operands.contains { $0 == .slot(s, level: level) }
        }
        let isLarge = streams && level == SOMA_LEVEL_ELEMENT && !isReadLater && instruction.outSize >= 4
        results.append((p, instruction.out, instruction.outSize, isLarge))
      case .product: break
      }
    }
    guard !results.isEmpty, let code = MachineRun(list, results: results, isFar: outsideBytes > MachineRun.nearBytes)
    else {
      // Half of it may do where all of it needs too much room. One alone needs none: the system gives no memory for code.
      guard run.count > 1 else {
        body += run.map { original[$0] }
        return
      }
      appendRun(Array(run[..<(run.count / 2)]), original, readers, fills: fills, streams: streams)
      appendRun(Array(run[(run.count / 2)...]), original, readers, fills: fills, streams: streams)
      return
    }
    let first = original[run[0]]
    body.append(
      Instruction(
        kind: SOMA_FUSED_CODE, level: first.level, map: nil, out: code.results[0], operands: code.operands,
        sizes: code.operandSizes, outSize: code.resultSizes[0], op: Int32(code.operands.count), dtype: first.dtype,
        run: code))
  }

  /// The bits of a scalar operand that is a constant of the graph.
  private func knownBits(_ operand: Operand) -> UInt64? {
    guard case .slot(let s, _) = operand, s >= outputs.count, let m = makers[inputs[s - outputs.count]],
      case .constant(let constant) = graph.nodes[m].primitive, constant.type.shape.elementCount == 1
    else { return nil }
    switch constant.type.dtype {
    case .float32: return UInt64(constant.storage.pointer.load(as: UInt32.self))
    case .float64: return constant.storage.pointer.load(as: UInt64.self)
    default: return nil
    }
  }

  /// Leaves out what nobody reads any more: machine code reads numbers themselves instead of blocks that repeat them.
  mutating func dropUnusedRegisters() {
    var isRead = [Bool](repeating: false, count: registers.count)
    for instruction in body { for case .register(let r) in instruction.operands { isRead[r] = true } }
    for instruction in prologue { for case .register(let r) in instruction.operands { isRead[r] = true } }
    prologue.removeAll { instruction in
      if case .register(let r) = instruction.out { !isRead[r] } else { false }
    }
    for r in registers.indices where !isRead[r] { registers[r].bytes = 0 }
  }
}
