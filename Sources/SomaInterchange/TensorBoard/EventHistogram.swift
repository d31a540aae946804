import Foundation

/// How numbers are spread, in the form of TensorBoard's histograms.
public struct EventHistogram: Sendable, Hashable {
  public let minimum: Double
  public let maximum: Double
  public let count: Int
  public let sum: Double
  public let sumOfSquares: Double
  /// The right edge of each bucket, and how many numbers are at most that and above the edge before.
  public let edges: [Double]
  public let counts: [Int]

  /// Buckets of equal width between the smallest and the largest finite number; nil if there is none.
  public init?(_ values: some Sequence<Double>, buckets: Int = 30) {
    let finite = values.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return nil }
    minimum = low
    maximum = high
    count = finite.count
    sum = finite.reduce(0, +)
    sumOfSquares = finite.reduce(0) { $0 + $1 * $1 }
    let width = (high - low) / Double(buckets)
    guard width > 0, width.isFinite else {
      (edges, counts) = ([high], [finite.count])
      return
    }
    edges = (1...buckets).map { $0 == buckets ? high : low + Double($0) * width }
    var counts = [Int](repeating: 0, count: buckets)
    for value in finite {
      // A number on an edge belongs to the bucket left of it.
      let bucket = Int(((value - low) / width).rounded(.up)) - 1
      counts[min(max(bucket, 0), buckets - 1)] += 1
    }
    self.counts = counts
  }
}
