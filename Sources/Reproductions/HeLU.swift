import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Whether a gradient that passes a little below zero keeps narrow networks alive.
let helu = Reproduction(
  "helu", source: "Kimhi, Kashani, Mendelson & Baskin 2024, arXiv 2411.10573",
  definition: "max(z, 0) forward; backward the gradient passes where z > −α.", interface: ["HeLU", "DeadUnits"],
  claim: "HeLU mitigates dying ReLU at no cost of inference and generalizes better, like more complex activations.",
  check: """
    Dying: y = |x| at 128 points of [−√3, √3], five hidden layers of 3 units, He-normal, Adam 0.01, 1,500 steps, 200 starts; a \
    network has collapsed if its output's deviation is below 1e-3. Accuracy: Fashion-MNIST, 10,000 images, 784-64×4-10, momentum \
    0.9, batch 128, 8 epochs, cosine; rates 0.02, 0.05, 0.1 for HeLU with α 0.05 and 0.2, and 0.03, 0.07 more for ReLU, so that \
    both have about the same number of trials.
    """,
  verdictRule: """
    Reproduced: fewer of HeLU(0.05)'s networks collapse than of ReLU's (two-proportion z-test, p < 0.01), and its accuracy is not \
    more than 0.1 point below ReLU's. Partly: one of the two.
    """,
  seeds: 5
) { run in
  let units: [(name: String, layer: any Layer)] = [
    ("relu", Activation.relu), ("helu 0.05", HeLU(alpha: 0.05)), ("helu 0.2", HeLU(alpha: 0.2)),
    ("helu 1", HeLU(alpha: 1)),
    ("leaky relu 0.01", Activation.leakyReLU), ("gelu", Activation.gelu),
  ]
  let restarts = run.scaled(200, smoke: 8)
  let steps = run.scaled(1500, smoke: 5)
  let x = Tensor((0..<128).map { Float((2 * Double($0) / 127 - 1) * 3.0.squareRoot()) }, shape: [128, 1])
  let y = x.abs()
  /// The share of starts that end as a constant.
  func collapsed(_ layer: any Layer, bias: Double = 0, _ run: ReproductionRun) throws -> Double {
    let network = Sequential(
      (0..<5).flatMap { _ in [Dense(3, initializer: .heNormal), layer] as [any Layer] } + [
        Dense(1, initializer: .heNormal)
      ])
    let starts = (0..<restarts).map { seed -> Parameters in
      var parameters = network.initialized(for: [1, 1], key: Key(seed)).parameters
      for name in parameters.names where bias != 0 && name.hasSuffix("bias") {
        parameters[name] = parameters[name]! + bias
      }
      return parameters
    }
    let training = try EnsembleTraining(starts, optimizer: Adam(), learningRates: [0.01], shared: [x, y]) { member in
      (network.apply(Variables(parameters: member.parameters), member.shared[0]) - member.shared[1]).squared().mean()
    }
    for step in 0..<steps {
      training.step()
      if step % 50 == 0 { try run.report(Double(step) / Double(steps), "dying units") }
    }
    let dead = training.members.count { member in
      network.apply(Variables(parameters: member), x).standardDeviation().floats[0] < 1e-3
    }
    return Double(dead) / Double(restarts)
  }
  let shares = try units.enumerated().map { i, unit in
    try collapsed(unit.layer, run.part(Double(i) * 0.07...Double(i + 1) * 0.07))
  }
  let negative = try ["relu", "helu 0.05", "leaky relu 0.01"].enumerated().map { i, name in
    try collapsed(
      units.first { $0.name == name }!.layer, bias: -3, run.part(0.42 + Double(i) * 0.04...0.46 + Double(i) * 0.04))
  }

  let data = try fashionImages(
    run.scaled(10_000, smoke: 128), validation: run.scaled(2000, smoke: 128), test: run.scaled(10_000, smoke: 128))
  var study = TrainingStudy(data, learningRates: [0.02, 0.05, 0.1], epochs: run.scaled(8, smoke: 1))
  study.optimizer = SGD(momentum: 0.9)
  let hidden = Array(repeating: 64, count: 4)
  let trained = try study.run(
    units[1...2].map { .init($0.name, plainClassifier(hidden, $0.layer)) }, run.part(0.55...0.8))
  study.learningRates = [0.02, 0.03, 0.05, 0.07, 0.1]
  let rival = try study.run([.init("relu", plainClassifier(hidden, Activation.relu))], run.part(0.8...1))
  let best = trained.max { $0.validation.mean < $1.validation.mean }!
  let outcomes = rival + trained

  let p = twoProportionTest(shares[1], shares[0], restarts, restarts)
  let fewer = shares[1] < shares[0] && p < 0.01
  let asGood = best.estimate.mean >= rival[0].estimate.mean - 0.001
  let dead = outcomes.map { outcome -> [String] in
    let layer: any Layer =
      outcome.name == "relu" ? Activation.relu : outcome.name == "helu 0.05" ? HeLU() : HeLU(alpha: 0.2)
    let fractions = outcome.variables.compactMap { $0 }.map { variables in
      DeadUnits(plainClassifier(hidden, layer), variables, data.validation.features).fraction
    }
    return [outcome.name, formattedNumber(fractions.mean * 100, digits: 3)]
  }
  let z = (-60...60).map { Double($0) / 200 }
  let unit = HeLU(alpha: 0.1)
  return Finding(
    fewer && asGood ? .reproduced : fewer || asGood ? .partly : .notReproduced,
    summary: """
      Of \(restarts) narrow networks \(formattedNumber(shares[0] * 100, digits: 3)) % collapsed with ReLU, \
      \(formattedNumber(shares[1] * 100, digits: 3)) % with HeLU(0.05) (p \(formattedNumber(p, digits: 2))); leaky ReLU and GELU \
      collapse less still (\(formattedNumber(shares[4] * 100, digits: 3)) %, \(formattedNumber(shares[5] * 100, digits: 3)) %). \
      Accuracy: \(best.name) \(formattedNumber(best.estimate.mean * 100)) %, ReLU \
      \(formattedNumber(rival[0].estimate.mean * 100)) %.
      """,
    measurements: zip(["relu", "helu 0.05", "leaky relu 0.01"], negative).map {
      .init("collapsed with biases started at −3, \($0), %", $1 * 100, digits: 3)
    },
    tables: [
      Finding.Table(
        "Collapsed networks", columns: ["unit", "share, %"],
        rows: zip(units, shares).map { [$0.name, formattedNumber($1 * 100, digits: 3)] }),
      outcomes.table("Fashion-MNIST: test accuracy, %", score: "accuracy", factor: 100, baseline: "relu"),
      Finding.Table("Units whose output is 0 for every validation image", columns: ["unit", "share, %"], rows: dead),
    ],
    figures: [
      IntervalPlot(
        "Collapsed networks", xTitle: "share, %", zip(units, shares).map { .init($0.name, $1 * 100) }, style: .bars),
      LineChart(
        "HeLU with α = 0.1", xTitle: "z", yTitle: "",
        [
          .init("forward", x: z, y: unit(Tensor(z)).doubles),
          .init("backward", x: z, y: grad { unit($0).sum() }(Tensor(z)).doubles),
        ]),
    ],
    remarks: [
      "HeLU does not revive units whose pre-activations all lie below −α: see the biases started at −3.",
      "The point of HeLU is not to beat leaky ReLU or GELU but to ship as ReLU.",
    ])
}
