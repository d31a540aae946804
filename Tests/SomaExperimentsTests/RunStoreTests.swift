import Foundation
import GRDB
import Testing

@testable import SomaExperiments

/// A folder that is removed with the test.
final class TemporaryFolder {
  let path = NSTemporaryDirectory() + "soma-tests-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func file(_ name: String) -> String { path + "/" + name }
}

private func experiment(_ settings: String = "{}") -> Experiment {
  Experiment(
    kind: "compare", title: "t", dataSet: "digits", settings: settings, settingsHash: Fingerprint(settings.utf8).text)
}

private func trial(_ id: Int64, _ candidate: String, seed: Int, score: Double = 0.5) -> Trial {
  Trial(
    experimentID: id, candidate: candidate, purpose: .final, seed: seed, learningRate: 0.01, epochs: 3,
    status: .finished, metrics: ["testScore": score, "broken": .nan],
    curve: [.init(trainingLoss: 1.5, validationLoss: .infinity, validationScore: 0.25)], trainingSeconds: 0.125,
    memoryBytes: 4096)
}

@Suite struct RunStoreTests {
  @Test func whatIsStoredComesBack() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a/b/runs.sqlite")
    let id = try #require(try RunStore(path: path).add(experiment("{\"a\":1}")).id)
    let store = try RunStore(path: path)
    try store.add(trial(id, "relu", seed: 1))
    try store.add(
      Measurement(
        experimentID: id, candidate: "relu", network: "mlp:relu", parameters: 10, operations: 20, latency: 1e-6,
        batchLatency: 1e-5, batch: 256, inferenceMemoryBytes: 99))
    let again = try RunStore(path: path, mustExist: true)
    let stored = try #require(try again.trials(of: id).first)
    #expect(stored.metrics == ["testScore": 0.5])
    #expect(stored.curve == [.init(trainingLoss: 1.5, validationLoss: nil, validationScore: 0.25)])
    #expect(stored.trainingSeconds == 0.125 && stored.memoryBytes == 4096 && stored.status == .finished)
    #expect(try again.measurements(of: id).first?.parameters == 10)
    #expect(try again.experiment(settingsHash: Fingerprint("{\"a\":1}".utf8).text)?.id == id)
    #expect(try again.experiment(settingsHash: "other") == nil)
  }

  @Test func aTrialIsStoredOnce() throws {
    let folder = try TemporaryFolder()
    let store = try RunStore(path: folder.file("runs.sqlite"))
    let id = try #require(try store.add(experiment()).id)
    try store.add(trial(id, "relu", seed: 1, score: 0.1))
    try store.add(trial(id, "relu", seed: 1, score: 0.2))
    #expect(try store.trials(of: id).map { $0.metrics["testScore"] } == [0.2])
  }

  @Test func deletingTakesTrialsAlong() throws {
    let folder = try TemporaryFolder()
    let store = try RunStore(path: folder.file("runs.sqlite"))
    let first = try #require(try store.add(experiment()).id)
    let second = try #require(try store.add(experiment()).id)
    for id in [first, second] { try store.add(trial(id, "relu", seed: 1)) }
    try store.delete(first)
    #expect(try store.trialCount(of: first) == 0)
    #expect(try store.trialCount(of: second) == 1)
    #expect(throws: StoreError.self) { try store.delete(first) }
    #expect(throws: StoreError.self) { try store.experiment(first) }
  }

  @Test func severalWritersAndReadersGetAlong() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("runs.sqlite")
    let id = try #require(try RunStore(path: path).add(experiment()).id)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<6 {
        group.addTask {
          // Each opens the file by itself, as programs do.
          let store = try RunStore(path: path)
          for seed in 0..<25 {
            try store.add(trial(id, "writer \(writer)", seed: seed))
            if seed % 5 == 0 { _ = try store.trials(of: id) }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try RunStore(path: path).trialCount(of: id) == 150)
  }

  @Test func foreignFilesAreRefusedAndLeftAlone() throws {
    let folder = try TemporaryFolder()
    let text = folder.file("notes.txt")
    try "not a database, but long enough to have a header".write(toFile: text, atomically: true, encoding: .utf8)
    #expect(message { try RunStore(path: text) } == "run store \(text): is not an SQLite database")
    #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("not a database"))

    let other = folder.file("other.sqlite")
    let queue = try DatabaseQueue(path: other)
    try queue.write { try $0.execute(sql: "CREATE TABLE recipes (name TEXT)") }
    try queue.close()
    let before = try Data(contentsOf: URL(fileURLWithPath: other))
    #expect(message { try RunStore(path: other) } == "run store \(other): is the database of another program")
    #expect(try Data(contentsOf: URL(fileURLWithPath: other)) == before)

    #expect(message { try RunStore(path: folder.path) } == "run store \(folder.path): is a folder")
    let missing = folder.file("missing.sqlite")
    #expect(message { try RunStore(path: missing, mustExist: true) }?.contains("does not exist") == true)
    #expect(!FileManager.default.fileExists(atPath: missing))
  }

  @Test func damagedFilesGiveOneLine() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("runs.sqlite")
    do {
      let store = try RunStore(path: path)
      let id = try #require(try store.add(experiment()).id)
      for seed in 0..<200 { try store.add(trial(id, "relu", seed: seed)) }
    }
    // All of the log into the file, so that the damage below hits what is read.
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    try queue.close()
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try #require(whole.count > 16_384)
    var damaged = 0
    for k in 0..<24 {
      var bytes = whole
      switch k % 3 {
      case 0: bytes = whole.prefix(whole.count * (k + 1) / 30)
      case 1: for i in stride(from: 100 + k * 37, to: bytes.count, by: 211) { bytes[i] = 0xFF }
      default:
        bytes.replaceSubrange(
          4096..<min(bytes.count, 4096 * (2 + k / 3)), with: Data(count: min(bytes.count, 4096 * (2 + k / 3)) - 4096))
      }
      let copy = folder.file("copy\(k).sqlite")
      try bytes.write(to: URL(fileURLWithPath: copy))
      let found = message {
        let store = try RunStore(path: copy, mustExist: true)
        for experiment in try store.experiments() { _ = try store.trials(of: try #require(experiment.id)) }
      }
      if let found {
        damaged += 1
        #expect(found.hasPrefix("run store \(copy): ") && !found.contains("\n"), "\(found)")
      }
    }
    #expect(damaged >= 16)
  }

  @Test func newerStoresAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("runs.sqlite")
    _ = try RunStore(path: path).add(experiment())
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 of the future')") }
    try queue.close()
    #expect(message { try RunStore(path: path) }?.contains("newer version") == true)
  }

  @Test func exportsHaveAllTrials() throws {
    let folder = try TemporaryFolder()
    let store = try RunStore(path: folder.file("runs.sqlite"))
    let id = try #require(try store.add(experiment()).id)
    try store.add(trial(id, "leaky-relu(a=1,b=\"x\")", seed: 1))
    try store.add(trial(id, "relu", seed: 2))
    let exported = try ExportedExperiment(id, from: store)
    let lines = exported.csv().components(separatedBy: "\r\n")
    #expect(lines.count == 4 && lines[3].isEmpty)
    #expect(lines[0].hasPrefix("candidate,purpose,seed,learningRate,epochs,status,testScore,"))
    #expect(lines[1].hasPrefix("\"leaky-relu(a=1,b=\"\"x\"\")\",final,1,0.01,3,finished,0.5,"))
    let object = try JSONSerialization.jsonObject(with: Data(try exported.json().utf8)) as? [String: Any]
    #expect((object?["trials"] as? [Any])?.count == 2)
  }

  private func message(_ body: () throws -> some Any) -> String? {
    do {
      _ = try body()
      return nil
    } catch {
      return "\(error)"
    }
  }
}
