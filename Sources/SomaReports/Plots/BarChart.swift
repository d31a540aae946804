/// Bars from zero in groups, one bar of each series in a group, with intervals if they have them. Series differ by colour and
/// by hatching, so that they are told apart in grey print too.
public struct BarChart: Plot {
  public struct Series: Sendable, Hashable {
    public var name: String
    /// One value for each group; what is not finite is left out.
    public var values: [Double]
    public var intervals: [ClosedRange<Double>?]

    public init(_ name: String, _ values: [Double], intervals: [ClosedRange<Double>?] = []) {
      self.name = name
      self.values = values
      self.intervals = intervals
    }
  }

  public var title: String
  public var xTitle: String
  public var yTitle: String
  public var groups: [String]
  public var series: [Series]
  public var format: @Sendable (Double) -> String
  public var width = 440.0
  public var height = 320.0

  public init(
    _ title: String, xTitle: String = "", yTitle: String, groups: [String], _ series: [Series],
    format: @escaping @Sendable (Double) -> String = { formattedNumber($0, digits: 3) }
  ) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.groups = groups
    self.series = series
    self.format = format
  }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    let id = target.id
    for i in series.indices where series.count > 1 { target.drawing.hatching(id, i) }
    let top = Legend.draw(series.map(\.name), in: &target.drawing, below: top) { drawing, i, x, y in
      drawing.hatchedRectangle(x, y - 6, 20, 11, i, hatching: id)
    }
    let ends = series.flatMap { $0.intervals.compactMap(\.self).flatMap { [$0.lowerBound, $0.upperBound] } }
    let frame = Frame(
      target.drawing, top: top, xs: [], ys: series.flatMap(\.values) + ends, xScale: .linear, yScale: .linear,
      yTitle: yTitle, includesZeroInY: true)
    frame.drawValues(in: &target.drawing, yTitle: yTitle)
    let isEmpty = !series.contains { $0.values.prefix(groups.count).contains(where: frame.y.isDrawable) }
    if isEmpty { return frame.drawEmptyNote(in: &target.drawing) }
    let room = (frame.right - frame.left) / Double(max(groups.count, 1))
    let bar = min(60, room * 0.8 / Double(max(series.count, 1)))
    let zero = frame.y(0)
    for (g, group) in groups.enumerated() {
      let middle = frame.left + (Double(g) + 0.5) * room
      for (i, series) in series.enumerated() where g < series.values.count && frame.y.isDrawable(series.values[g]) {
        let value = series.values[g]
        let x = middle + (Double(i) - Double(self.series.count) / 2) * bar
        let y = frame.y(value)
        let label = "\(group)\(series.name.isEmpty ? "" : ", \(series.name)"): \(format(value))"
        target.drawing.hatchedRectangle(
          x + 0.5, min(y, zero), bar - 1, abs(y - zero), i, hatching: self.series.count > 1 ? id : nil, title: label)
        guard g < series.intervals.count, let interval = series.intervals[g], frame.y.isDrawable(interval.lowerBound),
          frame.y.isDrawable(interval.upperBound)
        else { continue }
        let (low, high) = (frame.y(interval.lowerBound), frame.y(interval.upperBound))
        let center = x + bar / 2
        target.drawing.whisker(center, low, high, halfWidth: min(4, bar / 4))
      }
    }
    target.drawing.line(frame.left, zero, frame.right, zero, stroke: Palette.faint, class: "axis")
    drawGroupNames(frame, room, &target.drawing)
    target.drawing.text(
      Drawing.fitted(xTitle, frame.right - frame.left), (frame.left + frame.right) / 2, height - 8, anchor: .middle,
      isFaint: true)
  }

  private func drawGroupNames(_ frame: Frame, _ room: Double, _ drawing: inout Drawing) {
    let isSlanted = (groups.map { Drawing.textWidth($0, size: 12) }.max() ?? 0) > room - 4
    let step = max(1, Int((12 / max(room, 0.5)).rounded(.up)))
    for (g, group) in groups.enumerated() where g % step == 0 {
      let x = frame.left + (Double(g) + 0.5) * room
      if isSlanted {
        drawing.text(
          Drawing.fitted(group, 44, size: 11), x + 3, frame.bottom + 13, anchor: .end, size: 11, rotation: -40)
      } else {
        drawing.text(group, x, frame.bottom + 16, anchor: .middle, size: 12)
      }
    }
  }
}
