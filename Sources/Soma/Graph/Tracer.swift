import Synchronization

/// Records the primitives that a function applies to its traced arguments. Tracers nest: a value of an outer tracer, used
/// inside, becomes one more input of the inner graph (a capture).
final class Tracer: Sendable {
  /// Larger for inner tracers.
  let level: Int

  private struct State {
    var graph = Graph()
    var captures: [Tensor] = []
    var captured: [Capture: ValueID] = [:]
    var constants: [ObjectIdentifier: ValueID] = [:]
    var finished = false
  }

  private struct Capture: Hashable {
    let level: Int
    let value: ValueID
  }

  private let state = Mutex(State())
  private static let levels = Atomic<Int>(0)

  /// The innermost tracer at work in this task; sources without traced operands are recorded there.
  @TaskLocal static var current: Tracer?

  /// The path of layers being traced.
  @TaskLocal static var scopePath = ""

  /// Whether the function of a `vmap` is being traced: what it sees is one of many.
  @TaskLocal static var isVectorizing = false

  /// Whether concrete tensors become captures too, so that the graph does not depend on their elements.
  private let liftsConstants: Bool

  init(liftsConstants: Bool = false) {
    self.liftsConstants = liftsConstants
    level = Tracer.levels.wrappingAdd(1, ordering: .relaxed).newValue
  }

  func input(_ type: TensorType) -> Tensor {
    let id = state.withLock { $0.graph.addInput(type) }
    return Tensor(shape: type.shape, dtype: type.dtype, source: .traced(self, id))
  }

  func record(_ primitive: Primitive, _ operands: [Tensor], types: [TensorType], scope: String) -> [Tensor] {
    let first = state.withLock { state in
      require(!state.finished, "a traced tensor was used after its function had been traced")
      let ids = operands.map { value(of: $0, in: &state) }
      return state.graph.add(primitive, ids, types: types, scope: scope).lowerBound
    }
    return types.enumerated().map { i, type in
      Tensor(shape: type.shape, dtype: type.dtype, source: .traced(self, first + i))
    }
  }

  private func value(of tensor: Tensor, in state: inout State) -> ValueID {
    switch tensor.source {
    case .concrete(let storage):
      let key = ObjectIdentifier(storage)
      if let id = state.constants[key], state.graph.types[id] == tensor.type { return id }
      if liftsConstants && tensor.count > 1 {
        let input = state.graph.addInput(tensor.type)
        state.constants[key] = input
        state.captures.append(tensor)
        return input
      }
      let constant = Constant(type: tensor.type, storage: storage)
      let id = state.graph.add(.constant(constant), [], types: [tensor.type], scope: "").lowerBound
      state.constants[key] = id
      return id
    case .traced(let tracer, let id):
      if tracer === self { return id }
      require(tracer.level < level, "a traced tensor left the function that it belongs to")
      let key = Capture(level: tracer.level, value: id)
      if let known = state.captured[key] { return known }
      let input = state.graph.addInput(tensor.type)
      state.captured[key] = input
      state.captures.append(tensor)
      return input
    }
  }

  /// Ends the recording: the graph that computes `outputs`, and the outer values it needs after its declared inputs.
  func finish(_ outputs: [Tensor]) -> (graph: Graph, captures: [Tensor]) {
    state.withLock { state in
      let ids = outputs.map { value(of: $0, in: &state) }
      state.graph.outputs = ids
      state.finished = true
      return (state.graph, state.captures)
    }
  }
}

/// The graph of `function` at argument types, and the outer traced tensors it captured (further inputs of the graph).
func trace(_ types: [TensorType], liftsConstants: Bool = false, _ function: ([Tensor]) throws -> [Tensor]) rethrows
  -> (graph: Graph, captures: [Tensor])
{
  let tracer = Tracer(liftsConstants: liftsConstants)
  let arguments = types.map { tracer.input($0) }
  let outputs = try Tracer.$current.withValue(tracer) { try function(arguments) }
  return tracer.finish(outputs)
}

/// Applies a primitive: at once if every operand is concrete, else recorded by the innermost tracer among them.
func emit(_ primitive: Primitive, _ operands: [Tensor], scope: String? = nil) -> [Tensor] {
  var innermost: Tracer?
  for operand in operands {
    if case .traced(let tracer, _) = operand.source, tracer.level > innermost?.level ?? -1 { innermost = tracer }
  }
  if innermost == nil, primitive.isSource { innermost = Tracer.current }
  let types = primitive.outputTypes(operands.map(\.type))
  if let innermost {
    return innermost.record(primitive, operands, types: types, scope: scope ?? Tracer.scopePath)
  }
  return evaluate(primitive, operands, types: types)
}

/// Applies a primitive with one result.
func emit(_ primitive: Primitive, _ operands: Tensor...) -> Tensor { emit(primitive, operands)[0] }

extension Primitive {
  /// Whether it makes a large tensor out of little, so that a trace records it rather than storing the result.
  var isSource: Bool {
    if case .iota = self { return true }
    if case .broadcast = self { return true }
    return false
  }
}

/// Computes something outside the traced function, so that its result is concrete.
package func untraced<Result>(_ body: () throws -> Result) rethrows -> Result {
  try Tracer.$current.withValue(nil, operation: body)
}

/// Runs a part of a network so that graphs, costs and errors name it.
package func scoped<Result>(_ path: String, _ body: () throws -> Result) rethrows -> Result {
  try Tracer.$scopePath.withValue(path, operation: body)
}

extension Graph {
  /// The types a function gives for arguments of the given types, without computing anything.
  public static func shapes(of types: [TensorType], _ function: ([Tensor]) -> [Tensor]) -> [TensorType] {
    trace(types, function).graph.outputTypes
  }
}
