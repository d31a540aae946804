import Soma

/// A table: named columns of one kind each.
public struct TabularData: Sendable {
  /// What a column's cells are.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case number, integer, boolean, category, date
  }

  public struct Column: Sendable {
    public let name: String
    public let kind: Kind
    /// One value for each row: the number itself; 0 or 1 for a boolean; the index into `categories`; for a date the days
    /// since 1970-01-01 UTC, with the time of day as a fraction. NaN is a missing value.
    public let values: [Double]
    /// The texts of a category column, sorted.
    public let categories: [String]

    public init(name: String, kind: Kind, values: [Double], categories: [String] = []) {
      require(
        kind != .category || values.allSatisfy { $0.isNaN || ($0 >= 0 && Int($0) < categories.count) },
        "values of a category column are indices of its categories")
      self.name = name
      self.kind = kind
      self.values = values
      self.categories = categories
    }

    public var missingCount: Int { values.count { $0.isNaN } }
  }

  /// The file, or another name for messages.
  public let source: String
  public let columns: [Column]
  /// For each row the line of the file on which it starts; counts from 1 if the table is not from a file.
  public let lines: [Int]

  /// - Precondition: columns are equally long and have different names.
  public init(source: String, columns: [Column], lines: [Int]? = nil) {
    let count = columns.first?.values.count ?? 0
    require(columns.allSatisfy { $0.values.count == count }, "the columns of a table are equally long")
    require(Set(columns.map(\.name)).count == columns.count, "the columns of a table have different names")
    require(lines == nil || lines!.count == count, "a line for each row")
    self.source = source
    self.columns = columns
    self.lines = lines ?? (0..<count).map { $0 + 1 }
  }

  public var rowCount: Int { lines.count }

  public subscript(name: String) -> Column? { columns.first { $0.name == name } }

  /// - Throws: `DataError` that lists the columns there are.
  public func column(_ name: String) throws -> Column {
    if let column = self[name] { return column }
    let names = columns.prefix(20).map { quoted($0.name) }.joined(separator: ", ")
    throw DataError(
      source, "has no column \(quoted(name)); its columns are \(names)\(columns.count > 20 ? " …" : "")")
  }

  /// The rows at `indices`.
  public func subset(_ indices: [Int]) -> TabularData {
    TabularData(
      source: source,
      columns: columns.map { column in
        Column(
          name: column.name, kind: column.kind, values: indices.map { column.values[$0] },
          categories: column.categories)
      },
      lines: indices.map { lines[$0] })
  }

  /// The rows in which none of the given columns (all, if none are given) has a missing value.
  public func droppingMissing(in names: [String]? = nil) -> TabularData {
    let checked = columns.filter { names?.contains($0.name) ?? true }
    return subset((0..<rowCount).filter { row in checked.allSatisfy { !$0.values[row].isNaN } })
  }
}
