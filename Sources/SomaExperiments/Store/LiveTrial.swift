import Foundation
import GRDB

/// A training run that is at work: its curve so far. It is there until the run ends and becomes a `Trial`.
public struct LiveTrial: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
  public static let databaseTableName = "liveTrial"

  public var experimentID: Int64
  public var candidate: String
  public var purpose: Trial.Purpose
  public var seed: Int
  public var learningRate: Double
  /// Epochs that it will have in all.
  public var epochs: Int
  public var curve: [Trial.Epoch]
  public var updated: Date

  public init(
    experimentID: Int64, candidate: String, purpose: Trial.Purpose, seed: Int, learningRate: Double, epochs: Int,
    curve: [Trial.Epoch]
  ) {
    self.experimentID = experimentID
    self.candidate = candidate
    self.purpose = purpose
    self.seed = seed
    self.learningRate = learningRate
    self.epochs = epochs
    self.curve = curve
    updated = Date()
  }
}

extension LiveTrial {
  static func createTable(_ database: Database) throws {
    try database.create(table: databaseTableName) { table in
      table.column("experimentID", .integer).notNull().references("experiment", onDelete: .cascade)
      table.column("candidate", .text).notNull()
      table.column("purpose", .text).notNull()
      table.column("seed", .integer).notNull()
      table.column("learningRate", .double).notNull()
      table.column("epochs", .integer).notNull()
      table.column("curve", .text).notNull()
      table.column("updated", .datetime).notNull()
      table.primaryKey(
        ["experimentID", "candidate", "purpose", "seed", "learningRate", "epochs"], onConflict: .replace)
    }
  }
}
