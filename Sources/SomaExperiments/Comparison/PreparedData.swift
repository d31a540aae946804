import Foundation
import Soma
import SomaData
import SomaLearning

/// The samples as the trials of a comparison see them: divided once, standardized by what the training part tells.
public struct PreparedData: Sendable {
  public static let validationShare = 0.15
  public static let testShare = 0.2
  private static let splitSeed: UInt64 = 2026

  public let facts: ComparisonSettings.Data
  let split: Split
  /// Maps numeric targets; nil for classes.
  let targetMap: Standardization?
  private let validationVariance: Double

  /// - Throws: `ComparisonError` if there are too few samples to divide.
  public init(_ parts: DataSet.Parts, name: String) throws {
    let raw = parts.split(validation: Self.validationShare, test: Self.testShare, seed: Self.splitSeed)
    guard raw.train.count >= 8, raw.validation.count >= 2, raw.test.count >= 2 else {
      throw ComparisonError(
        "\(name): \(parts.train.count) samples are too few for a training, a validation and a test part")
    }
    guard raw.train.sampleShape.elementCount > 0 else { throw ComparisonError("\(name): its samples are empty") }
    let withFeatures = raw.standardized().split
    let mapped = withFeatures.standardizingTargets()
    split = mapped?.split ?? withFeatures
    targetMap = mapped?.standardization
    validationVariance = Self.variance(split.validation)
    if case .values(let values, _) = raw.train.target, Set(values).count < 2 {
      throw ComparisonError("\(name): the target is the same number everywhere, there is nothing to predict")
    }
    var fingerprint = Fingerprint(parts.train)
    if let test = parts.test { for byte in Fingerprint(test).text.utf8 { fingerprint.add(UInt64(byte)) } }
    facts = ComparisonSettings.Data(
      name: name, task: raw.train.isClassification ? .classification : .regression,
      sampleShape: raw.train.sampleShape.dimensions, outputs: raw.train.outputCount, trainingCount: raw.train.count,
      validationCount: raw.validation.count, testCount: raw.test.count, fingerprint: fingerprint.text)
  }

  /// One batch's shape.
  func inputShape(_ count: Int) -> Shape { [count] + split.train.sampleShape }

  var loss: any Loss { facts.task == .classification ? CrossEntropy() : MeanSquaredError() }
  var metrics: [RunningMetric] { facts.task == .classification ? [.accuracy] : [] }

  /// Batches for evaluation.
  static let evaluationBatch = 256

  func loader(_ part: LabeledData) -> DataLoader {
    DataLoader(part, batchSize: min(Self.evaluationBatch, part.count), prefetch: 0)
  }

  /// Training batches in an order that depends on the seed and the epoch alone, the same for all candidates.
  func trainingLoader(batch: Int, seed: Int) -> DataLoader {
    let batch = min(batch, split.train.count)
    return DataLoader(split.train, batchSize: batch, seed: UInt64(seed), dropsLast: true, prefetch: 0)
  }

  /// Accuracy, or R² of the validation part.
  func validationScore(_ summary: EpochSummary) -> Double? {
    if facts.task == .classification { return summary.validationMetrics["accuracy"] }
    return summary.validationLoss.map { 1 - $0 / validationVariance }
  }

  /// The mean square of targets about their means, over all outputs.
  private static func variance(_ data: LabeledData) -> Double {
    guard case .values(let values, let names) = data.target, !names.isEmpty else { return 1 }
    let sums = (0..<names.count).map { k in
      let column = stride(from: k, to: values.count, by: names.count).map { Double(values[$0]) }
      let center = column.mean
      return column.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    }
    return sums.reduce(0, +) / Double(values.count)
  }

  /// R², averaged over outputs, and the root of the mean squared error in the targets' own unit.
  /// - Parameter predictions: `[n, outputs]`, standardized as the targets are
  func regressionScores(_ predictions: Tensor, _ part: LabeledData) -> (r2: Double, rmse: Double) {
    guard case .values(let targets, let names) = part.target, let targetMap else { return (.nan, .nan) }
    let (given, predicted) = (targetMap.invert(targets), targetMap.invert(predictions.floats))
    var (scores, squares) = ([Double](), 0.0)
    for k in names.indices {
      let places = stride(from: k, to: given.count, by: names.count)
      let center = places.map { Double(given[$0]) }.mean
      var (error, spread) = (0.0, 0.0)
      for i in places {
        let (residual, deviation) = (Double(predicted[i]) - Double(given[i]), Double(given[i]) - center)
        error += residual * residual
        spread += deviation * deviation
      }
      squares += error
      scores.append(1 - error / spread)
    }
    return (scores.mean, (squares / Double(given.count)).squareRoot())
  }
}
