import Foundation
import Soma

/// A density whose narrowed copies smooth a function by convolution: `φ_β(x) = β φ(βx)`.
public enum SmoothingKernel: Sendable {
  /// Standard normal
  case gaussian
  /// Uniform on [-1, 1]
  case uniform
  /// The logistic distribution's density `e^{-z}/(1 + e^{-z})²`
  case logistic
  /// Any other density, zero outside `support`, by 64-point Gauss-Legendre quadrature.
  case custom(support: ClosedRange<Double>, density: @Sendable (Double) -> Double)

  /// `A(x) = E|x - Z/β|`, the smoothed magnitude.
  func magnitude(_ x: Tensor, _ beta: Tensor) -> Tensor {
    switch self {
    case .gaussian:
      let t = x * beta
      return (t * t * -0.5).exp() * (2 / Double.pi).squareRoot() / beta + x * (t * 0.5.squareRoot()).erf()
    case .uniform:
      return Tensor.select((x * beta).abs() .>= 1, x.abs(), (beta * x * x + 1 / beta) * 0.5)
    case .logistic:
      // (2/β) ln(2 cosh(βx/2)) without overflow
      return x.abs() + (-(x * beta).abs()).exp().log1p() * 2.0 / beta
    case .custom:
      return nodes.reduce(Tensor.zeros(like: x)) { sum, node in sum + (x - node.z / beta).abs() * node.weight }
    }
  }

  /// Places and weights with `E f(Z) ≈ Σ w f(z)`.
  var nodes: [(z: Double, weight: Double)] {
    switch self {
    case .gaussian:
      // The density is below 1e-18 of its peak beyond ±9.
      Self.legendre(64, -9...9) { Foundation.exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() }
    case .uniform: Self.legendre(64, -1...1) { _ in 0.5 }
    case .logistic:
      // Below 1e-8 of its peak beyond ±20.
      Self.legendre(64, -20...20) { z in
        let e = Foundation.exp(-abs(z))
        return e / ((1 + e) * (1 + e))
      }
    case .custom(let support, let density): Self.legendre(64, support, density)
    }
  }

  /// Gauss-Legendre nodes on an interval, their weights times a density and normalized to sum 1.
  private static func legendre(
    _ n: Int, _ interval: ClosedRange<Double>, _ density: (Double) -> Double
  ) -> [(z: Double, weight: Double)] {
    let (center, half) = (
      (interval.lowerBound + interval.upperBound) / 2, (interval.upperBound - interval.lowerBound) / 2
    )
    let nodes = (0..<n).map { i -> (z: Double, weight: Double) in
      // Newton's method from the asymptotic place of the root.
      var x = Foundation.cos(.pi * (Double(i) + 0.75) / (Double(n) + 0.5))
      var slope = 0.0
      for _ in 0..<100 {
        var (p0, p1) = (1.0, x)
        for k in 2...n { (p0, p1) = (p1, ((2 * Double(k) - 1) * x * p1 - (Double(k) - 1) * p0) / Double(k)) }
        slope = Double(n) * (x * p1 - p0) / (x * x - 1)
        let step = p1 / slope
        x -= step
        if abs(step) < 1e-16 { break }
      }
      let z = center + half * x
      return (z, 2 / ((1 - x * x) * slope * slope) * half * density(z))
    }
    let total = nodes.reduce(0) { $0 + $1.weight }
    return nodes.map { ($0.z, $0.weight / total) }
  }
}

/// A function of straight pieces: `offset + slope·x + ½ Σ δ_j |x - c_j|`, `δ_j` the change of slope at the corner `c_j`.
public struct PiecewiseLinear: Sendable, Hashable {
  public struct Corner: Sendable, Hashable {
    public var place: Double
    /// By how much the slope rises there.
    public var change: Double

    public init(_ place: Double, change: Double) {
      self.place = place
      self.change = change
    }
  }

  public var corners: [Corner]
  /// The mean of the outermost slopes.
  public var slope: Double
  public var offset: Double

