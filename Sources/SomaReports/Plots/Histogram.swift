import Foundation

/// How often values fall into equal intervals.
public struct Histogram: Plot {
  public var title: String
  public var xTitle: String
  public var yTitle: String
  /// Values that are not finite are left out.
  public var values: [Double]
  /// Nil: by the spread of the middle half of the values (Freedman, Diaconis 1981), between 5 and 60.
  public var binCount: Int?
  public var width = 440.0
  public var height = 280.0

  public init(_ title: String, xTitle: String, yTitle: String = "count", _ values: [Double], binCount: Int? = nil) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.values = values
    self.binCount = binCount
  }

  /// The intervals' ends and the number of values in each; a value on an inner end belongs to the interval above it.
  public var bins: (edges: [Double], counts: [Int]) {
    let shown = values.filter { Scale.isDrawable($0, .linear) }.sorted()
    guard let low = shown.first, let high = shown.last else { return ([], []) }
    guard high > low else {
      let half = max(abs(low) * 0.05, 0.5)
      return ([low - half, low + half], [shown.count])
    }
    let count = max(1, binCount ?? Self.binCount(of: shown))
    let step = (high - low) / Double(count)
    var counts = [Int](repeating: 0, count: count)
    for value in shown { counts[min(count - 1, max(0, Int((value - low) / step)))] += 1 }
    return ((0...count).map { $0 == count ? high : low + Double($0) * step }, counts)
  }

  private static func binCount(of sorted: [Double]) -> Int {
    let n = sorted.count
    let spread = sorted[min(n - 1, 3 * n / 4)] - sorted[n / 4]
    let step = 2 * spread / pow(Double(n), 1.0 / 3)
    let range = sorted[n - 1] - sorted[0]
    let byCount = Int(log2(Double(n)).rounded(.up)) + 1
    return min(60, max(5, step > 0 && range / step < 1000 ? Int((range / step).rounded(.up)) : byCount))
  }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    let (edges, counts) = bins
    let frame = Frame(
      target.drawing, top: top, xs: edges, ys: counts.map(Double.init), xScale: .linear, yScale: .linear,
      yTitle: yTitle, includesZeroInY: true)
    frame.drawAxes(in: &target.drawing, xTitle: xTitle, yTitle: yTitle)
    if counts.isEmpty { return frame.drawEmptyNote(in: &target.drawing) }
    for (i, count) in counts.enumerated() {
      let (x, y) = (frame.x(edges[i]), frame.y(Double(count)))
      let label = "\(formattedNumber(edges[i])) to \(formattedNumber(edges[i + 1])): \(count)"
      target.drawing.seriesRectangle(
        x + 0.5, y, frame.x(edges[i + 1]) - x - 1, frame.bottom - y, 0, opacity: 0.85, title: label)
    }
  }
}
