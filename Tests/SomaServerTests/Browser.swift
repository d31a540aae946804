import Foundation
import Synchronization
import Testing

/// A headless Chromium that tests drive through its DevTools protocol, over pipes (`--remote-debugging-pipe`): the program reads
/// commands from descriptor 3 and writes answers to 4, each a JSON text that ends with a zero byte.
final class Browser: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible { let description: String }

  /// Something the browser tells without being asked.
  struct Event: Sendable {
    var method: String
    var session: String
    /// The whole message, as JSON.
    var message: Data
  }

  private struct State {
    var next = 1
    var waiting: [Int: CheckedContinuation<Data, any Error>] = [:]
    var events: [Event] = []
    var isClosed = false
  }

  private let process = Process()
  private let commands: FileHandle
  private let profile: String
  private let state = Mutex(State())

  /// Debian's name first; `SOMA_BROWSER` may name another.
  static var program: String? {
    let environment = ProcessInfo.processInfo.environment
    let names = [environment["SOMA_BROWSER"], "chromium", "chromium-browser", "google-chrome"].compactMap(\.self)
    let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return names.flatMap { name in name.contains("/") ? [name] : folders.map { $0 + "/" + name } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  init() throws {
    guard let program = Self.program else {
      throw Failure(
        description:
          "No Chromium is installed, so the pages cannot be tested: scripts/install-packages.sh --tests installs it.")
    }
    profile = NSTemporaryDirectory() + "/soma-browser-" + UUID().uuidString
    let (input, output) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh", program, "--headless", "--no-sandbox",
      "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
      "--disable-background-networking", "--remote-debugging-pipe", "--user-data-dir=\(profile)", "about:blank",
    ]
    process.standardInput = input
    process.standardOutput = output
    commands = input.fileHandleForWriting
    try process.run()
    let answers = output.fileHandleForReading
    Thread { [weak self] in
      var buffer = Data()
      while true {
        let data = answers.availableData
        guard !data.isEmpty else { break }
        buffer.append(data)
        while let end = buffer.firstIndex(of: 0) {
          self?.receive(Data(buffer[..<end]))
          buffer = Data(buffer[(end + 1)...])
        }
      }
      self?.close()
    }.start()
  }

  func quit() {
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: profile)
  }

  private func receive(_ message: Data) {
    guard let object = try? JSONSerialization.jsonObject(with: message) as? [String: Any] else { return }
    if let id = object["id"] as? Int {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: message)
    } else if let method = object["method"] as? String {
      let event = Event(method: method, session: object["sessionId"] as? String ?? "", message: message)
      state.withLock { $0.events.append(event) }
    }
  }

  private func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for continuation in waiting { continuation.resume(throwing: Failure(description: "the browser has ended")) }
  }

  /// Gives a command and waits for its result.
  func call(_ method: String, _ parameters: [String: Any] = [:], session: String? = nil) async throws -> [String: Any] {
    var command: [String: Any] = ["method": method, "params": parameters]
    if let session { command["sessionId"] = session }
    let id = state.withLock { state in
      state.next += 1
      return state.next
    }
    command["id"] = id
    let data = try JSONSerialization.data(withJSONObject: command) + [0]
    let answer: Data = try await withCheckedThrowingContinuation { continuation in
      let isClosed = state.withLock { state in
        if !state.isClosed { state.waiting[id] = continuation }
        return state.isClosed
      }
      if isClosed { return continuation.resume(throwing: Failure(description: "the browser has ended")) }
      commands.write(data)
    }
    let object = try JSONSerialization.jsonObject(with: answer) as? [String: Any] ?? [:]
    if let error = object["error"] as? [String: Any] {
      throw Failure(description: "\(method): \(error["message"] ?? "failed")")
    }
    return object["result"] as? [String: Any] ?? [:]
  }

  func events(_ session: String) -> [Event] { state.withLock { $0.events.filter { $0.session == session } } }

  /// A new empty page.
  func page(width: Int, height: Int = 900, isDark: Bool = false) async throws -> BrowserPage {
    let target = try await call("Target.createTarget", ["url": "about:blank"])["targetId"] as? String ?? ""
    let session =
      try await call("Target.attachToTarget", ["targetId": target, "flatten": true])["sessionId"] as? String ?? ""
    let page = BrowserPage(browser: self, target: target, session: session)
    for domain in ["Page", "Runtime", "Log", "Network"] { _ = try await call(domain + ".enable", session: session) }
    _ = try await call(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false], session: session)
    _ = try await call(
      "Emulation.setEmulatedMedia",
      ["features": [["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]]], session: session)
    return page
  }
}

/// A page of the browser.
struct BrowserPage: Sendable {
  let browser: Browser
  let target: String
  let session: String

  /// Opens an address and waits until it is loaded.
  func open(_ address: String) async throws {
    let result = try await browser.call("Page.navigate", ["url": address], session: session)
    if let error = result["errorText"] as? String, !error.isEmpty {
      throw Browser.Failure(description: "\(address): \(error)")
    }
    try await wait("\(address) to load") { try await text("document.readyState") == "complete" }
  }

  func close() async throws { _ = try await browser.call("Target.closeTarget", ["targetId": target]) }

  /// The value of an expression as a text.
  func text(_ expression: String) async throws -> String {
    let result = try await browser.call(
      "Runtime.evaluate", ["expression": "String(\(expression))", "awaitPromise": true, "returnByValue": true],
      session: session)
    if let details = result["exceptionDetails"] as? [String: Any] {
      throw Browser.Failure(description: "\(expression): \(details)")
    }
    return (result["result"] as? [String: Any])?["value"] as? String ?? ""
  }

  func number(_ expression: String) async throws -> Double { Double(try await text(expression)) ?? .nan }

  /// Asks until it is true, for at most 20 seconds.
  func wait(_ what: String, until isTrue: () async throws -> Bool) async throws {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(20) {
      if try await isTrue() { return }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Browser.Failure(description: "waited 20 seconds for \(what)")
  }

  /// Presses and releases a key, such as `Tab`.
  func press(_ key: String, code: Int) async throws {
    for kind in ["keyDown", "keyUp"] {
      _ = try await browser.call(
        "Input.dispatchKeyEvent",
        ["type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code],
        session: session)
    }
  }

  /// What the console showed as wrong: errors and warnings of scripts, of the network, and of the security policy.
  var complaints: [String] {
    browser.events(session).compactMap { event in
      guard let object = try? JSONSerialization.jsonObject(with: event.message) as? [String: Any],
        let parameters = object["params"] as? [String: Any]
      else { return nil }
      switch event.method {
      case "Runtime.exceptionThrown": return "\(parameters["exceptionDetails"] ?? "")"
      case "Runtime.consoleAPICalled":
        let kind = parameters["type"] as? String ?? ""
        return ["error", "warning", "assert"].contains(kind) ? "\(parameters["args"] ?? "")" : nil
      case "Log.entryAdded":
        let entry = parameters["entry"] as? [String: Any] ?? [:]
        let level = entry["level"] as? String ?? ""
        return ["error", "warning"].contains(level) ? "\(entry["text"] ?? "") \(entry["url"] ?? "")" : nil
      default: return nil
      }
    }
  }

  /// The addresses that the page asked for.
  var requests: [String] {
    browser.events(session).compactMap { event in
      guard event.method == "Network.requestWillBeSent",
        let object = try? JSONSerialization.jsonObject(with: event.message) as? [String: Any],
        let request = (object["params"] as? [String: Any])?["request"] as? [String: Any]
      else { return nil }
      return request["url"] as? String
    }
  }

  /// What is seen of the page, as a PNG file.
  func picture() async throws -> Data {
    let result = try await browser.call(
      "Page.captureScreenshot", ["format": "png"], session: session)
    return Data(base64Encoded: result["data"] as? String ?? "") ?? Data()
  }
}
