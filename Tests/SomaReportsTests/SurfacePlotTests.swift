import Foundation
import Testing

@testable import SomaReports

/// Contours, grouped bars and picture grids.
@Suite struct SurfacePlotTests {
  /// The polygons or lines of the `path` elements of a class, in the order of drawing.
  private func paths(_ svg: String, _ mark: String) -> [[[(x: Double, y: Double)]]] {
    svg.components(separatedBy: "<path ").dropFirst().map { $0.prefix { $0 != ">" } }.filter { $0.contains(mark) }
      .compactMap { element in
        guard let start = element.range(of: "d=\""), let end = element[start.upperBound...].firstIndex(of: "\"") else {
          return nil
        }
        return element[start.upperBound..<end].split(separator: "M").map { part in
          part.replacingOccurrences(of: "Z", with: "").split(separator: "L").map { point in
            let numbers = point.split(separator: " ").compactMap { Double($0) }
            return (numbers[0], numbers[1])
          }
        }
      }
  }

  /// The shoelace formula.
  private func area(_ polygons: [[(x: Double, y: Double)]]) -> Double {
    polygons.reduce(0) { sum, polygon in
      let pairs = zip(polygon, polygon.dropFirst() + polygon.prefix(1))
      return sum + abs(pairs.reduce(0) { $0 + $1.0.x * $1.1.y - $1.1.x * $1.0.y }) / 2
    }
  }

  private let places = (0...60).map { -1 + Double($0) / 30 }

  private func plot(_ f: (Double, Double) -> Double, levels: [Double], scale: AxisScale = .linear) -> ContourPlot {
    ContourPlot(
      "t", xTitle: "x", yTitle: "y", x: places, y: places, values: places.map { y in places.map { x in f(x, y) } },
      levels: levels, scale: scale)
  }

  @Test func bandsOfACircleHaveItsArea() {
    let radii = [0.3, 0.6, 0.9]
    let svg = plot({ $0 * $0 + $1 * $1 }, levels: radii.map { $0 * $0 }).svg()
    let regions = paths(svg, "class=\"cell\"")
    #expect(regions.count == 4)
    let whole = area(regions[0])
    for (radius, region) in zip(radii, regions.dropFirst()) {
      // On [-1, 1]² a disc of this radius is left out.
      let share = 1 - Double.pi * radius * radius / 4
      #expect(abs(area(region) / whole - share) < 0.002, "radius \(radius)")
    }
  }

  @Test func linesOfACircleHaveItsLength() throws {
    let svg = plot({ $0 * $0 + $1 * $1 }, levels: [0.25]).svg()
    let region = try #require(paths(svg, "class=\"cell\"").first)
    let points = region.joined()
    let (width, height) = (
      points.map(\.x).max()! - points.map(\.x).min()!, points.map(\.y).max()! - points.map(\.y).min()!
    )
    let pieces = try #require(paths(svg, "stroke-opacity").first)
    let length = pieces.reduce(0) { sum, piece in
      sum + hypot((piece[1].x - piece[0].x) * 2 / width, (piece[1].y - piece[0].y) * 2 / height)
    }
    #expect(abs(length - 2 * .pi * 0.5) < 0.02)
  }

  /// Each piece of a line lies at its level: on a plane, on one straight line.
  @Test func linesOfAPlaneAreStraight() throws {
    let svg = plot({ 2 * $0 + $1 }, levels: [0.5]).svg()
    let points = try #require(paths(svg, "class=\"cell\"").first).joined()
    let (left, right) = (points.map(\.x).min()!, points.map(\.x).max()!)
    let (top, bottom) = (points.map(\.y).min()!, points.map(\.y).max()!)
    for end in try #require(paths(svg, "stroke-opacity").first).joined() {
      let x = -1 + 2 * (end.x - left) / (right - left)
      let y = 1 - 2 * (end.y - top) / (bottom - top)
      #expect(abs(2 * x + y - 0.5) < 0.01)
    }
  }

  @Test func logarithmicLevelsAreInterpolatedInLogarithms() throws {
    // e^(3x): the level e^1.5 is at x = 0.5 exactly, also on a coarse grid.
    let coarse = [-1.0, 0.2, 1]
    let plot = ContourPlot(
      "t", xTitle: "", yTitle: "", x: coarse, y: coarse, values: coarse.map { _ in coarse.map { exp(3 * $0) } },
      levels: [exp(1.5)], scale: .logarithmic)
    let regions = paths(plot.svg(), "class=\"cell\"")
    #expect(abs(area(regions[1]) / area(regions[0]) - 0.25) < 1e-3)
  }

  @Test func holesAreLeftOut() {
    var plot = plot({ x, _ in x }, levels: [0])
    let whole = area(paths(plot.svg(), "class=\"cell\"")[0])
    plot.values[30][30] = .nan
    let left = area(paths(plot.svg(), "class=\"cell\"")[0])
    // Four of 60 × 60 cells touch the place.
    #expect(abs((whole - left) / whole - 4.0 / 3600) < 1e-4)
  }

  @Test func barsStandAtZeroAndEndAtTheirValues() throws {
    let chart = BarChart("t", yTitle: "v", groups: ["a", "b"], [.init("one", [2, -1]), .init("two", [4, .nan])])
    let svg = chart.svg()
    let bars = svg.components(separatedBy: "<rect ").filter { $0.contains("<title>") && !$0.contains("url(#") }
    let boxes = bars.map { element in
      ["y", "height"].map { key -> Double in
        let start = element.range(of: "\(key)=\"")!.upperBound
        return Double(element[start...].prefix { $0 != "\"" })!
      }
    }
    #expect(boxes.count == 3)
    let zero = boxes[0][0] + boxes[0][1]
    #expect(abs(boxes[1][0] + boxes[1][1] - zero) < 0.02 && abs(boxes[2][0] - zero) < 0.02)
    #expect(abs(boxes[1][1] / boxes[0][1] - 2) < 0.01 && abs(boxes[2][1] / boxes[0][1] - 0.5) < 0.01)
    #expect(try inspect(chart).elements["pattern"] == 1)
    #expect(svg.contains("<title>a, two: 4</title>"))
  }

  @Test func pictureGridsHoldTheirPicturesAndCaptions() throws {
    let tiles = (0..<5).map { PictureTiles.Tile("<\($0)>", png: [0x89, UInt8($0)]) }
    let grid = PictureTiles("grid", columns: 3, aspect: 0.5, tiles)
    let found = try inspect(grid)
    #expect(found.elements["image"] == 5 && found.texts.contains("<4>") && found.badNumbers.isEmpty)
    #expect(grid.svg().contains("data:image/png;base64,iQQ="))
  }
}
