import Foundation
import Soma
import SomaData
import Testing

@testable import SomaInterchange

/// The standard's node tests, one for each operator; `soma onnx conformance` runs all.
@Suite struct ONNXTests {
  private static func unpacked() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    for entry in try Zip.read(try Resource.bytes("onnx-node-tests.zip"), file: "onnx-node-tests.zip", limit: 1 << 26) {
      let target = folder.appendingPathComponent(entry.name)
      try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(entry.bytes).write(to: target)
    }
    return folder
  }

  @Test func nodeTestsPass() throws {
    let folder = try Self.unpacked()
    defer { try? FileManager.default.removeItem(at: folder) }
    var passed = 0
    var inScope = 0
    for name in try ONNXConformance.tests(in: folder.path) {
      let outcome = ONNXConformance.run(name, in: folder.path)
      if outcome.isInScope { inScope += 1 }
      switch outcome.verdict {
      case .passed: passed += 1
      case .failed(let reason): Issue.record("\(name): \(reason)")
      case .notSupported: continue
      }
    }
    #expect(inScope > 100 && Double(passed) > 0.95 * Double(inScope), "\(passed) of \(inScope)")
  }

  /// A model with other numbers or without some bytes is refused, or computes something; nothing traps.
  @Test func damagedModels() throws {
    let folder = try Self.unpacked()
    defer { try? FileManager.default.removeItem(at: folder) }
    var errors: [String] = []
    var count = 0
    for name in try ONNXConformance.tests(in: folder.path) where count < 60 {
      let bytes = try readFile(folder.appendingPathComponent("\(name)/model.onnx").path)
      guard bytes.count < 400 else { continue }
      count += 1
      for copy in Resource.damaged(bytes).enumerated().filter({ $0.offset % 9 == 0 }).map(\.element) {
        do {
          let model = try ONNXModel.decode(copy, file: "x")
          _ = try model.network()
        } catch {
          errors.append("\(error)")
        }
      }
    }
    #expect(count == 60 && errors.count > 500)
    for error in errors { #expect(!error.contains("\n"), "\(error)") }
  }
}
