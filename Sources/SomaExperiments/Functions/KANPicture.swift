import Foundation
import Soma
import SomaNetworks
import SomaReports

extension FittedKAN {
  /// The network drawn with its edges' functions on samples; an edge's opacity is `tanh(3 · score)`, its attribution.
  public func picture(_ title: String, on x: Tensor, inputs: [String] = [], outputs: [String] = []) -> CurveNetwork {
    let scores = attribution(on: x)
    let activity = activity(x)
    var edges: [CurveNetwork.Edge] = []
    for (l, layer) in network.layers.enumerated() {
      let live = isLive(l)
      let mixed = layer.basis as? MixedBasis
      for (i, row) in live.enumerated() {
        let places = activity.nodes[l][.all, i].doubles
        let order = places.indices.sorted { places[$0] < places[$1] }
        for (o, isLive) in row.enumerated() where isLive {
          let values = activity.curves[l][.all, i, o].doubles
          let node = (0..<network.widths[l + 1].nodes).first { network.sums(ofNode: $0, in: l).contains(o) } ?? 0
          let symbol = layer.symbolic.first { $0.input == i && $0.output == o }?.function.name
          let family = mixed.map { basis in basis.choices[i].map { basis.families[$0].name }.joined(separator: ", ") }
          edges.append(
            CurveNetwork.Edge(
              layer: l, from: i, to: node, x: order.map { places[$0] }, y: order.map { values[$0] },
              opacity: tanh(3 * scores.edges[l][i][o]), label: symbol ?? family ?? ""))
        }
      }
    }
    return CurveNetwork(
      title, nodes: network.widths.map(\.nodes), edges: edges, inputNames: inputs, outputNames: outputs)
  }
}
