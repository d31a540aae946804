/// Named values one below the other: bars from zero, or points with their intervals (a forest plot).
public struct IntervalPlot: Plot {
  public enum Style: Sendable, Hashable { case bars, points }

  public struct Row: Sendable, Hashable {
    public var name: String
    public var value: Double
    public var interval: ClosedRange<Double>?
    /// Decides the colour; nil counts the rows.
    public var series: Int?

    public init(_ name: String, _ value: Double, interval: ClosedRange<Double>? = nil, series: Int? = nil) {
      self.name = name
      self.value = value
      self.interval = interval
      self.series = series
    }
  }

  public var title: String
  public var xTitle: String
  public var rows: [Row]
  public var style: Style
  /// A value to compare with: a dashed line.
  public var reference: Double?
  public var scale: AxisScale
  /// The values as they are written at the right.
  public var format: @Sendable (Double) -> String
  public var width = 440.0
  public var height: Double { Double(max(rows.count, 1)) * rowHeight + 90 }
  private var rowHeight: Double { 26 }

  public init(
    _ title: String, xTitle: String, _ rows: [Row], style: Style = .points, reference: Double? = nil,
    scale: AxisScale = .linear, format: @escaping @Sendable (Double) -> String = { formattedNumber($0) }
  ) {
    self.title = title
    self.xTitle = xTitle
    self.rows = rows
    self.style = style
    self.reference = reference
    self.scale = scale
    self.format = format
  }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    let names = rows.map { Drawing.textWidth($0.name) }.max() ?? 0
    let left = min(names, width * 0.38) + 18
    let valueTexts = rows.map { $0.value.isFinite ? format($0.value) : "–" }
    let right = width - 16 - (valueTexts.map { Drawing.textWidth($0, size: 12) }.max() ?? 0)
    let bottom = height - 44
    let top = max(top, bottom - Double(max(rows.count, 1)) * rowHeight - 4)
    let values = rows.flatMap { row in [row.value] + (row.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
    let x = Scale(
      values + (reference.map { [$0] } ?? []), scale, includesZero: style == .bars, margin: 0.05, start: left,
      end: right)
    var end = -Double.infinity
    for tick in x.ticks(max(2, Int((right - left) / 62))) {
      let (place, half) = (x(tick.value), Drawing.textWidth(tick.label, size: 12) / 2)
      target.drawing.line(place, top, place, bottom, stroke: Palette.grid, class: "grid")
      guard place - half > end + 4 else { continue }
      end = place + half
      target.drawing.text(tick.label, place, bottom + 17, anchor: .middle, size: 12, isFaint: true)
    }
    target.drawing.line(left, bottom, right, bottom, stroke: Palette.faint, class: "axis")
    target.drawing.text(
      Drawing.fitted(xTitle, right - left + 60), (left + right) / 2, height - 8, anchor: .middle, isFaint: true)
    if let reference, x.isDrawable(reference) {
      target.drawing.line(x(reference), top, x(reference), bottom, stroke: Palette.faint, class: "axis", dash: "4 3")
    }
    if rows.isEmpty {
      target.drawing.text("no data", (left + right) / 2, (top + bottom) / 2 + 4, anchor: .middle, isFaint: true)
    }
    for (i, row) in rows.enumerated() {
      let y = top + (Double(i) + 0.5) * rowHeight + 2
      target.drawing.text(Drawing.fitted(row.name, left - 18), left - 8, y + 4, anchor: .end)
      target.drawing.text(valueTexts[i], width - 8, y + 4, anchor: .end, size: 12, isFaint: true)
      draw(row, row.series ?? i, y, x, left, &target.drawing)
    }
  }

  private func draw(_ row: Row, _ series: Int, _ y: Double, _ x: Scale, _ left: Double, _ drawing: inout Drawing) {
    guard x.isDrawable(row.value) else { return }
    let text = "\(row.name): \(format(row.value))"
    switch style {
    case .bars:
      let zero = scale == .linear ? x(0) : left
      let end = x(row.value)
      drawing.seriesRectangle(min(zero, end), y - 8, abs(end - zero), 16, series, opacity: 0.85, title: text)
    case .points: break
    }
    if let interval = row.interval, x.isDrawable(interval.upperBound) {
      let low = x.isDrawable(interval.lowerBound) ? x(interval.lowerBound) : left
      let high = x(interval.upperBound)
      if style == .bars {
        drawing.line(low, y, high, y, stroke: Palette.faint, class: "axis", width: 1.5)
      } else {
        drawing.seriesLine(low, y, high, y, series, width: 2)
        for end in [low, high] { drawing.seriesLine(end, y - 4, end, y + 4, series, width: 2) }
      }
    }
    if style == .points { drawing.mark(x(row.value), y, series, title: text) }
  }
}
