import Soma

/// `max(0, margin - t x)` for targets of -1 and 1.
/// - Shape: scores and targets `[...]`
public struct Hinge: Loss {
  public var margin: Double
  public var reduction: LossReduction

  public init(margin: Double = 1, reduction: LossReduction = .mean) {
    self.margin = margin
    self.reduction = reduction
  }

  public func terms(_ scores: Tensor, _ targets: Tensor) -> LossTerms {
    LossTerms((margin - matched(targets, to: scores, "Hinge") * scores).maximum(0))
  }
}

/// `1/classes · Σ_{j ≠ label} max(0, margin - x_label + x_j)^power` (Weston, Watkins 1999).
/// - Shape: scores `[..., classes]`, labels `[...]`
public struct MulticlassHinge: Loss {
  public var margin: Double
  /// 1 or 2.
  public var power: Int
  public var reduction: LossReduction

  public init(margin: Double = 1, power: Int = 1, reduction: LossReduction = .mean) {
    require(power == 1 || power == 2, "the multi-class hinge's power is 1 or 2, not \(power)")
    self.margin = margin
    self.power = power
    self.reduction = reduction
  }

  public func terms(_ scores: Tensor, _ labels: Tensor) -> LossTerms {
    let classes = scores.shape.last
    let here = isLabel(checkedLabels(labels, for: scores, "MulticlassHinge"), classes: classes)
    let correct = Tensor.select(here, scores, 0).sum([-1], keepsAxes: true)
    let excess = (margin - correct + scores).maximum(0).power(power)
    return LossTerms(Tensor.select(here, 0, excess).sum([-1]) / Double(classes))
  }
}
