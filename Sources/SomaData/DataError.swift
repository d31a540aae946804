/// What is wrong with data that came from outside, and where. Prints as one line:
/// `prices.csv, line 12, column "area": "12x" is not a number`.
public struct DataError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where in the file the fault is.
  public enum Place: Hashable, Sendable {
    /// A line of a text file, counted from 1.
    case line(Int)
    /// A cell of a table.
    case cell(line: Int, column: String)
    /// A byte offset, counted from 0.
    case byte(Int)
    /// A byte offset inside an entry of an archive.
    case entry(String, byte: Int?)
  }

  /// The file, as the caller named it.
  public let file: String
  public let place: Place?
  public let problem: String

  public init(_ file: String, at place: Place? = nil, _ problem: String) {
    self.file = file
    self.place = place
    self.problem = problem
  }

  public var description: String {
    let location =
      switch place {
      case nil: ""
      case .line(let line): ", line \(line)"
      case .cell(let line, let column): ", line \(line), column \(quoted(column))"
      case .byte(let offset): ", byte \(offset)"
      case .entry(let name, nil): ", entry \(quoted(name))"
      case .entry(let name, let offset?): ", entry \(quoted(name)), byte \(offset)"
      }
    return oneLine(file) + location + ": " + oneLine(problem)
  }
}

/// Foreign text between quotes, cut to 40 characters, so that a message stays one readable line.
package func quoted(_ text: some StringProtocol) -> String {
  let start = text.unicodeScalars.prefix(40)
  let cut = start.endIndex < text.unicodeScalars.endIndex
  return "\"" + oneLine(String(String.UnicodeScalarView(start))) + (cut ? "…" : "") + "\""
}

/// The text with control characters escaped: a file's content cannot break a message's line or drive the terminal.
package func oneLine(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
  return text.unicodeScalars.reduce(into: "") { result, scalar in
    if scalar.properties.generalCategory == .control {
      result += scalar.escaped(asASCII: true)
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
}
