import Soma

/// A sample on its way to a batch.
public struct Sample: Sendable {
  public var features: Tensor
  public var target: Tensor

  public init(features: Tensor, target: Tensor) {
    self.features = features
    self.target = target
  }
}

/// One pass through a stream.
public protocol SampleIterator: Sendable {
  /// The next sample, or nil after the last.
  mutating func next() throws -> Sample?
}

/// Samples that come one after the other: more than memory holds, computed on the way, or of unknown number. What can be fetched
/// by number is a `Dataset`.
public protocol SampleStream: Sendable {
  /// The number of samples of an epoch, if it is known.
  var count: Int? { get }

  /// A pass from the beginning. The same epoch gives the same samples.
  func samples(epoch: Int) throws -> any SampleIterator
}

/// A stream that a function makes: called with an epoch, it gives the function that gives the samples.
public struct GeneratedStream: SampleStream {
  public let count: Int?
  private let start: @Sendable (_ epoch: Int) throws -> any SampleIterator

  public init<State: Sendable>(
    count: Int? = nil, state: @escaping @Sendable (_ epoch: Int) throws -> State,
    next: @escaping @Sendable (inout State) throws -> Sample?
  ) {
    self.count = count
    start = { Iterator(state: try state($0), step: next) }
  }

  public func samples(epoch: Int) throws -> any SampleIterator { try start(epoch) }

  private struct Iterator<State: Sendable>: SampleIterator {
    var state: State
    let step: @Sendable (inout State) throws -> Sample?
    mutating func next() throws -> Sample? { try step(&state) }
  }
}

/// The rows of two `.npy` files, read piece by piece: files may be larger than memory.
public struct NPYStream: SampleStream {
  private let features: NPYRows
  private let targets: NPYRows
  /// Rows that are read at once.
  private let chunk: Int

  /// - Throws: `DataError` if a file is no array of rows in C order, or they differ in their number of rows.
  public init(features: String, targets: String, chunk: Int = 256) throws {
    require(chunk > 0, "a piece has at least one row")
    self.features = try NPYRows(features)
    self.targets = try NPYRows(targets)
    self.chunk = chunk
    guard self.features.count == self.targets.count else {
      throw DataError(targets, "has \(self.targets.count) rows; \(features) has \(self.features.count)")
    }
  }

  public var count: Int? { features.count }

  public func samples(epoch: Int) throws -> any SampleIterator {
    Iterator(features: features, targets: targets, chunk: chunk)
  }

  private struct Iterator: SampleIterator {
    let features: NPYRows
    let targets: NPYRows
    let chunk: Int
    var row = 0
    var piece: (features: Tensor, targets: Tensor)?

    init(features: NPYRows, targets: NPYRows, chunk: Int) {
      (self.features, self.targets, self.chunk) = (features, targets, chunk)
    }

    mutating func next() throws -> Sample? {
      guard row < features.count else { return nil }
      if row % chunk == 0 {
        let rows = row..<Swift.min(row + chunk, features.count)
        piece = (try features.read(rows), try targets.read(rows))
      }
      defer { row += 1 }
      return piece.map { Sample(features: $0.features[row % chunk], target: $0.targets[row % chunk]) }
    }
  }
}
