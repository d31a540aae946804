import Soma

/// A penalty that makes edges and nodes of a KAN superfluous: `Σ_l [μ₁ Σ_ij A_ij + μ₂ S_l]`, A the edges' size, S their entropy.
public struct KANSparsity: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// `A = mean_s |φ(x_s)|`, `S = -Σ p ln p`, `p = A/ΣA` (arXiv 2404.19756).
    case paper
    /// `A = std(φ)/(std(input) + 0.1)` of the basis' part, entropies of rows and columns in bits, as the authors' library has it.
    case relative
  }

  public var kind: Kind
  public var size: Double
  public var entropy: Double
  /// λ of the coefficients' mean magnitude and of that of their differences.
  public var coefficients: Double
  public var roughness: Double

  public init(
    _ kind: Kind = .paper, size: Double = 1, entropy: Double? = nil, coefficients: Double = 0, roughness: Double = 0
  ) {
    self.kind = kind
    self.size = size
    self.entropy = entropy ?? (kind == .paper ? 1 : 2)
    self.coefficients = coefficients
    self.roughness = roughness
  }

  /// Sizes of the edges: `[i, o]`.
  func sizes(_ activity: KAN.Activity, _ layer: Int) -> Tensor {
    switch kind {
    case .paper: return activity.curves[layer].abs().mean([0])
    case .relative:
      let spread = Self.deviation(activity.basisParts[layer])
      let input = Self.deviation(activity.nodes[layer])
      return spread / (input.expandDimensions(at: 1) + 0.1)
    }
  }

  /// The deviation over samples; its slope at zero is kept finite.
  static func deviation(_ x: Tensor) -> Tensor { (x.variance([0]) + 1e-16).sqrt() }

  /// Entropy of edges' sizes `[i, o]`.
  public func entropy(_ sizes: Tensor) -> Tensor {
    switch kind {
    case .paper:
      let p = sizes / (sizes.sum() + 1e-30)
      return -(p * (p + 1e-30).log()).sum()
    case .relative:
      let rows = sizes / (sizes.sum([1]).expandDimensions(at: 1) + 1)
      let columns = sizes / (sizes.sum([0]) + 1)
      let byRow = -(rows * (rows + 1e-4).log2()).sum([1]).mean()
      let byColumn = -(columns * (columns + 1e-4).log2()).sum([0]).mean()
      return byRow + byColumn
    }
  }

  /// The penalty for what flows through a network.
  public func callAsFunction(_ activity: KAN.Activity, _ parameters: Parameters) -> Tensor {
    var total = Tensor(0, dtype: activity.output.dtype)
    for l in activity.curves.indices {
      let sizes = sizes(activity, l)
      total = total + sizes.sum() * size + entropy(sizes) * entropy
      if let c = parameters["\(l)/coefficients"], coefficients > 0 || roughness > 0 {
        total = total + c.abs().mean([1]).sum() * coefficients
        total = total + (c[.all, 1...] - c[.all, 0..<(c.shape[1] - 1)]).abs().mean([1]).sum() * roughness
      }
    }
    return total
  }
}
