/// A small linear congruential generator (Knuth's MMIX constants), so that failures repeat.
struct LinearRandom {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493 }

  mutating func bits() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }

  /// Uniform in -1 ..< 1.
  mutating func unit() -> Double { Double(bits()) / Double(UInt64(1) << 30) - 1 }

  mutating func doubles(_ count: Int) -> [Double] { (0..<count).map { _ in unit() } }
  mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float(unit()) } }
  /// Large enough that products of two overflow.
  mutating func int32s(_ count: Int) -> [Int32] { (0..<count).map { _ in Int32(truncatingIfNeeded: bits() << 1) } }
  mutating func int64s(_ count: Int) -> [Int64] {
    (0..<count).map { _ in Int64(bitPattern: bits() << 40 ^ bits() << 11 ^ bits()) }
  }
}

/// max |a - b| / max |b|.
func relativeDifference(_ a: [Double], _ b: [Double]) -> Double {
  precondition(a.count == b.count)
  let scale = b.reduce(0) { max($0, abs($1)) }
  let difference = zip(a, b).reduce(0) { $1.0.isNaN || $1.1.isNaN ? .infinity : max($0, abs($1.0 - $1.1)) }
  return scale == 0 ? difference : difference / scale
}
