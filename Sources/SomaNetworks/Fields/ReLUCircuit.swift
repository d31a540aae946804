import Soma

/// A network of affine maps and ReLUs, built from expressions and laid out in layers: what a construction in a proof becomes when it
/// is to run. Values that later layers want are carried by ReLUs of their own.
struct ReLUCircuit {
  /// An affine combination of inputs and ReLUs.
  struct Term {
    var coefficients: [Int: Double]
    var constant: Double

    init(_ constant: Double) { (coefficients, self.constant) = ([:], constant) }
    fileprivate init(node: Int) { (coefficients, constant) = ([node: 1], 0) }

    static func + (a: Term, b: Term) -> Term {
      var result = a
      result.constant += b.constant
      for (node, value) in b.coefficients { result.coefficients[node, default: 0] += value }
      result.coefficients = result.coefficients.filter { $0.value != 0 }
      return result
    }
    static func * (a: Term, s: Double) -> Term {
      var result = a
      result.constant *= s
      result.coefficients = a.coefficients.mapValues { $0 * s }
      return result
    }
    static func - (a: Term, b: Term) -> Term { a + b * -1 }
    static func + (a: Term, s: Double) -> Term { a + Term(s) }
    static func - (a: Term, s: Double) -> Term { a + Term(-s) }
    static func - (s: Double, a: Term) -> Term { Term(s) - a }
  }

  private struct Node {
    var term: Term
    var depth: Int
  }

  let inputs: Int
  private var nodes: [Node]
  /// Inputs that are never negative need one ReLU to be carried, others two.
  private let nonNegative: Set<Int>

  init(inputs: Int, nonNegative: Set<Int> = []) {
    self.inputs = inputs
    self.nonNegative = nonNegative
    nodes = (0..<inputs).map { _ in Node(term: Term(0), depth: 0) }
  }

  func input(_ i: Int) -> Term { Term(node: i) }

  mutating func relu(_ term: Term) -> Term {
    if let same = nodes.indices.first(where: {
      $0 >= inputs && nodes[$0].term.coefficients == term.coefficients && nodes[$0].term.constant == term.constant
    }) {
      return Term(node: same)
    }
    let depth = (term.coefficients.keys.map { nodes[$0].depth }.max() ?? 0) + 1
    nodes.append(Node(term: term, depth: depth))
    return Term(node: nodes.count - 1)
  }

  /// `min(max(v, 0), 1)`
  mutating func clamp(_ v: Term) -> Term { relu(relu(v) - relu(v - 1)) }
  /// The smaller of numbers of which all but one are 0 or 1.
  mutating func and(_ a: Term, _ b: Term) -> Term { relu(a + b - 1) }
  mutating func and(_ a: Term, _ b: Term, _ c: Term) -> Term { relu(a + b + c - 2) }

  /// Dense layers with ReLUs between them, and their parameters under the names that `Sequential` gives them.
  func layers(_ outputs: [Term], path: String) -> (layer: Sequential, parameters: Parameters) {
    let depth = outputs.flatMap { $0.coefficients.keys.map { nodes[$0].depth } }.max() ?? 0
    // Which values each layer has to hold, deepest first.
    var wanted: [Set<Int>] = Array(repeating: [], count: depth + 1)
    wanted[depth] = Set(outputs.flatMap { $0.coefficients.keys })
    for level in stride(from: depth, to: 0, by: -1) {
      for node in wanted[level] {
        if nodes[node].depth == level {
          wanted[level - 1].formUnion(nodes[node].term.coefficients.keys)
        } else {
          wanted[level - 1].insert(node)
        }
      }
    }
    var layers: [any Layer] = []
    var parameters = Parameters()
    // How the values of the layer below are read off its units.
    var reading: [Int: [(unit: Int, factor: Double)]] = [:]
    for i in 0..<inputs { reading[i] = [(i, 1)] }
    var width = inputs
    func emit(_ columns: [Term]) {
      var (weight, bias) = ([Double](repeating: 0, count: width * columns.count), [Double]())
      for (j, term) in columns.enumerated() {
        for (node, value) in term.coefficients {
          for (unit, factor) in reading[node]! { weight[unit * columns.count + j] += value * factor }
        }
        bias.append(term.constant)
      }
      let name = "\(path)/\(layers.count)"
      parameters["\(name)/weight"] = Tensor(weight, shape: [width, columns.count])
      parameters["\(name)/bias"] = Tensor(bias)
      layers.append(Dense(columns.count))
    }
    for level in 1..<(depth + 1) {
      var columns: [Term] = []
      var next: [Int: [(unit: Int, factor: Double)]] = [:]
      func unit(_ term: Term) -> Int {
        if let same = columns.firstIndex(where: { $0.coefficients == term.coefficients && $0.constant == term.constant }
        ) {
          return same
        }
        columns.append(term)
        return columns.count - 1
      }
      for node in wanted[level].sorted() {
        if nodes[node].depth == level {
          next[node] = [(unit(nodes[node].term), 1)]
        } else if node >= inputs || nonNegative.contains(node) {
          next[node] = [(unit(Term(node: node)), 1)]
        } else if level == 1 {
          next[node] = [(unit(Term(node: node)), 1), (unit(Term(node: node) * -1), -1)]
        } else {
          // Two carriers already hold the parts of either sign.
          let parts = reading[node]!
          var carried: [(unit: Int, factor: Double)] = []
          for part in parts {
            let carrier = Term(node: -1 - part.unit)
            reading[-1 - part.unit] = [(part.unit, 1)]
            carried.append((unit(carrier), part.factor))
          }
          next[node] = carried
        }
      }
      emit(columns)
      layers.append(Activation.relu)
      width = columns.count
      reading = next
    }
    emit(outputs)
    return (Sequential(layers), parameters)
  }
}
