import Soma

/// Goes through a data set in batches, epoch after epoch. Order and augmentation depend on the seed, the epoch and the
/// sample alone: the same on any number of threads, and the same when a run resumes at an epoch.
///
/// ```swift
/// let loader = DataLoader(split.train, batchSize: 64, seed: 1)
/// let batches = loader.epoch(0)
/// while let batch = try batches.next() { … }
/// ```
public struct DataLoader: Sendable {
  public var dataset: any Dataset
  public var batchSize: Int
  /// Nil: the samples come in their own order.
  public var seed: UInt64?
  /// Whether a last batch with fewer samples is left out.
  public var dropsLast: Bool
  /// Applied in this order to each sample's features, off the calling thread.
  public var augmentations: [any Augmentation]
  /// Batches that are prepared ahead; 0 prepares each when it is asked for, on the calling thread.
  public var prefetch: Int

  public init(
    _ dataset: any Dataset, batchSize: Int, seed: UInt64? = nil, dropsLast: Bool = false,
    augmentations: [any Augmentation] = [], prefetch: Int = 2
  ) {
    require(batchSize > 0, "a batch has at least one sample")
    require(prefetch >= 0, "\(prefetch) batches cannot be prepared ahead")
    self.dataset = dataset
    self.batchSize = batchSize
    self.seed = seed
    self.dropsLast = dropsLast
    self.augmentations = augmentations
    self.prefetch = prefetch
  }

  /// The number of batches of an epoch.
  public var batchCount: Int {
    dropsLast ? dataset.count / batchSize : (dataset.count + batchSize - 1) / batchSize
  }

  /// The order of the samples in an epoch.
  public func order(epoch: Int) -> [Int] {
    guard let seed else { return Array(0..<dataset.count) }
    var generator = SeededGenerator(seed: seed, stream: 0, UInt64(epoch))
    return generator.permutation(dataset.count)
  }

  /// The batches of an epoch, from batch `start` on.
  public func epoch(_ epoch: Int, startingAt start: Int = 0) -> Batches {
    require(epoch >= 0 && start >= 0, "epoch \(epoch), batch \(start)")
    return Batches(self, epoch: epoch, start: start)
  }

  fileprivate func batch(_ number: Int, order: [Int], epoch: Int) throws -> Batch {
    let start = number * batchSize
    var batch = try dataset.batch(of: Array(order[start..<Swift.min(start + batchSize, order.count)]))
    guard !augmentations.isEmpty, batch.count > 0 else { return batch }
    let shape = Shape(Array(batch.features.shape.dimensions.dropFirst()))
    var values = batch.features.floats
    let size = shape.elementCount
    for (row, index) in batch.indices.enumerated() {
      var generator = SeededGenerator(seed: seed ?? 0, stream: 1, UInt64(epoch), UInt64(index))
      var sample = Array(values[row * size..<(row + 1) * size])
      for augmentation in augmentations { augmentation.apply(to: &sample, shape: shape, using: &generator) }
      values.replaceSubrange(row * size..<(row + 1) * size, with: sample)
    }
    batch.features = Tensor(values, shape: batch.features.shape)
    return batch
  }
}

/// The batches of one epoch, prepared in the background and delivered in order. For one consumer.
public final class Batches {
  private let loader: DataLoader
  private let epoch: Int
  private let order: [Int]
  private let end: Int
  private var position: Int
  private var started: Int
  private var pending: [PendingBatch] = []

  fileprivate init(_ loader: DataLoader, epoch: Int, start: Int) {
    self.loader = loader
    self.epoch = epoch
    order = loader.order(epoch: epoch)
    end = loader.batchCount
    position = start
    started = start
    prepare()
  }

  /// The number of batches not yet delivered.
  public var remaining: Int { Swift.max(end - position, 0) }

  /// The next batch, or nil after the last. Waits until it is ready.
  /// - Throws: what the data set threw for this batch; the next call goes on with the one after it.
  public func next() throws -> Batch? {
    guard position < end else { return nil }
    defer { position += 1 }
    guard !pending.isEmpty else { return try loader.batch(position, order: order, epoch: epoch) }
    let batch = pending.removeFirst()
    prepare()
    return try batch.wait()
  }

  private func prepare() {
    while pending.count < loader.prefetch, started < end {
      pending.append(
        PendingBatch { [loader, order, epoch, started] in
          try loader.batch(started, order: order, epoch: epoch)
        })
      started += 1
    }
  }
}
