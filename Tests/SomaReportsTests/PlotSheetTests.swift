import Foundation
import Soma
import Testing

@testable import SomaReports

/// Every kind of plot on one page. With `SOMA_PLOT_SHEET=FILE` the page is kept there, to be looked at.
@Suite struct PlotSheetTests {
  static var sheet: Page {
    let x = (0...40).map { Double($0) / 4 }
    let band = LineChart(
      "Lines with bands", xTitle: "epoch", yTitle: "loss",
      ["relu", "gelu", "mish"].enumerated().map { i, name in
        let y = x.map { exp(-$0 / (3 + Double(i))) + 0.1 * Double(i) }
        return .init(name, x: x, y: y, low: y.map { $0 - 0.05 }, high: y.map { $0 + 0.05 })
      })
    let points = (0..<6).map { i -> ScatterPlot.Point in
      let y = 90 + Double(i)
      return ScatterPlot.Point("point \(i)", x: Double(i * i) + 1, y: y, yInterval: y - 1...y + 1.5)
    }
    let scatter = ScatterPlot("Scatter", xTitle: "seconds", yTitle: "accuracy, %", points)
    let bars = BarChart(
      "Bars in groups", yTitle: "time, ms", groups: ["MLP", "KAN", "ResNet-8", "character GPT"],
      [
        .init("Soma", [0.5, 1, 15, 41], intervals: [nil, 0.8...1.3, 13...17, 39...44]),
        .init("PyTorch", [1.4, 12, 27, 79]), .init("JAX", [0.9, 4.3, 67, 127]), .init("compiled", [1.3, 3, 29, 76]),
      ])
    let grid = (0...30).map { -2 + 4 * Double($0) / 30 }
    func valley(_ x: Double, _ y: Double) -> Double {
      let (across, along) = (y - x * x, 1 - x)
      return 100 * across * across + along * along + 0.01
    }
    let rosenbrock = grid.map { y in grid.map { x in valley(x, y) } }
    let waves = grid.map { y in grid.map { x in sin(2 * x) * cos(1.5 * y) } }
    let map = HeatMap(
      "Heat map", xTitle: "given", yTitle: "true", rows: ["cat", "dog", "fox"], columns: ["cat", "dog", "fox"],
      values: [[0.9, 0.08, 0.02], [0.1, 0.85, 0.05], [0.03, .nan, 0.8]])
    let histogram = Histogram("Histogram", xTitle: "weight", (0..<500).map { sin(Double($0)) * sin(Double($0) * 1.7) })
    // A grey picture of one pixel.
    let pixel = Data(
      base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")!
    let tiles = PictureTiles("Picture grid", columns: 5, (0..<10).map { .init("picture \($0)", png: Array(pixel)) })
    let graph = Graph(tracing: [[32, 64], [64, 48], [48, 10]].map { TensorType(shape: $0) }) { x in
      let hidden = scoped("stem") { x[0].matmul(x[1]).maximum(0) }
      return [scoped("head") { hidden.tanh().matmul(x[2]) }]
    }
    var page = Page(title: "Every kind of plot")
    page.add(
      .figures([
        band, scatter, bars, map, histogram,
        ContourPlot(
          "Contours", xTitle: "x", yTitle: "y", x: grid, y: grid, values: waves, marks: [.init("start", x: 0.5, y: 1)]),
        ContourPlot(
          "Contours, logarithmic", xTitle: "x", yTitle: "y", x: grid, y: grid, values: rosenbrock, scale: .logarithmic,
          marks: [.init("minimum", x: 1, y: 1)]),
        tiles,
      ]), .diagram(Diagram(graph, depth: 1), caption: "A graph"))
    return page
  }

  @Test func everyKindIsOnThePage() throws {
    let html = Self.sheet.html
    #expect(html.components(separatedBy: "<svg ").count == 10)
    #expect(!html.contains("nan") && !html.contains("http://") || html.contains("http://www.w3.org/2000/svg"))
    for address in html.components(separatedBy: "http").dropFirst() {
      #expect(
        address.hasPrefix("://www.w3.org/2000/svg") || address.hasPrefix("-equiv"),
        "the page asks for http\(address.prefix(40))")
    }
    if let path = ProcessInfo.processInfo.environment["SOMA_PLOT_SHEET"] {
      try html.write(toFile: path, atomically: true, encoding: .utf8)
    }
  }
}
