import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Layers with cosines and sines beside an activation.
let fourierUnits = Reproduction(
  "fan", source: "Dong et al. 2024, arXiv 2410.02675",
  definition: "φ(x) = [cos p ‖ sin p ‖ σ(x W_g + b_g)], p = x W_p + b_p; gated: [s cos p ‖ s sin p ‖ (1 - s) g].",
  interface: ["FANLayer", "FAN", "FANFeedForward", "PeriodicTask", "TransformerBlock.feedForward"],
  claim: """
    MLPs, KANs and transformers fit periodic data inside the training interval and fail outside; FAN continues the pattern, with fewer \
    parameters.
    """,
  check: """
    sin t, t mod 5 and exp(sin² πt + cos t + (t mod 3) - 1): 2,000 training points, standardized; test points outside the training interval \
    only. FAN and gated FAN (width 64, 3 layers), GELU MLP of equal parameters (55) and of equal width (64), sine MLP (55), KAN [1, 16, 16, 1]. \
    AdamW (0.01), cosine, batches of 256, 1,500 steps, rate from {1e-3, 1e-2} by the outer tenth of the training interval, 3 seeds, medians. \
    Then Mauna Loa's carbon dioxide by month, 48 months to 12.
    """,
  verdictRule: """
    Reproduced: the better of FAN and gated FAN has less than half the MLP's squared error outside on all three, and below 0.5 (half the \
    variance) on sin and mod. Partly: the first on at least two. Else not.
    """,
  seeds: 3
) { run in
  func gelu(_ width: Int) -> Sequential {
    Sequential {
      UniformDense(width); UniformDense(width); Activation.gelu; UniformDense(width); Activation.gelu; UniformDense(1)
    }
  }
  let sine = Activation.sine
  let networks: [(name: String, network: any Layer)] = [
    ("FAN", FAN()), ("gated FAN", FAN(isGated: true)), ("MLP, equal parameters", gelu(55)),
    ("MLP, equal width", gelu(64)),
    (
      "sine MLP",
      Sequential {
        UniformDense(55); sine; UniformDense(55); sine; UniformDense(55); sine; UniformDense(1)
      }
    ),
    ("KAN", KAN([1, 16, 16, 1])),
  ]
  /// The grid of the KAN covers the training interval; the others take t as it is.
  func fitted(_ entry: (name: String, network: any Layer), _ task: PeriodicTask) -> any Layer {
    guard entry.name == "KAN" else { return entry.network }
    let scale = 1 / task.training
    return Sequential([Lambda { $0 * scale }, entry.network])
  }
  var inside: [[Double]] = []
  var outside: [[Double]] = []
  var rows: [[String]] = []
  var figures: [any Plot] = []
  for (t, task) in PeriodicTask.all.enumerated() {
    let data = task.study(
      points: run.scaled(2000, smoke: 64), steps: run.scaled(1500, smoke: 5), key: Key(168).folding(t))
    var (ins, outs) = ([Double](), [Double]())
    var series = [LineChart.Series]()
    let grid = (0..<600).map { -task.test + 2 * task.test * Double($0) / 599 }
    let scaled = Tensor(grid.map { Float($0) }, shape: [600, 1])
    series.append(.init("data", x: grid, y: grid.map { data.standard(task.value($0)) }))
    for (i, entry) in networks.enumerated() {
      let network = fitted(entry, task)
      let begin = (Double(t) + Double(i) / 6) / 3 * 0.85
      let outcome = try data.study.run(
        "\(task.name), \(entry.name)", network, run.part(begin...begin + 0.85 / 18))
      let inner = outcome.variables.map { variables in
        (network.apply(variables, data.inside.x) - data.inside.y).squared().mean().scalar
      }
      ins.append(inner.median)
      outs.append(outcome.test.map { $0 * $0 }.median)
      rows.append([
        task.name, entry.name, "\(outcome.parameters)", formattedNumber(inner.median, digits: 3),
        formattedNumber(outs.last!, digits: 3), formattedNumber(outcome.rate),
      ])
      if ["FAN", "gated FAN", "MLP, equal parameters", "sine MLP"].contains(entry.name) {
        let y = network.apply(outcome.variables[0], scaled).doubles
        series.append(.init(entry.name, x: grid, y: y.map { min(max($0, -4), 4) }))
      }
    }
    inside.append(ins)
    outside.append(outs)
    figures.append(
      LineChart(
        "\(task.name): trained on |t| ≤ \(formattedNumber(task.training, digits: 3))", xTitle: "t",
        yTitle: "standardized",
        series, yRange: -4...4))
  }
  let ours = outside.map { min($0[0], $0[1]) }
  let ratios = zip(ours, outside).map { $0 / $1[2] }
  let allHalf = ratios.allSatisfy { $0 < 0.5 }
  let understands = ours[0] < 0.5 && ours[1] < 0.5
  let forecast = try carbonForecast(run.part(0.85...1))
  let verdict: Verdict =
    allHalf && understands ? .reproduced : ratios.filter { $0 < 0.5 }.count >= 2 ? .partly : .notReproduced
  func text(_ value: Double) -> String { formattedNumber(value, digits: 3) }
  return Finding(
    verdict,
    summary: """
      Outside the interval the better FAN has \(ratios.map(text).joined(separator: ", ")) times the MLP's squared error on sin, mod and the \
      composed function, that is \(ours.map(text).joined(separator: ", ")) of the variance; a plain sine network \
      \(outside.map { text($0[4]) }.joined(separator: ", ")).
      """,
    measurements: [
      .init("forecast of carbon dioxide, squared error of the FAN block over the MLP block", forecast, digits: 3)
    ],
    tables: [
      Finding.Table(
        "Squared errors (medians, in variances)",
        columns: ["task", "network", "parameters", "inside", "outside", "learning rate"], rows: rows)
    ], figures: figures,
    remarks: [
      "The column of plain sine networks shows how much of the gain is due to sines alone."
    ])
}

