import Foundation
import FuzzRuntime

/// `Fuzz READER [libFuzzer's options] [folders of seeds]`: one reader on changed files, until time is up. A reader may throw, in
/// one line; anything else (a trap, a hang, memory beyond ten times the file and a fixed base) ends the run.
enum Fuzz {
  /// What a reader may hold beside ten times its input: buffers of decompression, tables, messages.
  static let baseMemory = 64 << 20

  nonisolated(unsafe) static var reader = Reader.npy

  static func run() -> Int32 {
    let arguments = CommandLine.arguments
    guard arguments.count > 1, let reader = Reader(rawValue: arguments[1]) else {
      print("usage: Fuzz READER [options] [seeds]; readers: " + Reader.allCases.map(\.rawValue).joined(separator: " "))
      return 64
    }
    Self.reader = reader
    var remaining: [UnsafeMutablePointer<CChar>?] = ([arguments[0]] + arguments.dropFirst(2)).map { strdup($0) } + [nil]
    return remaining.withUnsafeMutableBufferPointer { buffer in
      fuzz_run(Int32(buffer.count - 1), buffer.baseAddress) { bytes, count in
        let input = bytes.map { Array(UnsafeBufferPointer(start: $0, count: count)) } ?? []
        fuzz_watch_memory()
        do {
          try Fuzz.reader.read(input)
        } catch {
          let line = "\(error)"
          guard !line.contains("\n"), line.utf8.count < 2000 else { fatalError("the message is not one line: \(line)") }
        }
        let peak = Int(fuzz_peak_memory())
        guard peak <= 10 * input.count + Fuzz.baseMemory else {
          fatalError("\(peak) bytes were held at once for a file of \(input.count)")
        }
        return 0
      }
    }
  }
}

exit(Fuzz.run())
