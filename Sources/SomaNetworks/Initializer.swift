import Soma

/// How a parameter begins. Fans: a matrix `[in, out]` has `in` and `out`; a convolution kernel `[out, in, taps…]` has
/// `in · taps` and `out · taps`.
public struct Initializer: Sendable {
  public let name: String
  private let make: @Sendable (Shape, Key, DType) -> Tensor

  public init(_ name: String, _ make: @escaping @Sendable (_ shape: Shape, _ key: Key, _ dtype: DType) -> Tensor) {
    self.name = name
    self.make = make
  }

  public func callAsFunction(_ shape: Shape, key: Key, dtype: DType = .float32) -> Tensor { make(shape, key, dtype) }

  public static func fans(_ shape: Shape) -> (in: Int, out: Int) {
    switch shape.rank {
    case 0: return (1, 1)
    case 1: return (shape[0], shape[0])
    case 2: return (shape[0], shape[1])
    default:
      let taps = shape[2...].reduce(1, *)
      return (shape[1] * taps, shape[0] * taps)
    }
  }

  public static let zeros = constant(0)
  public static let ones = constant(1)
  public static func constant(_ value: Double) -> Initializer {
    Initializer("constant") { shape, _, dtype in .full(shape, value, dtype: dtype) }
  }
  /// Normal numbers.
  public static func normal(_ deviation: Double = 0.02, mean: Double = 0) -> Initializer {
    Initializer("normal") { .normal($0, mean: mean, deviation: deviation, key: $1, dtype: $2) }
  }
  /// Normal numbers within two deviations.
  public static func truncatedNormal(_ deviation: Double = 0.02) -> Initializer {
    Initializer("truncatedNormal") { .truncatedNormal($0, deviation: deviation, key: $1, dtype: $2) }
  }
  /// Uniform numbers in ±`bound`.
  public static func uniform(_ bound: Double) -> Initializer {
    Initializer("uniform") { .uniform($0, low: -bound, high: bound, key: $1, dtype: $2) }
  }

  /// Uniform numbers in a range.
  public static func uniform(in range: Range<Double>) -> Initializer {
    Initializer("uniform") { .uniform($0, low: range.lowerBound, high: range.upperBound, key: $1, dtype: $2) }
  }

  public enum Fan: Sendable { case input, output, average }
  public enum Distribution: Sendable { case uniform, normal, truncatedNormal }

  /// Variance `gain² / fan`.
  public static func scaled(_ gain: Double, fan: Fan, _ distribution: Distribution) -> Initializer {
    Initializer("scaled") { shape, key, dtype in
      let fans = fans(shape)
      let n =
        switch fan {
        case .input: Double(fans.in)
        case .output: Double(fans.out)
        case .average: Double(fans.in + fans.out) / 2
        }
      let deviation = gain / Swift.max(n, 1).squareRoot()
      switch distribution {
      case .uniform:
        let bound = deviation * 3.0.squareRoot()
        return .uniform(shape, low: -bound, high: bound, key: key, dtype: dtype)
      case .normal: return .normal(shape, deviation: deviation, key: key, dtype: dtype)
      case .truncatedNormal: return .truncatedNormal(shape, deviation: deviation, key: key, dtype: dtype)
      }
    }
  }

  /// Glorot & Bengio 2010.
  public static let glorotUniform = scaled(1, fan: .average, .uniform)
  public static let glorotNormal = scaled(1, fan: .average, .normal)
  /// He et al. 2015 (arXiv 1502.01852).
  public static let heUniform = scaled(2.0.squareRoot(), fan: .input, .uniform)
  public static let heNormal = scaled(2.0.squareRoot(), fan: .input, .normal)
  /// LeCun et al. 1998.
  public static let lecunUniform = scaled(1, fan: .input, .uniform)
  public static let lecunNormal = scaled(1, fan: .input, .normal)

  /// A matrix with orthonormal rows or columns, scaled by `gain` (Saxe, McClelland, Ganguli 2013, arXiv 1312.6120).
  public static func orthogonal(_ gain: Double = 1) -> Initializer {
    Initializer("orthogonal") { shape, key, dtype in
      require(shape.rank >= 2, "orthogonal initialization wants at least two axes, not \(shape)")
      let (rows, columns) = (shape[0], shape[1...].reduce(1, *))
      let tall = Tensor.normal([Swift.max(rows, columns), Swift.min(rows, columns)], key: key, dtype: dtype)
      let q = tall.qr().q
      return ((rows >= columns ? q : q.T) * gain).reshape(shape)
    }
  }
}