/// Twelve months of carbon dioxide from the 48 before: the squared error of a network with a FAN block over one with an MLP block.
private func carbonForecast(_ run: ReproductionRun) throws -> Double {
  let series = Embedded.maunaLoaCarbonDioxide().map(Double.init)
  let (past, future) = (48, 12)
  let end = series.count * 7 / 10
  let known = Array(series.prefix(end))
  let (mean, deviation) = (known.mean, known.variance.squareRoot())
  func windows(_ range: Range<Int>) -> FunctionStudy.Points {
    let starts = range.filter { $0 + past + future <= series.count }
    // Every window less its own mean: the level rises.
    let rows = starts.map { s -> (x: [Float], y: [Float]) in
      let own = Array(series[s..<(s + past)]).mean
      return (
        series[s..<(s + past)].map { Float(($0 - own) / deviation) },
        series[(s + past)..<(s + past + future)].map { Float(($0 - own) / deviation) }
      )
    }
    return .init(
      x: Tensor(rows.flatMap(\.x), shape: [rows.count, past]),
      y: Tensor(rows.flatMap(\.y), shape: [rows.count, future]))
  }
  _ = mean
  let study = FunctionStudy(
    training: windows(0..<(end - past - future)), validation: windows(end..<(series.count * 8 / 10)),
    test: windows((series.count * 8 / 10)..<series.count), rates: [1e-3, 1e-2], steps: run.scaled(600, smoke: 4),
    batch: 64,
    optimizer: AdamW())
  func network(_ block: any Layer) -> Sequential {
    Sequential([
      Dense(32),
      Residual {
        LayerNorm(); block
      }, Dense(future),
    ])
  }
  let fan = try study.run("carbon dioxide, FAN block", network(FANFeedForward(hidden: 128)), run.part(0...0.5))
  let mlp = try study.run("carbon dioxide, MLP block", network(FeedForward(hidden: 128)), run.part(0.5...1))
  return fan.test.map { $0 * $0 }.median / mlp.test.map { $0 * $0 }.median
}

extension PeriodicTask {
  /// The task's points, targets standardized.
  struct Data {
    var study: FunctionStudy
    /// Points of the whole training interval.
    var inside: FunctionStudy.Points
    var mean: Double
    var deviation: Double
    func standard(_ y: Double) -> Double { (y - mean) / deviation }
  }

  func study(points: Int, steps: Int, key: Key) -> Data {
    let keys = key.split(3)
    func uniform(_ count: Int, _ key: Key) -> [Double] {
      Tensor.uniform([count], low: -1, high: 1, key: key, dtype: .float64).doubles
    }
    let all = uniform(points, keys[0]).map { $0 * training }
    let edge = all.filter { abs($0) > 0.9 * training }
    let core = all.filter { abs($0) <= 0.9 * training }
    let values = core.map(value)
    let (mean, deviation) = (values.mean, values.variance.squareRoot())
    func made(_ t: [Double]) -> FunctionStudy.Points {
      .init(
        x: Tensor(t.map { Float($0) }, shape: [t.count, 1]),
        y: Tensor(t.map { Float((value($0) - mean) / deviation) }, shape: [t.count, 1]))
    }
    let far = uniform(1000, keys[1]).map { u -> Double in
      let distance = training + abs(u) * (test - training)
      return u < 0 ? -distance : distance
    }
    return Data(
      study: FunctionStudy(
        training: made(core), validation: made(edge), test: made(far), rates: [1e-3, 1e-2], steps: steps, batch: 256,
        optimizer: AdamW()), inside: made(all), mean: mean, deviation: deviation)
  }
}
