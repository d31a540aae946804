import Foundation
import SomaData
import Testing

@testable import SomaExperiments

@Suite struct ForecastTests {
  private func wave(_ count: Int, period: Double) -> [Double] {
    (0..<count).map { 3 + 0.02 * Double($0) + sin(2 * .pi * Double($0) / period) }
  }

  @Test(arguments: [7.0, 12.0, 30.4]) func theSpectrumTellsThePeriod(_ period: Double) {
    let found = SeriesForecast.strongestPeriod(wave(300, period: period))
    #expect(found.map { abs($0 - period) < 0.02 * period } == true, "\(String(describing: found))")
  }

  @Test func noiseAndLinesHaveNoPeriod() {
    var generator = SeededGenerator(seed: 4)
    #expect(SeriesForecast.strongestPeriod((0..<400).map { _ in Double(generator.uniform()) }) == nil)
    #expect(SeriesForecast.strongestPeriod((0..<100).map(Double.init)) == nil)
  }

  @Test func aWaveOnALineGoesOn() throws {
    var settings = SeriesForecast.Settings()
    (settings.horizon, settings.steps, settings.seeds, settings.hidden) = (24, 800, 1, [48, 48])
    let values = wave(96, period: 12)
    let result = try SeriesForecast("wave", values, settings).run()
    #expect(result.forecast.count == 24 && result.fitted.count == 96)
    // A line alone leaves the wave's deviation of 0.707.
    #expect(result.backtest.network < 0.6, "\(result.backtest)")
    #expect(result.backtest.harmonicRegression < 0.05)
    let truth = wave(120, period: 12).suffix(24)
    let error = zip(truth, result.forecast).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 24
    #expect(error.squareRoot() < 0.6, "\(error.squareRoot())")
    #expect(result.chart(values).series.count == 3)
  }

  @Test func whatCannotBeForecastIsRefused() {
    #expect(throws: DataError.self) { try SeriesForecast("x", [1, 2, 3]) }
    #expect(throws: DataError.self) { try SeriesForecast("x", [Double](repeating: 1, count: 50)) }
    #expect(throws: DataError.self) { try SeriesForecast("x", [.nan] + wave(50, period: 7)) }
  }
}

@Suite struct DepthSweepTests {
  @Test func networksOfAnyDepthHaveNames() throws {
    #expect(try DepthSweep.network("mlp-norm", depth: 15) == "mlp-norm-15")
    #expect(throws: ComparisonError.self) { try DepthSweep.network("resnet8", depth: 3) }
    let facts = try PreparedData(try DataSet.open("iris"), name: "iris").facts
    let counts = try ["mlp-1", "mlp-3", "mlp-norm-3"].map { name in
      let specification = try Candidate.specification("relu", network: name)
      return Candidate.usualBudget(specification, facts)
    }
    // 4·64 + 64 + 64·3 + 3; two layers more; scale and shift of three normalizations more.
    #expect(counts == [515, 515 + 2 * (64 * 64 + 64), 515 + 2 * (64 * 64 + 64) + 3 * 128])
    for name in ["mlp-0", "mlp-1001", "mlp--3", "mlp-norm-", "mlp-03"] {
      #expect(throws: (any Error).self, "\(name)") { try Candidate.specification("\(name):relu", network: "mlp") }
    }
  }

  @Test func aSweepShowsEachDepth() throws {
    let iris = try PreparedData(try DataSet.open("iris"), name: "iris")
    let folder = FileManager.default.temporaryDirectory.appending(path: "soma-depth-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = try RunStore(path: folder.appending(path: "runs.sqlite").path)
    let steps = try [1, 2].map { depth in
      var options = FairComparison.Options()
      options.network = try DepthSweep.network("mlp-norm", depth: depth)
      (options.seeds, options.epochs, options.learningRates) = (2, 2, [0.01])
      let outcome = try FairComparison(iris, candidates: ["relu", "mish"], options: options).run(in: store)
      return DepthSweep.Step(depth: depth, report: outcome.result!)
    }
    let sweep = DepthSweep(steps.reversed())
    #expect(sweep.steps.map(\.depth) == [1, 2] && sweep.candidates == ["relu", "mish"])
    #expect(sweep.chart.series.map(\.x) == [[1, 2], [1, 2]])
    let page = sweep.page().html
    #expect(page.contains("2 layers") && page.contains("mish"))
    #expect(try sweep.json().contains("\"depth\" : 2"))
  }
}
