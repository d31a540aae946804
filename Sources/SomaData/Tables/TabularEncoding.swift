/// How a table becomes a network's input and target: fitted on one table, applied to any other with the same columns, and
/// stored beside a model.
public struct TabularEncoding: Codable, Hashable, Sendable {
  public enum Task: String, Codable, Sendable, CaseIterable { case classification, regression }

  /// How a category becomes numbers.
  public enum CategoryCode: String, Codable, Sendable {
    /// One 0/1 feature for each category; all 0 where missing or never seen.
    case oneHot
    /// The category's index; missing where never seen.
    case index
  }

  public struct Feature: Codable, Hashable, Sendable {
    public let name: String
    public let kind: TabularData.Kind
    public let categories: [String]
  }

  /// A column that is not used, and why.
  public struct Ignored: Codable, Hashable, Sendable {
    public let name: String
    public let reason: String
  }

  public struct Target: Codable, Hashable, Sendable {
    public let name: String
    public let kind: TabularData.Kind
    public let task: Task
    /// The class names; empty for regression.
    public let classes: [String]
  }

  public let features: [Feature]
  public let ignored: [Ignored]
  public let target: Target
  public let categoryCode: CategoryCode

  /// - Parameters:
  ///   - target: the name of the column to predict.
  ///   - task: nil for the target's type to decide: categories and booleans are classes, numbers and dates are
  ///     regression; integers are classes if there are at most 20 different ones and on average at least 5 rows of each.
  ///   - excluding: columns not to use.
  ///   - maximumCategories: a category column with more different texts (a name, an identifier) is ignored.
  /// - Throws: `DataError` if there is no such column, the target is missing everywhere, or no feature remains.
  public init(
    fitting table: TabularData, target targetName: String, task: Task? = nil, categories: CategoryCode = .oneHot,
    excluding: Set<String> = [], maximumCategories: Int = 100
  ) throws {
    let column = try table.column(targetName)
    for name in excluding.sorted() { _ = try table.column(name) }
    target = try Self.target(column, task: task, source: table.source)
    categoryCode = categories
    var features = [Feature]()
    var ignored = [Ignored]()
    for column in table.columns where column.name != targetName {
      if excluding.contains(column.name) {
        ignored.append(Ignored(name: column.name, reason: "excluded"))
      } else if column.missingCount == table.rowCount {
        ignored.append(Ignored(name: column.name, reason: "has no values"))
      } else if column.kind == .category && column.categories.count > maximumCategories {
        ignored.append(
          Ignored(
            name: column.name, reason: "has \(column.categories.count) different texts, over \(maximumCategories)"))
      } else {
        features.append(Feature(name: column.name, kind: column.kind, categories: column.categories))
      }
    }
    guard !features.isEmpty else {
      throw DataError(table.source, "no column remains to predict \(quoted(targetName)) from")
    }
    self.features = features
    self.ignored = ignored
  }

  private static func target(_ column: TabularData.Column, task: Task?, source: String) throws -> Target {
    let present = column.values.filter { !$0.isNaN }
    guard !present.isEmpty else { throw DataError(source, "the target \(quoted(column.name)) has no values") }
    let distinct = Set(present).sorted()
    let inferred: Task =
      switch column.kind {
      case .category, .boolean: .classification
      case .number, .date: .regression
      case .integer: distinct.count <= 20 && present.count >= 5 * distinct.count ? .classification : .regression
      }
    let task = task ?? inferred
    guard task == .classification else {
      guard column.kind != .category else {
        throw DataError(source, "the target \(quoted(column.name)) holds texts, which regression cannot predict")
      }
      return Target(name: column.name, kind: column.kind, task: task, classes: [])
    }
    let classes =
      switch column.kind {
      case .category: column.categories
      case .boolean: ["false", "true"]
      case .integer, .number, .date: distinct.map { className($0, column.kind) }
      }
    guard distinct.count >= 2 else {
      throw DataError(source, "the target \(quoted(column.name)) has a single value: there is nothing to tell apart")
    }
    return Target(name: column.name, kind: column.kind, task: task, classes: classes)
  }

  private static func className(_ value: Double, _ kind: TabularData.Kind) -> String {
    kind == .integer ? Int(exactly: value).map(String.init) ?? String(value) : String(value)
  }

  /// The columns' kinds, with which to read another table alike.
  public var kinds: [String: TabularData.Kind] {
    Dictionary(uniqueKeysWithValues: features.map { ($0.name, $0.kind) } + [(target.name, target.kind)])
  }

