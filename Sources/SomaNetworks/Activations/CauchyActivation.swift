import Foundation
import Soma

/// The Cauchy activation `(λ₁ x + λ₂)/(x² + d²)`, its three numbers trained for each unit: the real part of a node of Cauchy's integral
/// formula (Li, Xia & Zhang 2024, arXiv 2409.19221).
///
/// `d = √(softplus(ρ)² + 10⁻⁶)` stays away from zero.
/// - Shape: `[…]` → `[…]`
public struct CauchyActivation: Layer {
  public enum Sharing: Sendable, Hashable { case unit, layer }

  public var lambda1, lambda2, d: Double
  public var sharing: Sharing
  public var isTrained: Bool
  /// Each start value is multiplied by a factor in 1 ± jitter.
  public var jitter: Double

  /// The smallest `d`.
  public static let smallestWidth = 1e-3

  public init(
    lambda1: Double = 1, lambda2: Double = 1, d: Double = 1, sharing: Sharing = .unit, isTrained: Bool = true,
    jitter: Double = 0
  ) {
    require(
      d != 0 && d.isFinite && lambda1.isFinite && lambda2.isFinite, "a Cauchy activation wants finite numbers and d ≠ 0"
    )
    self.lambda1 = lambda1
    self.lambda2 = lambda2
    self.d = abs(d)
    self.sharing = sharing
    self.isTrained = isTrained
    self.jitter = jitter
  }

  public static func value(_ x: Tensor, lambda1: Tensor, lambda2: Tensor, d: Tensor) -> Tensor {
    (lambda1 * x + lambda2) / (x * x + d * d)
  }

  /// With the start values.
  public func callAsFunction(_ x: Tensor) -> Tensor { (x * lambda1 + lambda2) / (x * x + d * d) }

  /// The least and the largest value on an interval: at its ends or at `x = (-λ₂ ± √(λ₂² + λ₁² d²))/λ₁`.
  public func range(on interval: ClosedRange<Double>) -> ClosedRange<Double> {
    func value(_ x: Double) -> Double { (lambda1 * x + lambda2) / (x * x + d * d) }
    var places = [interval.lowerBound, interval.upperBound]
    if lambda1 == 0 {
      places.append(0)
    } else {
      let root = (lambda2 * lambda2 + lambda1 * lambda1 * d * d).squareRoot()
      places += [(-lambda2 + root) / lambda1, (-lambda2 - root) / lambda1]
    }
    let values = places.filter(interval.contains).map(value)
    return values.min()!...values.max()!
  }

  /// `d` of a stored number.
  public static func width(ofStored raw: Tensor) -> Tensor {
    (raw.softplus().squared() + smallestWidth * smallestWidth).sqrt()
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let axis = x.rank >= 4 ? 1 : x.rank - 1
    let isShared = sharing == .layer || x.rank == 0
    let shape: Shape = isShared ? [] : [x.shape[axis]]
    let aligned: Shape = isShared ? [] : Shape([x.shape[axis]] + [Int](repeating: 1, count: x.rank - axis - 1))
    func number(_ name: String, _ value: Double) -> Tensor {
      let jitter = jitter
      let start = Initializer("cauchy") { shape, key, dtype in
        value * Tensor.uniform(shape, low: 1 - jitter, high: 1 + jitter, key: key, dtype: dtype)
      }
      let stored = scope.parameter(name, shape, jitter > 0 ? start : .constant(value), dtype: x.dtype)
      return (isTrained ? stored : stored.stopGradient()).reshape(aligned)
    }
    let inner = max((d * d - Self.smallestWidth * Self.smallestWidth).squareRoot(), 1e-9)
    // softplus(ρ) = inner
    let raw = inner > 30 ? inner : log(expm1(inner))
    return Self.value(
      x, lambda1: number("lambda1", lambda1), lambda2: number("lambda2", lambda2),
      d: Self.width(ofStored: number("width", raw)))
  }
}

/// `Dense → Cauchy activation → …→ Dense`: a shallow network of local rational units (Li, Xia & Zhang 2024, arXiv 2409.19221). Inputs
/// are to be scaled to [-1, 1]; first weights and biases are uniform in ±4 (weights over √inputs), so that the units' centres cover them.
/// - Shape: `[n, inputs]` → `[n, outputs]`
public struct XNet: Layer {
  public var width: Int
  public var depth: Int
  public var outputs: Int
  public var activation: any Layer

  public init(width: Int, depth: Int = 1, outputs: Int = 1, activation: any Layer = CauchyActivation()) {
    require(width > 0 && depth > 0 && outputs > 0, "XNet: width \(width), depth \(depth), \(outputs) outputs")
    self.width = width
    self.depth = depth
    self.outputs = outputs
    self.activation = activation
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let bound = 4 / Double(x.shape.last).squareRoot()
    let weight = scope.parameter("weight", [x.shape.last, width], .uniform(bound), dtype: x.dtype)
    var h = activation(
      x.matmul(weight) + scope.parameter("bias", [width], .uniform(4), dtype: x.dtype), scope["activation"])
    for layer in 1..<max(1, depth) { h = activation(Dense(width)(h, scope[layer]), scope[layer]["activation"]) }
    return Dense(outputs)(h, scope["out"])
  }
}
