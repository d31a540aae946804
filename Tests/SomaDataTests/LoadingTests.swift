import Soma
import SomaData
import Synchronization
import Testing

@Suite struct SeededGeneratorTests {
  /// The reference values of SplitMix64 with seed 1234567 (Vigna's `splitmix64.c`).
  @Test func matchesPublishedValues() {
    var generator = SeededGenerator(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
      16_408_922_859_458_223_821,
    ]
    #expect((0..<5).map { _ in generator.next() } == expected)
  }

  @Test func drawsAreUniform() {
    var generator = SeededGenerator(seed: 1)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[generator.below(7)] += 1 }
    // χ² with 6 degrees of freedom is below 22.5 with probability 0.999.
    #expect(counts.reduce(0.0) { $0 + (Double($1) - 10_000) * (Double($1) - 10_000) / 10_000 } < 22.5)
    let normal = (0..<40_000).map { _ in Double(generator.normal()) }
    let mean = normal.reduce(0, +) / 40_000
    #expect(abs(mean) < 4 / 200 && abs(normal.reduce(0) { $0 + $1 * $1 } / 40_000 - 1) < 4 * 2.0.squareRoot() / 200)
    #expect(generator.permutation(50).sorted() == Array(0..<50))
    #expect(SeededGenerator(seed: 1, stream: 2).first(3) != SeededGenerator(seed: 1, stream: 3).first(3))
    #expect(SeededGenerator(seed: 1, stream: 2, 3).first(3) != SeededGenerator(seed: 1, stream: 3, 2).first(3))
  }
}

extension SeededGenerator {
  fileprivate func first(_ count: Int) -> [UInt64] {
    var copy = self
    return (0..<count).map { _ in copy.next() }
  }
}

@Suite struct DataLoaderTests {
  static let data = LabeledData(
    name: "t", values: (0..<100).map { Float($0) }, sampleShape: [1, 2, 5],
    target: .classes(labels: (0..<10).map { Int32($0 % 3) }, names: ["a", "b", "c"]))

  static func all(_ loader: DataLoader, epoch: Int = 0, from start: Int = 0) throws -> [Batch] {
    let batches = loader.epoch(epoch, startingAt: start)
    var result = [Batch]()
    while let batch = try batches.next() { result.append(batch) }
    return result
  }

  @Test func everySampleComesOnceWithItsTarget() throws {
    for prefetch in [0, 1, 3, 20] {
      let batches = try Self.all(DataLoader(Self.data, batchSize: 3, seed: 5, prefetch: prefetch))
      #expect(batches.map(\.count) == [3, 3, 3, 1])
      #expect(batches.flatMap(\.indices).sorted() == Array(0..<10))
      for batch in batches {
        #expect(batch.features.shape == [batch.count, 1, 2, 5])
        #expect(batch.features.floats == batch.indices.flatMap { i in (0..<10).map { Float(i * 10 + $0) } })
        #expect(batch.targets.ints == batch.indices.map { $0 % 3 })
      }
    }
  }

  @Test func theSeedDecidesTheOrder() throws {
    let loader = DataLoader(Self.data, batchSize: 4, seed: 5)
    let order = try Self.all(loader).flatMap(\.indices)
    #expect(order == loader.order(epoch: 0) && order != Array(0..<10))
    #expect(try Self.all(DataLoader(Self.data, batchSize: 3, seed: 5, prefetch: 7)).flatMap(\.indices) == order)
    #expect(loader.order(epoch: 1) != order)
    #expect(DataLoader(Self.data, batchSize: 4, seed: 6).order(epoch: 0) != order)
    #expect(try Self.all(DataLoader(Self.data, batchSize: 4)).flatMap(\.indices) == Array(0..<10))
    #expect(try Self.all(loader, from: 1).flatMap(\.indices) == Array(order[4...]))
    let dropping = DataLoader(Self.data, batchSize: 4, dropsLast: true)
    #expect(try dropping.batchCount == 2 && Self.all(dropping).count == 2)
  }

  struct Recording: Dataset {
    let count = 12

    final class Shared: Sendable {
      let total = Mutex(0)
    }
    let shared = Shared()

    func batch(of indices: [Int]) throws -> Batch {
      shared.total.withLock { $0 += 1 }
      if indices.contains(5) { throw DataError("sample 5", "is damaged") }
      return Batch(features: Tensor(indices.map { Float($0) }), targets: Tensor(indices), indices: indices)
    }
    init() {}
  }

  @Test func subsetsAndTransformsStream() throws {
    let odd = DatasetSubset(Self.data, [7, 5, 3])
    let map = Standardization(fitting: Self.data, axis: .feature)
    let mapped = TransformedDataset(odd) { batch in
      var batch = batch
      batch.features = Tensor(map.apply(to: batch.features.floats), shape: batch.features.shape)
      return batch
    }
    let batches = try Self.all(DataLoader(mapped, batchSize: 2))
    #expect(batches.map(\.indices) == [[0, 1], [2]] && batches[0].targets.ints == [1, 2])
    #expect(batches[1].features.floats == Array(map.apply(to: Self.data).values[30..<40]))
  }

