import Foundation
import GRDB

/// The outcome of a claim check, as it is kept: in the run store, and in the records that `RESULTS.md` is made from.
public struct ReproductionRecord: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
  public static let databaseTableName = "reproduction"

  public var id: Int64?
  public var number: Int
  public var slug: String
  public var effort: ReproductionRun.Effort
  public var seeds: Int
  public var seconds: Double
  public var verdict: Verdict
  public var summary: String
  public var measurements: [Finding.Measured]
  public var tables: [Finding.Table]
  public var remarks: [String]
  public var ended: Date
  /// Of the library that made it.
  public var version: String
  public var machine: String

  init(
    _ reproduction: Reproduction, _ finding: Finding, effort: ReproductionRun.Effort, seeds: Int, seconds: Double
  ) {
    number = reproduction.system.number
    slug = reproduction.system.slug
    self.effort = effort
    self.seeds = seeds
    self.seconds = seconds
    verdict = finding.verdict
    summary = finding.summary
    measurements = finding.measurements
    tables = finding.tables
    remarks = finding.remarks
    // Whole seconds: what is written and read again is the same.
    ended = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())
    version = somaVersion
    machine = Machine.description
  }
}
