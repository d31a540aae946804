import Foundation
import Soma

/// How much nodes and edges of a KAN matter to its outputs.
public struct KANAttribution: Sendable {
  /// Scores of nodes, inputs first: `nodes[l][i]`.
  public var nodes: [[Double]]
  /// Scores of edges: `edges[l][i][o]`, o a sum.
  public var edges: [[[Double]]]
  /// How much each input matters.
  public var features: [Double] { nodes[0] }
}

extension FittedKAN {
  /// Scores carried from the outputs back (Liu et al. 2024, arXiv 2408.10205): an output's node scores 1; an edge its node's score
  /// times `std(φ)/(std(node) + 10⁻⁴)`; a node the sum over its edges. With several outputs the mean over them.
  public func attribution(on x: Tensor) -> KANAttribution {
    let activity = activity(x)
    let outputs = network.outputs
    var nodes = [Tensor]()
    var edges = [Tensor]()
    // One row for each output.
    var score = Tensor.eye(outputs, dtype: dtype)
    nodes.append(score.mean([0]))
    for l in network.layers.indices.reversed() {
      let spread = KANSparsity.deviation(activity.curves[l])
      let total = KANSparsity.deviation(activity.sums[l])
      // A product's score goes to each of its factors.
      let sums = network.layers[l].units
      let owner = (0..<network.widths[l + 1].nodes).flatMap { node in
        network.sums(ofNode: node, in: l).map { ($0, node) }
      }.sorted { $0.0 < $1.0 }.map { Int32($0.1) }
      let bySum = score.take(Tensor(owner), axis: 1)
      let share = spread / (total + 1e-4)
      let edge = bySum.reshape([outputs, 1, sums]) * share
      edges.insert(edge.mean([0]), at: 0)
      score = edge.sum([2])
      nodes.insert(score.mean([0]), at: 0)
    }
    return KANAttribution(
      nodes: nodes.map(\.doubles),
      edges: edges.map { edge in (0..<edge.shape[0]).map { edge[$0].doubles } })
  }

  /// A smaller network without the nodes and edges whose attribution is below the thresholds; the first layer keeps all inputs.
  public func pruned(on x: Tensor, nodeThreshold: Double = 1e-2, edgeThreshold: Double = 3e-2) -> FittedKAN {
    let scores = attribution(on: x)
    var dead: [(layer: Int, input: Int, output: Int)] = []
    for (l, rows) in scores.edges.enumerated() {
      for (i, row) in rows.enumerated() {
        for (o, score) in row.enumerated() where score < edgeThreshold { dead.append((l, i, o)) }
      }
    }
    let keep = network.widths.indices.map { l -> [Int] in
      let all = Array(0..<network.widths[l].nodes)
      return l == 0 || l == network.widths.count - 1 ? all : all.filter { scores.nodes[l][$0] >= nodeThreshold }
    }
    return removing(dead).keeping(nodes: keep)
  }

  /// A smaller network without the hidden nodes whose largest incoming or outgoing edge has a mean magnitude of at most `threshold`
  /// (arXiv 2404.19756).
  public func prunedByMagnitude(on x: Tensor, threshold: Double = 1e-2) -> FittedKAN {
    let activity = activity(x)
    let sizes = activity.curves.map { curve in curve.abs().mean([0]) }
    let keep = network.widths.indices.map { l -> [Int] in
      let all = Array(0..<network.widths[l].nodes)
      guard l > 0, l < network.widths.count - 1 else { return all }
      return all.filter { node in
        let incoming = network.sums(ofNode: node, in: l - 1).map { sizes[l - 1][.all, $0].max().scalar }.max() ?? 0
        return incoming > threshold && sizes[l][node].max().scalar > threshold
      }
    }
    return keeping(nodes: keep)
  }

  /// The network of some nodes of each layer, which computes what this one does without the others. A layer that would lose all
  /// nodes keeps its first.
  public func keeping(nodes: [[Int]]) -> FittedKAN {
    let kept = nodes.map { $0.isEmpty ? [0] : $0 }
    var result = self
    result.variables = Variables()
    for l in network.layers.indices {
      let columns = kept[l + 1].flatMap { network.sums(ofNode: $0, in: l) }.map { Int32($0) }
      let (rows, sums) = (Tensor(kept[l].map { Int32($0) }), Tensor(columns))
      func copy(_ tree: Parameters, _ keyPath: WritableKeyPath<Variables, Parameters>) {
        for name in tree.names where name.hasPrefix("\(l)/") && !name.contains("symbolic/") {
          let tensor = tree[name]!
          let leaf = name.split(separator: "/").last!
          var part = tensor.take(rows, axis: 0)
          if leaf != "knots" { part = part.take(sums, axis: part.rank - 1) }
          result.variables[keyPath: keyPath][name] = part
        }
      }
      copy(variables.parameters, \.parameters)
      copy(variables.state, \.state)
      for name in variables.parameters.names where name.hasPrefix("node\(l)/") {
        let nodes = Tensor(kept[l + 1].map { Int32($0) })
        result.variables.parameters[name] = variables.parameters[name]!.take(nodes, axis: 0)
      }
      let width = network.widths[l + 1]
      let sumNodes = kept[l + 1].filter { $0 < width.sums }.count
      result.network.widths[l + 1] = KAN.Width(sumNodes, products: kept[l + 1].count - sumNodes)
      result.network.layers[l].units = columns.count
      result.network.layers[l].symbolic = network.layers[l].symbolic.compactMap { edge in
        guard let i = kept[l].firstIndex(of: edge.input), let o = columns.firstIndex(of: Int32(edge.output)) else {
          return nil
        }
        var moved = edge
        (moved.input, moved.output) = (i, o)
        result.variables.parameters["\(l)/\(moved.parameterName)"] = variables.parameters["\(l)/\(edge.parameterName)"]
        return moved
      }
    }
    result.network.widths[0] = network.widths[0]
    return result
  }
}
