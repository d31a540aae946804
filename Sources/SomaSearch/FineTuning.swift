import Foundation
import SomaLearning

/// Optimizer, learning rate, momentum and schedule for training a pruned network on, and the space that a search draws them from
/// (SAFS: Loni, Mohan, Asadi, Lindauer 2023, arXiv 2305.10964, with the learning rate added).
public struct FineTuning: Sendable, Hashable, Codable, CustomStringConvertible {
  public enum Course: String, Sendable, Hashable, Codable, CaseIterable {
    case warmup = "warm-up"
    case cosine, step, linear, plateau
  }

  public var isAdam = true
  public var rate = 1e-3
  /// Of plain gradient descent.
  public var momentum = 0.9
  public var schedule = Course.warmup

  public init() {}

  /// Scales of operators learn at ten times the rate of the weights and do not decay.
  public var optimizer: any Optimizer {
    let groups = ["*/alpha", "*/beta", "*/p"].map { ParameterGroup($0, learningRateFactor: 10, weightDecay: 0) }
    return isAdam
      ? Adam(beta1: 0.9, beta2: 0.99, groups: groups) : SGD(momentum: momentum, weightDecay: 5e-4, groups: groups)
  }

  /// For a number of steps.
  public func schedule(_ steps: Int) -> Schedule {
    let rate = self.rate
    switch schedule {
    case .cosine: return .cosine(rate)
    case .step: return .step(rate, every: max(1, steps * 7 / 10))
    case .linear: return Schedule { step, total in rate * (1 - Double(step) / Double(max(total, 1))) }
    case .warmup: return Schedule { step, total in rate * min(1, Double(step + 1) / max(1, 0.05 * Double(total))) }
    case .plateau: return .constant(rate)
    }
  }

  /// What a trainer wants beside the schedule; nil for those that do not look at validation.
  public var plateau: Plateau? { schedule == .plateau ? Plateau(factor: 0.3, patience: 0) : nil }

  public var description: String {
    (isAdam ? "Adam" : "SGD, momentum \(String(format: "%.2g", momentum))")
      + ", rate \(String(format: "%.2g", rate)), \(schedule.rawValue)"
  }

  /// Optimizer and rate; momentum and schedule, which only plain gradient descent has.
  public static func search(trials: Int, seed: UInt64) -> BayesianSearch {
    let descent = BayesianSearch.Parameter.Condition(parameter: 0, choices: [1])
    return BayesianSearch(
      [
        .init("optimizer", .choice(2)), .init("rate", .real(1e-4...1e-1, isLogarithmic: true)),
        .init("momentum", .real(0.1...0.99), when: descent),
        .init("schedule", .choice(Course.allCases.count), when: descent),
      ], initialCount: max(2, trials / 3), seed: seed)
  }

  /// A point of that search.
  public init(_ point: BayesianSearch.Point) {
    (isAdam, rate) = (point[0] == 0, point[1])
    if !isAdam { (momentum, schedule) = (point[2], Course.allCases[Int(point[3])]) }
  }
}
