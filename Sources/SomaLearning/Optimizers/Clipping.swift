import Soma
import SomaNetworks

/// A bound on gradients.
public enum GradientClipping: Sendable, Hashable {
  /// All gradients together are scaled down to this Euclidean norm (Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063).
  case globalNorm(Double)
  /// Each tensor's gradient is scaled down to this Euclidean norm.
  case tensorNorm(Double)
  /// Each element is cut to ± this value.
  case value(Double)

  public func callAsFunction(_ gradients: Parameters) -> Parameters {
    clipped(gradients, norm: gradientNorm(gradients))
  }

  func clipped(_ gradients: Parameters, norm: Tensor) -> Parameters {
    switch self {
    case .globalNorm(let limit):
      let factor = Self.factor(limit, norm)
      return gradients.map { $1 * factor.cast(to: $1.dtype) }
    case .tensorNorm(let limit): return gradients.map { $1 * Self.factor(limit, sumOfSquares($1).sqrt()) }
    case .value(let limit): return gradients.map { $1.clipped(-limit, limit) }
    }
  }

  /// The small number keeps the quotient finite beside a zero gradient; PyTorch has the same.
  private static func factor(_ limit: Double, _ norm: Tensor) -> Tensor { (limit / (norm + 1e-6)).minimum(1) }
}

/// The Euclidean norm of all gradients together, a scalar.
public func gradientNorm(_ gradients: Parameters) -> Tensor {
  let squares = gradients.leaves.filter(\.dtype.isFloating).map(sumOfSquares)
  guard let first = squares.first else { return Tensor(0) }
  return squares.dropFirst().reduce(first, +).sqrt()
}
