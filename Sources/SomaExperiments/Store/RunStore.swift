import Foundation
import GRDB

/// Experiments and their trials in an SQLite file. Safe to use from several threads and several programs at once: readers never
/// wait for writers (write-ahead log), and a write is there as a whole or not at all, whatever ends the program.
public final class RunStore: Sendable {
  public let path: String
  private let pool: DatabasePool

  /// `SOMA` in the file's header says whose database it is.
  private static let applicationID = 0x534F_4D41

  /// `$SOMA_STORE`, or `soma/runs.sqlite` in `$XDG_DATA_HOME`, which is `~/.local/share` by default.
  public static var defaultPath: String {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["SOMA_STORE"], !path.isEmpty { return path }
    let data = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (data ?? NSHomeDirectory() + "/.local/share") + "/soma/runs.sqlite"
  }

  /// Opens a store, or makes one where there is no file.
  /// - Parameter mustExist: whether a missing file is an error instead
  /// - Throws: `StoreError` if the file is something else, damaged, or of a newer version.
  public init(path: String = RunStore.defaultPath, mustExist: Bool = false) throws {
    self.path = path
    try Self.checkFile(path, mustExist: mustExist)
    var configuration = Configuration()
    configuration.busyMode = .timeout(20)
    configuration.label = "soma runs"
    pool = try StoreError.telling(path) {
      // Whose file it is must be known before the pool writes to it.
      if FileManager.default.fileExists(atPath: path) { try Self.checkOwner(path) }
      let pool = try DatabasePool(path: path, configuration: configuration)
      if try pool.read(Self.migrator.hasBeenSuperseded) {
        throw StoreError(path, "was written by a newer version of soma (this is \(somaVersion))")
      }
      try Self.migrator.migrate(pool)
      return pool
    }
  }

