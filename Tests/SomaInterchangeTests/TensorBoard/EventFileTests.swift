import Foundation
import Testing

@testable import SomaInterchange

@Suite struct EventFileTests {
  private func temporaryFolder() throws -> String {
    let path = NSTemporaryDirectory() + "/soma-events-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
  }

  /// Records that the package `tensorboard` wrote (Tests/Golden/make_tensorboard_golden.py).
  static let golden = [
    "version": "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9",
    "scalars":
      "3f00000000000000516576610900006040fc54d94110072a320a1a0a1361636375726163792f76616c69646174696f6e150000783f0a140a0d6c6f73732f747261696e696e6715cdcccc3d3beb6f18",
    "histogram":
      "6c00000000000000f5dab0d70900008040fc54d94110ac022a5e0a5c0a07776569676874732a5109000000000000f0bf110000000000000840190000000000001440210000000000001040290000000000002c403210000000000000f03f00000000000008403a100000000000000840000000000000004013223ec7",
    "image":
      "2600000000000000734fe300090000c040fc54d94110012a190a170a0770696374757265220c080210031801220489504e477e74afab",
  ]

  @Test func recordsAreThoseOfTheReferenceWriter() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func time(_ seconds: Double) -> Date { Date(timeIntervalSince1970: seconds) }
    let file = try EventFile(in: folder, at: time(1_700_000_000.25))
    try file.write(["loss/training": 0.1, "accuracy/validation": 0.96875], step: 7, at: time(1_700_000_001.5))
    let histogram = try #require(EventHistogram([-1, 0, 0, 2, 3], buckets: 2))
    try file.write(["weights": histogram], step: 300, at: time(1_700_000_002))
    try file.write(
      png: [0x89, 0x50, 0x4E, 0x47], width: 3, height: 2, channels: 1, as: "picture", step: 1,
      at: time(1_700_000_003))
    let wanted = ["version", "scalars", "histogram", "image"].compactMap { Self.golden[$0] }.joined()
    #expect(hex(try Data(contentsOf: URL(fileURLWithPath: file.path))) == wanted)
  }

  /// The check value of CRC-32C, the vectors of RFC 3720 (B.4), and masked ones of the package `tensorboard`.
  @Test func checksums() {
    #expect(RecordChecksum.crc32c("123456789".utf8) == 0xE306_9283)
    #expect(RecordChecksum.crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(RecordChecksum.crc32c([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(RecordChecksum.crc32c((0..<32).map(UInt8.init)) == 0x46DD_794E)
    #expect(RecordChecksum.crc32c((0..<32).reversed().map(UInt8.init)) == 0x113F_DB5C)
    #expect(RecordChecksum.masked([]) == 0xA282_EAD8)
    #expect(RecordChecksum.masked("a".utf8) == 0x28E4_6E78)
    #expect(RecordChecksum.masked((0...255).map(UInt8.init)) == 0xD31A_2360)
  }

  @Test func histogramsHoldEveryFiniteNumberOnce() throws {
    let values = (0..<1000).map { sin(Double($0)) * 3 } + [.nan, .infinity]
    let histogram = try #require(EventHistogram(values))
    #expect(histogram.count == 1000 && histogram.counts.reduce(0, +) == 1000 && histogram.edges.count == 30)
    #expect(histogram.edges == histogram.edges.sorted() && histogram.edges.last == histogram.maximum)
    var below = 0
    for (edge, count) in zip(histogram.edges, histogram.counts) {
      below += count
      let counted = values.count { $0 <= edge + 1e-12 }
      #expect(abs(below - counted) <= 1)
    }
    #expect(EventHistogram([Double.nan]) == nil && EventHistogram([]) == nil)
    #expect(EventHistogram([2, 2])?.counts == [2])
    #expect(EventHistogram([-1e308, 1e308])?.counts.reduce(0, +) == 2)
  }

  @Test func runsHaveFoldersOfTheirOwn() throws {
    let path = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = try EventFolder(path + "/new/events")
    let names = [["a/b"], ["a%2Fb"], ["..", "x"], ["", "y\n"], ["a", "b"]]
    let files = try names.map { try folder.run($0) }
    #expect(Set(files.map(\.path)).count == names.count)
    #expect(files.allSatisfy { $0.path.hasPrefix(path + "/new/events/") && !$0.path.contains("/../") })
    #expect(try folder.run(["a/b"]) === files[0])

    let again = try EventFolder(path + "/new/events")
    #expect(again.hasEarlier(["a/b"]) && !again.hasEarlier(["c"]))
    let other = try again.run(["a/b"])
    #expect(other.path != files[0].path && FileManager.default.fileExists(atPath: files[0].path))
    let alone = try again.run(["a/b"], replacesEarlier: true)
    let left = try FileManager.default.contentsOfDirectory(atPath: (alone.path as NSString).deletingLastPathComponent)
    #expect(left.count == 1)
  }

  @Test func whatCannotBeWrittenIsOneLine() throws {
    let path = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data().write(to: URL(fileURLWithPath: path + "/file"))
    let error = try #require(throws: EventFileError.self) { try EventFolder(path + "/file") }
    #expect(error.description.hasSuffix("is a file; --tensorboard wants a folder"))
    #expect(throws: EventFileError.self) { try EventFolder(path + "/file/below") }
    #expect(throws: EventFileError.self) { try EventFile(in: path + "/file/below") }
  }
}
