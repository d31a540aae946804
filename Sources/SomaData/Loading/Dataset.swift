import Soma

/// Samples that are fetched by number: in memory, or from files when they are wanted.
public protocol Dataset: Sendable {
  /// The number of samples.
  var count: Int { get }

  /// The samples at `indices`, stacked in that order. Called from several threads at once.
  func batch(of indices: [Int]) throws -> Batch
}

/// Samples that go through a network together.
public struct Batch: Sendable {
  /// `[n, …]`.
  public var features: Tensor
  /// Labels `[n]` as `int32`, values `[n, outputs]`, or next tokens `[n, length]` as `int32`.
  public var targets: Tensor
  /// The samples' numbers in their data set.
  public let indices: [Int]

  public var count: Int { indices.count }

  public init(features: Tensor, targets: Tensor, indices: [Int]) {
    self.features = features
    self.targets = targets
    self.indices = indices
  }
}

extension LabeledData: Dataset {
  public func batch(of indices: [Int]) throws -> Batch {
    let features = gather(values, rows: indices, width: sampleShape.elementCount)
    return Batch(
      features: Tensor(features, shape: [indices.count] + sampleShape), targets: target.subset(indices).tensor,
      indices: indices)
  }
}

/// Some samples of another data set, in a given order: a part of a folder of pictures, say.
public struct DatasetSubset: Dataset {
  public let base: any Dataset
  /// The samples' numbers in `base`.
  public let baseIndices: [Int]

  /// - Precondition: the indices are those of samples of `base`.
  public init(_ base: any Dataset, _ indices: [Int]) {
    require(indices.allSatisfy { $0 >= 0 && $0 < base.count }, "an index leaves the \(base.count) samples")
    self.base = base
    baseIndices = indices
  }

  public var count: Int { baseIndices.count }

  public func batch(of indices: [Int]) throws -> Batch {
    let batch = try base.batch(of: indices.map { baseIndices[$0] })
    return Batch(features: batch.features, targets: batch.targets, indices: indices)
  }
}

/// Another data set with a function applied to each batch as it is fetched, on the fetching thread.
public struct TransformedDataset: Dataset {
  public let base: any Dataset
  private let transform: @Sendable (Batch) throws -> Batch

  public init(_ base: any Dataset, _ transform: @escaping @Sendable (Batch) throws -> Batch) {
    self.base = base
    self.transform = transform
  }

  public var count: Int { base.count }

  public func batch(of indices: [Int]) throws -> Batch { try transform(try base.batch(of: indices)) }
}
