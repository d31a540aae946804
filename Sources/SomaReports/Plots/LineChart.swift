/// Curves over a common axis, each with a band of uncertainty if it has one.
public struct LineChart: Plot {
  public struct Series: Sendable, Hashable {
    public var name: String
    public var x: [Double]
    /// One value for each place; where it is not finite the curve is broken.
    public var y: [Double]
    /// The band's edges; nil for a curve without one.
    public var low: [Double]?
    public var high: [Double]?

    public init(_ name: String, x: [Double], y: [Double], low: [Double]? = nil, high: [Double]? = nil) {
      self.name = name
      self.x = x
      self.y = y
      self.low = low
      self.high = high
    }
  }

  public var title: String
  public var xTitle: String
  public var yTitle: String
  public var series: [Series]
  public var xScale: AxisScale
  public var yScale: AxisScale
  /// The ends of the axes; nil for those of the data.
  public var xRange: ClosedRange<Double>?
  public var yRange: ClosedRange<Double>?
  /// Whether series differ by dashes beside their colours.
  public var usesDashes = true
  public var width = 440.0
  public var height = 320.0

  public init(
    _ title: String, xTitle: String, yTitle: String, _ series: [Series], xScale: AxisScale = .linear,
    yScale: AxisScale = .linear, xRange: ClosedRange<Double>? = nil, yRange: ClosedRange<Double>? = nil
  ) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.series = series
    self.xScale = xScale
    self.yScale = yScale
    self.xRange = xRange
    self.yRange = yRange
  }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    let top = Legend.draw(series.map(\.name), in: &target.drawing, below: top) { drawing, i, x, y in
      drawing.path([(x, y), (x + 20, y)], i, width: 2.5, dash: dash(i))
    }
    let frame = Frame(
      target.drawing, top: top, xs: series.flatMap(\.x),
      ys: series.flatMap { $0.y + ($0.low ?? []) + ($0.high ?? []) }, xScale: xScale, yScale: yScale, xRange: xRange,
      yRange: yRange, yTitle: yTitle)
    frame.drawAxes(in: &target.drawing, xTitle: xTitle, yTitle: yTitle)
    let runs = series.map { pieces($0, frame) }
    if runs.allSatisfy(\.isEmpty) { return frame.drawEmptyNote(in: &target.drawing) }
    target.drawing.clipped(
      target.id, frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top + 1
    ) { drawing in
      for (i, series) in series.enumerated() { drawBand(series, i, frame, &drawing) }
      for (i, pieces) in runs.enumerated() {
        for piece in pieces {
          if piece.count == 1 {
            drawing.mark(piece[0].0, piece[0].1, i, radius: 3, title: series[i].name)
          } else {
            drawing.path(piece, i, dash: dash(i))
          }
        }
      }
    }
  }

  private func dash(_ i: Int) -> String { usesDashes ? Palette.dashes[i % Palette.dashes.count] : "" }

  /// The curve in pieces without gaps.
  private func pieces(_ series: Series, _ frame: Frame) -> [[(Double, Double)]] {
    var result: [[(Double, Double)]] = []
    var current: [(Double, Double)] = []
    for (x, y) in zip(series.x, series.y) {
      if frame.x.isDrawable(x) && frame.y.isDrawable(y) {
        current.append((frame.x(x), frame.y(y)))
      } else if !current.isEmpty {
        result.append(current)
        current = []
      }
    }
    return current.isEmpty ? result : result + [current]
  }

  private func drawBand(_ series: Series, _ i: Int, _ frame: Frame, _ drawing: inout Drawing) {
    guard let low = series.low, let high = series.high else { return }
    var edges: [(x: Double, low: Double, high: Double)] = []
    func flush() {
      if edges.count > 1 {
        drawing.area(
          edges.map { ($0.x, $0.high) } + edges.reversed().map { ($0.x, $0.low) }, i,
          opacity: self.series.count > 4 ? 0.09 : 0.15)
      }
      edges = []
    }
    for (x, (l, h)) in zip(series.x, zip(low, high)) {
      guard frame.x.isDrawable(x), frame.y.isDrawable(h) else {
        flush()
        continue
      }
      // A lower edge at or below zero leaves a logarithmic axis at its end.
      edges.append((frame.x(x), frame.y.isDrawable(l) ? frame.y(l) : frame.bottom, frame.y(h)))
    }
    flush()
  }
}
