/// A picture of data.
public protocol Plot: Sendable {
  var title: String { get }
  /// The drawing's size in units of which about 13 make a line of text; it scales to any room.
  var width: Double { get }
  var height: Double { get }
  /// Draws into `drawing`, from `top` on down.
  func draw(in drawing: inout PlotDrawing, below top: Double)
}

/// A drawing that plots draw in.
public struct PlotDrawing {
  var drawing: Drawing
  /// Tells apart the clipping areas of several plots in a page.
  let id: String
}

extension Plot {
  /// The plot as an SVG document of its own: it follows the reader's light or dark scheme, and prints light.
  public func svg() -> String { render(isDocument: true, id: "p") }

  /// The plot as an element of a page that has `Page.styleSheet`.
  /// - Parameter id: tells it apart from other plots of the page
  public func element(id: String) -> String { render(isDocument: false, id: id) }

  private func render(isDocument: Bool, id: String) -> String {
    var drawing = PlotDrawing(drawing: Drawing(width: width, height: height), id: id)
    var top = 8.0
    if !title.isEmpty {
      drawing.drawing.text(Drawing.fitted(title, width - 16, size: 14.5), 8, 20, size: 14.5, isBold: true)
      top = 30
    }
    draw(in: &drawing, below: top)
    return drawing.drawing.svg(label: title, isDocument: isDocument)
  }
}

/// The axes of a plot with two numeric directions.
struct Frame {
  var x: Scale
  var y: Scale
  let left: Double
  let right: Double
  let top: Double
  let bottom: Double

  /// Lays out axes in what is left of the drawing: room for tick labels and titles at the left and below.
  init(
    _ drawing: Drawing, top: Double, xs: [Double], ys: [Double], xScale: AxisScale, yScale: AxisScale,
    xRange: ClosedRange<Double>? = nil, yRange: ClosedRange<Double>? = nil, yTitle: String,
    xMargin: Double = 0.02, includesZeroInY: Bool = false
  ) {
    bottom = drawing.height - 44
    self.top = top + 6
    right = drawing.width - 14
    y = Scale(
      ys, yScale, range: yRange, includesZero: includesZeroInY, margin: 0.06, start: bottom, end: self.top)
    let labels = y.ticks(Self.yTickCount(bottom - self.top)).map { Drawing.textWidth($0.label, size: 12) }
    left = (yTitle.isEmpty ? 8 : 26) + 8 + (labels.max() ?? 0)
    x = Scale(xs, xScale, range: xRange, margin: xMargin, start: left, end: right)
  }

  private static func yTickCount(_ height: Double) -> Int { max(2, Int(height / 42)) }

  /// The vertical axis: lines at round values, and what it is.
  func drawValues(in drawing: inout Drawing, yTitle: String) {
    for tick in y.ticks(Self.yTickCount(bottom - top)) {
      let place = y(tick.value)
      drawing.line(left, place, right, place, stroke: Palette.grid, class: "grid")
      drawing.text(tick.label, left - 6, place + 4, anchor: .end, size: 12, isFaint: true)
    }
    guard !yTitle.isEmpty else { return }
    let middle = (top + bottom) / 2
    drawing.text(Drawing.fitted(yTitle, bottom - top), 16, middle, anchor: .middle, isFaint: true, rotation: -90)
  }

  func drawAxes(in drawing: inout Drawing, xTitle: String, yTitle: String) {
    drawValues(in: &drawing, yTitle: yTitle)
    var end = -Double.infinity
    for tick in x.ticks(max(2, Int((right - left) / 62))) {
      let place = x(tick.value)
      let half = Drawing.textWidth(tick.label, size: 12) / 2
      drawing.line(place, bottom, place, bottom + 4, stroke: Palette.faint, class: "axis")
      // A label that would touch its neighbour is left out.
      guard place - half > end + 4 else { continue }
      end = place + half
      drawing.text(
        tick.label, min(place, drawing.width - half - 2), bottom + 17, anchor: .middle, size: 12, isFaint: true)
    }
    drawing.line(left, bottom, right, bottom, stroke: Palette.faint, class: "axis")
    drawing.text(
      Drawing.fitted(xTitle, right - left), (left + right) / 2, drawing.height - 8, anchor: .middle, isFaint: true)
  }

  func drawEmptyNote(in drawing: inout Drawing) {
    drawing.text("no data", (left + right) / 2, (top + bottom) / 2, anchor: .middle, isFaint: true)
  }
}

/// Names of series in rows, each with a sample of its look.
struct Legend {
  /// Draws the entries from `top` on and returns where they end.
  static func draw(
    _ names: [String], in drawing: inout Drawing, below top: Double,
    sample: (inout Drawing, Int, Double, Double) -> Void
  ) -> Double {
    guard names.count > 1 else { return top }
    var (x, y) = (10.0, top + 12)
    for (i, name) in names.enumerated() {
      let label = Drawing.fitted(name, drawing.width - 50, size: 12)
      let width = 26 + Drawing.textWidth(label, size: 12) + 14
      if x + width > drawing.width && x > 10 { (x, y) = (10, y + 17) }
      sample(&drawing, i, x, y - 4)
      drawing.text(label, x + 26, y, size: 12)
      x += width
    }
    return y + 6
  }
}
