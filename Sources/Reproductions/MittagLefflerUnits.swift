import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Whether one form of Mittag-Leffler functions stands for the classical activations, and trains.
let mittagLefflerUnits = Reproduction(
  "mittag-leffler", source: "Mostafanejad 2023, arXiv 2302.11007",
  definition: "c h(x) E_{α₁,β₁}(f(x)) / E_{α₂,β₂}(g(x)); trained: x Γ(β) E_{α,β}(−e^{−kx}).",
  interface: ["MittagLeffler", "mittagLeffler(alpha:beta:_:)", "UnifiedActivation", "MittagLefflerGate"],
  claim: """
    One gated form of Mittag-Leffler functions represents the popular activations and interpolates between them; networks with it match \
    the built-in activations on several data sets, affordably.
    """,
  check: """
    (a) The largest error of each row against its closed form on [−5, 5]. (b) Fashion-MNIST, 10,000 images, 784-64-64-10, Adam, batch \
    128, 4 epochs, cosine, rate by validation: SiLU, the same as a Mittag-Leffler form, and trained; sigmoid and trained; tanh and as a \
    ratio. Time a step relative to the built-in.
    """,
  verdictRule: """
    Reproduced: (a) at most 1e-10, each fixed form within 0.1 point of the built-in and each trained form at most 0.3 point below. Partly: \
    (a), but a trained form loses up to 1 point. "Affordable": less than 3 × the time.
    """,
  seeds: 3
) { run in
  let closed: [(row: UnifiedActivation, f: @Sendable (Double) -> Double)] = [
    (.identity, { $0 }), (.sigmoid, { 1 / (1 + exp(-$0)) }), (.silu(), { $0 / (1 + exp(-$0)) }),
    (.gumbel, { exp(-exp(-$0)) }),
    (.tanh, { tanh($0) }), (.softsign, { $0 / (1 + abs($0)) }), (.elu, { $0 > 0 ? $0 : expm1($0) }),
    (.gaussian, { exp(-$0 * $0) }),
    (.gelu, { $0 / 2 * erfc(-$0 / 2.0.squareRoot()) }), (.mish, { $0 * tanh(log1p(exp($0))) }), (.cosine, { cos($0) }),
    (.growingCosine, { $0 * cos($0) }), (.sine, { sin($0) }),
  ]
  let x = (-500...500).map { Double($0) / 100 }
  let errors = closed.map { row, f in zip(row(Tensor(x)).doubles, x).map { abs($0 - f($1)) }.max()! }
  let isExact = errors.allSatisfy { $0 <= 1e-10 }

  let data = try fashionImages(
    run.scaled(10_000, smoke: 128), validation: run.scaled(2000, smoke: 128), test: run.scaled(10_000, smoke: 128))
  let gate = MittagLefflerGate()
  let variants: [(name: String, layer: any Layer)] = [
    ("SiLU", Activation.silu), ("SiLU as Mittag-Leffler", UnifiedActivation.silu()), ("trained gate", gate),
    ("sigmoid", Activation.sigmoid), ("trained sigmoid", MittagLefflerGate(isSigmoid: true)), ("tanh", Activation.tanh),
    ("tanh as ratio", UnifiedActivation.tanh),
  ]
  let outcomes = try TrainingStudy(data, learningRates: [3e-3, 1e-3], epochs: run.scaled(4, smoke: 1)).run(
    variants.map { .init($0.name, plainClassifier([64, 64], $0.layer)) }, run)
  func mean(_ name: String) -> Double { outcomes[name].estimate.mean * 100 }
  let fixed = [("SiLU as Mittag-Leffler", "SiLU"), ("tanh as ratio", "tanh")].map { mean($0.0) - mean($0.1) }
  let trained = [("trained gate", "SiLU"), ("trained sigmoid", "sigmoid")].map { mean($0.0) - mean($0.1) }
  let fixedHold = fixed.allSatisfy { abs($0) <= 0.1 }
  let loss = -(trained.min() ?? 0)
  let times = [
    ("SiLU as Mittag-Leffler", "SiLU"), ("trained gate", "SiLU"), ("trained sigmoid", "sigmoid"),
    ("tanh as ratio", "tanh"),
  ]
  .map { (name: $0.0, ratio: outcomes[$0.0].seconds / outcomes[$0.1].seconds) }
  func orders(_ name: String) -> String {
    guard let variables = outcomes[name].variables[0] else { return "–" }
    return variables.parameters.names.filter { $0.hasSuffix("/alpha") }.map {
      formattedNumber(MittagLefflerGate.order(ofStored: variables.parameters[$0]!).doubles[0], digits: 3)
    }.joined(separator: ", ")
  }

  let grid = (-120...120).map { Double($0) / 20 }
  let points = Tensor(grid)
  var curves = [0, 0.25, 0.5, 0.75, 1].map { alpha in
    LineChart.Series(
      "α = \(formattedNumber(alpha))", x: grid,
      y: gate(points, alpha: Tensor(alpha), beta: Tensor(1.0), slope: Tensor(1.0)).doubles)
  }
  if let variables = outcomes["trained gate"].variables[0] {
    for (i, layer) in [1, 3].enumerated() {
      guard let raw = variables.parameters["\(layer)/alpha"], let slope = variables.parameters["\(layer)/slope"] else {
        continue
      }
      curves.append(
        .init(
          "learned, layer \(i + 1)", x: grid,
          y: gate(
            points, alpha: MittagLefflerGate.order(ofStored: raw).cast(to: .float64), beta: Tensor(1.0),
            slope: slope.cast(to: .float64).softplus()
          ).doubles))
    }
  }
  let isAffordable = times.allSatisfy { $0.ratio < 3 }
  return Finding(
    isExact && fixedHold && loss <= 0.3 ? .reproduced : isExact && loss <= 1 ? .partly : .notReproduced,
    summary: """
      All \(closed.count) rows equal their closed forms to \(formattedNumber(errors.max()!, digits: 2)). SiLU \(formattedNumber(mean("SiLU"))) \
      %, as Mittag-Leffler \(formattedNumber(mean("SiLU as Mittag-Leffler"))) %, trained \(formattedNumber(mean("trained gate"))) %; sigmoid \
      \(formattedNumber(mean("sigmoid"))) %, trained \(formattedNumber(mean("trained sigmoid"))) %. \(isAffordable ? "Affordable" : "Not affordable"): \
      up to \(formattedNumber(times.map(\.ratio).max()!, digits: 2)) × the built-in's time.
      """,
    measurements: times.map { .init("time relative to the built-in, \($0.name)", $0.ratio, digits: 2) } + [
      .init("learned α by layer, gate", orders("trained gate")),
      .init("learned α by layer, sigmoid", orders("trained sigmoid")),
    ],
    tables: [
      Finding.Table(
        "Largest error on [−5, 5]", columns: ["row", "error"],
        rows: zip(closed, errors).map { [$0.row.name, formattedNumber($1, digits: 2)] }),
      outcomes.table("Fashion-MNIST: test accuracy, %", score: "accuracy", factor: 100),
    ],
    figures: [
      LineChart("Gates between SiLU (α = 0) and Gumbel (α = 1)", xTitle: "x", yTitle: "f(x)", curves),
      outcomes.scorePlot("Fashion-MNIST", "test accuracy, %", factor: 100, reference: "SiLU"),
    ],
    remarks: ["Forms are evaluated in double precision also for float32 inputs, which is part of their time."])
}
