/// A picture of a graph: boxes for operations, layers or groups of layers, wires with the shapes that flow along them.
public struct Diagram: Sendable {
  /// A box.
  public struct Box: Sendable {
    public var title: String
    public var detail: String
    /// Boxes it reads from, with the types on the wires.
    public var sources: [(box: Int, type: TensorType)]
    /// Distance from the inputs.
    var rank = 0
    var column = 0.0
  }

  public private(set) var boxes: [Box] = []

  /// - Parameters:
  ///   - graph: what to draw. Constants and moves of data that change no shape are left out.
  ///   - depth: layers at this depth of scope become one box each; nil draws every operation.
  ///   - names: names of the inputs; unnamed ones (parameters, say) are left out.
  public init(_ graph: Graph, depth: Int? = 2, inputs names: [Int: String] = [0: "input"]) {
    var boxOf = [Int?](repeating: nil, count: graph.types.count)
    var boxOfScope: [String: Int] = [:]
    var operations: [Int: [String]] = [:]
    for (i, id) in graph.inputs.enumerated() {
      guard let name = names[i] else { continue }
      boxOf[id] = boxes.count
      boxes.append(Box(title: name, detail: graph.types[id].description, sources: []))
    }
    for node in graph.nodes {
      // What depends on parameters and constants only is part of the box that reads it.
      let sources = node.inputs.compactMap { id in boxOf[id].map { ($0, graph.types[id]) } }
      guard !sources.isEmpty else { continue }
      let path = depth.map { node.scope.split(separator: "/").prefix($0).joined(separator: "/") }
      let box: Int
      if let path, !path.isEmpty, let known = boxOfScope[path], !reaches(known, from: sources.map(\.0)) {
        box = known
      } else if case .reshape = node.primitive, path?.isEmpty ?? true {
        boxOf[node.outputs.lowerBound] = sources[0].0
        continue
      } else {
        box = boxes.count
        let isLayer = !(path?.isEmpty ?? true)
        boxes.append(
          Box(title: isLayer ? path! : node.primitive.name, detail: isLayer ? "" : node.primitive.settings, sources: [])
        )
        if let path, isLayer { boxOfScope[path] = box }
      }
      for (source, type) in sources
      where source != box && !boxes[box].sources.contains(where: { $0.box == source && $0.type == type }) {
        boxes[box].sources.append((source, type))
      }
      for id in node.outputs { boxOf[id] = box }
      if !(path?.isEmpty ?? true), node.primitive.isArithmetic {
        // What a layer does, under its name.
        let name = node.primitive.name
        if !operations[box, default: []].contains(name) {
          operations[box, default: []].append(name)
          boxes[box].detail = operations[box]!.joined(separator: " · ")
        }
      }
    }
    for (k, id) in graph.outputs.enumerated() {
      guard let source = boxOf[id] else { continue }
      boxes.append(
        Box(
          title: graph.outputs.count == 1 ? "output" : "output \(k)", detail: graph.types[id].description,
          sources: [(source, graph.types[id])]))
    }
    arrange()
  }

  /// Whether one of the sources reads, directly or not, from a box: joining would make a loop.
  private func reaches(_ target: Int, from sources: [Int]) -> Bool {
    var seen: Set<Int> = []
    var open = sources.filter { $0 != target }
    while let box = open.popLast() {
      if box == target { return true }
      guard seen.insert(box).inserted else { continue }
      open += boxes[box].sources.map(\.box)
    }
    return false
  }

  /// Ranks by longest path from the inputs; columns by the mean of the sources' columns.
  private mutating func arrange() {
    var isSettled = false
    var rounds = 0
    while !isSettled && rounds <= boxes.count {
      isSettled = true
      rounds += 1
      for i in boxes.indices {
        let rank = boxes[i].sources.map { boxes[$0.box].rank + 1 }.max() ?? 0
        if rank != boxes[i].rank {
          boxes[i].rank = rank
          isSettled = false
        }
      }
    }
    for rank in 0...(boxes.map(\.rank).max() ?? 0) {
      let row = boxes.indices.filter { boxes[$0].rank == rank }
      let wanted = row.map { i -> Double in
        let columns = boxes[i].sources.map { boxes[$0.box].column }
        return columns.isEmpty ? 0 : columns.reduce(0, +) / Double(columns.count)
      }
      let order = row.indices.sorted { (wanted[$0], row[$0]) < (wanted[$1], row[$1]) }
      let center = wanted.isEmpty ? 0 : wanted.reduce(0, +) / Double(wanted.count)
      for (place, k) in order.enumerated() {
        boxes[row[k]].column = center + Double(place) - Double(order.count - 1) / 2
      }
    }
  }

  /// Rules that touch nothing else in a page which holds the picture. On paper it is light.
  private static let style: String = {
    let light = [
      ".box{fill:#eef3fb;stroke:#3b5b8c}", ".wire{fill:none;stroke:#8a94a3;stroke-width:1.3}",
      ".title{fill:#16202e;font-weight:600}", ".detail{fill:#4a5667;font-size:10px}",
      ".shape{fill:#5b6675;font-size:10px}",
    ]
    let dark = [
      ".box{fill:#1f2a3a;stroke:#7fa2d6}", ".title{fill:#e8eef7}", ".detail{fill:#b3bfce}", ".shape{fill:#b3bfce}",
    ]
    func scoped(_ rules: [String]) -> String { rules.map { ".soma-diagram \($0)" }.joined() }
    return scoped(light) + "@media screen and (prefers-color-scheme:dark){\(scoped(dark))}"
  }()

