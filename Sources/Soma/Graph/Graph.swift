/// A pure function of tensors: a list of primitives in an order in which each uses only values made before it.
public struct Graph: Hashable, Sendable {
  /// One primitive applied to values.
  public struct Node: Hashable, Sendable {
    public let primitive: Primitive
    public let inputs: [ValueID]
    public let outputs: Range<ValueID>
    /// Names of the layers it was recorded in, outermost first, joined by `/`.
    public let scope: String

    public static func == (a: Node, b: Node) -> Bool {
      a.outputs == b.outputs && a.inputs == b.inputs && a.primitive == b.primitive
    }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(primitive)
      hasher.combine(inputs)
    }
  }

  /// The type of every value, by its number.
  public private(set) var types: [TensorType] = []
  public private(set) var inputs: [ValueID] = []
  public private(set) var nodes: [Node] = []
  public var outputs: [ValueID] = []

  public init() {}

  public mutating func addInput(_ type: TensorType) -> ValueID {
    types.append(type)
    inputs.append(types.count - 1)
    return types.count - 1
  }

  /// Appends a node and returns the values it makes.
  public mutating func add(_ primitive: Primitive, _ operands: [ValueID], scope: String = "") -> Range<ValueID> {
    add(primitive, operands, types: primitive.outputTypes(operands.map { types[$0] }), scope: scope)
  }

  mutating func add(
    _ primitive: Primitive, _ operands: [ValueID], types results: [TensorType], scope: String
  ) -> Range<ValueID> {
    let first = types.count
    types.append(contentsOf: results)
    nodes.append(Node(primitive: primitive, inputs: operands, outputs: first..<types.count, scope: scope))
    return first..<types.count
  }

  public var inputTypes: [TensorType] { inputs.map { types[$0] } }
  public var outputTypes: [TensorType] { outputs.map { types[$0] } }

  /// Applies the function to tensors, one primitive after the other: at once on concrete tensors, recording on traced.
  public func callAsFunction(_ arguments: [Tensor]) -> [Tensor] {
    require(arguments.count == inputs.count, "the graph has \(inputs.count) inputs, not \(arguments.count)")
    var values = [Tensor?](repeating: nil, count: types.count)
    for (id, tensor) in zip(inputs, arguments) { values[id] = tensor }
    for node in nodes {
      let results = emit(node.primitive, node.inputs.map { values[$0]! }, scope: node.scope)
      for (id, tensor) in zip(node.outputs, results) { values[id] = tensor }
    }
    return outputs.map { values[$0]! }
  }
}

/// The number of a value in a graph.
public typealias ValueID = Int
