import Foundation

/// An SVG drawing in the making.
struct Drawing {
  enum Anchor: String { case start, middle, end }

  let width: Double
  let height: Double
  private(set) var body = ""

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  static let fontSize = 13.0
  static let fonts = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

  /// The room a text takes, by the mean width of a sans-serif face's letters.
  static func textWidth(_ text: String, size: Double = fontSize) -> Double {
    text.reduce(0) { sum, character in
      let wide = character.unicodeScalars.first!.value > 0x2E80
      return sum + (wide ? 1 : "ilj.,:;|!' ".contains(character) ? 0.32 : "mwMW—%".contains(character) ? 0.86 : 0.56)
    } * size
  }

  /// The text, cut to a width.
  static func fitted(_ text: String, _ width: Double, size: Double = fontSize) -> String {
    guard textWidth(text, size: size) > width else { return text }
    var cut = text
    while !cut.isEmpty && textWidth(cut + "…", size: size) > width { cut.removeLast() }
    return cut + "…"
  }

  /// A coordinate with two decimals.
  static func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }

  private func n(_ value: Double) -> String { Self.number(value) }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, stroke: String, class name: String, width: Double = 1,
    dash: String = ""
  ) {
    body += "<line x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\" stroke=\"\(stroke)\""
    body += " stroke-width=\"\(n(width))\" class=\"\(name)\"\(Self.dashed(dash))/>\n"
  }

  /// A line in a series' colour.
  mutating func seriesLine(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ series: Int, width: Double = 1.5) {
    let i = series % Palette.count
    line(x1, y1, x2, y2, stroke: Palette.light[i], class: "s\(i)", width: width)
  }

  mutating func path(_ points: [(Double, Double)], _ series: Int, width: Double = 2, dash: String = "") {
    let i = series % Palette.count
    body += "<path d=\"\(Self.polyline(points))\" fill=\"none\" stroke=\"\(Palette.light[i])\" class=\"s\(i)\""
    body += " stroke-width=\"\(n(width))\" stroke-linejoin=\"round\" stroke-linecap=\"round\"\(Self.dashed(dash))/>\n"
  }

  mutating func area(_ points: [(Double, Double)], _ series: Int, opacity: Double) {
    let i = series % Palette.count
    body += "<path d=\"\(Self.polyline(points))Z\" fill=\"\(Palette.light[i])\" fill-opacity=\"\(opacity)\""
    body += " class=\"f\(i)\"/>\n"
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String, class name: String, opacity: Double = 1,
    title: String? = nil
  ) {
    body += "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(width, 0)))\" height=\"\(n(max(height, 0)))\""
    body += " fill=\"\(fill)\" class=\"\(name)\"" + (opacity == 1 ? "" : " fill-opacity=\"\(opacity)\"")
    body += title.map { "><title>\($0.markupEscaped)</title></rect>\n" } ?? "/>\n"
  }

  mutating func seriesRectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ series: Int, opacity: Double = 1,
    title: String? = nil
  ) {
    let i = series % Palette.count
    rectangle(x, y, width, height, fill: Palette.light[i], class: "f\(i)", opacity: opacity, title: title)
  }

  /// A mark whose form, like its colour, tells the series.
  mutating func mark(_ x: Double, _ y: Double, _ series: Int, radius r: Double = 4.5, title: String) {
    let i = series % Palette.count
    let style = "fill=\"\(Palette.light[i])\" class=\"f\(i)\"><title>\(title.markupEscaped)</title>"
    func polygon(_ points: [(Double, Double)]) -> String {
      let places = points.map { "\(n(x + $0.0 * r)),\(n(y + $0.1 * r))" }.joined(separator: " ")
      return "<polygon points=\"\(places)\" \(style)</polygon>\n"
    }
    switch series % 6 {
    case 0: body += "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(r))\" \(style)</circle>\n"
    case 1: body += polygon([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
    case 2: body += polygon([(0, -1.2), (1.1, 0.8), (-1.1, 0.8)])
    case 3: body += polygon([(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)])
    case 4: body += polygon([(0, 1.2), (1.1, -0.8), (-1.1, -0.8)])
    default:
      body += polygon(
        (0..<10).map { k in
          let radius = k % 2 == 0 ? 1.4 : 0.6
          let angle = Double(k) * .pi / 5 - .pi / 2
          return (radius * cos(angle), radius * sin(angle))
        })
    }
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, anchor: Anchor = .start, size: Double = fontSize, isFaint: Bool = false,
    isBold: Bool = false, rotation: Double? = nil, fill: String? = nil, hasHalo: Bool = false
  ) {
    body +=
      "<text x=\"\(n(x))\" y=\"\(n(y))\" font-size=\"\(n(size))\" fill=\"\(fill ?? (isFaint ? Palette.faint : Palette.ink))\""
    if fill == nil { body += " class=\"\(isFaint ? "faint" : "ink")\(hasHalo ? " halo" : "")\"" }
    if hasHalo { body += " stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\"" }
    if anchor != .start { body += " text-anchor=\"\(anchor.rawValue)\"" }
    if isBold { body += " font-weight=\"600\"" }
    if let rotation { body += " transform=\"rotate(\(n(rotation)) \(n(x)) \(n(y)))\"" }
    body += ">\(text.markupEscaped)</text>\n"
  }

  /// A picture of pixels, given as the bytes of a PNG file, its pixels kept sharp.
  mutating func image(_ x: Double, _ y: Double, _ width: Double, _ height: Double, png: [UInt8], title: String) {
    body += "<image x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\""
    body += " style=\"image-rendering:pixelated\" href=\"data:image/png;base64,\(Data(png).base64EncodedString())\">"
    body += "<title>\(title.markupEscaped)</title></image>\n"
  }

  /// Draws what `content` draws, cut off outside of a rectangle.
  mutating func clipped(
    _ id: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ content: (inout Drawing) -> Void
  ) {
    body +=
      "<clipPath id=\"\(id)\"><rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\"/></clipPath>\n"
    body += "<g clip-path=\"url(#\(id))\">\n"
    content(&self)
    body += "</g>\n"
  }

  private static func dashed(_ dash: String) -> String { dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"" }

  private static func polyline(_ points: [(Double, Double)]) -> String {
    var result = ""
    for (i, point) in points.enumerated() { result += "\(i == 0 ? "M" : "L")\(number(point.0)) \(number(point.1))" }
    return result
  }

  /// The drawing as a document, or as an element to be put into a page that has `Page`'s style sheet.
  /// - Parameter label: what a person who does not see it is told.
  func svg(label: String, isDocument: Bool) -> String {
    var result =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(n(width)) \(n(height))\" class=\"soma-plot\""
    if isDocument { result += " width=\"\(n(width))\" height=\"\(n(height))\"" }
    result += " role=\"img\" aria-label=\"\(label.markupEscaped)\" font-family=\"\(Self.fonts)\">\n"
    if isDocument { result += "<style>\(Palette.darkRules)</style>\n" }
    return result + body + "</svg>"
  }
}
