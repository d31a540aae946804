/// Regions, hatchings and marks of plots that need more than lines and bars.
extension Drawing {
  /// Polygons as one shape.
  mutating func region(_ polygons: [[(x: Double, y: Double)]], fill: String, title: String) {
    guard !polygons.isEmpty else { return }
    let path = polygons.map { Self.outline($0) + "Z" }.joined()
    append("<path d=\"\(path)\" fill=\"\(fill)\" class=\"cell\"><title>\(title.markupEscaped)</title></path>\n")
  }

  /// Pieces of a contour line; dark on the bright colours, and to be seen on the dark ones.
  mutating func contour(_ pieces: [((x: Double, y: Double), (x: Double, y: Double))]) {
    guard !pieces.isEmpty else { return }
    let path = pieces.map { Self.outline([$0.0, $0.1]) }.joined()
    append("<path d=\"\(path)\" fill=\"none\" stroke=\"#ffffff\" stroke-opacity=\"0.55\" stroke-width=\"0.9\"/>\n")
  }

  /// A ring that is seen on any colour.
  mutating func ring(_ x: Double, _ y: Double, title: String) {
    let place = "cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\""
    append("<circle \(place) r=\"5\" fill=\"none\" stroke=\"#111111\" stroke-width=\"4\"/>\n")
    append(
      "<circle \(place) r=\"5\" fill=\"none\" stroke=\"#ffffff\" stroke-width=\"2\"><title>\(title.markupEscaped)</title></circle>\n"
    )
  }

  /// Defines a series' hatching; the first has none.
  mutating func hatching(_ id: String, _ series: Int) {
    let lines = ["", "M0 8L8 0", "M0 0L8 8", "M0 4H8", "M4 0V8", "M0 8L8 0M0 0L8 8", "M0 4H8M4 0V8", "M0 2H8M0 6H8"]
    let line = lines[series % lines.count]
    guard !line.isEmpty else { return }
    append(
      "<pattern id=\"\(id)h\(series)\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path d=\"\(line)\" stroke=\"#ffffff\" stroke-width=\"1.4\" stroke-opacity=\"0.8\" class=\"halo\"/></pattern>\n"
    )
  }

  /// A bar in a series' colour, with its hatching over it.
  mutating func hatchedRectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ series: Int, hatching id: String?,
    title: String? = nil
  ) {
    seriesRectangle(x, y, width, height, series, opacity: 0.9, title: title)
    guard let id, series % 8 != 0 else { return }
    rectangle(x, y, width, height, fill: "url(#\(id)h\(series))", class: "hatch", title: title)
  }

  /// An interval's ends on a bar.
  mutating func whisker(_ x: Double, _ low: Double, _ high: Double, halfWidth: Double) {
    line(x, low, x, high, stroke: Palette.light[6], class: "s6", width: 1.4)
    for y in [low, high] { line(x - halfWidth, y, x + halfWidth, y, stroke: Palette.light[6], class: "s6", width: 1.4) }
  }

  private static func outline(_ points: [(x: Double, y: Double)]) -> String {
    points.enumerated().map { "\($0.offset == 0 ? "M" : "L")\(number($0.element.x)) \(number($0.element.y))" }.joined()
  }
}
