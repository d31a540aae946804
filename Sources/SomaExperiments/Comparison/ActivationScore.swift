import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// The score of an activation on a user's data: the validation accuracy (or R²) of a network of three hidden layers of 48 units, trained
/// with Adam at 1e-3 along a cosine. All activations get the same weights' seed and the same batches.
public struct ActivationScore: Sendable {
  private let data: PreparedData
  private let epochs: Int
  private let seed: Int

  /// - Throws: `ComparisonError` if there are too few samples.
  public init(_ parts: DataSet.Parts, name: String, epochs: Int, seed: Int) throws {
    data = try PreparedData(parts, name: name)
    self.epochs = epochs
    self.seed = seed
  }

  /// 0 if training diverges.
  public func callAsFunction(_ activation: any Layer) throws -> Double {
    var layers: [any Layer] = [Flatten()]
    for _ in 0..<3 { layers += [Dense(48, initializer: .heNormal), activation] }
    let network = Sequential(layers + [Dense(data.facts.outputs, initializer: .heNormal)])
    let trainer = Trainer(
      network, loss: data.loss, optimizer: Adam(), schedule: .cosine(1e-3), metrics: data.metrics, seed: seed)
    do {
      let result = try trainer.fit(
        data.trainingLoader(batch: 64, seed: seed), validation: data.loader(data.split.validation), for: .epochs(epochs)
      )
      let score = result.epochs.last.flatMap { data.validationScore($0) } ?? 0
      return score.isFinite ? max(score, 0) : 0
    } catch is NonFiniteLoss {
      return 0
    }
  }
}
