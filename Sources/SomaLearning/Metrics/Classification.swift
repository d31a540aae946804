import Soma

/// How often each class was predicted for each class: `counts[truth][prediction]`.
public struct ConfusionMatrix: Sendable, Hashable {
  public private(set) var counts: [[Int]]

  public init(classes: Int) { counts = Array(repeating: Array(repeating: 0, count: classes), count: classes) }

  /// - Precondition: as many predictions as labels, all in `0 ..< classes`.
  public init(predictions: [Int], labels: [Int], classes: Int) {
    self.init(classes: classes)
    require(predictions.count == labels.count, "\(predictions.count) predictions for \(labels.count) labels")
    for (prediction, label) in zip(predictions, labels) { add(prediction: prediction, label: label) }
  }

  /// - Shape: scores `[..., classes]`, integer labels `[...]`
  public init(scores: Tensor, labels: Tensor) {
    let labels = checkedLabels(labels, for: scores, "ConfusionMatrix")
    self.init(predictions: scores.argMax().ints, labels: labels.ints, classes: scores.shape.last)
  }

  public mutating func add(prediction: Int, label: Int) {
    require(
      counts.indices.contains(prediction) && counts.indices.contains(label),
      "class \(label) predicted as \(prediction), of \(counts.count) classes")
    counts[label][prediction] += 1
  }

  public var classes: Int { counts.count }
  public var total: Int { counts.joined().reduce(0, +) }
  private func right(_ c: Int) -> Double { Double(counts[c][c]) }
  private func predicted(_ c: Int) -> Double { Double(counts.reduce(0) { $0 + $1[c] }) }
  private func actual(_ c: Int) -> Double { Double(counts[c].reduce(0, +)) }

  /// The share of right predictions.
  public var accuracy: Double { ratio((0..<classes).reduce(0) { $0 + right($1) }, Double(total)) }
  /// The mean recall of the classes that occur.
  public var balancedAccuracy: Double {
    let present = (0..<classes).filter { actual($0) > 0 }
    return ratio(present.reduce(0) { $0 + recall(of: $1) }, Double(present.count))
  }

  /// Of the samples predicted as a class, the share that is; 0 if none was predicted.
  public func precision(of c: Int) -> Double { ratio(right(c), predicted(c)) }
  /// Of a class's samples, the share predicted as such; 0 if there are none.
  public func recall(of c: Int) -> Double { ratio(right(c), actual(c)) }
  /// The harmonic mean of both.
  public func f1(of c: Int) -> Double { ratio(2 * right(c), predicted(c) + actual(c)) }

  public enum Average: Sendable {
    /// The mean over classes that occur as label or as prediction.
    case macro
    /// Over all samples together; with one label each, precision, recall and F1 all equal the accuracy.
    case micro
    /// The mean over classes, weighted by how often they occur.
    case weighted
  }

  public func precision(_ average: Average = .macro) -> Double { averaged(average, precision(of:)) }
  public func recall(_ average: Average = .macro) -> Double { averaged(average, recall(of:)) }
  public func f1(_ average: Average = .macro) -> Double { averaged(average, f1(of:)) }

  private func averaged(_ average: Average, _ value: (Int) -> Double) -> Double {
    switch average {
    case .micro: return accuracy
    case .macro:
      let present = (0..<classes).filter { actual($0) + predicted($0) > 0 }
      return ratio(present.reduce(0) { $0 + value($1) }, Double(present.count))
    case .weighted: return ratio((0..<classes).reduce(0) { $0 + actual($1) * value($1) }, Double(total))
    }
  }
}

/// A quotient that is 0 over 0.
private func ratio(_ a: Double, _ b: Double) -> Double { b == 0 ? 0 : a / b }

/// Measures of predictions, exact over all samples at once.
public enum Metrics {
  /// The share of samples whose largest score is the label's.
  /// - Shape: scores `[..., classes]`, integer labels `[...]`
  public static func accuracy(_ scores: Tensor, labels: Tensor) -> Double {
    let labels = checkedLabels(labels, for: scores, "accuracy")
    return (scores.argMax() .== labels).cast(to: .float64).mean().scalar
  }

  /// The share of samples whose label is among the `k` largest scores; among equal scores, lower classes come first.
  /// - Shape: scores `[..., classes]`, integer labels `[...]`
  public static func topKAccuracy(_ scores: Tensor, labels: Tensor, k: Int) -> Double {
    isAmongTop(scores, checkedLabels(labels, for: scores, "topKAccuracy"), k).cast(to: .float64).mean().scalar
  }

  static func isAmongTop(_ scores: Tensor, _ labels: Tensor, _ k: Int) -> Tensor {
    require(k > 0, "the top \(k) scores hold no label")
    if k >= scores.shape.last { return Tensor.ones(labels.shape, dtype: .bool) }
    return (scores.topK(k).indices .== labels.expandDimensions(at: -1)).any([-1])
  }

  /// `-mean log p_label`, probabilities cut to 10⁻¹⁵ … 1.
  /// - Shape: probabilities `[n, classes]`, integer labels `[n]`
  public static func logLoss(_ probabilities: Tensor, labels: Tensor) -> Double {
    let labels = checkedLabels(labels, for: probabilities, "logLoss")
    let p = Tensor.select(isLabel(labels, classes: probabilities.shape.last), probabilities.cast(to: .float64), 0)
    return -p.sum([-1]).maximum(1e-15).minimum(1).log().mean().scalar
  }

  /// `e^loss` of a mean cross-entropy in nats.
  public static func perplexity(loss: Double) -> Double { exp(loss) }
  /// The mean cross-entropy in bits.
  public static func bitsPerCharacter(loss: Double) -> Double { loss / log(2) }

  /// How far confidence and accuracy are apart: over `bins` equal intervals of the largest probability,
  /// `Σ share · |accuracy - confidence|` (Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599).
  /// - Shape: probabilities `[n, classes]`, integer labels `[n]`
  public static func expectedCalibrationError(_ probabilities: Tensor, labels: Tensor, bins: Int = 15) -> Double {
    let labels = checkedLabels(labels, for: probabilities, "expectedCalibrationError")
    require(bins > 0, "calibration wants at least one bin")
    let confidences = probabilities.max([-1]).doubles
    let isRight = (probabilities.argMax() .== labels).bools
    var sums = [(count: Double, right: Double, confidence: Double)](repeating: (0, 0, 0), count: bins)
    for (confidence, right) in zip(confidences, isRight) {
      // Intervals are open below and closed above.
      let bin = Swift.min(Swift.max(Int((confidence * Double(bins)).rounded(.up)) - 1, 0), bins - 1)
      sums[bin].count += 1
      sums[bin].right += right ? 1 : 0
      sums[bin].confidence += confidence
    }
    return sums.reduce(0) { $0 + abs($1.right - $1.confidence) } / Double(Swift.max(confidences.count, 1))
  }
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
