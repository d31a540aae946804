import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Learned functions on edges: how fast errors fall with the grid, whether formulas are found, what is forgotten.
let kolmogorovArnold = Reproduction(
  "kan", source: "Liu et al. 2024, arXiv 2404.19756",
  definition:
    "x_{l+1,j} = Σ_i φ_{l,j,i}(x_{l,i}), φ = m (w_b silu + w_s Σ_r c_r B_r) with B-splines B whose grid follows the data.",
  interface: [
    "KAN", "KANLayer", "BSpline", "EdgeBasis", "FittedKAN", "KANTraining", "KANSparsity", "SymbolicFit", "FormulaFit",
    "Formula", "CurveNetwork", "Tensor.splineSum",
  ],
  claim: """
    The error of a KAN falls as about the fourth power of its parameters where MLPs stop; small KANs beat larger MLPs; sparse ones are read \
    off as formulas; local splines do not forget.
    """,
  check: """
    exp(sin πx + y²) on [-1, 1]², 1,000 training and 1,000 test points, float64, 3 seeds. KAN [2, 1, 1]: 12 starts at G = 3 (5 rounds of a \
    grid update and 20 steps of L-BFGS), the lowest training error continues through G = 3, 5, 10, 20, 50 with 200 steps each. Tanh MLPs \
    [2, W, W, 1], W = 4, 7, 10, 14, 24: 12 starts of 100 steps, the best continues for 1,000. Then: are x·y and exp(sin πx + y²) found by a \
    sparse [2, 5, 1]; and five bumps learned one after the other by a KAN of 200 intervals and an MLP.
    """,
  verdictRule: """
    Reproduced: the median slope of log error against log G from 5 to 20 is steeper than -3, and the median error at G = 20 is at most a \
    fifth of the best MLP's median. Partly: one of both. Formulas and forgetting are reported beside.
    """,
  seeds: 3, sets: ["feynman": feynmanFormulas]
) { run in
  func target(_ c: [Tensor]) -> Tensor { ((c[0] * Double.pi).sin() + c[1].squared()).exp() }
  let count = run.scaled(1000, smoke: 60)
  let grids = run.isSmoke ? [3, 5, 10, 20] : [3, 5, 10, 20, 50]
  let widths = run.isSmoke ? [4] : [4, 7, 10, 14, 24]
  let starts = run.scaled(12, smoke: 1)
  var kanErrors = [[Double]](repeating: [], count: grids.count)
  var mlpErrors = [[Double]](repeating: [], count: widths.count)
  var single: [Double] = []
  var picture: CurveNetwork?
  for seed in 0..<run.seeds {
    let keys = Key(116).folding(seed).split(4)
    let training = samples(count, 2, key: keys[0], dtype: .float64, target)
    let test = samples(count, 2, key: keys[1], dtype: .float64, target)
    let share = 1 / Double(run.seeds)
    func report(_ part: Double, _ text: String) throws { try run.report((Double(seed) + part) * share * 0.8, text) }

    let rounds = KANTraining(steps: run.scaled(100, smoke: 5), gridUpdates: 5, updatingSteps: run.scaled(100, smoke: 5))
    let network = KAN([2, 1, 1], intervals: 3)
    func climbed(_ start: FittedKAN, _ note: (Int, FittedKAN) -> Void) throws {
      var kan = start
      for (i, intervals) in grids.enumerated() {
        if i > 0 { kan = try kan.refined(intervals: intervals, on: training.x) }
        kan = try KANTraining(steps: run.scaled(200, smoke: 3)).fit(kan, training.x, training.y)
        note(i, kan)
      }
    }
    let best = try rounds.best(of: starts, network, training.x, training.y, key: keys[2]) {
      try report(0.3 * Double($0) / Double(starts), "KAN, start \($0 + 1)")
    }
    try climbed(best) { i, kan in
      kanErrors[i].append(kan.error(test.x, test.y))
      if seed == 0, grids[i] == 10 {
        picture = kan.picture("exp(sin πx + y²), G = 10", on: training.x, inputs: ["x", "y"])
      }
    }
    // The same without choosing among starts.
    let alone = try rounds.fit(FittedKAN(network, key: keys[3]), training.x, training.y)
    try climbed(alone) { i, kan in if grids[i] == 20 { single.append(kan.error(test.x, test.y)) } }

    for (i, width) in widths.enumerated() {
      try report(0.5 + 0.5 * Double(i) / Double(widths.count), "MLP of width \(width)")
      let mlp = Sequential {
        Dense(width)
        Activation.tanh
        Dense(width)
        Activation.tanh
        Dense(1)
      }
      let type = TensorType(shape: [1, 2], dtype: .float64)
      func minimized(_ start: Parameters, _ steps: Int) throws -> LBFGS.Result<Parameters> {
        try LBFGS(maximumIterations: steps, gradientTolerance: 1e-32, valueTolerance: 0).minimize(start) { p in
          (mlp.apply(Variables(parameters: p), training.x) - training.y).squared().mean()
        }
      }
      var best: LBFGS.Result<Parameters>?
      for start in 0..<starts {
        let begin = mlp.initialized(for: type, key: keys[2].folding("mlp\(start)")).parameters
        let found = try minimized(begin, run.scaled(100, smoke: 3))
        if best == nil || found.value < best!.value { best = found }
      }
      let end = try minimized(best!.minimizer, run.scaled(1000, smoke: 3)).minimizer
      let y = mlp.apply(Variables(parameters: end), test.x)
      mlpErrors[i].append((y - test.y).squared().mean().scalar.squareRoot())
    }
  }
  let kanParameters = grids.map { 3 * ($0 + 5) }
  let mlpParameters = widths.map { $0 * $0 + 5 * $0 + 1 }
  let kanMedians = kanErrors.map(\.median)
  let mlpMedians = mlpErrors.map(\.median)
  /// Least squares in logarithms over G = 5, 10, 20.
  func slope(_ errors: [Double]) -> Double {
    let points = zip(grids, errors).filter { (5...20).contains($0.0) }.map { (log(Double($0.0)), log($0.1)) }
    let (mx, my) = (points.map(\.0).mean, points.map(\.1).mean)
    return points.reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) } / points.reduce(0) { $0 + ($1.0 - mx) * ($1.0 - mx) }
  }
  let slopes = (0..<run.seeds).map { seed in slope(kanErrors.map { $0[seed] }) }
  let at20 = kanMedians[grids.firstIndex(of: 20)!]
  let bestMLP = mlpMedians.min()!
  let isSteep = slopes.median < -3
  let isBetter = at20 * 5 <= bestMLP

  let formulas = try recoveredFormulas(run.part(0.8...0.92))
  let forgetting = try bumpsInTurn(run.part(0.92...1))
  let verdict: Verdict = isSteep && isBetter ? .reproduced : isSteep || isBetter ? .partly : .notReproduced
  func text(_ value: Double) -> String { formattedNumber(value, digits: 3) }
  return Finding(
    verdict,
    summary: """
      The KAN's median error falls with the \(text(slopes.median))th power of the grid's intervals, to \(text(at20)) with 75 parameters; the \
      best MLP (\(mlpParameters[mlpMedians.firstIndex(of: bestMLP)!]) parameters) has \(text(bestMLP)). One start alone gives \
      \(text(single.median)).
      """,
    measurements: [
      .init("slope of log error over log G", Estimate(of: slopes), digits: 3),
      .init("KAN at G = 20, median error", at20), .init("best MLP, median error", bestMLP),
      .init("KAN from one start, G = 20, median error", single.median),
    ],
    tables: [
      Finding.Table(
        "Root mean squared errors on test points", columns: ["network", "parameters", "median", "least", "largest"],
        rows: zip(grids, zip(kanParameters, kanErrors)).map {
          ["KAN [2, 1, 1], G = \($0)", "\($1.0)", text($1.1.median), text($1.1.min()!), text($1.1.max()!)]
        }
          + zip(widths, zip(mlpParameters, mlpErrors)).map {
            ["MLP [2, \($0), \($0), 1]", "\($1.0)", text($1.1.median), text($1.1.min()!), text($1.1.max()!)]
          }),
      formulas, forgetting.table,
    ],
    figures: [
      LineChart(
        "Error and parameters (medians)", xTitle: "parameters", yTitle: "root mean squared error",
        [
          .init("KAN", x: kanParameters.map(Double.init), y: kanMedians),
          .init("MLP", x: mlpParameters.map(Double.init), y: mlpMedians),
          .init(
            "N⁻⁴ for comparison", x: kanParameters.map(Double.init),
            y: kanParameters.map { kanMedians[0] * pow(Double(kanParameters[0]) / Double($0), 4) }),
        ], xScale: .logarithmic, yScale: .logarithmic), forgetting.plot,
    ] + (picture.map { [$0] } ?? []),
    remarks: [
      "The errors at G = 50 show where more intervals than the data can determine begin to hurt.",
      "A formula counts as found if, printed with four digits, its error is below a hundredth of the target's deviation.",
    ])
}

