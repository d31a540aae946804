import Synchronization

/// A compiled graph: kernels in order, and a plan of the memory that they share. Safe to call from several tasks.
public final class Executable: Sendable {
  /// What a run needs, in bytes, known before it starts.
  public struct Memory: Sendable, Hashable {
    public var inputs: Int
    public var outputs: Int
    public var constants: Int
    /// Intermediate values and kernels' scratch space.
    public var intermediates: Int
    public var total: Int { inputs + outputs + constants + intermediates }
  }

  /// A run would need more memory than allowed.
  public struct MemoryLimitExceeded: Error, CustomStringConvertible {
    public let needed: Int
    public let limit: Int
    public var description: String {
      "this computation needs \(formattedBytes(needed)) of memory, more than the limit of \(formattedBytes(limit))"
    }
  }

  public let inputTypes: [TensorType]
  public let outputTypes: [TensorType]
  public let memory: Memory
  /// The graph after simplification.
  public let graph: Graph

  private let program: Program
  private let contexts = Mutex<[Program.Context]>([])

  /// Compiles a graph. `updates` lists pairs (output, input) such that the caller hands the input's memory over to the
  /// output: a training step's new parameters overwrite the old ones.
  /// - Throws: `MemoryLimitExceeded` if a run would need more than `memoryLimit` bytes.
  public init(_ graph: Graph, updating updates: [(output: Int, input: Int)] = [], memoryLimit: Int? = nil) throws {
    let simplified = graph.simplified()
    self.graph = simplified
    inputTypes = graph.inputTypes
    outputTypes = graph.outputTypes
    let states = Set(updates.map(\.input))
    program = Program(simplified.withSlabs(updated: states).withSplitReductions(), updates: updates)
    let updated = Set(updates.map(\.output))
    memory = Memory(
      inputs: inputTypes.reduce(0) { $0 + $1.byteCount },
      outputs: outputTypes.enumerated().reduce(0) { $0 + (updated.contains($1.offset) ? 0 : $1.element.byteCount) },
      constants: program.constantBytes, intermediates: program.arenaBytes + program.heldBytes)
    if let memoryLimit, memory.total > memoryLimit {
      throw MemoryLimitExceeded(needed: memory.total, limit: memoryLimit)
    }
  }

  private static let made = Mutex<[Graph: Executable]>([:])
  private static let capacity = 512

  /// The executable of a graph, compiled when it is first asked for and shared by all who ask.
  static func shared(for graph: Graph) -> Executable {
    if let known = made.withLock({ $0[graph] }) { return known }
    guard let executable = try? Executable(graph) else { fatalError("a graph without a memory limit compiles") }
    made.withLock { made in
      if made.count >= capacity { made.removeAll() }
      made[graph] = executable
    }
    return executable
  }

  /// Kernels a run calls.
  public var stepCount: Int { program.steps.count }

  /// Runs on concrete tensors of `inputTypes`.
  public func callAsFunction(_ inputs: [Tensor]) -> [Tensor] {
    require(program.updates.isEmpty, "an executable that updates its inputs runs in a TrainingLoop")
    require(inputs.map(\.type) == inputTypes, "the executable wants \(inputTypes), not \(inputs.map(\.type))")
    let results = outputTypes.map { Storage(byteCount: $0.byteCount) }
    let context = takeContext()
    for (i, input) in inputs.enumerated() { context.setInput(i, input.storage.pointer) }
    for (i, result) in results.enumerated() { context.setOutput(i, result.pointer) }
    program.run(context)
    giveContext(context)
    withExtendedLifetime(inputs) {}
    return zip(outputTypes, results).map { Tensor(shape: $0.shape, dtype: $0.dtype, source: .concrete($1)) }
  }

  func takeContext() -> Program.Context { contexts.withLock { $0.popLast() } ?? Program.Context(program) }
  func giveContext(_ context: Program.Context) { contexts.withLock { $0.append(context) } }
  func run(_ context: Program.Context) { program.run(context) }
  func profile(_ context: Program.Context, repeats: Int) -> [(kernel: String, milliseconds: Double)] {
    program.profile(context, repeats: repeats)
  }
}

/// A byte count as a person reads it.
public func formattedBytes(_ count: Int) -> String {
  let units = ["B", "KiB", "MiB", "GiB", "TiB"]
  var value = Double(count)
  var unit = 0
  while value >= 1024, unit < units.count - 1 {
    value /= 1024
    unit += 1
  }
  let rounded = (value * 10).rounded() / 10
  return unit == 0 ? "\(count) B" : "\(rounded) \(units[unit])"
}
