import Foundation
import Soma
import SomaData
import Testing

@Suite struct MeshTests {
  /// A cube of side 2 about the origin, as other programs write it: quadrilaterals with textures and normals.
  static let cube = """
    # a cube
    mtllib cube.mtl
    o Cube
    v 1 1 -1
    v 1 -1 -1
    v 1 1 1
    v 1 -1 1
    v -1 1 -1
    v -1 -1 -1
    v -1 1 1
    v -1 -1 1
    vt 0.5 0.5
    vn 0 1 0
    s off
    usemtl Material
    f 1/1/1 5/1/1 7/1/1 3/1/1
    f 4//1 3//1 7//1 8//1
    f 8 7 5 6
    f 6 2 4 8
    f 2 1 3 4
    f -3 -8 -7 -2 # by places from the end: 6 1 2 7 is no face of the cube, so it is replaced below
    """.replacingOccurrences(of: "f -3 -8 -7 -2", with: "f -3 -4 -8 -7")

  @Test func readsPolygons() throws {
    let mesh = try OBJ.decode(Array(Self.cube.utf8), file: "cube.obj")
    #expect(mesh.vertices.count == 8 && mesh.triangles.count == 12 && mesh.dimensions == 3)
    let again = try OBJ.decode(OBJ.encode(mesh), file: "cube.obj")
    #expect(again == mesh)
  }

  @Test func distancesToACubeAreThose() throws {
    let distance = SignedDistance(try OBJ.decode(Array(Self.cube.utf8), file: "cube.obj"))
    // The closed form of a box.
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<200 {
      let p = (0..<3).map { _ in Double(generator.below(4000)) / 1000 - 2 }
      let q = p.map { abs($0) - 1 }
      let outside = q.map { max($0, 0) * max($0, 0) }.reduce(0, +).squareRoot()
      let expected = outside + min(q.max()!, 0)
      #expect(abs(distance(Mesh.Point(p[0], p[1], p[2])) - expected) < 1e-9)
    }
  }

  @Test func distancesToAnOutlineAreThose() throws {
    let square = try OBJ.decode(Array("v -1 -1\nv 1 -1\nv 1 1\nv -1 1\nl 1 2 3 4 1\n".utf8), file: "square.obj")
    #expect(square.dimensions == 2 && square.segments.count == 4)
    let distance = SignedDistance(square)
    #expect(abs(distance(Mesh.Point(0, 0)) + 1) < 1e-12 && abs(distance(Mesh.Point(0.5, 0.9)) + 0.1) < 1e-12)
    #expect(abs(distance(Mesh.Point(3, 0)) - 2) < 1e-12 && abs(distance(Mesh.Point(2, 2)) - 2.0.squareRoot()) < 1e-12)
    let samples = distance.samples(500, seed: 1)
    #expect(samples.places.count == 500 && samples.places.allSatisfy { $0.z == 0 })
    #expect(samples.distances.prefix(250).map { abs($0) }.max()! < 0.06)
  }

  @Test func meshesFitTheBox() throws {
    let fitted = try OBJ.decode(Array("v 0 0 0\nv 10 0 0\nv 0 4 0\nv 0 0 2\nf 1 2 3\nf 1 2 4\n".utf8), file: "a.obj")
      .fitted()
    let (low, high) = fitted.bounds
    #expect(abs(low.x + 0.8) < 1e-12 && abs(high.x - 0.8) < 1e-12 && abs(high.y - 0.32) < 1e-12)
    let points = fitted.surfacePoints(1000, seed: 2)
    #expect(points.allSatisfy { abs($0.y) <= 0.33 && abs($0.x) <= 0.81 })
  }

  @Test func marchingTetrahedraFindTheSphere() {
    let nodes = 24
    let axis = (0..<nodes).map { -1 + 2 * Double($0) / Double(nodes - 1) }
    let values = axis.flatMap { x in
      axis.flatMap { y in axis.map { z in Float((x * x + y * y + z * z).squareRoot() - 0.6) } }
    }
    let mesh = Mesh.marchingTetrahedra(values, nodes: nodes)
    #expect(mesh.vertices.allSatisfy { abs($0.length - 0.6) < 0.01 })
    // Closed: every edge belongs to two triangles, and V - E + F = 2.
    var edges: [SIMD2<Int32>: Int] = [:]
    for t in mesh.triangles {
      for (a, b) in [(t.x, t.y), (t.y, t.z), (t.z, t.x)] { edges[SIMD2(min(a, b), max(a, b)), default: 0] += 1 }
    }
    #expect(edges.values.allSatisfy { $0 == 2 })
    #expect(mesh.vertices.count - edges.count + mesh.triangles.count == 2)
    // Faces look outside: the volume has its sign.
    let volume = mesh.triangles.reduce(0.0) { sum, t in
      let (a, b, c) = (mesh.vertices[Int(t.x)], mesh.vertices[Int(t.y)], mesh.vertices[Int(t.z)])
      return sum + a.dot(b.cross(c)) / 6
    }
    #expect(abs(volume / (4 * .pi / 3 * 0.216) - 1) < 0.02)
  }

  @Test func damagedFilesAreRefused() {
    let start = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
    let damages = [
      Damage("nothing", "", "no vertices"), Damage("only vertices", start, "neither faces nor lines"),
      Damage("bytes", [0xFF, 0xFE, 0x00], "UTF-8"), Damage("a word", start + "hello\n", "not a word"),
      Damage("one coordinate", "v 1\nf 1 1 1\n", "2 or 3"), Damage("nine coordinates", "v 1 2 3 4 5 6 7 8\n", "2 or 3"),
      Damage("a letter", "v 1 x 3\n", "not a number"), Damage("infinity", "v inf 0 0\n", "not a number"),
      Damage("nan", "v nan 0 0\n", "not a number"), Damage("too large", "v 1e40 0 0\n", "not a number"),
      Damage("two corners", start + "f 1 2\n", "at least 3"), Damage("vertex 0", start + "f 0 1 2\n", "no vertex"),
      Damage("vertex 4", start + "f 1 2 4\n", "does not exist"),
      Damage("vertex -4", start + "f 1 2 -4\n", "does not exist"),
      Damage("a vertex that comes later", "f 1 2 3\n" + start, "does not exist"),
      Damage("no number", start + "f a b c\n", "no vertex"), Damage("fraction", start + "f 1.5 2 3\n", "no vertex"),
      Damage("four parts", start + "f 1/1/1/1 2 3\n", "no vertex"),
      Damage("a part of letters", start + "f 1/x 2 3\n", "no vertex"),
      Damage("a corner twice", start + "f 1 2 2\n", "twice"),
      Damage("a huge index", start + "f 1 2 99999999999999\n", "does not exist"),
      Damage("an index beyond 64 bits", start + "f 1 2 99999999999999999999999\n", "no vertex"),
      Damage("a line of one end", start + "l 1\n", "at least 2"),
      Damage("a line to itself", start + "l 1 1\n", "itself"),
      Damage("one place", "v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "one place"),
    ]
    expectRefused(damages, as: "shape.obj") { try OBJ.decode($0, file: "shape.obj") }
    fuzz(Array(Self.cube.utf8), rounds: 300) { try OBJ.decode($0, file: "shape.obj") }
  }
}
