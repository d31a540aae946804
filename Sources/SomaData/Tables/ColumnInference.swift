/// Decides a column's kind from its cells and reads them.
struct ColumnInference {
  let name: String
  /// Nil where the value is missing.
  let cells: [String?]
  let lines: [Int]
  let file: String

  func column(_ kind: TabularData.Kind?) throws -> TabularData.Column {
    switch kind {
    case .number: return numeric(.number, try values(CellParsing.number, "a number"))
    case .integer: return numeric(.integer, try values(CellParsing.integer, "an integer"))
    case .boolean: return numeric(.boolean, try values(CellParsing.boolean, "true or false"))
    case .category: return category()
    case .date:
      let order = CellParsing.DateOrder.allCases.first { order in !fails { CellParsing.date($0, order) } }
      return numeric(.date, try values({ CellParsing.date($0, order ?? .yearMonthDay) }, "a date"))
    case nil: return try inferred()
    }
  }

  private func inferred() throws -> TabularData.Column {
    let present = cells.count { $0 != nil }
    if present == 0 { return numeric(.number, cells.map { _ in .nan }) }
    if !fails(CellParsing.integer) { return try column(.integer) }
    if !fails(CellParsing.number) { return try column(.number) }
    if !fails(CellParsing.boolean) { return try column(.boolean) }
    if CellParsing.DateOrder.allCases.contains(where: { order in !fails { CellParsing.date($0, order) } }) {
      return try column(.date)
    }
    let numbers = cells.count { $0.map { CellParsing.number($0) != nil } ?? false }
    if numbers * 10 >= present * 9 {
      _ = try values(CellParsing.number, "a number, as the column's other cells are")
    }
    return category()
  }

  private func fails(_ parse: (String) -> Double?) -> Bool {
    cells.contains { cell in cell.map { parse($0) == nil } ?? false }
  }

  private func values(_ parse: (String) -> Double?, _ what: String) throws -> [Double] {
    try zip(cells, lines).map { cell, line in
      guard let cell else { return .nan }
      guard let value = parse(cell) else {
        throw DataError(file, at: .cell(line: line, column: name), "\(quoted(cell)) is not \(what)")
      }
      return value
    }
  }

  private func numeric(_ kind: TabularData.Kind, _ values: [Double]) -> TabularData.Column {
    TabularData.Column(name: name, kind: kind, values: values)
  }

  private func category() -> TabularData.Column {
    let categories = Set(cells.compactMap(\.self)).sorted()
    let codes = Dictionary(uniqueKeysWithValues: categories.enumerated().map { ($1, Double($0)) })
    return TabularData.Column(
      name: name, kind: .category, values: cells.map { $0.flatMap { codes[$0] } ?? .nan }, categories: categories)
  }
}
