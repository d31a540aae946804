/// Named points with intervals in either direction.
public struct ScatterPlot: Plot {
  public struct Point: Sendable, Hashable {
    public var name: String
    public var x: Double
    public var y: Double
    public var xInterval: ClosedRange<Double>?
    public var yInterval: ClosedRange<Double>?
    /// Decides colour and form of the mark; nil counts the points.
    public var series: Int?

    public init(
      _ name: String, x: Double, y: Double, xInterval: ClosedRange<Double>? = nil,
      yInterval: ClosedRange<Double>? = nil, series: Int? = nil
    ) {
      self.name = name
      self.x = x
      self.y = y
      self.xInterval = xInterval
      self.yInterval = yInterval
      self.series = series
    }
  }

  public var title: String
  public var xTitle: String
  public var yTitle: String
  public var points: [Point]
  public var xScale: AxisScale
  public var yScale: AxisScale
  /// Whether the names stand beside the points.
  public var showsLabels = true
  public var width = 440.0
  public var height = 320.0

  public init(
    _ title: String, xTitle: String, yTitle: String, _ points: [Point], xScale: AxisScale = .linear,
    yScale: AxisScale = .linear
  ) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.points = points
    self.xScale = xScale
    self.yScale = yScale
  }

  private func ends(_ interval: ClosedRange<Double>?) -> [Double] {
    interval.map { [$0.lowerBound, $0.upperBound] } ?? []
  }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    let frame = Frame(
      target.drawing, top: top, xs: points.flatMap { [$0.x] + ends($0.xInterval) },
      ys: points.flatMap { [$0.y] + ends($0.yInterval) }, xScale: xScale, yScale: yScale, yTitle: yTitle, xMargin: 0.08)
    frame.drawAxes(in: &target.drawing, xTitle: xTitle, yTitle: yTitle)
    let shown = points.enumerated().filter { frame.x.isDrawable($0.element.x) && frame.y.isDrawable($0.element.y) }
    if shown.isEmpty { return frame.drawEmptyNote(in: &target.drawing) }

    var taken: [Box] = []
    for (i, point) in shown {
      let (x, y, series) = (frame.x(point.x), frame.y(point.y), point.series ?? i)
      if let interval = point.yInterval, let bar = bar(interval, frame.y, frame.bottom, frame.top) {
        target.drawing.seriesLine(x, bar.0, x, bar.1, series)
        for end in [bar.0, bar.1] { target.drawing.seriesLine(x - 4, end, x + 4, end, series) }
      }
      if let interval = point.xInterval, let bar = bar(interval, frame.x, frame.left, frame.right) {
        target.drawing.seriesLine(bar.0, y, bar.1, y, series)
        for end in [bar.0, bar.1] { target.drawing.seriesLine(end, y - 4, end, y + 4, series) }
      }
      let value = "\(point.name): \(formattedNumber(point.x)), \(formattedNumber(point.y))"
      target.drawing.mark(x, y, series, title: value)
      taken.append(Box(x: x - 6, y: y - 6, width: 12, height: 12))
    }
    guard showsLabels else { return }
    for (_, point) in shown {
      let label = Drawing.fitted(point.name, 140, size: 12)
      let (x, y, width) = (frame.x(point.x), frame.y(point.y), Drawing.textWidth(label, size: 12))
      let places: [(Double, Double)] = [
        (8, -5), (-8 - width, -5), (8, 12), (-8 - width, 12), (-width / 2, -10), (-width / 2, 19), (10, -17),
        (-10 - width, -17), (10, 24), (-10 - width, 24), (10, -29), (-10 - width, -29), (10, 36), (-10 - width, 36),
      ]
      let boxes = places.map { Box(x: x + $0.0, y: y + $0.1 - 10, width: width, height: 12) }
      let free = boxes.first { box in
        box.x >= frame.left && box.x + box.width <= target.drawing.width && box.y >= top - 4
          && box.y + box.height <= frame.bottom && !taken.contains { $0.meets(box) }
      }
      // Where there is no room the point keeps its tooltip only.
      guard let box = free else { continue }
      taken.append(box)
      target.drawing.text(label, box.x, box.y + 10, size: 12, hasHalo: true)
    }
  }

  /// The places of an interval's ends, kept within the axes; nil if there is nothing to draw.
  private func bar(
    _ interval: ClosedRange<Double>, _ scale: Scale, _ start: Double, _ end: Double
  ) -> (Double, Double)? {
    guard scale.isDrawable(interval.upperBound) else { return nil }
    let low = scale.isDrawable(interval.lowerBound) ? scale(interval.lowerBound) : start
    return (low, scale(interval.upperBound))
  }

  private struct Box {
    var x, y, width, height: Double
    func meets(_ other: Box) -> Bool {
      x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
    }
  }
}