  /// - `leftSlope`: the slope before the first corner
  /// - `value`: the value at the first corner (at 0 if there is none)
  public init(leftSlope: Double, corners: [Corner], value: Double = 0) {
    let sorted = corners.sorted { $0.place < $1.place }
    self.corners = sorted
    slope = leftSlope + sorted.reduce(0) { $0 + $1.change } / 2
    let first = sorted.first?.place ?? 0
    offset = value - slope * first - sorted.reduce(0) { $0 + $1.change * abs(first - $1.place) } / 2
  }

  /// `max(x, 0) + a min(x, 0)`
  public static func leakyReLU(_ a: Double = 0.01) -> PiecewiseLinear {
    PiecewiseLinear(leftSlope: a, corners: [Corner(0, change: 1 - a)])
  }
  public static let relu = leakyReLU(0)
  public static let relu6 = PiecewiseLinear(leftSlope: 0, corners: [Corner(0, change: 1), Corner(6, change: -1)])
  public static let hardTanh = PiecewiseLinear(
    leftSlope: 0, corners: [Corner(-1, change: 1), Corner(1, change: -1)], value: -1)

  public func callAsFunction(_ x: Tensor) -> Tensor {
    corners.reduce(x * slope + offset) { $0 + (x - $1.place).abs() * ($1.change / 2) }
  }
}

/// `f ∗ φ_β`: a function convolved with a narrow bump, infinitely smooth for a Gaussian one; it tends to `f` as `β` grows (Biswas,
/// Kumar, Banerjee & Pandey 2021, arXiv 2109.13210). `β` is trained as `ln β`, one for each layer.
/// - Shape: `[…]` → `[…]`
public struct SmoothedActivation: Layer {
  public enum Base: Sendable {
    /// In closed form (of a custom kernel: by quadrature).
    case piecewiseLinear(PiecewiseLinear)
    /// By quadrature over the kernel.
    case activation(Activation)
  }

  public var base: Base
  public var kernel: SmoothingKernel
  public var sharpness: Double
  public var isTrained: Bool

  public init(_ base: Base, kernel: SmoothingKernel = .gaussian, sharpness: Double = 2, isTrained: Bool = false) {
    require(sharpness > 0 && sharpness.isFinite, "a smoothing kernel's sharpness is positive, not \(sharpness)")
    self.base = base
    self.kernel = kernel
    self.sharpness = sharpness
    self.isTrained = isTrained
  }

  /// The value for a sharpness that may be a tensor.
  public func callAsFunction(_ x: Tensor, sharpness beta: Tensor) -> Tensor {
    switch base {
    case .piecewiseLinear(let f):
      f.corners.reduce(x * f.slope + f.offset) { sum, corner in
        sum + kernel.magnitude(x - corner.place, beta) * (corner.change / 2)
      }
    case .activation(let f):
      kernel.nodes.reduce(Tensor.zeros(like: x)) { sum, node in sum + f(x - node.z / beta) * node.weight }
    }
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    guard isTrained else { return self(x, sharpness: Tensor(sharpness, dtype: x.dtype)) }
    let logarithm = scope.parameter("logSharpness", [], .constant(Foundation.log(sharpness)), dtype: x.dtype)
    return self(x, sharpness: logarithm.exp())
  }
}

extension Activation {
  /// Leaky ReLU smoothed by a Gaussian:
  /// `(1+α)/2 x + (1-α)/2 (√(2/π)/β e^{-β²x²/2} + x erf(βx/√2))` (Biswas et al. 2021, arXiv 2109.13210). Convex; increasing for
  /// `α ≥ 0`. A sharpness of 20,000 is leaky ReLU for all practical purposes, and then does not train.
  /// - Throws: `ActivationError` unless the sharpness is positive.
  public static func sau(
    slope: Double = 0.15, sharpness: Double = 2, isTrained: Bool = true
  ) throws(ActivationError) -> Activation {
    try named("sau", ["a": slope, "b": sharpness]).training(isTrained ? ["b"] : [], sharing: .perLayer)
  }

  /// `f` convolved with a narrow bump; see `SmoothedActivation`.
  public static func smoothed(
    _ f: PiecewiseLinear, kernel: SmoothingKernel = .gaussian, sharpness: Double = 2, isTrained: Bool = false
  ) -> SmoothedActivation {
    SmoothedActivation(.piecewiseLinear(f), kernel: kernel, sharpness: sharpness, isTrained: isTrained)
  }
}
