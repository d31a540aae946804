import Foundation
import Soma

/// Trained features at the nodes of grids of several sizes over `[-1, 1]^d`, interpolated linearly along each axis, the levels side by
/// side. Nodes stand on the corners; places outside are moved to the edge.
/// - Shape: `[n, d]` → `[n, levels · channels]`
public struct FeatureGrid: Layer {
  /// How a level keeps its nodes.
  public enum Storage: Sendable, Hashable {
    /// All `rᵈ` of them.
    case dense
    /// A table of `size` entries, found by `⊕ᵢ iᵢ πᵢ mod size`; nodes that meet share an entry (Müller et al. 2022, arXiv 2201.05989).
    case hashed(size: Int)
    /// Three planes instead of a volume, their features multiplied or added (Chan et al. 2022, arXiv 2112.07945).
    case triPlane(multiplies: Bool)
  }

  /// Nodes along an axis, for each level.
  public var resolutions: [Int]
  public var channels: Int
  public var storage: Storage
  /// Of the start.
  public var deviation: Double

  public init(resolutions: [Int] = [16, 24], channels: Int = 8, storage: Storage = .dense, deviation: Double = 0.1) {
    require(
      !resolutions.isEmpty && resolutions.allSatisfy { $0 >= 2 } && channels > 0,
      "a feature grid wants resolutions of at least 2 and channels, not \(resolutions), \(channels)")
    self.resolutions = resolutions
    self.channels = channels
    self.storage = storage
    self.deviation = deviation
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 2, "a feature grid reads points [n, d], not \(x.shape)")
    let d = x.shape[1]
    let levels = resolutions.enumerated().map { level, nodes -> Tensor in
      switch storage {
      case .dense:
        let count = (0..<d).reduce(1) { product, _ in product * nodes }
        return Self.interpolate(x, nodes, table(scope, "\(level)", count, x.dtype), hashed: nil)
      case .hashed(let size):
        let count = (0..<d).reduce(1) { product, _ in min(product * nodes, 1 << 30) }
        let isDense = count <= size
        return Self.interpolate(
          x, nodes, table(scope, "\(level)", isDense ? count : size, x.dtype), hashed: isDense ? nil : size)
      case .triPlane(let multiplies):
        require(d == 3, "three planes are for places in three dimensions, not \(d)")
        let planes = [(0, 1), (0, 2), (1, 2)].enumerated().map { i, axes in
          Self.interpolate(
            .stack([x[.all, axes.0], x[.all, axes.1]], axis: 1), nodes,
            table(scope, "\(level)-\(i)", nodes * nodes, x.dtype), hashed: nil)
        }
        return multiplies ? planes[0] * planes[1] * planes[2] : planes[0] + planes[1] + planes[2]
      }
    }
    return .concatenate(levels, axis: -1)
  }

  private func table(_ scope: Scope, _ name: String, _ count: Int, _ dtype: DType) -> Tensor {
    scope.parameter("level\(name)", [count, channels], .normal(deviation), dtype: dtype)
  }

  /// The weighted sum of the `2ᵈ` nodes around each place.
  /// - Parameters:
  ///   - table: `[nodesᵈ, channels]`, the last axis fastest; or a hash table
  /// - Shape: places `[n, d]` → `[n, channels]`
  static func interpolate(_ x: Tensor, _ nodes: Int, _ table: Tensor, hashed: Int?) -> Tensor {
    let d = x.shape[1]
    let place = (x.clipped(-1.0, 1.0) + 1) * (Double(nodes - 1) / 2)
    // The last cell holds its upper edge.
    let cell = place.stopGradient().floor().clipped(0.0, Double(nodes - 2))
    let share = place - cell
    let low = cell.cast(to: .int32)
    var result: Tensor?
    for corner in 0..<(1 << d) {
      var weight: Tensor?
      var index: Tensor?
      for axis in 0..<d {
        let isHigh = corner >> axis & 1 == 1
        let along = share[.all, axis]
        let factor = isHigh ? along : 1 - along
        weight = weight.map { $0 * factor } ?? factor
        let node = low[.all, axis] + (isHigh ? 1 : 0)
        if hashed != nil {
          let mixed = node * Tensor(primes[axis], dtype: .int32)
          index = index.map { $0 .^ mixed } ?? mixed
        } else {
          index = index.map { $0 * nodes + node } ?? node
        }
      }
      var at = index!
      if let hashed { at = at % Tensor(Int32(hashed), dtype: .int32) }
      let part = table.take(at) * weight!.expandDimensions(at: -1)
      result = result.map { $0 + part } ?? part
    }
    return result!
  }

  private static let primes: [Int32] = [1, Int32(bitPattern: 2_654_435_761), 805_459_861, 97_531_337]
}
