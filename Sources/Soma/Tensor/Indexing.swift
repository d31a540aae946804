/// What a subscript says of one axis.
public enum TensorIndex: Sendable {
  /// One position; the axis goes away.
  case position(Int)
  /// Positions from `start` (the first if nil) to before `end` (past the last if nil), `step` apart; negative numbers
  /// count from the end, a negative step runs backwards.
  case range(from: Int?, to: Int?, by: Int)
  /// As many whole axes as are left.
  case ellipsisAxes
  /// An axis of length 1.
  case insertedAxis
}

/// An expression that may stand in a tensor's subscript: an integer, a range, `.ellipsis`, `.newAxis`, `.all`,
/// `.stride(from:to:by:)`.
public protocol TensorIndexExpression {
  var tensorIndex: TensorIndex { get }
}

extension TensorIndex: TensorIndexExpression {
  public var tensorIndex: TensorIndex { self }
}
extension TensorIndexExpression where Self == TensorIndex {
  /// As many whole axes as are left.
  public static var ellipsis: TensorIndex { .ellipsisAxes }
  /// A new axis of length 1.
  public static var newAxis: TensorIndex { .insertedAxis }
  /// The whole axis.
  public static var all: TensorIndex { .range(from: nil, to: nil, by: 1) }
  /// Positions `step` apart.
  public static func stride(from start: Int? = nil, to end: Int? = nil, by step: Int) -> TensorIndex {
    .range(from: start, to: end, by: step)
  }
}
extension Int: TensorIndexExpression {
  public var tensorIndex: TensorIndex { .position(self) }
}
extension Range: TensorIndexExpression where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: lowerBound, to: upperBound, by: 1) }
}
extension ClosedRange: TensorIndexExpression where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: lowerBound, to: upperBound == -1 ? nil : upperBound + 1, by: 1) }
}
extension PartialRangeFrom: TensorIndexExpression where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: lowerBound, to: nil, by: 1) }
}
extension PartialRangeUpTo: TensorIndexExpression where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: nil, to: upperBound, by: 1) }
}
extension PartialRangeThrough: TensorIndexExpression where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: nil, to: upperBound == -1 ? nil : upperBound + 1, by: 1) }
}

extension Tensor {
  /// A part of the tensor, NumPy's rules: `x[0]`, `x[-1]`, `x[.ellipsis, 0..<3]`, `x[1..., .newAxis]`,
  /// `x[.stride(by: -1)]`. Ranges are cut to the axis; a position must lie inside.
  public subscript<each Index: TensorIndexExpression>(_ indices: repeat each Index) -> Tensor {
    var list: [TensorIndex] = []
    for index in repeat each indices { list.append(index.tensorIndex) }
    return part(list)
  }

  func part(_ indices: [TensorIndex]) -> Tensor {
    let named = indices.filter {
      switch $0 {
      case .position, .range: true
      case .ellipsisAxes, .insertedAxis: false
      }
    }.count
    require(named <= rank, "\(named) indices for a tensor of shape \(shape)")
    var starts: [Int] = []
    var limits: [Int] = []
    var strides: [Int] = []
    var reversed: [Int] = []
    var result: [Int] = []
    func take(_ start: Int, _ limit: Int, _ stride: Int) {
      starts.append(start)
      limits.append(limit)
      strides.append(stride)
    }
    func takeWhole(_ count: Int) {
      for _ in 0..<count {
        result.append(shape[starts.count])
        take(0, shape[starts.count], 1)
      }
    }
    var sawEllipsis = false
    for index in indices {
      switch index {
      case .insertedAxis:
        result.append(1)
      case .ellipsisAxes:
        require(!sawEllipsis, "a subscript has one ellipsis at most")
        sawEllipsis = true
        takeWhole(rank - named)
      case .position(let position):
        let n = shape[starts.count]
        require(position >= -n && position < n, "position \(position) of axis \(starts.count) of shape \(shape)")
        let p = position < 0 ? position + n : position
        take(p, p + 1, 1)
      case .range(let from, let to, let by):
        require(by != 0, "a stride of zero")
        let n = shape[starts.count]
        func clamp(_ i: Int, _ low: Int, _ high: Int) -> Int { Swift.min(Swift.max(i < 0 ? i + n : i, low), high) }
        if by > 0 {
          let start = clamp(from ?? 0, 0, n)
          let limit = Swift.max(start, to.map { clamp($0, 0, n) } ?? n)
          result.append((limit - start + by - 1) / by)
          take(start, limit, by)
        } else {
          // Backwards: take the same positions forwards, then reverse.
          let first = clamp(from ?? n - 1, -1, n - 1)
          let stop = to.map { clamp($0, -1, n - 1) } ?? -1
          let length = Swift.max(0, (first - stop - by - 1) / -by)
          if length == 0 { take(0, 0, 1) } else { take(first + (length - 1) * by, first + 1, -by) }
          reversed.append(starts.count - 1)
          result.append(length)
        }
      }
    }
    takeWhole(rank - starts.count)
    var tensor = self
    if starts.contains(where: { $0 != 0 }) || limits != shape.dimensions || strides.contains(where: { $0 != 1 }) {
      tensor = emit(.slice(starts: starts, limits: limits, strides: strides), tensor)
    }
    if !reversed.isEmpty { tensor = tensor.reversed(reversed) }
    return tensor.reshape(Shape(result))
  }
}
