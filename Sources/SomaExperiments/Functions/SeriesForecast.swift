import Foundation
import Soma
import SomaData
import SomaNetworks
import SomaReports

/// A series continued by a line and a network from the time to the rest, `1-100-100-1`, with periodic units: Snake
/// (Ziyin, Hartwig & Ueda 2020, arXiv 2006.08195), whose `a` is set in the first layer so that a unit can follow the series' period.
///
/// The last share of the series is held out first, and tells how good the forecast is beside two simple rules; then the network
/// is fitted to all of it. How far `a` reaches and the learning rate are chosen by the end of what is not held out.
public struct SeriesForecast: Sendable {
  public struct Settings: Codable, Sendable, Hashable {
    /// How many values ahead.
    public var horizon = 50
    /// Of one cycle, in values; nil takes the strongest of the spectrum.
    public var period: Double?
    /// Nil: Snake.
    public var activation: String?
    public var hidden = [100, 100]
    public var heldOut = 0.2
    public var steps = 1500
    public var seeds = 5
    public var learningRates = [1e-3, 3e-3]
    public init() {}
  }

  /// Root mean squared errors on the held-out end, in the series' unit.
  public struct Backtest: Codable, Sendable {
    public var count: Int
    public var network: Double
    /// The value one period before, repeated.
    public var seasonalNaive: Double
    /// A line and two harmonics of the period.
    public var harmonicRegression: Double
    /// The network's values there.
    public var values: [Double]
  }

  public struct Result: Codable, Sendable {
    public var name: String
    public var settings: Settings
    /// The period used; nil if the spectrum has no peak that explains a tenth of the variance.
    public var period: Double?
    public var learningRate: Double
    public var backtest: Backtest
    /// The network's values at the known places, fitted to all of them.
    public var fitted: [Double]
    public var forecast: [Double]
    /// 1.96 root mean squared errors of the backtest beside the forecast: where 95 % of values lie if errors ahead are normal and
    /// as large as there.
    public var halfWidth: Double { 1.96 * backtest.network }
  }

  public let name: String
  public let values: [Double]
  public let settings: Settings

  /// - Throws: `DataError` for fewer than 20 values or values that are missing; `ActivationError`
  public init(_ name: String, _ values: [Double], _ settings: Settings = Settings()) throws {
    guard values.count >= 20 else { throw DataError(name, "has \(values.count) values; a forecast wants 20 or more") }
    if let gap = values.firstIndex(where: { !$0.isFinite }) {
      throw DataError(name, "value \(gap + 1) is missing; fill gaps before a forecast")
    }
    guard values.contains(where: { $0 != values[0] }) else { throw DataError(name, "is constant") }
    if let activation = settings.activation { _ = try Activation.named(activation) }
    self.name = name
    self.values = values
    self.settings = settings
  }

  /// - Throws: what `onProgress` throws; `Executable.MemoryLimitExceeded`
  public func run(onProgress: @escaping @Sendable (Double, String) throws -> Void = { _, _ in }) throws -> Result {
    let run = ReproductionRun(seeds: settings.seeds, onProgress: onProgress)
    let known = max(10, values.count - max(1, Int(Double(values.count) * settings.heldOut)))
    let period = settings.period ?? Self.strongestPeriod(Array(values.prefix(known)))
    let choice = try chosen(known, period, run.part(0...0.5))
    let past = try fitted(choice, known, total: values.count, run.part(0.5...0.7))
    let held = Array(values[known...])
    let backtest = Backtest(
      count: held.count, network: Self.error(past.beyond, held),
      seasonalNaive: Self.error(naive(known, held.count, period), held), harmonicRegression: harmonic(known, period),
      values: past.beyond)
    let whole = try fitted(choice, values.count, total: values.count + settings.horizon, run.part(0.7...1))
    return Result(
      name: name, settings: settings, period: period, learningRate: choice.rate, backtest: backtest,
      fitted: whole.inside, forecast: whole.beyond)
  }

  private struct Choice {
    /// For a number of values that are fitted.
    var network: (Int) throws -> Sequential
    var rate: Double
  }

  /// The network and the rate that forecast the last seventh of the first `known` values best.
  private func chosen(_ known: Int, _ period: Double?, _ run: ReproductionRun) throws -> Choice {
    let inner = known - max(1, known / 7)
    let networks = try candidates(period)
    let few = ReproductionRun(run, seeds: min(2, settings.seeds))
    let task = Segment(values, inner).task(total: known, validation: inner..<known)
    let outcomes = try task.run(
      networks.enumerated().map { .init(name: "network \($0.offset + 1)", network: try $0.element(inner)) },
      rates: settings.learningRates, steps: settings.steps, few)
    let best = outcomes.indices.min { outcomes[$0].validationErrors.mean < outcomes[$1].validationErrors.mean }!
    return Choice(network: networks[best], rate: outcomes[best].rate)
  }

  private func candidates(_ period: Double?) throws -> [(Int) throws -> Sequential] {
    func network(_ first: Activation, _ others: Activation) -> Sequential {
      Sequential(
        settings.hidden.enumerated().flatMap { i, units in
          [UniformDense(units), i == 0 ? first : others] as [any Layer]
        } + [UniformDense(1)])
    }
    if let name = settings.activation {
      let activation = try Activation.named(name)
      return [{ _ in network(activation, activation) }]
    }
    guard let period else {
      let still = try Activation.snake(0.2)
      return [{ _ in network(still, still) }]
    }
    // A unit of weight w turns with 2aw. At a = π over the length of a cycle those of weight 1 follow it; at twice that, of ½.
    return [1.0, 2.0].map { reach in
      { known in try network(.snake(reach * Double.pi * Double(known - 1) / (2 * period)), .snake(1)) }
    }
  }

