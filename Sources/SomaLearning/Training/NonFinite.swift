import Soma

/// Where a computation stopped being finite.
public enum NonFiniteCause: Hashable, Sendable, CustomStringConvertible {
  /// An input was not finite to begin with.
  case input(String)
  /// An operation gave non-finite numbers (`example` is one) of finite ones.
  case operation(name: String, scope: String, example: String)
  /// Repeating the step gave finite numbers only.
  case unknown

  public var description: String {
    switch self {
    case .input(let name): "\(name) already held a number that is not finite"
    case .operation(let name, let scope, let example):
      "the first operation to give \(example) is \(name)" + (scope.isEmpty ? "" : " in \(scope)")
    case .unknown: "repeated one by one, all operations were finite"
    }
  }

  /// Runs a graph operation by operation and follows the non-finite numbers in output `output` back to where they began.
  /// - `inputNames`: what the inputs are called
  public init(in graph: Graph, _ inputs: [Tensor], output: Int, inputNames: [String]) {
    var values = [Tensor?](repeating: nil, count: graph.types.count)
    for (id, tensor) in zip(graph.inputs, inputs) { values[id] = tensor }
    // Values are dropped after their last use, so that the memory is no more than the step's own.
    var lastUse = [Int](repeating: -1, count: graph.types.count)
    for (i, node) in graph.nodes.enumerated() { for id in node.inputs { lastUse[id] = i } }
    var flaws = [Flaw?](repeating: nil, count: graph.types.count)
    for id in graph.inputs { flaws[id] = values[id].flatMap(Flaw.init) }
    for (i, node) in graph.nodes.enumerated() {
      let results = node.applied(to: node.inputs.map { values[$0]! })
      for (id, result) in zip(node.outputs, results) {
        flaws[id] = Flaw(result)
        values[id] = result
      }
      for id in node.inputs where lastUse[id] == i { values[id] = nil }
    }

    // Of the nodes behind the output, those that are reached through non-finite values alone.
    var isReached = [Bool](repeating: false, count: graph.types.count)
    guard graph.outputs.indices.contains(output), flaws[graph.outputs[output]] != nil else {
      self = .unknown
      return
    }
    isReached[graph.outputs[output]] = true
    var suspects: [Graph.Node] = []
    for node in graph.nodes.reversed() where node.outputs.contains(where: { isReached[$0] }) {
      suspects.append(node)
      for id in node.inputs where flaws[id] != nil { isReached[id] = true }
    }
    suspects.reverse()
    func report(_ node: Graph.Node) -> NonFiniteCause {
      let flaw = node.outputs.lazy.compactMap { flaws[$0] }.first
      return .operation(
        name: node.primitive.name, scope: node.scope, example: flaw?.text ?? "a number that is not finite")
    }
    if let i = graph.inputs.indices.first(where: { isReached[graph.inputs[$0]] }) {
      self = .input(inputNames.indices.contains(i) ? inputNames[i] : "input \(i)")
    } else if let node = suspects.first(where: { node in
      // Constants are no operations: an infinite one is meant (a mask).
      !node.isConstant && node.inputs.allSatisfy { flaws[$0] == nil }
    }) {
      self = report(node)
    } else if let node = suspects.first(where: { node in
      // Infinities that were meant met each other.
      node.outputs.contains { flaws[$0] == .notANumber } && node.inputs.allSatisfy { flaws[$0] != .notANumber }
    }) {
      self = report(node)
    } else {
      self = suspects.first.map(report) ?? .unknown
    }
  }

  private enum Flaw {
    case notANumber, infinite

    init?(_ tensor: Tensor) {
      guard tensor.dtype.isFloating, tensor.count > 0, !tensor.isFinite().all().item(as: Bool.self) else { return nil }
      self = tensor.isNaN().any().item(as: Bool.self) ? .notANumber : .infinite
    }

    var text: String { self == .notANumber ? "NaN" : "an infinite number" }
  }
}

extension Graph.Node {
  fileprivate var isConstant: Bool {
    if case .constant = primitive { true } else { false }
  }

  /// The node's results for concrete operands.
  fileprivate func applied(to operands: [Tensor]) -> [Tensor] {
    var graph = Graph()
    let inputs = operands.map { graph.addInput(TensorType(shape: $0.shape, dtype: $0.dtype)) }
    graph.outputs = Array(graph.add(primitive, inputs, scope: scope))
    return graph(operands)
  }
}
