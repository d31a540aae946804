import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import SomaExperiments

/// The pages that `soma serve` serves: runs with live curves, the published systems, activations, network diagrams, loss surfaces.
/// All is read; nothing that a store, a file or an address holds is ever executed.
public struct Dashboard: Sendable {
  public let settings: ServerSettings

  /// - Throws: `ServerError` for settings that would be open to others.
  public init(_ settings: ServerSettings) throws {
    try settings.check()
    self.settings = settings
  }

  /// The address to open, with the token if one is needed.
  public func address(port: Int) -> String {
    let host = settings.host.contains(":") && !settings.host.hasPrefix("[") ? "[\(settings.host)]" : settings.host
    return "http://\(host):\(port)/" + (settings.token.map { "?token=\($0)" } ?? "")
  }

  /// Serves until the task is cancelled.
  /// - Parameter onReady: told the port when requests are answered
  /// - Throws: `ServerError` if the address cannot be had.
  public func run(onReady: @escaping @Sendable (_ port: Int) -> Void) async throws {
    var logger = Logger(label: "soma serve")
    logger.logLevel = .critical
    let host = settings.host.hasPrefix("[") ? String(settings.host.dropFirst().dropLast()) : settings.host
    let application = Application(
      router: router(), server: .http1(configuration: .init(idleTimeout: .seconds(120))),
      configuration: ApplicationConfiguration(address: .hostname(host, port: settings.port)),
      onServerRunning: { channel in onReady(channel.localAddress?.port ?? 0) }, logger: logger)
    do {
      try await application.runService(gracefulShutdownSignals: [])
    } catch let error as IOError {
      let reason = error.errnoCode == EADDRINUSE ? "is in use already" : "cannot be used (\(error.description))"
      throw ServerError("\(settings.host) port \(settings.port) \(reason)")
    } catch is CancellationError {
    }
  }

  func router() -> Router<BasicRequestContext> {
    let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
    router.addMiddleware { Doorkeeper(token: settings.token, host: settings.host) }
    let runs = Runs(path: settings.store)
    addRuns(runs, to: router)
    addSystems(Systems(results: settings.results, runs: runs), to: router)
    addPictures(to: router)
    router.get("/") { _, _ in Answer.redirect(to: "/runs") }
    router.get("/assets/soma.css") { _, _ in Answer.typed("text/css; charset=utf-8", Assets.style) }
    router.get("/assets/soma.js") { _, _ in Answer.typed("text/javascript; charset=utf-8", Assets.script) }
    return router
  }

  private func addRuns(_ runs: Runs, to router: Router<BasicRequestContext>) {
    let events = RunEvents(runs)
    @Sendable func number(_ context: BasicRequestContext) throws -> Int64 {
      guard let id = context.parameters.get("run").flatMap({ Int64($0) }) else {
        throw NotFound("A run has a number.")
      }
      return id
    }
    router.get("/runs") { _, _ in Self.answer(.runs) { Answer.page(try runs.list) } }
    router.get("/runs/list") { _, _ in Self.answer(.runs) { Answer.html(try runs.listFragment) } }
    router.get("/runs/events") { _, _ in events.response(of: nil) }
    router.get("/runs/:run") { _, context in Self.answer(.runs) { Answer.page(try runs.page(of: number(context))) } }
    router.get("/runs/:run/report") { _, context in
      Self.answer(.runs) { Answer.html(try runs.fragment(of: number(context))) }
    }
    router.get("/runs/:run/events") { _, context in
      Self.answer(.runs) { events.response(of: try number(context)) }
    }
  }

  private func addSystems(_ systems: Systems, to router: Router<BasicRequestContext>) {
    router.get("/systems") { _, _ in Self.answer(.systems) { Answer.page(try systems.list) } }
    router.get("/systems/:name") { _, context in
      Self.answer(.systems) { Answer.page(try systems.page(of: Self.name(context))) }
    }
  }

  private func addPictures(to router: Router<BasicRequestContext>) {
    let workshop = Workshop()
    let activations = Activations()
    let surfaces = Surfaces()
    router.get("/activations") { _, _ in
      await Self.answer(.activations, in: workshop) { Answer.page(activations.list()) }
    }
    router.get("/activations/:name") { request, context in
      let (name, query) = (Self.name(context), Self.query(request))
      return await Self.answer(.activations, in: workshop) { Answer.page(try activations.page(of: name, query)) }
    }
    router.get("/activations/:name/curve") { request, context in
      let (name, query) = (Self.name(context), Self.query(request))
      return await Self.answer(.activations, in: workshop) { Answer.html(Activations.curve(name, query)) }
    }
    router.get("/networks") { request, _ in
      let query = Self.query(request)
      return await Self.answer(.networks, in: workshop) { Answer.page(try Networks.page(query)) }
    }
    router.get("/networks/diagram.svg") { request, _ in
      let query = Self.query(request)
      return await Self.answer(.networks, in: workshop) { Answer.svg(try Networks.svg(Networks.Wish(query))) }
    }
    router.get("/surfaces") { request, _ in
      let query = Self.query(request)
      return Self.answer(.surfaces) { Answer.page(try surfaces.page(query)) }
    }
    router.get("/surfaces/plot") { request, _ in
      let query = Self.query(request)
      return await Self.answer(.surfaces, in: workshop) { Answer.html(try surfaces.plot(Surfaces.Wish(query))) }
    }
  }

  private static func name(_ context: BasicRequestContext) -> String {
    let raw = context.parameters.get("name") ?? ""
    return raw.removingPercentEncoding ?? raw
  }

  /// The values of a query by key, as forms write them: blanks as `+`, the rest as `%2B`.
  static func query(_ request: Request) -> [String: String] {
    func decoded(_ text: Substring) -> String {
      let spaced = String(text.replacing("+", with: " "))
      return spaced.removingPercentEncoding ?? spaced
    }
    var result: [String: String] = [:]
    for pair in (request.uri.query ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      result[decoded(parts[0])] = parts.count > 1 ? decoded(parts[1]) : ""
    }
    return result
  }

  /// What goes wrong becomes a page that says so.
  private static func answer(_ room: WebPage.Room, _ body: () throws -> Response) -> Response {
    do { return try body() } catch { return Answer.failure(error, room: room) }
  }

  private static func answer(
    _ room: WebPage.Room, in workshop: Workshop, _ body: @escaping @Sendable () throws -> Response
  ) async -> Response {
    do { return try await workshop.run(body) } catch { return Answer.failure(error, room: room) }
  }
}
