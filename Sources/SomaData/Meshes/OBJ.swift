import Foundation
import Soma

/// Wavefront OBJ: vertices (`v`), faces (`f`, polygons are split into triangles from their first corner) and lines (`l`). A file with
/// lines and no faces is an outline in the plane of its first two coordinates. Normals, textures, groups and materials are passed
/// over; other words are refused.
public enum OBJ {
  /// Vertices and triangles that a file may have.
  static let limit = 1 << 24

  public static func read(_ path: String) throws -> Mesh {
    try decode(try readFile(path, limit: 1 << 30), file: path)
  }

  private static let passedOver: Set<String> = [
    "vn", "vt", "vp", "o", "g", "s", "mtllib", "usemtl", "lod", "usemap", "shadow_obj", "trace_obj",
  ]

  public static func decode(_ bytes: [UInt8], file: String) throws -> Mesh {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw DataError(file, "is not text in UTF-8")
    }
    var vertices: [Mesh.Point] = []
    var triangles: [SIMD3<Int32>] = []
    var segments: [SIMD2<Int32>] = []
    // The line each face or line stands in: later vertices may be named, so indices are checked at the end.
    var number = 0
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let content = line.prefix { $0 != "#" }
      let words = content.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard let word = words.first else { continue }
      func wrong(_ problem: String) -> DataError { DataError(file, at: .line(number), problem) }
      func index(_ text: Substring) throws -> Int32 {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 3, let i = Int(parts[0]), i != 0 else { throw wrong("\(quoted(text)) names no vertex") }
        for part in parts.dropFirst() where !part.isEmpty {
          guard Int(part) != nil else { throw wrong("\(quoted(text)) names no vertex") }
        }
        let place = i > 0 ? i - 1 : vertices.count + i
        guard place >= 0, place < vertices.count else {
          throw wrong("vertex \(i) of \(vertices.count) so far does not exist")
        }
        return Int32(place)
      }
      switch word {
      case "v":
        guard words.count >= 3, words.count <= 8 else { throw wrong("a vertex has 2 or 3 coordinates") }
        let numbers = try words.dropFirst().prefix(3).map { text in
          guard let value = Double(text), value.isFinite, abs(value) < 1e30 else {
            throw wrong("\(quoted(text)) is not a number")
          }
          return value
        }
        vertices.append(Mesh.Point(numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0))
      case "f":
        guard words.count >= 4 else { throw wrong("a face has at least 3 corners, not \(words.count - 1)") }
        let corners = try words.dropFirst().map(index)
        for k in 1..<(corners.count - 1) {
          guard corners[0] != corners[k], corners[k] != corners[k + 1], corners[0] != corners[k + 1] else {
            throw wrong("a face names a vertex twice")
          }
          triangles.append(SIMD3(corners[0], corners[k], corners[k + 1]))
        }
      case "l":
        guard words.count >= 3 else { throw wrong("a line has at least 2 ends, not \(words.count - 1)") }
        let ends = try words.dropFirst().map(index)
        for (a, b) in zip(ends, ends.dropFirst()) {
          guard a != b else { throw wrong("a line goes from a vertex to itself") }
          segments.append(SIMD2(a, b))
        }
      default:
        guard passedOver.contains(String(word)) else {
          throw wrong("\(quoted(word)) is not a word of an OBJ file that is understood")
        }
      }
      guard vertices.count <= limit, triangles.count <= limit, segments.count <= limit else {
        throw wrong("more than \(limit) vertices or faces")
      }
    }
    guard !triangles.isEmpty || !segments.isEmpty else {
      throw DataError(file, vertices.isEmpty ? "has no vertices" : "has neither faces nor lines")
    }
    let mesh = Mesh(vertices: vertices, triangles: triangles, segments: triangles.isEmpty ? segments : [])
    let (low, high) = mesh.bounds
    guard (high - low).length > 0 else { throw DataError(file, "all vertices lie in one place") }
    return mesh
  }

  public static func encode(_ mesh: Mesh) -> [UInt8] {
    var text = ""
    for v in mesh.vertices { text += mesh.dimensions == 3 ? "v \(v.x) \(v.y) \(v.z)\n" : "v \(v.x) \(v.y) 0\n" }
    for t in mesh.triangles { text += "f \(t.x + 1) \(t.y + 1) \(t.z + 1)\n" }
    for s in mesh.segments { text += "l \(s.x + 1) \(s.y + 1)\n" }
    return Array(text.utf8)
  }

  /// Writes a file as a whole or not at all.
  public static func write(_ mesh: Mesh, to path: String) throws { try writeFile(encode(mesh), to: path) }
}
