import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Nodes that choose the family of their edge functions.
let selectableSpaces = Reproduction(
  "s-kan", source: "Yang, Qin & Yu 2024, arXiv 2408.08338",
  definition:
    "y_j = Σ_i [w_ij silu(x_i) + Σ_s π_is Σ_r c_isrj b_sr(x_i)]; π is learned (softmax, then straight-through Gumbel), then one-hot.",
  interface: [
    "KAN.selectable", "BasisPool", "MixedBasis", "FittedKAN.selectingFamilies", "FittedKAN.selection", "ThreePhase",
    "KANConvolution",
  ],
  claim: """
    A KAN whose nodes select their space of functions beats KANs of one space and MLPs of its size on seven functions, and its convolutional \
    form leads on images.
    """,
  check: """
    Seven standardized functions on [-1, 1]², 1,000 training, 500 validation, 500 test points: six KANs [2, 5, 1] of one family (135 \
    parameters), S-KAN (135 after pruning), SiLU MLP [2, 9, 9, 1]; 600 full-batch steps of Adam (S-KAN 200 + 200 + 200), cosine, rate from \
    {3e-3, 1e-2} by validation, 3 seeds. Then Fashion-MNIST, 4,000 images, 4 epochs, 3 seeds: S-ConvKAN, B-spline ConvKAN and a ReLU network of about \
    10,000 parameters.
    """,
  verdictRule: """
    Reproduced: S-KAN has the best mean rank, beats the MLP on at least 5 of 7, and its worst ratio to the best single family is below the \
    worst ratio of every single family. Partly: two of these. Else not. Images are reported beside.
    """,
  seeds: 3
) { run in
  let problems: [(name: String, f: ([Tensor]) -> Tensor)] = [
    ("exp(sin πx + y²)", { (($0[0] * Double.pi).sin() + $0[1].squared()).exp() }),
    ("exp(-40((x-.3)² + (y+.2)²))", { ((($0[0] - 0.3).squared() + ($0[1] + 0.2).squared()) * -40).exp() }),
    ("sin(6πx)·y", { ($0[0] * (6 * Double.pi)).sin() * $0[1] }),
    ("x³y - y²", { $0[0] * $0[0] * $0[0] * $0[1] - $0[1].squared() }),
    ("tanh(20(x+y))", { (($0[0] + $0[1]) * 20).tanh() }),
    ("|x| cos 3y", { $0[0].abs() * ($0[1] * 3).cos() }),
    ("1/(1+10x²) + y", { 1 / (1 + 10 * $0[0].squared()) + $0[1] }),
  ]
  let families = BasisPool.standardFamilies
  let names = families.map(\.name) + ["S-KAN", "MLP"]
  let steps = run.scaled(600, smoke: 6)
  var errors: [[Double]] = []
  var rows: [[String]] = []
  var maps: [[String]] = []
  var seconds = [Double](repeating: 0, count: names.count)
  var picture: CurveNetwork?
  for (p, problem) in problems.prefix(run.scaled(7, smoke: 1)).enumerated() {
    let keys = Key(5).folding(p).split(3)
    let raw = [(run.scaled(1000, smoke: 64), 0), (500, 1), (500, 2)].map {
      samples($0.0, 2, key: keys[$0.1], problem.f)
    }
    let (mean, deviation) = (raw[0].y.mean().scalar, raw[0].y.variance().scalar.squareRoot())
    let parts = raw.map { $0.standardized(mean, deviation) }
    let study = FunctionStudy(
      training: parts[0], validation: parts[1], test: parts[2], rates: [3e-3, 1e-2], steps: steps)
    let part = run.part(Double(p) / 7 * 0.7...Double(p + 1) / 7 * 0.7)
    var own: [Double] = []
    for (i, family) in families.enumerated() {
      let outcome = try study.run("\(problem.name), \(family.name)", KAN([2, 5, 1], basis: family), part)
      own.append(outcome.test.mean)
      seconds[i] += outcome.secondsPerStep * Double(steps)
    }
    let clock = ContinuousClock()
    let begin = clock.now
    let phases = ThreePhase(full: steps / 3, selective: steps / 3, fineTune: steps / 3)
    var best: (validation: Double, test: Double, kan: FittedKAN)?
    for rate in study.rates.prefix(run.isSmoke ? 1 : 2) {
      let fits = try (0..<run.seeds).map { seed -> FittedKAN in
        try part.report(0.8, "\(problem.name), S-KAN")
        let start = FittedKAN(KAN.selectable([2, 5, 1]), key: Key(seed).folding("weights"), dtype: .float32)
        return try phases.fit(start, parts[0].x, parts[0].y, rate: rate, key: Key(seed))
      }
      let valid = fits.map { $0.error(parts[1].x, parts[1].y) }.mean
      if best == nil || valid < best!.validation {
        best = (valid, fits.map { $0.error(parts[2].x, parts[2].y) }.mean, fits[0])
      }
    }
    seconds[6] += (clock.now - begin) / .seconds(1) / Double(2 * run.seeds)
    own.append(best!.test)
    let mlp = try study.run(
      "\(problem.name), MLP",
      Sequential {
        Dense(9); Activation.silu; Dense(9); Activation.silu; Dense(1)
      }, part)
    own.append(mlp.test.mean)
    seconds[7] += mlp.secondsPerStep * Double(steps)
    errors.append(own)
    rows.append([problem.name] + own.map { formattedNumber($0, digits: 3) })
    let kan = best!.kan
    maps.append(
      [problem.name]
        + kan.network.layers.map { layer in
          ((layer.basis as? MixedBasis)?.choices ?? []).map { families[$0[0]].name }.joined(separator: ", ")
        })
    if p == 0 {
      picture = kan.picture("\(problem.name): the families that nodes chose", on: parts[0].x, inputs: ["x", "y"])
    }
  }
  let ranks = names.indices.map { k in
    errors.map { row in Double(row.filter { $0 < row[k] }.count + 1) }.mean
  }
  let worst = names.indices.map { k in errors.map { $0[k] / $0.prefix(6).min()! }.max()! }
  let (isFirst, wins) = (ranks[6] <= ranks.min()!, errors.filter { $0[6] < $0[7] }.count)
  let isSteady = worst[6] < worst.prefix(6).min()!
  let met = [isFirst, wins >= min(5, errors.count), isSteady].filter { $0 }.count
  let images = try selectableConvolutions(run.part(0.7...1))
  return Finding(
    met == 3 ? .reproduced : met == 2 ? .partly : .notReproduced,
    summary: """
      S-KAN has the mean rank \(formattedNumber(ranks[6], digits: 3)) (best: \(formattedNumber(ranks.min()!, digits: 3))), beats the MLP on \
      \(wins) of \(errors.count), and is at worst \(formattedNumber(worst[6], digits: 3)) times the best single family (single families: \
      at least \(formattedNumber(worst.prefix(6).min()!, digits: 3)) times).
      """,
    measurements: [
      .init("mean rank of S-KAN", ranks[6], digits: 3),
      .init("functions where S-KAN beats the MLP", "\(wins) of \(errors.count)"),
      .init("worst ratio of S-KAN to the best single family", worst[6], digits: 3),
      .init("training time of S-KAN over a single B-spline KAN's", seconds[6] / max(seconds[0], 1e-9), digits: 2),
    ],
    tables: [
      Finding.Table("Root mean squared errors (mean over seeds)", columns: ["function"] + names, rows: rows),
      Finding.Table(
        "Ranks and worst ratios", columns: ["network", "mean rank", "worst ratio to the best single family"],
        rows: names.indices.map {
          [names[$0], formattedNumber(ranks[$0], digits: 3), formattedNumber(worst[$0], digits: 3)]
        }),
      Finding.Table(
        "Families that nodes chose (first seed)", columns: ["function", "x, y", "hidden nodes"], rows: maps),
      images.table("Fashion-MNIST, 4,000 images", score: "accuracy, %", factor: 100, baseline: "ReLU CNN"),
    ],
    figures: [
      HeatMap(
        "Error over the best single family's", xTitle: "network", yTitle: "", rows: rows.map { $0[0] }, columns: names,
        values: errors.map { row in row.map { $0 / row.prefix(6).min()! } }), images.lossPlot(),
    ] + (picture.map { [$0] } ?? []))
}

