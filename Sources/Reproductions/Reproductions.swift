import SomaExperiments

extension Reproduction {
  /// The systems that are built, in the order of their numbers.
  public static let all: [Reproduction] = [
    activationBenchmark,
    apa,
    crrelu,
    hardASH,
    pau,
    apuntes,
    arithmeticExtrapolation,
    evolvedNormalization,
    expandedGates,
    gelu,
    helu,
    mish,
    multiplet,
    neuralArithmeticUnits,
    nonNegativeWeights,
    paon,
    preluXor,
    sau,
    sharpness,
    snake,
    squaredReLU,
    temperedSigmoids,
    trainableMatrices,
    xnet,
  ].sorted { $0.system.number < $1.system.number }
}
