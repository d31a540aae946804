import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Neurons that are quotients of polynomials, enlarging images.
let paon = Reproduction(
  "paon", source: "Keleş & Tekalp 2024, arXiv 2403.11791",
  definition:
    "P_M = w₀ + Σ aₖ ⊛ xᵏ over Q_N = 1 + Σ bₖ ⊛ xᵏ, smoothed: (Q_N P_M + Q_{N-1} P_{M-1}) / (Q_N² + Q_{N-1}²); or P_M / (1 + Σ |bₖ ⊛ xᵏ|).",
  interface: [
    "PadeNeuron", "PadeLinear", "PadeConv2d", "PadeConvTranspose2d", "ShiftSpecification", "replaceNeurons", "PadeNet",
    "Tensor.shifted", "Tensor.pixelShuffled", "Tensor.resizedBicubic", "Tensor.randomPatches",
    "Metrics.peakSignalToNoise",
    "Metrics.structuralSimilarity",
  ],
  claim:
    "Padé neurons are a superset of earlier neuron models; networks of them enlarge images better than residual networks and generative or super neurons.",
  check: """
    Twofold enlargement, low resolution being the mean of 2 × 2 pixels: (i) Fashion-MNIST, 3,000 training, 500 validation and 1,000 \
    test images; (ii) grey patches of 24 × 24 from photographs, 2,000 from four of them (250 of which validate) and 500 from two \
    others. Two residual blocks: convolution-activation-convolution with ReLU \
    and GELU, quadratic [2/0], smooth [1/1], absolute [1/1], smooth [2/1], width 12, and ReLU at width 17 (as many parameters as \
    smooth [1/1]). Mean absolute error, Adam, batch 32, 4 epochs, clipping at 1, cosine; rate from {1e-2, 2e-2} by validation on (i), 2 \
    seeds. Decibels of peak signal to noise.
    """,
  verdictRule: """
    Reproduced: smooth [1/1] above ReLU of equal parameters by at least 0.05 dB with p < 0.05 on both sets. Partly: on one, or above \
    ReLU of equal width only. Else not.
    """,
  seeds: 2, fullSeeds: 5
) { run in
  /// Images `[n, 1, s, s]` and their halves.
  func pairs(_ images: Tensor) -> (low: Tensor, high: Tensor) { (images.averagePool([2, 2]), images) }
  let fashion = try DataSet.named("fashion-mnist").load()
  guard let official = fashion.test else { throw DataError("fashion-mnist", "has no test part") }
  let sizes = [run.scaled(3000, smoke: 64), run.scaled(500, smoke: 32), run.scaled(1000, smoke: 32)]
  func cut(_ data: LabeledData, _ range: Range<Int>) -> Tensor {
    let part = data.subset(Array(range))
    return part.features.reshape([part.count, 1, part.sampleShape[-2], part.sampleShape[-1]])
  }
  let patches = photographPatches(training: run.scaled(2000, smoke: 64), test: run.scaled(500, smoke: 32), side: 24)
  let validating = run.scaled(250, smoke: 16)
  typealias Part = (low: Tensor, high: Tensor)
  let sets: [(name: String, train: Part, validation: Part, test: Part)] = [
    (
      "Fashion-MNIST", pairs(cut(fashion.train, 0..<sizes[0])),
      pairs(cut(fashion.train, sizes[0]..<(sizes[0] + sizes[1]))), pairs(cut(official, 0..<sizes[2]))
    ),
    (
      "photographs", pairs(patches.training[validating...]), pairs(patches.training[0..<validating]),
      pairs(patches.test)
    ),
  ]
  let variants: [(name: String, net: PadeNet)] = [
    ("ReLU, width 12", PadeNet(body: .activation(.relu))), ("GELU, width 12", PadeNet(body: .activation(.gelu))),
    ("ReLU, width 17", PadeNet(width: 17, body: .activation(.relu))),
    ("quadratic [2/0]", PadeNet(body: .pade(try PadeNeuron(degrees: (2, 0))))),
    ("smooth [1/1]", PadeNet(body: .pade(try PadeNeuron()))),
    ("absolute [1/1]", PadeNet(body: .pade(try PadeNeuron(variant: .absolute)))),
    ("smooth [2/1]", PadeNet(body: .pade(try PadeNeuron(degrees: (2, 1))))),
    (
      "smooth [1/1], shifts up to 2",
      PadeNet(body: .pade(try PadeNeuron(shift: ShiftSpecification(.trained(range: 2), border: .border))))
    ),
  ]

  func quality(_ net: PadeNet, _ variables: Variables, _ part: Part) throws -> (psnr: Double, ssim: Double) {
    let made = try Inference(net, MeanAbsoluteError()).predict(variables, part.low, batchSize: 250)
    return (
      Metrics.peakSignalToNoise(made, part.high).scalar, Metrics.structuralSimilarity(made, part.high).scalar
    )
  }
  /// Trains on low-resolution images with the high-resolution ones as values.
  func trained(_ net: PadeNet, _ part: Part, rate: Double, seed: Int, _ report: (Double) throws -> Void) throws
    -> (variables: Variables?, seconds: Double)
  {
    let side = part.high.shape[-1]
    let count = part.low.shape[0]
    let data = LabeledData(
      name: "pairs", description: "", values: part.low.floats, sampleShape: [1, side / 2, side / 2],
      target: .values(part.high.floats, names: (0..<(side * side)).map { "pixel \($0)" }))
    let loader = DataLoader(data, batchSize: min(32, count), seed: UInt64(seed), dropsLast: true, prefetch: 0)
    let flat = Sequential([net, Flatten()])
    let trainer = Trainer(
      flat, loss: MeanAbsoluteError(), optimizer: Adam(), schedule: .cosine(rate), clipping: .globalNorm(1), seed: seed)
    var seconds = 0.0
    let epochs = run.scaled(4, smoke: 1)
    do {
      try trainer.fit(loader, for: .epochs(epochs)) { event in
        if case .step(let progress) = event, progress.step % 16 == 0 {
          try report(Double(progress.step) / Double(epochs * loader.batchCount))
        }
        if case .epoch(let summary) = event { seconds += summary.seconds }
        return .proceed
      }
    } catch is NonFiniteLoss { return (nil, seconds) }
    return (
      trainer.variables.map { v in
        Variables(
          parameters: Parameters(zip(v.parameters.names, v.parameters.leaves).map { (String($0.dropFirst(2)), $1) }))
      }, seconds
    )
  }

  let rates = run.isSmoke ? [1e-2] : [1e-2, 2e-2]
  var rateOf: [String: Double] = [:]
  var scores: [String: [String: [Double]]] = [:]
  var table: [[String]] = []
  var crops: [(String, Tensor)] = []
  var shifts: Tensor?
  let total = Double(variants.count * (rates.count + 1) * run.seeds)
  var done = 0.0
  for set in sets {
    for variant in variants {
      var best: (score: Double, psnr: [Double], ssim: [Double], seconds: Double)?
      for rate in rateOf[variant.name].map({ [$0] }) ?? rates {
        var (validation, psnr, ssim, time) = ([Double](), [Double](), [Double](), 0.0)
        for seed in 0..<run.seeds {
          let (variables, seconds) = try trained(variant.net, set.train, rate: rate, seed: seed) {
            try run.report((done + $0) / total, "\(set.name), \(variant.name)")
          }
          done += 1
          time += seconds / Double(run.seeds)
          guard let variables else {
            validation.append(-.infinity)
            psnr.append(.nan)
            ssim.append(.nan)
            continue
          }
          validation.append(try quality(variant.net, variables, set.validation).psnr)
          let test = try quality(variant.net, variables, set.test)
          psnr.append(test.psnr)
          ssim.append(test.ssim)
          if set.name == "Fashion-MNIST", seed == 0, ["ReLU, width 17", "smooth [1/1]"].contains(variant.name) {
            crops.removeAll { $0.0 == variant.name }
            crops.append((variant.name, variant.net.apply(variables, set.test.low[0..<1])))
          }
          if variant.name.hasSuffix("up to 2"), seed == 0 { shifts = variables.parameters["block0/0/shift/shift"] }
        }
        if best == nil || validation.mean > best!.score {
          best = (validation.mean, psnr, ssim, time)
          rateOf[variant.name] = rate
        }
      }
      scores[set.name, default: [:]][variant.name] = best!.psnr
      table.append([
        set.name, variant.name, String(variant.net.parameterCount(for: [1, 1, 14, 14])),
        Estimate(of: best!.psnr).formatted(digits: 4), Estimate(of: best!.ssim).formatted(digits: 3),
        formattedNumber(best!.seconds, digits: 3), formattedNumber(rateOf[variant.name]!),
      ])
    }
    let bicubic = set.test.low.resizedBicubic([set.test.high.shape[-2], set.test.high.shape[-1]])
    table.append([
      set.name, "bicubic", "0", formattedNumber(Metrics.peakSignalToNoise(bicubic, set.test.high).scalar, digits: 4),
      formattedNumber(Metrics.structuralSimilarity(bicubic, set.test.high).scalar, digits: 3), "–", "–",
    ])
  }
  func gain(_ set: String, over rival: String) -> (mean: Double, p: Double) {
    let (a, b) = (scores[set]!["smooth [1/1]"]!, scores[set]![rival]!)
    guard (a + b).allSatisfy({ $0.isFinite }) else { return (.nan, 1) }
    return (a.mean - b.mean, pairedTTest(a, b)?.pValue ?? 1)
  }
  let equal = sets.map { gain($0.name, over: "ReLU, width 17") }
  let wide = sets.map { gain($0.name, over: "ReLU, width 12") }
  let wins = equal.filter { $0.mean >= 0.05 && $0.p < 0.05 }.count
  let verdict: Verdict =
    wins == 2 ? .reproduced : wins == 1 || wide.contains { $0.mean > 0 && $0.p < 0.05 } ? .partly : .notReproduced
  func picture(_ title: String, _ image: Tensor) -> HeatMap {
    let (h, w) = (image.shape[-2], image.shape[-1])
    let values = image.reshape([h, w]).doubles
    return HeatMap(
      title, xTitle: "", yTitle: "", rows: (0..<h).map { String($0) }, columns: (0..<w).map { String($0) },
      values: (0..<h).map { Array(values[($0 * w)..<(($0 + 1) * w)]) }, format: { formattedNumber($0, digits: 2) })
  }
  var figures: [any Plot] = sets.map { set in
    IntervalPlot(
      "\(set.name): peak signal to noise", xTitle: "dB",
      variants.enumerated().map { i, v in
        let e = Estimate(of: scores[set.name]![v.name]!.filter(\.isFinite))
        return .init(v.name, e.mean, series: i)
      }, style: .points)
  }
  figures.append(picture("A test image", sets[0].test.high[0..<1]))
  figures.append(
    picture("bicubic", sets[0].test.low[0..<1].resizedBicubic([28, 28])))
  figures += crops.suffix(2).map { picture($0.0, $0.1) }
  if let shifts {
    let values = shifts.doubles
    let c = values.count / 2
    figures.append(
      ScatterPlot(
        "Learned shifts of the channels, first neuron", xTitle: "dx, pixels", yTitle: "dy, pixels",
        (0..<c).map { .init("\($0)", x: values[$0], y: values[c + $0], series: 0) }))
  }
  return Finding(
    verdict,
    summary: """
      Smooth [1/1] against ReLU of equal parameters: \(sets.indices.map {
        "\(sets[$0].name) \(formattedNumber(equal[$0].mean, digits: 3)) dB (p \(formattedNumber(equal[$0].p, digits: 2)))"
      }.joined(separator: ", ")); against equal width \(wide.map { formattedNumber($0.mean, digits: 3) }.joined(separator: ", ")) dB.
      """,
    tables: [
      .init(
        "Twofold enlargement of the test images",
        columns: ["data", "network", "parameters", "dB", "structural similarity", "seconds a run", "learning rate"],
        rows: table)
    ],
    figures: figures,
    remarks: [
      "The photographs are the library's own six: four for training, the coins and the rocket for the test.",
      "With two seeds the paired test has one degree of freedom, so p < 0.05 wants differences that agree closely; --effort full has five.",
    ])
}

/// Square patches `[n, 1, side, side]` with values 0…1, at random places: those for training from the first four embedded
/// photographs, those for the test from the others.
private func photographPatches(training: Int, test: Int, side: Int) -> (training: Tensor, test: Tensor) {
  let photographs = Embedded.photographs().map(\.image)
  var generator = SeededGenerator(seed: 115)
  func drawn(_ count: Int, from images: [Image]) -> Tensor {
    let values = (0..<count).flatMap { i -> [Float] in
      let image = images[i % images.count]
      let (x, y) = (generator.below(image.width - side + 1), generator.below(image.height - side + 1))
      return (y..<y + side).flatMap { row in
        image.pixels[(row * image.width + x)..<(row * image.width + x + side)].map { Float($0) / 255 }
      }
    }
    return Tensor(values, shape: [count, 1, side, side])
  }
  return (drawn(training, from: Array(photographs.prefix(4))), drawn(test, from: Array(photographs.dropFirst(4))))
}
