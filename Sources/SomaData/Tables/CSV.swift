import Foundation
import SwiftCSV

/// Comma-, semicolon- and tab-separated tables (RFC 4180; UTF-8).
public enum CSV {
  public struct Options: Sendable {
    /// Nil: tab for `.tsv` and `.tab`, else whichever of `, ; tab |` is most frequent in the first line.
    public var delimiter: Character?
    /// Nil: the first line is a header unless one of its cells is a number.
    public var hasHeader: Bool?
    /// Cells that mean that the value is missing, apart from the empty cell.
    public var missing: Set<String> = ["NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
    /// The kinds of columns that are not to be inferred.
    public var kinds: [String: TabularData.Kind] = [:]

    public init(
      delimiter: Character? = nil, hasHeader: Bool? = nil, missing: Set<String>? = nil,
      kinds: [String: TabularData.Kind] = [:]
    ) {
      self.delimiter = delimiter
      self.hasHeader = hasHeader
      if let missing { self.missing = missing }
      self.kinds = kinds
    }
  }

  /// Reads a file, plain or gzipped.
  /// - Throws: `DataError` with line and column at text that is not UTF-8, quotes that do not end, a row of another
  ///   length than the header, repeated column names, or a cell that is not of its column's kind. A column of which nine
  ///   in ten cells are numbers is a number column: another text in it is a fault, unless `kinds` says category.
  public static func read(_ path: String, options: Options = Options()) throws -> TabularData {
    var bytes = try readFile(path)
    var name = path
    if Gzip.isCompressed(bytes) {
      bytes = try Gzip.decompress(bytes, file: path)
      if name.hasSuffix(".gz") { name.removeLast(3) }
    }
    var options = options
    if options.delimiter == nil, name.hasSuffix(".tsv") || name.hasSuffix(".tab") { options.delimiter = "\t" }
    return try decode(bytes, file: path, options: options)
  }

  public static func decode(_ bytes: [UInt8], file: String, options: Options = Options()) throws -> TabularData {
    let text = try decodeUTF8(bytes, file: file)
    if let offset = bytes.firstIndex(where: { $0 < 0x20 && ![0x09, 0x0A, 0x0D].contains($0) }) {
      let line = 1 + bytes[..<offset].count { $0 == 0x0A }
      throw DataError(file, at: .line(line), "a control character (\(bytes[offset])) does not belong in a table")
    }
    var rows = try split(text, delimiter: options.delimiter ?? guessedDelimiter(text), file: file)
    guard let first = rows.first else { throw DataError(file, "is empty") }
    let isHeader =
      options.hasHeader
      ?? !first.cells.contains { CellParsing.number($0) != nil || (options.missing.contains($0) && !$0.isEmpty) }
    let names = try isHeader ? headerNames(first, file: file) : (1...first.cells.count).map { "column\($0)" }
    if isHeader { rows.removeFirst() }
    guard !rows.isEmpty else { throw DataError(file, at: .line(first.line), "has a header but no rows") }
    for row in rows where row.cells.count != names.count {
      throw DataError(
        file, at: .line(row.line),
        "\(row.cells.count) cells; the \(isHeader ? "header" : "first line") has \(names.count)")
    }
    if let unknown = options.kinds.keys.sorted().first(where: { !names.contains($0) }) {
      throw DataError(file, "has no column \(quoted(unknown)), whose kind was given")
    }
    let lines = rows.map(\.line)
    let columns = try names.enumerated().map { index, name in
      let cells = rows.map { row in
        let cell = row.cells[index]
        return cell.isEmpty || options.missing.contains(cell) ? nil : cell
      }
      return try ColumnInference(name: name, cells: cells, lines: lines, file: file).column(options.kinds[name])
    }
    return TabularData(source: file, columns: columns, lines: lines)
  }

  private struct Row {
    var line: Int
    var cells: [String]
  }

  /// The non-blank rows, cells without surrounding space.
  private static func split(_ text: String, delimiter: Character, file: String) throws -> [Row] {
    // A row of its own at the end is swallowed if a quote before it does not end; it also keeps the parser from dropping
    // an empty last cell.
    let sentinel = "\u{1}"
    let ended = text.last?.isNewline == true ? text : text + "\n"
    var rows = [Row]()
    var line = 1
    do {
      let parser = try SwiftCSV.CSV<Enumerated>(
        string: ended + sentinel, delimiter: .character(delimiter), loadColumns: false, rowLimit: 0)
      try parser.enumerateAsArray(startAt: 0, rowLimit: nil) { cells in
        rows.append(Row(line: line, cells: cells.map { $0.trimmingCharacters(in: .whitespaces) }))
        line += 1 + cells.reduce(0) { $0 + $1.count { $0.isNewline } }
      }
    } catch CSVParseError.quotation, CSVParseError.generic {
      throw DataError(file, at: .line(line), "text follows a closing quote, or a quote stands inside an unquoted cell")
    }
    guard let last = rows.popLast(), last.cells == [sentinel] else {
      throw DataError(file, at: .line(rows.last.map { $0.line + 1 } ?? 1), "a quote that opens here does not end")
    }
    return rows.filter { $0.cells != [""] }
  }

  private static func guessedDelimiter(_ text: String) -> Character {
    var counts: [Character: Int] = [:]
    var quoted = false
    for character in text {
      if character == "\"" { quoted.toggle() }
      if character.isNewline && !quoted { break }
      if !quoted { counts[character, default: 0] += 1 }
    }
    let candidates: [Character] = [",", ";", "\t", "|"]
    return candidates.max { counts[$0, default: 0] < counts[$1, default: 0] }.flatMap {
      counts[$0] == nil ? nil : $0
    } ?? ","
  }

  private static func headerNames(_ row: Row, file: String) throws -> [String] {
    var seen = Set<String>()
    return try row.cells.enumerated().map { index, cell in
      let name = cell.isEmpty ? "column\(index + 1)" : cell
      guard seen.insert(name).inserted else {
        throw DataError(file, at: .line(row.line), "two columns are named \(quoted(name))")
      }
      return name
    }
  }
}
