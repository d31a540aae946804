import Foundation
import Soma

/// A KAN with its weights: what can be done with a network once there is data. All operations give a new value.
public struct FittedKAN: Sendable {
  public var network: KAN
  public var variables: Variables
  public let dtype: DType

  /// A network at its start.
  public init(_ network: KAN, key: Key, dtype: DType = .float64) {
    self.network = network
    self.dtype = dtype
    variables = network.initialized(for: TensorType(shape: [1, network.inputs], dtype: dtype), key: key)
  }

  public init(_ network: KAN, _ variables: Variables, dtype: DType = .float64) {
    self.network = network
    self.variables = variables
    self.dtype = dtype
  }

  /// `[n, inputs]` → `[n, outputs]`
  public func callAsFunction(_ x: Tensor) -> Tensor { network.apply(variables, x.cast(to: dtype)) }

  /// All edges and nodes on the way.
  public func activity(_ x: Tensor) -> KAN.Activity { network.activity(x.cast(to: dtype), Scope(variables)) }

  public var parameterCount: Int { variables.parameters.elementCount }

  /// The root of the mean squared error.
  public func error(_ x: Tensor, _ y: Tensor) -> Double {
    (self(x) - y.cast(to: dtype)).squared().mean().scalar.squareRoot()
  }

  /// The samples of an edge's function, by place.
  public func edge(_ layer: Int, _ input: Int, _ output: Int, on x: Tensor) -> (x: [Double], y: [Double]) {
    let activity = activity(x)
    let places = activity.nodes[layer][.all, input].doubles
    let values = activity.curves[layer][.all, input, output].doubles
    let order = places.indices.sorted { places[$0] < places[$1] }
    return (order.map { places[$0] }, order.map { values[$0] })
  }

  /// The mask of a layer, `[inputs][outputs]`; symbolic edges count as there.
  public func isLive(_ layer: Int) -> [[Bool]] {
    let (inputs, outputs) = (network.widths[layer].nodes, network.layers[layer].units)
    let mask = variables.state["\(layer)/mask"]?.doubles ?? [Double](repeating: 1, count: inputs * outputs)
    var result = (0..<inputs).map { i in (0..<outputs).map { mask[i * outputs + $0] != 0 } }
    for edge in network.layers[layer].symbolic { result[edge.input][edge.output] = true }
    return result
  }

  func parameter(_ layer: Int, _ name: String) -> Tensor? { variables.parameters["\(layer)/\(name)"] }

  /// Edges switched off.
  public func removing(_ edges: [(layer: Int, input: Int, output: Int)]) -> FittedKAN {
    var result = self
    for (layer, group) in Dictionary(grouping: edges, by: \.layer) {
      guard let mask = variables.state["\(layer)/mask"] else {
        require(false, "the layers of this KAN have no mask: its edges cannot be removed")
        return self
      }
      var values = mask.doubles
      for edge in group { values[edge.input * network.layers[layer].units + edge.output] = 0 }
      result.variables.state["\(layer)/mask"] = Tensor(values, shape: mask.shape).cast(to: dtype)
      result.network.layers[layer].symbolic.removeAll { edge in
        group.contains { $0.input == edge.input && $0.output == edge.output }
      }
      for edge in group { result.variables.parameters["\(layer)/symbolic/\(edge.input)-\(edge.output)"] = nil }
    }
    return result
  }
}

/// Why a KAN cannot be read off or refined. Prints as one line.
public struct KANError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