  @Test func aFaultArrivesInItsPlace() throws {
    let batches = DataLoader(Recording(), batchSize: 2, prefetch: 3).epoch(0)
    #expect(try batches.next()?.indices == [0, 1])
    #expect(try batches.next()?.indices == [2, 3])
    #expect(throws: DataError("sample 5", "is damaged")) { try batches.next() }
    #expect(try batches.next()?.indices == [6, 7])
    #expect(batches.remaining == 2)
  }

  @Test func noMoreIsPreparedThanAsked() throws {
    let dataset = Recording()
    let batches = DataLoader(dataset, batchSize: 1, prefetch: 2).epoch(0)
    for i in 1...3 {
      _ = try batches.next()
      #expect(dataset.shared.total.withLock { $0 } <= i + 2)
    }
  }

  @Test func augmentationDependsOnSeedEpochAndSampleAlone() throws {
    let augmentations: [any Augmentation] = [RandomFlip(), RandomCrop(padding: 1), GaussianNoise(deviation: 0.1)]
    func values(batchSize: Int, epoch: Int = 0, seed: UInt64 = 5, prefetch: Int = 2) throws -> [Int: [Float]] {
      let loader = DataLoader(
        Self.data, batchSize: batchSize, seed: seed, augmentations: augmentations, prefetch: prefetch)
      var result = [Int: [Float]]()
      for batch in try Self.all(loader, epoch: epoch) {
        let floats = batch.features.floats
        for (row, index) in batch.indices.enumerated() { result[index] = Array(floats[row * 10..<row * 10 + 10]) }
      }
      return result
    }
    let first = try values(batchSize: 3)
    #expect(try values(batchSize: 7, prefetch: 0) == first)
    #expect(try values(batchSize: 3, epoch: 1) != first)
    #expect(try values(batchSize: 3, seed: 6) != first)
  }

  @Test func augmentationsDoWhatTheySay() {
    let shape: Shape = [2, 2, 3]
    let values = (1...12).map { Float($0) }
    var generator = SeededGenerator(seed: 0)
    var flipped = values
    RandomFlip(probability: 1).apply(to: &flipped, shape: shape, using: &generator)
    #expect(flipped == [3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10])
    var kept = values
    RandomFlip(probability: 0).apply(to: &kept, shape: shape, using: &generator)
    RandomCrop(padding: 0).apply(to: &kept, shape: shape, using: &generator)
    #expect(kept == values)
    // Every shift of the picture by up to one pixel, and nothing else.
    func shifted(_ down: Int, _ right: Int) -> [Float] {
      var result = [Float]()
      for plane in 0..<2 {
        for y in 0..<2 {
          for x in 0..<3 {
            let inside = (0..<2).contains(y + down) && (0..<3).contains(x + right)
            result.append(inside ? values[plane * 6 + (y + down) * 3 + x + right] : 0)
          }
        }
      }
      return result
    }
    let expected = Set((-1...1).flatMap { down in (-1...1).map { shifted(down, $0) } })
    var seen = Set<[Float]>()
    for _ in 0..<300 {
      var cropped = values
      RandomCrop(padding: 1).apply(to: &cropped, shape: shape, using: &generator)
      seen.insert(cropped)
    }
    #expect(seen == expected)
    for _ in 0..<50 {
      var cut = [Float](repeating: 1, count: 64)
      Cutout(size: 3).apply(to: &cut, shape: [8, 8], using: &generator)
      #expect([4, 6, 9].contains(cut.count { $0 == 0 }))
    }
    var noisy = [Float](repeating: 0, count: 10_000)
    GaussianNoise(deviation: 2).apply(to: &noisy, shape: [1, 100, 100], using: &generator)
    let variance = noisy.reduce(0.0) { $0 + Double($1) * Double($1) } / 10_000
    #expect(abs(variance - 4) < 4 * 4 * 2.0.squareRoot() / 100)
  }
}

@Suite struct DataErrorTests {
  @Test func printsAsOneLine() {
    #expect(DataError("a.csv", "is empty").description == "a.csv: is empty")
    #expect(DataError("a", at: .byte(7), "x").description == "a, byte 7: x")
    #expect(DataError("a", at: .cell(line: 2, column: "p\nq"), "x").description == "a, line 2, column \"p\\nq\": x")
    #expect(DataError("a\u{1B}[31m\n", at: .line(3), "x\ry").description == "a\\u{1B}[31m\\n, line 3: x\\ry")
    let long = DataError("a", at: .entry(String(repeating: "n", count: 100), byte: 3), "x").description
    #expect(long == "a, entry \"" + String(repeating: "n", count: 40) + "…\", byte 3: x")
  }
}