  /// The graph in the DOT language of Graphviz.
  public func dot() -> String {
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
    var lines = ["digraph network {", "  node [shape=box, style=rounded, fontname=\"sans-serif\"];"]
    for (i, box) in boxes.enumerated() {
      lines.append("  b\(i) [label=\(quoted(box.detail.isEmpty ? box.title : box.title + "\n" + box.detail))];")
    }
    for (i, box) in boxes.enumerated() {
      for source in box.sources {
        lines.append("  b\(source.box) -> b\(i) [label=\(quoted(source.type.description))];")
      }
    }
    return lines.joined(separator: "\n") + "\n}\n"
  }

  /// The picture as SVG; colours follow the reader's light or dark preference.
  public func svg() -> String {
    let (boxWidth, boxHeight, gapX, gapY, margin) = (190.0, 44.0, 40.0, 46.0, 24.0)
    let left = boxes.map(\.column).min() ?? 0
    let right = boxes.map(\.column).max() ?? 0
    let width = (right - left) * (boxWidth + gapX) + boxWidth + 2 * margin
    let height = Double((boxes.map(\.rank).max() ?? 0) + 1) * (boxHeight + gapY) - gapY + 2 * margin
    func x(_ box: Box) -> Double { margin + (box.column - left) * (boxWidth + gapX) }
    func y(_ box: Box) -> Double { margin + Double(box.rank) * (boxHeight + gapY) }
    func number(_ value: Double) -> String { String(Double(Int(value * 10)) / 10) }
    var out = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" width="\(number(width))" height="\(number(height))" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="diagram of a network" class="soma-diagram">
      <style>\(Self.style)</style>
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8a94a3"/></marker></defs>

      """
    for box in boxes {
      for (place, source) in box.sources.enumerated() {
        let from = boxes[source.box]
        let (x1, y1) = (x(from) + boxWidth / 2, y(from) + boxHeight)
        let spread = (Double(place) - Double(box.sources.count - 1) / 2) * 24
        let (x2, y2) = (x(box) + boxWidth / 2 + spread, y(box))
        let bend = (y2 - y1) / 2
        // Wires that skip ranks bow aside so that they do not run behind boxes.
        let bow = box.rank - from.rank > 1 && abs(x2 - x1) < boxWidth / 2 ? boxWidth * 0.62 : 0
        let path =
          bow == 0
          ? "M\(number(x1)) \(number(y1))C\(number(x1)) \(number(y1 + bend)) \(number(x2)) \(number(y2 - bend)) \(number(x2)) \(number(y2))"
          : "M\(number(x1)) \(number(y1))C\(number(x1 + bow)) \(number(y1 + gapY)) \(number(x1 + bow)) \(number(y1 + gapY)) \(number(x1 + bow)) \(number((y1 + y2) / 2))S\(number(x2 + bow * 0.4)) \(number(y2 - 4)) \(number(x2)) \(number(y2))"
        out += "<path class=\"wire\" marker-end=\"url(#arrow)\" d=\"\(path)\"/>\n"
        let label = source.type.shape.description + (source.type.dtype == .float32 ? "" : " \(source.type.dtype)")
        // Where wires meet, the label stands at the other end, so that labels do not meet too.
        let t = box.sources.count > 1 ? 0.25 : 0.75
        let (s0, s1, s2, s3) = ((1 - t) * (1 - t) * (1 - t), 3 * t * (1 - t) * (1 - t), 3 * t * t * (1 - t), t * t * t)
        let (lx, ly) =
          bow == 0
          ? ((s0 + s1) * x1 + (s2 + s3) * x2 + 5, s0 * y1 + s1 * (y1 + bend) + s2 * (y2 - bend) + s3 * y2 + 3)
          : (x1 + bow + 5, (y1 + y2) / 2)
        out += "<text class=\"shape\" x=\"\(number(lx))\" y=\"\(number(ly))\">\(label)</text>\n"
      }
    }
    for box in boxes {
      let (bx, by) = (x(box), y(box))
      out +=
        "<rect class=\"box\" x=\"\(number(bx))\" y=\"\(number(by))\" width=\"\(number(boxWidth))\" height=\"\(number(boxHeight))\" rx=\"7\"/>\n"
      let hasDetail = !box.detail.isEmpty
      out +=
        "<text class=\"title\" text-anchor=\"middle\" x=\"\(number(bx + boxWidth / 2))\" y=\"\(number(by + (hasDetail ? 19 : 26)))\">\(Diagram.escaped(Diagram.shortened(box.title, 28)))</text>\n"
      if hasDetail {
        out +=
          "<text class=\"detail\" text-anchor=\"middle\" x=\"\(number(bx + boxWidth / 2))\" y=\"\(number(by + 34))\">\(Diagram.escaped(Diagram.cut(box.detail, 36)))</text>\n"
      }
    }
    return out + "</svg>\n"
  }

  /// Long titles are paths, whose end tells most; of a list of operations the beginning does.
  private static func cut(_ text: String, _ length: Int) -> String {
    text.count <= length ? text : text.prefix(length - 1) + "…"
  }

  private static func shortened(_ text: String, _ length: Int) -> String {
    text.count <= length ? text : "…" + text.suffix(length - 1)
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, c in
      switch c {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(c)
      }
    }
  }
}

extension Primitive {
  /// Whether it computes rather than moves, stretches or makes elements.
  fileprivate var isArithmetic: Bool {
    switch self {
    case .constant, .iota, .cast, .stopGradient, .reshape, .transpose, .broadcast, .slice, .pad, .concatenate, .reverse:
      false
    case .randomBits, .unary, .polygamma, .binary, .compare, .select, .dot, .convolution, .splineSum, .reduce,
      .argReduce,
      .cumulative, .windowReduce, .windowArgMax, .gather, .scatterAdd, .argSort, .argTopK, .fourier, .realFourier,
      .inverseRealFourier, .cholesky, .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant,
      .scan, .custom, .checkpoint:
      true
    }
  }
}
