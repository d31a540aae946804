import Foundation
import Soma
import SomaData
import Testing

/// The files that `Tests/Golden/make-data-fixtures.py` wrote.
enum Golden {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Golden/data").path

  static func path(_ name: String) -> String { "\(directory)/\(name)" }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }
}

/// A folder that is gone when the body is done.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("soma-data-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

func write(_ bytes: some Sequence<UInt8>, _ path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

func bigEndian(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }

func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  (0..<MemoryLayout<Number>.size).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}

extension [UInt8] {
  /// The bytes with those from `offset` on replaced.
  func patched(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
    var result = self
    result.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    return result
  }

  /// Where `pattern` first stands.
  func position(of pattern: [UInt8]) -> Int {
    (0...count - pattern.count).first { Array(self[$0..<$0 + pattern.count]) == pattern }!
  }

  func position(of pattern: String) -> Int { position(of: Array(pattern.utf8)) }
}

/// A damaged file and what must be said of it.
struct Damage {
  var what: String
  var bytes: [UInt8]
  var message: String

  init(_ what: String, _ bytes: [UInt8], _ message: String) {
    self.what = what
    self.bytes = bytes
    self.message = message
  }

  init(_ what: String, _ text: String, _ message: String) {
    self.init(what, Array(text.utf8), message)
  }
}

/// Decodes each damaged file and asserts that it is refused with one line that names the file and says what is wrong, and
/// that memory did not follow its claims.
func expectRefused<Value>(
  _ damages: [Damage], as file: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ decode: ([UInt8]) throws -> Value
) {
  #expect(damages.count >= 20, "at least 20 damaged files", sourceLocation: sourceLocation)
  let before = peakMemory()
  for damage in damages {
    do {
      _ = try decode(damage.bytes)
      Issue.record("\(damage.what): accepted", sourceLocation: sourceLocation)
    } catch let error as DataError {
      let text = error.description
      #expect(text.hasPrefix(file), "\(damage.what): \(text)", sourceLocation: sourceLocation)
      #expect(text.contains(damage.message), "\(damage.what): \(text)", sourceLocation: sourceLocation)
      #expect(!text.contains(where: \.isNewline) && text.count < 300, "\(damage.what)", sourceLocation: sourceLocation)
    } catch {
      Issue.record("\(damage.what): \(error)", sourceLocation: sourceLocation)
    }
  }
  // False sizes in these tests claim 4 GiB and more; other tests that run beside this one take far less.
  #expect(peakMemory() - before < 2 << 30, sourceLocation: sourceLocation)
}

/// The files cut off at each of up to 40 places, all to be refused.
func truncations(_ bytes: [UInt8], _ message: String = ": ") -> [Damage] {
  let step = Swift.max(1, bytes.count / 40)
  return stride(from: 0, to: bytes.count, by: step).map { Damage("cut at \($0)", Array(bytes[..<$0]), message) }
}

/// Decodes files with 1 to 8 random bytes changed; some are still valid, none may do worse than throw a `DataError`.
func fuzz<Value>(
  _ bytes: [UInt8], rounds: Int, sourceLocation: SourceLocation = #_sourceLocation, _ decode: ([UInt8]) throws -> Value
) {
  var generator = SeededGenerator(seed: 7)
  for round in 0..<rounds {
    var changed = bytes
    for _ in 0...generator.below(8) { changed[generator.below(changed.count)] = UInt8(generator.below(256)) }
    do {
      _ = try decode(changed)
    } catch is DataError {
    } catch {
      Issue.record("round \(round): \(error)", sourceLocation: sourceLocation)
    }
  }
}

/// The most memory that this process has had, in bytes.
private func peakMemory() -> Int {
  var usage = rusage()
  #if canImport(Glibc)
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  #else
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #endif
}
