import Foundation
import SomaReports

/// The same comparison in networks of several depths: which activation keeps its accuracy as networks get deeper?
/// (the test of Misra 2019, arXiv 1908.08681)
public struct DepthSweep: Codable, Sendable {
  public struct Step: Codable, Sendable {
    public var depth: Int
    public var report: ComparisonReport

    public init(depth: Int, report: ComparisonReport) {
      self.depth = depth
      self.report = report
    }
  }

  public var steps: [Step]

  public init(_ steps: [Step]) { self.steps = steps.sorted { $0.depth < $1.depth } }

  /// The network of a depth: `mlp-15`, `mlp-norm-15`.
  /// - Throws: `ComparisonError` for a network that has no such form
  public static func network(_ name: String, depth: Int) throws -> String {
    guard ["mlp", "mlp-norm"].contains(name) else {
      throw ComparisonError("\(name) has no depth to choose; mlp and mlp-norm (batch normalization in each layer) do")
    }
    return "\(name)-\(depth)"
  }

  /// Candidates in the order of asking.
  public var candidates: [String] { steps.first?.report.settings.candidates ?? [] }

  /// Nil if no trial of it finished.
  public func score(_ candidate: String, _ step: Step) -> Estimate? {
    step.report.entries.first { $0.candidate == candidate }?.testScore
  }

  private var scoreName: String { steps.first?.report.settings.data.scoreName ?? "score" }

  public var chart: LineChart {
    let series = candidates.map { name -> LineChart.Series in
      let found = steps.compactMap { step in score(name, step).map { (Double(step.depth), $0) } }
      return LineChart.Series(
        name, x: found.map(\.0), y: found.map(\.1.mean), low: found.map { $0.1.low ?? $0.1.mean },
        high: found.map { $0.1.high ?? $0.1.mean })
    }
    var chart = LineChart("Test \(scoreName) against depth", xTitle: "hidden layers", yTitle: scoreName, series)
    (chart.width, chart.height) = (720, 400)
    return chart
  }

  /// A page: the scores by depth, then the parts of each comparison.
  public func page() -> Page {
    guard let first = steps.first?.report else { return Page(title: "No depths") }
    var page = Page(
      title: "\(first.settings.data.name): \(candidates.joined(separator: ", ")) by depth",
      subtitle:
        "Networks of \(steps.map { String($0.depth) }.joined(separator: ", ")) hidden layers; at each depth equal parameters, tuning and data order."
    )
    page.add(
      .figures([chart], caption: "Means over seeds with their 95 % intervals."),
      .table(
        PageTable(
          [.init("candidate", isNumeric: false)] + steps.map { .init("\($0.depth) layers") },
          rows: candidates.map { name in
            [PageTable.Cell(name)]
              + steps.map { step in
                PageTable.Cell(step.report.text(score(name, step)), value: score(name, step)?.mean)
              }
          })))
    for step in steps {
      page.add(.details(summary: "\(step.depth) layers", step.report.page().blocks))
    }
    page.footer = first.footer
    return page
  }

  public func json() throws -> String { try ComparisonReport.json(steps) }
}
