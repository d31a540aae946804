import Foundation
import SomaData

/// All that the result of a comparison depends on. Equal settings mean the same experiment.
public struct ComparisonSettings: Codable, Sendable, Hashable {
  /// What is known of the samples.
  public struct Data: Codable, Sendable, Hashable {
    public enum Task: String, Codable, Sendable { case classification, regression }

    /// The data set's name, or the file.
    public var name: String
    public var task: Task
    public var sampleShape: [Int]
    /// Classes, or predicted numbers.
    public var outputs: Int
    public var trainingCount: Int
    public var validationCount: Int
    public var testCount: Int
    /// A hash of all samples: a changed file is another experiment.
    public var fingerprint: String

    /// What the score is called.
    public var scoreName: String { task == .classification ? "accuracy" : "R²" }
  }

  /// Changed whenever the procedure changes what a trial with the same settings gives.
  public var procedure = 1
  public var data: Data
  /// As they were asked for; the first is the baseline.
  public var candidates: [String]
  /// What candidates that are only an activation are put into.
  public var network: String
  /// Parameters that every candidate gets, within 2 % where its widths allow.
  public var parameters: Int
  /// Trials of each candidate that count.
  public var seeds: Int
  public var epochs: Int
  public var batch: Int
  public var optimizer: OptimizerChoice
  /// The learning rates that are tried, the same for each candidate.
  public var learningRates: [Double]
  /// Epochs of a trial that finds the learning rate.
  public var tuningEpochs: Int

  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { preconditionFailure("settings hold finite numbers only") }
    return String(decoding: data, as: UTF8.self)
  }

  public var hash: String { Fingerprint(json.utf8).text }
}

/// A 64-bit hash that is the same in every run and on every machine (FNV-1a; Fowler, Noll, Vo 1991).
struct Fingerprint {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  init() {}
  init(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(UInt64(byte)) } }

  mutating func add(_ word: UInt64) { state = (state ^ word) &* 0x100_0000_01b3 }

  var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The hash of all samples and targets.
  init(_ data: LabeledData) {
    for length in data.sampleShape { add(UInt64(length)) }
    for value in data.values { add(UInt64(value.bitPattern)) }
    switch data.target {
    case .classes(let labels, let names):
      for label in labels { add(UInt64(UInt32(bitPattern: label))) }
      for name in names { for byte in name.utf8 { add(UInt64(byte)) } }
    case .values(let values, _): for value in values { add(UInt64(value.bitPattern)) }
    }
  }
}
