import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// How sparsely language models of different activations work.
let squaredReLU = Reproduction(
  "relu2", source: "Zhang et al. 2024, arXiv 2402.03804",
  definition:
    "max(0, x)²; a neuron is inactive for a token if |hᵢ| |W_out[i]| is below a threshold, the largest with |Σ inactive| / |output| at most a given mean.",
  interface: [
    "SparseFeedForward", "SparseExecution", "SparsityReading", "SparsityReading.threshold", "ActivityPredictor",
    "Scope.observe",
  ],
  claim:
    "Language models without ReLU are sparse too; ReLU² has the best trade-off of sparsity and performance, the best predictability, and the best hardware affinity.",
  check: """
    Character transformer on the King James text (first 1.5 million characters, the last 60,000 to validate): width 64, 2 blocks, 4 heads, \
    context 64, feed-forward 256 units (170 gated); ReLU, ReLU², GELU, SwiGLU, ReGLU; AdamW, batch 32, 300 steps, warm-up 20, cosine, clipping at \
    1, 2 seeds; rate from {1.5e-3, 3e-3, 6e-3} by a 100-step run. Sparsity at errors 0.05, 0.1, 0.2, loss after truncation, a predictor of \
    activity (128 hidden units, 300 steps), reuse between neighbours, co-activation.
    """,
  verdictRule: """
    Reproduced: ReLU² has the highest sparsity at 0.2, a validation loss within 0.01 nats of the best, and the best predicted sparsity \
    at recall 0.95. Partly: the first two. Else not.
    """,
  seeds: 2, fullSeeds: 5
) { run in
  let text = try kingJamesText(run, characters: 1_500_000)
  let corpus = try TextCorpus(name: "text", text: text)
  let held = run.scaled(60_000, smoke: 1500)
  let (train, validation) = corpus.split(test: Double(held) / Double(corpus.tokens.count))
  let context = run.scaled(64, smoke: 16)
  let vocabulary = corpus.vocabulary.count
  let squared = try Activation.named("squared-relu")
  let width = run.scaled(64, smoke: 16)
  func model(_ activation: Activation, gated: Bool) -> GPT {
    GPT(
      vocabulary: vocabulary, context: context, width: width, heads: 4, layers: 2,
      hidden: gated ? 8 * width / 3 : 4 * width, activation: activation, isGated: gated)
  }
  let variants: [(name: String, network: GPT)] = [
    ("ReLU", model(.relu, gated: false)), ("ReLU²", model(squared, gated: false)), ("GELU", model(.gelu, gated: false)),
    ("SwiGLU", model(.silu, gated: true)), ("ReGLU", model(.relu, gated: true)),
  ]
  let batches = try train.windows(length: context, stride: 17)
  let judged = try validation.windows(length: context)
  func fit(_ network: GPT, rate: Double, steps: Int, seed: Int, _ report: (Double) throws -> Void) throws -> Trainer? {
    let warm = 20.0
    let trainer = Trainer(
      network, loss: CrossEntropy(), optimizer: AdamW(weightDecay: 0.01),
      schedule: Schedule { step, total in
        let s = Double(step)
        return s < warm ? rate * (s + 1) / warm : rate * (1 + cos(.pi * (s - warm) / max(1, Double(total) - warm))) / 2
      }, clipping: .globalNorm(1), seed: seed)
    let loader = DataLoader(
      batches, batchSize: run.scaled(32, smoke: 4), seed: UInt64(seed), dropsLast: true, prefetch: 0)
    do {
      try trainer.fit(loader, for: .steps(steps)) { event in
        if case .step(let progress) = event, progress.step % 8 == 0 {
          try report(Double(progress.step) / Double(steps))
        }
        return .proceed
      }
    } catch is NonFiniteLoss { return nil }
    return trainer
  }
  func loss(_ network: any Layer, _ variables: Variables) throws -> Double {
    try Inference(network, CrossEntropy()).evaluate(
      variables, DataLoader(judged, batchSize: run.scaled(64, smoke: 8), dropsLast: true, prefetch: 0)
    ).loss
  }
  struct Found {
    var losses: [Double] = []
    var truncated: [Double] = []
    var sparsity: [[Double]] = []
    var zeros: [Double] = []
    var recall: [Double] = []
    var predicted: [Double] = []
    var precision: [Double] = []
    var reuse: [Double] = []
    var gap: [Double] = []
    var rate = 0.0
    var curve: [(sparsity: Double, loss: Double)] = []
    var rates: [[Double]] = []
  }
  let steps = run.scaled(300, smoke: 6)
  let cetts = [0.05, 0.1, 0.2]
  var found: [Found] = []
  for (k, variant) in variants.enumerated() {
    var result = Found()
    let part = run.part((Double(k) / 5)...(Double(k + 1) / 5))
    var best = Double.infinity
    result.rate = 3e-3
    let rates: [Double] = run.isSmoke ? [3e-3] : [1.5e-3, 3e-3, 6e-3]
    for (j, rate) in rates.enumerated() {
      guard
        let trainer = try fit(
          variant.network, rate: rate, steps: run.scaled(100, smoke: 2), seed: 9,
          { try part.report((Double(j) + $0) * 0.1, "\(variant.name), rate \(rate)") })
      else { continue }
      let value = try loss(variant.network, trainer.variables!)
      if value < best { (best, result.rate) = (value, rate) }
    }
    for seed in 0..<run.seeds {
      guard
        let trainer = try fit(
          variant.network, rate: result.rate, steps: steps, seed: seed,
          { try part.report(0.3 + 0.6 * (Double(seed) + $0) / Double(run.seeds), variant.name) })
      else {
        result.losses.append(.nan)
        continue
      }
      let variables = trainer.variables!
      result.losses.append(try loss(variant.network, variables))
      let indices = Array(0..<min(judged.count, run.scaled(24, smoke: 4)))
      let tokens = try judged.batch(of: indices).features
      let readings = cetts.map { SparsityReading(variant.network, variables, tokens, cett: $0) }
      result.sparsity.append(readings.map(\.meanSparsity))
      let last = readings[2]
      result.truncated.append(
        try loss(SparseFeedForward.truncating(variant.network, last.thresholds), variables))
      result.zeros.append(last.layers.map(\.zeros).mean)
      result.reuse.append(last.layers.map(\.reuse).mean)
      result.gap.append(last.layers.map(\.coactivationGap).mean)
      for layer in last.layers {
        let labels = (layer.activations.abs() * layer.outputWeight.norm([1]) .>= layer.threshold).cast(to: .float32)
        let n = layer.inputs.shape[0]
        let cut = n * 2 / 3
        let prediction = try ActivityPredictor(hidden: 128, steps: run.scaled(300, smoke: 3)).fit(
          layer.inputs[0..<cut], labels[0..<cut], judged: (layer.inputs[cut..<n], labels[cut..<n]), seed: seed)
        result.recall.append(prediction.recall)
        result.predicted.append(prediction.sparsity)
        result.precision.append(prediction.averagePrecision)
      }
      if seed == 0 {
        result.rates = last.layers.map(\.rates)
        for c in run.isSmoke ? [0.2] : [0.01, 0.05, 0.1, 0.2, 0.3, 0.5] {
          let reading = SparsityReading(variant.network, variables, tokens, cett: c)
          result.curve.append(
            (
              reading.meanSparsity,
              try loss(SparseFeedForward.truncating(variant.network, reading.thresholds), variables)
            ))
        }
      }
    }
    found.append(result)
  }
  func sparsity(_ f: Found, _ k: Int) -> Double { f.sparsity.map { $0[k] }.mean }
  let two = found[1]
  let isSparsest = found.indices.allSatisfy { sparsity(found[$0], 2) <= sparsity(two, 2) + 1e-12 }
  let bestLoss = found.map { $0.losses.mean }.filter(\.isFinite).min() ?? .nan
  let isGood = two.losses.mean <= bestLoss + 0.01
  let isPredictable = found.allSatisfy { $0.predicted.mean <= two.predicted.mean + 1e-12 }
  let verdict: Verdict =
    isSparsest && isGood && isPredictable ? .reproduced : isSparsest && isGood ? .partly : .notReproduced
  func short(_ x: Double) -> String { formattedNumber(x, digits: 3) }
  let units = (0..<32).map { String($0) }
  return Finding(
    verdict,
    summary: """
      ReLU²: sparsity \(short(sparsity(two, 2))) at an error of 0.2 (\(isSparsest ? "the highest" : "not the highest")), loss \
      \(formattedNumber(two.losses.mean)) (best \(formattedNumber(bestLoss))), predicted sparsity \(short(two.predicted.mean)) at recall 0.95 \
      (\(isPredictable ? "the best" : "not the best")); reuse \(short(two.reuse.mean)) against ReLU's \(short(found[0].reuse.mean)).
      """,
    tables: [
      .init(
        "Means over blocks and seeds",
        columns: [
          "activation", "validation loss", "loss, truncated at 0.2", "sparsity at 0.05", "0.1", "0.2", "exact zeros",
          "learning rate",
        ],
        rows: variants.indices.map { i in
          let f = found[i]
          return [
            variants[i].name, Estimate(of: f.losses).formatted(), Estimate(of: f.truncated).formatted(),
            short(sparsity(f, 0)), short(sparsity(f, 1)), short(sparsity(f, 2)), short(f.zeros.mean),
            formattedNumber(f.rate),
          ]
        }),
      .init(
        "Prediction and hardware affinity, at an error of 0.2",
        columns: ["activation", "recall", "predicted sparsity", "average precision", "reuse", "co-activation gap"],
        rows: variants.indices.map { i in
          let f = found[i]
          return [
            variants[i].name, short(f.recall.mean), short(f.predicted.mean), short(f.precision.mean),
            short(f.reuse.mean),
            short(f.gap.mean),
          ]
        }),
    ],
    figures: [
      LineChart(
        "Loss after truncation against sparsity", xTitle: "sparsity", yTitle: "validation loss",
        variants.indices.map { i in
          .init(variants[i].name, x: found[i].curve.map(\.sparsity), y: found[i].curve.map(\.loss))
        }),
      HeatMap(
        "Activity of the 32 most active neurons, first block", xTitle: "neuron", yTitle: "", rows: variants.map(\.name),
        columns: units, values: found.map { f in Array((f.rates.first ?? []).sorted(by: >).prefix(32)) }),
    ],
    remarks: [
      "Reuse is lower where fewer neurons are active, opposite to the publication's order.",
      "A transformer with trained weights of its own from elsewhere (MiniLM in the specification) is not part of the library yet.",
    ])
}
