import Soma

extension Metrics {
  /// The area under the receiver operating characteristic: the probability that a positive sample scores higher than a
  /// negative one, ties counting half (Hanley, McNeil 1982). NaN if one kind is missing. Complexity: O(n log n).
  public static func areaUnderROC(_ scores: [Double], isPositive: [Bool]) -> Double {
    require(scores.count == isPositive.count, "\(scores.count) scores for \(isPositive.count) labels")
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    var rankSum = 0.0
    var i = 0
    while i < order.count {
      var j = i
      while j < order.count, scores[order[j]] == scores[order[i]] { j += 1 }
      // Equal scores share the mean of their ranks.
      let rank = Double(i + j + 1) / 2
      for k in i..<j where isPositive[order[k]] { rankSum += rank }
      i = j
    }
    let positives = Double(isPositive.count { $0 })
    let negatives = Double(isPositive.count) - positives
    guard positives > 0, negatives > 0 else { return .nan }
    return (rankSum - positives * (positives + 1) / 2) / (positives * negatives)
  }

  /// The mean over the classes of the area under the curve of each against the rest; NaN if a class is missing.
  /// - Shape: scores `[n, classes]`, integer labels `[n]`
  public static func areaUnderROC(_ scores: Tensor, labels: Tensor) -> Double {
    oneVersusRest(scores, labels, "areaUnderROC") { areaUnderROC($0, isPositive: $1) }
  }

  /// `Σ (R_i - R_{i-1}) P_i` over falling thresholds, P and R precision and recall; NaN without positives.
  /// Complexity: O(n log n).
  public static func averagePrecision(_ scores: [Double], isPositive: [Bool]) -> Double {
    require(scores.count == isPositive.count, "\(scores.count) scores for \(isPositive.count) labels")
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    let positives = Double(isPositive.count { $0 })
    guard positives > 0 else { return .nan }
    var (found, area) = (0.0, 0.0)
    var i = 0
    while i < order.count {
      var j = i
      var here = 0.0
      while j < order.count, scores[order[j]] == scores[order[i]] {
        here += isPositive[order[j]] ? 1 : 0
        j += 1
      }
      found += here
      area += here / positives * found / Double(j)
      i = j
    }
    return area
  }

  /// The mean over the classes of the average precision of each against the rest.
  /// - Shape: scores `[n, classes]`, integer labels `[n]`
  public static func averagePrecision(_ scores: Tensor, labels: Tensor) -> Double {
    oneVersusRest(scores, labels, "averagePrecision") { averagePrecision($0, isPositive: $1) }
  }

  private static func oneVersusRest(
    _ scores: Tensor, _ labels: Tensor, _ name: String, _ metric: ([Double], [Bool]) -> Double
  ) -> Double {
    require(scores.rank == 2, "\(name): scores of shape \(scores.shape); wants [n, classes]")
    let labels = checkedLabels(labels, for: scores, name).ints
    let classes = scores.shape[1]
    let values = scores.doubles
    let sum = (0..<classes).reduce(0.0) { sum, c in
      sum + metric(stride(from: c, to: values.count, by: classes).map { values[$0] }, labels.map { $0 == c })
    }
    return sum / Double(classes)
  }

  // MARK: Regression

  /// `1 - Σ (t - y)² / Σ (t - mean t)²`, the mean over outputs; an output whose targets are all equal gives 1 if met, else 0.
  /// - Shape: predictions and targets `[n]` or `[n, outputs]`
  public static func r2(_ predictions: Tensor, targets: Tensor) -> Double {
    let t = targets.cast(to: .float64)
    let y = matched(predictions.cast(to: .float64), to: t, "r2")
    let residual = (t - y).squared().sum([0]).doubles
    let total = (t - t.mean([0], keepsAxes: true)).squared().sum([0]).doubles
    let scores = zip(residual, total).map { $1 > 0 ? 1 - $0 / $1 : $0 == 0 ? 1 : 0 }
    return scores.reduce(0, +) / Double(scores.count)
  }

  /// `mean |t - y|` over all elements.
  public static func meanAbsoluteError(_ predictions: Tensor, targets: Tensor) -> Double {
    MeanAbsoluteError()(predictions.cast(to: .float64), targets).scalar
  }

  /// `√mean (t - y)²` over all elements.
  public static func rootMeanSquaredError(_ predictions: Tensor, targets: Tensor) -> Double {
    MeanSquaredError()(predictions.cast(to: .float64), targets).sqrt().scalar
  }
}
