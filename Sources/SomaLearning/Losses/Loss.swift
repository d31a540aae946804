import Soma

/// How the losses of samples become one number.
public enum LossReduction: Sendable {
  /// `Σ loss / Σ weight`
  case mean
  case sum
  /// The losses as they are.
  case none
}

/// The losses of samples (or of positions in them), before they become one number.
public struct LossTerms: TensorTree {
  /// One loss for each sample, position or element; already weighted.
  public var values: Tensor
  /// What the sum of the values is divided by for their mean: a scalar.
  public var weight: Tensor

  public init(values: Tensor, weight: Tensor) {
    self.values = values
    self.weight = weight
  }

  /// Terms that all weigh 1.
  public init(_ values: Tensor) {
    self.init(values: values, weight: Tensor(values.count, dtype: values.dtype))
  }

  public var leaves: [Tensor] { [values, weight] }
  public func replacingLeaves(_ leaves: [Tensor]) -> LossTerms { LossTerms(values: leaves[0], weight: leaves[1]) }

  public func reduced(_ reduction: LossReduction) -> Tensor {
    switch reduction {
    case .mean: values.sum() / weight
    case .sum: values.sum()
    case .none: values
    }
  }
}

/// A measure of how far predictions are from targets, smaller is better; differentiable in the predictions.
public protocol Loss: Sendable {
  /// What calling the loss gives. A trainer always descends the mean.
  var reduction: LossReduction { get }
  /// The losses of the samples.
  func terms(_ predictions: Tensor, _ targets: Tensor) -> LossTerms
}

extension Loss {
  public func callAsFunction(_ predictions: Tensor, _ targets: Tensor) -> Tensor {
    terms(predictions, targets).reduced(reduction)
  }
}

/// Targets in the predictions' type and shape. `[n]` stands for `[n, 1]`; nothing else is stretched, since broadcasting
/// `[n]` against `[n, 1]` would silently compare every prediction with every target.
func matched(_ targets: Tensor, to predictions: Tensor, _ loss: String) -> Tensor {
  let fits =
    targets.shape == predictions.shape || targets.shape + [1] == predictions.shape
    || targets.shape == predictions.shape + [1]
  require(fits, "\(loss): targets of shape \(targets.shape) for predictions of shape \(predictions.shape)")
  return targets.cast(to: predictions.dtype).reshape(predictions.shape)
}

/// Whether each class of the last axis is the label: `[...]` → `[..., classes]`, `bool`.
func isLabel(_ labels: Tensor, classes: Int) -> Tensor {
  labels.expandDimensions(at: -1) .== Tensor.iota([classes], dtype: labels.dtype)
}

/// Integer labels of shape `[...]` for predictions `[..., classes]`.
func checkedLabels(_ labels: Tensor, for predictions: Tensor, _ loss: String) -> Tensor {
  require(
    predictions.rank > 0 && labels.dtype.isInteger && labels.shape == Shape(predictions.shape.dropLast()),
    "\(loss): \(labels.dtype) targets of shape \(labels.shape) for predictions of shape \(predictions.shape); wants "
      + "integers of the same shape without the last axis")
  return labels
}
