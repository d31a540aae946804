/// What a graph costs to evaluate. A multiplication with an addition counts as two operations, any other arithmetic on an
/// element as one, moving elements as none.
public struct Cost: Sendable, Hashable {
  /// Floating-point (or integer) operations.
  public var operations = 0
  /// Bytes read and written if every node's operands and results went through memory once.
  public var bytesMoved = 0
  /// Nodes counted.
  public var nodes = 0

  public static func + (a: Cost, b: Cost) -> Cost {
    Cost(
      operations: a.operations + b.operations, bytesMoved: a.bytesMoved + b.bytesMoved, nodes: a.nodes + b.nodes)
  }

  /// Operations for each byte moved: what decides whether arithmetic or memory limits the speed.
  public var intensity: Double { bytesMoved == 0 ? 0 : Double(operations) / Double(bytesMoved) }
}

/// The cost of a graph, whole and in parts.
public struct CostReport: Sendable {
  public var total = Cost()
  /// By the primitives' names.
  public var byOperation: [String: Cost] = [:]
  /// By the layers that recorded the nodes (paths like `encoder/0/attention`); nodes outside any have the empty path.
  public var byScope: [String: Cost] = [:]
  /// Most bytes of intermediate values alive at one time, evaluating node after node.
  public var peakActivationBytes = 0
  /// Elements of the inputs that were named parameters.
  public var parameters = 0

  /// The cost of a layer with all its parts.
  public func cost(ofScope path: String) -> Cost {
    byScope.reduce(Cost()) { $1.key == path || $1.key.hasPrefix(path + "/") ? $0 + $1.value : $0 }
  }
}

extension Graph {
  /// Counts what evaluating the graph costs.
  /// - Parameter parameterInputs: how many of the first inputs are parameters.
  public func cost(parameterInputs: Int = 0) -> CostReport {
    let (flat, _) = inlined()
    let graph = flat.withoutDeadNodes()
    var report = CostReport()
    for node in graph.nodes {
      let operands = node.inputs.map { graph.types[$0] }
      let results = node.outputs.map { graph.types[$0] }
      let (operations, bytes) = node.primitive.cost(operands, results)
      let cost = Cost(operations: operations, bytesMoved: bytes, nodes: 1)
      report.total = report.total + cost
      report.byOperation[node.primitive.name, default: Cost()] =
        report.byOperation[node.primitive.name, default: Cost()] + cost
      report.byScope[node.scope, default: Cost()] = report.byScope[node.scope, default: Cost()] + cost
    }
    report.parameters = graph.inputTypes.prefix(parameterInputs).reduce(0) { $0 + $1.shape.elementCount }
    report.peakActivationBytes = graph.peakActivationBytes()
    return report
  }

  private func peakActivationBytes() -> Int {
    var lastUse: [ValueID: Int] = [:]
    for (i, node) in nodes.enumerated() { for id in node.inputs { lastUse[id] = i } }
    for id in outputs { lastUse[id] = nodes.count }
    var dying = [Int](repeating: 0, count: nodes.count + 1)
    var (alive, peak) = (0, 0)
    for (i, node) in nodes.enumerated() {
      switch node.primitive {
      case .constant, .reshape, .stopGradient: continue
      case .iota, .randomBits, .unary, .polygamma, .binary, .compare, .select, .cast, .dot, .convolution, .splineSum,
        .reduce,
        .argReduce, .cumulative, .windowReduce, .windowArgMax, .transpose, .broadcast, .slice, .pad, .concatenate,
        .reverse, .gather, .scatterAdd, .argSort, .argTopK, .fourier, .realFourier, .inverseRealFourier, .cholesky,
        .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant, .scan, .custom, .checkpoint:
        for id in node.outputs {
          let bytes = types[id].byteCount
          alive += bytes
          dying[lastUse[id] ?? i] += bytes
        }
        peak = Swift.max(peak, alive)
        alive -= dying[i]
      }
    }
    return peak
  }
}

