import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// One small network, composed with itself.
let repeatedCompositions = Reproduction(
  "rcnet", source: "Zhang, Lu & Zhao 2023, arXiv 2301.12353",
  definition: "L₂ ∘ g ∘ … ∘ g ∘ L₁ with one fixed ReLU network g.",
  interface: [
    "RepeatedComposition", "RepeatedComposition.constructed(_:compositions:base:)",
    "RepeatedComposition.constructed(side:transition:base:_:)", "EulerFlow",
  ],
  claim: """
    Networks of one fixed g, composed r times, approximate Lipschitz functions of d variables with an error like r^(-1/d); with more \
    compositions, function fits and spiral classification improve at equal numbers of parameters.
    """,
  check: """
    (a) The constructed networks: error by r for sin(2πx)/(2π), √|x − 0.3| and a random piecewise linear function, r = 8, 16, 32, 48; mean \
    error by K² for a distance in the plane, K = 3 to 7. (b) x sin 8πx + |x − 0.35| at 1,001 points, g of 16-16-16, r = 1, 2, 4, 8, 2,500 \
    steps of Adam at 3e-3 with cosine, gradients clipped at 1; against four untied blocks and an untied network of as many numbers. (c) Two \
    spirals.
    """,
  verdictRule: """
    (a) holds if the slope of log error by log r is −1 ± 0.15 for the two Lipschitz functions and that of log mean error by log K² is −0.5 ± \
    0.15, and each error of the root is at most 1.5 times the root's modulus of continuity at 1/r. (b) holds if the median error at r = 8 is at most a quarter of that at r = 1. Reproduced: both. Partly: one. \
    Else not.
    """,
  seeds: 3
) { run in
  let counts = run.isSmoke ? [4, 8] : [8, 16, 32, 48]
  let bends = [0.31, 0.12, 0.77, 0.55, 0.9, 0.05, 0.63, 0.42]
  let functions: [(name: String, f: @Sendable (Double) -> Double)] = [
    ("sin(2πx)/(2π)", { sin(2 * .pi * $0) / (2 * .pi) }), ("√|x − 0.3|", { abs($0 - 0.3).squareRoot() }),
    // Slopes of ±1 between places drawn once.
    (
      "piecewise linear",
      { x in
        bends.sorted().reduce((0.0, 0.0, 1.0)) { state, bend in
          let end = min(max(bend, 0), x)
          return end > state.1 ? (state.0 + state.2 * (end - state.1), end, -state.2) : (state.0, state.1, -state.2)
        }.0 + (x > 0.9 ? (x - 0.9) : 0)
      }
    ),
  ]
  let grid = Tensor.linspace(0, 1, count: run.scaled(20_001, smoke: 501), dtype: .float64)
  let column = grid.reshape(grid.count, 1)
  var errors: [[Double]] = []
  for function in functions {
    let wanted = grid.doubles.map(function.f)
    errors.append(
      try counts.map { r in
        let (network, parameters) = try RepeatedComposition.constructed(function.f, compositions: r)
        let found = network.apply(Variables(parameters: parameters), column).doubles
        return zip(found, wanted).map { abs($0 - $1) }.max()!
      })
  }
  func slope(_ x: [Double], _ y: [Double]) -> Double {
    let (u, v) = (x.map { log($0) }, y.map { log($0) })
    let (mu, mv) = (u.reduce(0, +) / Double(u.count), v.reduce(0, +) / Double(v.count))
    return zip(u, v).reduce(0) { $0 + ($1.0 - mu) * ($1.1 - mv) } / u.reduce(0) { $0 + ($1 - mu) * ($1 - mu) }
  }
  let slopes = errors.map { slope(counts.map(Double.init), $0) }
  // The root's modulus of continuity is that of √ itself.
  let isRootBounded = zip(errors[1], counts).allSatisfy { $0 <= 1.5 * (1 / Double($1)).squareRoot() }
  let sides = run.isSmoke ? [2, 3] : [3, 4, 5, 6, 7]
  let lattice = run.scaled(201, smoke: 21)
  let centres = (0..<lattice).map { (Double($0) + 0.5) / Double(lattice) }
  let plane = centres.flatMap { x in centres.map { (x, $0) } }
  let places = Tensor(plane.flatMap { [$0.0, $0.1] }, shape: [plane.count, 2])
  let distance: @Sendable (Double, Double) -> Double = {
    (($0 - 0.4) * ($0 - 0.4) + ($1 - 0.6) * ($1 - 0.6)).squareRoot()
  }
  let meanErrors = try sides.map { k -> Double in
    try run.report(0.05 + 0.02 * Double(k), "plane, \(k) cells a side")
    let (network, parameters) = try RepeatedComposition.constructed(side: k, distance)
    let found = network.apply(Variables(parameters: parameters), places).doubles
    return zip(found, plane).reduce(0) { $0 + abs($1.0 - distance($1.1.0, $1.1.1)) } / Double(plane.count)
  }
  let planeSlope = slope(sides.map { Double($0 * $0) }, meanErrors)

  // (b)
  let points = run.scaled(1001, smoke: 51)
  let x = Tensor.linspace(0, 1, count: points).reshape(points, 1)
  let y = x * (x * (8 * Double.pi)).sin() + (x - 0.35).abs()
  func untied(_ width: Int, _ blocks: Int) -> any Layer {
    Sequential(
      [Dense(16, initializer: .lecunNormal) as any Layer]
        + (0..<blocks).flatMap { _ in
          [Dense(width, initializer: .lecunNormal) as any Layer, Activation.relu, Dense(16, initializer: .lecunNormal)]
        } + [Dense(1, initializer: .lecunNormal)])
  }
  let networks: [(name: String, layer: any Layer)] =
    [1, 2, 4, 8].map { ("r = \($0)", RepeatedComposition.trainable(times: $0)) }
    + [
      ("r = 8, flow", RepeatedComposition.trainable(times: 8, isFlow: true)), ("four untied blocks", untied(16, 4)),
      ("one untied block", untied(16, 1)),
    ]
  let steps = run.scaled(2500, smoke: 5)
  func train(
    _ layer: any Layer, inputs: Int, data: [Tensor], _ name: String, _ run: ReproductionRun,
    loss: @escaping (Tensor, Tensor) -> Tensor
  ) throws -> [Parameters] {
    let starts = (0..<run.seeds).map { layer.initialized(for: [1, inputs], key: Key($0)).parameters }
    let training = try EnsembleTraining(
      starts, optimizer: ClippedNorm(Adam(), 1), learningRates: [3e-3], shared: data
    ) { member in loss(layer.apply(Variables(parameters: member.parameters), member.shared[0]), member.shared[1]) }
    for step in 0..<steps {
      training.load(data, rateFactor: Schedule.cosine(1)(step, of: steps))
      training.step()
      if step % 100 == 0 { try run.report(Double(step) / Double(steps), name) }
    }
    return training.members
  }
  var rows: [[String]] = []
  var medians: [Double] = []
  var curves: [LineChart.Series] = [LineChart.Series("target", x: x.doubles, y: y.doubles)]
  for (i, network) in networks.enumerated() {
    let members = try train(
      network.layer, inputs: 1, data: [x, y], network.name, run.part(0.2 + 0.08 * Double(i)...0.28 + 0.08 * Double(i))
    ) { ($0 - $1).squared().mean() }
    let found = members.map { network.layer.apply(Variables(parameters: $0), x) }
    let all = found.map { ($0 - y).cast(to: .float64).squared().mean().doubles[0].squareRoot() }
    medians.append(all.median)
    rows.append([
      network.name, String(network.layer.parameterCount(for: [1, 1])), scientific(all.median), scientific(all.min()!),
      scientific(all.max()!),
    ])
    if i == 0 || i == 3 { curves.append(LineChart.Series(network.name, x: x.doubles, y: found[0].doubles)) }
  }
  // (c)
  let count = run.scaled(400, smoke: 20)
  var (spiral, labels) = ([Float](), [Float]())
  for arm in 0..<2 {
    for k in 0..<count {
      let t = 0.15 + 0.85 * Double(k) / Double(count)
      let angle = 3 * 2 * Double.pi * t + .pi * Double(arm)
      spiral += [Float(t * cos(angle)), Float(t * sin(angle))]
      labels.append(arm == 0 ? 1 : -1)
    }
  }
  let data = [Tensor(spiral, shape: [2 * count, 2]), Tensor(labels, shape: [2 * count, 1])]
  var spirals: [[String]] = []
  for (i, r) in [1, 2, 4, 8].enumerated() {
    let layer = RepeatedComposition.trainable(times: r)
    let members = try train(
      layer, inputs: 2, data: data, "spirals, r = \(r)", run.part(0.76 + 0.06 * Double(i)...0.82 + 0.06 * Double(i))
    ) { (-($0 * $1)).softplus().mean() }
    let shares = members.map { p -> Double in
      let found = layer.apply(Variables(parameters: p), data[0]) * data[1]
      return Double(found.floats.count { $0 > 0 }) / Double(2 * count)
    }
    spirals.append(["r = \(r)", formattedNumber(shares.median * 100, digits: 4)])
  }
  let isA = abs(slopes[0] + 1) <= 0.15 && abs(slopes[2] + 1) <= 0.15 && abs(planeSlope + 0.5) <= 0.15 && isRootBounded
  let isB = medians[3] <= 0.25 * medians[0]
  return Finding(
    isA && isB ? .reproduced : isA || isB ? .partly : .notReproduced,
    summary: """
      Slopes: sine \(formattedNumber(slopes[0], digits: 3)), piecewise linear \(formattedNumber(slopes[2], digits: 3)), plane \
      \(formattedNumber(planeSlope, digits: 3)) (root \(formattedNumber(slopes[1], digits: 3))). Trained: error at r = 8 is \
      \(formattedNumber(medians[3] / medians[0], digits: 3)) times that at r = 1, \
      \(formattedNumber(medians[3] / medians[5], digits: 3)) times that of four untied blocks.
      """,
    tables: [
      Finding.Table(
        "Constructed, largest error", columns: ["function"] + counts.map { "r = \($0)" } + ["slope"],
        rows: zip(functions, zip(errors, slopes)).map { function, found in
          [function.name] + found.0.map(scientific) + [formattedNumber(found.1, digits: 3)]
        }),
      Finding.Table(
        "Constructed in the plane, mean error", columns: sides.map { "K = \($0)" }, rows: [meanErrors.map(scientific)]),
      Finding.Table(
        "Trained, root mean squared error", columns: ["network", "numbers", "median", "best", "worst"], rows: rows),
      Finding.Table("Spirals: share right, %", columns: ["network", "median"], rows: spirals),
    ],
    figures: [
      LineChart(
        "Constructed networks", xTitle: "compositions", yTitle: "largest error",
        zip(functions, errors).map { LineChart.Series($0.name, x: counts.map(Double.init), y: $1) },
        xScale: .logarithmic,
        yScale: .logarithmic),
      LineChart("Trained networks", xTitle: "x", yTitle: "f", curves),
    ],
    remarks: [
      "The constructed network needs r bits of precision in each of two numbers: its capacity comes from digits, not from parameters.",
      "The construction is this library's, simpler than the authors', with the same rate.",
    ])
}

/// Another optimizer on gradients whose common norm is at most a limit.
private struct ClippedNorm: Optimizer {
  let optimizer: any Optimizer
  let limit: Double
  init(_ optimizer: any Optimizer, _ limit: Double) { (self.optimizer, self.limit) = (optimizer, limit) }
  func initialState(_ parameters: Parameters) -> OptimizerState { optimizer.initialState(parameters) }
  func update(
    _ parameters: Parameters, gradients: Parameters, state: OptimizerState, learningRate: Tensor
  ) -> (Parameters, OptimizerState) {
    let squares = gradients.leaves.map { $0.squared().sum() }
    let norm = squares.dropFirst().reduce(squares[0], +).sqrt()
    let factor = (limit / norm.maximum(1e-30)).minimum(1.0)
    return optimizer.update(
      parameters, gradients: gradients.map { $1 * factor }, state: state, learningRate: learningRate)
  }
}
