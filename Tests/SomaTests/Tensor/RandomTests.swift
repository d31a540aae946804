import Testing

@testable import Soma

/// Keys and the numbers drawn from them. Keys are fixed, so nothing here fails by chance; the limits are those that a
/// right generator passes with all but one key in a thousand or fewer.
@Suite struct RandomTests {
  // MARK: The cipher

  /// Threefry-2x32-20 as its paper writes it down, one block at a time.
  private static func threefry(_ key: (UInt32, UInt32), _ counter: (UInt32, UInt32)) -> (UInt32, UInt32) {
    let keys = [key.0, key.1, 0x1BD1_1BDA ^ key.0 ^ key.1]
    let rotations: [[UInt32]] = [[13, 15, 26, 6], [17, 29, 16, 24]]
    var (x, y) = (counter.0 &+ keys[0], counter.1 &+ keys[1])
    for round in 0..<5 {
      for r in rotations[round % 2] {
        x = x &+ y
        y = (y << r | y >> (32 - r)) ^ x
      }
      x = x &+ keys[(round + 1) % 3]
      y = y &+ keys[(round + 2) % 3] &+ UInt32(round + 1)
    }
    return (x, y)
  }

  /// The known answers that the authors' Random123 publishes.
  @Test func theReferenceHasThePublishedVectors() {
    #expect(Self.threefry((0, 0), (0, 0)) == (0x6b20_0159, 0x99ba_4efe))
    #expect(Self.threefry((.max, .max), (.max, .max)) == (0x1cb9_96fc, 0xbb00_2be7))
    #expect(Self.threefry((0x1319_8a2e, 0x0370_7344), (0x243f_6a88, 0x85a3_08d3)) == (0xc492_3a9c, 0x483d_f7a0))
  }

  private static func words(_ tensor: Tensor) -> [UInt32] {
    (tensor.array() as [Int32]).map { UInt32(bitPattern: $0) }
  }

  @Test func thePublishedVectorOfCounterZero() {
    #expect(Self.words(Tensor.randomBits([2], key: Key(0))) == [0x6b20_0159, 0x99ba_4efe])
  }

  @Test(arguments: [0, 1, 0x0370_7344_1319_8a2e, -1], [1, 2, 127, 128, 129, 1000, 70_001])
  func bitsAreTheCipherOfConsecutiveCounters(_ seed: Int, _ count: Int) {
    let seedWords = UInt64(bitPattern: Int64(seed))
    let key = (UInt32(truncatingIfNeeded: seedWords), UInt32(truncatingIfNeeded: seedWords >> 32))
    let expected = (0..<((count + 1) / 2)).flatMap { i -> [UInt32] in
      let (x, y) = Self.threefry(key, (UInt32(i), 0))
      return [x, y]
    }
    #expect(Self.words(Tensor.randomBits([count], key: Key(seed))) == Array(expected.prefix(count)))
  }

  // MARK: Keys

