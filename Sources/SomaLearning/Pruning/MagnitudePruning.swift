import Soma
import SomaNetworks

/// Removes the smallest weights for good: each weight matrix or kernel, or all together, keeps `N - round(ratio · N)`.
/// Biases and other vectors stay. (Han, Pool, Tran, Dally 2015, arXiv 1506.02626)
public struct MagnitudePruning: Sendable, Hashable {
  public enum Extent: String, Sendable, Hashable, CaseIterable { case layer, network }
  public let ratio: Double
  public let extent: Extent
  /// Whether each output unit keeps its largest weight, whatever its size.
  public let keepsOnePerUnit: Bool

  /// - Throws: `LearningRuleError` for a ratio outside 0 ..< 1
  public init(ratio: Double, extent: Extent = .layer, keepsOnePerUnit: Bool = false) throws {
    guard ratio >= 0, ratio < 1 else {
      throw LearningRuleError("the ratio \(ratio) of pruned weights is not in 0 ..< 1")
    }
    self.ratio = ratio
    self.extent = extent
    self.keepsOnePerUnit = keepsOnePerUnit
  }

  /// 1 for weights that stay, 0 for those that go, by name; parameters that are not pruned have none.
  /// - Throws: `LearningRuleError` if nothing of a layer would be left
  public func masks(_ parameters: Parameters) throws -> Parameters {
    let weights = parameters.filtered { $0.hasSuffix("weight") && parameters[$0]!.rank > 1 }
    var keeps = weights.leaves.map { [Bool](repeating: true, count: $0.count) }
    let sizes = weights.leaves.map { $0.abs().doubles }
    switch extent {
    case .layer: for i in keeps.indices { for k in Self.smallest(sizes[i], ratio) { keeps[i][k] = false } }
    case .network:
      let places = sizes.indices.flatMap { i in sizes[i].indices.map { (i, $0) } }
      for k in Self.smallest(places.map { sizes[$0.0][$0.1] }, ratio) { keeps[places[k].0][places[k].1] = false }
    }
    var result = Parameters()
    for (i, name) in weights.names.enumerated() {
      let shape = weights[name]!.shape
      if keepsOnePerUnit {
        // Outputs are the columns of a matrix, the rows of a kernel.
        let units = shape.rank == 2 ? shape[1] : shape[0]
        for unit in 0..<units {
          let own = sizes[i].indices.filter {
            shape.rank == 2 ? $0 % units == unit : $0 / (sizes[i].count / units) == unit
          }
          if let largest = own.max(by: { sizes[i][$0] < sizes[i][$1] }) { keeps[i][largest] = true }
        }
      }
      guard keeps[i].contains(true) else {
        throw LearningRuleError("at the ratio \(ratio) nothing is left of \(name)")
      }
      result[name] = Tensor(keeps[i].map { Float($0 ? 1 : 0) }, shape: shape)
    }
    return result
  }

  private static func smallest(_ sizes: [Double], _ ratio: Double) -> ArraySlice<Int> {
    sizes.indices.sorted { (sizes[$0], $0) < (sizes[$1], $1) }.prefix(Int((ratio * Double(sizes.count)).rounded()))
  }
}

extension Parameters {
  /// The parameters times their masks; those without a mask stay.
  public func masked(_ masks: Parameters) -> Parameters {
    map { name, tensor in masks[name].map { tensor * $0.cast(to: tensor.dtype) } ?? tensor }
  }
}
