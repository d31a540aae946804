import Foundation
import Soma

/// SplitMix64: the value at counter `i` is a mixing function of `seed + (i + 1) γ`, so any value can be had without
/// those before it, and the same seed gives the same bits everywhere.
///
/// Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// The generator of a sub-stream: of one epoch, of one sample. Streams of different numbers are independent.
  public init(seed: UInt64, stream: UInt64...) {
    state = stream.reduce(seed) { Self.mix(Self.mix($0 &+ Self.gamma) ^ ($1 &* Self.gamma)) }
  }

  private static let gamma: UInt64 = 0x9E37_79B9_7F4A_7C15

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  public mutating func next() -> UInt64 {
    state &+= Self.gamma
    return Self.mix(state)
  }

  /// A number from `0 ..< bound`, without bias (Lemire 2019, arXiv:1805.10941).
  public mutating func below(_ bound: Int) -> Int {
    require(bound > 0, "a random number below \(bound) does not exist")
    let bound = UInt64(bound)
    let threshold = (0 &- bound) % bound
    while true {
      let (high, low) = next().multipliedFullWidth(by: bound)
      if low >= threshold { return Int(high) }
    }
  }

  /// A number from `[0, 1)` with 24 random bits.
  public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A number from the standard normal distribution (Box, Muller 1958).
  public mutating func normal() -> Float {
    let radius = (-2 * log(1 - Double(uniform()))).squareRoot()
    return Float(radius * cos(2 * Double.pi * Double(uniform())))
  }

  /// The numbers `0 ..< count` in random order (Fisher–Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var result = Array(0..<count)
    shuffle(&result)
    return result
  }

  /// Puts `values` in random order. Unlike the standard library's, this order is part of the contract.
  public mutating func shuffle<Element>(_ values: inout [Element]) {
    guard values.count > 1 else { return }
    for i in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(i, below(i + 1)) }
  }
}