/// Are two formulas found by a sparse network?
private func recoveredFormulas(_ run: ReproductionRun) throws -> Finding.Table {
  let problems: [(name: String, f: (Double, Double) -> Double)] = [
    ("x·y", { $0 * $1 }), ("exp(sin πx + y²)", { exp(sin(.pi * $0) + $1 * $1) }),
  ]
  var rows: [[String]] = []
  for (i, problem) in problems.enumerated() {
    try run.report(Double(i) / 2, "formula of \(problem.name)")
    let points = Tensor.uniform([run.scaled(1000, smoke: 60), 2], low: -1, high: 1, key: Key(2024), dtype: .float64)
    let x = (0..<points.shape[0]).map { points[$0].doubles }
    let y = x.map { problem.f($0[0], $0[1]) }
    let half = x.count / 2
    let fit = FormulaFit(
      hidden: [run.scaled(5, smoke: 1)], starts: run.scaled(4, smoke: 1), steps: run.scaled(100, smoke: 3))
    let result = try fit(
      Array(x[..<half]), Array(y[..<half]), test: (Array(x[half...]), Array(y[half...])), names: ["x", "y"], key: Key(1)
    )
    let error = result.printedError ?? .nan
    rows.append([
      problem.name, result.curves.network.widths.map { "\($0.nodes)" }.joined(separator: "-"),
      result.printed?.description ?? "–", formattedNumber(result.curveErrors.test, digits: 3),
      formattedNumber(error, digits: 3), error < 0.01 * result.deviation ? "found" : "not found",
    ])
  }
  return Finding.Table(
    "Formulas from sparse networks [2, 5, 1]",
    columns: ["target", "pruned", "formula", "network's error", "formula's error", ""],
    rows: rows)
}

