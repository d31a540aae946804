import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports
import SomaSearch

/// Layers that normalize and activate at once, against the usual pairs.
let evolvedNormalization = Reproduction(
  "evonorm", source: "Liu, Brock, Simonyan & Le 2020, arXiv 2004.02967",
  definition:
    "B0: x / max(√(s²_b + ε), v₁x + √(s²_i + ε)) γ + β; S0: x σ(v₁x) / √(s²_g + ε) γ + β; and four relatives.",
  interface: [
    "EvoNorm", "NormActivation", "NormActivationGraph", "NormActivationSearchSpace", "StabilityFilter", "QualityFilter",
    "AgingEvolution", "paretoFront",
  ],
  claim:
    "EvoNorms outperform layers of batch or group normalization and an activation on ResNets, MobileNets and EfficientNets, and transfer to other tasks.",
  check: """
    Fashion-MNIST, 5,000 training and 1,000 validation images: convolutions 3×3 without bias of 8 (stride 2), 16, 16 (stride 2), 32 \
    channels, each followed by the layer, global average, dense; SGD with momentum 0.9, weight decay 5e-4, cosine, batch 64, 6 epochs, rate \
    from {0.1, 0.03} by validation, 3 seeds, 4 groups. BN-ReLU, GN-ReLU, B0, B1, S0, S1; with --effort full also BN-SiLU, GN-SiLU, B2, S2. Then one \
    epoch at batch 4, one seed. Beside it a search of 60 candidates with the rejection tests.
    """,
  verdictRule: """
    Reproduced: the best B is at or above BN-ReLU and the best S at or above GN-ReLU, both with p < 0.05. Partly: one of them. Else not.
    """,
  seeds: 3
) { run in
  let data = try fashionImages(
    run.scaled(5000, smoke: 128, full: 10_000), validation: run.scaled(1000, smoke: 64),
    test: run.scaled(10_000, smoke: 64),
    isFlat: false)
  func network(_ layer: any Layer) -> Sequential {
    Sequential(
      [(8, 2), (16, 1), (16, 2), (32, 1)].flatMap { channels, stride -> [any Layer] in
        [Convolution.square(channels, 3, stride: stride, usesBias: false), layer]
      } + [GlobalPool(), Dense(10)])
  }
  let swish = Activation.silu
  var layers: [(name: String, layer: any Layer)] = [
    ("BN-ReLU", NormActivation.batchNorm(.relu)), ("GN-ReLU", NormActivation.groupNorm(.relu, groups: 4)),
    ("B0", EvoNorm(.b0, groups: 4)), ("B1", EvoNorm(.b1, groups: 4)), ("S0", EvoNorm(.s0, groups: 4)),
    ("S1", EvoNorm(.s1, groups: 4)),
  ]
  if run.effort == .full {
    layers += [
      ("BN-SiLU", NormActivation.batchNorm(swish)), ("GN-SiLU", NormActivation.groupNorm(swish, groups: 4)),
      ("B2", EvoNorm(.b2, groups: 4)), ("S2", EvoNorm(.s2, groups: 4)),
    ]
  }
  var study = TrainingStudy(data, learningRates: [0.1, 0.03], epochs: run.scaled(6, smoke: 1), batch: 64)
  study.optimizer = SGD(momentum: 0.9, weightDecay: 5e-4)
  let outcomes = try study.run(layers.map { .init($0.name, network($0.layer)) }, run.part(0...0.75))

  // Small batches.
  var small = study
  small.batch = 4
  small.epochs = 1
  small.learningRates = [0.1, 0.03, 0.01]
  let smallRun = ReproductionRun(effort: run.effort, seeds: 1) { fraction, text in
    try run.report(0.75 + 0.15 * fraction, "batch 4, " + text)
  }
  let atFour = try small.run(layers.map { .init($0.name, network($0.layer)) }, smallRun)

  let search = try searched(data, run.part(0.9...1))
  func best(_ names: [String]) -> String {
    names.filter { name in outcomes.contains { $0.name == name } }.max {
      outcomes[$0].estimate.mean < outcomes[$1].estimate.mean
    }!
  }
  let (b, s) = (best(["B0", "B1", "B2"]), best(["S0", "S1", "S2"]))
  let gains = [outcomes.difference(b, "BN-ReLU"), outcomes.difference(s, "GN-ReLU")]
  let wins = gains.map { $0.map { $0.mean >= 0 && $0.pValue < 0.05 } ?? false }
  let verdict: Verdict = wins == [true, true] ? .reproduced : wins.contains(true) ? .partly : .notReproduced
  func text(_ gain: (mean: Double, pValue: Double)?) -> String {
    gain.map { "\(formattedNumber($0.mean * 100, digits: 3)) points (p \(formattedNumber($0.pValue, digits: 2)))" }
      ?? "–"
  }
  // The response to a fixed batch, along one channel.
  let x = (0...120).map { -3 + Double($0) / 20 }
  let responses = EvoNorm.Kind.allCases.map { kind -> LineChart.Series in
    let image = Tensor(x, shape: [1, 1, 1, x.count])
    let layer = EvoNorm(kind, groups: 1)
    let start = layer.initialized(for: TensorType(shape: image.shape, dtype: .float64), key: Key(0))
    return .init(kind.rawValue.uppercased(), x: x, y: layer.apply(start, image).doubles)
  }
  return Finding(
    verdict,
    summary: "Best B (\(b)) against BN-ReLU: \(text(gains[0])); best S (\(s)) against GN-ReLU: \(text(gains[1])).",
    measurements: search.measurements,
    tables: [
      outcomes.table("Batch 64: test accuracy, %", score: "accuracy", factor: 100, baseline: "BN-ReLU"),
      .init(
        "One epoch of all training images at batch 4, one seed: test accuracy, %", columns: ["layer", "accuracy"],
        rows: atFour.map { [$0.name, formattedNumber(($0.test.first ?? .nan) * 100, digits: 4)] }),
    ],
    figures: [
      outcomes.scorePlot("Batch 64", "test accuracy, %", factor: 100),
      LineChart(
        "Accuracy against batch size", xTitle: "batch", yTitle: "test accuracy, %",
        layers.map { layer in
          .init(
            layer.name, x: [4, 64],
            y: [(atFour[layer.name].test.first ?? .nan) * 100, outcomes[layer.name].estimate.mean * 100])
        }, xScale: .logarithmic),
      LineChart("Response, values -3 … 3 in one channel, running variance 1", xTitle: "x", yTitle: "y", responses),
      search.figure,
    ],
    remarks: [
      "Four small convolutions and six epochs are far from the networks of the publication, whose layers win after long training.",
      "The embedded search trains on 256 images and only shows that it runs; it is not the publication's search.",
    ])
}

