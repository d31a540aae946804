import ArgumentParser
import Foundation
import SomaData
import SomaExperiments
import SomaNetworks
import SomaReports

struct ForecastCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forecast",
    abstract: "Continue a series: a line, and a network of periodic units for the rest.",
    discussion: """
      The last part of the series is held out and forecast first, beside two simple rules (the last period repeated; a line and \
      two harmonics), so that you see whether the network serves. Values are taken as equally spaced in time.

      EXAMPLES
        soma forecast mauna-loa --horizon 60 --plot co2.svg
        soma forecast sales.csv --column units --horizon 30 --period 7 --out ahead.csv
        soma forecast seattle --activation tanh --json
      """)
  @Argument(help: "A table, or one of the embedded series: mauna-loa, seattle.") var series: String
  @Option(help: ArgumentHelp("The table's column. Default: the last one of numbers.", valueName: "name"))
  var column: String?
  @Option(help: "How many values ahead.") var horizon = 50
  @Option(help: ArgumentHelp("Values in a cycle. Default: the strongest of the spectrum.", valueName: "count"))
  var period: Double?
  @Option(help: "The units' activation. Default: Snake, set to the period.") var activation: String?
  @Option(help: ArgumentHelp("The share of the series that is held out first.", valueName: "share")) var heldOut = 0.2
  @Option(help: "Networks whose mean is taken.") var seeds = 5
  @Option(help: "Training steps.") var steps = 1500
  @Option(help: ArgumentHelp("Write the forecast as a table.", valueName: "file")) var out: String?
  @Option(help: ArgumentHelp("Draw the series and its forecast as SVG.", valueName: "file")) var plot: String?
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    try checkOption(horizon, "horizon", 1...1_000_000)
    try checkOption(seeds, "seeds", 1...100)
    try checkOption(steps, "steps", 1...1_000_000)
    guard (0.01...0.8).contains(heldOut) else {
      throw ValidationError("--held-out must be between 0.01 and 0.8, not \(heldOut).")
    }
    if let period, !(period >= 2 && period.isFinite) {
      throw ValidationError("--period must be at least 2 values, not \(period).")
    }
  }

  func run() throws {
    let (name, values) = try Self.values(series, column)
    var settings = SeriesForecast.Settings()
    (settings.horizon, settings.period, settings.activation) = (horizon, period, activation)
    (settings.heldOut, settings.seeds, settings.steps) = (heldOut, seeds, steps)
    let progress = ProgressLine(isQuiet: output.quiet)
    let result: SeriesForecast.Result
    do {
      result = try SeriesForecast(name, values, settings).run { progress.update($0, $1) }
    } catch {
      progress.clear()
      throw error
    }
    progress.clear()
    if let out {
      let rows = result.forecast.enumerated().map { i, value in
        "\(values.count + i + 1),\(value),\(value - result.halfWidth),\(value + result.halfWidth)\n"
      }
      try writeText("row,value,low,high\n" + rows.joined(), to: out)
    }
    if let plot { try writeText(result.chart(values).svg(), to: plot) }
    if output.json { return print(try jsonText(result)) }
    print(
      "\(name): \(values.count) values, "
        + (result.period.map { "a cycle of \(short($0))" } ?? "no clear cycle"))
    var table = TextColumns(headings: ["held out: last \(result.backtest.count)", "RMSE"], alignedRight: [1])
    table.rows = [
      ["network", short(result.backtest.network)], ["last cycle repeated", short(result.backtest.seasonalNaive)],
      [result.period == nil ? "line" : "line and two harmonics", short(result.backtest.harmonicRegression)],
    ]
    for line in table.lines { print(line) }
    print("")
    var ahead = TextColumns(headings: ["ahead", "value", "95 % from", "to"], alignedRight: [0, 1, 2, 3])
    let shown = result.forecast.count <= 24 ? result.forecast.count : 12
    ahead.rows = result.forecast.prefix(shown).enumerated().map { i, value in
      ["\(i + 1)", short(value), short(value - result.halfWidth), short(value + result.halfWidth)]
    }
    for line in ahead.lines { print(line) }
    if shown < result.forecast.count { print("… \(result.forecast.count - shown) more (--out, --json)") }
    for file in [out, plot].compactMap(\.self) where !output.quiet { Terminal.note("Written: \(file)") }
  }

  /// - Throws: `DataError`
  private static func values(_ source: String, _ column: String?) throws -> (String, [Double]) {
    let embedded = ["mauna-loa": Embedded.maunaLoaCarbonDioxide, "seattle": Embedded.seattleTemperature]
    if let series = embedded[source] { return (source, series().map(Double.init)) }
    guard FileManager.default.fileExists(atPath: source) else {
      throw DataError(
        source, "is neither a file nor one of the series \(embedded.keys.sorted().joined(separator: ", "))")
    }
    let table = try CSV.read(source)
    let numbers = table.columns.filter { $0.kind == .number || $0.kind == .integer }
    guard let chosen = try column.map({ try table.column($0) }) ?? numbers.last else {
      throw DataError(source, "has no column of numbers")
    }
    guard numbers.contains(where: { $0.name == chosen.name }) else {
      throw DataError(source, "column \"\(chosen.name)\" holds no numbers")
    }
    return (chosen.name, chosen.values)
  }
}
