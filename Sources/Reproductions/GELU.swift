import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Gaussian error linear units against ReLU and ELU on three tasks.
let gelu = Reproduction(
  "gelu", source: "Hendrycks & Gimpel 2016, arXiv 1606.08415",
  definition:
    "x Φ(x), with Φ the standard normal distribution function; tanh and sigmoid approximations are forms of their own.",
  interface: ["Activation.gelu", "Activation.gelu(_:)", "Activation.gelu(mean:scale:)", "GELUForm", "StochasticGELU"],
  claim: "GELU improves on ReLU and ELU on all vision, language and speech tasks that the authors tried.",
  check: """
    Fashion-MNIST, 10,000 training and 2,000 validation images, the official test part. An MLP of 8 hidden layers of 128 units \
    (He-normal), Adam, batch 128, 5 epochs, cosine; the same with dropout 0.5 before the output at the rate chosen; and an \
    autoencoder 784-128-32-128-784 by mean squared error, 4 epochs. The rate is chosen for each activation by its mean validation \
    score; the seeds share the data's order.
    """,
  verdictRule: """
    Reproduced: GELU's mean is better than both on at least two of three tasks and significantly worse (p < 0.05) on none. Partly: \
    better than ReLU on at least two. Else not.
    """,
  seeds: 3, fullSeeds: 10
) { run in
  let data = try fashionImages(
    run.scaled(10_000, smoke: 256), validation: run.scaled(2000, smoke: 128), test: run.scaled(10_000, smoke: 128))
  let activations: [(name: String, activation: Activation)] = [("gelu", .gelu), ("relu", .relu), ("elu", .elu)]
  let depth = Array(repeating: 128, count: 8)

  var study = TrainingStudy(data, learningRates: [3e-3, 1e-3, 3e-4], epochs: run.scaled(5, smoke: 1))
  let plain = try study.run(
    activations.map { .init($0.name, plainClassifier(depth, $0.activation)) }, run.part(0...0.6))

  // Dropout at the rate that was chosen without it.
  var dropped: [TrainingStudy.Outcome] = []
  for (i, entry) in activations.enumerated() {
    study.learningRates = [plain[entry.name].learningRate]
    let network = Sequential(
      depth.flatMap { [Dense($0, initializer: .heNormal), entry.activation] as [any Layer] }
        + [Dropout(0.5), Dense(10, initializer: .heNormal)])
    dropped += try study.run(
      [.init(entry.name, network)], run.part((0.6 + Double(i) * 0.2 / 3)...(0.6 + Double(i + 1) * 0.2 / 3)))
  }

  let images = Split(
    train: data.train.predictingItself(), validation: data.validation.predictingItself(),
    test: data.test.predictingItself())
  var reconstruction = TrainingStudy(images, learningRates: [3e-3, 1e-3], epochs: run.scaled(4, smoke: 1))
  reconstruction.loss = MeanSquaredError()
  reconstruction.metric = nil
  let coded = try reconstruction.run(
    activations.map { .init($0.name, plainClassifier([128, 32, 128], outputs: 784, $0.activation)) }, run.part(0.8...1))

  let tasks: [(name: String, outcomes: [TrainingStudy.Outcome], sign: Double)] = [
    ("classifier", plain, 1), ("classifier with dropout", dropped, 1), ("autoencoder", coded, -1),
  ]
  var (better, betterThanReLU, isWorse) = (0, 0, false)
  for task in tasks {
    let gains = ["relu", "elu"].map { rival in
      task.sign * (task.outcomes["gelu"].estimate.mean - task.outcomes[rival].estimate.mean)
    }
    if gains.allSatisfy({ $0 > 0 }) { better += 1 }
    if gains[0] > 0 { betterThanReLU += 1 }
    for (rival, gain) in zip(["relu", "elu"], gains) where gain < 0 {
      if let test = task.outcomes.difference("gelu", rival), test.pValue < 0.05 { isWorse = true }
    }
  }
  let verdict: Verdict =
    better >= 2 && !isWorse ? .reproduced : betterThanReLU >= 2 ? .partly : .notReproduced

  let x = (0...240).map { Double($0) / 20 - 6 }
  let points = Tensor(x)
  let exact = Activation.gelu(.exact)(points)
  let errors = [GELUForm.tanh, .sigmoid].map { form in
    LineChart.Series(form.rawValue, x: x, y: (Activation.gelu(form)(points) - exact).doubles)
  }
  return Finding(
    verdict,
    summary: """
      GELU was better than both ReLU and ELU on \(better) of 3 tasks and better than ReLU on \(betterThanReLU); it was \
      significantly worse on \(isWorse ? "at least one" : "none").
      """,
    measurements: plain.map { .init("test accuracy, \($0.name), %", Estimate(of: $0.test.map { $0 * 100 })) },
    tables: [
      plain.table("Classifier: test accuracy, %", score: "accuracy", factor: 100, baseline: "gelu"),
      dropped.table("Classifier with dropout: test accuracy, %", score: "accuracy", factor: 100, baseline: "gelu"),
      coded.table("Autoencoder: test mean squared error", score: "error", baseline: "gelu"),
    ],
    figures: [
      plain.scorePlot("Classifier", "test accuracy, %", factor: 100), plain.lossPlot("Classifier: training loss"),
      coded.lossPlot("Autoencoder: training loss"),
      LineChart("What the approximations are off by", xTitle: "x", yTitle: "form − exact", errors),
    ])
}
