import Foundation
import SomaExperiments
import SomaNetworks
import Testing

@testable import SomaServer

/// What the server answers, and what it refuses, without a browser.
@Suite(.serialized) struct ServerTests {
  static let pages = [
    "/runs", "/runs/1", "/systems", "/systems/gelu", "/systems/ld3", "/activations/elu", "/activations/mish",
    "/networks", "/networks?network=mlp%3Amish&depth=1", "/surfaces", "/surfaces?data=iris",
  ]

  @Test func everyPageIsAnsweredWithStrictHeaders() async throws {
    try await Serving.run { serving in
      _ = try storedComparison(in: serving.store)
      for path in Self.pages + ["/assets/soma.css", "/assets/soma.js", "/runs/1/report", "/runs/list", "/nowhere"] {
        let reply = try await serving.ask(path)
        #expect(reply.status == (path == "/nowhere" ? 404 : 200), "\(path)")
        let policy = reply.headers["content-security-policy"] ?? ""
        #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "\(path)")
        #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "\(path)")
        #expect(reply.headers["x-content-type-options"] == "nosniff", "\(path)")
        #expect(reply.headers["referrer-policy"] == "no-referrer", "\(path)")
        #expect(reply.headers["x-frame-options"] == "DENY" && reply.headers["cache-control"] == "no-store", "\(path)")
        #expect(reply.headers["content-type"]?.contains("charset=utf-8") == true, "\(path)")
        #expect(
          !reply.body.contains(" style=") && !reply.body.contains("<script>"), "\(path) has what the policy forbids")
      }
      let diagram = try await serving.ask("/networks/diagram.svg?network=resnet8")
      #expect(diagram.status == 200 && diagram.headers["content-type"] == "image/svg+xml")
      #expect(diagram.headers["content-security-policy"]?.hasPrefix("default-src 'none'; style-src") == true)
      #expect(diagram.headers["x-content-type-options"] == "nosniff")
    }
  }

  /// A foreign name that comes to mean 127.0.0.1 must not read what is served.
  @Test func foreignHostNamesAreRefused() async throws {
    try await Serving.run { serving in
      for host in ["127.0.0.1:\(serving.port)", "localhost:\(serving.port)", "LOCALHOST", "[::1]:80", "127.1.2.3"] {
        #expect(try await serving.ask("/runs", host: host).status == 200, "\(host)")
      }
      for host in [
        "evil.example", "evil.example:\(serving.port)", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0",
        "127.0.0.1:x", "[::1", "[::2]", "128.0.0.1", "127.0.0", "127.0.0.1@evil.example",
      ] {
        let reply = try await serving.ask("/runs", host: host)
        #expect(reply.status >= 400 && !reply.body.contains("<html"), "\(host): \(reply.status)")
      }
    }
  }

  @Test func onlyReadingIsPossible() async throws {
    try await Serving.run { serving in
      for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        #expect(try await serving.ask("/runs/1", method: method, ["Content-Length": "0"]).status == 405, "\(method)")
      }
      let head = try await serving.ask("/runs", method: "HEAD")
      #expect(head.status == 200 && head.body.isEmpty)
    }
  }

  @Test func otherSitesPagesMayLinkButNotAsk() async throws {
    try await Serving.run { serving in
      func status(_ path: String, _ fields: [String: String]) async throws -> Int {
        try await serving.ask(path, fields).status
      }
      for site in ["cross-site", "same-site"] {
        let asked = ["Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"]
        let askedStatus = try await status("/surfaces/plot?data=iris", asked)
        #expect(askedStatus == 403)
        let framed = ["Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"]
        let framedStatus = try await status("/runs", framed)
        #expect(framedStatus == 403)
        let followed = ["Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"]
        let followedStatus = try await status("/runs", followed)
        #expect(followedStatus == 200)
      }
      #expect(try await serving.ask("/runs", ["Sec-Fetch-Site": "same-origin"]).status == 200)
    }
  }

  @Test func aTokenIsNeededWhereOneIsSet() async throws {
    let token = ServerSettings.newToken()
    #expect(token.count == 32 && token != ServerSettings.newToken())
    try await Serving.run(token: token) { serving in
      #expect(try await serving.ask("/runs").status == 401)
      #expect(try await serving.ask("/assets/soma.js").status == 401)
      #expect(try await serving.ask("/runs?token=\(token.dropLast())0x").status == 401)
      #expect(try await serving.ask("/runs", ["Cookie": "soma_token=\(String(token.reversed()))"]).status == 401)
      let first = try await serving.ask("/runs?token=\(token)")
      #expect(first.status == 303 && first.headers["location"] == "/runs")
      let cookie = first.headers["set-cookie"] ?? ""
      #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
      #expect(try await serving.ask("/runs", ["Cookie": "soma_token=\(token)"]).status == 200)
      #expect(try await serving.ask("/runs", ["Authorization": "Bearer \(token)"]).status == 200)
      // An address that begins with two slashes would lead to another server.
      let odd = try await serving.ask("//evil.example/?token=\(token)")
      #expect(odd.headers["location"]?.hasPrefix("//") != true)
    }
  }

  @Test func whatOthersCanReachNeedsAToken() {
    for host in ["0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.example.org", "1270.0.0.1"] {
      #expect(!ServerSettings.isLoopback(host))
      var settings = ServerSettings(store: "none")
      settings.host = host
      #expect(throws: ServerError.self) { try Dashboard(settings) }
      settings.token = "short"
      #expect(throws: ServerError.self) { try Dashboard(settings) }
      settings.token = ServerSettings.newToken()
      #expect(throws: Never.self) { try Dashboard(settings) }
    }
    for host in ["127.0.0.1", "localhost", "::1", "127.9.8.7"] { #expect(ServerSettings.isLoopback(host)) }
  }

  @Test func aPortInUseIsOneLine() async throws {
    try await Serving.run { serving in
      var settings = ServerSettings(store: "none")
      settings.port = serving.port
      let dashboard = try Dashboard(settings)
      let error = await #expect(throws: ServerError.self) { try await dashboard.run { _ in } }
      #expect(error?.description == "127.0.0.1 port \(serving.port) is in use already")
    }
  }

  @Test func wrongWishesAreToldNotComputed() async throws {
    try await Serving.run { serving in
      for (path, status) in [
        ("/runs/99", 404), ("/runs/x", 404), ("/runs/-1", 404), ("/runs/99999999999999999999", 404),
        ("/systems/nope", 400), ("/activations/nope", 400), ("/activations/elu/curve?p.a=x", 200),
        ("/activations/elu/curve?p.a=-5", 200), ("/networks?network=nope", 400),
        ("/networks?network=mlp%401e9", 400), ("/networks?depth=99", 400), ("/networks?outputs=0", 400),
        ("/networks/diagram.svg?network=%3Cscript%3E", 400), ("/surfaces/plot?data=/etc/passwd", 400),
        ("/surfaces/plot?data=iris&network=resnet152", 400), ("/surfaces/plot?data=iris&span=1e9", 400),
        ("/surfaces/plot?data=iris&optimizer=none", 400), ("/../../etc/passwd", 404), ("/assets/..%2f..%2fetc", 404),
      ] {
        let reply = try await serving.ask(path)
        #expect(reply.status == status, "\(path): \(reply.status)")
        #expect(reply.body.contains("role=\"alert\""), "\(path)")
        #expect(!reply.body.contains("<script>"), "\(path)")
      }
    }
  }

  /// Whatever the store holds is shown as text.
  @Test func hostileRecordsAreEscaped() async throws {
    let evil = "<img src=x onerror=alert(1)>\"'&<script>alert(2)</script>\u{0}\u{202e}"
    try await Serving.run { serving in
      let store = try serving.store
      let id = try storedComparison(in: store, candidates: [evil, "tanh"], title: evil, dataSet: evil)
      try store.add(finishedTrial(id, evil, seed: 1))
      try store.note(
        LiveTrial(
          experimentID: id, candidate: evil, purpose: .final, seed: 2, learningRate: 0.01, epochs: 10, curve: curve(3)))
      var other = Experiment(kind: evil, title: evil, dataSet: evil, settings: evil, settingsHash: evil)
      other.machine = evil
      let foreign = try store.add(other)
      for path in ["/runs", "/runs/list", "/runs/\(id)", "/runs/\(id)/report", "/runs/\(foreign.id!)"] {
        let reply = try await serving.ask(path)
        #expect(reply.status == 200, "\(path)")
        #expect(!reply.body.contains("<img src=x") && !reply.body.contains("<script>alert"), "\(path)")
        #expect(reply.body.contains("&lt;img src=x onerror=alert(1)&gt;"), "\(path)")
      }
    }
  }

  @Test func settingsThatNoComparisonHasAreRefused() async throws {
    try await Serving.run { serving in
      let store = try serving.store
      let id = try storedComparison(in: store)
      let settings = try store.experiment(id).settings.replacingOccurrences(
        of: "\"seeds\":2", with: "\"seeds\":1000000000000")
      let hostile = try store.add(
        Experiment(kind: "compare", title: "t", dataSet: "d", settings: settings, settingsHash: "h"))
      let reply = try await serving.ask("/runs/\(hostile.id!)")
      #expect(reply.status == 500 && reply.body.contains("says of itself what no comparison can be"))
    }
  }

  @Test func aStoreMayComeLater() async throws {
    try await Serving.run(hasStore: false) { serving in
      #expect(try await serving.ask("/runs").body.contains("There are no runs yet"))
      #expect(try await serving.ask("/runs/1").status == 404)
      _ = try storedComparison(in: serving.store)
      #expect(try await serving.ask("/runs").body.contains("iris: relu, tanh"))
    }
  }

  @Test func changesAreSentAsEvents() async throws {
    try await Serving.run { serving in
      let store = try serving.store
      let id = try storedComparison(in: store)
      let writer = Task {
        try await Task.sleep(for: .milliseconds(700))
        try store.note(
          LiveTrial(
            experimentID: id, candidate: "relu", purpose: .final, seed: 1, learningRate: 0.01, epochs: 10,
            curve: curve(3)))
      }
      let reply = try await serving.ask("/runs/\(id)/events") { text in
        text.components(separatedBy: "event: change").count > 2
      }
      try await writer.value
      #expect(reply.headers["content-type"] == "text/event-stream")
      #expect(reply.body.components(separatedBy: "event: change\ndata: ").count == 3)
    }
  }

  @Test func slidersStayWithinTheConstraints() throws {
    let sliders = Activation.find().flatMap { activation in
      Activations.sliders(activation).map { (activation.name, $0) }
    }
    #expect(sliders.count > 300)
    for (name, slider) in sliders { #expect(slider.range.contains(slider.value), "\(name) \(slider.name)") }
    // Curves of both ends are drawn, or it is said why not. Each takes some hundredths of a second.
    for (i, (name, slider)) in sliders.enumerated() where i % 20 == 0 {
      for end in [slider.range.lowerBound, slider.range.upperBound] {
        let answer = Activations.curve(name, ["p." + slider.name: "\(end)"])
        #expect(answer.contains("<svg") || answer.contains("class=\"note\""), "\(name) \(slider.name)")
      }
    }
  }

  @Test func everyReadyNetworkIsDrawn() throws {
    for network in NetworkSpecification.all {
      let wish = try Networks.Wish(["network": network.name, "depth": "1"])
      #expect(try Networks.svg(wish).contains("<rect class=\"box\""), "\(network.name)")
      #expect(try Networks.page(["network": network.name]).html.contains("/networks/diagram.svg?network="))
    }
  }

  @Test func tooMuchWorkIsTurnedAway() async throws {
    let workshop = Workshop(places: 1, longestQueue: 1)
    let gate = DispatchSemaphore(value: 0)
    async let first: Void = workshop.run { gate.wait() }
    try await Task.sleep(for: .milliseconds(100))
    async let second: Int = workshop.run { 2 }
    try await Task.sleep(for: .milliseconds(100))
    await #expect(throws: Workshop.Busy.self) { try await workshop.run { 3 } }
    gate.signal()
    try await first
    #expect(try await second == 2)
    #expect(try await workshop.run { 4 } == 4)
  }
}
