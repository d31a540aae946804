import Foundation
import Soma

/// Moments of an activation at its start values, outside training, for a standard normal input z.
public struct GaussianMoments: Hashable, Sendable {
  /// `E f(z)`
  public var mean: Double
  /// `E f(z)²`
  public var secondMoment: Double
  /// `E f′(z)²`
  public var slopeMoment: Double

  /// The factor of weights that keeps a signal's size, `1/√E f(z)²`.
  public var initialGain: Double { 1 / secondMoment.squareRoot() }
  /// The factor of a gradient's square in each layer of that gain.
  public var depthFactor: Double { slopeMoment / secondMoment }

  /// By the midpoint rule on 40,000 cells of [-10, 10]; a corner on a cell's edge costs nothing.
  /// - Returns: nil for an activation that is no function of one number.
  public init?(_ activation: Activation) {
    guard activation.isElementwise else { return nil }
    let places = (0..<40_000).map { -10 + (Double($0) + 0.5) / 2000 }
    let x = Tensor(places)
    let (value, pullback) = vjp(x) { activation($0) }
    let (f, slope) = (value.doubles, pullback(.ones(like: value)).doubles)
    (mean, secondMoment, slopeMoment) = (0, 0, 0)
    for i in places.indices {
      let weight = Foundation.exp(-places[i] * places[i] / 2) * 0.3989422804014327 / 2000
      mean += weight * f[i]
      secondMoment += weight * f[i] * f[i]
      slopeMoment += weight * slope[i] * slope[i]
    }
  }
}
