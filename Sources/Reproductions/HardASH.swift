import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Sparse activations and adaptive optimizers against forgetting.
let hardASH = Reproduction(
  "hard-ash", source: "Keller 2024, arXiv 2404.17651",
  definition:
    "clip(x, 0, 2) · hσ(α (x − m − z s)), m and s mean and deviation of the layer's units; hσ(t) = min(max(t + 3, 0), 6)/6.",
  interface: [
    "ASH", "ASH.hard", "TopK", "LocalWinnerTakeAll", "Activation.elephant", "RowNormalizedLinear", "ClippedUpdates",
    "ContinualProtocol",
  ],
  claim: """
    A multilayer perceptron with a sparse activation and an adaptive optimizer competes with established regularizers on split image \
    sets; ASH is effective, Hard ASH better still, and the optimizer (Adagrad) matters.
    """,
  check: """
    Split Fashion-MNIST: 20,000 training images, five tasks of two classes, one pass each in order, batch 64, one softmax; 784-1000-10 \
    without biases, hidden weights of mean 0 and length 1, updates cut to 0.01. ReLU, Swish, ASH, Hard ASH, top-k (64) with Adagrad, \
    Adam and SGD; the rate by final accuracy on 2,000 held-out images with one seed, then all seeds; elastic weights on ReLU with Adam, \
    and all tasks at once.
    """,
  verdictRule: """
    Reproduced: Hard ASH with Adagrad is at least 10 points above ReLU with any optimizer and above Hard ASH with SGD, and not below ASH \
    with Adagrad and elastic weights. Partly: 10 points above ReLU and above its own SGD.
    """,
  seeds: 3
) { run in
  let parts = try DataSet.named("fashion-mnist").load()
  guard let official = parts.test else { throw DataError("fashion-mnist", "has no test part") }
  let count = run.scaled(20_000, smoke: 400)
  let train = standardizedFashion(parts.train.subset(Array(0..<count))).flattened()
  let held = standardizedFashion(parts.train.subset(Array(count..<count + run.scaled(2000, smoke: 100)))).flattened()
  let test = standardizedFashion(official.subset(Array(0..<run.scaled(10_000, smoke: 200)))).flattened()
  let tuning = try ContinualProtocol(classIncremental: train, test: held, classesPerTask: 2)
  let judging = try ContinualProtocol(classIncremental: train, test: test, classesPerTask: 2)

  let units: [(name: String, layer: any Layer)] = [
    ("ReLU", Activation.relu), ("Swish", Activation.silu), ("ASH", ASH()), ("Hard ASH", ASH.hard()),
    ("top-k", TopK(64)),
  ]
  var optimizers: [(name: String, optimizer: any Optimizer, rates: [Double])] = [
    ("Adagrad", Adagrad(initialSum: 0.1, epsilon: 1e-7), [1e-4, 3e-4, 1e-3]), ("Adam", Adam(), [3e-6, 1e-5, 1e-4]),
    ("SGD", SGD(), [1e-2, 1e-1]),
  ]
  if run.isSmoke { for i in optimizers.indices { optimizers[i].rates = [optimizers[i].rates[0]] } }
  func network(_ layer: any Layer) -> Sequential {
    Sequential([
      RowNormalizedLinear(run.scaled(1000, smoke: 64)), layer, Dense(10, usesBias: false, initializer: .heNormal),
    ])
  }

  let total = Double(
    units.count * (optimizers.reduce(0) { $0 + $1.rates.count } + optimizers.count * run.seeds) + 3 + 2 * run.seeds)
  var done = 0.0
  func accuracy(
    _ tasks: ContinualProtocol, _ layer: any Layer, _ optimizer: any Optimizer, _ rate: Double, _ seed: Int,
    _ name: String,
    strategy: ContinualProtocol.Strategy = .plain
  ) throws -> ContinualProtocol.Outcome {
    defer { done += 1 }
    return try tasks.run(
      network(layer), optimizer: ClippedUpdates(optimizer, to: 0.01), learningRate: rate, strategy: strategy, seed: seed
    ) { fraction in try run.report((done + fraction) / total, "\(name), learning rate \(rate), seed \(seed)") }
  }
  struct Cell {
    var rate: Double
    var outcomes: [ContinualProtocol.Outcome]
    var estimate: Estimate { Estimate(of: outcomes.map { $0.finalAccuracy * 100 }) }
  }
  var cells: [String: Cell] = [:]
  for unit in units {
    for optimizer in optimizers {
      let name = "\(unit.name), \(optimizer.name)"
      let scores = try optimizer.rates.map { rate in
        try accuracy(tuning, unit.layer, optimizer.optimizer, rate, 0, name).finalAccuracy
      }
      let rate = optimizer.rates[scores.indices.max { scores[$0] < scores[$1] }!]
      let outcomes = try (0..<run.seeds).map { try accuracy(judging, unit.layer, optimizer.optimizer, rate, $0, name) }
      cells[name] = Cell(rate: rate, outcomes: outcomes)
    }
  }
  let reluRate = cells["ReLU, Adam"]!.rate
  let strengths = run.isSmoke ? [10.0] : [10.0, 100, 1000]
  let elastic = try strengths.map { lambda in
    (
      lambda,
      try accuracy(
        judging, Activation.relu, Adam(), reluRate, 0, "elastic weights", strategy: .elasticWeights(lambda: lambda)
      ).finalAccuracy
    )
  }.max { $0.1 < $1.1 }!
  let joint = try (0..<run.seeds).map {
    try accuracy(judging, Activation.relu, Adam(), 1e-3, $0, "all at once", strategy: .joint).finalAccuracy * 100
  }
  let replay = try (0..<run.seeds).map {
    try accuracy(judging, Activation.relu, Adam(), reluRate, $0, "replay", strategy: .replay(perTask: 100))
      .finalAccuracy * 100
  }

  func mean(_ name: String) -> Double { cells[name]!.estimate.mean }
  let own = mean("Hard ASH, Adagrad")
  let overReLU = own - optimizers.map { mean("ReLU, \($0.name)") }.max()!
  let overSGD = own - mean("Hard ASH, SGD")
  let isReproduced = overReLU >= 10 && overSGD >= 10 && own >= mean("ASH, Adagrad") && own >= elastic.1 * 100
  let tasks = (1...judging.tasks.count).map { "task \($0)" }
  func matrix(_ name: String) -> HeatMap {
    let all = cells[name]!.outcomes.map(\.accuracies)
    let values = tasks.indices.map { t in tasks.indices.map { k in all.map { $0[t][k] * 100 }.mean } }
    return HeatMap(
      "\(name): accuracy, %", xTitle: "judged on", yTitle: "after", rows: tasks, columns: tasks, values: values)
  }
  let sparsity = units.map { unit -> [String] in
    let cell = cells["\(unit.name), Adagrad"]!
    let gradients = cell.outcomes.map(\.gradientSparsity).mean * 100
    let layers = Sequential(Array(network(unit.layer).layers.prefix(2)))
    let active = (layers.apply(cell.outcomes[0].variables, test.features) .!= 0).cast(to: .float32).mean().doubles[0]
    return [unit.name, formattedNumber((1 - active) * 100, digits: 3), formattedNumber(gradients, digits: 3)]
  }
  return Finding(
    isReproduced ? .reproduced : overReLU >= 10 && overSGD >= 10 ? .partly : .notReproduced,
    summary: """
      Hard ASH with Adagrad keeps \(formattedNumber(own, digits: 3)) %, ReLU at best \(formattedNumber(own - overReLU, digits: 3)) %, ASH with \
      Adagrad \(formattedNumber(mean("ASH, Adagrad"), digits: 3)) %, Hard ASH with SGD \(formattedNumber(own - overSGD, digits: 3)) %, elastic \
      weights \(formattedNumber(elastic.1 * 100, digits: 3)) %; all tasks at once reach \(formattedNumber(joint.mean, digits: 3)) %.
      """,
    measurements: [
      .init(
        "elastic weights, best λ of \(strengths.map { formattedNumber($0) }.joined(separator: ", "))",
        formattedNumber(elastic.0)),
      .init("replay of 100 samples a task, ReLU, Adam, %", Estimate(of: replay)),
      .init("all tasks at once, %", Estimate(of: joint)),
    ],
    tables: [
      Finding.Table(
        "Final accuracy, %", columns: ["unit"] + optimizers.map(\.name),
        rows: units.map { unit in
          [unit.name] + optimizers.map { cells["\(unit.name), \($0.name)"]!.estimate.formatted(digits: 3) }
        }),
      Finding.Table(
        "Forgetting, points, with the chosen rate", columns: ["unit"] + optimizers.map(\.name),
        rows: units.map { unit in
          [unit.name]
            + optimizers.map { optimizer in
              let cell = cells["\(unit.name), \(optimizer.name)"]!
              return formattedNumber(cell.outcomes.map { $0.forgetting * 100 }.mean, digits: 3)
                + " (\(formattedNumber(cell.rate)))"
            }
        }),
      Finding.Table(
        "With Adagrad: zeros, %", columns: ["unit", "hidden outputs", "gradients of hidden weights"], rows: sparsity),
    ],
    figures: [matrix("Hard ASH, Adagrad"), matrix("ReLU, Adagrad"), matrix("ReLU, SGD")],
    remarks: ["The learning rate of each pair was chosen with one seed."])
}
