import Soma

/// Lowers the learning rate when a value has stopped falling: after more than `patience` observations without an
/// improvement by the share `threshold`, the factor is multiplied by `factor`, and the next `coolDown` observations do not
/// count as failures.
public struct Plateau: Sendable, Codable, Hashable {
  public var factor: Double
  public var patience: Int
  /// The share of the best value by which a new one has to be lower.
  public var threshold: Double
  public var coolDown: Int
  /// Multiplying stops here.
  public var smallestFactor: Double

  /// What the learning rate is multiplied by now.
  public private(set) var current = 1.0
  private var best: Double?
  private var failures = 0
  private var resting = 0

  public init(
    factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4, coolDown: Int = 0, smallestFactor: Double = 0
  ) {
    require(factor > 0 && factor < 1, "a plateau's factor is between 0 and 1, not \(factor)")
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.coolDown = coolDown
    self.smallestFactor = smallestFactor
  }

  /// Takes note of a value, smaller is better.
  public mutating func observe(_ value: Double) {
    if best.map({ value < $0 - threshold * Swift.abs($0) }) ?? !value.isNaN {
      best = value
      failures = 0
    } else {
      failures += 1
    }
    if resting > 0 {
      resting -= 1
      failures = 0
    }
    if failures > patience {
      current = Swift.max(current * factor, smallestFactor)
      resting = coolDown
      failures = 0
    }
  }
}

/// Ends a run when a value has stopped falling.
public struct EarlyStopping: Sendable, Codable, Hashable {
  /// Observations without improvement after which to stop.
  public var patience: Int
  /// How much lower a value has to be to count as an improvement.
  public var minimumImprovement: Double
  /// Whether the run ends with the variables of the best observation.
  public var restoresBest: Bool

  public private(set) var best: Double?
  private var failures = 0

  public init(patience: Int, minimumImprovement: Double = 0, restoresBest: Bool = true) {
    require(patience > 0, "early stopping waits for \(patience) observations: at least 1")
    self.patience = patience
    self.minimumImprovement = minimumImprovement
    self.restoresBest = restoresBest
  }

  public enum Verdict: Sendable { case improved, waiting, stop }

  /// Takes note of a value, smaller is better.
  public mutating func observe(_ value: Double) -> Verdict {
    if best.map({ value < $0 - minimumImprovement }) ?? !value.isNaN {
      best = value
      failures = 0
      return .improved
    }
    failures += 1
    return failures >= patience ? .stop : .waiting
  }
}
