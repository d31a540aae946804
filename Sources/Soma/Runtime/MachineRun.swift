import Kernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Simple operations in a row as machine code: an instruction of a fused kernel with any number of operands and results.
final class MachineRun: @unchecked Sendable {
  private(set) var code = soma_machine_code()
  /// Arrays first or scalars, in the order of the code's addresses.
  let operands: [FusedBuilder.Operand]
  let results: [FusedBuilder.Operand]
  let operandSizes: [Int]
  let resultSizes: [Int]
  /// The operation that reads each operand last, and the one that makes each result.
  let lastReads: [Int]
  let makers: [Int]
  /// A rough cost of an element in maps, of which machine code does a few simple ones in the time of one.
  let cost: Int
  /// Whether it asks for its operands ahead of time.
  let isFar: Bool

  /// - Returns: nil if the code cannot be made.
  init?(
    _ list: MachineOperations, results: [(value: Int, operand: FusedBuilder.Operand, size: Int, streams: Bool)],
    isFar: Bool
  ) {
    self.isFar = isFar
    operands = list.operands
    operandSizes = list.operandTypes.map { $0 == SOMA_F64 ? 8 : $0 == SOMA_F32 ? 4 : 1 }
    self.results = results.map(\.operand)
    resultSizes = results.map(\.size)
    lastReads = list.lastReads
    makers = results.map(\.value)
    cost = 1 + list.operations.reduce(0) { $0 + ($1.isFunction ? 4 : 1) } / 4
    guard operands.count + results.count <= SOMA_MOST_REFS else { return nil }
    let described = operands.indices.map { i in
      let scalar = list.scalars[i]
      var comesFromMemory = false
      if case .slot = operands[i] { comesFromMemory = isFar && scalar == nil }
      return soma_machine_operand(
        dtype: list.operandTypes[i], is_scalar: scalar == nil ? 0 : 1, is_known: scalar?.bits == nil ? 0 : 1,
        is_far: comesFromMemory ? 1 : 0, bits: scalar?.bits ?? 0)
    }
    let operations = list.operations.map { $0.numbered(operands.count) }
    let stored = results.map {
      soma_machine_result(value: Int32($0.value + operands.count), streams: $0.streams ? 1 : 0)
    }
    let isMade = soma_machine_make(
      described, Int32(described.count), operations, Int32(operations.count), stored, Int32(stored.count),
      &code)
    guard isMade != 0 else { return nil }
  }

  deinit { soma_machine_free(&code) }

  /// Bytes that the caches of a core hold, about.
  static let nearBytes = 1 << 20
  /// Bytes that the last cache holds: more of them are not found there again.
  static let cacheBytes: Int = {
    #if canImport(Glibc)
      let bytes = sysconf(Int32(_SC_LEVEL3_CACHE_SIZE))
      if bytes > 0 { return bytes }
    #endif
    return 1 << 25
  }()
}

/// Operations for machine code, and what they read from outside.
struct MachineOperations {
  struct Scalar {
    /// The bits of an element that is known.
    var bits: UInt64?
  }
  enum Source: Equatable {
    case outside(Int), operation(Int)
  }
  struct Operation {
    var what: soma_operation
    var sources: [Source]

    var isFunction: Bool {
      what.kind == SOMA_OPERATION_UNARY && what.dtype != SOMA_BOOL
        && soma_machine_has_function(soma_unary(UInt32(what.code))) != 0
    }

    /// Values numbered through: operands first.
    func numbered(_ operandCount: Int) -> soma_operation {
      func number(_ i: Int) -> Int32 {
        switch sources[Swift.min(i, sources.count - 1)] {
        case .outside(let k): Int32(k)
        case .operation(let k): Int32(operandCount + k)
        }
      }
      var result = what
      result.operands = (number(0), number(1), number(2))
      return result
    }
  }

  var operations: [Operation] = []
  var operands: [FusedBuilder.Operand] = []
  var operandTypes: [soma_dtype] = []
  /// Of operands that are one element.
  var scalars: [Scalar?] = []
  var lastReads: [Int] = []

  /// The number of an operand from outside, which the next operation reads.
  mutating func outside(_ operand: FusedBuilder.Operand, _ type: soma_dtype, scalar: Scalar?) -> Source {
    if let known = operands.indices.first(where: { operands[$0] == operand && operandTypes[$0] == type }) {
      lastReads[known] = operations.count
      return .outside(known)
    }
    operands.append(operand)
    operandTypes.append(type)
    scalars.append(scalar)
    lastReads.append(operations.count)
    return .outside(operands.count - 1)
  }
}
