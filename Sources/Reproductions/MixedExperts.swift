import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Experts that are half MLPs, half KANs.
let mixedExperts = Reproduction(
  "mlp-kan", source: "He et al. 2024, arXiv 2410.03027",
  definition:
    "y = Σ_{e in top 2} g_e E_e(t), g the softmax of a linear router; half of the experts MLPs, half KANs of switches 1 - tanh².",
  interface: [
    "MixtureOfExperts", "MLPKAN", "FasterKAN", "SwitchBasis", "MixtureOfExperts.routing", "MixtureOfExperts.activeCost",
  ],
  claim: """
    One architecture of MLP and KAN experts is competitive both in representation and in function learning, and beats mixtures of only one \
    kind of the same size.
    """,
  check: """
    Linear(in, 24), two residual blocks x + F(LayerNorm(x)), Linear(24, out); F of about 12.5 thousand parameters: MLP of 260, KAN of 30, 8 \
    MLPs of 30, 8 KANs of 4, or 4 of each. Digits (12 epochs) and breast cancer (30 epochs) for representation; exp(sin πx + y²), \
    √((x-y)² + 1) cos 3x and x y sin 4y, standardized, 1,000 training points (40 epochs) for functions. AdamW, cosine, batches of 64, rate \
    from {1e-3, 3e-3, 1e-2} by validation, 3 seeds.
    """,
  verdictRule: """
    Reproduced: MLP-KAN is within 1 point of the best on every representation task and within 1.15 times the best error on at least 2 of 3 \
    functions, and its mean rank is the best of the five. Partly: one of these two. Else not.
    """,
  seeds: 3
) { run in
  let parts: [(name: String, layer: any Layer)] = [
    ("MLP", FeedForward(hidden: 260)), ("KAN", FasterKAN([30, 24])),
    ("8 MLPs", MLPKAN(hidden: 30, kanHidden: 4, mixture: .mlpOnly)),
    ("8 KANs", MLPKAN(hidden: 30, kanHidden: 4, mixture: .kanOnly)),
    ("MLP-KAN", MLPKAN(hidden: 30, kanHidden: 4)),
  ]
  func network(_ part: any Layer, _ outputs: Int) -> Sequential {
    Sequential([
      Dense(24),
      Residual {
        LayerNorm(); part
      },
      Residual {
        LayerNorm(); part
      }, Dense(outputs),
    ])
  }
  let rates = [1e-3, 3e-3, 1e-2]
  var scores: [[Double]] = []  // larger is better: accuracies in points, or negative errors
  var tables: [Finding.Table] = []
  var shares: [(task: String, share: Double)] = []

  // Representation
  let tasks: [(name: String, data: LabeledData, epochs: Int)] = [
    ("digits", Embedded.digits().flattened(), 12), ("breast-cancer", Embedded.breastCancer(), 30),
  ]
  var accuracies: [[Double]] = []
  for (i, task) in tasks.enumerated() {
    let split = standardizedParts(task.data, train: task.data.count * 6 / 10, validation: task.data.count / 10)
    var study = TrainingStudy(split, learningRates: rates, epochs: run.scaled(task.epochs, smoke: 1), batch: 64)
    study.optimizer = AdamW()
    let outcomes = try study.run(
      parts.map { .init($0.name, network($0.layer, task.data.outputCount)) },
      run.part(Double(i) * 0.25...Double(i + 1) * 0.25))
    accuracies.append(outcomes.map { $0.test.filter(\.isFinite).mean * 100 })
    tables.append(outcomes.table("\(task.name): accuracy, %", score: "accuracy, %", factor: 100, baseline: "MLP-KAN"))
    shares.append((task.name, kanShare(outcomes["MLP-KAN"].variables[0]!, split.test.features)))
  }

  // Functions
  let problems: [(name: String, f: ([Tensor]) -> Tensor)] = [
    ("exp(sin πx + y²)", { (($0[0] * Double.pi).sin() + $0[1].squared()).exp() }),
    ("√((x-y)² + 1) cos 3x", { (($0[0] - $0[1]).squared() + 1).sqrt() * ($0[0] * 3).cos() }),
    ("x y sin 4y", { $0[0] * $0[1] * ($0[1] * 4).sin() }),
  ]
  var errors: [[Double]] = []
  var rows: [[String]] = []
  for (p, problem) in problems.enumerated() {
    let keys = Key(7).folding(p).split(3)
    let count = run.scaled(1000, smoke: 64)
    let raw = [(count, 0), (500, 1), (500, 2)].map { samples($0.0, 2, key: keys[$0.1], problem.f) }
    let (mean, deviation) = (raw[0].y.mean().scalar, raw[0].y.variance().scalar.squareRoot())
    let sets = raw.map { $0.standardized(mean, deviation) }
    let study = FunctionStudy(
      training: sets[0], validation: sets[1], test: sets[2], rates: rates, steps: run.scaled(40 * 16, smoke: 4),
      batch: 64,
      optimizer: AdamW())
    var own: [Double] = []
    for (i, part) in parts.enumerated() {
      let begin = 0.5 + 0.5 * (Double(p) + Double(i) / 5) / 3
      let outcome = try study.run(
        "\(problem.name), \(part.name)", network(part.layer, 1), run.part(begin...begin + 0.1 / 3))
      own.append(outcome.test.mean)
      if part.name == "MLP-KAN" { shares.append((problem.name, kanShare(outcome.variables[0], sets[2].x))) }
    }
    errors.append(own)
    rows.append([problem.name] + own.map { formattedNumber($0, digits: 3) })
  }
  scores = accuracies + errors.map { $0.map { -$0 } }
  let ranks = parts.indices.map { k in scores.map { row in Double(row.filter { $0 > row[k] }.count + 1) }.mean }
  let near = accuracies.allSatisfy { $0[4] >= $0.max()! - 1 } && errors.filter { $0[4] <= 1.15 * $0.min()! }.count >= 2
  let isFirst = ranks[4] <= ranks.min()!
  tables.append(Finding.Table("Root mean squared errors", columns: ["function"] + parts.map(\.name), rows: rows))
  tables.append(
    Finding.Table(
      "Mean ranks and parameters",
      columns: ["network", "mean rank", "parameters of one part", "operations of a token"],
      rows: parts.enumerated().map { i, part in
        let operations = (part.layer as? MLPKAN)?.mixture(width: 24).activeCost(width: 24).operations
        return [
          part.name, formattedNumber(ranks[i], digits: 3), "\(part.layer.parameterCount(for: [1, 24]))",
          operations.map { "\($0)" } ?? "–",
        ]
      }))
  tables.append(
    Finding.Table(
      "Routing weight on KAN experts (first seed, mean over both blocks)", columns: ["task", "share"],
      rows: shares.map { [$0.task, formattedNumber($0.share, digits: 2)] }))
  return Finding(
    near && isFirst ? .reproduced : near || isFirst ? .partly : .notReproduced,
    summary: """
      MLP-KAN's mean rank is \(formattedNumber(ranks[4], digits: 3)) of five (best: \(parts[ranks.firstIndex(of: ranks.min()!)!].name), \
      \(formattedNumber(ranks.min()!, digits: 3))); it is \(near ? "" : "not ")near the best everywhere: \
      \(zip(tasks, accuracies).map { "\($0.0.name) \(formattedNumber($0.1[4] - $0.1.max()!, digits: 2)) points" }.joined(separator: ", ")), \
      functions \(errors.map { formattedNumber($0[4] / $0.min()!, digits: 3) }.joined(separator: ", ")) times the best error.
      """,
    measurements: parts.indices.map { .init("mean rank, \(parts[$0].name)", ranks[$0], digits: 3) }, tables: tables,
    figures: [
      HeatMap(
        "Error over the best", xTitle: "network", yTitle: "", rows: problems.map(\.name), columns: parts.map(\.name),
        values: errors.map { row in row.map { $0 / row.min()! } }),
      IntervalPlot(
        "Weight on KAN experts", xTitle: "share", shares.map { IntervalPlot.Row($0.task, $0.share) }, style: .bars,
        reference: 0.5),
    ])
}

/// The mean routing weight of the KAN experts over both blocks.
private func kanShare(_ variables: Variables, _ x: Tensor) -> Double {
  let network = Sequential([
    Dense(24),
    Residual {
      LayerNorm(); MLPKAN(hidden: 30, kanHidden: 4)
    },
    Residual {
      LayerNorm(); MLPKAN(hidden: 30, kanHidden: 4)
    }, Dense(variables.parameters["3/bias"]!.count),
  ])
  let scope = Scope(variables)
  _ = network(x, scope)
  let routings = scope.observations.filter { $0.name == "routing" }.map(\.value)
  return routings.map { $0[.all, 4...].sum([1]).mean().scalar }.mean
}
