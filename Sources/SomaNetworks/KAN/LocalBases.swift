import Foundation
import Soma

/// `count` places, evenly spaced over a range, and the distance between them.
private func centers(_ count: Int, _ range: ClosedRange<Double>) -> (places: Tensor, spacing: Double) {
  let spacing = count > 1 ? (range.upperBound - range.lowerBound) / Double(count - 1) : 1
  return (Tensor.linspace(range.lowerBound, range.upperBound, count: count, dtype: .float64), spacing)
}

/// `(x - c_r)/h` for evenly spaced centres, `h` their distance or a width.
private func distances(_ x: Tensor, _ count: Int, _ range: ClosedRange<Double>, width: Double? = nil) -> Tensor {
  let (places, spacing) = centers(count, range)
  return (x.expandDimensions(at: -1) - places.cast(to: x.dtype)) * (1 / (width ?? spacing))
}

/// Gaussian bumps `exp(-((x - c_r)/h)²)` at evenly spaced centres, `h` their distance.
public struct GaussianBasis: EdgeBasis, Hashable {
  public var count: Int
  public var range: ClosedRange<Double>
  public init(_ count: Int = 8, range: ClosedRange<Double> = -1.2...1.2) {
    require(count >= 1 && range.lowerBound < range.upperBound, "a basis wants functions and a range")
    self.count = count
    self.range = range
  }
  public var name: String { "Gaussian" }
  public func values(_ x: Tensor, _ scope: Scope) -> Tensor { (-distances(x, count, range).squared()).exp() }
}

/// Reflected switches `1 - tanh²((x - c_r)/w)` at evenly spaced centres (Delis 2024, FasterKAN).
public struct SwitchBasis: EdgeBasis, Hashable {
  public var count: Int
  public var range: ClosedRange<Double>
  public var width: Double
  public init(_ count: Int = 8, range: ClosedRange<Double> = -2...2, width: Double = 0.33) {
    require(count >= 1 && width > 0, "switches want a positive number and width, not \(count), \(width)")
    self.count = count
    self.range = range
    self.width = width
  }
  public var name: String { "switch" }
  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    1 - distances(x, count, range, width: width).tanh().squared()
  }
}

/// Mother wavelets, as functions of `z`.
public enum Wavelet: String, Hashable, Sendable, CaseIterable {
  /// `(1 - z²) e^{-z²/2}`
  case mexicanHat
  /// `cos(5z) e^{-z²/2}`
  case morlet
  /// The negative derivative of a Gaussian, `z e^{-z²/2}`.
  case gaussianDerivative
  /// `sin(π|z|) m(ν(|z|))`, ν a polynomial step and m a cosine taper
  case meyer
  /// `sinc(z/π)` in a Hamming window of half-width `π`
  case shannon

  public func callAsFunction(_ z: Tensor) -> Tensor {
    let gauss = { (-z.squared() * 0.5).exp() }
    switch self {
    case .mexicanHat: return (1 - z.squared()) * gauss()
    case .morlet: return (z * 5).cos() * gauss()
    case .gaussianDerivative: return z * gauss()
    case .meyer:
      let size = z.abs()
      func step(_ x: Tensor) -> Tensor {
        let t = x.clipped(0.0, 1.0)
        let fourth = t.squared().squared()
        return fourth * (35 - 84 * t + 70 * t.squared() - 20 * t.squared() * t)
      }
      let t = step(size)
      let taper = (step(2 * t - 1) * (Double.pi / 2)).cos()
      let m = Tensor.select(t .<= 0.5, Tensor.ones(like: t), Tensor.select(t .>= 1.0, Tensor.zeros(like: t), taper))
      return (size * Double.pi).sin() * m
    case .shannon:
      let window = 0.54 + 0.46 * z.cos()
      return Tensor.select(z.abs() .<= Double.pi, (z * (1 / Double.pi)).sinc() * window, Tensor.zeros(like: z))
    }
  }

  /// The factor that the attention of Maity et al. uses.
  var factor: Double { self == .mexicanHat ? 2 / (pow(Double.pi, 0.25) * 3.0.squareRoot()) : 1 }
}

