import Foundation

/// What noisy training with samples drawn at random gives away, as (ε, δ): the Rényi divergences of the subsampled Gaussian
/// mechanism, added up over the steps. (Abadi et al. 2016, arXiv 1607.00133; Mironov, Talwar, Zhang 2019, arXiv 1908.10530)
///
/// `ε_R(α) = 1/(α-1) · log Σₖ C(α,k) (1-q)^{α-k} qᵏ e^{k(k-1)/2σ²}`, α = 2 … 256.
///
/// Choosing settings on private data costs privacy that is not counted here, and floating-point noise is not cryptographic.
public struct PrivacyAccountant: Sendable, Hashable {
  public enum Conversion: String, Sendable, Hashable, CaseIterable {
    /// `T ε_R + log(1/δ)/(α-1)`
    case classic
    /// `T ε_R + log((α-1)/α) - (log δ + log α)/(α-1)` (Balle, Barthe, Gaboardi, Hsu, Sato 2019, arXiv 1905.09982)
    case improved
  }

  /// q: the probability with which each record is in a batch.
  public let samplingRate: Double
  /// σ: the noise's deviation over the clipping norm.
  public let noiseMultiplier: Double

  /// - Throws: `LearningRuleError` for a rate outside 0 … 1 or noise that is not above zero.
  public init(samplingRate: Double, noiseMultiplier: Double) throws {
    guard samplingRate > 0, samplingRate <= 1 else {
      throw LearningRuleError("the sampling rate \(samplingRate) is not between 0 and 1")
    }
    guard noiseMultiplier > 0, noiseMultiplier.isFinite else {
      throw LearningRuleError("privacy wants noise above zero, not \(noiseMultiplier)")
    }
    self.samplingRate = samplingRate
    self.noiseMultiplier = noiseMultiplier
  }

  public static let orders = Array(2...256)

  /// `ε_R(α)` of one step.
  public func renyi(order alpha: Int) -> Double {
    let (q, a) = (samplingRate, Double(alpha))
    let variance = noiseMultiplier * noiseMultiplier
    if q == 1 { return a / (2 * variance) }
    let terms = (0...alpha).map { k -> Double in
      let k = Double(k)
      let choices: Double = lgamma(a + 1) - lgamma(k + 1) - lgamma(a - k + 1)
      return choices + (a - k) * log1p(-q) + k * log(q) + k * (k - 1) / (2 * variance)
    }
    let peak = terms.max()!
    return (peak + log(terms.reduce(0) { $0 + exp($1 - peak) })) / (a - 1)
  }

  /// The least ε over the orders, and the order it is at.
  /// - Throws: `LearningRuleError` unless 0 < δ < 1.
  public func epsilon(steps: Int, delta: Double, _ conversion: Conversion = .improved) throws -> (
    epsilon: Double, order: Int
  ) {
    guard delta > 0, delta < 1 else { throw LearningRuleError("δ = \(delta) is not between 0 and 1") }
    if steps == 0 { return (0, 2) }
    let all = Self.orders.map { alpha -> (epsilon: Double, order: Int) in
      let a = Double(alpha)
      let spent = Double(steps) * renyi(order: alpha)
      let rest: Double =
        conversion == .classic
        ? -log(delta) / (a - 1) : log((a - 1) / a) - (log(delta) + log(a)) / (a - 1)
      return (max(0, spent + rest), alpha)
    }
    return all.min { $0.epsilon < $1.epsilon }!
  }

  /// The noise that gives an ε after so many steps, by bisection.
  /// - Throws: `LearningRuleError` if none up to 1,000 does, or the numbers make no sense.
  public static func noiseMultiplier(
    epsilon: Double, delta: Double, samplingRate: Double, steps: Int, _ conversion: Conversion = .improved
  ) throws -> Double {
    guard epsilon > 0, epsilon.isFinite else { throw LearningRuleError("ε = \(epsilon) is not above zero") }
    func spent(_ sigma: Double) throws -> Double {
      try PrivacyAccountant(samplingRate: samplingRate, noiseMultiplier: sigma).epsilon(
        steps: steps, delta: delta, conversion
      ).epsilon
    }
    var (low, high) = (1e-2, 1000.0)
    guard try spent(high) <= epsilon else {
      throw LearningRuleError("no noise up to \(high) gives ε = \(epsilon) at δ = \(delta) in \(steps) steps")
    }
    while high - low > 1e-9 * high {
      let middle = (low * high).squareRoot()
      if try spent(middle) > epsilon { low = middle } else { high = middle }
    }
    return high
  }
}