/// A small evolution of norm-activation layers with both rejection tests.
private func searched(_ data: Split, _ run: ReproductionRun) throws -> (
  measurements: [Finding.Measured], figure: any Plot
) {
  let space = NormActivationSearchSpace(groups: 4)
  let few = data.train.subset(Array(0..<min(data.train.count, 256)))
  let judged = data.validation.subset(Array(0..<min(data.validation.count, 256)))
  func anchor(_ layer: any Layer, _ widths: [Int]) -> Sequential {
    Sequential(
      widths.flatMap { [Convolution.square($0, 3, stride: 2, usesBias: false), layer] as [any Layer] }
        + [GlobalPool(), Dense(10)])
  }
  var (tried, unstable, weak) = (0, 0, 0)
  let steps = run.scaled(40, smoke: 2)
  func score(_ graph: NormActivationGraph) throws -> [Double]? {
    tried += 1
    try run.report(min(1, Double(tried) / 60), "search, candidate \(tried)")
    var accuracies: [Double] = []
    for widths in [[8, 8], [4, 8, 8]] {
      let trainer = Trainer(
        anchor(graph, widths), loss: CrossEntropy(), optimizer: SGD(momentum: 0.9), schedule: .constant(0.1),
        metrics: [.accuracy], seed: 1)
      do {
        try trainer.fit(DataLoader(few, batchSize: 32, seed: 1, dropsLast: true, prefetch: 0), for: .steps(steps))
        let found = try trainer.evaluate(DataLoader(judged, batchSize: 256, prefetch: 0)).metrics["accuracy"] ?? 0
        accuracies.append(found.isFinite ? found : 0)
      } catch is NonFiniteLoss {
        unstable += 1
        return nil
      }
    }
    guard QualityFilter(threshold: run.isSmoke ? 0 : 0.2).accepts(accuracies) else {
      weak += 1
      return nil
    }
    let net = anchor(graph, [8, 8])
    let x = few.subset(Array(0..<16)).features
    let labels = few.subset(Array(0..<16)).targets
    guard
      StabilityFilter(steps: run.scaled(20, smoke: 1)).accepts(
        net, net.initialized(for: x.shape, key: Key(0)), x, loss: { CrossEntropy()($0, labels) })
    else {
      unstable += 1
      return nil
    }
    return accuracies
  }
  var evolution = AgingEvolution<NormActivationGraph>(
    populationSize: run.scaled(6, smoke: 2), tournamentShare: 0.5, seed: 51)
  // Random graphs rarely learn at all: the known layers and mutants of them begin.
  let seeds: [NormActivationGraph] = [.evoNormS0(groups: 4), .groupNormReLU(groups: 4), .batchNormReLU(), .evoNormB0()]
  var next = 0
  try evolution.begin(
    { generator in
      next += 1
      let known = seeds[(next - 1) % seeds.count]
      return next <= seeds.count ? known : space.mutated(known, &generator)
    }, score)
  var best: [Double] = []
  while tried < run.scaled(40, smoke: 3) {
    try evolution.step(attempts: 4, { space.mutated($0, &$1) }, score)
    best.append(evolution.history.map { $0.scores.reduce(0, +) / Double($0.scores.count) }.max()!)
  }
  return (
    [
      .init("search: candidates, refused as weak, refused as unstable", "\(tried), \(weak), \(unstable)"),
      .init("search: best mean accuracy of both anchors, %", (best.last ?? .nan) * 100),
    ],
    LineChart(
      "Search: best mean accuracy of two anchors", xTitle: "child", yTitle: "validation accuracy",
      [.init("best so far", x: best.indices.map { Double($0 + 1) }, y: best)])
  )
}
