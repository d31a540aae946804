import Soma

/// `(prediction - target)²`; the mean is over all elements.
/// - Shape: predictions and targets `[...]`
public struct MeanSquaredError: Loss {
  public var reduction: LossReduction
  public init(reduction: LossReduction = .mean) { self.reduction = reduction }

  public func terms(_ predictions: Tensor, _ targets: Tensor) -> LossTerms {
    LossTerms((predictions - matched(targets, to: predictions, "MeanSquaredError")).squared())
  }
}

/// `|prediction - target|`; the mean is over all elements.
/// - Shape: predictions and targets `[...]`
public struct MeanAbsoluteError: Loss {
  public var reduction: LossReduction
  public init(reduction: LossReduction = .mean) { self.reduction = reduction }

  public func terms(_ predictions: Tensor, _ targets: Tensor) -> LossTerms {
    LossTerms((predictions - matched(targets, to: predictions, "MeanAbsoluteError")).abs())
  }
}

/// `d²/2` where `|d| ≤ δ`, else `δ (|d| - δ/2)`, of the difference `d` (Huber 1964); the mean is over all elements.
/// - Shape: predictions and targets `[...]`
public struct Huber: Loss {
  /// The difference at which the square gives way to a line.
  public var delta: Double
  public var reduction: LossReduction

  public init(delta: Double = 1, reduction: LossReduction = .mean) {
    require(delta > 0, "Huber's delta is above 0, not \(delta)")
    self.delta = delta
    self.reduction = reduction
  }

  public func terms(_ predictions: Tensor, _ targets: Tensor) -> LossTerms {
    let distance = (predictions - matched(targets, to: predictions, "Huber")).abs()
    return LossTerms(.select(distance .<= delta, 0.5 * distance.squared(), delta * (distance - 0.5 * delta)))
  }
}

/// Negative log-likelihood of targets under normal distributions: `(log σ² + (t - μ)²/σ²) / 2`, with `log 2π / 2` if
/// `isFull` (Nix, Weigend 1994).
/// - Shape: predictions `[..., 2 k]`, the means and then the logarithms of the variances; targets `[..., k]`
public struct GaussianNegativeLogLikelihood: Loss {
  /// Variances below this count as this.
  public var smallestVariance: Double
  public var isFull: Bool
  public var reduction: LossReduction

  public init(smallestVariance: Double = 1e-6, isFull: Bool = false, reduction: LossReduction = .mean) {
    self.smallestVariance = smallestVariance
    self.isFull = isFull
    self.reduction = reduction
  }

  public func terms(_ predictions: Tensor, _ targets: Tensor) -> LossTerms {
    let halves = predictions.split(2, axis: -1)
    return terms(mean: halves[0], variance: halves[1].exp(), targets)
  }

  /// - Shape: all `[...]`
  public func terms(mean: Tensor, variance: Tensor, _ targets: Tensor) -> LossTerms {
    let t = matched(targets, to: mean, "GaussianNegativeLogLikelihood")
    // The floor has no derivative: a variance below it is still pulled up by the rest of the network.
    let v = variance + (variance.maximum(smallestVariance) - variance).stopGradient()
    let values = 0.5 * (v.log() + (t - mean).squared() / v)
    return LossTerms(isFull ? values + 0.9189385332046727 : values)
  }

  /// - Shape: all `[...]`
  public func callAsFunction(mean: Tensor, variance: Tensor, _ targets: Tensor) -> Tensor {
    terms(mean: mean, variance: variance, targets).reduced(reduction)
  }
}
