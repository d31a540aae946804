import Foundation
import Testing

@testable import SomaReports

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Checks an SVG as a reader sees it: well-formed, and every coordinate a finite number near the drawing.
final class Inspector: NSObject, XMLParserDelegate {
  var elements: [String: Int] = [:]
  var texts: [String] = []
  var badNumbers: [String] = []
  private var isInText = false

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    elements[name, default: 0] += 1
    isInText = name == "text"
    if isInText { texts.append("") }
    for key in ["x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height", "d", "points"] {
      guard let text = attributes[key] else { continue }
      let parts = text.split { " ,MLZHV".contains($0) }
      for part in parts where Double(part).map({ !$0.isFinite || abs($0) > 5000 }) ?? true {
        badNumbers.append("\(name) \(key)=\(part)")
      }
    }
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if isInText { texts[texts.count - 1] += text }
  }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    if name == "text" { isInText = false }
  }
}

func inspect(_ plot: any Plot) throws -> Inspector {
  let inspector = Inspector()
  let parser = XMLParser(data: Data(plot.svg().utf8))
  parser.delegate = inspector
  try #require(parser.parse(), "not well-formed: \(String(describing: parser.parserError))")
  return inspector
}

@Suite struct PlotTests {
  /// Data that plots must survive.
  static let awkward: [[Double]] = [
    [], [3], [0, 0, 0], [5, 5, 5], [.nan, .nan], [1, .nan, 2, .infinity, -.infinity, 3], [-1e300, 1e300], [1e-300, 0],
    [1e12, 1e12 + 1], [-4, -2, 0], [1e-9, 1e9],
  ]

  @Test(arguments: awkward) func awkwardDataGivesFiniteCoordinates(_ values: [Double]) throws {
    let x = values.indices.map(Double.init)
    for scale in [AxisScale.linear, .logarithmic] {
      let edges = values.map { $0 - 1 }
      let plots: [any Plot] = [
        LineChart(
          "lines", xTitle: "x", yTitle: "y",
          [.init("a", x: x, y: values, low: edges, high: values.map { $0 + 1 }), .init("b", x: values, y: values)],
          xScale: scale, yScale: scale),
        ScatterPlot(
          "points", xTitle: "x", yTitle: "y",
          zip(x, values).map { x, y in
            .init("p", x: x, y: y, yInterval: y.isFinite && abs(y) < 1e200 ? y - 1...y + 1 : nil)
          },
          xScale: scale, yScale: scale),
        IntervalPlot(
          "forest", xTitle: "v", values.map { .init("r", $0, interval: $0.isFinite ? $0...$0 : nil) },
          reference: values.first, scale: scale),
        IntervalPlot("bars", xTitle: "v", values.map { .init("r", $0) }, style: .bars, scale: scale),
        Histogram("histogram", xTitle: "v", values),
        BarChart(
          "bars in groups", yTitle: "v", groups: values.map { "\($0)" },
          [
            .init("a", values, intervals: values.map { $0.isFinite ? $0...$0 : nil }), .init("b", edges),
            .init("c", []),
          ]),
        ContourPlot(
          "contours", xTitle: "x", yTitle: "y", x: x, y: x, values: x.map { _ in values }, scale: scale,
          marks: [.init("m", x: values.first ?? 0, y: 0)]),
        ContourPlot("surface", xTitle: "x", yTitle: "y", x: values, y: [0, 1], values: [values, edges], scale: scale),
        HeatMap("map", xTitle: "c", yTitle: "r", rows: ["a"], columns: values.map { "\($0)" }, values: [values]),
      ]
      for plot in plots {
        let found = try inspect(plot)
        #expect(found.badNumbers.isEmpty, "\(plot.title) \(values) \(scale): \(found.badNumbers)")
        #expect(found.texts.contains { $0.contains(plot.title) })
      }
    }
  }

