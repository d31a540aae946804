import Foundation
import Soma

extension Mesh {
  /// The surface where a function on a grid over `[-1, 1]³` is zero, negative inside: each cube of the grid is cut into six tetrahedra
  /// along its diagonal, and each of those is cut by at most two triangles (Doi & Koide 1991). Triangles face outside; vertices are
  /// shared.
  /// - Parameter values: `[x][y][z]`, `nodes³` of them, z fastest
  public static func marchingTetrahedra(_ values: [Float], nodes: Int) -> Mesh {
    require(nodes >= 2 && values.count == nodes * nodes * nodes, "\(values.count) values do not fill \(nodes)³ nodes")
    var mesh = Mesh(vertices: [])
    var known: [SIMD2<Int32>: Int32] = [:]
    let step = 2 / Double(nodes - 1)
    func place(_ node: Int) -> Point {
      Point(
        Double(node / (nodes * nodes)) * step - 1, Double(node / nodes % nodes) * step - 1,
        Double(node % nodes) * step - 1)
    }
    func crossing(_ a: Int, _ b: Int) -> Int32 {
      let key = SIMD2(Int32(min(a, b)), Int32(max(a, b)))
      if let vertex = known[key] { return vertex }
      let (u, v) = (Double(values[a]), Double(values[b]))
      let t = min(max(u / (u - v), 1e-4), 1 - 1e-4)
      mesh.vertices.append(place(a) + (place(b) - place(a)) * t)
      known[key] = Int32(mesh.vertices.count - 1)
      return known[key]!
    }
    func add(_ a: Int32, _ b: Int32, _ c: Int32, inside: Point) {
      let (p, q, r) = (mesh.vertices[Int(a)], mesh.vertices[Int(b)], mesh.vertices[Int(c)])
      let faces = (q - p).cross(r - p).dot(p - inside) > 0
      mesh.triangles.append(faces ? SIMD3(a, b, c) : SIMD3(a, c, b))
    }
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    let strides = [nodes * nodes, nodes, 1]
    for i in 0..<(nodes - 1) {
      for j in 0..<(nodes - 1) {
        for k in 0..<(nodes - 1) {
          let base = (i * nodes + j) * nodes + k
          for order in orders {
            var corners = [base]
            for axis in order { corners.append(corners.last! + strides[axis]) }
            let inside = corners.filter { values[$0] < 0 }
            let outside = corners.filter { values[$0] >= 0 }
            switch inside.count {
            case 1, 3:
              let (single, others) = inside.count == 1 ? (inside[0], outside) : (outside[0], inside)
              let cut = others.map { crossing(single, $0) }
              add(cut[0], cut[1], cut[2], inside: place(inside[0]))
            case 2:
              let (a, b, c, d) = (inside[0], inside[1], outside[0], outside[1])
              let (ac, ad, bc, bd) = (crossing(a, c), crossing(a, d), crossing(b, c), crossing(b, d))
              add(ac, ad, bd, inside: place(a))
              add(ac, bd, bc, inside: place(a))
            default: break
            }
          }
        }
      }
    }
    return mesh
  }
}
