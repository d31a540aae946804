import Foundation

/// A periodic function of one number, known on `|t| ≤ training` and asked for up to `test` (Dong et al. 2024, arXiv 2410.02675).
public struct PeriodicTask: Sendable {
  public let name: String
  public let training: Double
  public let test: Double
  public let value: @Sendable (Double) -> Double

  public init(_ name: String, training: Double, test: Double, _ value: @escaping @Sendable (Double) -> Double) {
    self.name = name
    self.training = training
    self.test = test
    self.value = value
  }

  /// The remainder that is never negative.
  public static func modulus(_ t: Double, _ m: Double) -> Double { t - m * (t / m).rounded(.down) }

  public static let all: [PeriodicTask] = [
    PeriodicTask("sin", training: 6 * .pi, test: 18 * .pi) { sin($0) },
    PeriodicTask("mod", training: 20, test: 40) { modulus($0, 5) },
    PeriodicTask("composed", training: 4, test: 8) { t in
      exp(pow(sin(.pi * t), 2) + cos(t) + modulus(t, 3) - 1)
    },
  ]
}
