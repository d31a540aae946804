import Foundation
import SomaReports

/// The folder with the recorded results of claim checks: a JSON file for each system in `records/`, and `RESULTS.md`, which is
/// made from all of them.
public struct ReproductionResults: Sendable {
  public let folder: String

  /// - Parameter folder: need not exist yet
  public init(folder: String = "Reproductions") { self.folder = folder }

  private var recordsFolder: String { folder + "/records" }

  /// Puts a record in the place of the system's earlier one and writes `RESULTS.md` anew.
  /// - Throws: `ReproductionError` if a file cannot be written or an earlier record is damaged; the earlier files are then as
  ///   they were.
  public func add(_ record: ReproductionRecord) throws {
    var records = try all().filter { $0.slug != record.slug }
    records.append(record)
    records.sort { $0.number < $1.number }
    let name = (try PublishedSystem.named(record.slug)).paddedNumber + "-" + record.slug
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    do {
      try FileManager.default.createDirectory(atPath: recordsFolder, withIntermediateDirectories: true)
      try encoder.encode(record).write(to: URL(fileURLWithPath: "\(recordsFolder)/\(name).json"), options: .atomic)
      try Data(Self.markdown(records).utf8).write(to: URL(fileURLWithPath: "\(folder)/RESULTS.md"), options: .atomic)
    } catch {
      throw ReproductionError("\(folder): the result cannot be written there (\(error.localizedDescription))")
    }
  }

  /// Keeps what a further set of problems gave, beside the records of the claims.
  /// - Throws: `ReproductionError` if the file cannot be written.
  public func add(_ record: ReproductionRecord, set: String) throws {
    let name = (try PublishedSystem.named(record.slug)).paddedNumber + "-" + record.slug + "-" + set
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    do {
      try FileManager.default.createDirectory(atPath: folder + "/sets", withIntermediateDirectories: true)
      try encoder.encode(record).write(to: URL(fileURLWithPath: "\(folder)/sets/\(name).json"), options: .atomic)
    } catch {
      throw ReproductionError("\(folder): the result cannot be written there (\(error.localizedDescription))")
    }
  }

  /// Writes `RESULTS.md` anew from the records, as after a merge of two branches that recorded.
  public func rewrite() throws {
    let text = Self.markdown(try all())
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/RESULTS.md"), options: .atomic)
    } catch {
      throw ReproductionError("\(folder): the results cannot be written there (\(error.localizedDescription))")
    }
  }

  /// The recorded results in the order of the systems' numbers; none if there is no folder.
  /// - Throws: `ReproductionError` that names the damaged file.
  public func all() throws -> [ReproductionRecord] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: recordsFolder)) ?? []).filter {
      $0.hasSuffix(".json")
    }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return try names.sorted().map { name in
      let path = "\(recordsFolder)/\(name)"
      do {
        return try decoder.decode(ReproductionRecord.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
      } catch {
        throw ReproductionError("\(path): is not the record of a claim check")
      }
    }.sorted { $0.number < $1.number }
  }

  static func markdown(_ records: [ReproductionRecord]) -> String {
    var text = """
      # Results of the claim checks

      Written by `soma reproduce`; do not edit. A verdict is about the check at the scale given, not about the publication as a
      whole.

      | # | system | verdict | seeds | run time | date | what was found |
      |---|---|---|---|---|---|---|

      """
    let date = Date.ISO8601FormatStyle().year().month().day()
    for record in records {
      let cells = [
        String(record.number), "[\(record.slug)](#\(record.number)-\(record.slug))", record.verdict.rawValue,
        String(record.seeds), Self.duration(record.seconds), record.ended.formatted(date), record.summary,
      ]
      text += "| " + cells.map(escaped).joined(separator: " | ") + " |\n"
    }
    for record in records { text += "\n" + section(record) }
    return text
  }

  private static func section(_ record: ReproductionRecord) -> String {
    let title = PublishedSystem.all.first { $0.slug == record.slug }?.title ?? record.slug
    var text = """
      ## \(record.number) \(record.slug)

      \(title): **\(record.verdict.rawValue)**. \(record.summary)

      """
    if !record.measurements.isEmpty {
      text += "\n" + record.measurements.map { "- \($0.name): \($0.value)\n" }.joined()
    }
    for table in record.tables {
      text += "\n\(table.title)\n\n| " + table.columns.map(escaped).joined(separator: " | ") + " |\n|"
      text += String(repeating: "---|", count: table.columns.count) + "\n"
      for row in table.rows { text += "| " + row.map(escaped).joined(separator: " | ") + " |\n" }
    }
    if !record.remarks.isEmpty { text += "\nRemarks\n\n" + record.remarks.map { "- \($0)\n" }.joined() }
    text +=
      "\nEffort \(record.effort.rawValue), \(record.seeds) seed\(record.seeds == 1 ? "" : "s"), \(duration(record.seconds)), "
      + "\(record.ended.formatted(.iso8601)), soma \(record.version), \(record.machine).\n"
    return text
  }

  private static func escaped(_ cell: String) -> String {
    cell.replacingOccurrences(of: "|", with: "\\|").replacingOccurrences(of: "\n", with: " ")
  }

  private static func duration(_ seconds: Double) -> String {
    seconds < 100 ? "\(formattedNumber(seconds, digits: 2)) s" : "\(formattedNumber(seconds / 60, digits: 2)) min"
  }
}
