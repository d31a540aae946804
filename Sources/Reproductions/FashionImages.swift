import Soma
import SomaData
import SomaExperiments
import SomaNetworks

/// Fashion-MNIST (Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747) as most checks use it: the first images train, those after
/// them validate, the official test part tests; pixels are `(v/255 - 0.2860) / 0.3530`, the training set's mean and deviation,
/// or as `scaling` makes them.
/// - Throws: `DataError` if the files are not on this machine.
func fashionImages(
  _ training: Int, validation: Int, test: Int = 10_000, isFlat: Bool = true,
  scaling: (LabeledData) -> LabeledData = standardizedFashion
) throws -> Split {
  let parts = try DataSet.named("fashion-mnist").load()
  guard let official = parts.test else { throw DataError("fashion-mnist", "has no test part") }
  func prepared(_ data: LabeledData, _ range: Range<Int>) -> LabeledData {
    let part = data.subset(Array(range.clamped(to: 0..<data.count)))
    return isFlat ? scaling(part).flattened() : scaling(part)
  }
  return Split(
    train: prepared(parts.train, 0..<training), validation: prepared(parts.train, training..<training + validation),
    test: prepared(official, 0..<test))
}

/// Pixels, which the loader gives in 0...1, less the training set's mean over its deviation.
func standardizedFashion(_ data: LabeledData) -> LabeledData {
  data.replacing(values: data.values.map { ($0 - 0.2860) / 0.3530 })
}

/// Pixels in -1...1.
func symmetricFashion(_ data: LabeledData) -> LabeledData {
  data.replacing(values: data.values.map { $0 * 2 - 1 })
}

/// The plain classifier of most checks: `Dense → activation` for each hidden width, then a last `Dense`; weights He-normal (He
/// et al. 2015, arXiv 1502.01852), zero biases.
func plainClassifier(_ hidden: [Int], outputs: Int = 10, _ activation: any Layer) -> Sequential {
  Sequential(
    hidden.flatMap { [Dense($0, initializer: .heNormal), activation] as [any Layer] }
      + [Dense(outputs, initializer: .heNormal)])
}

/// As `plainClassifier`, with a fresh activation for each layer.
func plainClassifier(_ hidden: [Int], outputs: Int = 10, activation: (Int) -> any Layer) -> Sequential {
  Sequential(
    hidden.enumerated().flatMap { [Dense($1, initializer: .heNormal), activation($0)] as [any Layer] }
      + [Dense(outputs, initializer: .heNormal)])
}

extension LabeledData {
  /// The same samples, to be predicted from themselves.
  func predictingItself() -> LabeledData {
    replacing(target: .values(values, names: (0..<sampleShape.elementCount).map { "pixel \($0)" }))
  }
}