  @Test func theSameKeyGivesTheSameBits() async {
    func draw() -> [UInt8] {
      Tensor.normal([100, 30], key: Key(3)).bytes + Tensor.randomPermutation(1000, key: Key(3)).bytes
    }
    let expected = draw()
    #expect(
      compile { (x: Tensor) in Tensor.normal([100, 30], key: Key(3)) + x }(Tensor(0)).bytes
        == Array(expected.prefix(12_000)))
    await withTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<8 { group.addTask { draw() } }
      for await bytes in group { #expect(bytes == expected) }
    }
  }

  @Test func keysOfSplitsAndNumbersAndNamesAreAllDifferent() {
    let parents = [Key(0), Key(1), Key(2)]
    var keys = parents + parents.flatMap { $0.split(50) } + parents.flatMap { $0.split(7).flatMap { $0.split(7) } }
    keys += parents.flatMap { key in (-50..<50).map { key.folding($0) } }
    keys += parents.flatMap { key in ["", "a", "b", "ab", "ba", "weight", "bias"].map { key.folding($0) } }
    keys += parents.flatMap { key in (0..<10).flatMap { i in (0..<10).map { key.folding(i).folding($0 + 100) } } }
    let distinct = Set(keys.map { Self.words($0.words) })
    #expect(distinct.count == keys.count)
  }

  @Test func foldingATracedNumberIsFoldingTheNumber() {
    let drawn = compile { (step: Tensor) in Tensor.uniform([4], key: Key(7).folding(step)) }
    for step in [0, 3, 1_000_000] {
      #expect(drawn(Tensor(step, dtype: .int32)).bytes == Tensor.uniform([4], key: Key(7).folding(step)).bytes)
    }
  }

  /// Streams of related keys do not go together: each correlation has the deviation 1/√n.
  @Test func streamsOfRelatedKeysAreIndependent() {
    let parent = Key(11)
    let keys = [parent] + parent.split(6) + (0..<6).map { parent.folding($0) } + [Key(12), parent.folding("x")]
    let n = 20_000
    let streams = Tensor.stack(keys.map { Tensor.normal([n], key: $0, dtype: .float64) })
    let correlations = streams.matmul(streams.T) / n
    for i in keys.indices {
      for j in 0..<i {
        let r = correlations[i, j].scalar
        #expect(abs(r) < 4.5 / Double(n).squareRoot(), "streams \(i) and \(j): \(r)")
      }
    }
  }

  // MARK: Distributions

  /// The largest distance between the empirical distribution and `cdf` (Kolmogorov & Smirnov), times √n.
  private static func distance(_ sample: Tensor, _ cdf: (Tensor) -> Tensor) -> Double {
    let n = sample.count
    let ideal = cdf(sample.cast(to: .float64).sorted(0))
    let steps = Tensor.iota([n], dtype: .float64)
    let gap = (ideal - steps / n).abs().maximum(((steps + 1) / n - ideal).abs())
    return gap.max().scalar * Double(n).squareRoot()
  }
  /// Exceeded by one key in a thousand.
  private static let limit = 1.95

  private static func normalDistribution(_ x: Tensor) -> Tensor { (x * -0.5.squareRoot()).erfc() * 0.5 }

  @Test(arguments: [DType.float32, .float64])
  func uniformNumbers(_ dtype: DType) {
    let x = Tensor.uniform([100_000], low: -2, high: 3, key: Key(1), dtype: dtype)
    #expect(x.dtype == dtype && x.min().scalar >= -2 && x.max().scalar < 3)
    #expect(Self.distance(x) { ($0 + 2) / 5 } < Self.limit)
    // Neighbours in the stream do not go together.
    let centered = (x.cast(to: .float64) - 0.5) / (25.0 / 12).squareRoot()
    for lag in [1, 2, 64, 128] {
      let r = (centered[lag...] * centered[..<(100_000 - lag)]).mean().scalar
      #expect(abs(r) < 4 / 100_000.0.squareRoot(), "lag \(lag): \(r)")
    }
  }

  @Test func uniformNumbersReachZeroAndNeverOne() {
    let x = Tensor.uniform([1 << 22], key: Key(2))
    #expect(x.min().scalar >= 0 && x.min().scalar < 1e-5)
    #expect(x.max().scalar < 1 && x.max().scalar > 1 - 1e-5)
  }

  @Test(arguments: [DType.float32, .float64])
  func normalNumbers(_ dtype: DType) {
    let x = Tensor.normal([100_000], mean: 1, deviation: 2, key: Key(3), dtype: dtype)
    #expect(x.dtype == dtype && x.isFinite().all().item())
    #expect(Self.distance(x) { Self.normalDistribution(($0 - 1) / 2) } < Self.limit)
    let z = (x.cast(to: .float64) - 1) / 2
    let n = 100_000.0
    #expect(abs(z.mean().scalar) < 4 / n.squareRoot())
    #expect(abs(z.squared().mean().scalar - 1) < 4 * (2 / n).squareRoot())
    #expect(abs(z.power(3).mean().scalar) < 4 * (15 / n).squareRoot())
    #expect(abs(z.power(4.0).mean().scalar - 3) < 4 * (96 / n).squareRoot())
  }

  @Test func truncatedNormalNumbers() {
    let x = Tensor.truncatedNormal([100_000], deviation: 0.5, key: Key(4), dtype: .float64)
    // Cut at two deviations of the normal numbers, whose own deviation is 0.5 / 0.8796.
    let scale = 0.5 / 0.8796256610342398
    #expect(x.abs().max().scalar <= 2 * scale && x.abs().max().scalar > 1.99 * scale)
    #expect(abs(x.standardDeviation().scalar - 0.5) < 0.5 * 4 * (0.5 / 100_000).squareRoot())
    let mass = 0.9544997361036416
    #expect(Self.distance(x) { (Self.normalDistribution($0 / scale) - (1 - mass) / 2) / mass } < Self.limit)
  }

  @Test func exponentialAndGumbelNumbers() {
    let exponential = Tensor.exponential([100_000], key: Key(5), dtype: .float64)
    #expect(exponential.min().scalar >= 0)
    #expect(Self.distance(exponential) { -(-$0).expm1() } < Self.limit)
    let gumbel = Tensor.gumbel([100_000], key: Key(6), dtype: .float64)
    #expect(gumbel.isFinite().all().item())
    #expect(Self.distance(gumbel) { (-(-$0).exp()).exp() } < Self.limit)
  }

  /// Σ (observed - expected)² / expected.
  private static func chiSquared(_ observed: Tensor, _ expected: Tensor) -> Double {
    let (o, e) = (observed.cast(to: .float64), expected.cast(to: .float64))
    return ((o - e).squared() / e).sum().scalar
  }

  @Test func classesComeAsOftenAsTheirProbabilities() {
    let logits = Tensor([0.0, 1, -2, 0.5, -.infinity])
    let n = 50_000
    let draws = Tensor.categorical(logits: logits.broadcast(to: [n, 5]), key: Key(7))
    #expect(draws.shape == [n] && draws.dtype == .int32)
    let counts = draws.oneHot(5, dtype: .float64).sum([0])
    #expect(counts[4].scalar == 0)
    // 16.3 is exceeded by one key in a thousand, three degrees of freedom.
    #expect(Self.chiSquared(counts[..<4], logits.softmax()[..<4] * n) < 16.3)
  }

  @Test func integersOfARange() {
    let draws = Tensor.randomIntegers([60_000], in: -3..<7, key: Key(8))
    #expect(draws.dtype == .int32 && draws.min().item() == -3 && draws.max().item() == 6)
    let counts = (draws + 3).oneHot(10, dtype: .float64).sum([0])
    // 27.9: one key in a thousand, nine degrees of freedom.
    #expect(Self.chiSquared(counts, Tensor.full([10], 6000, dtype: .float64)) < 27.9)
  }

  @Test func coins() {
    let fair = Tensor.bernoulli(0.3, [100_000], key: Key(9))
    #expect(fair.dtype == .bool)
    #expect(abs(fair.mean().scalar - 0.3) < 4 * (0.21 / 100_000).squareRoot())
    let each = Tensor.bernoulli(Tensor([0, 1, 0.5] as [Float]).broadcast(to: [1000, 3]), key: Key(10)).sum([0])
    #expect(each[0].scalar == 0 && each[1].scalar == 1000 && abs(each[2].scalar - 500) < 64)
  }

  @Test func permutations() {
    for count in [0, 1, 2, 1000] {
      let order: [Int] = Tensor.randomPermutation(count, key: Key(count)).array()
      #expect(order.sorted() == Array(0..<count))
    }
    // Each number comes to each place equally often.
    let n = 5
    var counts = [Int](repeating: 0, count: n * n)
    for key in Key(11).split(2000) {
      let order: [Int] = Tensor.randomPermutation(n, key: key).array()
      for (place, value) in order.enumerated() { counts[place * n + value] += 1 }
    }
    // Places and values: (n - 1)² degrees of freedom.
    let sum = Self.chiSquared(Tensor(counts), Tensor.full([n * n], 400, dtype: .float64)) * Double(n - 1) / Double(n)
    #expect(sum < 39.3)
  }
}
