import Dispatch
import Soma
import Synchronization

/// Makes batches of a stream: through a buffer that shuffles, ahead of the consumer. The order depends on the seed, the epoch and
/// the stream alone.
///
/// ```swift
/// let loader = StreamLoader(try NPYStream(features: "x.npy", targets: "y.npy"), batchSize: 64, seed: 1)
/// try trainer.fit(loader, for: .steps(10_000))
/// ```
public struct StreamLoader: Sendable {
  public var stream: any SampleStream
  public var batchSize: Int
  /// Nil: the samples come in the stream's order.
  public var seed: UInt64?
  /// Samples among which the next one is drawn. The more, the nearer to a whole shuffle, and the more memory.
  public var shuffleBuffer: Int
  /// Whether a last batch with fewer samples is left out.
  public var dropsLast: Bool
  /// Batches that are prepared ahead, in the background; 0 prepares each when it is asked for.
  public var prefetch: Int

  public init(
    _ stream: any SampleStream, batchSize: Int, seed: UInt64? = nil, shuffleBuffer: Int = 1024, dropsLast: Bool = false,
    prefetch: Int = 2
  ) {
    require(batchSize > 0, "a batch has at least one sample")
    require(shuffleBuffer > 0, "a shuffle wants at least one sample to draw from")
    require(prefetch >= 0, "\(prefetch) batches cannot be prepared ahead")
    self.stream = stream
    self.batchSize = batchSize
    self.seed = seed
    self.shuffleBuffer = shuffleBuffer
    self.dropsLast = dropsLast
    self.prefetch = prefetch
  }

  /// The number of batches of an epoch, if the stream knows it.
  public var batchCount: Int? {
    stream.count.map { dropsLast ? $0 / batchSize : ($0 + batchSize - 1) / batchSize }
  }

  /// The batches of an epoch, from batch `start` on; those before it are read and left out.
  public func epoch(_ epoch: Int, startingAt start: Int = 0) -> StreamBatches {
    require(epoch >= 0 && start >= 0, "epoch \(epoch), batch \(start)")
    return StreamBatches(self, epoch: epoch, start: start)
  }
}

/// The batches of one pass through a stream, in order. For one consumer.
public final class StreamBatches: BatchIterator {
  private let reader: StreamReader
  private let prefetch: Int
  private let queue = DispatchQueue(label: "soma.stream", qos: .userInitiated)
  private var pending: [PendingBatch] = []
  private var isDone = false

  fileprivate init(_ loader: StreamLoader, epoch: Int, start: Int) {
    reader = StreamReader(loader, epoch: epoch, skipping: start)
    prefetch = loader.prefetch
    prepare()
  }

  /// The next batch, or nil after the last. Waits until it is ready.
  /// - Throws: what the stream threw; the pass ends there.
  public func next() throws -> Batch? {
    guard !isDone else { return nil }
    do {
      let batch: Batch?
      if prefetch == 0 {
        batch = try reader.next()
      } else {
        let first = pending.removeFirst()
        prepare()
        batch = try first.wait()
      }
      isDone = batch == nil
      return batch
    } catch {
      isDone = true
      throw error
    }
  }

  private func prepare() {
    while pending.count < prefetch { pending.append(PendingBatch(on: queue) { [reader] in try reader.next() }) }
  }
}

/// Where a pass through a stream stands.
private final class StreamReader: Sendable {
  private struct State {
    var samples: (any SampleIterator)?
    var generator: SeededGenerator
    var buffer: [(number: Int, sample: Sample)] = []
    var count = 0
    var isAtEnd = false
    var skip: Int
  }

  private let loader: StreamLoader
  private let epoch: Int
  private let state: Mutex<State>

  init(_ loader: StreamLoader, epoch: Int, skipping skip: Int) {
    self.loader = loader
    self.epoch = epoch
    state = Mutex(State(generator: SeededGenerator(seed: loader.seed ?? 0, stream: 2, UInt64(epoch)), skip: skip))
  }

  func next() throws -> Batch? {
    try state.withLock { state in
      while true {
        var chosen: [(number: Int, sample: Sample)] = []
        while chosen.count < loader.batchSize, let sample = try draw(&state) { chosen.append(sample) }
        guard !chosen.isEmpty, chosen.count == loader.batchSize || !loader.dropsLast else { return nil }
        if state.skip > 0 {
          state.skip -= 1
          continue
        }
        let shapes = (chosen[0].sample.features.shape, chosen[0].sample.target.shape)
        if let odd = chosen.first(where: { $0.sample.features.shape != shapes.0 || $0.sample.target.shape != shapes.1 })
        {
          throw DataError("stream", "sample \(odd.number) has another shape than sample \(chosen[0].number)")
        }
        return Batch(
          features: .stack(chosen.map(\.sample.features), axis: 0),
          targets: .stack(chosen.map(\.sample.target), axis: 0),
          indices: chosen.map(\.number))
      }
    }
  }

  /// A random sample of the buffer, which the next of the stream replaces.
  private func draw(_ state: inout State) throws -> (number: Int, sample: Sample)? {
    if state.samples == nil { state.samples = try loader.stream.samples(epoch: epoch) }
    let size = loader.seed == nil ? 1 : loader.shuffleBuffer
    while state.buffer.count < size, !state.isAtEnd {
      guard let sample = try state.samples?.next() else {
        state.isAtEnd = true
        break
      }
      state.buffer.append((state.count, sample))
      state.count += 1
    }
    guard !state.buffer.isEmpty else { return nil }
    let i = loader.seed == nil ? 0 : state.generator.below(state.buffer.count)
    state.buffer.swapAt(i, state.buffer.count - 1)
    return state.buffer.removeLast()
  }
}
