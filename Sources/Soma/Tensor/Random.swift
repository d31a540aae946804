/// A source of randomness that is split, never changed: the same key gives the same bits on any number of threads.
/// Counter-based, Threefry-2x32-20 (Salmon, Moraes, Dror, Shaw 2011).
public struct Key: Sendable {
  /// Two `int32` words.
  public let words: Tensor

  public init(words: Tensor) {
    require(words.type == TensorType(shape: [2], dtype: .int32), "a key is two int32 words, not \(words.type)")
    self.words = words
  }

  public init(_ seed: UInt64) {
    words = Tensor([Int32(truncatingIfNeeded: seed), Int32(truncatingIfNeeded: seed >> 32)])
  }
  public init(_ seed: Int) { self.init(UInt64(bitPattern: Int64(seed))) }

  /// Independent keys.
  public func split(_ count: Int = 2) -> [Key] {
    let words = emit(.randomBits([count, 2]), self.words)
    return (0..<count).map { Key(words: words.slice(0, $0..<($0 + 1)).reshape([2])) }
  }

  /// The key that belongs to a number, which may be traced (a step counter, an index).
  public func folding(_ number: Tensor) -> Key {
    // Enciphered first: small seeds beside small numbers would otherwise meet, as 0 ^ 1 and 1 ^ 0.
    let words = emit(.randomBits([2]), self.words)
    let tweak = Tensor.concatenate([number.reshape([1]).cast(to: .int32), Tensor([Int32(0x5bd1)])])
    return Key(words: emit(.randomBits([2]), words .^ tweak))
  }
  public func folding(_ number: Int) -> Key { folding(Tensor([Int32(truncatingIfNeeded: number)])) }
  /// The key that belongs to a name.
  public func folding(_ name: String) -> Key {
    // FNV-1a; Swift's own hash differs from run to run.
    folding(
      Int(
        truncatingIfNeeded: name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
          >> 16))
  }
}

extension Tensor {
  /// Uniform 32-bit words as `int32`.
  public static func randomBits(_ shape: Shape, key: Key) -> Tensor { emit(.randomBits(shape), key.words) }

  /// Uniform numbers in [low, high); multiples of 2⁻²⁴ (2⁻⁵³ for `float64`) of the range.
  public static func uniform(
    _ shape: Shape, low: Double = 0, high: Double = 1, key: Key, dtype: DType = .float32
  ) -> Tensor {
    let unit = unitUniform(shape, key, dtype)
    return low == 0 && high == 1 ? unit : unit * (high - low) + low
  }

  private static func unitUniform(_ shape: Shape, _ key: Key, _ dtype: DType) -> Tensor {
    if dtype == .float64 {
      let pair = randomBits([2] + shape, key: key)
      let high =
        pair.slice(0, 0..<1).reshape(shape).shiftedRight(Tensor(5, dtype: .int32))
        .& Tensor(Int32(0x7ff_ffff), dtype: .int32)
      let low =
        pair.slice(0, 1..<2).reshape(shape).shiftedRight(Tensor(6, dtype: .int32))
        .& Tensor(Int32(0x3ff_ffff), dtype: .int32)
      return (high.cast(to: .float64) * 67_108_864 + low.cast(to: .float64)) * 0x1p-53
    }
    let bits =
      randomBits(shape, key: key).shiftedRight(Tensor(8, dtype: .int32)) .& Tensor(Int32(0xff_ffff), dtype: .int32)
    return (bits.cast(to: .float32) * 0x1p-24).cast(to: dtype)
  }

  /// Normal numbers, by the inverse distribution function.
  public static func normal(
    _ shape: Shape, mean: Double = 0, deviation: Double = 1, key: Key, dtype: DType = .float32
  ) -> Tensor {
    // Odd multiples of half a step: symmetric, never ±1.
    let step = dtype == .float64 ? 0x1p-53 : 0x1p-24
    let centered = (unitUniform(shape, key, dtype == .float64 ? .float64 : .float32) - 0.5) * 2 + step
    let standard = (centered.erfInverse() * 2.0.squareRoot()).cast(to: dtype)
    return mean == 0 && deviation == 1 ? standard : standard * deviation + mean
  }

  /// Normal numbers within two deviations of zero, scaled so that the deviation is `deviation`.
  public static func truncatedNormal(_ shape: Shape, deviation: Double = 1, key: Key, dtype: DType = .float32) -> Tensor
  {
    let mass = 0.9544997361036416  // P(|z| < 2)
    let spread = 0.8796256610342398  // the deviation of z given |z| < 2
    let u = (unitUniform(shape, key, dtype) - 0.5) * (2 * mass)
    return u.erfInverse() * (2.0.squareRoot() * deviation / spread)
  }

  /// True with a probability, which may be a tensor.
  public static func bernoulli(_ probability: Double, _ shape: Shape, key: Key) -> Tensor {
    uniform(shape, key: key) .< probability
  }
  public static func bernoulli(_ probability: Tensor, key: Key) -> Tensor {
    uniform(probability.shape, key: key, dtype: probability.dtype) .< probability
  }

  /// Uniform integers in a range.
  public static func randomIntegers(_ shape: Shape, in range: Range<Int>, key: Key, dtype: DType = .int32) -> Tensor {
    require(!range.isEmpty && range.count < 1 << 31, "randomIntegers wants a non-empty range below 2³¹")
    let unit = unitUniform(shape, key, .float64)
    return (unit * Double(range.count)).floor().cast(to: dtype) + range.lowerBound
  }

  /// Standard exponential numbers.
  public static func exponential(_ shape: Shape, key: Key, dtype: DType = .float32) -> Tensor {
    -(-unitUniform(shape, key, dtype)).log1p()
  }
  /// Standard Gumbel numbers.
  public static func gumbel(_ shape: Shape, key: Key, dtype: DType = .float32) -> Tensor {
    let step = dtype == .float64 ? 0x1p-54 : 0x1p-25
    return -(-(unitUniform(shape, key, dtype) + step).log()).log()
  }
  /// Class indices drawn from unnormalized log-probabilities over the last axis.
  public static func categorical(logits: Tensor, key: Key) -> Tensor {
    (logits + gumbel(logits.shape, key: key, dtype: logits.dtype)).argMax(-1)
  }
  /// 0 ..< count in random order, `int32`.
  public static func randomPermutation(_ count: Int, key: Key) -> Tensor {
    uniform([count], key: key, dtype: .float64).argSort()
  }
}
