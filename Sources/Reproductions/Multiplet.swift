import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Generalized means in place of neurons: exclusive or, products, power series.
let multiplet = Reproduction(
  "multiplet", source: "An Informal Introduction to Multiplet Neural Networks (abstract); Lehmer 1971, Gini 1938",
  definition:
    "Lehmer means Σ w xᵖ / Σ w xᵖ⁻¹ and Gini means (Σ w xʳ / Σ w xˢ)^{1/(r-s)} of positive inputs, several exponents for the same weights, all fed forward.",
  interface: [
    "LehmerMean", "GiniMean", "MultipletLayer", "LehmerPool2d", "LogLinearHead", "PowerSeriesHead",
    "PowerSeriesQuotient", "PositiveRange", "MultipletLayer.slopeScores", "MultipletLayer.learningRateFactors",
  ],
  claim:
    "Multiplets emulate exclusive or in two layers, perform some multiplication and division, instantiate truncated power series, and admit a learning rate by homogeneity.",
  check: """
    (a) Exclusive or in the coding 0.1/0.9: 4 units with exponents -2, 0, 1, 3, then one Lehmer unit with a trained exponent (from \
    0), constants 0.02 and 2 in both layers; Adam 0.05, 800 full-batch steps, 200 restarts in one graph; without constants, and \
    with arithmetic means only in the first layer. (b) x₁x₂ and x₁/x₂ on [0.2, 2]², 256 points, relative squared error, 2,000 steps, \
    against a tanh network of equal parameters; tested there and on [2, 4]². (c) eˣ on [0.05, 1] by a power series of degree 6, \
    coefficients by least squares.
    """,
  verdictRule: """
    (a) at least 95 % of restarts right with constants and none without; (b) mean relative error below 1 % inside and 5 % outside, \
    both operations; (c) largest error below 1e-4. Reproduced: all; partly: two; else not.
    """,
  seeds: 5
) { run in
  let constants = [0.02, 2]
  func network(_ constants: [Double], _ exponents: [Double]) -> Sequential {
    Sequential([
      MultipletLayer(units: 4, exponents: exponents, constants: constants),
      MultipletLayer(units: 1, exponents: [0], constants: constants, trainsExponents: true),
    ])
  }
  let x = Tensor(BooleanFunction.xor.rows(low: 0.1, high: 0.9)).cast(to: .float32)
  let y = Tensor(BooleanFunction.xor.values.map { 0.1 + 0.8 * Float($0) }, shape: [4, 1])
  let restarts = run.scaled(200, smoke: 8)
  let steps = run.scaled(800, smoke: 20)
  let variants: [(name: String, network: Sequential)] = [
    ("multiplet with constants", network(constants, [-2, 0, 1, 3])),
    ("without constants", network([], [-2, 0, 1, 3])),
    ("arithmetic means first", network(constants, [1])),
  ]
  var (success, best) = ([Double](), [Double]())
  var (corners, exponents) = ([[Double]](), [Double]())
  for (i, variant) in variants.enumerated() {
    let (members, _) = try trainTogether(
      variant.network, starts(variant.network, for: [4, 2], seeds: 0..<restarts), rates: [0.05], steps: steps, x: x,
      y: y, run.part((Double(i) * 0.2)...(Double(i + 1) * 0.2)), "exclusive or, \(variant.name)")
    let results = outputs(variant.network, members, x).map(\.doubles)
    let right = results.map { zip($0, y.doubles).allSatisfy { ($0 > 0.5) == ($1 > 0.5) } }
    success.append(Double(right.filter { $0 }.count) / Double(restarts))
    let losses = results.map { zip($0, y.doubles).map { ($0 - $1) * ($0 - $1) }.mean }
    best.append(losses.filter(\.isFinite).min() ?? .nan)
    if i == 0 {
      corners = results
      exponents = members.compactMap { $0["1/exponent"]?.doubles[0] }.filter(\.isFinite)
    }
  }

  // (b)
  let power = Sequential([MultipletLayer(units: 4, constants: []), LogLinearHead(outputs: 1)])
  let rival = MLP(hidden: [6], outputs: 1, activation: .tanh)
  let inside = Tensor.uniform([256, 2], low: 0.2, high: 2, key: Key(11))
  let fresh = Tensor.uniform([1024, 2], low: 0.2, high: 2, key: Key(12))
  let outside = Tensor.uniform([1024, 2], low: 2, high: 4, key: Key(13))
  let operations: [(name: String, f: (Tensor, Tensor) -> Tensor)] = [("x₁ x₂", { $0 * $1 }), ("x₁ / x₂", { $0 / $1 })]
  func target(_ x: Tensor, _ f: (Tensor, Tensor) -> Tensor) -> Tensor { f(x[.all, 0..<1], x[.all, 1..<2]) }
  var rows: [[String]] = []
  var isExact = true
  for (i, operation) in operations.enumerated() {
    for (j, entry) in [("multiplet", power as any Layer), ("tanh network", rival)].enumerated() {
      let place = 0.6 + 0.1 * Double(2 * i + j)
      let (members, _) = try trainTogether(
        entry.1, starts(entry.1, for: [256, 2], seeds: 0..<run.seeds), rates: [0.02],
        steps: run.scaled(2000, smoke: 20), x: inside, y: target(inside, operation.f), decays: true,
        run.part(place...(place + 0.1)), "\(operation.name), \(entry.0)"
      ) { ($0 / $1 - 1).squared().mean() }
      func error(_ points: Tensor) -> [Double] {
        let wanted = target(points, operation.f)
        return outputs(entry.1, members, points).map { ($0 / wanted - 1).abs().mean().scalar * 100 }
      }
      let (a, b) = (Estimate(of: error(fresh)), Estimate(of: error(outside)))
      if j == 0, !(a.mean < 1 && b.mean < 5) { isExact = false }
      rows.append([
        operation.name, entry.0, String(entry.1.parameterCount(for: [1, 2])), a.formatted(digits: 3),
        b.formatted(digits: 3),
      ])
    }
  }

  // (c) a power series of one input has the moments xᵏ.
  let grid = Tensor.linspace(0.05, 1, count: 200, dtype: .float64)
  let design = Tensor.stack((0...6).map { grid.power($0) }, axis: 1)
  let coefficients = design.leastSquares(grid.exp())
  let head = PowerSeriesHead(outputs: 1, degree: 6)
  let fitted = head.apply(
    Variables(
      parameters: Parameters([
        ("weight", Tensor.zeros([1, 1], dtype: .float64)), ("coefficient", coefficients.reshape([7, 1])),
      ])), Tensor.linspace(0.05, 1, count: 999, dtype: .float64).reshape([999, 1]))
  let seriesError = (fitted.flattened() - Tensor.linspace(0.05, 1, count: 999, dtype: .float64).exp()).abs().max()
    .scalar

  let parts = [success[0] >= 0.95 && success[1] == 0, isExact, seriesError < 1e-4]
  let count = parts.filter { $0 }.count
  let percent = success.map { formattedNumber($0 * 100, digits: 3) }
  let names = ["(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)"]
  return Finding(
    count == 3 ? .reproduced : count == 2 ? .partly : .notReproduced,
    summary: """
      Exclusive or: \(percent[0]) % of \(restarts) restarts with constants, \(percent[1]) % without, \(percent[2]) % with arithmetic \
      means only in the first layer; products and quotients \(isExact ? "within" : "not within") the limits; eˣ to \
      \(formattedNumber(seriesError, digits: 2)).
      """,
    measurements: variants.indices.map {
      .init(
        "exclusive or, \(variants[$0].name): success, best loss",
        "\(percent[$0]) %, \(formattedNumber(best[$0], digits: 3))")
    } + [.init("largest error of the power series of degree 6 for eˣ", seriesError, digits: 3)],
    tables: [
      .init(
        "Products and quotients: mean relative error, %",
        columns: ["operation", "network", "parameters", "inside [0.2, 2]²", "outside [2, 4]²"], rows: rows)
    ],
    figures: [
      IntervalPlot(
        "Exclusive or: restarts that succeed", xTitle: "%",
        variants.indices.map { i in
          let range = wilsonInterval(successes: Int((success[i] * Double(restarts)).rounded()), of: restarts)
          return .init(
            variants[i].name, success[i] * 100, interval: (range.lowerBound * 100)...(range.upperBound * 100), series: i
          )
        }),
      LineChart(
        "Outputs at the corners, first 12 restarts", xTitle: "corner (00, 01, 10, 11)", yTitle: "output",
        corners.prefix(12).enumerated().map { .init("restart \($0)", x: [0, 1, 2, 3], y: $1) }),
      Histogram("Learned exponent of the last unit", xTitle: "p", exponents.map { min(max($0, -20), 20) }),
      HeatMap(
        "Mean output over restarts", xTitle: "corner", yTitle: "", rows: ["target", "output"], columns: names,
        values: [y.doubles, (0..<4).map { k in corners.map { $0[k] }.filter(\.isFinite).mean }]),
    ],
    remarks: [
      "Without constants a stack of means keeps equal inputs equal, so exclusive or in this coding is impossible: the control shows the theorem.",
      "Products and quotients use no constants: L₀ L₁ of two equal weights is the product exactly.",
      "Near r = s the Gini mean changes by ½ Var(log x) G per unit of r: at the specification's test point 1.2e-6 for 1e-5, slightly above the 1e-6 it states.",
    ])
}