  /// The first values of a series without their line, on -1…1.
  private struct Segment {
    let values: [Double]
    let known: Int
    let line: (slope: Double, offset: Double)
    let deviation: Double

    init(_ values: [Double], _ known: Int) {
      self.values = values
      self.known = known
      line = SeriesForecast.line(Array(values.prefix(known)))
      let (slope, offset) = line
      let rest = (0..<known).map { values[$0] - offset - slope * Double($0) }
      deviation = max(rest.variance.squareRoot(), 1e-12)
    }

    func place(_ i: Int) -> Double { 2 * Double(i) / Double(known - 1) - 1 }
    func value(_ y: Double, at i: Int) -> Double { y * deviation + line.offset + line.slope * Double(i) }

    /// Values behind the series count as zero: their errors mean nothing.
    func task(total: Int, validation: Range<Int>) -> ExtrapolationTask {
      let segment = self
      return ExtrapolationTask(
        train: (0..<known).map(place), validation: validation.map(place), test: (known..<total).map(place)
      ) { x in
        let i = Int(((x + 1) / 2 * Double(segment.known - 1)).rounded())
        guard i < segment.values.count else { return 0 }
        return (segment.values[i] - segment.line.offset - segment.line.slope * Double(i)) / segment.deviation
      }
    }
  }

  /// Fits the first `known` values; what the mean of all seeds says of those and of the places behind, up to `total`.
  private func fitted(_ choice: Choice, _ known: Int, total: Int, _ run: ReproductionRun) throws -> (
    inside: [Double], beyond: [Double]
  ) {
    let segment = Segment(values, known)
    let task = segment.task(total: total, validation: 0..<known)
    let outcome = try task.run(
      [.init(name: "network", network: try choice.network(known))], rates: [choice.rate], steps: settings.steps, run)[0]
    let all = (0..<run.seeds).map { outcome.values((0..<total).map(segment.place), seed: $0) }
    let means = (0..<total).map { i in segment.value(all.map { $0[i] }.mean, at: i) }
    return (Array(means[..<known]), Array(means[known...]))
  }

  /// The error of a line and two harmonics, or of a line alone.
  private func harmonic(_ known: Int, _ period: Double?) -> Double {
    let segment = Segment(values, known)
    guard let period else {
      return Self.error((known..<values.count).map { segment.value(0, at: $0) }, Array(values[known...]))
    }
    let task = segment.task(total: values.count, validation: 0..<0)
    return harmonicRegression(task, period: 2 * period / Double(known - 1), harmonics: 2).error * segment.deviation
  }

  static func line(_ values: [Double]) -> (slope: Double, offset: Double) {
    let middle = Double(values.count - 1) / 2
    let spread = values.indices.reduce(0.0) { $0 + (Double($1) - middle) * (Double($1) - middle) }
    let slope = values.indices.reduce(0.0) { $0 + (Double($1) - middle) * values[$1] } / spread
    return (slope, values.mean - slope * middle)
  }

  private func naive(_ known: Int, _ count: Int, _ period: Double?) -> [Double] {
    let cycle = min(known, max(1, Int((period ?? 1).rounded())))
    return (0..<count).map { values[known - cycle + $0 % cycle] }
  }

  private static func error(_ a: [Double], _ b: [Double]) -> Double {
    guard !a.isEmpty, a.count == b.count else { return .nan }
    return (zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(a.count)).squareRoot()
  }

  /// The length of the cycle whose sinusoid explains most of a series without its line; nil if that is less than a tenth, or the
  /// series holds less than two cycles of it.
  public static func strongestPeriod(_ values: [Double]) -> Double? {
    let n = values.count
    guard n >= 8 else { return nil }
    let (slope, offset) = line(values)
    let rest = values.indices.map { values[$0] - offset - slope * Double($0) }
    let total = rest.reduce(0) { $0 + $1 * $1 }
    guard total > 0 else { return nil }
    // Zeros behind the series make the spectrum's places four times as dense.
    let (real, imaginary) = Tensor(rest + [Double](repeating: 0, count: 3 * n)).realFourier()
    let power = zip(real.doubles, imaginary.doubles).map { $0 * $0 + $1 * $1 }
    let range = 8..<min(power.count, 2 * n)
    guard let peak = range.max(by: { power[$0] < power[$1] }) else { return nil }
    // A sinusoid of amplitude A has power (A n/2)², and A² n/2 of the sum of squares.
    guard 2 * power[peak] / Double(n) >= 0.1 * total else { return nil }
    var place = Double(peak)
    if peak + 1 < power.count {
      let (a, b, c) = (power[peak - 1], power[peak], power[peak + 1])
      if a - 2 * b + c < 0 { place += 0.5 * (a - c) / (a - 2 * b + c) }
    }
    return 4 * Double(n) / place
  }
}

extension SeriesForecast.Result {
  /// The series, the held-out end as it was forecast, and what comes.
  public func chart(_ values: [Double]) -> LineChart {
    let known = values.count
    // The end of a long series is what matters.
    let shown = max(0, known - max(4 * forecast.count, 3 * backtest.count, 200))..<known
    let ahead = forecast.indices.map { Double(known + $0) }
    var chart = LineChart(
      "\(name): forecast", xTitle: "place", yTitle: "value",
      [
        .init("known", x: shown.map(Double.init), y: shown.map { values[$0] }),
        .init(
          "held out, forecast", x: backtest.values.indices.map { Double(known - backtest.count + $0) },
          y: backtest.values),
        .init(
          "forecast", x: ahead, y: forecast, low: forecast.map { $0 - halfWidth },
          high: forecast.map { $0 + halfWidth }),
      ])
    (chart.width, chart.height) = (900, 380)
    return chart
  }
}
