import Foundation
import Soma

/// `[..., count]` polynomials of the squashed input: 1, `u = tanh x`, and from each two the next, `next(r, u, P_r, P_{r-1})`.
private func polynomials(
  _ x: Tensor, _ count: Int, _ next: (_ r: Double, _ u: Tensor, _ last: Tensor, _ before: Tensor) -> Tensor
) -> Tensor {
  let u = x.tanh()
  var terms = [Tensor.ones(like: u), u]
  while terms.count < count {
    let r = terms.count - 1
    terms.append(next(Double(r), u, terms[r], terms[r - 1]))
  }
  return .stack(Array(terms.prefix(count)), axis: x.rank)
}

/// Chebyshev polynomials of the squashed input, `T_r(tanh x)`: `T_0 = 1`, `T_1 = u`, `T_{r+1} = 2u T_r - T_{r-1}`.
public struct ChebyshevBasis: EdgeBasis, Hashable {
  public var count: Int
  public init(_ count: Int = 8) {
    require(count >= 1, "a basis has at least one function, not \(count)")
    self.count = count
  }
  public var name: String { "Chebyshev" }
  public var range: ClosedRange<Double> { -1...1 }

  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    polynomials(x, count) { _, u, last, before in 2 * u * last - before }
  }
}

/// Legendre polynomials of the squashed input, `P_r(tanh x)`: `(r+1) P_{r+1} = (2r+1) u P_r - r P_{r-1}`.
public struct LegendreBasis: EdgeBasis, Hashable {
  public var count: Int
  public init(_ count: Int = 8) {
    require(count >= 1, "a basis has at least one function, not \(count)")
    self.count = count
  }
  public var name: String { "Legendre" }
  public var range: ClosedRange<Double> { -1...1 }

  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    polynomials(x, count) { r, u, last, before in u * last * ((2 * r + 1) / (r + 1)) - before * (r / (r + 1)) }
  }
}

/// Powers of the squashed input, `(tanh x)^r`, r from 0.
public struct TaylorBasis: EdgeBasis, Hashable {
  public var count: Int
  public init(_ count: Int = 8) {
    require(count >= 1, "a basis has at least one function, not \(count)")
    self.count = count
  }
  public var name: String { "Taylor" }
  public var range: ClosedRange<Double> { -1...1 }

  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    polynomials(x, count) { _, u, last, _ in last * u }
  }
}

/// `cos(kωx)` and `sin(kωx)` for k = 1 … harmonics, cosines first; cosines and sines of multiples by the angle recurrence.
public struct FourierBasis: EdgeBasis, Hashable {
  public var harmonics: Int
  public var frequency: Double
  /// The deviation of the coefficients at the start, before division by √(inputs · count).
  public var scale: Double

  public init(_ harmonics: Int = 4, frequency: Double = .pi / 2, scale: Double = 0.3) {
    require(harmonics >= 1 && frequency > 0, "a Fourier basis wants at least one harmonic, not \(harmonics)")
    self.harmonics = harmonics
    self.frequency = frequency
    self.scale = scale
  }
  public var name: String { "Fourier" }
  public var count: Int { 2 * harmonics }
  public var range: ClosedRange<Double> { (-.pi / frequency)...(.pi / frequency) }
  public var initializer: Initializer { .edgeCoefficients(scale) }

  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    let angle = x * frequency
    var (cosines, sines) = ([angle.cos()], [angle.sin()])
    let twice = 2 * cosines[0]
    for m in 1..<max(1, harmonics) where m < harmonics {
      // cos (m+1)θ = 2 cos θ cos mθ - cos (m-1)θ, and the same for sines.
      cosines.append(twice * cosines[m - 1] - (m == 1 ? Tensor.ones(like: angle) : cosines[m - 2]))
      sines.append(m == 1 ? twice * sines[0] : twice * sines[m - 1] - sines[m - 2])
    }
    return .stack(cosines + sines, axis: x.rank)
  }
}
