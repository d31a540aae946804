import Foundation
import Rainbow
import Synchronization
import TextTable

/// What can be shown where the program runs: results go to standard output, progress and remarks to standard error.
enum Terminal {
  /// Whether standard error is a screen on which a line can be drawn again and again.
  static let showsProgress = isatty(STDERR_FILENO) != 0 && !isDumb
  /// Whether results are coloured: on a terminal, unless `NO_COLOR` holds anything (https://no-color.org).
  static let usesColor = isatty(STDOUT_FILENO) != 0 && !isDumb && variable("NO_COLOR") == nil

  private static var isDumb: Bool { variable("TERM") == nil || variable("TERM") == "dumb" }
  private static func variable(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Columns of the terminal; 80 where there is none.
  static var width: Int {
    var size = winsize()
    for descriptor in [STDOUT_FILENO, STDERR_FILENO]
    where ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return variable("COLUMNS").flatMap { Int($0) } ?? 80
  }

  static func bold(_ text: String) -> String { usesColor ? text.bold : text }
  static func dim(_ text: String) -> String { usesColor ? text.dim : text }
  static func green(_ text: String) -> String { usesColor ? text.green : text }
  static func yellow(_ text: String) -> String { usesColor ? text.yellow : text }
  static func red(_ text: String) -> String { usesColor ? text.red : text }

  /// A remark on standard error.
  static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}

/// Rows of text under headings, printed in aligned columns.
struct TextColumns {
  var headings: [String]
  /// Columns whose cells end at the same place, as numbers should.
  var alignedRight: Set<Int> = []
  var rows: [[String]] = []

  /// The lines: headings, a rule, rows. Headings are bold on a terminal.
  var lines: [String] {
    guard !rows.isEmpty else { return [Terminal.bold(headings.joined(separator: "  "))] }
    let table = TextTable<[String]> { row in
      zip(headings, row).enumerated().map { i, cell in
        Column(title: cell.0, value: cell.1, align: alignedRight.contains(i) ? .right : .left)
      }
    }
    var lines = (table.string(for: rows, style: Spaced.self) ?? "").split(separator: "\n").map(String.init)
    lines[0] = Terminal.bold(lines[0])
    return lines
  }

  /// Two blanks between columns, a thin rule under the headings, nothing behind the last cell.
  private enum Spaced: TextTableStyle {
    static func prepare(_ text: String, for column: Column) -> String { Style.simple.prepare(text, for: column) }
    static func escape(_ text: String) -> String { text }
    static func begin(_ table: inout String, index: Int, columns: [Column]) {}
    static func end(_ table: inout String, index: Int, columns: [Column]) {}
    static func header(_ table: inout String, index: Int, columns: [Column]) {
      line(&table, columns.map { $0.headerString(for: self) })
      line(&table, columns.map { $0.repeated("─") })
    }
    static func row(_ table: inout String, index: Int, columns: [Column]) {
      line(&table, columns.map { $0.string(for: self) })
    }
    private static func line(_ table: inout String, _ cells: [String]) {
      let text = cells.joined(separator: "  ")
      table += text[..<(text.lastIndex { $0 != " " }.map { text.index(after: $0) } ?? text.startIndex)] + "\n"
    }
  }
}

/// A line on standard error that shows how far a task has come and when it may end. Shown only on a terminal.
final class ProgressLine: Sendable {
  private struct State {
    var lastDrawn = ContinuousClock.now - .seconds(1)
    var isDrawn = false
  }

  private let isShown: Bool
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  /// - Parameter isQuiet: whether to show nothing at all.
  init(isQuiet: Bool = false) { isShown = Terminal.showsProgress && !isQuiet }

  /// Draws the line anew, at most ten times a second.
  /// - Parameter fraction: how much is done, 0 to 1. The time left is what the done part took, in proportion.
  func update(_ fraction: Double, _ text: String) {
    guard isShown else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      guard now - state.lastDrawn > .milliseconds(100) else { return }
      state.lastDrawn = now
      state.isDrawn = true
      let fraction = min(max(fraction.isFinite ? fraction : 0, 0), 1)
      let elapsed = (now - start).inSeconds
      let left = fraction > 0.01 && elapsed > 1 ? "  \(formattedDuration(elapsed / fraction - elapsed)) left" : ""
      let bar = 20
      let filled = Int(fraction * Double(bar))
      let line =
        String(repeating: "█", count: filled) + String(repeating: "░", count: bar - filled)
        + " \(Int(fraction * 100)) %\(left)  \(text)"
      write("\r\u{1B}[2K" + String(line.prefix(Terminal.width - 1)))
    }
  }

  /// Removes the line.
  func clear() {
    state.withLock { state in
      if state.isDrawn { write("\r\u{1B}[2K") }
      state.isDrawn = false
    }
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

extension Duration {
  /// The duration in seconds.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// Seconds as a person reads them: `850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`.
func formattedDuration(_ seconds: Double) -> String {
  guard seconds.isFinite else { return "–" }
  if seconds < 0.001 { return "\(Int((seconds * 1e6).rounded())) µs" }
  if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
  if seconds < 10 { return "\((seconds * 10).rounded() / 10) s" }
  if seconds < 120 { return "\(Int(seconds.rounded())) s" }
  let whole = Int(min(seconds, 1e9))
  if whole < 7200 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}
