import Foundation
import Soma

/// Triangles in space, or an outline of line segments in the plane.
public struct Mesh: Hashable, Sendable {
  public struct Point: Hashable, Sendable {
    public var x, y, z: Double
    public init(_ x: Double, _ y: Double, _ z: Double = 0) { (self.x, self.y, self.z) = (x, y, z) }
    public static func + (a: Point, b: Point) -> Point { Point(a.x + b.x, a.y + b.y, a.z + b.z) }
    public static func - (a: Point, b: Point) -> Point { Point(a.x - b.x, a.y - b.y, a.z - b.z) }
    public static func * (a: Point, s: Double) -> Point { Point(a.x * s, a.y * s, a.z * s) }
    public func dot(_ b: Point) -> Double { x * b.x + y * b.y + z * b.z }
    public func cross(_ b: Point) -> Point { Point(y * b.z - z * b.y, z * b.x - x * b.z, x * b.y - y * b.x) }
    public var length: Double { dot(self).squareRoot() }
  }

  public var vertices: [Point]
  /// Corners, counterclockwise seen from outside; empty for an outline.
  public var triangles: [SIMD3<Int32>]
  /// The segments of an outline, the inside on their left or right alike; empty for a mesh of triangles.
  public var segments: [SIMD2<Int32>]

  public init(vertices: [Point], triangles: [SIMD3<Int32>] = [], segments: [SIMD2<Int32>] = []) {
    self.vertices = vertices
    self.triangles = triangles
    self.segments = segments
  }

  /// 3 for triangles, 2 for an outline.
  public var dimensions: Int { triangles.isEmpty ? 2 : 3 }

  /// The smallest box around the vertices in use.
  public var bounds: (low: Point, high: Point) {
    var (low, high) = (Point(.infinity, .infinity, .infinity), Point(-.infinity, -.infinity, -.infinity))
    for v in vertices {
      low = Point(min(low.x, v.x), min(low.y, v.y), min(low.z, v.z))
      high = Point(max(high.x, v.x), max(high.y, v.y), max(high.z, v.z))
    }
    return (low, high)
  }

  /// Moved and scaled, the same along all axes, so that its box lies in the middle of `[-size, size]` and fills it along its longest
  /// side.
  public func fitted(to size: Double = 0.8) -> Mesh {
    let (low, high) = bounds
    let middle = (low + high) * 0.5
    let extent = max(high.x - low.x, high.y - low.y, dimensions == 3 ? high.z - low.z : 0)
    guard extent > 0 else { return self }
    var result = self
    result.vertices = vertices.map { ($0 - middle) * (2 * size / extent) }
    if dimensions == 2 { for i in result.vertices.indices { result.vertices[i].z = 0 } }
    return result
  }

  /// `count` places on the surface, spread evenly by area (or length).
  public func surfacePoints(_ count: Int, seed: UInt64 = 0) -> [Point] {
    var generator = SeededGenerator(seed: seed)
    func unit() -> Double { Double(generator.below(1 << 30)) / Double(1 << 30) }
    let sizes: [Double] =
      triangles.isEmpty
      ? segments.map { (vertices[Int($0.y)] - vertices[Int($0.x)]).length }
      : triangles.map { t in
        let (a, b, c) = (vertices[Int(t.x)], vertices[Int(t.y)], vertices[Int(t.z)])
        return (b - a).cross(c - a).length / 2
      }
    var sums = [Double]()
    var total = 0.0
    for size in sizes {
      total += size
      sums.append(total)
    }
    return (0..<count).map { _ in
      let wanted = unit() * total
      var (low, high) = (0, sums.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] < wanted { low = middle + 1 } else { high = middle }
      }
      if triangles.isEmpty {
        let s = segments[low]
        return vertices[Int(s.x)] + (vertices[Int(s.y)] - vertices[Int(s.x)]) * unit()
      }
      let t = triangles[low]
      let (a, b, c) = (vertices[Int(t.x)], vertices[Int(t.y)], vertices[Int(t.z)])
      var (u, v) = (unit(), unit())
      if u + v > 1 { (u, v) = (1 - u, 1 - v) }
      return a + (b - a) * u + (c - a) * v
    }
  }
}
