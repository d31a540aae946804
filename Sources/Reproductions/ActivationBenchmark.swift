import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Eighteen activations on four small tasks.
let activationBenchmark = Reproduction(
  "activation-benchmark", source: "Dubey, Singh & Chaudhuri 2022, arXiv 2109.14545",
  definition:
    "The survey's 18 activations, and ranks over tasks with Friedman's test and Nemenyi's critical difference.",
  interface: [
    "Activation", "PadeActivation", "AverageBiasedReLU", "ActivationProperties", "RankTest", "RankDiagram",
  ],
  claim: """
    No activation wins everywhere; smooth relatives of ReLU (Swish, Mish, GELU, ELU) tend to be best on images, saturating ones (sigmoid, \
    Elliott) train worst in deep networks, adaptive ones are competitive, and the choice depends on network and data.
    """,
  check: """
    T1 Fashion-MNIST, 4,000 images, 784-64×6-10, 4 epochs; T2 three convolutions with BatchNorm on 3,000 images, 2 epochs; T3 digits, \
    64-64-64-10, 20 epochs; T4 diabetes, 10-64-64-1, 60 epochs, R². Adam, batch 64, cosine, rates 3e-3 and 1e-3 by validation. With \
    --effort full also T5: the King James text, a GRU of 64 units and a read-out of two dense layers, 150 steps of AdamW at 3e-3.
    """,
  verdictRule: """
    Of four: (i) sigmoid and Elliott are the two worst of T1, or LiSHT one of the worst three; (ii) the best differs between at least \
    two tasks; (iii) Friedman rejects equality at 5 %; (iv) at least four of Swish, Mish, GELU, ELU, CELU, PDELU, PReLU, PAU, SRS rank \
    above ReLU on average. All: reproduced. Three: partly.
    """,
  seeds: 2, fullSeeds: 5
) { run in
  let candidates: [(name: String, layer: any Layer, activation: Activation?)] =
    try [
      ("sigmoid", Activation.sigmoid), ("tanh", .tanh), ("Elliott", .named("elliott")),
      ("ReLU", .relu),
      ("leaky ReLU", .leakyReLU), ("PReLU", .named("prelu").training(["a"], sharing: .perLayer)),
      ("ELU", .elu),
      ("SELU", .selu), ("GELU", .gelu), ("CELU", .named("celu")), ("softplus", .softplus),
      ("Swish", .swish()),
      ("LiSHT", .named("lisht")),
      ("SRS", .named("soft-root-sign(a=5)").training(["a", "b"], sharing: .perLayer)), ("Mish", .mish),
      ("PDELU", .named("pdelu").training(["a"], sharing: .perLayer)),
    ].map { (name: $0.0, layer: $0.1 as any Layer, activation: $0.1) } + [
      (name: "ABReLU", layer: AverageBiasedReLU(), activation: nil),
      (name: "PAU", layer: PadeActivation(), activation: nil),
    ]
  let isFull = run.effort == .full
  let count = run.scaled(4000, smoke: 128, full: 10_000)
  let (validation, test) = (run.scaled(1000, smoke: 64), run.scaled(10_000, smoke: 128))
  let flat = try fashionImages(count, validation: validation, test: test)
  let images = try fashionImages(run.scaled(3000, smoke: 128), validation: validation, test: test, isFlat: false)
  let digits = standardizedParts(Embedded.digits().flattened(), train: 1297, validation: 250)
  let diabetes = standardizedParts(Embedded.diabetes(), train: 300, validation: 70)

  func study(_ data: Split, epochs: Int) -> TrainingStudy {
    TrainingStudy(data, learningRates: [3e-3, 1e-3], epochs: run.scaled(epochs, smoke: 1), batch: 64)
  }
  let hidden = isFull ? Array(repeating: 128, count: 8) : Array(repeating: 64, count: 6)
  let more = run.isSmoke ? run : ReproductionRun(run, seeds: max(run.seeds, 3))
  let first = try study(flat, epochs: 4).run(
    candidates.map { .init($0.name, plainClassifier(hidden, $0.layer)) }, run.part(0...0.4))
  let second = try study(images, epochs: 2).run(
    candidates.map { .init($0.name, smallConvolutional($0.layer, isNormalized: true)) }, run.part(0.4...0.75))
  let third = try study(digits, epochs: 20).run(
    candidates.map { .init($0.name, plainClassifier([64, 64], $0.layer)) }, more.part(0.75...0.92))
  var regression = study(diabetes, epochs: 60)
  regression.loss = MeanSquaredError()
  regression.metric = nil
  var fourth = try regression.run(
    candidates.map { .init($0.name, plainClassifier([64, 64], outputs: 1, $0.layer)) }, more.part(0.92...1))
  // Targets have variance 1 on the training part: R² by the test part's own.
  let spread = testVariance(diabetes.test)
  for i in fourth.indices { fourth[i].test = fourth[i].test.map { 1 - $0 / spread } }
  // What scores a task, the greater the better, is shown by its own unit.
  struct Task {
    var name: String
    var unit: Double
    var scores: [(name: String, values: [Double])]
    var blocks: [[Double]] { scores[0].values.indices.map { seed in scores.map { $0.values[seed] } } }
    var best: String { scores.max { worse($0.values.mean, $1.values.mean) }!.name }
  }
  var tasks = [
    ("T1 MLP", first, 100.0), ("T2 CNN", second, 100), ("T3 digits", third, 100), ("T4 diabetes", fourth, 1),
  ]
  .map { name, outcomes, unit in Task(name: name, unit: unit, scores: outcomes.map { ($0.name, $0.test) }) }
  if run.effort != .standard {
    let study = CharacterStudy(steps: run.scaled(150, smoke: 1))
    let text = try study.run(
      candidates.map { candidate in
        CharacterStudy.Variant(name: candidate.name) { vocabulary, _ in
          Sequential([
            Embedding(vocabulary, width: 32), Recurrent(.gru, 64), Dense(64), candidate.layer, Dense(vocabulary),
          ])
        }
      }, run)
    tasks.append(Task(name: "T5 text, −nats", unit: 1, scores: text.map { ($0.name, $0.losses.map { -$0 }) }))
  }

  let scores = tasks.flatMap(\.blocks)
  let test4 = RankTest(scores: scores)
  let friedman = test4.friedman
  let ranks = Dictionary(uniqueKeysWithValues: zip(candidates.map(\.name), test4.meanRanks))
  let worst = first.sorted { worse($0.estimate.mean, $1.estimate.mean) }.map(\.name)
  let saturating = Set(worst.prefix(2)) == ["sigmoid", "Elliott"] || worst.prefix(3).contains("LiSHT")
  let winners = tasks.map(\.best)
  let differs = Set(winners).count > 1
  let rejects = friedman.pValue < 0.05
  let above = ["Swish", "Mish", "GELU", "ELU", "CELU", "PDELU", "PReLU", "PAU", "SRS"].filter {
    ranks[$0]! < ranks["ReLU"]!
  }
  let held = [saturating, differs, rejects, above.count >= 4].count { $0 }

  let ordered = candidates.map(\.name).sorted { ranks[$0]! < ranks[$1]! }
  let rankRows = ordered.map { name in
    [name, formattedNumber(ranks[name]!, digits: 3)]
      + tasks.map { task in
        let values = task.scores.first { $0.name == name }!.values
        return Estimate(of: values.filter(\.isFinite).map { $0 * task.unit }).formatted()
      }
  }
  let propertyRows = candidates.compactMap { candidate -> [String]? in
    guard let activation = candidate.activation, let p = ActivationProperties(activation) else { return nil }
    return [
      candidate.name,
      "\(formattedNumber(p.range.lowerBound, digits: 3)) … \(formattedNumber(p.range.upperBound, digits: 3))",
      p.monotonicity.rawValue, p.smoothness.rawValue, formattedNumber(p.lipschitzConstant, digits: 4),
      formattedNumber(p.mean, digits: 3), formattedNumber(p.secondMoment, digits: 3),
      formattedNumber(p.slopeMoment, digits: 3),
    ]
  }
  return Finding(
    held == 4 ? .reproduced : held == 3 ? .partly : .notReproduced,
    summary: """
      \(held) of 4 statements hold: saturating ones worst in T1 \(saturating ? "yes" : "no") (worst \(worst.prefix(3).joined(separator: ", "))); \
      best of the tasks \(winners.joined(separator: ", ")); Friedman p \(formattedNumber(friedman.pValue, digits: 2)); \(above.count) of 9 \
      smooth or adaptive ones rank above ReLU.
      """,
    measurements: [
      .init("Friedman χ²", friedman.statistic),
      .init("critical difference of mean ranks (5 %)", test4.nemenyiDifference, digits: 3),
      .init("above ReLU", above.joined(separator: ", ")),
    ],
    tables: [
      Finding.Table(
        "Mean ranks; accuracies in %, R² of T4", columns: ["activation", "mean rank"] + tasks.map(\.name),
        rows: rankRows),
      Finding.Table(
        "Computed properties, at the start values",
        columns: ["activation", "range", "monotone", "smoothness", "Lipschitz", "E f", "E f²", "E f′²"],
        rows: propertyRows),
    ],
    figures: [
      RankDiagram(
        "Mean ranks over \(scores.count) blocks", ordered.map { .init($0, rank: ranks[$0]!) },
        criticalDifference: test4.nemenyiDifference),
      ScatterPlot(
        "T1: accuracy against cost", xTitle: "seconds of training", yTitle: "test accuracy, %",
        first.enumerated().map { .init($1.name, x: $1.seconds, y: $1.estimate.mean * 100, series: $0) }),
    ],
    remarks: ["CELU at α = 1 is ELU; their results differ by rounding alone."])
}

private func worse(_ a: Double, _ b: Double) -> Bool { a.isNaN ? !b.isNaN : a < b }

/// Shuffled with a fixed seed, divided, standardized by the training part (targets too, if they are numbers).
func standardizedParts(_ data: LabeledData, train: Int, validation: Int) -> Split {
  var generator = SeededGenerator(seed: 73)
  let order = generator.permutation(data.count)
  let indices = SplitIndices(
    train: Array(order[..<train]), validation: Array(order[train..<train + validation]),
    test: Array(order[(train + validation)...]))
  let split = Split(data, indices).standardized().split
  return split.standardizingTargets()?.split ?? split
}

private func testVariance(_ data: LabeledData) -> Double {
  guard case .values(let values, _) = data.target else { return 1 }
  let numbers = values.map(Double.init)
  return numbers.reduce(0) { $0 + ($1 - numbers.mean) * ($1 - numbers.mean) } / Double(numbers.count)
}