  @Test func textsAreEscaped() throws {
    let name = "<script>alert(\"1\") & 'x'</script>\u{1}"
    let chart = LineChart(name, xTitle: name, yTitle: name, [.init(name, x: [0, 1], y: [1, 2])])
    #expect(!chart.svg().contains("<script"))
    let found = try inspect(ScatterPlot("t", xTitle: "x", yTitle: "y", [.init("a<b&c", x: 1, y: 2)]))
    #expect(found.texts.contains("a<b&c"))
  }

  @Test func curvesBreakWhereValuesAreMissing() throws {
    let whole = LineChart("t", xTitle: "x", yTitle: "y", [.init("a", x: [0, 1, 2, 3, 4], y: [1, 2, 3, 4, 5])])
    let broken = LineChart("t", xTitle: "x", yTitle: "y", [.init("a", x: [0, 1, 2, 3, 4], y: [1, 2, .nan, 4, 5])])
    #expect(try inspect(whole).elements["path"] == 1)
    #expect(try inspect(broken).elements["path"] == 2)
  }

  @Test func emptyPlotsSayTheyAre() throws {
    #expect(try inspect(LineChart("t", xTitle: "x", yTitle: "y", [])).texts.contains("no data"))
    #expect(try inspect(Histogram("t", xTitle: "x", [])).texts.contains("no data"))
    #expect(try inspect(IntervalPlot("t", xTitle: "x", [])).texts.contains("no data"))
  }

  @Test func ticksAreRoundAndInside() {
    let scale = Scale([0.0, 97], .linear, start: 0, end: 100)
    let ticks = scale.ticks(5)
    #expect(ticks.map(\.label) == ["0", "20", "40", "60", "80", "100"])
    let decades = Scale([1e-4, 1.0], .logarithmic, start: 0, end: 100).ticks(5)
    #expect(decades.map(\.value).allSatisfy { abs(log10($0) - log10($0).rounded()) < 1e-9 })
    #expect(decades.count >= 3)
    for (low, high) in [(0.97, 0.981), (-3.0, 12345.0), (1e7, 1.00001e7), (2e-7, 9e-7)] {
      let scale = Scale([low, high], .linear, start: 0, end: 300)
      let ticks = scale.ticks(6)
      #expect((3...13).contains(ticks.count), "\(low) \(high): \(ticks)")
      #expect(ticks.allSatisfy { (-0.01...300.01).contains(scale($0.value)) })
      #expect(Set(ticks.map(\.label)).count == ticks.count, "\(ticks)")
    }
  }

  @Test func valuesLieWhereTheAxisSays() {
    let linear = Scale([0.0, 10], .linear, range: 0...10, start: 100, end: 0)
    #expect(linear(0) == 100 && linear(10) == 0 && linear(2.5) == 75)
    let logarithmic = Scale([1.0, 100], .logarithmic, range: 1...100, start: 0, end: 200)
    #expect(abs(logarithmic(10) - 100) < 1e-9)
  }

  @Test func binsHoldAllValuesOnce() {
    let values = (0..<1000).map { Double(($0 * 7919) % 1000) / 10 }
    let (edges, counts) = Histogram("t", xTitle: "x", values, binCount: 10).bins
    #expect(counts.reduce(0, +) == 1000)
    #expect(edges.count == 11 && edges.first == 0 && edges.last == 99.9)
    #expect(counts.allSatisfy { (99...101).contains($0) })
  }

  @Test func numbersAreWrittenForReaders() {
    #expect(formattedNumber(0.97312) == "0.9731")
    #expect(formattedNumber(20098, digits: 3) == "20.1 k")
    #expect(formattedNumber(0.0003) == "3·10⁻⁴")
    #expect(formattedNumber(-0.25) == "−0.25")
    #expect(formattedNumber(1e-5) == "10⁻⁵")
    #expect(formattedNumber(-0.00001, decimals: 2) == "0.00")
    #expect(formattedNumber(.nan) == "–")
    #expect(formattedNumber(9.99996) == "10")
  }

  @Test func darkAndLightDifferByStyleOnly() {
    let svg = IntervalPlot("t", xTitle: "x", [.init("a", 1)]).svg()
    #expect(svg.contains("prefers-color-scheme:dark"))
    #expect(svg.contains("#0072B2"))
  }
}
