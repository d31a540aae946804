import Foundation
import Soma

/// What a camera sees through a medium that shines and absorbs (Max 1995; Mildenhall et al. 2020, arXiv 2003.08934): with samples of
/// density `σᵢ` and colour `cᵢ` a step `δᵢ` apart, `αᵢ = 1 - exp(-σᵢ δᵢ)`, `Tᵢ = Π_{j<i} (1 - αⱼ)`, the colour is
/// `Σ Tᵢ αᵢ cᵢ + T_end · background`.
public enum VolumeRendering {
  /// - Parameters:
  ///   - densities: at or above zero
  /// - Shape: densities and steps `[rays, samples]`, colours `[rays, samples, channels]`, background `[channels]` → colours
  ///   `[rays, channels]`, weights `Tᵢ αᵢ` `[rays, samples]`, what gets through `[rays]`
  public static func composite(
    densities: Tensor, colours: Tensor, steps: Tensor, background: Tensor
  ) -> (colours: Tensor, weights: Tensor, remainder: Tensor) {
    let thickness = densities * steps
    let behind = thickness.cumulativeSum(-1)
    let transmitted = (thickness - behind).exp()
    let weights = transmitted * -((-thickness).expm1())
    let remainder = (-behind[.all, thickness.shape[1] - 1]).exp()
    let seen = (weights.expandDimensions(at: -1) * colours).sum([1])
    return (seen + remainder.expandDimensions(at: -1) * background, weights, remainder)
  }

  /// Places along rays: one in each of `count` equal parts of `near … far`, at random within it if there is a key.
  /// - Shape: origins and directions `[rays, d]` → places `[rays, count, d]`, steps `[rays, count]`
  public static func samples(
    origins: Tensor, directions: Tensor, near: Double, far: Double, count: Int, key: Key? = nil
  ) -> (places: Tensor, steps: Tensor) {
    let (rays, dtype) = (origins.shape[0], origins.dtype)
    let step = (far - near) / Double(count)
    let part = Tensor.iota([rays, count], axis: 1, dtype: dtype)
    let within =
      key.map { Tensor.uniform([rays, count], key: $0, dtype: dtype) } ?? Tensor.full([rays, count], 0.5, dtype: dtype)
    let depth = (part + within) * step + near
    let places =
      origins.expandDimensions(at: 1) + directions.expandDimensions(at: 1) * depth.expandDimensions(at: -1)
    return (places, Tensor.full([rays, count], step, dtype: dtype))
  }
}

/// Real spherical harmonics up to degree 2, orthonormal over the sphere.
/// - Shape: unit vectors `[..., 3]` → `[..., 9]`
public func sphericalHarmonics(_ direction: Tensor) -> Tensor {
  let last = direction.shape.last
  require(last == 3, "spherical harmonics of directions [..., 3], not \(direction.shape)")
  let parts = direction.split(3, axis: -1)
  let (x, y, z) = (parts[0], parts[1], parts[2])
  let (a, b) = (sqrt(3 / (4 * Double.pi)), sqrt(15 / (4 * Double.pi)))
  return .concatenate(
    [
      x * 0 + sqrt(1 / (4 * Double.pi)), y * a, z * a, x * a, x * y * b, y * z * b,
      (z * z * 3 - 1) * sqrt(5 / (16 * Double.pi)), x * z * b, (x * x - y * y) * (b / 2),
    ], axis: -1)
}

/// Density and colour of a scene at places seen from directions: `σ = softplus(y₀ - 1)` from the features' kernels, the colour a
/// logistic function of kernels over features and the direction's spherical harmonics.
/// - Shape: places `[n, 3]` joined with directions `[n, 3]`: `[n, 6]` → `[n, 1 + channels]`, density first
public struct RadianceField: Layer {
  public var grid: FeatureGrid
  public var density: any Layer
  public var colour: any Layer

  public init(
    grid: FeatureGrid = FeatureGrid(resolutions: [16, 32, 64]), kernels: Int = 64, channels: Int = 3
  ) {
    self.grid = grid
    density = GaussianKernels(count: kernels)
    colour = GaussianKernels(count: kernels, outputs: channels)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 2 && x.shape[1] == 6, "a radiance field reads places and directions [n, 6], not \(x.shape)")
    let parts = x.split(2, axis: 1)
    let features = grid(parts[0], scope["grid"])
    let sigma = (density(features, scope["density"]) - 1).softplus()
    let seen = colour(.concatenate([features, sphericalHarmonics(parts[1])], axis: -1), scope["colour"]).logistic()
    return .concatenate([sigma, seen], axis: -1)
  }
}