/// Convolutions of edges against ordinary ones, about 10,000 parameters each.
private func selectableConvolutions(_ run: ReproductionRun) throws -> [TrainingStudy.Outcome] {
  let split = try fashionImages(
    run.scaled(4000, smoke: 64), validation: run.scaled(1000, smoke: 64), test: run.scaled(2000, smoke: 64),
    isFlat: false)
  func edges(_ basis: any EdgeBasis, _ widths: [Int]) -> Sequential {
    Sequential(
      widths.flatMap {
        [KANConvolution($0, basis: basis), BatchNorm(), MaxPool()] as [any Layer]
      } + [GlobalPool(), Dense(10)])
  }
  let relu = Sequential(
    [16, 56].flatMap { [Convolution($0, [3, 3]), BatchNorm(), Activation.relu, MaxPool()] as [any Layer] }
      + [GlobalPool(), Dense(10)])
  var study = TrainingStudy(split, learningRates: [3e-3, 1e-2], epochs: run.scaled(4, smoke: 1), batch: 64)
  study.metric = .accuracy
  let variants: [TrainingStudy.Variant] = [
    .init("ReLU CNN", relu), .init("B-spline ConvKAN", edges(BSpline(range: -1.2...1.2), [8, 14])),
  ]
  var outcomes = try study.run(variants, run.part(0...0.5))
  outcomes.append(
    try threePhaseClassifier(
      edges(BasisPool(), [8, 14]), split, epochs: run.scaled(4, smoke: 3), batch: 64, rates: [3e-3, 1e-2],
      run.part(0.5...1)))
  return outcomes
}
