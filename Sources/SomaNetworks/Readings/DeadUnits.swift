import Soma

/// Units that give 0 for every sample: behind ReLU and its like they get no gradient and do not come back.
public struct DeadUnits: Sendable, Hashable {
  /// The share of such units in each activation layer, in the order of the layers.
  public let layers: [Double]
  /// Of all units together.
  public let fraction: Double

  /// Reads a chain of layers; a unit is an element of the last axis, or a channel of images. A layer that has no parameters of its
  /// own and follows one that has is taken for an activation.
  /// - Parameter inputs: samples along the first axis
  public init(_ network: Sequential, _ variables: Variables, _ inputs: Tensor) {
    var x = inputs
    var (layers, dead, total) = ([Double](), 0, 0)
    let scope = Scope(variables)
    for (i, layer) in network.layers.enumerated() {
      let hadParameters = i > 0 && Self.hasParameters(variables, i - 1)
      x = layer(x, scope[i])
      guard hadParameters, i + 1 < network.layers.count, !(layer is Dense), !(layer is Convolution) else { continue }
      let axis = x.rank >= 4 ? 1 : x.rank - 1
      let isAlive = (x .!= 0).any((0..<x.rank).filter { $0 != axis })
      let count = isAlive.bools.count { !$0 }
      layers.append(Double(count) / Double(isAlive.count))
      dead += count
      total += isAlive.count
    }
    self.layers = layers
    fraction = total == 0 ? 0 : Double(dead) / Double(total)
  }

  private static func hasParameters(_ variables: Variables, _ layer: Int) -> Bool {
    variables.parameters.names.contains { $0.hasPrefix("\(layer)/") }
  }
}
