import Kernels

/// The kernels on Swift arrays.
enum KernelCalls {
  /// Every instruction set that this processor has, weakest first.
  static var levels: [Int32] { Array(0...max(0, soma_cpu_level())) }

  static func atLevel<Result>(_ level: Int32, _ body: () throws -> Result) rethrows -> Result {
    soma_limit_cpu_level(level)
    defer { soma_limit_cpu_level(2) }
    return try body()
  }

  static func map<Input, Output>(
    _ map: soma_map?, _ a: [Input], _ b: [Input]? = nil, like zero: Output, count: Int? = nil
  ) -> [Output] {
    guard let map else { fatalError("no kernel") }
    var out = [Output](repeating: zero, count: count ?? a.count)
    a.withUnsafeBytes { a in
      out.withUnsafeMutableBytes { out in
        (b ?? []).withUnsafeBytes { b in
          map(out.baseAddress, a.baseAddress, b.baseAddress, nil, out.count / MemoryLayout<Output>.stride)
        }
      }
    }
    return out
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014), so that tests repeat.
struct TestNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