  /// One name for each number of a row: `city=Oslo` for a category's.
  public var featureNames: [String] {
    features.flatMap { feature in
      feature.kind == .category && categoryCode == .oneHot
        ? feature.categories.map { "\(feature.name)=\($0)" } : [feature.name]
    }
  }

  /// The features of each row, row-major `[rows, featureNames.count]`. NaN is a missing value.
  /// - Throws: `DataError` if a column is absent or of another kind, or a number does not fit `Float`.
  public func features(of table: TabularData) throws -> [Float] {
    let width = featureNames.count
    var result = [Float](repeating: 0, count: table.rowCount * width)
    var offset = 0
    for feature in features {
      let column = try table.column(feature.name)
      try check(column, feature.kind, table.source)
      if feature.kind == .category {
        let indices = Dictionary(uniqueKeysWithValues: feature.categories.enumerated().map { ($1, $0) })
        let codes = column.categories.map { indices[$0] }
        for (row, value) in column.values.enumerated() {
          let code = value.isNaN ? nil : codes[Int(value)]
          switch categoryCode {
          case .index: result[row * width + offset] = code.map { Float($0) } ?? .nan
          case .oneHot: if let code { result[row * width + offset + code] = 1 }
          }
        }
        offset += categoryCode == .oneHot ? feature.categories.count : 1
      } else {
        for (row, value) in column.values.enumerated() {
          result[row * width + offset] = try float(value, table, row, feature.name)
        }
        offset += 1
      }
    }
    return result
  }

  /// Features and target of each row.
  /// - Throws: `DataError` as `features(of:)`, and if a target is missing or a class is unknown.
  public func labeled(_ table: TabularData, name: String? = nil) throws -> LabeledData {
    LabeledData(
      name: name ?? table.source, description: "\(table.rowCount) rows, \(target.task.rawValue) of \(target.name)",
      values: try features(of: table), sampleShape: [featureNames.count], target: try targets(of: table),
      featureNames: featureNames)
  }

  /// The target of each row.
  public func targets(of table: TabularData) throws -> LabeledData.Target {
    let column = try table.column(target.name)
    try check(column, target.kind, table.source)
    if let row = column.values.firstIndex(where: \.isNaN) {
      throw DataError(
        table.source, at: .cell(line: table.lines[row], column: target.name),
        "the target is missing (rows without one can be dropped first)")
    }
    guard target.task == .classification else {
      let values = try column.values.enumerated().map { try float($1, table, $0, target.name) }
      return .values(values, names: [target.name])
    }
    let indices = Dictionary(uniqueKeysWithValues: target.classes.enumerated().map { ($1, Int32($0)) })
    let labels = try column.values.enumerated().map { row, value in
      let text =
        switch target.kind {
        case .category: column.categories[Int(value)]
        case .boolean: value == 0 ? "false" : "true"
        case .integer, .number, .date: Self.className(value, target.kind)
        }
      guard let index = indices[text] else {
        throw DataError(
          table.source, at: .cell(line: table.lines[row], column: target.name),
          "\(quoted(text)) is not one of the \(target.classes.count) classes")
      }
      return index
    }
    return .classes(labels: labels, names: target.classes)
  }

  private func check(_ column: TabularData.Column, _ kind: TabularData.Kind, _ source: String) throws {
    let numeric: Set<TabularData.Kind> = [.number, .integer]
    guard column.kind == kind || (numeric.contains(column.kind) && numeric.contains(kind)) else {
      throw DataError(source, "column \(quoted(column.name)) is of kind \(column.kind), not \(kind)")
    }
  }

  private func float(_ value: Double, _ table: TabularData, _ row: Int, _ name: String) throws -> Float {
    let result = Float(value)
    guard !result.isInfinite else {
      throw DataError(
        table.source, at: .cell(line: table.lines[row], column: name), "\(value) is beyond single precision")
    }
    return result
  }
}

extension TabularData {
  /// Features and target of each row, by an encoding fitted on this table itself.
  public func labeled(
    target: String, task: TabularEncoding.Task? = nil, categories: TabularEncoding.CategoryCode = .oneHot,
    excluding: Set<String> = []
  ) throws -> LabeledData {
    try TabularEncoding(fitting: self, target: target, task: task, categories: categories, excluding: excluding)
      .labeled(self)
  }
}
