import GRDB

/// Why a run store cannot do what was asked. Prints as one line.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  public let path: String
  public let problem: String

  init(_ path: String, _ problem: String) {
    self.path = path
    self.problem = problem
  }

  public var description: String { "run store \(path): \(problem)" }

  /// Runs an access to the file, with SQLite's errors told in this type.
  static func telling<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw StoreError(path, problem(error))
    } catch let error as RowDecodingError {
      throw StoreError(path, "holds a record that cannot be read (\(oneLine(String(describing: error))))")
    } catch let error as DecodingError {
      throw StoreError(path, "holds a record that cannot be read (\(place(of: error)))")
    }
  }

  private static func problem(_ error: DatabaseError) -> String {
    switch error.resultCode {
    case .SQLITE_NOTADB: "is not an SQLite database"
    case .SQLITE_CORRUPT: "is damaged; `sqlite3 FILE .recover` may save what is left"
    case .SQLITE_CANTOPEN: "cannot be opened"
    case .SQLITE_READONLY: "cannot be written"
    case .SQLITE_PERM, .SQLITE_AUTH: "may not be opened"
    case .SQLITE_BUSY, .SQLITE_LOCKED: "is held by another program"
    case .SQLITE_FULL: "the disk is full"
    case .SQLITE_IOERR: "cannot be read or written (input/output error)"
    default: oneLine(error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  private static func place(of error: DecodingError) -> String {
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
      .dataCorrupted(let context):
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return oneLine(path.isEmpty ? context.debugDescription : "at \(path)")
    @unknown default: return "malformed"
    }
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
