import Soma

extension Metrics {
  /// Peak signal-to-noise ratio in decibels, `10 log₁₀(peak² / mean squared error)`, the mean over images.
  /// - Shape: `[n, …]` twice → a scalar
  public static func peakSignalToNoise(_ images: Tensor, _ targets: Tensor, peak: Double = 1) -> Tensor {
    let axes = Array(1..<images.rank)
    let error = (images - targets).squared().mean(axes)
    return (10 * (peak * peak / error.maximum(1e-12)).log10()).mean()
  }

  /// Structural similarity, the mean over positions and images, with a Gaussian window of 11 × 11 and deviation 1.5 (Wang, Bovik,
  /// Sheikh, Simoncelli 2004); smaller images take the largest odd window that fits.
  /// - Shape: `[n, c, h, w]` twice → a scalar
  public static func structuralSimilarity(_ images: Tensor, _ targets: Tensor, peak: Double = 1) -> Tensor {
    require(
      images.rank == 4 && images.shape == targets.shape, "structural similarity of \(images.shape), \(targets.shape)")
    let side = Swift.min(
      11, Swift.min(images.shape[2], images.shape[3]) - (Swift.min(images.shape[2], images.shape[3]) + 1) % 2)
    let half = Double(side / 2)
    let places = Tensor.iota([side], dtype: images.dtype) - half
    let bell = (places.squared() / (-2 * 1.5 * 1.5)).exp()
    let window = (bell / bell.sum()).outer(bell / bell.sum()).reshape([1, 1, side, side])
    let shape: Shape = [images.shape[0] * images.shape[1], 1, images.shape[2], images.shape[3]]
    let (x, y) = (images.reshape(shape), targets.reshape(shape))
    func local(_ z: Tensor) -> Tensor { z.convolution(window) }
    let (mx, my) = (local(x), local(y))
    let (vx, vy) = (local(x * x) - mx * mx, local(y * y) - my * my)
    let covariance = local(x * y) - mx * my
    let (c1, c2) = ((0.01 * peak) * (0.01 * peak), (0.03 * peak) * (0.03 * peak))
    return ((2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean()
  }
}
