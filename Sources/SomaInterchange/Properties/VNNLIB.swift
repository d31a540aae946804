import Soma
import SomaData

/// Properties of networks in the VNN-LIB format (https://www.vnnlib.org; Demarchi, Guidotti, Pulina, Tacchella 2023), as the
/// competitions of verifiers use it: real variables `X_i` for inputs and `Y_j` for outputs, and assertions of `and`, `or`, `not`
/// and comparisons of linear terms. The assertions together describe the *violation*: an input and its output that satisfy all of
/// them are a counterexample.
///
/// ```swift
/// let property = try VNNLIB.read("prop_1.vnnlib")
/// for part in try property.cases() { … part.box, part.outputs … }
/// ```
public enum VNNLIB {
  /// - Throws: `DataError` with the line of what is malformed or of another subset.
  public static func read(_ path: String) throws -> VerificationProperty {
    var bytes = try readFile(path, limit: 1 << 30)
    if Gzip.isCompressed(bytes) { bytes = try Gzip.decompress(bytes, file: path, limit: 1 << 30) }
    return try decode(bytes, file: path)
  }

  public static func decode(_ bytes: [UInt8], file: String) throws -> VerificationProperty {
    var reader = Reader(bytes: bytes, file: file)
    var variables = Variables()
    var assertions = [VerificationProperty.Formula]()
    while let command = try reader.next() {
      guard case .list(let parts, let line) = command, case .word(let name, _)? = parts.first else {
        throw DataError(file, at: .line(command.line), "is no command in parentheses")
      }
      switch name {
      case "declare-const", "declare-fun":
        let isFunction = name == "declare-fun"
        guard parts.count == (isFunction ? 4 : 3), case .word(let variable, _) = parts[1],
          case .word("Real", _) = parts[parts.count - 1], !isFunction || parts[2].isEmptyList
        else { throw DataError(file, at: .line(line), "a declaration wants a name and the type Real") }
        try variables.declare(variable, file: file, line: line)
      case "assert":
        guard parts.count == 2 else { throw DataError(file, at: .line(line), "assert wants one condition") }
        assertions.append(try variables.formula(parts[1], file: file))
      case "set-logic", "set-info", "set-option", "check-sat", "get-model", "exit": continue
      default: throw DataError(file, at: .line(line), "the command \(quoted(name)) is not known here")
      }
    }
    return VerificationProperty(
      inputCount: try variables.count("X", file: file), outputCount: try variables.count("Y", file: file),
      violation: assertions.count == 1 ? assertions[0] : .all(assertions), file: file)
  }

  // MARK: Expressions in parentheses

  private indirect enum Node {
    case word(String, line: Int)
    case list([Node], line: Int)

    var line: Int {
      switch self {
      case .word(_, let line), .list(_, let line): line
      }
    }
    var isEmptyList: Bool { if case .list(let parts, _) = self { parts.isEmpty } else { false } }
  }

  private struct Reader {
    let bytes: [UInt8]
    let file: String
    var place = 0
    var line = 1

    init(bytes: [UInt8], file: String) {
      self.bytes = bytes
      self.file = file
    }

    private mutating func skip() {
      while place < bytes.count {
        switch bytes[place] {
        case UInt8(ascii: "\n"): line += 1
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
        case UInt8(ascii: ";"):
          while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { place += 1 }
          continue
        default: return
        }
        place += 1
      }
    }

    /// The next expression; nil at the end. Lists that are open stand on a stack of their own, so depth costs no stack here.
    mutating func next() throws -> Node? {
      var open: [(parts: [Node], line: Int)] = []
      while true {
        skip()
        guard place < bytes.count else {
          guard let last = open.last else { return nil }
          throw DataError(file, at: .line(last.line), "a parenthesis is not closed")
        }
        let node: Node
        switch bytes[place] {
        case UInt8(ascii: "("):
          guard open.count < 256 else { throw DataError(file, at: .line(line), "parentheses are nested too deep") }
          open.append(([], line))
          place += 1
          continue
        case UInt8(ascii: ")"):
          guard let list = open.popLast() else {
            throw DataError(file, at: .line(line), "a parenthesis closes nothing")
          }
          place += 1
          node = .list(list.parts, line: list.line)
        case 0...32: throw DataError(file, at: .line(line), "a control character stands in the text")
        default: node = .word(try word(), line: line)
        }
        guard !open.isEmpty else { return node }
        open[open.count - 1].parts.append(node)
      }
    }