/// Wavelets `ψ((x - c_r)/h)` at evenly spaced centres, `h` their distance.
public struct WaveletBasis: EdgeBasis, Hashable {
  public var wavelet: Wavelet
  public var count: Int
  public var range: ClosedRange<Double>
  public init(_ wavelet: Wavelet = .mexicanHat, count: Int = 8, range: ClosedRange<Double> = -1.2...1.2) {
    require(count >= 1 && range.lowerBound < range.upperBound, "a basis wants functions and a range")
    self.wavelet = wavelet
    self.count = count
    self.range = range
  }
  public var name: String { wavelet == .mexicanHat ? "wavelet" : "wavelet \(wavelet.rawValue)" }
  public func values(_ x: Tensor, _ scope: Scope) -> Tensor { wavelet(distances(x, count, range)) }
}

/// One wavelet whose place and width are trained, for every input: `factor · ψ((x - τ)/s)`, τ = 0, s = 1 at the start.
public struct TrainedWaveletBasis: EdgeBasis, Hashable {
  public var wavelet: Wavelet
  public init(_ wavelet: Wavelet) { self.wavelet = wavelet }
  public var name: String { "trained wavelet \(wavelet.rawValue)" }
  public var count: Int { 1 }
  public var range: ClosedRange<Double> { -4...4 }
  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    let place = scope.parameter("place", [x.shape.last], .zeros, dtype: x.dtype)
    let width = scope.parameter("width", [x.shape.last], .ones, dtype: x.dtype)
    return (wavelet((x - place) / width) * wavelet.factor).expandDimensions(at: -1)
  }
}

/// Copies of an activation of the catalogue, `α((x - c_r)/h)`, at evenly spaced centres; with a single copy, the activation itself
/// with its own trained parameters.
public struct ActivationBasis: EdgeBasis, Hashable {
  public var activation: Activation
  public var count: Int
  public var range: ClosedRange<Double>
  public init(_ activation: Activation, count: Int = 8, range: ClosedRange<Double> = -1...1) {
    require(
      count >= 1 && activation.isElementwise, "\(activation.name) is no function of one number: it cannot be an edge")
    self.activation = activation
    self.count = count
    self.range = range
  }
  public var name: String { activation.displayName }
  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    let inner = scope["activation"]
    guard count > 1 else { return activation(x, inner).expandDimensions(at: -1) }
    return activation(distances(x, count, range), inner)
  }
}

/// Ratios of polynomials `(a_0 + a_1 x + … + a_m x^m) / (1 + |b_1 x + … + b_n x^n|)`, every edge with both of its own; the
/// coefficients of the basis are the numerators.
public struct RationalBasis: EdgeBasis, Hashable {
  public var numerator: Int
  public var denominator: Int
  /// Deviation of all coefficients at the start.
  public var scale: Double
  public init(_ numerator: Int = 5, _ denominator: Int = 4, scale: Double = 0.1) {
    require(numerator >= 0 && denominator >= 1, "a rational function of degrees \(numerator), \(denominator)")
    self.numerator = numerator
    self.denominator = denominator
    self.scale = scale
  }
  public var name: String { "rational" }
  public var count: Int { numerator + 1 }
  public var range: ClosedRange<Double> { -2...2 }
  public var initializer: Initializer { .normal(scale) }

  /// The powers; ratios need the edges' own denominators.
  public func values(_ x: Tensor, _ scope: Scope) -> Tensor { powers(x, from: 0, numerator) }

  private func powers(_ x: Tensor, from first: Int, _ last: Int) -> Tensor {
    var terms = [first == 0 ? Tensor.ones(like: x) : x]
    while terms.count < last - first + 1 { terms.append(terms[terms.count - 1] * x) }
    return .stack(terms, axis: x.rank)
  }

  public func curves(_ x: Tensor, _ coefficients: Tensor, _ scope: Scope) -> Tensor {
    let (inputs, outputs) = (coefficients.shape[0], coefficients.shape[2])
    let b = scope.parameter("denominator", [inputs, denominator, outputs], .normal(scale), dtype: x.dtype)
    let rows = x.count / max(1, inputs)
    func product(_ powers: Tensor, _ weights: Tensor, _ count: Int) -> Tensor {
      powers.reshape([rows, inputs, count]).transposed(1, 0, 2).matmul(weights).transposed(1, 0, 2)
    }
    let top = product(powers(x, from: 0, numerator), coefficients, count)
    let bottom = product(powers(x, from: 1, denominator), b, denominator)
    return (top / (1 + bottom.abs())).reshape(Shape(x.shape.dimensions + [outputs]))
  }

  public func sum(_ x: Tensor, _ coefficients: Tensor, _ scope: Scope) -> Tensor {
    curves(x, coefficients, scope).sum([-2])
  }
}
