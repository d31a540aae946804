import Foundation
import GRDB

/// An experiment in the store: its settings, and how far it has come.
public struct Experiment: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
  public enum Status: String, Codable, Sendable {
    /// At work, or ended without a word (a crash, a power cut).
    case running
    /// Ended on request before all trials were done.
    case interrupted
    case finished
  }

  public static let databaseTableName = "experiment"

  public var id: Int64?
  /// What kind of experiment: `compare`.
  public var kind: String
  public var title: String
  public var dataSet: String
  /// All that the results depend on, as JSON.
  public var settings: String
  /// A hash of the settings: the same settings, the same experiment.
  public var settingsHash: String
  public var status: Status
  public var created: Date
  public var updated: Date
  /// Of the library that made it.
  public var version: String
  /// Processor, cores, operating system.
  public var machine: String

  public init(
    kind: String, title: String, dataSet: String, settings: String, settingsHash: String, version: String = somaVersion,
    machine: String = Machine.description
  ) {
    self.kind = kind
    self.title = title
    self.dataSet = dataSet
    self.settings = settings
    self.settingsHash = settingsHash
    self.version = version
    self.machine = machine
    status = .running
    created = Date()
    updated = created
  }
}

/// One training run of an experiment, written when it ends.
public struct Trial: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
  public enum Status: String, Codable, Sendable {
    case finished
    /// The loss became infinite or not a number.
    case diverged
  }
  public enum Purpose: String, Codable, Sendable {
    /// Finds the learning rate, on the validation part.
    case tuning
    /// Counts: judged on the test part once.
    case final
  }

  /// What an epoch gave. Values that are not finite are nil.
  public struct Epoch: Codable, Sendable, Hashable {
    public var trainingLoss: Double?
    public var validationLoss: Double?
    /// Accuracy, or R².
    public var validationScore: Double?

    public init(trainingLoss: Double?, validationLoss: Double?, validationScore: Double?) {
      self.trainingLoss = trainingLoss.flatMap { $0.isFinite ? $0 : nil }
      self.validationLoss = validationLoss.flatMap { $0.isFinite ? $0 : nil }
      self.validationScore = validationScore.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  public static let databaseTableName = "trial"

  public var id: Int64?
  public var experimentID: Int64
  public var candidate: String
  public var purpose: Purpose
  public var seed: Int
  public var learningRate: Double
  public var epochs: Int
  public var status: Status
  /// What went wrong, for trials that diverged.
  public var message: String?
  /// By name: `validationScore` and `validationLoss` of epoch `bestEpoch`, `settledScore` and `settledLoss` (means over the
  /// last quarter of the epochs, on validation data); of final trials `testScore`, `testLoss`, `testRMSE`.
  public var metrics: [String: Double]
  public var curve: [Epoch]
  /// Seconds of training, without evaluation.
  public var trainingSeconds: Double
  /// Bytes that a training step needs.
  public var memoryBytes: Int
  public var ended: Date

  public init(
    experimentID: Int64, candidate: String, purpose: Purpose, seed: Int, learningRate: Double, epochs: Int,
    status: Status, message: String? = nil, metrics: [String: Double] = [:], curve: [Epoch] = [],
    trainingSeconds: Double = 0, memoryBytes: Int = 0
  ) {
    self.experimentID = experimentID
    self.candidate = candidate
    self.purpose = purpose
    self.seed = seed
    self.learningRate = learningRate
    self.epochs = epochs
    self.status = status
    self.message = message
    self.metrics = metrics.filter { $0.value.isFinite }
    self.curve = curve
    self.trainingSeconds = trainingSeconds
    self.memoryBytes = memoryBytes
    ended = Date()
  }
}

/// What a candidate costs, measured once.
public struct Measurement: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
  public static let databaseTableName = "measurement"

  public var experimentID: Int64
  public var candidate: String
  /// The network with its width, as it can be asked for again.
  public var network: String
  public var parameters: Int
  /// Operations of a forward pass for one sample.
  public var operations: Int
  /// Median seconds of a forward pass for one sample.
  public var latency: Double
  /// Median seconds of a forward pass for `batch` samples.
  public var batchLatency: Double
  public var batch: Int
  /// Bytes that a forward pass for `batch` samples needs.
  public var inferenceMemoryBytes: Int

  public init(
    experimentID: Int64, candidate: String, network: String, parameters: Int, operations: Int, latency: Double,
    batchLatency: Double, batch: Int, inferenceMemoryBytes: Int
  ) {
    self.experimentID = experimentID
    self.candidate = candidate
    self.network = network
    self.parameters = parameters
    self.operations = operations
    self.latency = latency
    self.batchLatency = batchLatency
    self.batch = batch
    self.inferenceMemoryBytes = inferenceMemoryBytes
  }
}
