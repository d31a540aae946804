import Foundation
import Soma
import SomaData
import Synchronization
import Testing

@Suite struct StreamTests {
  /// Samples `i` with features `[i, epoch]` and the target `2 i`.
  private func counting(_ count: Int, known: Bool = true) -> GeneratedStream {
    GeneratedStream(
      count: known ? count : nil, state: { epoch in (next: 0, epoch: epoch) },
      next: { state in
        guard state.next < count else { return nil }
        defer { state.next += 1 }
        return Sample(
          features: Tensor([Float(state.next), Float(state.epoch)]),
          target: Tensor(Int32(2 * state.next), dtype: .int32))
      })
  }

  private func numbers(_ loader: StreamLoader, epoch: Int = 0, startingAt start: Int = 0) throws -> [[Int]] {
    var result: [[Int]] = []
    let batches = loader.epoch(epoch, startingAt: start)
    while let batch = try batches.next() {
      #expect(batch.features.shape == [batch.count, 2] && batch.targets.shape == [batch.count])
      let firsts = batch.features.floats.enumerated().filter { $0.offset % 2 == 0 }.map { Int($0.element) }
      #expect(firsts == batch.indices && batch.targets.doubles == batch.indices.map { Double(2 * $0) })
      #expect(batch.features.floats.enumerated().allSatisfy { $0.offset % 2 == 0 || Int($0.element) == epoch })
      result.append(batch.indices)
    }
    #expect(try batches.next() == nil)
    return result
  }

  @Test(arguments: [0, 1, 3]) func batchesComeInOrder(_ prefetch: Int) throws {
    let loader = StreamLoader(counting(10), batchSize: 4, prefetch: prefetch)
    #expect(loader.batchCount == 3)
    #expect(try numbers(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
    #expect(try numbers(loader, startingAt: 1) == [[4, 5, 6, 7], [8, 9]])
    #expect(try numbers(loader, startingAt: 9) == [])
    var dropping = loader
    dropping.dropsLast = true
    #expect(dropping.batchCount == 2)
    #expect(try numbers(dropping) == [[0, 1, 2, 3], [4, 5, 6, 7]])
    #expect(try numbers(StreamLoader(counting(0), batchSize: 4, prefetch: prefetch)) == [])
    #expect(StreamLoader(counting(10, known: false), batchSize: 4).batchCount == nil)
  }

  @Test func shufflingDependsOnSeedAndEpochAlone() throws {
    let loader = StreamLoader(counting(200), batchSize: 7, seed: 5, shuffleBuffer: 50, prefetch: 2)
    let once = try numbers(loader)
    #expect(once.joined().sorted() == Array(0..<200) && once.joined().elementsEqual(0..<200) == false)
    #expect(try numbers(loader) == once)
    var direct = loader
    direct.prefetch = 0
    #expect(try numbers(direct) == once)
    #expect(try numbers(loader, startingAt: 4) == Array(once[4...]))
    #expect(try numbers(loader, epoch: 1) != once)
    var other = loader
    other.seed = 6
    #expect(try numbers(other) != once)
    // Nothing is drawn before the buffer holds it: sample i comes at place i - 50 at the earliest.
    #expect(once.joined().enumerated().allSatisfy { $0.element < $0.offset + 50 })
  }

  /// A buffer as large as the stream shuffles it wholly: over many seeds each sample comes first equally often.
  @Test func wholeBuffersShuffleEvenly() throws {
    var firsts = [Int](repeating: 0, count: 8)
    for seed in 0..<2000 {
      let loader = StreamLoader(counting(8), batchSize: 8, seed: UInt64(seed), shuffleBuffer: 8, prefetch: 0)
      firsts[try numbers(loader)[0][0]] += 1
    }
    // Chi-squared with 7 degrees of freedom; 24.3 is exceeded once in a thousand.
    let chi = firsts.reduce(0.0) { $0 + pow(Double($1) - 250, 2) / 250 }
    #expect(chi < 24.3, "\(firsts)")
  }

