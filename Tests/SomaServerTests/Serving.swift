import Foundation
import NIOCore
import NIOPosix
import Synchronization

@testable import SomaExperiments
@testable import SomaServer

/// A server for one test, at a free port, with a store of its own.
struct Serving: Sendable {
  let folder: String
  let port: Int

  var store: RunStore { get throws { try RunStore(path: folder + "/runs.sqlite") } }
  var address: String { "http://127.0.0.1:\(port)" }

  /// Serves while `body` runs.
  static func run<Result>(
    token: String? = nil, hasStore: Bool = true, _ body: (Serving) async throws -> Result
  ) async throws -> Result {
    let folder = NSTemporaryDirectory() + "/soma-server-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    if hasStore { _ = try RunStore(path: folder + "/runs.sqlite") }
    var settings = ServerSettings(store: folder + "/runs.sqlite", results: "Reproductions")
    settings.port = 0
    settings.token = token
    let dashboard = try Dashboard(settings)
    let (ports, teller) = AsyncStream<Int>.makeStream()
    let serving = Task {
      defer { teller.finish() }
      try await dashboard.run { teller.yield($0) }
    }
    var iterator = ports.makeAsyncIterator()
    guard let port = await iterator.next() else {
      try await serving.value
      throw ServerError("the server ended before it began")
    }
    defer { serving.cancel() }
    return try await body(Serving(folder: folder, port: port))
  }

  struct Reply {
    var status: Int
    var headers: [String: String]
    var body: String
  }

  /// Sends a request as it is written and reads the answer until `isEnough` or the end of the connection.
  func ask(
    _ path: String, method: String = "GET", host: String? = nil, _ fields: [String: String] = [:],
    isEnough: (String) -> Bool = { _ in false }
  ) async throws -> Reply {
    var request = "\(method) \(path) HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\nConnection: close\r\n"
    for (name, value) in fields { request += "\(name): \(value)\r\n" }
    let text = try await exchange(request + "\r\n", isEnough: isEnough)
    let parts = text.components(separatedBy: "\r\n\r\n")
    let lines = parts[0].components(separatedBy: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return Reply(status: status, headers: headers, body: parts.dropFirst().joined(separator: "\r\n\r\n"))
  }

  private func exchange(_ request: String, isEnough: (String) -> Bool) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: request))
      var text = ""
      for try await part in inbound {
        text += String(buffer: part)
        if isEnough(text) { break }
      }
      return text
    }
  }
}

/// A comparison in the store, of which some trials are done.
func storedComparison(
  in store: RunStore, candidates: [String] = ["relu", "tanh"], title: String = "iris: relu, tanh",
  dataSet: String = "iris"
) throws -> Int64 {
  let settings = ComparisonSettings(
    data: ComparisonSettings.Data(
      name: dataSet, task: .classification, sampleShape: [4], outputs: 3, trainingCount: 97, validationCount: 23,
      testCount: 30, fingerprint: "0123456789abcdef"),
    candidates: candidates, network: "mlp", parameters: 400, seeds: 2, epochs: 10, batch: 16, optimizer: .adam,
    learningRates: [0.01], tuningEpochs: 5)
  let experiment = try store.add(
    Experiment(
      kind: "compare", title: title, dataSet: dataSet, settings: settings.json, settingsHash: settings.hash))
  let id = experiment.id!
  for candidate in candidates {
    try store.add(
      Measurement(
        experimentID: id, candidate: candidate, network: "mlp:\(candidate)", parameters: 400, operations: 800,
        latency: 1e-6, batchLatency: 1e-5, batch: 256, inferenceMemoryBytes: 4096))
    try store.add(
      finishedTrial(id, candidate, purpose: .tuning, seed: 0, epochs: 5))
  }
  return id
}

func finishedTrial(
  _ id: Int64, _ candidate: String, purpose: Trial.Purpose = .final, seed: Int, epochs: Int = 10
) -> Trial {
  Trial(
    experimentID: id, candidate: candidate, purpose: purpose, seed: seed, learningRate: 0.01, epochs: epochs,
    status: .finished,
    metrics: [
      "settledScore": 0.9, "settledLoss": 0.3, "testScore": 0.9 + 0.01 * Double(seed), "testLoss": 0.3,
      "validationScore": 0.93,
    ], curve: curve(epochs), trainingSeconds: 0.1, memoryBytes: 10_000)
}

func curve(_ epochs: Int) -> [Trial.Epoch] {
  (1...epochs).map {
    Trial.Epoch(trainingLoss: 1 / Double($0), validationLoss: 1.1 / Double($0), validationScore: 1 - 0.5 / Double($0))
  }
}
