import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports
import SomaSearch

/// The search that found Swish, and what it found.
let swishSearch = Reproduction(
  "swish-search", source: "Ramachandran, Zoph & Le 2017, arXiv 1710.05941",
  definition:
    "Scalar functions built from unary and binary operators, scored by training a child network; Swish is x σ(βx).",
  interface: [
    "Activation.swish(_:)", "ActivationExpression", "ActivationSearchSpace", "ActivationController",
    "ActivationSearchResult",
  ],
  claim: """
    Search finds novel functions; Swish is at least as good as ReLU on most deep models (ImageNet: +0.9 % with NASNet-A mobile, +0.6 % \
    with Inception-ResNet-v2).
    """,
  check: """
    Child: Fashion-MNIST, 4,000 training and 1,000 validation images, 784-48×6-10, Adam 1e-3, batch 64, 3 epochs, cosine. (a) 150 random \
    candidates of one unit and the eight published functions: the rank of Swish. (b) Best score of policy gradient, evolution and random \
    search over 40 evaluations. (c) Seven activations, 784-128×8-10, 10,000 images, 5 epochs, rate by validation.
    """,
  verdictRule:
    "Reproduced: (a) Swish in the top tenth, and (c) Swish not below ReLU with p < 0.05. Partly: one of the two.",
  seeds: 3
) { run in
  let child = try fashionImages(run.scaled(4000, smoke: 128), validation: run.scaled(1000, smoke: 64), test: 64)
  let epochs = run.scaled(3, smoke: 1)
  func score(_ layer: any Layer) throws -> Double {
    let loader = DataLoader(child.train, batchSize: 64, seed: 0, dropsLast: true, prefetch: 0)
    let trainer = Trainer(
      plainClassifier(Array(repeating: 48, count: 6), layer), loss: CrossEntropy(), optimizer: Adam(),
      schedule: .cosine(1e-3),
      metrics: [.accuracy])
    do {
      try trainer.fit(loader, for: .epochs(epochs))
      return try trainer.evaluate(DataLoader(child.validation, batchSize: 500, prefetch: 0)).metrics["accuracy"] ?? 0
    } catch is NonFiniteLoss {
      return 0
    }
  }

  // (a)
  let space = ActivationSearchSpace()
  var generator = SeededGenerator(seed: 35)
  let wanted = run.scaled(150, smoke: 4)
  var candidates: [ActivationExpression] = []
  while candidates.count < wanted {
    candidates = ActivationSearchSpace.simplified(candidates + (0..<wanted).map { _ in space.random(&generator) })
    candidates = Array(candidates.prefix(wanted))
  }
  let published = ActivationExpression.discovered
  let total = Double(candidates.count + published.count)
  var done = 0.0
  func scored(_ name: String, _ expression: ActivationExpression) throws -> (name: String, score: Double) {
    try run.part(0...0.45).report(done / total, name)
    done += 1
    return (name, try score(expression))
  }
  let random = try candidates.map { try scored($0.description, $0) }
  let known = try published.map { try scored($0.name, $0.expression) }
  let swish = known[0].score
  let rank = 1 + random.count { $0.score > swish }
  let isTop = Double(rank) <= Double(random.count) / 10

  // (b)
  let evaluations = run.scaled(40, smoke: 4, full: 200)
  let keys = run.effort == .full ? 3 : 1
  var curves: [LineChart.Series] = []
  var bests: [(String, [Double])] = []
  let searches:
    [(name: String, search: (UInt64, @escaping ActivationSearchSpace.Score) throws -> ActivationSearchResult)] = [
      ("policy gradient", { try space.policySearch(evaluations: evaluations, seed: $0, $1) }),
      (
        "evolution",
        { try space.evolution(evaluations: evaluations, population: min(20, evaluations), tournament: 5, seed: $0, $1) }
      ),
      ("random", { try space.randomSearch(evaluations: evaluations, seed: $0, $1) }),
    ]
  for (i, entry) in searches.enumerated() {
    let results = try (0..<keys).map { key -> ActivationSearchResult in
      var count = 0.0
      return try entry.search(UInt64(key)) { expression in
        count += 1
        try run.part(0.45 + Double(i) * 0.12...0.57 + Double(i) * 0.12).report(
          (Double(key) + min(1, count / Double(evaluations))) / Double(keys), entry.name)
        return try score(expression)
      }
    }
    bests.append((entry.name, results.map { $0.best.last! * 100 }))
    curves.append(
      .init(
        entry.name, x: (1...evaluations).map(Double.init),
        y: (0..<evaluations).map { k in results.map { $0.best[k] * 100 }.mean }))
  }

  // (c)
  let data = try fashionImages(
    run.scaled(10_000, smoke: 128), validation: run.scaled(2000, smoke: 64), test: run.scaled(10_000, smoke: 128))
  let activations: [(name: String, activation: Activation)] = [
    ("Swish", .silu), ("Swish, β trained", try .swish()), ("ReLU", .relu), ("leaky ReLU", .leakyReLU), ("ELU", .elu),
    ("softplus", .softplus), ("GELU", .gelu),
  ]
  let outcomes = try TrainingStudy(data, learningRates: [3e-3, 1e-3], epochs: run.scaled(5, smoke: 1)).run(
    activations.map { .init($0.name, plainClassifier(Array(repeating: 128, count: 8), $0.activation)) },
    run.part(0.81...1))
  let gain = outcomes.difference("Swish", "ReLU")
  let isBetter = gain.map { $0.mean >= 0 && $0.pValue < 0.05 } ?? false

  let ranked = (random + known).sorted { $0.score > $1.score }
  let shown = ranked.prefix(15) + known.filter { entry in !ranked.prefix(15).contains { $0.name == entry.name } }
  let x = (-80...80).map { Double($0) / 20 }
  let sketches = ranked.filter { entry in candidates.contains { $0.description == entry.name } }.prefix(5).compactMap {
    entry in
    (try? ActivationExpression(parsing: entry.name)).map {
      LineChart.Series(entry.name, x: x, y: $0(Tensor(x)).doubles)
    }
  }
  let scores = random.map { $0.score * 100 }
  return Finding(
    isTop && isBetter ? .reproduced : isTop || isBetter ? .partly : .notReproduced,
    summary: """
      Swish scores \(formattedNumber(swish * 100)) %, rank \(rank) among \(random.count) random candidates (median \
      \(formattedNumber(scores.median)) %, best \(formattedNumber(scores.max() ?? .nan)) %). In the deep network Swish reaches \
      \(formattedNumber(outcomes["Swish"].estimate.mean * 100)) %, ReLU \(formattedNumber(outcomes["ReLU"].estimate.mean * 100)) % (p \
      \(formattedNumber(gain?.pValue ?? .nan, digits: 2))).
      """,
    measurements: bests.map { .init("best of \(evaluations) evaluations, \($0.0), %", Estimate(of: $0.1)) },
    tables: [
      Finding.Table(
        "Functions by validation accuracy of the child, %", columns: ["function", "accuracy"],
        rows: shown.map { [$0.name, formattedNumber($0.score * 100)] }),
      outcomes.table("784-128×8-10: test accuracy, %", score: "accuracy", factor: 100, baseline: "ReLU"),
    ],
    figures: [
      Histogram("Random candidates", xTitle: "validation accuracy, %", scores),
      LineChart("Best so far", xTitle: "evaluations", yTitle: "validation accuracy, %", curves),
      LineChart("The five best random candidates", xTitle: "x", yTitle: "f(x)", Array(sketches), yRange: -4...4),
      outcomes.scorePlot("Deep network", "test accuracy, %", factor: 100, reference: "ReLU"),
    ])
}