  @Test func batchesAreMadeAheadButNotFarAhead() throws {
    let drawn = Mutex(0)
    let stream = GeneratedStream(state: { _ in 0 }) { (i: inout Int) -> Sample? in
      i += 1
      let number = i
      drawn.withLock { $0 = number }
      return Sample(features: Tensor([Float(number)]), target: Tensor([Float(0)]))
    }
    let batches = StreamLoader(stream, batchSize: 10, prefetch: 3).epoch(0)
    for _ in 0..<5 { #expect(try batches.next()?.count == 10) }
    // Five delivered and three ahead.
    let deadline = ContinuousClock.now + .seconds(10)
    while drawn.withLock({ $0 }) < 80, ContinuousClock.now < deadline { Thread.sleep(forTimeInterval: 0.001) }
    Thread.sleep(forTimeInterval: 0.02)
    #expect(drawn.withLock { $0 } == 80)
  }

  @Test(arguments: [0, 2]) func errorsArriveAndEndThePass(_ prefetch: Int) throws {
    let stream = GeneratedStream(state: { _ in 0 }) { (i: inout Int) -> Sample? in
      i += 1
      if i > 5 { throw DataError("stream", "sample \(i) is broken") }
      return Sample(features: Tensor([Float(i)]), target: Tensor([Float(i)]))
    }
    let batches = StreamLoader(stream, batchSize: 3, prefetch: prefetch).epoch(0)
    #expect(try batches.next()?.count == 3)
    #expect(throws: DataError.self) { try batches.next() }
    #expect(try batches.next() == nil)
    let odd = GeneratedStream(state: { _ in 1 }) { (i: inout Int) -> Sample? in
      i += 1
      return Sample(features: Tensor([Float](repeating: 0, count: i)), target: Tensor([Float(0)]))
    }
    let mixed = StreamLoader(odd, batchSize: 2, prefetch: prefetch).epoch(0)
    #expect(throws: DataError.self) { try mixed.next() }
  }

  @Test func rowsOfArraysAreRead() throws {
    try withTemporaryDirectory { folder in
      let x = Tensor((0..<30).map { Float($0) }, shape: [10, 3])
      let y = Tensor((0..<10).map { Int32($0 * $0) })
      try NPY.write(x, to: "\(folder)/x.npy")
      try NPY.write(y, to: "\(folder)/y.npy")
      let stream = try NPYStream(features: "\(folder)/x.npy", targets: "\(folder)/y.npy", chunk: 4)
      #expect(stream.count == 10)
      let batches = StreamLoader(stream, batchSize: 6).epoch(0)
      var rows: [Float] = []
      var targets: [Double] = []
      while let batch = try batches.next() {
        rows += batch.features.floats
        targets += batch.targets.doubles
      }
      #expect(rows == x.floats && targets == y.doubles)
      try NPY.write(y[0..<9], to: "\(folder)/short.npy")
      #expect(throws: DataError.self) { try NPYStream(features: "\(folder)/x.npy", targets: "\(folder)/short.npy") }
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/x.npy")))
      for damage in [Array(bytes.dropLast()), bytes + [0], Array(bytes.prefix(20)), [], Array("no array".utf8)] {
        try write(damage, "\(folder)/damaged.npy")
        #expect(throws: DataError.self) { try NPYRows("\(folder)/damaged.npy") }
      }
      #expect(throws: DataError.self) { try NPYRows(Golden.path("scalar.npy")) }
      #expect(throws: DataError.self) { try NPYRows(Golden.path("fortran-f4.npy")) }
      #expect(throws: DataError.self) { try NPYRows("\(folder)/missing.npy") }
      let swapped = try NPYRows(Golden.path("c-be-f4.npy"))
      let whole = try NPY.read(Golden.path("c-be-f4.npy"))
      #expect(try swapped.read(1..<2).doubles == whole[1..<2].doubles)
    }
  }
}
