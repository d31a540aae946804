import ArgumentParser
import Foundation
import SomaExperiments
import SomaServer

/// The program behind `soma serve`, apart from `soma` so that building that needs no web server.
@main
struct SomaServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soma serve",
    abstract: "Serve pages about runs, systems, activations, networks and loss surfaces.",
    discussion: """
      Runs are shown while they go on, with live curves. Only this machine can open the pages, unless another address is
      asked for with --host; then they need a token, which is part of the printed address ($SOMA_TOKEN sets it). Nothing can
      be changed or started through the pages. Ctrl-C ends the server.

      EXAMPLES
        soma serve
        soma serve --port 9000 --store runs.sqlite
        soma serve --host 0.0.0.0
      """,
    version: somaVersion)

  @Option(help: "The address to listen at.") var host = "127.0.0.1"
  @Option(help: "The port; 0 takes a free one.") var port = 8765
  @Option(
    help: ArgumentHelp(
      "The file with the runs. Default: $SOMA_STORE, or ~/.local/share/soma/runs.sqlite.", valueName: "file"))
  var store: String?
  @Option(help: ArgumentHelp("The folder with recorded results of claim checks.", valueName: "folder"))
  var results = "Reproductions"
  @Flag(name: .shortAndLong, help: "Print the address only.") var quiet = false

  func run() async throws {
    var settings = ServerSettings(store: store ?? RunStore.defaultPath, results: results)
    settings.host = host
    settings.port = port
    let given = ProcessInfo.processInfo.environment["SOMA_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
    settings.token = given ?? (ServerSettings.isLoopback(host) ? nil : ServerSettings.newToken())
    let dashboard = try Dashboard(settings)
    let isQuiet = quiet
    let serving = Task {
      try await dashboard.run { port in
        print(dashboard.address(port: port))
        // A reader of a pipe must see the address at once.
        fflush(nil)
        if !isQuiet { FileHandle.standardError.write(Data("Ctrl-C ends the server.\n".utf8)) }
      }
    }
    let sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { serving.cancel() }
      source.resume()
      return source
    }
    defer { for source in sources { source.cancel() } }
    try await serving.value
  }
}
