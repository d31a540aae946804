import SomaReports

/// What a claim check found.
public struct Finding: Sendable {
  /// A figure of the result: what was measured, and how it came out.
  public struct Measured: Sendable, Hashable, Codable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }

    public init(_ name: String, _ value: Double, digits: Int = 4) {
      self.init(name, formattedNumber(value, digits: digits))
    }

    /// A mean with half its 95 % interval.
    public init(_ name: String, _ estimate: Estimate, digits: Int = 4) {
      self.init(name, estimate.formatted(digits: digits))
    }
  }

  /// Rows of text under headings.
  public struct Table: Sendable, Hashable, Codable {
    public var title: String
    public var columns: [String]
    public var rows: [[String]]

    public init(_ title: String, columns: [String], rows: [[String]]) {
      self.title = title
      self.columns = columns
      self.rows = rows
    }
  }

  public var verdict: Verdict
  /// One or two sentences that carry the verdict, with the figures.
  public var summary: String
  public var measurements: [Measured]
  public var tables: [Table]
  public var figures: [any Plot]
  /// What a reader should know: departures from the publication, corrections, surprises.
  public var remarks: [String]

  public init(
    _ verdict: Verdict, summary: String, measurements: [Measured] = [], tables: [Table] = [], figures: [any Plot] = [],
    remarks: [String] = []
  ) {
    self.verdict = verdict
    self.summary = summary
    self.measurements = measurements
    self.tables = tables
    self.figures = figures
    self.remarks = remarks
  }
}

extension Estimate {
  /// `0.8532 ± 0.0041`: the mean and half the interval.
  public func formatted(digits: Int = 4) -> String {
    guard mean.isFinite else { return "–" }
    let mean = formattedNumber(self.mean, digits: digits)
    guard let halfWidth else { return mean }
    // Equal values differ by rounding alone.
    let shown = halfWidth < abs(self.mean) * 1e-12 ? 0 : halfWidth
    return "\(mean) ± \(formattedNumber(shown, digits: 2))"
  }
}