/// Five bumps on a line, learned one after the other.
private func bumpsInTurn(_ run: ReproductionRun) throws -> (table: Finding.Table, plot: LineChart) {
  func bumps(_ x: Double) -> Double {
    (0..<5).reduce(0) { sum, k in sum + exp(-pow((x - (-0.8 + 0.4 * Double(k))) / 0.06, 2)) }
  }
  let grid = (0..<1000).map { -1 + 2 * (Double($0) + 0.5) / 1000 }
  let all = Tensor(grid, shape: [1000, 1])
  let truth = Tensor(grid.map(bumps), shape: [1000, 1])
  func phase(_ k: Int) -> (x: Tensor, y: Tensor) {
    let part = grid.filter { -1 + 0.4 * Double(k) <= $0 && $0 < -1 + 0.4 * Double(k + 1) }
    return (Tensor(part, shape: [part.count, 1]), Tensor(part.map(bumps), shape: [part.count, 1]))
  }
  // A factor that all splines share would change the function everywhere: the coefficients alone are trained.
  let splines = BSpline(intervals: run.scaled(200, smoke: 20))
  var kan = FittedKAN(KAN([1, 1], basis: splines, base: .zero), key: Key(5))
  let mlp = Sequential {
    Dense(32)
    Activation.tanh
    Dense(32)
    Activation.tanh
    Dense(1)
  }
  var weights = mlp.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(6)).parameters
  var rows: [[String]] = []
  var series = [LineChart.Series("target", x: grid, y: grid.map(bumps))]
  for k in 0..<5 {
    try run.report(Double(k) / 5, "bump \(k + 1)")
    let data = phase(k)
    kan = try KANTraining(steps: run.scaled(100, smoke: 2)).fit(kan, data.x, data.y)
    let search = LBFGS(maximumIterations: run.scaled(500, smoke: 2), gradientTolerance: 1e-32, valueTolerance: 0)
    weights = try search.minimize(weights) { p in
      (mlp.apply(Variables(parameters: p), data.x) - data.y).squared().mean()
    }.minimizer
    let seen = Tensor(grid.map { $0 < -1 + 0.4 * Double(k + 1) ? 1.0 : 0 }, shape: [1000, 1])
    func error(_ y: Tensor) -> Double {
      (((y - truth) * seen).squared().sum().scalar / seen.sum().scalar).squareRoot()
    }
    let (ours, theirs) = (kan(all), mlp.apply(Variables(parameters: weights), all))
    rows.append(["\(k + 1)", formattedNumber(error(ours), digits: 3), formattedNumber(error(theirs), digits: 3)])
    if k == 4 {
      series.append(.init("KAN", x: grid, y: ours.doubles))
      series.append(.init("MLP", x: grid, y: theirs.doubles.map { min(max($0, -1), 2) }))
    }
  }
  return (
    Finding.Table(
      "Five bumps in turn: error over all bumps seen so far", columns: ["after bump", "KAN, G = 200", "MLP 1-32-32-1"],
      rows: rows),
    LineChart("After the fifth bump", xTitle: "x", yTitle: "", series, yRange: -0.5...1.5)
  )
}
