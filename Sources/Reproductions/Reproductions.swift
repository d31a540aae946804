import SomaExperiments

extension Reproduction {
  /// The systems that are built, in the order of their numbers.
  public static let all: [Reproduction] = [
    activationCatalogue,
    activationBenchmark,
    apa,
    apuntes,
    arithmeticExtrapolation,
    crrelu,
    evolvedNormalization,
    expandedGates,
    gaussianFields,
    gelu,
    hardASH,
    helu,
    implicitTeaching,
    mish,
    mittagLefflerUnits,
    multiplet,
    neuralArithmeticUnits,
    nonNegativeWeights,
    paon,
    pau,
    preluXor,
    sau,
    sharpness,
    snake,
    sparseActivations,
    spder,
    squaredReLU,
    swishSearch,
    temperedSigmoids,
    trainableMatrices,
    xnet,
  ].sorted { $0.system.number < $1.system.number }
}
