import Foundation
import Soma

/// A yes-or-no question for each class: `-Σ_c [t_c ln p_c + (1 - t_c) ln(1 - p_c)]`, the mean over samples.
/// - Shape: predictions `[…, classes]`, targets `[…]` integers
public struct OneVersusAll: Loss {
  /// How a prediction becomes a probability.
  public enum Link: String, Sendable, Hashable, CaseIterable {
    /// `p = σ(z)`
    case sigmoid
    /// `p = exp(-e^{-z})`, `z` clamped to [-4, 10]
    case gumbel
    /// The network gives `ln p` itself; see `AdaptiveParametricOutput`.
    case logProbability
  }

  public var link: Link
  public var reduction: LossReduction

  public init(_ link: Link = .sigmoid, reduction: LossReduction = .mean) {
    self.link = link
    self.reduction = reduction
  }

  /// `ln p` and `ln(1 - p)`, both finite.
  public func logProbabilities(_ predictions: Tensor) -> (yes: Tensor, no: Tensor) {
    switch link {
    case .sigmoid: return (predictions.logSigmoid(), (-predictions).logSigmoid())
    case .gumbel: return Self.complemented(-(-predictions.clipped(-4.0, 10.0)).exp())
    case .logProbability: return Self.complemented(predictions)
    }
  }

  /// `ln(1 - p) = ln(-expm1(ln p))`, with `ln p` at most -1e-6 so that it stays finite.
  private static func complemented(_ yes: Tensor) -> (yes: Tensor, no: Tensor) {
    let yes = yes.minimum(-1e-6)
    return (yes, (-yes.expm1()).log())
  }

  public func terms(_ predictions: Tensor, _ targets: Tensor) -> LossTerms {
    let labels = checkedLabels(targets, for: predictions, "OneVersusAll")
    let (yes, no) = logProbabilities(predictions)
    return LossTerms(-Tensor.select(isLabel(labels, classes: predictions.shape.last), yes, no).sum([-1]))
  }
}
