import Foundation
import Soma

/// The distance from a place to a shape's surface, negative inside.
///
/// The sign comes from the winding number: how often the surface goes around the place, the sum of the solid angles of its triangles
/// over `4π` (Van Oosterom & Strackee 1983; Jacobson, Kavan & Sorkine-Hornung 2013), or of the angles of its segments over `2π`.
/// Above one half in size is inside, so small holes and either orientation do no harm.
public struct SignedDistance: Sendable {
  public let mesh: Mesh

  public init(_ mesh: Mesh) { self.mesh = mesh }

  public func callAsFunction(_ p: Mesh.Point) -> Double {
    let distance = distance(to: p)
    return abs(winding(around: p)) > 0.5 ? -distance : distance
  }

  /// At many places, on all cores.
  public func callAsFunction(_ places: [Mesh.Point]) -> [Double] {
    let workers = min(places.count, ProcessInfo.processInfo.activeProcessorCount)
    guard workers > 1 else { return places.map { self($0) } }
    let size = (places.count + workers - 1) / workers
    let results = ParallelResults(count: workers)
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      let part = places[min(worker * size, places.count)..<min((worker + 1) * size, places.count)]
      results.set(worker, part.map { self($0) })
    }
    return results.joined
  }

  /// To the nearest point of the surface.
  public func distance(to p: Mesh.Point) -> Double {
    var best = Double.infinity
    let v = mesh.vertices
    for t in mesh.triangles {
      best = min(best, Self.squaredDistance(p, v[Int(t.x)], v[Int(t.y)], v[Int(t.z)]))
    }
    for s in mesh.segments { best = min(best, Self.squaredDistance(p, v[Int(s.x)], v[Int(s.y)])) }
    return best.squareRoot()
  }

  public func winding(around p: Mesh.Point) -> Double {
    let v = mesh.vertices
    var sum = 0.0
    for t in mesh.triangles {
      let (a, b, c) = (v[Int(t.x)] - p, v[Int(t.y)] - p, v[Int(t.z)] - p)
      let (la, lb, lc) = (a.length, b.length, c.length)
      let below = la * lb * lc + a.dot(b) * lc + b.dot(c) * la + c.dot(a) * lb
      sum += 2 * atan2(a.dot(b.cross(c)), below)
    }
    guard mesh.triangles.isEmpty else { return sum / (4 * .pi) }
    for s in mesh.segments {
      let (a, b) = (v[Int(s.x)] - p, v[Int(s.y)] - p)
      sum += atan2(a.x * b.y - a.y * b.x, a.x * b.x + a.y * b.y)
    }
    return sum / (2 * .pi)
  }

  static func squaredDistance(_ p: Mesh.Point, _ a: Mesh.Point, _ b: Mesh.Point) -> Double {
    let along = b - a
    let length = along.dot(along)
    let t = length > 0 ? min(max((p - a).dot(along) / length, 0), 1) : 0
    let gap = p - (a + along * t)
    return gap.dot(gap)
  }

  /// By the region of the triangle's plane that the place is over (Ericson 2005, "Real-Time Collision Detection", 5.1.5).
  static func squaredDistance(_ p: Mesh.Point, _ a: Mesh.Point, _ b: Mesh.Point, _ c: Mesh.Point) -> Double {
    let (ab, ac, ap) = (b - a, c - a, p - a)
    let (d1, d2) = (ab.dot(ap), ac.dot(ap))
    if d1 <= 0, d2 <= 0 { return ap.dot(ap) }
    let bp = p - b
    let (d3, d4) = (ab.dot(bp), ac.dot(bp))
    if d3 >= 0, d4 <= d3 { return bp.dot(bp) }
    if d1 * d4 - d3 * d2 <= 0, d1 >= 0, d3 <= 0 { return squaredDistance(p, a, b) }
    let cp = p - c
    let (d5, d6) = (ab.dot(cp), ac.dot(cp))
    if d6 >= 0, d5 <= d6 { return cp.dot(cp) }
    if d5 * d2 - d1 * d6 <= 0, d2 >= 0, d6 <= 0 { return squaredDistance(p, a, c) }
    if d3 * d6 - d5 * d4 <= 0, d4 - d3 >= 0, d5 - d6 >= 0 { return squaredDistance(p, b, c) }
    let normal = ab.cross(ac)
    let square = normal.dot(normal)
    guard square > 0 else {
      return min(squaredDistance(p, a, b), squaredDistance(p, b, c), squaredDistance(p, a, c))
    }
    let height = ap.dot(normal)
    return height * height / square
  }

  /// Places to learn the shape from: half near the surface (deviation 0.01), three in ten about it (0.1), the rest anywhere in
  /// `[-1, 1]^d`; with their distances.
  public func samples(_ count: Int, seed: UInt64 = 0) -> (places: [Mesh.Point], distances: [Double]) {
    var generator = SeededGenerator(seed: seed &+ 1)
    func unit() -> Double { (Double(generator.below(1 << 30)) + 0.5) / Double(1 << 30) }
    func normal() -> Double { (-2 * log(unit())).squareRoot() * cos(2 * .pi * unit()) }
    let isFlat = mesh.dimensions == 2
    let near = count / 2
    let about = count * 3 / 10
    var places = mesh.surfacePoints(near + about, seed: seed)
    for i in places.indices {
      let deviation = i < near ? 0.01 : 0.1
      places[i] = places[i] + Mesh.Point(normal() * deviation, normal() * deviation, isFlat ? 0 : normal() * deviation)
    }
    for _ in places.count..<count {
      places.append(Mesh.Point(2 * unit() - 1, 2 * unit() - 1, isFlat ? 0 : 2 * unit() - 1))
    }
    return (places, self(places))
  }
}

/// Where workers leave their parts; each writes its own.
private final class ParallelResults: @unchecked Sendable {
  private let lock = NSLock()
  private var parts: [[Double]]
  init(count: Int) { parts = Array(repeating: [], count: count) }
  func set(_ i: Int, _ part: [Double]) { lock.withLock { parts[i] = part } }
  var joined: [Double] { parts.flatMap { $0 } }
}
