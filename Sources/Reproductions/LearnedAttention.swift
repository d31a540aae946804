import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Attention whose rows go through learned functions instead of a softmax.
let learnedAttention = Reproduction(
  "karat", source: "Maity et al. 2025, arXiv 2503.10632",
  definition:
    "P = W Φ(A): Φ_p(a) = Σ_q φ_pq(a_q), p = 1 … r, φ a Fourier series with trained coefficients; blockwise or shared by all blocks.",
  interface: [
    "KolmogorovArnoldAttention", "AttentionActivation", "SoftmaxAttention", "SigmoidAttention", "simplexProjection",
    "ViT.attention", "AttentionSpectrum", "LossLandscape",
  ],
  claim: """
    Learned attention helps the smallest vision transformer (CIFAR-10: 72.8 to 76.7 %) and does not scale: larger ones lose one to two \
    points.
    """,
  check: """
    Fashion-MNIST, 5,000 training images, 1,000 to validate, 1,500 to test, pixels in [-1, 1], patches 7 × 7. Transformer of width 48, 3 heads, \
    3 blocks, feed-forward 96: softmax (feed-forward part widened to match), G1B, G3B, G3U with r = 8, G3B begun at 0.1, G3B with a softmax behind. \
    5 epochs, batches of 100, AdamW (decay 0.05), one cycle, clipping 1, rate from {1e-3, 3e-3}, 3 seeds. Then width 96 and 6 blocks, one rate, \
    2 seeds.
    """,
  verdictRule: """
    Reproduced: the best learned attention is above the softmax at the small size with p < 0.05 (paired t-test), and its advantage is smaller \
    or negative at the large size. Partly: only the first. Else not.
    """,
  seeds: 3
) { run in
  let split = try fashionImages(
    run.scaled(5000, smoke: 100), validation: run.scaled(1000, smoke: 50), test: run.scaled(1500, smoke: 50),
    isFlat: false, scaling: symmetricFashion)
  typealias Attention = KolmogorovArnoldAttention
  func learned(
    _ grid: Int, _ sharing: Attention.Sharing = .blockwise, scale: Double = 1, _ norm: Attention.Normalization = .none
  ) -> Attention {
    Attention(basis: Attention.fourier(grid, initialScale: scale), rank: .of(8), sharing: sharing, normalization: norm)
  }
  func network(_ width: Int, _ layers: Int, _ hidden: Int, _ attention: Attention?) -> ViT {
    ViT(outputs: 10, patch: 7, width: width, heads: 3, layers: layers, hidden: hidden, attention: attention)
  }
  let forms: [(name: String, attention: Attention?)] = [
    ("softmax", nil), ("G1B", learned(1)), ("G3B", learned(3)), ("G3U", learned(3, .universal)),
    ("G3B from 0.1", learned(3, scale: 0.1)), ("G3B, softmax behind", learned(3, .blockwise, .softmax)),
  ]
  var study = TrainingStudy(split, learningRates: [1e-3, 3e-3], epochs: run.scaled(5, smoke: 1), batch: 100)
  study.optimizer = AdamW(weightDecay: 0.05)
  study.schedule = { .oneCycle($0) }
  study.clipping = .globalNorm(1)
  let budget = network(48, 3, 96, learned(3)).parameterCount(for: [1, 1, 28, 28])
  // The softmax's feed-forward part makes up for the operators' parameters.
  let hidden = (96...160).min {
    abs(network(48, 3, $0, nil).parameterCount(for: [1, 1, 28, 28]) - budget)
      < abs(network(48, 3, $1, nil).parameterCount(for: [1, 1, 28, 28]) - budget)
  }!
  let small = try study.run(
    forms.map { .init($0.name, network(48, 3, $0.attention == nil ? hidden : 96, $0.attention)) }, run.part(0...0.7))
  let best = small.filter { $0.name != "softmax" }.max { $0.estimate.mean < $1.estimate.mean }!.name
  var large = study
  large.learningRates = [1e-3]
  let bestForm = forms.first { $0.name == best }!.attention
  let big = try large.run(
    [
      .init("softmax", network(96, run.scaled(6, smoke: 2), 192, nil)),
      .init(best, network(96, run.scaled(6, smoke: 2), 192, bestForm)),
    ], ReproductionRun(run, seeds: min(2, run.seeds)).part(0.7...1))
  let first = small.difference(best, "softmax")
  let helps = first.map { $0.mean > 0 && $0.pValue < 0.05 } ?? false
  let smallGain = small[best].estimate.mean - small["softmax"].estimate.mean
  let bigGain = big[best].estimate.mean - big["softmax"].estimate.mean
  let fades = bigGain < smallGain
  let shown = split.test.features[0..<min(32, split.test.count)]
  let judged: [(name: String, network: ViT)] = [("softmax", nil as Attention?), (best, bestForm)].map {
    name, attention in
    (name, network(48, 3, attention == nil ? hidden : 96, attention))
  }
  let readings = judged.map { name, net in AttentionSpectrum(of: net, small[name].variables[0]!, shown) }
  let spectra = zip(judged, readings).flatMap { subject, reading -> [LineChart.Series] in
    [("scores", reading.blocks.last!.scores), ("weights", reading.blocks.last!.weights)].map { part, values in
      .init("\(subject.name), \(part)", x: values.indices.map { Double($0 + 1) }, y: values.map { max($0, 1e-9) })
    }
  }
  let ranks = zip(judged, readings).map { subject, reading in
    [subject.name]
      + reading.blocks.map { block in
        [block.scores, block.weights].map { formattedNumber(AttentionSpectrum.Block.effectiveRank($0), digits: 3) }
          .joined(separator: " → ")
      }
  }
  let landscapes = judged.map { name, net in
    lossPicture(name, net, small[name].variables[0]!, split.train, samples: 256, points: run.scaled(11, smoke: 3))
  }
  func percent(_ value: Double) -> String { formattedNumber(value * 100, digits: 3) }
  return Finding(
    helps && fades ? .reproduced : helps ? .partly : .notReproduced,
    summary: """
      At width 48 the best learned attention, \(best), has \(percent(small[best].estimate.mean)) %, the softmax of equal parameters \
      \(percent(small["softmax"].estimate.mean)) % (p = \(formattedNumber(first?.pValue ?? .nan, digits: 2))); at width 96 and 6 blocks \
      \(percent(big[best].estimate.mean)) and \(percent(big["softmax"].estimate.mean)) %.
      """,
    measurements: [
      .init("advantage at the small size, points", smallGain * 100, digits: 3),
      .init("advantage at the large size, points", bigGain * 100, digits: 3),
      .init("time of a run over the softmax's", small[best].seconds / max(small["softmax"].seconds, 1e-9), digits: 2),
    ],
    tables: [
      small.table("Width 48, 3 blocks: accuracy, %", score: "accuracy, %", factor: 100, baseline: "softmax"),
      big.table("Width 96, 6 blocks: accuracy, %", score: "accuracy, %", factor: 100, baseline: "softmax"),
      Finding.Table(
        "Parameters", columns: ["attention", "parameters", "beyond softmax at equal widths"],
        rows: forms.map { form in
          let count = network(48, 3, form.attention == nil ? hidden : 96, form.attention).parameterCount(for: [
            1, 1, 28, 28,
          ])
          let plain = network(48, 3, 96, nil).parameterCount(for: [1, 1, 28, 28])
          return [form.name, "\(count)", form.attention == nil ? "–" : "\(count - plain)"]
        }),
      Finding.Table(
        "Effective rank of scores → weights, by block", columns: ["attention", "first", "second", "third"], rows: ranks),
    ],
    figures: [
      small.scorePlot("Width 48, 3 blocks", "accuracy, %", factor: 100, reference: "softmax"),
      LineChart(
        "Singular values of scores and of weights (mean over heads and images, last block)", xTitle: "number",
        yTitle: "value", spectra, yScale: .logarithmic),
    ] as [any Plot] + landscapes + [small.lossPlot()])
}
