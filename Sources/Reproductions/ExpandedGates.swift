import Soma
import SomaExperiments
import SomaNetworks
import SomaReports

/// Self-gated activations with a wider gate, in a small transformer.
let expandedGates = Reproduction(
  "expanded-gates", source: "Huang 2024, arXiv 2405.20768",
  definition: "x (g(x)(1 + 2α) - α): the gate g widened from (0, 1) to (-α, 1 + α) by one trained α for each block.",
  interface: [
    "Activation.expanded(_:)", "Activation.atlu", "Activation.xatlu", "Activation.xgelu", "Activation.xsilu",
    "SelfGate",
    "GatedFeedForward(hidden:gate:order:isExpanded:)",
  ],
  claim:
    "xATLU, xGELU and xSiLU are better than GELU and SiLU in a transformer; expanded ranges also improve first-order gated linear units.",
  check: """
    Character transformer on the King James text: width 64, 2 blocks, 4 heads, context 64, 256 units (gated: 170), AdamW 3e-3 \
    (decay 0.01, not on α), batch 32, 150 steps, warm-up 20, cosine, norm clipped to 1; identical seeds and batches, so that \
    expanded and plain forms can be paired. The score is the loss on the last 60,000 characters.
    """,
  verdictRule: """
    Reproduced: the mean paired difference is negative with one-sided p < 0.05 for xGELU and xSiLU, xATLU is within 0.005 nats of \
    the best plain form, and xGLU is not above GLU. Partly: negative for at least three of the four pairs.
    """,
  seeds: 4, fullSeeds: 8
) { run in
  var study = CharacterStudy(steps: run.scaled(150, smoke: 2, full: 600))
  study.clipping = 1
  study.tracked = "range"
  let gated = { (name: String, gate: Activation) in
    CharacterStudy.Variant(name: name, activation: gate, isGated: true, hidden: 170)
  }
  var pairs: [(plain: CharacterStudy.Variant, wide: CharacterStudy.Variant)] = [
    (.init(name: "GELU", activation: .gelu), .init(name: "xGELU", activation: .xgelu)),
    (.init(name: "SiLU", activation: .silu), .init(name: "xSiLU", activation: .xsilu)),
    (.init(name: "ATLU", activation: .atlu), .init(name: "xATLU", activation: .xatlu)),
    (gated("GLU", .gate(.sigmoid)), gated("xGLU", .gate(.sigmoid, isTrained: true))),
  ]
  var others: [CharacterStudy.Variant] = []
  if run.effort == .full {
    pairs.append((gated("SwiGLU", .silu), gated("xSwiGLU", .xsilu)))
    others = [.init(name: "ReLU", activation: .relu)]
  }
  let outcomes = try study.run(pairs.flatMap { [$0.plain, $0.wide] } + others, run)
  func losses(_ name: String) -> [Double] { outcomes.first { $0.name == name }!.losses }

  var rows: [[String]] = []
  var points: [IntervalPlot.Row] = []
  var gains: [String: (mean: Double, oneSided: Double)] = [:]
  for pair in pairs {
    let (plain, wide) = (losses(pair.plain.name), losses(pair.wide.name))
    let differences = zip(wide, plain).map { $0 - $1 }
    let estimate = Estimate(of: differences)
    // Below zero is better: half the two-sided value on that side.
    let oneSided = pairedTTest(wide, plain).map { $0.statistic < 0 ? $0.pValue / 2 : 1 - $0.pValue / 2 } ?? .nan
    gains[pair.wide.name] = (estimate.mean, oneSided)
    points.append(.init("\(pair.wide.name) − \(pair.plain.name)", estimate.mean, interval: estimate.interval))
    rows.append([
      "\(pair.wide.name) − \(pair.plain.name)", formattedNumber(plain.mean, decimals: 4),
      formattedNumber(wide.mean, decimals: 4),
      formattedNumber(estimate.mean, decimals: 4), formattedNumber(oneSided, digits: 2),
    ])
  }
  let bestPlain = pairs.prefix(3).map { losses($0.plain.name).mean }.min()!
  let main = ["xGELU", "xSiLU", "xATLU", "xGLU"]
  let negative = main.count { gains[$0]!.mean < 0 }
  let isReproduced =
    ["xGELU", "xSiLU"].allSatisfy { gains[$0]!.mean < 0 && gains[$0]!.oneSided < 0.05 }
    && losses("xATLU").mean <= bestPlain + 0.005 && gains["xGLU"]!.mean <= 0
  let tracks = outcomes.filter { main.contains($0.name) }.flatMap { outcome in
    outcome.tracks.sorted { $0.key < $1.key }.enumerated().map { block, track in
      LineChart.Series(
        "\(outcome.name), block \(block + 1)", x: track.value.indices.map { Double($0 + 1) * 10 }, y: track.value)
    }
  }
  let x = (-80...80).map { Double($0) / 20 }
  let curves = SelfGate.allCases.map { gate in
    LineChart.Series(
      gate.rawValue, x: x, y: Activation.gate(gate, expandedBy: 0.1)(Tensor(x)).doubles)
  }
  return Finding(
    isReproduced ? .reproduced : negative >= 3 ? .partly : .notReproduced,
    summary: """
      The expanded form was better for \(negative) of 4 pairs; xGELU by \(formattedNumber(-gains["xGELU"]!.mean, decimals: 4)) nats \
      (one-sided p \(formattedNumber(gains["xGELU"]!.oneSided, digits: 2))), xSiLU by \
      \(formattedNumber(-gains["xSiLU"]!.mean, decimals: 4)) (p \(formattedNumber(gains["xSiLU"]!.oneSided, digits: 2))).
      """,
    measurements: outcomes.map { .init("loss, \($0.name)", Estimate(of: $0.losses), digits: 5) },
    tables: [
      Finding.Table(
        "Paired differences of the loss (nats), expanded minus plain",
        columns: ["pair", "plain", "expanded", "difference", "one-sided p"], rows: rows)
    ],
    figures: [
      IntervalPlot("Expanded minus plain", xTitle: "difference of the loss, nats", points, reference: 0),
      LineChart("α over training, first seed", xTitle: "step", yTitle: "α", tracks),
      LineChart("Gates at α = 0.1", xTitle: "x", yTitle: "g(x)(1 + 2α) − α", curves),
    ],
    remarks: ["The effects are of the order of a thousandth of a nat: only paired runs can show them."])
}
