import Foundation

/// Where the pages are served, to whom, and what they show.
public struct ServerSettings: Sendable {
  /// The address to listen at.
  public var host = "127.0.0.1"
  /// 0 takes any free one.
  public var port = 8765
  /// What a reader must know; nil where only this machine can ask.
  public var token: String?
  /// The run store's file.
  public var store: String
  /// The folder with the recorded results of claim checks.
  public var results: String

  public init(store: String, results: String = "Reproductions") {
    self.store = store
    self.results = results
  }

  /// Whether an address is reached from this machine alone.
  public static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    return parts.count == 4 && !parts.contains(nil) && parts[0] == 127
  }

  /// A new secret of 128 random bits, in hexadecimal digits.
  public static func newToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
      let digits = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// - Throws: `ServerError` for what would be open to others without a token.
  func check() throws {
    guard Self.isLoopback(host) || token != nil else {
      throw ServerError("\(host) can be reached by others: that needs a token")
    }
    guard token.map({ $0.utf8.count >= 16 }) ?? true else {
      throw ServerError("a token has at least 16 characters")
    }
    guard (0...65535).contains(port) else { throw ServerError("a port is a number from 0 to 65535, not \(port)") }
  }
}

/// Why pages cannot be served. Prints as one line.
public struct ServerError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
