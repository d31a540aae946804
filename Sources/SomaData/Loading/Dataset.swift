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
