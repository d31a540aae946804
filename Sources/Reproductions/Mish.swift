import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Mish in deep plain networks.
let mish = Reproduction(
  "mish", source: "Misra 2019, arXiv 1908.08681", definition: "x tanh(ln(1 + eˣ))", interface: ["Activation.mish"],
  claim: """
    Mish is better than ReLU, leaky ReLU and Swish in most pairs of benchmark and architecture, and keeps its accuracy as networks \
    get deeper.
    """,
  check: """
    Fashion-MNIST, 5,000 training and 1,000 validation images, the official test part; plain networks of 5, 15 and 25 hidden layers \
    of 64 units, each Dense, BatchNorm, activation; Adam, batch 64, 3 epochs, cosine, rate by validation. And 8 layers of 128 \
    without normalization on 10,000 images, 5 epochs.
    """,
  verdictRule: """
    Reproduced: with BatchNorm, Mish's mean is highest or within the best's 95 % interval at 15 and 25 layers, beats ReLU and leaky \
    ReLU (p < 0.05) at both, and is not below ReLU without normalization. Partly: better than ReLU at both depths.
    """,
  seeds: 3
) { run in
  var activations: [(name: String, activation: Activation)] = [
    ("relu", .relu), ("leaky relu", .leakyReLU), ("swish", .silu), ("gelu", .gelu), ("mish", .mish),
  ]
  if run.effort == .full { activations.append(("elu", .elu)) }
  let test = run.scaled(10_000, smoke: 128)
  let small = try fashionImages(run.scaled(5000, smoke: 128), validation: run.scaled(1000, smoke: 64), test: test)
  let large = try fashionImages(run.scaled(10_000, smoke: 128), validation: run.scaled(2000, smoke: 64), test: test)
  let depths = run.isSmoke ? [5] : [5, 15, 25]

  func deep(_ depth: Int, _ activation: Activation, isNormalized: Bool) -> Sequential {
    var layers: [any Layer] = []
    for _ in 0..<depth {
      layers.append(Dense(64, initializer: .heNormal))
      if isNormalized { layers.append(BatchNorm()) }
      layers.append(activation)
    }
    return Sequential(layers + [Dense(10, initializer: .heNormal)])
  }
  // A network's share of the time is about its depth's.
  let normalizations = run.effort == .full ? [true, false] : [true]
  var sweeps: [Bool: [[TrainingStudy.Outcome]]] = [:]
  var done = 0.0
  let share = 0.8 / Double(depths.reduce(0, +) * normalizations.count)
  for isNormalized in normalizations {
    for depth in depths {
      let study = TrainingStudy(small, learningRates: [1e-3, 3e-3], epochs: run.scaled(3, smoke: 1), batch: 64)
      let next = done + share * Double(depth)
      sweeps[isNormalized, default: []].append(
        try study.run(
          activations.map { .init($0.name, deep(depth, $0.activation, isNormalized: isNormalized)) },
          run.part(done...next)))
      done = next
    }
  }
  let plainStudy = TrainingStudy(large, learningRates: [3e-3, 1e-3], epochs: run.scaled(5, smoke: 1))
  let plain = try plainStudy.run(
    activations.map { .init($0.name, plainClassifier(Array(repeating: 128, count: 8), $0.activation)) },
    run.part(done...1))

  let normalized = sweeps[true]!
  let deepOnes = Array(normalized.dropFirst(run.isSmoke ? 0 : 1))
  let isNearBest = deepOnes.allSatisfy { outcomes in
    let best = outcomes.max { $0.estimate.mean < $1.estimate.mean }!.estimate
    return outcomes["mish"].estimate.mean >= best.mean - (best.halfWidth ?? 0)
  }
  func beats(_ rival: String, isTested: Bool) -> Bool {
    deepOnes.allSatisfy { outcomes in
      guard let test = outcomes.difference("mish", rival) else { return false }
      return test.mean > 0 && (!isTested || test.pValue < 0.05)
    }
  }
  let isAboveReLU = plain["mish"].estimate.mean >= plain["relu"].estimate.mean
  let verdict: Verdict =
    isNearBest && beats("relu", isTested: true) && beats("leaky relu", isTested: true) && isAboveReLU
    ? .reproduced : beats("relu", isTested: false) ? .partly : .notReproduced

  let series = activations.map { entry -> LineChart.Series in
    let estimates = normalized.map { $0[entry.name].estimate }
    return LineChart.Series(
      entry.name, x: depths.map(Double.init), y: estimates.map { $0.mean * 100 },
      low: estimates.map { ($0.low ?? $0.mean) * 100 }, high: estimates.map { ($0.high ?? $0.mean) * 100 })
  }
  let chart = LineChart(
    "Accuracy against depth, with BatchNorm", xTitle: "hidden layers", yTitle: "test accuracy, %", series)
  let surfaces = ["relu", "mish"].compactMap { name in
    normalized.last![name].variables[0].map { variables in
      lossPicture(
        name == "relu" ? "ReLU" : "Mish",
        deep(depths.last!, activations.first { $0.name == name }!.activation, isNormalized: true), variables,
        small.train, samples: 512, points: run.scaled(13, smoke: 3), radius: 0.5)
    }
  }
  let last = normalized.last!
  var tables = zip(depths, normalized).map { depth, outcomes in
    outcomes.table("\(depth) layers with BatchNorm: test accuracy, %", score: "accuracy", factor: 100, baseline: "mish")
  }
  for (depth, outcomes) in zip(depths, sweeps[false] ?? []) {
    tables.append(
      outcomes.table(
        "\(depth) layers without BatchNorm: test accuracy, %", score: "accuracy", factor: 100, baseline: "mish"))
  }
  tables.append(
    plain.table("8 × 128 without normalization: test accuracy, %", score: "accuracy", factor: 100, baseline: "mish"))
  return Finding(
    verdict,
    summary: """
      At \(depths.last!) layers with BatchNorm: Mish \(formattedNumber(last["mish"].estimate.mean * 100)) %, Swish \
      \(formattedNumber(last["swish"].estimate.mean * 100)) %, GELU \(formattedNumber(last["gelu"].estimate.mean * 100)) %, ReLU \
      \(formattedNumber(last["relu"].estimate.mean * 100)) %, leaky ReLU \
      \(formattedNumber(last["leaky relu"].estimate.mean * 100)) %.
      """,
    tables: tables, figures: [chart] + surfaces)
}
