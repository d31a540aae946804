import Foundation
import Soma

/// One layer of Gaussians with trained centres and widths, and a linear map of them:
/// `φ_k(f) = exp(-½ Σ_j ((f_j - c_kj) a_kj)²)`, `y = b + Σ_k w_k φ_k`, or `y = b + Σ_k w_k φ_k / Σ_k φ_k` (Bouzidi, Laga & Wannous 2025, arXiv 2503.06762; the
/// normalized form is the usual one of radial networks, Moody & Darken 1989).
/// - Shape: `[..., d]` → `[..., outputs]`
public struct GaussianKernels: Layer {
  public enum Widths: String, Sendable, Hashable, CaseIterable {
    /// One for each kernel and dimension.
    case diagonal
    /// One for each kernel.
    case isotropic
  }

  public var count: Int
  public var outputs: Int
  public var widths: Widths
  /// Whether kernels share out one unit among them: a softmax of the exponents.
  public var isNormalized: Bool
  /// The inverse width at the start.
  public var sharpness: Double
  /// The deviation of centres at the start.
  public var spread: Double

  public init(
    count: Int = 64, outputs: Int = 1, widths: Widths = .diagonal, isNormalized: Bool = true, sharpness: Double = 3,
    spread: Double = 0.1
  ) {
    require(count >= 1 && outputs >= 1 && sharpness > 0, "\(count) kernels, \(outputs) outputs, sharpness \(sharpness)")
    self.count = count
    self.outputs = outputs
    self.widths = widths
    self.isNormalized = isNormalized
    self.sharpness = sharpness
    self.spread = spread
  }

  /// `-½ Σ_j ((f_j - c_kj) a_kj)²`, each difference by itself.
  /// - Shape: `[..., d]`, centres and inverse widths `[k, d]` → `[..., k]`
  public static func exponents(_ f: Tensor, centres: Tensor, inverseWidths: Tensor) -> Tensor {
    ((f.expandDimensions(at: -2) - centres) * inverseWidths).squared().sum([-1]) * -0.5
  }

  /// The same by two matrix products, `f² · a²ᵀ - 2f · (a²c)ᵀ + Σ a²c²`, kept at or below zero.
  public static func fastExponents(_ f: Tensor, centres: Tensor, inverseWidths: Tensor) -> Tensor {
    let squares = inverseWidths.squared()
    let scaled = squares * centres
    let distance =
      f.squared().matmul(squares.T) - f.matmul(scaled.T) * 2.0 + (scaled * centres).sum([-1])
    return distance.maximum(0.0) * -0.5
  }

  /// What each kernel answers, before weights: `[..., d]` → `[..., count]`.
  public func responses(_ f: Tensor, _ scope: Scope) -> Tensor {
    let d = f.shape.last
    let centres = scope.parameter("centre", [count, d], .normal(spread), dtype: f.dtype)
    let shape: Shape = widths == .diagonal ? [count, d] : [count, 1]
    let logarithm = scope.parameter("sharpness", shape, .constant(log(sharpness)), dtype: f.dtype)
    let inverse = logarithm.exp().broadcast(to: [count, d])
    let exponents = Self.fastExponents(f, centres: centres, inverseWidths: inverse)
    return isNormalized ? exponents.softmax(-1) : exponents.exp()
  }

  public func forward(_ f: Tensor, _ scope: Scope) -> Tensor {
    let weight = scope.parameter(
      "weight", [count, outputs], .normal(1 / Double(count).squareRoot()), dtype: f.dtype)
    return responses(f, scope).matmul(weight) + scope.parameter("bias", [outputs], .zeros, dtype: f.dtype)
  }
}

/// A feature grid, then any decoder: Gaussian kernels by default (Bouzidi, Laga & Wannous 2025, arXiv 2503.06762).
/// - Shape: `[n, d]` → `[n, outputs]`
public struct GridField: Layer {
  public var grid: FeatureGrid
  public var decoder: any Layer

  public init(grid: FeatureGrid = FeatureGrid(), decoder: any Layer = GaussianKernels()) {
    self.grid = grid
    self.decoder = decoder
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    decoder(grid(x, scope["grid"]), scope["decoder"])
  }
}
