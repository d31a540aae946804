import Synchronization

/// A function compiled at first use for each combination of argument types, then run without tracing. Concrete tensors
/// that the function captures are fixed at that time.
public final class CompiledFunction<A: TensorTree, B: TensorTree>: @unchecked Sendable {
  private let function: (A) -> B
  // Guarded by the mutex: executables by argument types, with the structure of the value.
  private let cache = Mutex<[[TensorType]: (Executable, Template)]>([:])
  private let memoryLimit: Int?

  private struct Template: @unchecked Sendable { let value: B }

  init(_ function: @escaping (A) -> B, memoryLimit: Int?) {
    self.function = function
    self.memoryLimit = memoryLimit
  }

  private func compiled(_ argument: A) throws -> (Executable, Template) {
    let types = argument.leaves.map(\.type)
    if let known = cache.withLock({ $0[types] }) { return known }
    var template: B?
    let (graph, captures) = trace(types) { arguments in
      let result = function(argument.replacingLeaves(arguments))
      template = result
      return result.leaves
    }
    require(captures.isEmpty, "a compiled function captured a traced tensor; pass it as an argument")
    let executable =
      memoryLimit == nil ? Executable.shared(for: graph) : try Executable(graph, memoryLimit: memoryLimit)
    let made = (executable, Template(value: template!))
    cache.withLock { $0[types] = made }
    return made
  }

  /// The executable for an argument.
  /// - Throws: `Executable.MemoryLimitExceeded`.
  public func executable(for argument: A) throws -> Executable { try compiled(argument).0 }

  /// Runs on an argument; inside a traced function it is simply traced along.
  /// - Throws: `Executable.MemoryLimitExceeded`, before anything is computed.
  public func run(_ argument: A) throws -> B {
    let leaves = argument.leaves
    if !leaves.allSatisfy(\.isConcrete) { return function(argument) }
    let (executable, template) = try compiled(argument)
    return template.value.replacingLeaves(executable(leaves))
  }

  public func callAsFunction(_ argument: A) -> B {
    do {
      return try run(argument)
    } catch {
      fatalError("\(error)")
    }
  }
}

/// Compiles a function of tensors: `let step = compile { (x: Tensor) in … }`. A run that would need more than
/// `memoryLimit` bytes is refused (see `CompiledFunction.run`).
public func compile<A: TensorTree, B: TensorTree>(memoryLimit: Int? = nil, _ function: @escaping (A) -> B)
  -> CompiledFunction<A, B>
{
  CompiledFunction(function, memoryLimit: memoryLimit)
}
