import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Networks for what networks leave.
let multiStageNetworks = Reproduction(
  "multi-stage", source: "Wang & Lai 2023, arXiv 2307.08934",
  definition:
    "Σ ε_j u_j(x): each u_j is a fresh network for what the sum so far leaves, its input scaled by κ = 2π times the residue's dominant frequency.",
  interface: [
    "MultiStage", "StageNetwork", "StageSum", "DominantFrequency",
    "MultiStage.solve(_:points:terms:boundaryWeight:seed:onProgress:)",
    "Problem",
  ],
  claim: """
    Single networks rarely go below 1e-5; several stages reach nearly 1e-16, in regression and for differential equations; what is left \
    falls from stage to stage as an inverse power of its frequency.
    """,
  check: """
    Double precision. (a) sin(2x+1) + 0.2 exp(1.3x) on [−1, 1], 500 points, 4,000 to judge; four stages of 500 steps of Adam and 2,500 of \
    L-BFGS; also with 1,500 points; against single networks of 3 × 50 and 3 × 57 tanh units with 2,000 and 10,000 steps, and 3 × 20 with a \
    sine first layer, κ 1, 5, 20. (b) u' + x u = g with u(−1) given, the same solution, 400 points, three stages, against one stage with \
    three times the steps.
    """,
  verdictRule: """
    Reproduced: stages 1 and 2 each lower the judged error at least tenfold, the last is at most 1e-7 and at most a thousandth of the best \
    single network's (500 points, median of seeds), and (b) ends at most at a hundredth of its rival's error. Partly: (a) alone, or all \
    with tenfold weaker factors. Else not.
    """,
  seeds: 2
) { run in
  let scale = run.isSmoke ? 100 : 1
  func f(_ x: Tensor) -> Tensor { (x * 2.0 + 1).sin() + (x * 1.3).exp() * 0.2 }
  let judge = Tensor.uniform([run.scaled(4000, smoke: 100), 1], low: -1, high: 1, key: Key(99), dtype: .float64)
  let truth = f(judge)
  func error(_ network: any Layer, _ parameters: Parameters) -> Double {
    (network.apply(Variables(parameters: parameters), judge) - truth).squared().mean().scalar.squareRoot()
  }
  var rows: [[String]] = []
  var stageErrors: [[Double]] = []
  var residueCurves: [LineChart.Series] = []
  var law: [ScatterPlot.Point] = []
  for count in run.isSmoke ? [120] : [500, 1500] {
    let x = Tensor.linspace(-1, 1, count: count, dtype: .float64).reshape(count, 1)
    for seed in 0..<run.seeds {
      let method = MultiStage(stages: 4, adamSteps: 500 / scale, iterations: 2500 / scale)
      let result = try method.fit(x, f(x), seed: seed) { share, text in
        try run.part(0...0.35).report(share, "\(count) points, \(text)")
      }
      guard let sum = result.network.network as? StageSum else { continue }
      // The judged error after each stage.
      let judged = result.reports.indices.map { j in
        error(StageSum(Array(sum.stages[0...j]), magnitudes: Array(sum.magnitudes[0...j])), result.parameters)
      }
      if count == 500 || run.isSmoke { stageErrors.append(judged) }
      for (report, judged) in zip(result.reports, judged) {
        rows.append([
          String(count), String(seed), String(report.stage), scientific(report.epsilon),
          formattedNumber(report.frequency, digits: 3), formattedNumber(report.kappa, digits: 3),
          scientific(report.error), scientific(judged),
        ])
        if seed == 0, count != 1500 {
          residueCurves.append(
            LineChart.Series(
              "stage \(report.stage)", x: x.doubles, y: report.residue.map { max(abs($0), 1e-18) }))
        }
        if report.stage + 1 < result.reports.count {
          law.append(
            .init(
              "\(count), \(seed), \(report.stage)", x: result.reports[report.stage + 1].frequency, y: report.error,
              series: seed))
        }
      }
    }
  }
  // Single networks, one stage with the same or more steps.
  let x = Tensor.linspace(-1, 1, count: run.scaled(500, smoke: 120), dtype: .float64).reshape(-1, 1)
  let sine = Activation.sine
  let singles: [(name: String, layer: StageNetwork)] =
    [
      ("tanh 3 × 50", StageNetwork(width: 50, kappa: 1, first: Activation.tanh)),
      ("tanh 3 × 57", StageNetwork(width: 57, kappa: 1, first: Activation.tanh)),
    ] + [1.0, 5, 20].map { ("sine 3 × 20, κ \(Int($0))", StageNetwork(width: 20, kappa: $0, first: sine)) }
  var singleRows: [[String]] = []
  var bestSingle = Double.infinity
  for (i, single) in singles.enumerated() {
    let seeds = i < 1 ? run.seeds : 1
    let errors = try (0..<seeds).map { seed -> Double in
      try run.report(0.4 + 0.07 * Double(i), single.name)
      let method = MultiStage(
        stages: 1, adamSteps: 2000 / scale, iterations: 10_000 / scale, network: { _, _ in single.layer })
      let result = try method.fit(x, f(x), seed: seed)
      return error(result.network, result.parameters)
    }
    bestSingle = min(bestSingle, errors.median)
    singleRows.append([
      single.name, String(single.layer.parameterCount(for: [1, 1], dtype: .float64)), scientific(errors.median),
    ])
  }
  // (b)
  let box = [-1.0...1.0]
  let exact: @Sendable (Tensor) -> Tensor = { x in
    (x[.all, 0] * 2.0 + 1).sin() + (x[.all, 0] * 1.3).exp() * 0.2
  }
  let problem = Problem(
    "linear", statement: "u' + x u = g", box: box,
    residual: { u, x in
      let place = x[.all, 0]
      let slope = (place * 2.0 + 1).cos() * 2.0 + (place * 1.3).exp() * 0.26
      return PhysicsLoss.derivative(u, x, axis: 0) + place * u(x) - (slope + place * exact(x))
    },
    conditions: [.value("start", points: Problem.face(axis: 0, value: -1, of: box), exact)], exact: exact)
  let points = run.scaled(400, smoke: 60)
  let terms = [MultiStage.Term(order: 1, coefficient: 1), .init(order: 0, coefficient: 1 / 3.0.squareRoot())]
  func largest(_ result: MultiStage.Result) -> Double {
    let grid = problem.grid(2001)
    return (result.network.apply(Variables(parameters: result.parameters), grid).squeezed([1]) - exact(grid)).abs()
      .max().scalar
  }
  var (staged, plain) = ([Double](), [Double]())
  var equationRows: [[String]] = []
  for seed in 0..<run.seeds {
    let part = run.part(0.75 + 0.25 * Double(seed) / Double(run.seeds)...1)
    let result = try MultiStage(stages: 3, adamSteps: 500 / scale, iterations: 2500 / scale).solve(
      problem, points: points, terms: terms, seed: seed
    ) { try part.report($0 * 0.1, "equation, \($1)") }
    staged.append(largest(result))
    let single = try MultiStage(stages: 1, adamSteps: 1500 / scale, iterations: 7500 / scale).solve(
      problem, points: points, terms: terms, seed: seed)
    plain.append(largest(single))
    equationRows.append([
      String(seed), result.reports.map { scientific($0.error) }.joined(separator: " → "), scientific(staged[seed]),
      scientific(plain[seed]),
    ])
  }
  let depth = stageErrors.map(\.count).min() ?? 0
  let medians = (0..<depth).map { j in stageErrors.map { $0[j] }.median }
  let last = stageErrors.map { $0.last! }.median
  func drop(_ j: Int) -> Double { depth > j ? medians[j - 1] / medians[j] : 0 }
  func holds(_ factor: Double) -> Bool {
    drop(1) >= 10 / factor && drop(2) >= 10 / factor && last <= 1e-7 * factor && bestSingle / last >= 1000 / factor
  }
  let isEquation = plain.median / staged.median
  let verdict: Verdict =
    holds(1) && isEquation >= 100
    ? .reproduced : holds(1) || (holds(10) && isEquation >= 10) ? .partly : .notReproduced
  return Finding(
    verdict,
    summary: """
      Judged error by stage \(medians.map(scientific).joined(separator: ", ")), last \(scientific(last)); best single network \
      \(scientific(bestSingle)). Equation: \(scientific(staged.median)) against \(scientific(plain.median)). 1e-13 was \
      \(stageErrors.contains { $0.last! <= 1e-13 } ? "reached" : "not reached").
      """,
    tables: [
      Finding.Table(
        "Stages", columns: ["points", "seed", "stage", "ε", "frequency", "κ", "error at points", "judged error"],
        rows: rows),
      Finding.Table("Single networks", columns: ["network", "numbers", "judged error"], rows: singleRows),
      Finding.Table(
        "Equation: residual by stage, largest error, that of one stage",
        columns: ["seed", "residuals", "staged", "one stage"],
        rows: equationRows),
    ],
    figures: [
      LineChart(
        "What each stage leaves, first seed", xTitle: "x", yTitle: "|error|", residueCurves, yScale: .logarithmic),
      ScatterPlot(
        "Error and frequency", xTitle: "frequency of the residue", yTitle: "its root mean square", law,
        xScale: .logarithmic,
        yScale: .logarithmic),
    ],
    remarks: [
      "The stages stop where a residue has more than a period for six points; the table shows those that were run."
    ])
}
