import Soma

/// Cross-entropy of the softmax of the predictions with the targets: `-Σ_c w_c q_c log p_c`, `p = softmax(logits)`.
///
/// Targets are class indices (`q` is 1 at the label) or probabilities of the predictions' shape. With smoothing ε,
/// `q ← (1 - ε) q + ε / classes` (Szegedy et al. 2015, arXiv:1512.00567). The mean over class indices is weighted:
/// `Σ loss / Σ w_label`; over probabilities it is plain.
/// - Shape: logits `[..., classes]`, targets `[...]` integers or `[..., classes]`
public struct CrossEntropy: Loss {
  public var labelSmoothing: Double
  /// One factor a class.
  public var classWeights: [Double]?
  /// Positions with this label count nothing: padding.
  public var ignoredLabel: Int?
  public var reduction: LossReduction

  public init(
    labelSmoothing: Double = 0, classWeights: [Double]? = nil, ignoredLabel: Int? = nil,
    reduction: LossReduction = .mean
  ) {
    require(labelSmoothing >= 0 && labelSmoothing <= 1, "label smoothing is between 0 and 1, not \(labelSmoothing)")
    self.labelSmoothing = labelSmoothing
    self.classWeights = classWeights
    self.ignoredLabel = ignoredLabel
    self.reduction = reduction
  }

  public func terms(_ logits: Tensor, _ targets: Tensor) -> LossTerms {
    let weights = classWeights.map { weights in
      require(weights.count == logits.shape.last, "\(weights.count) class weights for \(logits.shape.last) classes")
      return Tensor(weights).cast(to: logits.dtype)
    }
    if targets.dtype.isFloating { return soft(logits, matched(targets, to: logits, "CrossEntropy"), weights) }
    return hard(logits, checkedLabels(targets, for: logits, "CrossEntropy"), weights)
  }

  /// `log Σ exp x - x_label`, and the smoothing's `log Σ exp x - mean x`: rows that fuse into one kernel, without ever
  /// storing the log-probabilities.
  private func hard(_ logits: Tensor, _ labels: Tensor, _ weights: Tensor?) -> LossTerms {
    let classes = logits.shape.last
    let here = isLabel(labels, classes: classes)
    let normalizer = logits.logSumExp([-1])
    let labelWeight = weights.map { Tensor.select(here, $0, 0).sum([-1]) }
    var values = normalizer - Tensor.select(here, logits, 0).sum([-1])
    if let labelWeight { values = labelWeight * values }
    if labelSmoothing > 0 {
      let spread =
        if let weights {
          (weights * (normalizer.expandDimensions(at: -1) - logits)).sum([-1])
        } else {
          normalizer * Double(classes) - logits.sum([-1])
        }
      values = (1 - labelSmoothing) * values + (labelSmoothing / Double(classes)) * spread
    }
    var counts = labelWeight
    if let ignoredLabel {
      let isCounted = labels .!= ignoredLabel
      values = .select(isCounted, values, 0)
      counts = .select(isCounted, counts ?? Tensor.ones(like: values), 0)
    }
    guard let counts else { return LossTerms(values) }
    return LossTerms(values: values, weight: counts.sum())
  }

  private func soft(_ logits: Tensor, _ targets: Tensor, _ weights: Tensor?) -> LossTerms {
    var q = targets
    if labelSmoothing > 0 { q = q * (1 - labelSmoothing) + labelSmoothing / Double(logits.shape.last) }
    if let weights { q = q * weights }
    return LossTerms(-(q * logits.logSoftmax()).sum([-1]))
  }
}

/// Cross-entropy of independent yes-or-no predictions, from logits: `softplus(x) - t x`; a positive weight `w` scales the
/// part of the positives: `(1 - t) x + (1 + (w - 1) t) softplus(-x)`.
/// - Shape: logits and targets `[...]`, targets in 0 … 1
public struct BinaryCrossEntropy: Loss {
  /// The factor of positive targets.
  public var positiveWeight: Double
  public var reduction: LossReduction

  public init(positiveWeight: Double = 1, reduction: LossReduction = .mean) {
    self.positiveWeight = positiveWeight
    self.reduction = reduction
  }

  public func terms(_ logits: Tensor, _ targets: Tensor) -> LossTerms {
    let t = matched(targets, to: logits, "BinaryCrossEntropy")
    if positiveWeight == 1 { return LossTerms(logits.softplus() - t * logits) }
    return LossTerms((1 - t) * logits + (1 + (positiveWeight - 1) * t) * (-logits).softplus())
  }
}

/// Kullback-Leibler divergence of the softmax of the predictions from target probabilities: `Σ_c q_c (log q_c - log p_c)`.
/// The mean is over samples.
/// - Shape: logits and probabilities `[..., classes]`
public struct KullbackLeibler: Loss {
  public var reduction: LossReduction

  public init(reduction: LossReduction = .mean) { self.reduction = reduction }

  public func terms(_ logits: Tensor, _ targets: Tensor) -> LossTerms {
    let q = matched(targets, to: logits, "KullbackLeibler")
    return LossTerms((q.timesLog(q) - q * logits.logSoftmax()).sum([-1]))
  }
}