extension Primitive {
  /// Operations and bytes moved, for operands and results of the given types.
  func cost(_ operands: [TensorType], _ results: [TensorType]) -> (operations: Int, bytes: Int) {
    let read = operands.reduce(0) { $0 + $1.byteCount }
    let written = results.reduce(0) { $0 + $1.byteCount }
    let elements = results.first?.shape.elementCount ?? 0
    let given = operands.first?.shape.elementCount ?? 0
    /// Matrices of a factorization, their rows and columns.
    func matrices() -> (count: Int, m: Int, n: Int) {
      let (batch, m, n) = operands[0].shape.asMatrices
      return (batch.elementCount, m, n)
    }

    switch self {
    case .constant, .reshape, .stopGradient: return (0, 0)
    case .iota, .cast, .transpose, .broadcast, .slice, .pad, .concatenate, .reverse, .gather: return (0, read + written)
    case .randomBits: return (elements * 20, read + written)
    case .unary, .polygamma, .binary, .compare, .select: return (elements, read + written)

    case .dot(let dot):
      let k = dot.leftContracted.reduce(1) { $0 * operands[0].shape[$1] }
      return (2 * elements * k, read + written)
    case .convolution(let c, let role):
      let taps = c.kernelSize.reduce(1, *)
      switch role {
      case .output: return (2 * elements * operands[1].shape[1] * taps, read + written)
      case .input: return (2 * given * operands[1].shape[1] * taps, read + written)
      case .kernel: return (2 * operands[1].shape.elementCount * results[0].shape[1] * taps, read + written)
      }

    case .splineSum(let sum, let role):
      // At each place the order + 1 splines that are not zero are evaluated, and multiplied with as many rows.
      let width = role == .coefficients ? results[0].shape[3] : operands[2].shape[3]
      let local = sum.order + 1
      return (given * local * (2 * width + 3 * sum.order), read + written)

    case .reduce, .argReduce, .cumulative: return (given, read + written)
    case .scatterAdd: return (operands[2].shape.elementCount, read + written)
    case .windowReduce(_, let window), .windowArgMax(let window):
      return (elements * window.size.reduce(1, *), read + written)
    case .argSort(let axis, _):
      return (given * log2(operands[0].shape[axis]), read + written)
    case .argTopK: return (given, read + written)

    case .fourier(_, let axis): return (5 * given * log2(operands[0].shape[axis]), read + written)
    case .realFourier(let axis): return (5 * given * log2(operands[0].shape[axis]) / 2, read + written)
    case .inverseRealFourier(_, let length): return (5 * elements * log2(length) / 2, read + written)

    case .cholesky:
      let (count, n, _) = matrices()
      return (count * n * n * n / 3, read + written)
    case .triangularSolve: return (elements * operands[0].shape[-1], read + written)
    case .symmetricEigen:
      let (count, n, _) = matrices()
      return (9 * count * n * n * n, read + written)
    case .singularValues:
      let (count, m, n) = matrices()
      return (
        count * (6 * m * n * Swift.min(m, n) + 20 * Swift.min(m, n) * Swift.min(m, n) * Swift.min(m, n)), read + written
      )
    case .qr:
      let (count, m, n) = matrices()
      return (4 * count * m * n * Swift.min(m, n), read + written)
    case .solve:
      let (count, n, _) = matrices()
      return (2 * count * n * n * n / 3 + 2 * elements * n, read + written)
    case .logDeterminant:
      let (count, n, _) = matrices()
      return (2 * count * n * n * n / 3, read + written)

    case .scan(let scan):
      let body = scan.body.cost().total
      return (scan.length * body.operations, scan.length * body.bytesMoved)
    case .custom(let custom):
      let body = custom.function.cost().total
      return (body.operations, body.bytesMoved)
    case .checkpoint(let graph):
      let body = graph.cost().total
      return (body.operations, body.bytesMoved)
    }
  }
}

/// The binary logarithm, rounded up; at least 1.
private func log2(_ n: Int) -> Int { Swift.max(1, Int.bitWidth - Swift.max(0, n - 1).leadingZeroBitCount) }
