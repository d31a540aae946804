import Soma

/// `mean residual² + weight · mean boundary²`: what a network that shall solve a differential equation minimizes (Raissi, Perdikaris &
/// Karniadakis 2019).
public struct PhysicsLoss: Sendable, Hashable {
  /// Of the boundary's part.
  public var boundaryWeight: Double

  public init(boundaryWeight: Double = 10) { self.boundaryWeight = boundaryWeight }

  /// - Parameters:
  ///   - residual: what the equation leaves at points inside
  ///   - boundary: values minus wanted values at points of the boundary
  public func callAsFunction(residual: Tensor, boundary: Tensor) -> Tensor {
    residual.squared().mean() + boundary.squared().mean() * boundaryWeight
  }

  /// `Σ_i ∂²f/∂x_i²` at each point, forward over reverse.
  /// - `function`: `[n, d]` → `[n]` or `[n, 1]`, each row by itself
  /// - Shape: points `[n, d]` → `[n]`
  public static func laplacian(_ function: @escaping (Tensor) -> Tensor, _ points: Tensor) -> Tensor {
    require(points.rank == 2, "laplacian wants points [n, d], not \(points.shape)")
    let slope = grad { (x: Tensor) in function(x).sum() }
    let dimensions = points.shape[1]
    return (0..<dimensions).map { axis in
      let direction = (Tensor.iota([dimensions], dtype: .int32) .== axis).cast(to: points.dtype).broadcast(
        to: points.shape)
      return jvp(points, tangent: direction) { slope($0) }.tangent[.all, axis]
    }.reduce(Tensor.zeros([points.shape[0]], dtype: points.dtype), +)
  }
}
