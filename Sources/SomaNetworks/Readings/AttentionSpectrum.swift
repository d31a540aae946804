import Foundation
import Soma

/// Singular values of a network's attention matrices, before (scores `Q Kᵀ/√d`) and after what turns scores into weights: how many
/// directions of mixing each block uses (Maity et al. 2025, arXiv 2503.10632, look at vision transformers so).
///
/// Every `MultiHeadAttention` without shared keys is read, whatever its activation; values are means over heads and samples.
public struct AttentionSpectrum: Sendable, Hashable {
  public struct Block: Sendable, Hashable {
    /// The layer's path.
    public var path: String
    /// From the largest down.
    public var scores: [Double]
    public var weights: [Double]

    /// `exp(-Σ p ln p)`, p the values over their sum (Roy & Vetterli 2007): how many values count.
    public static func effectiveRank(_ values: [Double]) -> Double {
      let total = values.reduce(0, +)
      guard total > 0 else { return 0 }
      return exp(-values.reduce(0) { $1 > 0 ? $0 + $1 / total * log($1 / total) : $0 })
    }
  }

  /// In the order in which they are reached.
  public var blocks: [Block]

  /// - Parameter inputs: some samples, as the network takes them
  public init(of network: any Layer, _ variables: Variables, _ inputs: Tensor) {
    let scope = Scope(variables).showingAll
    _ = network(inputs, scope)
    func spectrum(_ matrices: Tensor) -> [Double] {
      let values = matrices.singularValues().s
      return values.mean(Array(0..<(values.rank - 1))).doubles
    }
    var found: [Block] = []
    var scores: [String: [Double]] = [:]
    for seen in scope.observations {
      if seen.name == "scores" { scores[seen.path] = spectrum(seen.value) }
      if seen.name == "attention" {
        found.append(Block(path: seen.path, scores: scores[seen.path] ?? [], weights: spectrum(seen.value)))
      }
    }
    blocks = found
  }
}
