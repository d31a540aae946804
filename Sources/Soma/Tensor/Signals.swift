import Foundation

/// Window functions, and what belongs to Fourier transforms.
extension Tensor {
  private static func window(_ count: Int, _ dtype: DType, _ value: (Double) -> Double) -> Tensor {
    require(count >= 0, "a window of \(count) points")
    guard count > 1 else { return ones([count], dtype: dtype) }
    return Tensor((0..<count).map { value(Double($0) / Double(count - 1)) }).cast(to: dtype)
  }
  /// `½ - ½ cos 2πt`
  public static func hannWindow(_ count: Int, dtype: DType = .float32) -> Tensor {
    window(count, dtype) { 0.5 - 0.5 * Foundation.cos(2 * .pi * $0) }
  }
  /// `0.54 - 0.46 cos 2πt`
  public static func hammingWindow(_ count: Int, dtype: DType = .float32) -> Tensor {
    window(count, dtype) { 0.54 - 0.46 * Foundation.cos(2 * .pi * $0) }
  }
  /// `0.42 - 0.5 cos 2πt + 0.08 cos 4πt`
  public static func blackmanWindow(_ count: Int, dtype: DType = .float32) -> Tensor {
    window(count, dtype) { 0.42 - 0.5 * Foundation.cos(2 * .pi * $0) + 0.08 * Foundation.cos(4 * .pi * $0) }
  }
  /// `1 - |2t - 1|`
  public static func bartlettWindow(_ count: Int, dtype: DType = .float32) -> Tensor {
    window(count, dtype) { 1 - Swift.abs(2 * $0 - 1) }
  }
  /// `I₀(β √(1 - (2t - 1)²)) / I₀(β)`, with `I₀` the modified Bessel function
  public static func kaiserWindow(_ count: Int, beta: Double, dtype: DType = .float32) -> Tensor {
    window(count, dtype) { t in
      besselI0(beta * Swift.max(0, 1 - (2 * t - 1) * (2 * t - 1)).squareRoot()) / besselI0(beta)
    }
  }
  /// `Σ (x²/4)ᵏ / k!²`: all terms are positive, so nothing cancels.
  private static func besselI0(_ x: Double) -> Double {
    var (sum, term, k) = (1.0, 1.0, 1.0)
    while term > sum * 1e-17 {
      term *= x * x / (4 * k * k)
      sum += term
      k += 1
    }
    return sum
  }

  /// The frequencies of a Fourier transform's places: `0, 1, …, -2, -1` over `n · spacing`.
  public static func fourierFrequencies(_ n: Int, spacing: Double = 1, dtype: DType = .float32) -> Tensor {
    Tensor((0..<n).map { Double($0 <= (n - 1) / 2 ? $0 : $0 - n) / (Double(n) * spacing) }).cast(to: dtype)
  }
  /// The frequencies of a real Fourier transform's places: `0 … ⌊n/2⌋` over `n · spacing`.
  public static func realFourierFrequencies(_ n: Int, spacing: Double = 1, dtype: DType = .float32) -> Tensor {
    Tensor((0...n / 2).map { Double($0) / (Double(n) * spacing) }).cast(to: dtype)
  }
  /// The zero frequency moved to the middle along `axes` (all if nil).
  public func fourierShifted(_ axes: [Int]? = nil) -> Tensor {
    (axes ?? Array(0..<rank)).reduce(self) { $0.rolled($0.shape[$0.shape.normalized(axis: $1)] / 2, axis: $1) }
  }
  /// The middle moved back to the zero frequency along `axes` (all if nil).
  public func inverseFourierShifted(_ axes: [Int]? = nil) -> Tensor {
    (axes ?? Array(0..<rank)).reduce(self) { $0.rolled(-($0.shape[$0.shape.normalized(axis: $1)] / 2), axis: $1) }
  }
  /// The Fourier transform along several axes.
  public func fourier(imaginary: Tensor? = nil, axes: [Int]) -> (real: Tensor, imaginary: Tensor) {
    axes.reduce((real: self, imaginary: imaginary ?? Tensor.zeros(like: self))) { pair, axis in
      pair.real.fourier(imaginary: pair.imaginary, axis: axis)
    }
  }
  /// The inverse Fourier transform along several axes.
  public static func inverseFourier(real: Tensor, imaginary: Tensor, axes: [Int]) -> (real: Tensor, imaginary: Tensor) {
    axes.reduce((real: real, imaginary: imaginary)) { pair, axis in
      inverseFourier(real: pair.real, imaginary: pair.imaginary, axis: axis)
    }
  }
}
