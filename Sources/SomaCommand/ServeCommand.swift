import ArgumentParser
import Foundation
import SomaExperiments

/// Hands over to the program `soma-serve`, which is built by itself so that `soma` needs no web server.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve pages about runs (with live curves), systems, activations, networks and loss surfaces.",
    discussion: """
      Runs the program soma-serve, which lies beside soma or in the PATH: `make serve` builds and runs it, \
      `swift build -c release --product soma-serve` builds it. `soma serve -- --help` tells its options.

      EXAMPLES
        soma serve
        soma serve --port 9000 --store runs.sqlite
        soma serve --host 0.0.0.0               (for others too; the printed address then has a token)
      """)

  @Argument(parsing: .captureForPassthrough, help: "What soma-serve is given.") var arguments: [String] = []

  func run() throws {
    let given = arguments.first == "--" ? Array(arguments.dropFirst()) : arguments
    guard let program = Self.program() else {
      throw ServeError(
        description:
          "soma-serve is not built: `make serve` builds and runs it, or swift build -c release --product soma-serve")
    }
    // This process becomes the server: signals and exit status are its own.
    execv(program, ([program] + given).map { strdup($0) } + [nil])
    throw ServeError(description: "\(program): cannot be run (\(String(cString: strerror(errno))))")
  }

  struct ServeError: Error, CustomStringConvertible {
    let description: String
  }

  /// Where `soma-serve` is: beside this program, else in the PATH.
  private static func program() -> String? {
    let own = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return (([own].compactMap(\.self)) + path.split(separator: ":").map(String.init))
      .map { $0 + "/soma-serve" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
