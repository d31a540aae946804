import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports
import SomaSearch

/// Activations and settings chosen for a pruned network.
let sparseActivations = Reproduction(
  "safs", source: "Loni, Mohan, Asadi & Lindauer 2023, arXiv 2305.10964",
  definition:
    "α h(βx) in each layer of a pruned network: h by late-acceptance hill climbing, α and β trained, then optimizer and rate chosen.",
  interface: [
    "SparseOperator", "ScaledOperator", "MagnitudePruning", "Parameters.masked", "SparseActivationSearch",
    "LateAcceptanceHillClimb", "BayesianSearch", "Trainer.projection",
  ],
  claim:
    "With high pruning, choosing activations and settings for the sparse network gains up to 15.53 (LeNet-5), 8.88 (VGG-16) and 6.33 (ResNet-18) points over the default protocol.",
  check: """
    Fashion-MNIST, 10,000 training and 2,000 validation images; 784-300-100-10, trained dense (Adam 1e-3, 5 epochs, batch 128), pruned to \
    99 % by magnitude in each layer (95 and 99.5 % with --effort full). Settings are searched with a model. Default: ReLU, 3 epochs with the dense settings. Settings only: 12 \
    trials of optimizer, rate, momentum and schedule. Activations only: 12 steps of climbing, each judged after one epoch. SAFS: 8 steps, then 4 trials of \
    settings with trained scales. All choices on validation, the test part once, 3 seeds.
    """,
  verdictRule: """
    Reproduced: at 99 % SAFS exceeds the default by at least 5 points and both single choices in the mean. Partly: by at least 5 points, \
    but not both. Else not.
    """,
  seeds: 3
) { run in
  let data = try fashionImages(
    run.scaled(10_000, smoke: 256), validation: run.scaled(2000, smoke: 128), test: run.scaled(10_000, smoke: 128))
  let widths = run.isSmoke ? [16, 12] : [300, 100]
  func network(_ operators: [[SparseOperator]], isTrained: Bool = false) -> Sequential {
    Sequential(
      widths.indices.flatMap { i in
        [Dense(widths[i], initializer: .heNormal), ScaledOperator(operators[i], isTrained: isTrained)] as [any Layer]
      } + [Dense(10, initializer: .heNormal)])
  }
  /// Trains on and returns variables and accuracies, in per cent.
  func tuned(
    _ net: Sequential, _ start: Parameters, _ masks: Parameters?, _ settings: FineTuning, epochs: Int, seed: Int
  ) throws -> (variables: Variables, validation: Double)? {
    let loader = DataLoader(
      data.train, batchSize: min(128, data.train.count), seed: UInt64(seed), dropsLast: true, prefetch: 0)
    let trainer = Trainer(
      net, loss: CrossEntropy(), optimizer: settings.optimizer, schedule: settings.schedule(epochs * loader.batchCount),
      metrics: [.accuracy], seed: seed)
    if let masks { trainer.projection = { $0.masked(masks) } }
    trainer.plateau = settings.plateau
    // Weights from before, scales as they begin.
    let fresh = net.initialized(for: Shape([1] + data.train.sampleShape), key: Key(seed)).parameters
    trainer.variables = Variables(parameters: fresh.map { start[$0] ?? $1 })
    let judged = DataLoader(data.validation, batchSize: 500, prefetch: 0)
    do {
      try trainer.fit(loader, validation: trainer.plateau == nil ? nil : judged, for: .epochs(epochs))
    } catch is NonFiniteLoss { return nil }
    let found = try trainer.evaluate(judged)
    return (trainer.variables!, (found.metrics["accuracy"] ?? 0) * 100)
  }
  func test(_ net: Sequential, _ variables: Variables) throws -> Double {
    try Inference(net, CrossEntropy(), [.accuracy]).evaluate(
      variables, DataLoader(data.test, batchSize: 500, prefetch: 0)
    ).metrics["accuracy"]! * 100
  }
  let relu: [[SparseOperator]] = [[.relu], [.relu]]
  let ratios = run.isSmoke ? [0.8] : run.effort == .full ? [0.95, 0.99, 0.995] : [0.99]
  let trials = (
    hpo: run.scaled(12, smoke: 1), climb: run.scaled(12, smoke: 1), safsClimb: run.scaled(8, smoke: 1),
    safsHPO: run.scaled(4, smoke: 1)
  )
  let protocols = ["default", "settings only", "activations only", "SAFS"]
  var results: [Double: [String: [Double]]] = [:]
  var chosen: [[String]] = []
  var dense: [Double] = []
  let total =
    Double(run.seeds * ratios.count) * Double(trials.hpo + trials.climb + trials.safsClimb + trials.safsHPO + 6)
  var done = 0.0
  func tick(_ text: String) throws {
    done += 1
    try run.report(min(1, done / total), text)
  }
  let fineEpochs = run.scaled(3, smoke: 1)
  for seed in 0..<run.seeds {
    let base = network(relu)
    let first = base.initialized(for: Shape([1] + data.train.sampleShape), key: Key(seed).folding("weights")).parameters
    guard let full = try tuned(base, first, nil, FineTuning(), epochs: run.scaled(5, smoke: 1), seed: seed) else {
      continue
    }
    dense.append(try test(base, full.variables))
    for ratio in ratios {
      let masks = try MagnitudePruning(ratio: ratio).masks(full.variables.parameters)
      let pruned = full.variables.parameters.masked(masks)
      func record(_ name: String, _ value: Double) { results[ratio, default: [:]][name, default: []].append(value) }
      // Default.
      if let found = try tuned(base, pruned, masks, FineTuning(), epochs: fineEpochs, seed: seed) {
        record("default", try test(base, found.variables))
      }
      try tick("seed \(seed): default")
      // Settings alone.
      func best(_ net: Sequential, _ count: Int, _ text: String) throws -> (variables: Variables, settings: FineTuning)?
      {
        var best: (score: Double, variables: Variables, settings: FineTuning)?
        var search = FineTuning.search(trials: count, seed: UInt64(seed))
        for _ in 0..<count {
          let point = search.next()
          let settings = FineTuning(point)
          let found = try tuned(net, pruned, masks, settings, epochs: fineEpochs, seed: seed)
          search.observe(point, found.map { -$0.validation } ?? .infinity)
          if let found, best == nil || found.validation > best!.score {
            best = (found.validation, found.variables, settings)
          }
          try tick(text)
        }
        return best.map { ($0.variables, $0.settings) }
      }
      if let found = try best(base, trials.hpo, "seed \(seed): settings only") {
        record("settings only", try test(base, found.variables))
      }
      // Activations.
      func searched(_ steps: Int, _ text: String) throws -> SparseActivationSearch.Result {
        try SparseActivationSearch(steps: steps).run(units: widths, seed: UInt64(seed)) { state in
          try tick(text)
          let found = try tuned(network(state), pruned, masks, FineTuning(), epochs: 1, seed: seed)
          return 100 / max(found?.validation ?? 0.1, 0.1)
        }
      }
      let alone = try searched(trials.climb, "seed \(seed): activations only")
      if let found = try tuned(network(alone.operators), pruned, masks, FineTuning(), epochs: fineEpochs, seed: seed) {
        record("activations only", try test(network(alone.operators), found.variables))
      }
      let both = try searched(trials.safsClimb, "seed \(seed): SAFS")
      let net = network(both.operators, isTrained: true)
      if let found = try best(net, trials.safsHPO, "seed \(seed): SAFS") {
        record("SAFS", try test(net, found.variables))
        let scales = widths.indices.map { i -> String in
          let p = found.variables.parameters
          func number(_ name: String) -> String {
            formattedNumber(p["\(2 * i + 1)/\(name)"]?.scalar ?? .nan, digits: 2)
          }
          return "\(both.operators[i][0].rawValue) (α \(number("alpha")), β \(number("beta")))"
        }
        chosen.append([formattedNumber(ratio * 100), String(seed)] + scales + [found.settings.description])
      }
    }
  }
  let main = results[run.isSmoke ? 0.8 : 0.99]!
  func mean(_ name: String) -> Double { main[name]?.mean ?? .nan }
  let gain = mean("SAFS") - mean("default")
  let beatsBoth = mean("SAFS") > mean("settings only") && mean("SAFS") > mean("activations only")
  let verdict: Verdict = gain >= 5 && beatsBoth ? .reproduced : gain >= 5 ? .partly : .notReproduced
  return Finding(
    verdict,
    summary: """
      At 99 % pruned: default \(formattedNumber(mean("default"), digits: 3)) %, settings only \
      \(formattedNumber(mean("settings only"), digits: 3)) %, activations only \(formattedNumber(mean("activations only"), digits: 3)) %, SAFS \
      \(formattedNumber(mean("SAFS"), digits: 3)) % (dense \(formattedNumber(dense.mean, digits: 3)) %).
      """,
    measurements: [.init("dense network, test accuracy, %", Estimate(of: dense))],
    tables: [
      .init(
        "Test accuracy, %", columns: ["pruned, %"] + protocols,
        rows: ratios.map { ratio in
          [formattedNumber(ratio * 100)] + protocols.map { Estimate(of: results[ratio]?[$0] ?? []).formatted() }
        }),
      .init(
        "What SAFS chose", columns: ["pruned, %", "seed", "first layer", "second layer", "settings"], rows: chosen),
    ],
    figures: [
      IntervalPlot(
        "99 % pruned: test accuracy", xTitle: "%",
        protocols.enumerated().map { i, name in
          let e = Estimate(of: main[name] ?? [])
          return .init(name, e.mean, interval: e.interval, series: i)
        }),
      LineChart(
        "Accuracy against sparsity", xTitle: "pruned, %", yTitle: "test accuracy, %",
        protocols.map { name in
          .init(
            name, x: [0] + ratios.map { $0 * 100 }, y: [dense.mean] + ratios.map { results[$0]?[name]?.mean ?? .nan })
        }),
    ],
    remarks: [
      "Robust Adam and Fromage, optional in the specification, are not among the optimizers."
    ])
}
