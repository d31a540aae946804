import Foundation
import Soma

extension Activation {
  /// `x + sin²(ax)/a`: monotone like ReLU, with a periodic part of period `π/a`, so that a network can go on beyond its data
  /// (Ziyin, Hartwig & Ueda 2020, arXiv 2006.08195).
  ///
  /// A unit whose input has the weight `w` brings in the angular frequency `2a|w|`: start at `a ≈ ω/2` where the frequency is
  /// known (5 to 50 for data scaled to [-1, 1]), near 0.2 where nothing is periodic.
  /// - `a`: the (start) value; it stays positive
  /// - Throws: `ActivationError` unless `a` is positive.
  public static func snake(
    _ a: Double = 1, isTrained: Bool = true, sharing: ActivationParameter.Sharing = .perUnit
  ) throws(ActivationError) -> Activation {
    try parse(
      snakeFormula, "a=\(a):a>0:\(isTrained ? "trained:\(sharing.rawValue)" : "fixed")", name: "snake")
  }

  /// `x + sin²(ax)/b`, frequency and height apart (Lee et al. 2023, arXiv 2206.04658).
  /// - Throws: `ActivationError` unless both are positive.
  public static func snakeBeta(
    _ a: Double = 1, _ b: Double = 1, isTrained: Bool = true, sharing: ActivationParameter.Sharing = .perUnit
  ) throws(ActivationError) -> Activation {
    let role = isTrained ? "trained:\(sharing.rawValue)" : "fixed"
    return try parse(snakeBetaFormula, "a=\(a):a>0:\(role);b=\(b):b>0:\(role)", name: "snake-beta")
  }

  static let snakeFormula = "x+sin(a*x)^2/a"
  static let snakeBetaFormula = "x+sin(a*x)^2/b"

  /// `x + sin x`
  public static let sinPlusIdentity = known("x-plus-sin")

  /// Mean and variance of `snake(a)` of a standard normal input: `(1 - e^{-2a²})/(2a)` and
  /// `1 + (1 + e^{-8a²} - 2e^{-4a²})/(8a²)`. Dividing by the root of the variance keeps a signal's size.
  public static func snakeMoments(_ a: Double) -> (mean: Double, variance: Double) {
    let square = a * a
    return (
      -Foundation.expm1(-2 * square) / (2 * a),
      1 + (1 + Foundation.exp(-8 * square) - 2 * Foundation.exp(-4 * square)) / (8 * square)
    )
  }
}

/// An activation divided by a constant: with the deviation of its outputs, what follows sees inputs of variance 1.
public struct ScaledActivation: Layer {
  public var activation: Activation
  public var divisor: Double

  public init(_ activation: Activation, dividedBy divisor: Double) {
    self.activation = activation
    self.divisor = divisor
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { activation.forward(x, scope) * (1 / divisor) }
}
