import Foundation
import SomaData
import SomaNetworks
import Yams

/// A value of an experiment file with its place, and questions that fail with that place.
struct ExperimentNode {
  let file: String
  /// What the value is called in messages: `budget.epochs`; empty for the whole.
  let name: String
  private let node: Node

  /// Nothing that a person writes is longer; a limit keeps a wrong file from filling the memory.
  static let largestFile = 1 << 20

  /// - Throws: `ExperimentFileError` for what is no YAML, or empty.
  init(parsing text: String, file: String) throws {
    guard text.utf8.count <= Self.largestFile else {
      throw ExperimentFileError(file, nil, "is longer than 1 MiB; an experiment is a short text")
    }
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw Self.told(error, file)
    }
    guard let node else { throw ExperimentFileError(file, nil, "is empty") }
    self.init(file, "", node)
  }

  private init(_ file: String, _ name: String, _ node: Node) {
    self.file = file
    self.name = name
    self.node = node
  }

  var place: ExperimentFileError.Place? { Self.place(node.mark) }

  func error(_ problem: String) -> ExperimentFileError { ExperimentFileError(file, place, problem) }

  private var title: String { name.isEmpty ? "an experiment" : name }

  /// What stands there, for messages.
  private var kind: String {
    switch node {
    case .mapping: return "keys with values"
    case .sequence: return "a list"
    case .scalar(let scalar): return isNothing ? "nothing" : quoted(scalar.string)
    case .alias: return "an alias"
    }
  }

  private var isNothing: Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  // MARK: Questions

  /// The values of a mapping by key.
  /// - Throws: for a key that is none of `known`, with the nearest, and for anything but a mapping.
  func keys(_ known: [String]) throws -> [String: ExperimentNode] {
    guard case .mapping(let mapping) = node else {
      throw error("\(title) wants keys with values (\(known.joined(separator: ", "))), not \(kind)")
    }
    var result: [String: ExperimentNode] = [:]
    for (key, value) in mapping {
      guard let text = key.scalar?.string, known.contains(text) else {
        let typed = key.scalar?.string ?? "a key that is no text"
        let nearest = nearestNames(to: typed, among: known, count: 1).first
        throw ExperimentFileError(
          file, Self.place(key.mark),
          "unknown key \(quoted(typed))" + (name.isEmpty ? "" : " in \(name)")
            + (nearest.map { "; did you mean \($0)?" } ?? "; there are \(known.joined(separator: ", "))"))
      }
      result[text] = ExperimentNode(file, name.isEmpty ? text : "\(name).\(text)", value)
    }
    return result
  }

  func text() throws -> String {
    guard case .scalar(let scalar) = node, !isNothing, !scalar.string.isEmpty else {
      throw error("\(title) wants a text, not \(kind)")
    }
    return scalar.string
  }

  /// One of a few words.
  func word<Word: RawRepresentable & CaseIterable>(_ type: Word.Type) throws -> Word where Word.RawValue == String {
    let text = try text()
    if let word = Word(rawValue: text) { return word }
    let known = Word.allCases.map(\.rawValue)
    let nearest = nearestNames(to: text, among: known, count: 1).first
    throw error(
      "\(title) is \(quoted(text)), which is none of \(known.joined(separator: ", "))"
        + (nearest.map { "; did you mean \($0)?" } ?? ""))
  }

  func integer(in range: ClosedRange<Int>) throws -> Int {
    guard case .scalar(let scalar) = node, let value = Int(scalar.string) else {
      throw error("\(title) wants a whole number, not \(kind)")
    }
    guard range.contains(value) else {
      let bounds =
        range.upperBound == .max
        ? "at least \(range.lowerBound)" : "between \(range.lowerBound) and \(range.upperBound)"
      throw error("\(title) must be \(bounds), not \(value)")
    }
    return value
  }

  func positiveNumber() throws -> Double {
    guard case .scalar(let scalar) = node, let value = Double(scalar.string) else {
      throw error("\(title) wants a number, not \(kind)")
    }
    guard value > 0, value.isFinite else { throw error("\(title) must be above 0 and finite, not \(scalar.string)") }
    return value
  }

  /// The items of a list; one value alone counts as a list of one.
  func items() throws -> [ExperimentNode] {
    switch node {
    case .sequence(let sequence):
      guard !sequence.isEmpty else { throw error("\(title) is an empty list") }
      return sequence.enumerated().map { ExperimentNode(file, "\(name)[\($0.offset + 1)]", $0.element) }
    case .scalar where !isNothing: return [self]
    default: throw error("\(title) wants a list, not \(kind)")
    }
  }

  // MARK: Errors of the parser

  private static func place(_ mark: Mark?) -> ExperimentFileError.Place? {
    mark.map { ExperimentFileError.Place(line: $0.line, column: $0.column) }
  }

  private static func told(_ error: YamlError, _ file: String) -> ExperimentFileError {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let what = context.map { "\($0.text), " } ?? ""
      return ExperimentFileError(file, place(mark), "is no YAML here: \(what)\(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      return ExperimentFileError(
        file, place(context.mark), "\(keys.sorted().joined(separator: ", ")) is given twice among these keys")
    case .reader(let problem, _, _, _): return ExperimentFileError(file, nil, "is no YAML text: \(problem)")
    default: return ExperimentFileError(file, nil, "is no YAML text")
    }
  }
}
