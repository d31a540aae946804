import Foundation

/// A surface over a rectangle as bands of equal colour between contour lines (marching squares with linear interpolation;
/// Lorensen, Cline 1987 in two dimensions).
public struct ContourPlot: Plot {
  /// A named place on the surface.
  public struct Mark: Sendable, Hashable {
    public var name: String
    public var x: Double
    public var y: Double

    public init(_ name: String, x: Double, y: Double) { (self.name, self.x, self.y) = (name, x, y) }
  }

  public var title: String
  public var xTitle: String
  public var yTitle: String
  /// The places of columns and of rows, ascending.
  public var x: [Double]
  public var y: [Double]
  /// `values[row][column]`, the row of `y[0]` first; what is not finite leaves a hole.
  public var values: [[Double]]
  /// Where the lines are; nil for about eight round ones. A logarithmic scale suits surfaces of several powers of ten.
  public var levels: [Double]?
  public var scale: AxisScale
  public var marks: [Mark]
  public var width = 460.0
  public var height = 400.0

  public init(
    _ title: String, xTitle: String, yTitle: String, x: [Double], y: [Double], values: [[Double]],
    levels: [Double]? = nil, scale: AxisScale = .linear, marks: [Mark] = []
  ) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.x = x
    self.y = y
    self.values = values
    self.levels = levels
    self.scale = scale
    self.marks = marks
  }

  /// The levels that are drawn, ascending: those given, or round ones within the values' range.
  public var shownLevels: [Double] {
    let shown = values.joined().filter { Scale.isDrawable($0, scale) }
    guard let low = shown.min(), let high = shown.max(), high > low else { return [] }
    let all = levels?.sorted() ?? Scale(shown, scale, range: low...high, start: 0, end: 1).ticks(8).map(\.value)
    return all.filter { $0 > low && $0 < high }
  }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    var inner = Drawing(width: width - Self.barRoom, height: height)
    let frame = Frame(
      inner, top: top, xs: x, ys: y, xScale: .linear, yScale: .linear, xRange: Self.ends(x), yRange: Self.ends(y),
      yTitle: yTitle)
    let grid = Grid(self, frame)
    let levels = shownLevels
    // Before the surface, which covers the lines that help to read curves.
    frame.drawAxes(in: &inner, xTitle: xTitle, yTitle: yTitle)
    // Each band covers all that is at or above its lower level; the next one covers its upper part.
    for band in 0...levels.count {
      let level = band == 0 ? -Double.infinity : levels[band - 1]
      inner.region(grid.region(above: level), fill: Self.color(band, levels.count), title: name(of: band, levels))
    }
    for level in levels { inner.contour(grid.line(at: level)) }
    if grid.isEmpty { frame.drawEmptyNote(in: &inner) }
    for mark in marks where frame.x.isDrawable(mark.x) && frame.y.isDrawable(mark.y) {
      let (px, py) = (frame.x(mark.x), frame.y(mark.y))
      inner.ring(px, py, title: "\(mark.name): \(formattedNumber(mark.x)), \(formattedNumber(mark.y))")
      inner.text(mark.name, px + 9, py - 6, size: 12, hasHalo: true)
    }
    target.drawing.append(inner)
    if !grid.isEmpty { drawBar(levels, frame, &target.drawing) }
  }

  /// The room of the bar with the levels.
  private static let barRoom = 64.0

  fileprivate static func ends(_ places: [Double]) -> ClosedRange<Double>? {
    guard let low = places.first, let high = places.last, low < high, low.isFinite, high.isFinite else { return nil }
    return low...high
  }

  private static func color(_ band: Int, _ levels: Int) -> String {
    Palette.sequential(levels == 0 ? 0.5 : Double(band) / Double(levels)).color
  }

  private func name(of band: Int, _ levels: [Double]) -> String {
    if levels.isEmpty { return "all values" }
    if band == 0 { return "below \(formattedNumber(levels[0]))" }
    if band == levels.count { return "above \(formattedNumber(levels[band - 1]))" }
    return "\(formattedNumber(levels[band - 1])) to \(formattedNumber(levels[band]))"
  }

  private func drawBar(_ levels: [Double], _ frame: Frame, _ drawing: inout Drawing) {
    let left = width - Self.barRoom
    let step = (frame.bottom - frame.top) / Double(levels.count + 1)
    for band in 0...levels.count {
      let y = frame.bottom - Double(band + 1) * step
      drawing.rectangle(
        left, y, 12, step + 0.3, fill: Self.color(band, levels.count), class: "cell", title: name(of: band, levels))
      if band < levels.count {
        drawing.text(
          Drawing.fitted(formattedNumber(levels[band], digits: 3), Self.barRoom - 18, size: 11), left + 16, y + 4,
          size: 11,
          isFaint: true)
      }
    }
  }

  /// The surface in places of the drawing.
  private struct Grid {
    typealias Point = (x: Double, y: Double)
    /// A corner: its place and its height.
    private typealias Corner = (x: Double, y: Double, value: Double)

    private let columns: [Double]
    private let rows: [Double]
    /// Heights, or their logarithms.
    private let values: [[Double]]
    private let isLogarithmic: Bool
    let isEmpty: Bool

    init(_ plot: ContourPlot, _ frame: Frame) {
      let width = plot.values.map(\.count).min() ?? 0
      let isUsable =
        ContourPlot.ends(plot.x) != nil && ContourPlot.ends(plot.y) != nil && plot.x.allSatisfy(\.isFinite)
        && plot.y.allSatisfy(\.isFinite)
      columns = isUsable ? plot.x.prefix(width).map { frame.x($0) } : []
      rows = isUsable ? plot.y.prefix(plot.values.count).map { frame.y($0) } : []
      // A logarithmic surface is interpolated in logarithms, as its levels are spaced.
      let isLogarithmic = plot.scale == .logarithmic
      self.isLogarithmic = isLogarithmic
      values = plot.values.map { row in
        row.map { Scale.isDrawable($0, plot.scale) ? (isLogarithmic ? log($0) : $0) : .nan }
      }
      let known = values
      isEmpty =
        columns.count < 2 || rows.count < 2
        || !(0..<rows.count - 1).contains { i in
          (0..<width - 1).contains { j in
            known[i][j].isFinite && known[i][j + 1].isFinite && known[i + 1][j].isFinite && known[i + 1][j + 1].isFinite
          }
        }
    }

    private func corners(_ i: Int, _ j: Int) -> [Corner]? {
      let result: [Corner] = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)].map { row, column in
        (columns[column], rows[row], values[row][column])
      }
      return result.contains { $0.value.isNaN } ? nil : result
    }

    private func forEachCell(_ body: (Int, Int, [Corner]?) -> Void) {
      guard !isEmpty else { return }
      for i in 0..<rows.count - 1 {
        for j in 0..<columns.count - 1 { body(i, j, corners(i, j)) }
      }
    }

    private func height(_ value: Double) -> Double { isLogarithmic && value.isFinite ? log(value) : value }

    private static func crossing(_ a: Corner, _ b: Corner, _ level: Double) -> Point {
      let t = (level - a.value) / (b.value - a.value)
      return (a.x + t * (b.x - a.x), a.y + t * (b.y - a.y))
    }

    /// Polygons that cover where the surface is at or above a level; whole cells of a row in one.
    func region(above value: Double) -> [[Point]] {
      let level = height(value)
      var polygons: [[Point]] = []
      var run: (row: Int, from: Int, to: Int)?
      func flush() {
        guard let (row, from, to) = run else { return }
        polygons.append([
          (columns[from], rows[row]), (columns[to], rows[row]), (columns[to], rows[row + 1]),
          (columns[from], rows[row + 1]),
        ])
        run = nil
      }
      forEachCell { i, j, corners in
        guard let corners, corners.contains(where: { $0.value >= level }) else { return flush() }
        if corners.allSatisfy({ $0.value >= level }) {
          if let known = run, known.row == i, known.to == j {
            run?.to = j + 1
          } else {
            flush()
            run = (i, j, j + 1)
          }
          return
        }
        flush()
        polygons += Self.parts(corners, level)
      }
      flush()
      return polygons
    }

    /// What of a cell is at or above a level. Of two opposite high corners, whether they are joined is told by the middle.
    private static func parts(_ corners: [Corner], _ level: Double) -> [[Point]] {
      let isHigh = corners.map { $0.value >= level }
      let isSaddle = isHigh[0] == isHigh[2] && isHigh[1] == isHigh[3] && isHigh[0] != isHigh[1]
      if isSaddle, corners.reduce(0, { $0 + $1.value }) / 4 < level {
        return corners.indices.filter { isHigh[$0] }.map { k in
          let (before, after) = (corners[(k + 3) % 4], corners[(k + 1) % 4])
          return [
            crossing(corners[k], before, level), (corners[k].x, corners[k].y), crossing(corners[k], after, level),
          ]
        }
      }
      var polygon: [Point] = []
      for k in corners.indices {
        let (a, b) = (corners[k], corners[(k + 1) % 4])
        if a.value >= level { polygon.append((a.x, a.y)) }
        if (a.value >= level) != (b.value >= level) { polygon.append(crossing(a, b, level)) }
      }
      return [polygon]
    }

    /// The pieces of the line at a level, one or two in a cell.
    func line(at value: Double) -> [(Point, Point)] {
      let level = height(value)
      var pieces: [(Point, Point)] = []
      forEachCell { _, _, corners in
        guard let corners else { return }
        let crossings = corners.indices.compactMap { k -> (edge: Int, point: Point)? in
          let (a, b) = (corners[k], corners[(k + 1) % 4])
          return (a.value >= level) != (b.value >= level) ? (k, Self.crossing(a, b, level)) : nil
        }
        if crossings.count == 2 {
          pieces.append((crossings[0].point, crossings[1].point))
        } else if crossings.count == 4 {
          let isJoined = (corners.reduce(0) { $0 + $1.value } / 4 >= level) == (corners[0].value >= level)
          // Joined high corners 0 and 2 leave corners 1 and 3 cut off; else 0 and 2 are.
          let pairs = isJoined ? [(0, 1), (2, 3)] : [(3, 0), (1, 2)]
          for (a, b) in pairs { pieces.append((crossings[a].point, crossings[b].point)) }
        }
      }
      return pieces
    }
  }
}
