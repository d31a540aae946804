import Foundation
import Soma

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

extension PeriodicTask {
  /// - Throws: `DataError` that lists the names.
  public static func named(_ name: String) throws -> PeriodicTask {
    guard let task = all.first(where: { $0.name == name }) else {
      throw DataError(
        "periodic:\(name)", "no periodic function has this name; there are \(all.map(\.name).joined(separator: ", "))")
    }
    return task
  }

  /// `count` points of the training interval, and as many of both sides of it up to the test's ends: a score on the latter says whether
  /// a network goes on with the pattern.
  public func parts(_ count: Int = 2000, key: Key = Key(168)) -> DataSet.Parts {
    let keys = key.split(2)
    func made(_ t: [Double], _ part: String) -> LabeledData {
      LabeledData(
        name: "periodic:\(name)", description: "\(name), \(part)", values: t.map { Float($0) }, sampleShape: [1],
        target: .values(t.map { Float(value($0)) }, names: ["value"]), featureNames: ["t"])
    }
    func uniform(_ key: Key) -> [Double] {
      Tensor.uniform([count], low: -1, high: 1, key: key, dtype: .float64).doubles
    }
    let far = uniform(keys[1]).map { u -> Double in
      let distance = training + abs(u) * (test - training)
      return u < 0 ? -distance : distance
    }
    return DataSet.Parts(
      train: made(uniform(keys[0]).map { $0 * training }, "inside"), test: made(far, "outside"))
  }
}
