import Foundation
import Soma

extension Activation {
  /// `max(x, 0) + ε x e^{-x²/2}`: ReLU with a small odd bump, `ε` trained for each layer (Sun et al. 2024, arXiv
  /// 2405.12954). Strictly, `ε < 0` lowers the entropy of its output and `ε > 0` raises it; training chooses.
  public static func crrelu(epsilon: Double = 0.01, isTrained: Bool = true) -> Activation {
    try! parse(
      crreluFormula, "a=\(epsilon):\(isTrained ? "trained:per-layer" : "fixed")", name: "crrelu")
  }

  static let crreluFormula = "relu(x)+a*x*exp(-x^2/2)"
}

/// The density of an activation's inputs, from a formula or from samples, on a grid.
public struct InputDensity: Sendable {
  /// Evenly spaced.
  public let grid: [Double]
  public let values: [Double]

  /// The standard normal density on ±`width`.
  public static func standardNormal(width: Double = 8, count: Int = 4001) -> InputDensity {
    InputDensity(on: -width...width, count: count) { exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() }
  }

  /// A normal density with the mean and deviation of samples, on ±8 deviations.
  public static func normal(fitting samples: [Double], count: Int = 4001) -> InputDensity {
    require(samples.count > 1, "a density wants at least two samples")
    let mean = samples.reduce(0, +) / Double(samples.count)
    let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(samples.count - 1)
    let deviation = max(variance.squareRoot(), 1e-12)
    return InputDensity(on: mean - 8 * deviation...mean + 8 * deviation, count: count) { x in
      let z = (x - mean) / deviation
      return exp(-z * z / 2) / (deviation * (2 * Double.pi).squareRoot())
    }
  }

  /// A Gaussian kernel density with Silverman's bandwidth `0.9 min(s, IQR/1.34) n^{-1/5}`, on 512 points three bandwidths beyond the
  /// samples (Silverman 1986).
  public static func kernel(fitting samples: [Double], count: Int = 512) -> InputDensity {
    require(samples.count > 1, "a density wants at least two samples")
    let sorted = samples.sorted()
    let n = Double(sorted.count)
    let mean = sorted.reduce(0, +) / n
    let deviation = (sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)).squareRoot()
    let quartiles = (sorted[sorted.count / 4], sorted[sorted.count * 3 / 4])
    let spread = min(deviation, (quartiles.1 - quartiles.0) / 1.34)
    let width = 0.9 * max(spread > 0 ? spread : deviation, 1e-12) * pow(n, -0.2)
    return InputDensity(on: sorted[0] - 3 * width...sorted[sorted.count - 1] + 3 * width, count: count) { x in
      sorted.reduce(0) { sum, sample in
        let z = (x - sample) / width
        return z * z > 80 ? sum : sum + exp(-z * z / 2)
      } / (n * width * (2 * Double.pi).squareRoot())
    }
  }

  public init(on range: ClosedRange<Double>, count: Int, _ density: (Double) -> Double) {
    require(count >= 9 && range.lowerBound < range.upperBound, "a density on \(count) points of \(range)")
    grid = (0..<count).map { range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / Double(count - 1) }
    values = grid.map(density)
  }

  public var spacing: Double { grid[1] - grid[0] }

  /// `∫ f p` by the trapezoidal rule.
  public func mean(_ f: (Int) -> Double) -> Double {
    grid.indices.reduce(0) { $0 + (values[$1] > 0 ? values[$1] * f($1) : 0) } * spacing
  }

  /// `-∫ p ln p`
  public var entropy: Double { -mean { log(values[$0]) } }

  /// The distribution function on the grid, from 0 to 1.
  public var cumulative: [Double] {
    var sum = 0.0
    let raw = values.indices.map { i -> Double in
      if i > 0 { sum += (values[i] + values[i - 1]) / 2 }
      return sum
    }
    return raw.map { $0 / max(sum, 1e-300) }
  }
}

/// The differential entropy of an activation's output, in nats: `E ln f′(X) + H[p]`, for an increasing `f`; places where `f` is flat
/// are left out and their probability is reported.
public struct OutputEntropy: Sendable, Hashable {
  public let value: Double
  /// The probability of inputs where the slope is not positive.
  public let excluded: Double

  public init(of f: @escaping (Tensor) -> Tensor, _ density: InputDensity) {
    let slopes = grad { f($0).sum() }(Tensor(density.grid)).doubles
    excluded = density.mean { slopes[$0] > 0 ? 0 : 1 }
    value = density.mean { slopes[$0] > 0 ? log(slopes[$0]) - log(density.values[$0]) : 0 }
  }
}

/// Entropy-guided correction of activations (EAFO): the activation is perturbed along the negative functional derivative of its
/// output's entropy (Sun et al. 2024, arXiv 2405.12954).
///
/// With the inverse `y(x)` of the activation and the density `p` of its inputs, `η = -(p(y) y″/y′ + p′(y) y′)`, and the corrected
/// activation is to first order `f(x) - ε f′(x) η(f(x))`.
public struct EntropyCorrection: Sendable {
  public let density: InputDensity
  /// The correction `-f′(x) η(f(x))` on the density's grid; zero where `f` is flat.
  public let correction: [Double]

  /// - `f`: increasing where it is not flat
  public init(of f: @escaping (Tensor) -> Tensor, _ density: InputDensity) {
    self.density = density
    let x = Tensor(density.grid)
    let slope = grad { (x: Tensor) in f(x).sum() }
    let (slopes, bends) = (slope(x).doubles, grad { (x: Tensor) in slope(x).sum() }(x).doubles)
    let h = density.spacing
    let p = density.values
    correction = p.indices.map { i in
      guard slopes[i] > 0 else { return 0 }
      let (before, after) = (max(0, i - 1), min(p.count - 1, i + 1))
      let pSlope = (p[after] - p[before]) / (Double(after - before) * h)
      // At y(f(x)) = x: y′ = 1/f′, y″ = -f″/f′³.
      let first = 1 / slopes[i]
      let second = -bends[i] * first * first * first
      return slopes[i] * (p[i] * second / first + pSlope * first)
    }
  }

  /// The correction at a place, linear between grid points, 0 outside the grid.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let grid = Tensor(density.grid).cast(to: x.dtype)
    return x.interpolated(grid, Tensor(correction).cast(to: x.dtype), left: 0, right: 0)
  }
}

/// An activation with its entropy correction: `f(x) + ε c(x)`, `ε` trained for each layer.
/// - Shape: `[…]` → `[…]`
public struct CorrectedActivation: Layer {
  public var base: Activation
  public var correction: EntropyCorrection
  public var epsilon: Double

  public init(_ base: Activation, _ correction: EntropyCorrection, epsilon: Double = 0.01) {
    self.base = base
    self.correction = correction
    self.epsilon = epsilon
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let epsilon = scope.parameter("epsilon", [], .constant(epsilon), dtype: x.dtype)
    return base(x, scope["base"]) + epsilon * correction(x)
  }
}

/// The activation with the largest output entropy on [0, 1]: the distribution function of its inputs, whose output is uniform. The
/// worst one, in the sense that it keeps the least of what tells inputs apart (Sun et al. 2024, arXiv 2405.12954).
/// - Shape: `[…]` → `[…]`
public struct WorstActivation: Layer {
  public var density: InputDensity

  public init(_ density: InputDensity) { self.density = density }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.interpolated(
      Tensor(density.grid).cast(to: x.dtype), Tensor(density.cumulative).cast(to: x.dtype), left: 0, right: 1)
  }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { self(x) }
}
