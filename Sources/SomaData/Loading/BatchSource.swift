import Dispatch
import Soma
import Synchronization

/// Batches in order, for one consumer.
public protocol BatchIterator: AnyObject {
  /// The next batch, or nil after the last.
  func next() throws -> Batch?
}

/// Where training takes its batches from: a `DataLoader` over samples with numbers, or a `StreamLoader`.
public protocol BatchSource: Sendable {
  var batchSize: Int { get }
  /// The number of samples of an epoch, if it is known.
  var sampleCount: Int? { get }
  /// The number of batches of an epoch, if it is known.
  var epochLength: Int? { get }
  /// Nil if the samples come in their own order.
  var seed: UInt64? { get }
  var dropsLast: Bool { get }
  func batches(epoch: Int, startingAt start: Int) -> any BatchIterator
}

extension DataLoader: BatchSource {
  public var sampleCount: Int? { dataset.count }
  public var epochLength: Int? { batchCount }
  public func batches(epoch: Int, startingAt start: Int) -> any BatchIterator { self.epoch(epoch, startingAt: start) }
}

extension Batches: BatchIterator {}

extension StreamLoader: BatchSource {
  public var sampleCount: Int? { stream.count }
  public var epochLength: Int? { batchCount }
  public func batches(epoch: Int, startingAt start: Int) -> any BatchIterator { self.epoch(epoch, startingAt: start) }
}

/// A batch that is being prepared; nil behind the last.
final class PendingBatch: Sendable {
  private let result = Mutex<Result<Batch?, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  init(
    on queue: DispatchQueue = .global(qos: .userInitiated), _ work: @escaping @Sendable () throws -> Batch?
  ) {
    queue.async {
      let outcome = Result { try work() }
      self.result.withLock { $0 = outcome }
      self.done.signal()
    }
  }

  func wait() throws -> Batch? {
    done.wait()
    return try result.withLock { $0! }.get()
  }
}
