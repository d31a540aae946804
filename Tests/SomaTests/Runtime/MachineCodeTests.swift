import Kernels
import Testing

@testable import Soma

/// Machine code of fused elementwise operations: the same bits as by one operation after the other.
@Suite(.serialized) struct MachineCodeTests {
  private static let numbers: [Double] = [
    0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 6, .infinity, -.infinity, .nan, 1e-40, -1e-40, 3e38, -3e38, 0x1p23,
    -0x1p24, 1e300, 5e-324,
  ]

  private static func number(_ random: inout TestNumbers) -> Double {
    Bool.random(using: &random) ? numbers.randomElement(using: &random)! : .random(in: -4...4, using: &random)
  }

  private static func tensor(_ type: TensorType, _ random: inout TestNumbers) -> Tensor {
    let values = (0..<type.shape.elementCount).map { _ in number(&random) }
    let tensor = Tensor(values).reshape(type.shape)
    return type.dtype == .bool ? tensor .> 0 : tensor.cast(to: type.dtype)
  }

  private static let unary: [Unary] = [.negate, .abs, .sign, .floor, .ceil, .round, .sqrt, .rsqrt]
  private static let binary: [Binary] = [.add, .subtract, .multiply, .divide, .maximum, .minimum]
  private static let functions: [Unary] = [.exp, .tanh, .logistic, .sin, .cos, .log, .atan, .erfc]

  /// `operations` random operations on arrays, scalars and constants. With `others`, functions that have no code of their
  /// own and sums of rows come between.
  private static func graph(
    _ shape: Shape, _ dtype: DType, operations: Int, others: Bool, _ random: inout TestNumbers
  ) -> Graph {
    var graph = Graph()
    var floats = [graph.addInput(.init(shape: shape, dtype: dtype)), graph.addInput(.init(shape: shape, dtype: dtype))]
    var bools = [graph.addInput(.init(shape: shape, dtype: .bool))]
    let scalar = graph.addInput(.init(shape: [], dtype: dtype))
    let scalarBool = graph.addInput(.init(shape: [], dtype: .bool))
    func repeated(_ id: ValueID) -> ValueID { graph.add(.broadcast(shape, axes: []), [id]).lowerBound }
    floats.append(repeated(scalar))
    bools.append(repeated(scalarBool))
    for _ in 0..<3 {
      let constant = Tensor(number(&random), dtype: dtype)
      floats.append(
        repeated(graph.add(.constant(Constant(type: constant.type, storage: constant.storage)), []).lowerBound))
    }
    for _ in 0..<operations {
      // Late values more often, so that lives are short and long.
      func pick(_ values: [ValueID]) -> ValueID {
        Bool.random(using: &random)
          ? values.suffix(5).randomElement(using: &random)! : values.randomElement(using: &random)!
      }
      func add(_ primitive: Primitive, _ operands: ValueID...) -> ValueID { graph.add(primitive, operands).lowerBound }
      let (x, y, p, q) = (pick(floats), pick(floats), pick(bools), pick(bools))
      switch Int.random(in: 0..<(others ? 14 : 12), using: &random) {
      case 0, 1: floats.append(add(.unary(unary.randomElement(using: &random)!), x))
      case 2, 3, 4: floats.append(add(.binary(binary.randomElement(using: &random)!), x, y))
      case 5, 6: bools.append(add(.compare(Comparison.allCases.randomElement(using: &random)!), x, y))
      case 7, 8: floats.append(add(.select, p, x, y))
      case 9:
        let logical: [Primitive] = [.binary(.and), .binary(.or), .binary(.xor), .compare(.less), .compare(.equal)]
        bools.append(add(logical.randomElement(using: &random)!, p, q))
      case 10: bools.append(Bool.random(using: &random) ? add(.unary(.not), p) : add(.unary(.isFinite), x))
      case 11:
        if Bool.random(using: &random) {
          floats.append(add(.cast(dtype), p))
        } else {
          bools.append(add(.cast(.bool), x))
        }
      case 12: floats.append(add(.unary(functions.randomElement(using: &random)!), x))
      default:
        let row = add(.reduce(.sum, axes: [1]), x)
        floats.append(add(.broadcast(shape, axes: [0]), row))
      }
    }
    graph.outputs =
      [floats.last!, bools.last!]
      + (floats + bools).filter { _ in
        Int.random(in: 0..<6, using: &random) == 0
      }
    graph.outputs.removeAll { graph.inputs.contains($0) }
    return graph
  }

