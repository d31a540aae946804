import SomaLearning

/// An optimizer by name, with the learning rates that a sweep tries: five, evenly spaced on a logarithmic scale about what is
/// customary for it.
public enum OptimizerChoice: String, CaseIterable, Codable, Sendable {
  case adam, adamw, nadam, radam, rmsprop, lion, sgd, momentum

  public var optimizer: any Optimizer {
    switch self {
    case .adam: Adam()
    case .adamw: AdamW()
    case .nadam: NAdam()
    case .radam: RAdam()
    case .rmsprop: RMSprop()
    case .lion: Lion()
    case .sgd: SGD()
    case .momentum: SGD(momentum: 0.9)
    }
  }

  public var learningRates: [Double] {
    switch self {
    case .adam, .adamw, .nadam, .radam: [3e-4, 1e-3, 3e-3, 1e-2, 3e-2]
    case .rmsprop: [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
    case .lion: [3e-5, 1e-4, 3e-4, 1e-3, 3e-3]
    case .sgd: [1e-2, 3e-2, 1e-1, 3e-1, 1]
    case .momentum: [3e-3, 1e-2, 3e-2, 1e-1, 3e-1]
    }
  }
}
