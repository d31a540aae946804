import Foundation
import Soma
import SomaData

/// Two sums of subsets of the inputs, and an operation on them: does a network learn it exactly, so that it holds outside
/// the range of training? (Madsen, Rosenberg Johansen 2019, "Measuring Arithmetic Extrapolation Performance",
/// arXiv 1910.01888)
///
/// `size = ⌊s n⌋`, `shared = ⌊o size⌋`: the first subset begins at an offset, the second `shared` before the first's end.
/// Inputs are uniform and independent.
public struct ArithmeticTask: Sendable, Hashable {
  public enum Operation: String, Sendable, Hashable, Codable, CaseIterable {
    case add, sub, mul, div
    /// The square of the first sum.
    case squared
    /// The root of the first sum.
    case root

    public func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
      switch self {
      case .add: a + b
      case .sub: a - b
      case .mul: a * b
      case .div: a / b
      case .squared: a * a
      case .root: a.sqrt()
      }
    }

    /// Whether the operation multiplies, divides or takes powers of the sums.
    public var isMultiplicative: Bool { self != .add && self != .sub }
  }

  /// Where inputs come from: an interval, or two of equal width with probability ½ each.
  public struct Range: Sendable, Hashable, Codable {
    public var intervals: [ClosedRange<Double>]
    public init(_ intervals: ClosedRange<Double>...) { self.intervals = intervals }

    /// - Returns: uniform numbers
    func sample(_ shape: Shape, _ key: Key, _ dtype: DType) -> Tensor {
      let (first, width) = (intervals[0], intervals[0].upperBound - intervals[0].lowerBound)
      guard intervals.count > 1 else {
        return .uniform(shape, low: first.lowerBound, high: first.upperBound, key: key, dtype: dtype)
      }
      let keys = key.split()
      let u = Tensor.uniform(shape, high: width, key: keys[0], dtype: dtype)
      let picksFirst = Tensor.bernoulli(0.5, shape, key: keys[1])
      return .select(picksFirst, u + first.lowerBound, u + intervals[1].lowerBound)
    }

    var mean: Double { intervals.map { ($0.lowerBound + $0.upperBound) / 2 }.mean }
    var variance: Double {
      let center = mean
      return intervals.map { interval in
        let (middle, width) = (
          (interval.lowerBound + interval.upperBound) / 2, interval.upperBound - interval.lowerBound
        )
        return width * width / 12 + (middle - center) * (middle - center)
      }.mean
    }
  }

  public let operation: Operation
  public let inputs: Int
  public let trainRange: Range
  public let testRange: Range
  public let first: Swift.Range<Int>
  public let second: Swift.Range<Int>

  /// - Throws: `ComparisonError` if the subsets are empty or do not fit, or a union's intervals differ in width.
  public init(
    _ operation: Operation, inputs: Int = 100, subsetRatio: Double = 0.25, overlapRatio: Double = 0.5,
    trainRange: Range = Range(1...2), testRange: Range = Range(2...6), seed: Int = 0
  ) throws {
    // The smallest step above keeps ⌊0.3 · 10⌋ at 3.
    let size = Int((subsetRatio * Double(inputs) + 1e-9).rounded(.down))
    let shared = Int((overlapRatio * Double(size) + 1e-9).rounded(.down))
    let lastEnd = 2 * size - shared
    guard inputs > 0, size > 0, (0...1).contains(overlapRatio), lastEnd <= inputs else {
      throw ComparisonError(
        "two subsets of \(size) inputs with \(shared) in common do not fit \(inputs) inputs; change the ratios")
    }
    var generator = SeededGenerator(seed: UInt64(bitPattern: Int64(seed)), stream: 7)
    let offset = generator.below(inputs - lastEnd + 1)
    try self.init(
      operation, inputs: inputs, first: offset..<(offset + size),
      second: (offset + size - shared)..<(offset + lastEnd), trainRange: trainRange, testRange: testRange)
  }

  /// A task with given subsets; `simple` in the publication is 4 inputs with 0..<4 and 0..<2.
  public init(
    _ operation: Operation, inputs: Int, first: Swift.Range<Int>, second: Swift.Range<Int>,
    trainRange: Range = Range(1...2), testRange: Range = Range(2...6)
  ) throws {
    for range in [trainRange, testRange] {
      let widths = range.intervals.map { $0.upperBound - $0.lowerBound }
      guard !widths.isEmpty, widths.count <= 2, widths.allSatisfy({ abs($0 - widths[0]) < 1e-12 && $0 > 0 }) else {
        throw ComparisonError("a range is one interval, or two of equal width")
      }
    }
    self.operation = operation
    self.inputs = inputs
    self.first = first
    self.second = second
    self.trainRange = trainRange
    self.testRange = testRange
  }

  public enum Part: Sendable { case training, extrapolation }

  /// Fresh samples: inputs `[count, n]` and targets `[count, 1]`. The key may be traced.
  public func samples(_ count: Int, _ part: Part, key: Key, dtype: DType = .float32) -> (x: Tensor, y: Tensor) {
    let x = (part == .training ? trainRange : testRange).sample([count, inputs], key, dtype)
    return (x, targets(x))
  }

  /// Samples over time: `[count, steps, n]`; the sums run over time as well.
  public func sequences(
    _ count: Int, steps: Int, _ part: Part, key: Key, dtype: DType = .float32
  ) -> (x: Tensor, y: Tensor) {
    let x = (part == .training ? trainRange : testRange).sample([count, steps, inputs], key, dtype)
    return (x, targets(x.sum([1])))
  }

  /// - Shape: `[…, n]` → `[…, 1]`
  public func targets(_ x: Tensor) -> Tensor { result(x, exactWeights(0)) }

  /// The first layer's weights of a perfect solution, 1 → 1 - ε and 0 → ε: `[n, 2]`.
  public func exactWeights(_ epsilon: Double) -> [[Double]] {
    (0..<inputs).map { i in [first, second].map { $0.contains(i) ? 1 - epsilon : epsilon } }
  }

  private func result(_ x: Tensor, _ weights: [[Double]]) -> Tensor {
    let sums = x.matmul(Tensor(weights).cast(to: x.dtype))
    let parts = sums.split(2, axis: -1)
    return operation(parts[0], parts[1])
  }

  /// The mean squared error that a solution with weights off by ε makes in the test range, by simulation in double
  /// precision: what a model has to stay below to have learned the operation.
  public func threshold(eps: Double = 1e-5, samples count: Int = 1_000_000, seed: Int = 0) -> Double {
    let key = Key(seed).folding("threshold")
    var (sum, done, part) = (0.0, 0, 0)
    while done < count {
      let n = min(20_000, count - done)
      let x = testRange.sample([n, inputs], key.folding(part), .float64)
      let gap = result(x, exactWeights(eps)) - result(x, exactWeights(0))
      sum += gap.squared().sum().scalar
      done += n
      part += 1
    }
    return sum / Double(count)
  }

  /// The same in closed form for addition and subtraction: `(μ Σ eᵢ)² + σ² Σ eᵢ²`, e the signed errors of the weights.
  public func exactThreshold(eps: Double = 1e-5) -> Double? {
    guard !operation.isMultiplicative else { return nil }
    let sign = operation == .add ? 1.0 : -1.0
    let gaps = (0..<inputs).map { i -> Double in
      func gap(_ subset: Swift.Range<Int>) -> Double { subset.contains(i) ? -eps : eps }
      return gap(first) + sign * gap(second)
    }
    let (mu, total) = (testRange.mean, gaps.reduce(0, +))
    return mu * mu * total * total + testRange.variance * gaps.reduce(0) { $0 + $1 * $1 }
  }
}
