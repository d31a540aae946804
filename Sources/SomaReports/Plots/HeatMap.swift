import Foundation

/// A matrix of numbers as colours.
public struct HeatMap: Plot {
  public var title: String
  public var xTitle: String
  public var yTitle: String
  public var rows: [String]
  public var columns: [String]
  /// `values[row][column]`; not a number is a missing value, drawn in grey.
  public var values: [[Double]]
  public var format: @Sendable (Double) -> String
  public var width = 440.0
  public var height: Double {
    min(30, (width - 120) / Double(max(columns.count, 1))) * Double(max(rows.count, 1)) + 110
  }

  public init(
    _ title: String, xTitle: String, yTitle: String, rows: [String], columns: [String], values: [[Double]],
    format: @escaping @Sendable (Double) -> String = { formattedNumber($0, digits: 3) }
  ) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.rows = rows
    self.columns = columns
    self.values = values
    self.format = format
  }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    let finite = values.flatMap { $0 }.filter(\.isFinite)
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    let names = min(rows.map { Drawing.textWidth($0, size: 12) }.max() ?? 0, width * 0.3)
    let left = names + (yTitle.isEmpty ? 14 : 32)
    let right = width - 66
    let bottom = height - 58
    let cellWidth = (right - left) / Double(max(columns.count, 1))
    let cellHeight = (bottom - top - 6) / Double(max(rows.count, 1))
    for (i, row) in rows.enumerated() {
      let y = top + 6 + Double(i) * cellHeight
      if cellHeight >= 9 {
        target.drawing.text(
          Drawing.fitted(row, names, size: 12), left - 6, y + cellHeight / 2 + 4, anchor: .end, size: 12)
      }
      for (j, column) in columns.enumerated() {
        let value = i < values.count && j < values[i].count ? values[i][j] : .nan
        let label = "\(row), \(column): \(value.isFinite ? format(value) : "–")"
        let x = left + Double(j) * cellWidth
        guard value.isFinite else {
          target.drawing.rectangle(
            x, y, cellWidth - 1, cellHeight - 1, fill: "#eceff2", class: "missing", title: label)
          continue
        }
        let t = high > low ? (value - low) / (high - low) : 0.5
        let (color, isBright) = Palette.sequential(t)
        target.drawing.rectangle(x, y, cellWidth - 1, cellHeight - 1, fill: color, class: "cell", title: label)
        let text = format(value)
        if Drawing.textWidth(text, size: 10.5) < cellWidth - 4 && cellHeight > 13 {
          target.drawing.text(
            text, x + cellWidth / 2 - 0.5, y + cellHeight / 2 + 3.5, anchor: .middle, size: 10.5,
            fill: isBright ? "#111111" : "#ffffff")
        }
      }
    }
    drawColumnNames(left, bottom, cellWidth, &target.drawing)
    if !finite.isEmpty { drawColorBar(low, high, right + 12, top + 6, bottom, &target.drawing) }
    target.drawing.text(
      Drawing.fitted(xTitle, right - left), (left + right) / 2, height - 8, anchor: .middle, isFaint: true)
    if !yTitle.isEmpty {
      target.drawing.text(
        Drawing.fitted(yTitle, bottom - top), 16, (top + bottom) / 2, anchor: .middle, isFaint: true, rotation: -90)
    }
  }

  private func drawColumnNames(_ left: Double, _ bottom: Double, _ cellWidth: Double, _ drawing: inout Drawing) {
    let widest = columns.map { Drawing.textWidth($0, size: 12) }.max() ?? 0
    let isSlanted = widest > cellWidth - 4
    for (j, column) in columns.enumerated() where cellWidth >= 9 || j % Int(ceil(12 / max(cellWidth, 0.5))) == 0 {
      let x = left + (Double(j) + 0.5) * cellWidth
      if isSlanted {
        drawing.text(Drawing.fitted(column, 46, size: 11), x + 3, bottom + 12, anchor: .end, size: 11, rotation: -40)
      } else {
        drawing.text(column, x, bottom + 16, anchor: .middle, size: 12)
      }
    }
  }

  private func drawColorBar(
    _ low: Double, _ high: Double, _ x: Double, _ top: Double, _ bottom: Double, _ drawing: inout Drawing
  ) {
    let steps = 24
    let step = (bottom - top) / Double(steps)
    for k in 0..<steps {
      let color = Palette.sequential(1 - (Double(k) + 0.5) / Double(steps)).color
      drawing.rectangle(x, top + Double(k) * step, 10, step + 0.5, fill: color, class: "cell")
    }
    drawing.text(formattedNumber(high, digits: 3), x + 14, top + 9, size: 11, isFaint: true)
    drawing.text(formattedNumber(low, digits: 3), x + 14, bottom, size: 11, isFaint: true)
  }
}
