import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Fitting a signal by the samples where the network is most wrong.
let implicitTeaching = Reproduction(
  "int", source: "Zhang, Luo, Li, Wu & Wong 2024, arXiv 2405.10531",
  definition:
    "At chosen steps, the n largest ‖y - f(x)‖₁ become the samples of the next steps; n grows to all of them.",
  interface: [
    "SampleTeacher", "RatioSchedule", "IntervalStrategy", "FieldFitting", "NeuralTangentKernel",
  ],
  claim: """
    Teaching by the largest errors saves more than 30 % of the training time for images, sounds and shapes at equal or better quality; \
    training by parameter gradients agrees with functional gradients for wide networks.
    """,
  check: """
    SIREN of 4 × 64, ω₀ 30, Adam, rate 5e-4 or 1e-3 by the full batch's quality, 1,500 steps: a defined picture of 96 × 96, a photograph \
    of 128 × 128, a chord of 8,000 samples. Arms: full batch; teaching (top, step, incremental); cosine; constant 0.2 each step; random \
    with the same schedule; random 0.2. Then the error of the kernel's prediction of 50 steps of gradient descent for widths 32, 128, 512.
    """,
  verdictRule: """
    Reproduced: teaching needs at most 0.7 of the full batch's time to the quality that the full batch has at 60 % of its steps, with a \
    final quality at most 0.3 dB lower, on two of three signals (median of seeds), and at most 0.9 of the random control's time there. \
    Partly: the first alone. Else not.
    """,
  seeds: 3
) { run in
  let steps = run.scaled(1500, smoke: 20)
  let (side, width) = (run.scaled(96, smoke: 12), run.scaled(64, smoke: 8))
  func network(isSound: Bool) -> any Layer {
    var siren = CoordinateNetwork.siren(width: width, depth: 4)
    if isSound { siren.firstOmega = 3000 }
    return siren
  }
  let signals: [(name: String, data: (places: Tensor, values: Tensor), isSound: Bool)] = [
    ("picture", FieldPattern.picture(side), false),
    ("photograph", FieldPattern.photograph(run.scaled(128, smoke: 12)), false),
    ("chord", FieldPattern.chord(run.scaled(8000, smoke: 150)), true),
  ]
  let arms: [(name: String, teacher: SampleTeacher?)] = [
    ("full batch", nil), ("teaching", SampleTeacher()), ("teaching, cosine", SampleTeacher(ratio: .cosine(0.2))),
    ("teaching, 0.2", SampleTeacher(ratio: .constant(0.2), interval: .dense)),
    ("random, same schedule", SampleTeacher(selection: .random)),
    ("random, 0.2", SampleTeacher(ratio: .constant(0.2), interval: .dense, selection: .random)),
  ]
  struct Trace {
    var seconds: [Double] = []
    var costs: [Double] = []
    var best: [Double] = []
    /// Where the running best first reaches a quality.
    func time(to quality: Double) -> (seconds: Double, cost: Double) {
      guard let i = best.firstIndex(where: { $0 >= quality }) else { return (.infinity, .infinity) }
      return (seconds[i], costs[i])
    }
  }
  let clock = ContinuousClock()
  func trace(
    _ signal: (name: String, data: (places: Tensor, values: Tensor), isSound: Bool), _ teacher: SampleTeacher?,
    rate: Double, seed: Int, _ keep: ((Int, [Int32]?) -> Void)? = nil
  ) throws -> Trace {
    let fitting = try FieldFitting(
      network(isSound: signal.isSound), signal.data.places, signal.data.values, steps: steps, schedule: .constant(rate),
      teacher: teacher, seed: seed)
    var (result, spent, best) = (Trace(), Duration.zero, -Double.infinity)
    while !fitting.isDone {
      let start = clock.now
      try fitting.step()
      spent += clock.now - start
      keep?(fitting.taken, fitting.chosen)
      guard fitting.taken % 25 == 0 || fitting.isDone else { continue }
      best = max(best, FieldFits.decibels(fitting.meanSquaredError()))
      result.seconds.append(spent / .seconds(1))
      result.costs.append(fitting.cost / Double(signal.data.places.shape[0]))
      result.best.append(best)
    }
    return result
  }
  var rows: [[String]] = []
  var (saves, beatsRandom) = (0, 0)
  var figures: [any Plot] = []
  var words: [String] = []
  for (i, signal) in signals.enumerated() {
    let part = run.part(0.9 * Double(i) / 3...0.9 * Double(i + 1) / 3)
    let rates = run.isSmoke ? [1e-3] : [5e-4, 1e-3]
    try part.report(0, "\(signal.name): rate")
    let tried = try rates.map { try trace(signal, nil, rate: $0, seed: 0) }
    let rate = rates[tried.indices.max { tried[$0].best.last! < tried[$1].best.last! }!]
    var traces: [[Trace]] = []
    for (a, arm) in arms.enumerated() {
      traces.append(
        try (0..<run.seeds).map { seed in
          try part.report(
            (0.2 + 0.8 * Double(a * run.seeds + seed) / Double(arms.count * run.seeds)), "\(signal.name): \(arm.name)")
          return try trace(signal, arm.teacher, rate: rate, seed: seed)
        })
    }
    // At 60 % of the steps.
    let goals = traces[0].map { $0.best[max(0, Int((Double($0.best.count) * 0.6).rounded()) - 1)] }
    func times(_ arm: Int) -> Double { zip(traces[arm], goals).map { $0.time(to: $1).seconds }.median }
    func costs(_ arm: Int) -> Double { zip(traces[arm], goals).map { $0.time(to: $1).cost }.median }
    func final(_ arm: Int) -> Double { traces[arm].map { $0.best.last! }.median }
    for (a, arm) in arms.enumerated() {
      rows.append([
        signal.name, arm.name, formattedNumber(final(a), digits: 4), formattedNumber(times(a), digits: 3),
        formattedNumber(times(a) / times(0), digits: 3), formattedNumber(costs(a) / costs(0), digits: 3),
        formattedNumber(traces[a].map { $0.seconds.last! }.median, digits: 3),
      ])
    }
    let isSaving = times(1) <= 0.7 * times(0) && final(1) >= final(0) - 0.3
    if isSaving {
      saves += 1
      if times(1) <= 0.9 * times(4) { beatsRandom += 1 }
    }
    words.append(
      "\(signal.name) \(formattedNumber(times(1) / times(0), digits: 3)) (random \(formattedNumber(times(4) / times(0), digits: 3)))"
    )
    figures.append(
      LineChart(
        "\(signal.name): quality by time, first seed", xTitle: "seconds", yTitle: "best PSNR so far, dB",
        arms.enumerated().map { a, arm in
          LineChart.Series(arm.name, x: traces[a][0].seconds, y: traces[a][0].best)
        }))
  }

  // Chosen pixels, over the picture.
  var tiles: [PictureTiles.Tile] = []
  let wanted = Set([1, steps / 8, steps / 4 + 1, steps / 2, steps * 3 / 4])
  let base = signals[1].data.values.floats
  let shown = Int(Double(base.count).squareRoot().rounded())
  _ = try trace(signals[1], SampleTeacher(), rate: 1e-3, seed: 0) { taken, chosen in
    guard wanted.contains(taken) else { return }
    var pixels = base.flatMap { value -> [UInt8] in
      let grey = UInt8(min(max((value + 1) * 100, 0), 255))
      return [grey, grey, grey]
    }
    for i in chosen ?? [] { pixels[3 * Int(i)] = 255 }
    tiles.append(
      .init("step \(taken)", png: PNG.encode(Image(width: shown, height: shown, colour: .rgb, pixels: pixels))))
  }
  figures.append(PictureTiles("Chosen pixels, in red", columns: 5, tiles))

  // The kernel's prediction.
  let widths = run.isSmoke ? [8, 16] : [32, 128, 512]
  let x = Tensor.linspace(-1, 1, count: 24, dtype: .float64).reshape(24, 1)
  let y = (x * 3.0).sin()
  let kernelErrors = widths.map { width -> Double in
    // Outputs and steps scaled so that the function moves alike at every width.
    let net = MLP(hidden: [width, width], outputs: 1, activation: .tanh)
    let start = net.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(3)).parameters
    let kernel = NeuralTangentKernel(net, start)(x, x)
    let top = kernel.symmetricEigen().values.doubles.max()!
    let rate = 0.5 * 24 / top
    var (parameters, linear) = (start, net.apply(Variables(parameters: start), x))
    let step = compile { (p: Parameters) -> Parameters in
      let slope = grad { (p: Parameters) in (net.apply(Variables(parameters: p), x) - y).squared().mean() }(p)
      return p.map { $1 - slope[$0]! * rate }
    }
    for _ in 0..<50 {
      parameters = step(parameters)
      linear = linear - kernel.matmul(linear - y) * (2 * rate / 24)
    }
    let truth = net.apply(Variables(parameters: parameters), x)
    return
      ((truth - linear).squared().mean().scalar
      / (truth - net.apply(Variables(parameters: start), x)).squared().mean().scalar).squareRoot()
  }
  let falls = zip(kernelErrors, kernelErrors.dropFirst()).allSatisfy { $0 > $1 }
  return Finding(
    saves >= 2 && beatsRandom >= 2 ? .reproduced : saves >= 2 ? .partly : .notReproduced,
    summary: """
      Time to the goal over the full batch's: \(words.joined(separator: ", ")). Saving holds on \(saves) of 3 signals, also against \
      random choice on \(beatsRandom). The tangent kernel's error after 50 steps \(falls ? "falls" : "does not fall") with the width: \
      \(kernelErrors.map { formattedNumber($0, digits: 3) }.joined(separator: ", ")).
      """,
    tables: [
      Finding.Table(
        "Arms",
        columns: ["signal", "arm", "final PSNR", "s to goal", "time ratio", "cost ratio", "s in all"], rows: rows),
      Finding.Table(
        "Linear prediction of 50 steps: relative error", columns: ["width", "error"],
        rows: zip(widths, kernelErrors).map { [String($0), formattedNumber($1, digits: 3)] }),
    ], figures: figures,
    remarks: [
      "1,500 steps instead of 5,000, networks of 64 units instead of 256, pictures of 96 × 96 and 128 × 128, so that the check takes minutes."
    ])
}
