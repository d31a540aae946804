import SomaExperiments

extension Reproduction {
  /// The systems that are built, in the order of their numbers.
  public static let all: [Reproduction] = [
    gelu, multiplet, neuralArithmeticUnits, arithmeticExtrapolation, nonNegativeWeights, paon, sharpness, apuntes,
    preluXor, trainableMatrices, evolvedNormalization, temperedSigmoids, squaredReLU, sparseActivations,
  ].sorted { $0.system.number < $1.system.number }
}
