import SomaExperiments

extension Reproduction {
  /// The systems that are built, in the order of their numbers.
  public static let all: [Reproduction] = [
    activationCatalogue,
    gelu
  ].sorted { $0.system.number < $1.system.number }
}