    private mutating func word() throws -> String {
      let start = place
      if bytes[place] == UInt8(ascii: "\"") || bytes[place] == UInt8(ascii: "|") {
        let end = bytes[place]
        place += 1
        while place < bytes.count, bytes[place] != end, bytes[place] != UInt8(ascii: "\n") { place += 1 }
        guard place < bytes.count, bytes[place] == end else {
          throw DataError(file, at: .line(line), "a text does not end")
        }
        place += 1
      } else {
        while place < bytes.count, !Self.ends(bytes[place]) { place += 1 }
      }
      return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private static func ends(_ byte: UInt8) -> Bool {
      byte <= 32 || byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")") || byte == UInt8(ascii: ";")
    }
  }

  // MARK: Meaning

  private struct Variables {
    private var declared: [String: VerificationProperty.Variable] = [:]

    mutating func declare(_ name: String, file: String, line: Int) throws {
      let parts = name.split(separator: "_", omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0] == "X" || parts[0] == "Y", let index = Int(parts[1]), index >= 0, index < 1 << 24
      else { throw DataError(file, at: .line(line), "the variable \(quoted(name)) is neither X_i nor Y_j") }
      guard declared[name] == nil else { throw DataError(file, at: .line(line), "\(name) is declared twice") }
      declared[name] = parts[0] == "X" ? .input(index) : .output(index)
    }

    /// How many inputs or outputs there are: numbered from 0 without gaps.
    func count(_ kind: Character, file: String) throws -> Int {
      let names = declared.keys.filter { $0.first == kind }
      let last = names.compactMap { Int($0.dropFirst(2)) }.max() ?? -1
      guard names.count == last + 1 else {
        throw DataError(file, "the variables \(kind)_0 to \(kind)_\(last) have gaps")
      }
      return names.count
    }

    func formula(_ node: Node, file: String) throws -> VerificationProperty.Formula {
      guard case .list(let parts, let line) = node, case .word(let name, _)? = parts.first else {
        throw DataError(file, at: .line(node.line), "a condition in parentheses is expected")
      }
      let operands = parts.dropFirst()
      switch name {
      case "and": return .all(try operands.map { try formula($0, file: file) })
      case "or": return .any(try operands.map { try formula($0, file: file) })
      case "not":
        guard operands.count == 1 else { throw DataError(file, at: .line(line), "not wants one condition") }
        return try formula(operands[operands.startIndex], file: file).negated
      case "<=", ">=", "<", ">", "=":
        guard operands.count == 2 else { throw DataError(file, at: .line(line), "\(name) wants two terms") }
        let left = try term(operands[operands.startIndex], file: file)
        let right = try term(operands[operands.startIndex + 1], file: file)
        switch name {
        case "<=": return .atMostZero(left - right, isStrict: false)
        case ">=": return .atMostZero(right - left, isStrict: false)
        case "<": return .atMostZero(left - right, isStrict: true)
        case ">": return .atMostZero(right - left, isStrict: true)
        default:
          return .all([.atMostZero(left - right, isStrict: false), .atMostZero(right - left, isStrict: false)])
        }
      default: throw DataError(file, at: .line(line), "the condition \(quoted(name)) is not known here")
      }
    }

    private func term(_ node: Node, file: String) throws -> VerificationProperty.Term {
      switch node {
      case .word(let word, let line):
        if let variable = declared[word] { return .init(variable) }
        guard let number = Double(word), number.isFinite, !word.lowercased().contains("x") else {
          throw DataError(file, at: .line(line), "\(quoted(word)) is neither a declared variable nor a number")
        }
        return .init(constant: number)
      case .list(let parts, let line):
        guard case .word(let name, _)? = parts.first, parts.count > 1 else {
          throw DataError(file, at: .line(line), "a term is expected")
        }
        let terms = try parts.dropFirst().map { try term($0, file: file) }
        switch name {
        case "+": return terms.dropFirst().reduce(into: terms[0]) { $0 += $1 }
        case "-":
          return terms.count == 1 ? terms[0] * -1 : terms.dropFirst().reduce(into: terms[0]) { $0 += $1 * -1 }
        case "*":
          let variable = terms.filter { !$0.isConstant }
          guard variable.count <= 1 else {
            throw DataError(file, at: .line(line), "a product of variables is not linear")
          }
          let factor = terms.filter(\.isConstant).reduce(1) { $0 * $1.constant }
          return (variable.first ?? .init(constant: 1)) * factor
        default: throw DataError(file, at: .line(line), "the operation \(quoted(name)) is not known here")
        }
      }
    }
  }
}
