import Soma
import Testing

@testable import SomaLearning

@Suite struct MetricTests {
  /// Rounded, so that some are equal.
  private let scores = (numbers([20, 3], 30) * 10).round() / 10
  private let labels = Tensor((0..<20).map { (i: Int) -> Int32 in Int32((i * i + 3 * i) % 7 % 3) })
  private func expected(_ name: String) -> [Double] { LearningGolden.metrics[name]! }
  private func agrees(_ value: Double, _ name: String) -> Bool { abs(value - expected(name)[0]) < 1e-12 }

  @Test func confusionMatrixIsScikitLearns() {
    let matrix = ConfusionMatrix(scores: scores, labels: labels)
    #expect(matrix.counts.joined().map(Double.init) == expected("confusion"))
    #expect(agrees(matrix.accuracy, "accuracy"))
    #expect(agrees(matrix.balancedAccuracy, "balancedAccuracy"))
    for (average, name) in [(ConfusionMatrix.Average.macro, "macro"), (.micro, "micro"), (.weighted, "weighted")] {
      #expect(agrees(matrix.precision(average), "precision \(name)"))
      #expect(agrees(matrix.recall(average), "recall \(name)"))
      #expect(agrees(matrix.f1(average), "f1 \(name)"))
    }
  }

  @Test func absentClassesCountNothing() {
    let matrix = ConfusionMatrix(predictions: [0, 1, 1], labels: [0, 1, 0], classes: 4)
    #expect(matrix.precision(of: 3) == 0)
    #expect(matrix.recall(.macro) == (0.5 + 1) / 2)
    #expect(ConfusionMatrix(classes: 2).accuracy == 0)
  }

  @Test func accuraciesAreScikitLearns() {
    #expect(agrees(Metrics.accuracy(scores, labels: labels), "accuracy"))
    #expect(agrees(Metrics.topKAccuracy(numbers([20, 3], 33), labels: labels, k: 2), "top2"))
    #expect(Metrics.topKAccuracy(scores, labels: labels, k: 3) == 1)
    #expect(Metrics.topKAccuracy(scores, labels: labels, k: 1) == Metrics.accuracy(scores, labels: labels))
  }

  @Test func rankingsAreScikitLearns() {
    let column = scores[0..., 0].doubles
    let isPositive = labels.ints.map { $0 == 0 }
    #expect(Set(column).count < column.count)
    #expect(agrees(Metrics.areaUnderROC(column, isPositive: isPositive), "auroc"))
    #expect(agrees(Metrics.averagePrecision(column, isPositive: isPositive), "averagePrecision"))
    #expect(agrees(Metrics.areaUnderROC(scores.softmax(), labels: labels), "auroc ovr"))
    #expect(Metrics.areaUnderROC([1, 2], isPositive: [true, true]).isNaN)
    #expect(Metrics.averagePrecision([1, 2], isPositive: [false, false]).isNaN)
  }

  @Test func probabilitiesAreJudgedAsByScikitLearn() {
    #expect(agrees(Metrics.logLoss(scores.softmax(), labels: labels), "logLoss"))
    #expect(agrees(Metrics.expectedCalibrationError(scores.softmax(), labels: labels, bins: 10), "calibration"))
    #expect(Metrics.bitsPerCharacter(loss: 3 * Tensor(2, dtype: .float64).log().scalar) == 3)
    let uniform = Metrics.logLoss(Tensor.full([4, 5], 0.2), labels: Tensor([0, 1, 2, 3] as [Int32]))
    #expect(abs(Metrics.perplexity(loss: uniform) - 5) < 1e-6)
  }

  @Test func regressionIsScikitLearns() {
    let (predictions, targets) = (numbers([10, 3], 31), numbers([10, 3], 32))
    #expect(agrees(Metrics.r2(predictions, targets: targets), "r2"))
    #expect(agrees(Metrics.meanAbsoluteError(predictions, targets: targets), "mae"))
    #expect(agrees(Metrics.rootMeanSquaredError(predictions, targets: targets), "rmse"))
    let constant = Tensor([2, 2, 2] as [Double])
    #expect(Metrics.r2(constant, targets: constant) == 1)
    #expect(Metrics.r2(constant + 1, targets: constant) == 0)
  }
}