  private static func checkFile(_ path: String, mustExist: Bool) throws {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      if isDirectory.boolValue { throw StoreError(path, "is a folder") }
      guard let file = FileHandle(forReadingAtPath: path) else { throw StoreError(path, "may not be read") }
      defer { try? file.close() }
      let header = (try? file.read(upToCount: 16)) ?? Data()
      guard header.isEmpty || header == Data("SQLite format 3\0".utf8) else {
        throw StoreError(path, "is not an SQLite database")
      }
      return
    }
    if mustExist { throw StoreError(path, "does not exist; `soma compare` makes one") }
    let folder = (path as NSString).deletingLastPathComponent
    guard !folder.isEmpty else { return }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw StoreError(path, "its folder cannot be made")
    }
  }

  private static func checkOwner(_ path: String) throws {
    var configuration = Configuration()
    configuration.busyMode = .timeout(20)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    defer { try? queue.close() }
    try queue.read { database in
      let id = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
      let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
      guard id == applicationID || (id == 0 && tables == 0) else {
        throw StoreError(path, "is the database of another program")
      }
    }
  }

  private static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 experiments, trials, measurements") { database in
      try database.execute(sql: "PRAGMA application_id = \(applicationID)")
      try database.create(table: "experiment") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("kind", .text).notNull()
        table.column("title", .text).notNull()
        table.column("dataSet", .text).notNull()
        table.column("settings", .text).notNull()
        table.column("settingsHash", .text).notNull().indexed()
        table.column("status", .text).notNull()
        table.column("created", .datetime).notNull()
        table.column("updated", .datetime).notNull()
        table.column("version", .text).notNull()
        table.column("machine", .text).notNull()
      }
      try database.create(table: "trial") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("experimentID", .integer).notNull().references("experiment", onDelete: .cascade)
        table.column("candidate", .text).notNull()
        table.column("purpose", .text).notNull()
        table.column("seed", .integer).notNull()
        table.column("learningRate", .double).notNull()
        table.column("epochs", .integer).notNull()
        table.column("status", .text).notNull()
        table.column("message", .text)
        table.column("metrics", .text).notNull()
        table.column("curve", .text).notNull()
        table.column("trainingSeconds", .double).notNull()
        table.column("memoryBytes", .integer).notNull()
        table.column("ended", .datetime).notNull()
        // Two programs at the same experiment keep one result for each trial.
        table.uniqueKey(
          ["experimentID", "candidate", "purpose", "seed", "learningRate", "epochs"], onConflict: .replace)
      }
      try database.create(table: "measurement") { table in
        table.column("experimentID", .integer).notNull().references("experiment", onDelete: .cascade)
        table.column("candidate", .text).notNull()
        table.column("network", .text).notNull()
        table.column("parameters", .integer).notNull()
        table.column("operations", .integer).notNull()
        table.column("latency", .double).notNull()
        table.column("batchLatency", .double).notNull()
        table.column("batch", .integer).notNull()
        table.column("inferenceMemoryBytes", .integer).notNull()
        table.primaryKey(["experimentID", "candidate"], onConflict: .replace)
      }
    }
    migrator.registerMigration("2 reproductions") { database in
      try database.create(table: ReproductionRecord.databaseTableName) { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("number", .integer).notNull()
        table.column("slug", .text).notNull().indexed()
        table.column("effort", .text).notNull()
        table.column("seeds", .integer).notNull()
        table.column("seconds", .double).notNull()
        table.column("verdict", .text).notNull()
        table.column("summary", .text).notNull()
        table.column("measurements", .text).notNull()
        table.column("tables", .text).notNull()
        table.column("remarks", .text).notNull()
        table.column("ended", .datetime).notNull()
        table.column("version", .text).notNull()
        table.column("machine", .text).notNull()
      }
    }
    migrator.registerMigration("3 trials at work") { try LiveTrial.createTable($0) }
    return migrator
  }()

  private func read<T>(_ body: @Sendable (Database) throws -> T) throws -> T {
    try StoreError.telling(path) { try pool.read(body) }
  }

  @discardableResult
  private func write<T>(_ body: @Sendable (Database) throws -> T) throws -> T {
    try StoreError.telling(path) { try pool.write(body) }
  }

  // MARK: Writing

  /// Notes a new experiment and returns it with its number.
  public func add(_ experiment: Experiment) throws -> Experiment {
    try write { database in
      try experiment.insert(database)
      var stored = experiment
      stored.id = database.lastInsertedRowID
      return stored
    }
  }

  /// Notes a trial that has ended. A trial of the same settings is replaced.
  public func add(_ trial: Trial) throws {
    try write { database in
      try trial.insert(database)
      try database.execute(
        sql: """
          DELETE FROM liveTrial WHERE experimentID = ? AND candidate = ? AND purpose = ? AND seed = ? AND learningRate = ?
            AND epochs = ?
          """,
        arguments: [
          trial.experimentID, trial.candidate, trial.purpose.rawValue, trial.seed, trial.learningRate, trial.epochs,
        ])
      try Self.touch(trial.experimentID, database)
    }
  }

  /// Notes how far a trial has come that is at work.
  public func note(_ trial: LiveTrial) throws {
    try write { database in try trial.insert(database) }
  }

  /// Notes what a candidate costs.
  public func add(_ measurement: Measurement) throws {
    try write { database in
      try measurement.insert(database)
      try Self.touch(measurement.experimentID, database)
    }
  }

  /// Notes the outcome of a claim check.
  public func add(_ record: ReproductionRecord) throws {
    try write { database in try record.insert(database) }
  }

  private static func touch(_ id: Int64, _ database: Database) throws {
    try database.execute(sql: "UPDATE experiment SET updated = ? WHERE id = ?", arguments: [Date(), id])
  }

  /// Notes how far an experiment has come. Trials that were at work are forgotten; those that still are will be noted again.
  public func setStatus(_ status: Experiment.Status, of id: Int64) throws {
    try write { database in
      try LiveTrial.filter(Column("experimentID") == id).deleteAll(database)
      try database.execute(
        sql: "UPDATE experiment SET status = ?, updated = ? WHERE id = ?",
        arguments: [status.rawValue, Date(), id])
    }
  }

  /// Removes an experiment with all its trials.
  /// - Throws: `StoreError` if there is none of this number.
  public func delete(_ id: Int64) throws {
    let found = try write { database in try Experiment.deleteOne(database, key: id) }
    guard found else { throw StoreError(path, "has no run \(id)") }
  }

  // MARK: Reading

  /// All experiments, the newest first.
  public func experiments() throws -> [Experiment] {
    try read { try Experiment.order(Column("id").desc).fetchAll($0) }
  }

  /// - Throws: `StoreError` if there is none of this number.
  public func experiment(_ id: Int64) throws -> Experiment {
    guard let experiment = try read({ try Experiment.fetchOne($0, key: id) }) else {
      let known = try experiments().compactMap(\.id).prefix(8).map(String.init).joined(separator: ", ")
      throw StoreError(path, "has no run \(id)" + (known.isEmpty ? "; it is empty" : "; the latest are \(known)"))
    }
    return experiment
  }

  /// The newest experiment with the same settings.
  public func experiment(settingsHash: String) throws -> Experiment? {
    try read {
      try Experiment.filter(Column("settingsHash") == settingsHash).order(Column("id").desc).fetchOne($0)
    }
  }

  /// The trials of an experiment in the order in which they ended.
  public func trials(of id: Int64) throws -> [Trial] {
    try read { try Trial.filter(Column("experimentID") == id).order(Column("id")).fetchAll($0) }
  }

  public func trialCount(of id: Int64) throws -> Int {
    try read { try Trial.filter(Column("experimentID") == id).fetchCount($0) }
  }

  /// The trials of an experiment that are at work, in the order in which they were last heard of.
  public func liveTrials(of id: Int64) throws -> [LiveTrial] {
    try read { try LiveTrial.filter(Column("experimentID") == id).order(Column("updated")).fetchAll($0) }
  }

  /// When anything was last noted, of one experiment or of all; nil if nothing ever was. Cheap enough to ask again and again.
  public func lastChange(of id: Int64? = nil) throws -> Date? {
    try read { database in
      let (own, live) = id == nil ? ("", "") : ("WHERE id = ?", "WHERE experimentID = ?")
      return try Date.fetchOne(
        database,
        sql: """
          SELECT max(updated) FROM (SELECT updated FROM experiment \(own) UNION ALL SELECT updated FROM liveTrial \(live))
          """, arguments: id.map { [$0, $0] } ?? [])
    }
  }

  public func measurements(of id: Int64) throws -> [Measurement] {
    try read { try Measurement.filter(Column("experimentID") == id).fetchAll($0) }
  }

  /// The latest outcome of each system's claim check, by slug.
  public func reproductions() throws -> [String: ReproductionRecord] {
    let records = try read { try ReproductionRecord.order(Column("id")).fetchAll($0) }
    return Dictionary(records.map { ($0.slug, $0) }, uniquingKeysWith: { $1 })
  }
}