  private func sameBits(_ a: Tensor, _ b: Tensor) -> Bool {
    guard a.type == b.type else { return false }
    if a.dtype == .bool { return a.bools == b.bools }
    return zip(a.doubles, b.doubles).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
  }

  private static let shapes: [Shape] = [
    [1, 1], [1, 5], [3, 7], [1, 16], [5, 33], [64, 32], [3, 1000], [70, 129], [300, 41],
  ]

  /// At every level of the processor, with machine code and without.
  @Test(arguments: 0..<240)
  func fusedEqualsOneByOne(_ seed: Int) throws {
    var random = TestNumbers(state: UInt64(seed))
    let dtype: DType = seed % 3 == 0 ? .float64 : .float32
    let shape = Self.shapes[seed % Self.shapes.count]
    let operations = [2, 5, 12, 40, 90][seed / 9 % 5]
    let graph = Self.graph(shape, dtype, operations: operations, others: false, &random)
    let inputs = graph.inputTypes.map { Self.tensor($0, &random) }
    let expected = graph(inputs)
    for level in KernelCalls.levels {
      for allowed in level == 2 ? [1, 0] : [1] as [Int32] {
        soma_allow_machine_code(allowed)
        defer { soma_allow_machine_code(1) }
        let executable = try KernelCalls.atLevel(level) { try Executable(graph) }
        for (i, (a, b)) in zip(executable(inputs), expected).enumerated() {
          #expect(sameBits(a, b), "seed \(seed), level \(level), machine code \(allowed), output \(i)")
        }
      }
    }
  }

  /// Between functions and sums, which the interpreter runs.
  @Test(arguments: 0..<120)
  func runsBetweenOtherInstructionsEqualTheInterpreter(_ seed: Int) throws {
    var random = TestNumbers(state: UInt64(seed + 1000))
    let dtype: DType = seed % 2 == 0 ? .float64 : .float32
    let graph = Self.graph(
      Self.shapes[seed % Self.shapes.count], dtype, operations: [6, 20, 60][seed % 3], others: true, &random)
    let inputs = graph.inputTypes.map { Self.tensor($0, &random) }
    let withCode = try Executable(graph)
    soma_allow_machine_code(0)
    defer { soma_allow_machine_code(1) }
    let without = try Executable(graph)
    for (i, (a, b)) in zip(withCode(inputs), without(inputs)).enumerated() {
      #expect(sameBits(a, b), "seed \(seed), output \(i)")
    }
  }

