import Foundation
import SomaData

enum Resource {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Resources/\(name)").path
  }

  static func bytes(_ name: String) throws -> [UInt8] { try readFile(path(name)) }

  /// Damaged copies of a file: cut short, single bits changed, runs set to zero or to ones, places exchanged.
  static func damaged(_ bytes: [UInt8]) -> [[UInt8]] {
    var found: [[UInt8]] = []
    for i in 0..<40 { found.append(Array(bytes.prefix(bytes.count * i / 40))) }
    var state: UInt64 = 88_172_645_463_325_252
    func next(_ limit: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(limit))
    }
    for _ in 0..<300 {
      var copy = bytes
      // Headers come first or last, so those are hit most often.
      let place = [next(copy.count), next(min(200, copy.count)), copy.count - 1 - next(min(200, copy.count))][next(3)]
      switch next(4) {
      case 0: copy[place] ^= 1 << UInt8(next(8))
      case 1: for i in place..<min(copy.count, place + 4) { copy[i] = 0xff }
      case 2: for i in place..<min(copy.count, place + 8) { copy[i] = 0 }
      default: copy.swapAt(place, next(copy.count))
      }
      found.append(copy)
    }
    return found
  }

  /// Reads every damaged copy: it may succeed where only numbers changed, or throw one line; it does not trap.
  static func errors(_ bytes: [UInt8], _ read: ([UInt8]) throws -> Void) -> [String] {
    damaged(bytes).compactMap { copy in
      do {
        try read(copy)
        return nil
      } catch {
        return "\(error)"
      }
    }
  }
}
