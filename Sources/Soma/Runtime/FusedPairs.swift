import Kernels

// Two operations in one pass over a block.
extension FusedBuilder {
  /// How an instruction continues from its operand `side`, if it is a step of a pair; with its other operand.
  static func step(_ instruction: Instruction, from side: Int) -> (soma_step, Operand)? {
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
    case .maximum: return (isScalar ? SOMA_STEP_MAXIMUM_SCALAR : SOMA_STEP_MAXIMUM, other)
    case .minimum: return (isScalar ? SOMA_STEP_MINIMUM_SCALAR : SOMA_STEP_MINIMUM, other)
    default: return nil
    }
  }

  /// Makes one instruction of two where only the second reads what the first computes.
  mutating func joinPairs() {
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
      for case .register(let r) in instruction.operands + instruction.results { registers[r].lastUse = i }
    }
  }
}
