/// The lengths of a tensor's axes, outermost first. The empty shape is a scalar's.
public struct Shape: Hashable, Sendable, Codable, RandomAccessCollection, ExpressibleByArrayLiteral {
  public var dimensions: [Int]

  public init(_ dimensions: [Int]) {
    require(dimensions.allSatisfy { $0 >= 0 }, "a shape has no negative axis: \(dimensions)")
    self.dimensions = dimensions
  }

  public init(_ dimensions: some Sequence<Int>) { self.init(Array(dimensions)) }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public static let scalar = Shape([])

  public var startIndex: Int { 0 }
  public var endIndex: Int { dimensions.count }

  /// The length of axis `i`; a negative `i` counts from the end.
  public subscript(i: Int) -> Int { dimensions[i < 0 ? i + dimensions.count : i] }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements; 1 for a scalar.
  public var elementCount: Int { dimensions.reduce(1, *) }

  /// The length of the innermost axis.
  public var last: Int {
    require(rank > 0, "a scalar has no last axis")
    return dimensions[rank - 1]
  }

  /// Row-major strides in elements.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * dimensions[axis + 1] }
    return strides
  }

  /// The non-negative index of `axis`, which may count from the end.
  /// - Precondition: `-rank <= axis < rank`.
  public func normalized(axis: Int) -> Int {
    require(axis >= -rank && axis < rank, "axis \(axis) of a tensor of shape \(self)")
    return axis < 0 ? axis + rank : axis
  }

  /// The shape that both broadcast to by NumPy's rule (align at the right; 1 stretches), or nil.
  public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    if a == b { return a }
    var result = [Int](repeating: 1, count: Swift.max(a.rank, b.rank))
    for i in 0..<result.count {
      let x = i < a.rank ? a[a.rank - 1 - i] : 1
      let y = i < b.rank ? b[b.rank - 1 - i] : 1
      guard x == y || x == 1 || y == 1 else { return nil }
      result[result.count - 1 - i] = x == 1 ? y : x
    }
    return Shape(result)
  }

  public static func + (a: Shape, b: Shape) -> Shape { Shape(a.dimensions + b.dimensions) }
  public static func + (a: Shape, b: [Int]) -> Shape { Shape(a.dimensions + b) }
  public static func + (a: [Int], b: Shape) -> Shape { Shape(a + b.dimensions) }

  /// The shape without the given (normalized) axes.
  public func removing(axes: [Int]) -> Shape {
    Shape(dimensions.enumerated().filter { !axes.contains($0.offset) }.map(\.element))
  }

  /// The shape with `axis` (normalized) of another length.
  public func replacing(axis: Int, with length: Int) -> Shape {
    var result = self
    result.dimensions[axis] = length
    return result
  }
}

extension Shape: CustomStringConvertible {
  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