  /// A system may refuse executable memory: then all is interpreted, large operations alone too.
  @Test(arguments: [[300], [1 << 19]] as [Shape], [1, 2, 7, 40])
  func whatIsRefusedIsInterpreted(_ shape: Shape, _ operations: Int) throws {
    var random = TestNumbers(state: UInt64(operations))
    let graph = Self.graph(shape, .float32, operations: operations, others: false, &random)
    let inputs = graph.inputTypes.map { Self.tensor($0, &random) }
    soma_allow_machine_code(-1)
    defer { soma_allow_machine_code(1) }
    for (a, b) in zip(try Executable(graph)(inputs), graph(inputs)) { #expect(sameBits(a, b)) }
  }

  /// A new state is written over the old one, which other results still read.
  @Test(arguments: [DType.float32, .float64])
  func aStateIsUpdatedInPlace(_ dtype: DType) throws {
    var random = TestNumbers(state: 4)
    let type = TensorType(shape: [5003], dtype: dtype)
    var graph = Graph()
    let (x, g) = (graph.addInput(type), graph.addInput(type))
    let half = Tensor(0.5, dtype: dtype)
    let constant = graph.add(.constant(Constant(type: half.type, storage: half.storage)), []).lowerBound
    let halves = graph.add(.broadcast([5003], axes: []), [constant]).lowerBound
    let step = graph.add(.binary(.multiply), [g, halves]).lowerBound
    let y = graph.add(.binary(.subtract), [x, step]).lowerBound
    let old = graph.add(.binary(.maximum), [x, step]).lowerBound
    graph.outputs = [y, old]
    let inputs = [Self.tensor(type, &random), Self.tensor(type, &random)]
    let expected = graph(inputs)
    let loop = try CompiledLoop([inputs[0]], example: [inputs[1]]) { state, inputs in
      let results = graph([state[0], inputs[0]])
      return ([results[0]], [results[1]])
    }
    let results = loop([inputs[1]])
    #expect(sameBits(results[0], expected[1]))
    #expect(sameBits(loop.state[0], expected[0]))
  }

  /// More than the caches hold: stores bypass them, and what is left over at the ends does not.
  @Test(arguments: [DType.float32, .float64])
  func arraysLargerThanTheCaches(_ dtype: DType) throws {
    let count = MachineRun.cacheBytes / dtype.size / 2 + 12_345
    let x = Tensor.uniform([count], low: -3, high: 3, key: Key(1), dtype: dtype)
    let f: @Sendable ([Tensor]) -> [Tensor] = { x in
      let y = Tensor.select(x[0] .> 0.5, x[0] * 2, x[0].abs() - 1)
      return [y, y.minimum(1) + x[0], x[0] .> 0.5]
    }
    // An operation alone is machine code too if it is large.
    let alone: @Sendable ([Tensor]) -> [Tensor] = { x in [x[0].sign()] }
    let found = try [f, alone].flatMap { try Executable(Graph(tracing: [x.type], $0))([x]) }
    for (a, b) in zip(found, f([x]) + alone([x])) {
      let differences = a.dtype == .bool ? (a .^ b).cast(to: .int32).sum() : (a .!= b).cast(to: .int32).sum()
      #expect(differences.doubles[0] == 0)
    }
  }

  /// Functions have code of their own: floats of every size and sign, and those with special bits.
  @Test(arguments: [Unary.exp, .expm1, .log, .log1p, .tanh, .logistic, .erf, .erfc, .sin, .cos])
  func functionsHaveTheBitsOfTheirMaps(_ function: Unary) throws {
    var bits = stride(from: UInt32(0), to: .max - 4999, by: 4999).map { $0 }
    bits += [0, 1, 0x7f80_0000, 0x7fc0_0000, 0x7f7f_ffff, 0x007f_ffff, 0x0080_0000, 0x3f80_0000].flatMap {
      [$0, $0 | 0x8000_0000]
    }
    let values = bits.map(Float.init(bitPattern:))
    let x = Tensor(values)
    // Two operations, since one alone is its map.
    let graph = Graph(tracing: [x.type]) { x in
      let y = emit(.unary(function), [x[0]])[0]
      return [y, y - 0.5]
    }
    let expected = KernelCalls.map(soma_unary_map(function.code, SOMA_F32), values, like: Float(0))
    let found = try Executable(graph)([x])[0].doubles
    let differing = zip(found, expected).filter { Float($0).bitPattern != $1.bitPattern && !($0.isNaN && $1.isNaN) }
    #expect(differing.isEmpty)
  }

  /// What the code promises, called by itself: refusals, and operands that begin anywhere.
  @Test func codeIsRefusedWhereItDoesNotServe() throws {
    let operands = [soma_machine_operand(dtype: SOMA_F32, is_scalar: 0, is_known: 0, is_far: 0, bits: 0)]
    func make(_ operation: soma_operation) -> Bool {
      var code = soma_machine_code()
      let result = soma_machine_result(value: 1, streams: 0)
      defer { soma_machine_free(&code) }
      return soma_machine_make(operands, 1, [operation], 1, [result], 1, &code) != 0
    }
    func unary(_ code: soma_unary, _ dtype: soma_dtype) -> soma_operation {
      soma_operation(
        kind: SOMA_OPERATION_UNARY, code: Int32(code.rawValue), dtype: dtype, operands: (0, 0, 0))
    }
    #expect(make(unary(SOMA_ABS, SOMA_F32)) == (soma_makes_machine_code() != 0))
    #expect(!make(unary(SOMA_LGAMMA, SOMA_F32)))
    #expect(!make(unary(SOMA_ABS, SOMA_I32)))
    #expect(!make(unary(SOMA_ABS, SOMA_F64)), "the operand is F32")
    KernelCalls.atLevel(1) { #expect(!make(unary(SOMA_ABS, SOMA_F32))) }
    soma_allow_machine_code(0)
    defer { soma_allow_machine_code(1) }
    #expect(!make(unary(SOMA_ABS, SOMA_F32)))
  }
}
