import Soma

/// A network of single neurons with links of any kind, as evolution grows it: nodes 0 to 3 are the inputs (y, x, distance, 1), then
/// come the outputs, then the hidden ones. Links that close a cycle read 0.
public struct CPPNGraph: Sendable, Hashable {
  public struct Link: Sendable, Hashable {
    public var from: Int
    public var to: Int
    public var weight: Double
    public init(from: Int, to: Int, weight: Double) { (self.from, self.to, self.weight) = (from, to, weight) }
  }

  public static let inputs = 4
  public var outputs: Int
  /// Of the nodes behind inputs and outputs.
  public var functions: [CPPN.Function]
  public var links: [Link]

  public init(outputs: Int = 1, functions: [CPPN.Function] = [], links: [Link] = []) {
    self.outputs = outputs
    self.functions = functions
    self.links = links
  }

  public var nodeCount: Int { Self.inputs + outputs + functions.count }
  public var outputNodes: Range<Int> { Self.inputs..<(Self.inputs + outputs) }

  /// What a node applies: outputs nothing, inputs are given.
  public func function(of node: Int) -> CPPN.Function {
    node < Self.inputs + outputs ? .identity : functions[node - Self.inputs - outputs]
  }

  /// The nodes in an order in which sources come first, and the links without those that close a cycle. Outputs feed nothing.
  public func sorted() -> (order: [Int], links: [Link]) {
    let incoming = Dictionary(grouping: links.filter { !outputNodes.contains($0.from) }, by: \.to)
    var order: [Int] = []
    var kept: [Link] = []
    var state = [Int](repeating: 0, count: nodeCount)  // 1: on the path, 2: done
    func visit(_ node: Int) {
      state[node] = 1
      for link in incoming[node] ?? [] {
        if state[link.from] == 1 { continue }
        if state[link.from] == 0 { visit(link.from) }
        kept.append(link)
      }
      state[node] = 2
      order.append(node)
    }
    for node in 0..<nodeCount where state[node] == 0 && node < Self.inputs { visit(node) }
    for node in 0..<nodeCount where state[node] == 0 { visit(node) }
    return (order, kept)
  }

  /// The outputs at one place.
  public func callAsFunction(_ input: [Double]) -> [Double] { evaluator()(input) }

  /// A function that evaluates the graph at places, its order found once.
  public func evaluator() -> ([Double]) -> [Double] {
    let (order, kept) = sorted()
    let incoming = Dictionary(grouping: kept, by: \.to)
    let steps = order.filter { $0 >= Self.inputs }.map { node in
      (node: node, function: function(of: node), sources: (incoming[node] ?? []).map { ($0.from, $0.weight) })
    }
    return { [nodeCount, outputNodes] input in
      var values = [Double](repeating: 0, count: nodeCount)
      for i in 0..<Self.inputs { values[i] = input[i] }
      for step in steps {
        var sum = 0.0
        for (from, weight) in step.sources { sum += weight * values[from] }
        values[step.node] = step.function(sum)
      }
      return outputNodes.map { values[$0] }
    }
  }

  /// The same function as dense layers: a node stands one layer behind its last source, values are carried forward to where they are
  /// used by `cache` neurons of weight 1, and a layer has as many neurons of each function as the neediest layer.
  public func layerized(dtype: DType = .float32) -> (network: CPPN, parameters: Parameters) {
    let (order, kept) = sorted()
    let incoming = Dictionary(grouping: kept, by: \.to)
    var layer = [Int](repeating: 0, count: nodeCount)
    for node in order where node >= Self.inputs {
      layer[node] = 1 + ((incoming[node] ?? []).map { layer[$0.from] }.max() ?? 0)
    }
    // Outputs are sums without a function: their links are the head's, so all stand behind the last hidden layer.
    let hidden = order.filter { $0 >= Self.inputs + outputs }
    let depth = max(1, hidden.map { layer[$0] }.max() ?? 1)
    var lastUse = [Int](repeating: 0, count: nodeCount)
    for link in kept {
      let user = outputNodes.contains(link.to) ? depth + 1 : layer[link.to]
      lastUse[link.from] = max(lastUse[link.from], user)
    }
    // What each layer holds: neurons of its own, and copies.
    var contents: [[(node: Int, function: CPPN.Function)]] = Array(repeating: [], count: depth + 1)
    contents[0] = (0..<Self.inputs).map { ($0, .identity) }
    for level in 1..<(depth + 1) {
      for node in hidden where layer[node] == level { contents[level].append((node, function(of: node))) }
      for node in order where !outputNodes.contains(node) && layer[node] < level && lastUse[node] > level {
        contents[level].append((node, .cache))
      }
    }
    var need: [CPPN.Function: Int] = [:]
    for level in contents.dropFirst() {
      for (function, entries) in Dictionary(grouping: level, by: \.function) {
        need[function] = max(need[function] ?? 0, entries.count)
      }
    }
    if need.isEmpty { need[.cache] = 1 }
    let groups = CPPN.Function.allCases.compactMap { f in need[f].map { CPPN.Group(f, $0) } }
    let network = CPPN(depth: depth, groups: groups, outputs: outputs)
    var starts: [CPPN.Function: Int] = [:]
    var offset = 0
    for group in groups {
      starts[group.function] = offset
      offset += group.count
    }
    var places: [[Int: Int]] = [Dictionary(uniqueKeysWithValues: (0..<Self.inputs).map { ($0, $0) })]
    var parameters = Parameters()
    for level in 1..<(depth + 1) {
      var used: [CPPN.Function: Int] = [:]
      var own: [Int: Int] = [:]
      let below = level == 1 ? Self.inputs : network.width
      var weights = [Double](repeating: 0, count: below * network.width)
      for (node, function) in contents[level] {
        let column = starts[function]! + used[function, default: 0]
        used[function, default: 0] += 1
        own[node] = column
        if function == .cache, layer[node] < level {
          weights[places[level - 1][node]! * network.width + column] = 1
        } else {
          for link in incoming[node] ?? [] {
            weights[places[level - 1][link.from]! * network.width + column] += link.weight
          }
        }
      }
      parameters["layer\(level - 1)"] = Tensor(weights, shape: [below, network.width]).cast(to: dtype)
      places.append(own)
    }
    var head = [Double](repeating: 0, count: network.width * outputs)
    for output in outputNodes {
      for link in incoming[output] ?? [] {
        head[places[depth][link.from]! * outputs + output - Self.inputs] += link.weight
      }
    }
    parameters["head"] = Tensor(head, shape: [network.width, outputs]).cast(to: dtype)
    return (network, parameters)
  }
}
