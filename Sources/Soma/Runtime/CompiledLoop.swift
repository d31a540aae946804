/// A step that is run again and again and carries a state: a training step with its parameters and moments. The state
/// lives in fixed memory and is updated in place; a run allocates nothing on the heap.
public final class CompiledLoop<State: TensorTree, Input: TensorTree, Output: TensorTree> {
  private let executable: Executable
  private let context: Program.Context
  private let stateTemplate: State
  private let outputTemplate: Output
  private let stateMemory: [Storage]
  private let inputMemory: [Storage]
  private let outputMemory: [Storage]
  private let stateTypes: [TensorType]
  private let inputTypes: [TensorType]
  private let resultTypes: [TensorType]

  /// Compiles `step` for inputs like `example`.
  /// - Throws: `Executable.MemoryLimitExceeded`.
  public init(
    _ state: State, example: Input, memoryLimit: Int? = nil, _ step: (State, Input) -> (State, Output)
  ) throws {
    let (states, inputs) = (state.leaves, example.leaves)
    var output: Output?
    let (graph, captures) = trace((states + inputs).map(\.type)) { arguments in
      let (next, result) = step(
        state.replacingLeaves(Array(arguments.prefix(states.count))),
        example.replacingLeaves(Array(arguments.dropFirst(states.count))))
      output = result
      let leaves = next.leaves
      require(
        leaves.map(\.type) == states.map(\.type), "a step must return a state of the types it takes")
      return leaves + result.leaves
    }
    require(captures.isEmpty, "a compiled step captured a traced tensor")
    executable = try Executable(graph, updating: states.indices.map { ($0, $0) }, memoryLimit: memoryLimit)
    stateTemplate = state
    outputTemplate = output!
    stateTypes = states.map(\.type)
    inputTypes = inputs.map(\.type)
    resultTypes = Array(graph.outputTypes.dropFirst(states.count))
    stateMemory = states.map { tensor in
      let storage = Storage(byteCount: tensor.type.byteCount)
      storage.pointer.copyMemory(from: tensor.storage.pointer, byteCount: tensor.type.byteCount)
      return storage
    }
    inputMemory = inputs.map { Storage.zeros(byteCount: $0.type.byteCount) }
    outputMemory = resultTypes.map { Storage.zeros(byteCount: $0.byteCount) }
    context = executable.takeContext()
    for (i, storage) in stateMemory.enumerated() {
      context.setInput(i, storage.pointer)
      context.setOutput(i, storage.pointer)
    }
    for (i, storage) in inputMemory.enumerated() { context.setInput(states.count + i, storage.pointer) }
    for (i, storage) in outputMemory.enumerated() { context.setOutput(states.count + i, storage.pointer) }
  }

  /// What a step needs, in bytes.
  public var memory: Executable.Memory { executable.memory }
  public var graph: Graph { executable.graph }
  /// Kernels a step calls.
  public var stepCount: Int { executable.stepCount }

  /// Copies an input to where the next steps read it.
  public func load(_ input: Input) {
    for (i, tensor) in input.leaves.enumerated() {
      require(tensor.type == inputTypes[i], "the step was compiled for \(inputTypes[i]), not \(tensor.type)")
      inputMemory[i].pointer.copyMemory(from: tensor.storage.pointer, byteCount: tensor.type.byteCount)
    }
  }

  /// Runs one step on the loaded input. Allocates nothing.
  public func step() { executable.run(context) }

  /// Where the time of a step goes: kernels by the median of `repeats` runs, longest first.
  public func profile(_ repeats: Int = 10) -> [(kernel: String, milliseconds: Double)] {
    executable.profile(context, repeats: repeats)
  }

  /// Loads an input, runs one step and returns its result.
  public func callAsFunction(_ input: Input) -> Output {
    load(input)
    step()
    return output
  }

  /// A copy of the last step's result.
  public var output: Output { outputTemplate.replacingLeaves(copies(outputMemory, resultTypes)) }

  /// Reads one number of the last step's result, without allocating: leaf `leaf`'s first element, `float32`.
  public func float(_ leaf: Int) -> Float {
    require(resultTypes[leaf].dtype == .float32, "leaf \(leaf) is \(resultTypes[leaf])")
    return outputMemory[leaf].pointer.load(as: Float.self)
  }

  /// A copy of the state; setting it overwrites the state.
  public var state: State {
    get { stateTemplate.replacingLeaves(copies(stateMemory, stateTypes)) }
    set {
      for (i, tensor) in newValue.leaves.enumerated() {
        require(tensor.type == stateTypes[i], "the state wants \(stateTypes[i]), not \(tensor.type)")
        stateMemory[i].pointer.copyMemory(from: tensor.storage.pointer, byteCount: tensor.type.byteCount)
      }
    }
  }

  private func copies(_ memory: [Storage], _ types: [TensorType]) -> [Tensor] {
    zip(memory, types).map { storage, type in
      let copy = Storage(byteCount: type.byteCount)
      copy.pointer.copyMemory(from: storage.pointer, byteCount: type.byteCount)
      return Tensor(shape: type.shape, dtype: type.dtype, source: .concrete(copy))
    }
  }
}
