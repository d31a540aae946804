import Foundation

/// A network whose edges are functions of one number: nodes in rows, the inputs at the bottom, and on every edge a small picture of
/// its function.
public struct CurveNetwork: Plot {
  /// An edge with samples of its function.
  public struct Edge: Sendable {
    public var layer: Int
    public var from: Int
    public var to: Int
    public var x: [Double]
    public var y: [Double]
    /// 0 to 1: how strongly it is drawn.
    public var opacity: Double
    /// What stands beside the picture, such as the function's name.
    public var label: String

    public init(layer: Int, from: Int, to: Int, x: [Double], y: [Double], opacity: Double = 1, label: String = "") {
      self.layer = layer
      self.from = from
      self.to = to
      self.x = x
      self.y = y
      self.opacity = min(max(opacity, 0), 1)
      self.label = label
    }
  }

  public var title: String
  /// Nodes of each layer, inputs first.
  public var nodes: [Int]
  public var inputNames: [String]
  public var outputNames: [String]
  public var edges: [Edge]
  public var width = 720.0

  public init(
    _ title: String, nodes: [Int], edges: [Edge], inputNames: [String] = [], outputNames: [String] = []
  ) {
    self.title = title
    self.nodes = nodes
    self.edges = edges
    self.inputNames = inputNames
    self.outputNames = outputNames
  }

  private static let box = 46.0
  private static let rowHeight = 150.0

  public var height: Double { 40 + Double(max(1, nodes.count - 1)) * Self.rowHeight + 50 }

  private func place(_ layer: Int, _ node: Int, _ top: Double) -> (x: Double, y: Double) {
    let x = width * (Double(node) + 0.5) / Double(max(1, nodes[layer]))
    return (x, top + 24 + Double(nodes.count - 1 - layer) * Self.rowHeight)
  }

  public func draw(in plot: inout PlotDrawing, below top: Double) {
    for (layer, group) in Dictionary(grouping: edges, by: \.layer).sorted(by: { $0.key < $1.key }) {
      let sorted = group.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
      // Pictures stand side by side between the rows, in the order of the nodes below.
      let size = min(Self.box, width / Double(max(1, sorted.count)) - 6)
      for (k, edge) in sorted.enumerated() {
        let (from, to) = (place(layer, edge.from, top), place(layer + 1, edge.to, top))
        let center = (x: width * (Double(k) + 0.5) / Double(sorted.count), y: (from.y + to.y) / 2)
        let faint = max(0.12, edge.opacity)
        wire(from, (center.x, center.y + size / 2), faint, &plot.drawing)
        wire((center.x, center.y - size / 2), to, faint, &plot.drawing)
        picture(edge, center, size, faint, &plot.drawing)
      }
    }
    for (layer, count) in nodes.enumerated() {
      for node in 0..<count {
        let p = place(layer, node, top)
        plot.drawing.mark(p.x, p.y, 0, radius: 4, title: "node \(node) of layer \(layer)")
        if layer == 0, node < inputNames.count {
          plot.drawing.text(inputNames[node], p.x, p.y + 20, anchor: .middle, size: 12)
        } else if layer == nodes.count - 1, node < outputNames.count {
          plot.drawing.text(outputNames[node], p.x, p.y - 10, anchor: .middle, size: 12)
        }
      }
    }
  }

  private func wire(
    _ a: (x: Double, y: Double), _ b: (x: Double, y: Double), _ opacity: Double, _ drawing: inout Drawing
  ) {
    drawing.area(
      [(a.x - 0.7, a.y), (a.x + 0.7, a.y), (b.x + 0.7, b.y), (b.x - 0.7, b.y)], 0, opacity: opacity)
  }

  private func picture(
    _ edge: Edge, _ center: (x: Double, y: Double), _ size: Double, _ opacity: Double, _ drawing: inout Drawing
  ) {
    let (left, up) = (center.x - size / 2, center.y - size / 2)
    drawing.seriesRectangle(left, up, size, size, 0, opacity: 0.06 + 0.1 * opacity, title: edge.label)
    let pairs = zip(edge.x, edge.y).filter { $0.0.isFinite && $0.1.isFinite }
    guard let x0 = pairs.map(\.0).min(), let x1 = pairs.map(\.0).max(), let y0 = pairs.map(\.1).min(),
      let y1 = pairs.map(\.1).max()
    else { return }
    let step = max(1, pairs.count / 60)
    let shown = stride(from: 0, to: pairs.count, by: step).map { pairs[$0] }
    let points = shown.map { pair -> (Double, Double) in
      let u = x1 > x0 ? (pair.0 - x0) / (x1 - x0) : 0.5
      let v = y1 > y0 ? (pair.1 - y0) / (y1 - y0) : 0.5
      return (left + 3 + u * (size - 6), up + size - 3 - v * (size - 6))
    }
    drawing.path(points, 1, width: 0.6 + 1.4 * opacity)
    if !edge.label.isEmpty {
      drawing.text(
        Drawing.fitted(edge.label, size + 20, size: 10), center.x, up - 3, anchor: .middle, size: 10, isFaint: true)
    }
  }
}
