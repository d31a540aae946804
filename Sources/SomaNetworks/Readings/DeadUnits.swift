import Soma

/// Units that give 0 for every sample: behind ReLU and its like they get no gradient and do not come back. A unit is an element of the
/// last axis, or a channel of images.
public struct DeadUnits: Sendable, Hashable {
  /// The share of such units in each activation of the network, in the order in which it runs them.
  public let layers: [Double]
  /// Of all units together.
  public let fraction: Double

  /// Runs a network on samples.
  /// - `inputs`: samples along the first axis
  /// - `isActivation`: which layers are read
  public init(
    _ network: any Layer, _ variables: Variables, _ inputs: Tensor,
    of isActivation: @escaping @Sendable (any Layer) -> Bool = { $0 is Activation || $0 is HeLU }
  ) {
    let scope = Scope(variables).replacing { isActivation($0) ? Observed(layer: $0) : nil }
    _ = network(inputs, scope)
    let alive = scope.observations.filter { $0.name == Observed.name }.map { observation in
      let y = observation.value
      let axis = y.rank >= 4 ? 1 : y.rank - 1
      return (y .!= 0).any((0..<y.rank).filter { $0 != axis }).bools
    }
    layers = alive.map { units in Double(units.count { !$0 }) / Double(units.count) }
    let units = alive.flatMap { $0 }
    fraction = units.isEmpty ? 0 : Double(units.count { !$0 }) / Double(units.count)
  }
}

/// A layer whose output is kept for a reading.
private struct Observed: Layer {
  static let name = "activation output"
  var layer: any Layer

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let y = layer.forward(x, scope)
    scope.observe(Self.name, y)
    return y
  }
}
