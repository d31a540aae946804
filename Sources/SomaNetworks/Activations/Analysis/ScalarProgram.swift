import Foundation

/// The formula of an activation of one number as a flat list of operations, each written once: loops are unrolled, local
/// functions put in place, constants computed. What reads values of many points, or intervals, walks along it.
struct ScalarProgram {
  enum Operation: Hashable {
    case constant(UInt64)
    case input
    /// A parameter that is left open.
    case parameter(Int)
    case function(ScalarFunction)
    case arithmetic(Expression.Arithmetic)
    case maximum, minimum
    case compare(Expression.Comparison)
    /// a ? b : c
    case select
  }

  struct Node: Hashable {
    var operation: Operation
    var a = -1
    var b = -1
    var c = -1
  }

  /// An open parameter and its start value.
  struct Parameter: Hashable {
    var name: String
    /// The place in a list.
    var index: Int?
    var start: Double
    var parameter: ActivationParameter
  }

  private(set) var nodes: [Node] = []
  private(set) var parameters: [Parameter] = []
  var root = -1
  private var known: [Node: Int] = [:]

  /// - Parameter isOpen: whether the numbers among the parameters may vary; otherwise they have their start values.
  /// - Returns: nil for an activation that is no function of one number.
  init?(_ activation: Activation, isOpen: Bool = false) {
    guard activation.isElementwise else { return nil }
    var builder = ScalarProgramBuilder(isOpen: isOpen)
    self = builder.build(activation)
  }

  init() {}

  var count: Int { nodes.count }

  mutating func add(_ node: Node) -> Int {
    if let same = known[node] { return same }
    if let value = folded(node) {
      let constant = Node(operation: .constant(value.bitPattern))
      if let same = known[constant] { return same }
      return append(constant)
    }
    return append(node)
  }

  private mutating func append(_ node: Node) -> Int {
    nodes.append(node)
    known[node] = nodes.count - 1
    return nodes.count - 1
  }

  mutating func constant(_ value: Double) -> Int { add(Node(operation: .constant(value.bitPattern))) }

  mutating func open(_ parameter: Parameter) -> Int {
    parameters.append(parameter)
    return add(Node(operation: .parameter(parameters.count - 1)))
  }

  /// The value of a node that is known.
  func number(_ id: Int) -> Double? {
    if case .constant(let bits) = nodes[id].operation { Double(bitPattern: bits) } else { nil }
  }

  private func folded(_ node: Node) -> Double? {
    switch node.operation {
    case .constant, .input, .parameter, .select: return nil
    case .function(let function): return number(node.a).map { function($0) }
    case .arithmetic, .maximum, .minimum, .compare:
      guard let a = number(node.a), let b = number(node.b) else { return nil }
      return Self.binary(node.operation, a, b)
    }
  }

  static func binary(_ operation: Operation, _ a: Double, _ b: Double) -> Double {
    switch operation {
    case .arithmetic(.add): a + b
    case .arithmetic(.subtract): a - b
    case .arithmetic(.multiply): a * b
    case .arithmetic(.divide): a / b
    case .arithmetic(.power): power(a, b)
    case .maximum: a.isNaN || b.isNaN ? .nan : Swift.max(a, b)
    case .minimum: a.isNaN || b.isNaN ? .nan : Swift.min(a, b)
    case .compare(.less): a < b ? 1 : 0
    case .compare(.lessEqual): a <= b ? 1 : 0
    case .compare(.greater): a > b ? 1 : 0
    case .compare(.greaterEqual): a >= b ? 1 : 0
    case .compare(.equal): a == b ? 1 : 0
    case .constant, .input, .parameter, .function, .select: .nan
    }
  }

  // MARK: Values

  /// The values at many points.
  func callAsFunction(_ x: [Double], _ values: [Double]? = nil) -> [Double] {
    let values = values ?? parameters.map(\.start)
    return evaluate(x) { [Double](repeating: values[$0], count: x.count) }
  }

  /// The values at one point, for many values of the parameters: `values[i]` lists those of parameter i.
  func callAsFunction(_ x: Double, all values: [[Double]]) -> [Double] {
    evaluate([Double](repeating: x, count: values.first?.count ?? 1)) { values[$0] }
  }

  private func evaluate(_ x: [Double], _ parameter: (Int) -> [Double]) -> [Double] {
    let n = x.count
    var results = [[Double]](repeating: [], count: nodes.count)
    for (id, node) in nodes.enumerated() {
      switch node.operation {
      case .constant(let bits): results[id] = [Double](repeating: Double(bitPattern: bits), count: n)
      case .input: results[id] = x
      case .parameter(let i): results[id] = parameter(i)
      case .function(let function): results[id] = results[node.a].map { function($0) }
      case .arithmetic, .maximum, .minimum, .compare:
        results[id] = Self.binary(node.operation, results[node.a], results[node.b])
      case .select:
        let (c, a, b) = (results[node.a], results[node.b], results[node.c])
        results[id] = (0..<n).map { c[$0] != 0 ? a[$0] : b[$0] }
      }
    }
    return results[root]
  }

  private static func binary(_ operation: Operation, _ a: [Double], _ b: [Double]) -> [Double] {
    let n = a.count
    switch operation {
    case .arithmetic(.add): return (0..<n).map { a[$0] + b[$0] }
    case .arithmetic(.subtract): return (0..<n).map { a[$0] - b[$0] }
    case .arithmetic(.multiply): return (0..<n).map { a[$0] * b[$0] }
    case .arithmetic(.divide): return (0..<n).map { a[$0] / b[$0] }
    default: return (0..<n).map { binary(operation, a[$0], b[$0]) }
    }
  }

  private static func power(_ a: Double, _ b: Double) -> Double {
    b == 2 ? a * a : b == 1 ? a : Foundation.pow(a, b)
  }

  /// Without what the result does not need.
  func pruned() -> ScalarProgram {
    var isNeeded = [Bool](repeating: false, count: nodes.count)
    isNeeded[root] = true
    for id in nodes.indices.reversed() where isNeeded[id] {
      for operand in [nodes[id].a, nodes[id].b, nodes[id].c] where operand >= 0 { isNeeded[operand] = true }
    }
    var result = ScalarProgram()
    result.parameters = parameters
    var places = [Int](repeating: -1, count: nodes.count)
    for id in nodes.indices where isNeeded[id] {
      var node = nodes[id]
      if node.a >= 0 { node.a = places[node.a] }
      if node.b >= 0 { node.b = places[node.b] }
      if node.c >= 0 { node.c = places[node.c] }
      places[id] = result.append(node)
    }
    result.root = places[root]
    return result
  }
}
