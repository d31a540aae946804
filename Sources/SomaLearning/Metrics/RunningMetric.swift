import Soma

/// A measure that is summed over batches inside the compiled step: `finish(Σ value / Σ weight)`.
public struct RunningMetric: Sendable {
  public let name: String
  /// Whether larger is better.
  public let isScore: Bool
  /// Sum and weight of a batch, both scalars.
  let sums: @Sendable (_ predictions: Tensor, _ targets: Tensor) -> (sum: Tensor, weight: Tensor)
  let finish: @Sendable (Double) -> Double

  public init(
    _ name: String, isScore: Bool,
    sums: @escaping @Sendable (_ predictions: Tensor, _ targets: Tensor) -> (sum: Tensor, weight: Tensor),
    finish: @escaping @Sendable (Double) -> Double = { $0 }
  ) {
    self.name = name
    self.isScore = isScore
    self.sums = sums
    self.finish = finish
  }

  private static func mean(_ values: Tensor) -> (sum: Tensor, weight: Tensor) {
    (values.cast(to: .float32).sum(), Tensor(values.count))
  }

  /// The share of largest scores at the label; of rows of target probabilities, at their largest.
  public static let accuracy = RunningMetric("accuracy", isScore: true) { scores, targets in
    let isSoft = targets.dtype.isFloating && targets.shape == scores.shape
    return mean(scores.argMax() .== (isSoft ? targets.argMax() : checkedLabels(targets, for: scores, "accuracy")))
  }

  /// The share of samples on the right side of zero, targets 0 and 1.
  public static let binaryAccuracy = RunningMetric("accuracy", isScore: true) { logits, targets in
    mean((logits .> 0) .== (matched(targets, to: logits, "accuracy") .> 0.5))
  }

  public static func topK(_ k: Int) -> RunningMetric {
    RunningMetric("top-\(k)", isScore: true) { scores, labels in
      mean(Metrics.isAmongTop(scores, checkedLabels(labels, for: scores, "top-\(k)"), k))
    }
  }

  public static let meanAbsoluteError = RunningMetric("MAE", isScore: false) { predictions, targets in
    mean((predictions - matched(targets, to: predictions, "MAE")).abs())
  }

  public static let rootMeanSquaredError = RunningMetric(
    "RMSE", isScore: false,
    sums: { predictions, targets in mean((predictions - matched(targets, to: predictions, "RMSE")).squared()) },
    finish: { $0.squareRoot() })

  /// `e^cross-entropy`; positions with the label `ignoredLabel` do not count.
  public static func perplexity(ignoredLabel: Int? = nil) -> RunningMetric {
    crossEntropy("perplexity", ignoredLabel, Metrics.perplexity)
  }

  /// The cross-entropy in bits a position.
  public static func bitsPerCharacter(ignoredLabel: Int? = nil) -> RunningMetric {
    crossEntropy("bits per character", ignoredLabel, Metrics.bitsPerCharacter)
  }

  private static func crossEntropy(
    _ name: String, _ ignoredLabel: Int?, _ finish: @escaping @Sendable (Double) -> Double
  ) -> RunningMetric {
    RunningMetric(
      name, isScore: false,
      sums: { logits, labels in
        let terms = CrossEntropy(ignoredLabel: ignoredLabel).terms(logits, labels)
        return (terms.values.sum().cast(to: .float32), terms.weight.cast(to: .float32))
      }, finish: finish)
  }
}
