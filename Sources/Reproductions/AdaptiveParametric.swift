import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Adaptive gates on long-tailed data, in hidden layers and as the link of the output.
let apa = Reproduction(
  "apa", source: "Alexandridis, Deng, Nguyen & Luo 2024, arXiv 2407.08567",
  definition: "APA(z) = (λ e^{−κz} + 1)^{−1/λ} with trained λ and κ; AGLU(z) = z APA(z).",
  interface: [
    "AdaptiveParametric", "AdaptiveParametric.aglu", "AdaptiveParametricOutput", "ChannelAttention", "OneVersusAll",
    "LongTail",
  ],
  claim: """
    Matching the activation to the data's distribution helps balanced and imbalanced tasks: APA and AGLU are better than the state of \
    the art on long-tailed image sets.
    """,
  check: """
    Long-tailed Fashion-MNIST: class c keeps ⌊1000 · 0.01^{c/9}⌋ training images; 100 validation images of each class; the official \
    test part. 784-128-128-10, He-normal, Adam, batch 64, 12 epochs, cosine, rate by balanced validation accuracy. Hidden ReLU, SiLU, \
    GELU, AGLU with outputs softmax, sigmoid, Gumbel, APA; and a balanced counterpart of 248 images a class.
    """,
  verdictRule: """
    Reproduced: (i) with some output AGLU is at least as good as the best of ReLU, SiLU, GELU with the same output, p < 0.05 against \
    it, and (ii) the APA output is not below the sigmoid output with the same hidden unit, on the mean over units. Partly: one of them.
    """,
  seeds: 3
) { run in
  let hidden: [(name: String, layer: any Layer)] = [
    ("ReLU", Activation.relu), ("SiLU", Activation.silu), ("GELU", Activation.gelu),
    ("AGLU", AdaptiveParametric.aglu()),
  ]
  let outputs: [(name: String, loss: any Loss, layer: (any Layer)?, bias: Double)] = [
    ("softmax", CrossEntropy(), nil, 0), ("sigmoid", OneVersusAll(.sigmoid), nil, -2),
    ("Gumbel", OneVersusAll(.gumbel), nil, -2), ("APA", OneVersusAll(.logProbability), AdaptiveParametricOutput(), -2),
  ]
  let parts = try DataSet.named("fashion-mnist").load()
  guard let official = parts.test else { throw DataError("fashion-mnist", "has no test part") }
  let largest = run.scaled(1000, smoke: 20)
  let tailed = LongTail(ratio: 0.01, largest: largest).indices(parts.train)
  let even = LongTail(ratio: 1, largest: max(1, tailed.count / 10)).indices(parts.train)
  let validation = lastOfEachClass(parts.train, run.scaled(100, smoke: 5))
  let test = Array(0..<run.scaled(10_000, smoke: 200))
  func split(_ train: [Int]) -> Split {
    Split(
      train: standardizedFashion(parts.train.subset(train)).flattened(),
      validation: standardizedFashion(parts.train.subset(validation)).flattened(),
      test: standardizedFashion(official.subset(test)).flattened())
  }
  func network(_ unit: any Layer, _ output: (any Layer)?, bias: Double) -> Sequential {
    Sequential(
      [
        Dense(128, initializer: .heNormal), unit, Dense(128, initializer: .heNormal), unit,
        Shifted(units: 10, bias: bias),
      ]
        + (output.map { [$0] } ?? []))
  }
  func study(_ data: Split, _ output: (name: String, loss: any Loss, layer: (any Layer)?, bias: Double))
    -> TrainingStudy
  {
    var study = TrainingStudy(data, learningRates: [1e-3, 3e-3], epochs: run.scaled(12, smoke: 1), batch: 64)
    study.loss = output.loss
    return study
  }
  // The validation and test parts hold each class equally often, so that accuracy is balanced accuracy.
  let long = split(tailed)
  var results: [String: [TrainingStudy.Outcome]] = [:]
  for (i, output) in outputs.enumerated() {
    results[output.name] = try study(long, output).run(
      hidden.map { .init($0.name, network($0.layer, output.layer, bias: output.bias)) },
      run.part(Double(i) * 0.2...Double(i + 1) * 0.2))
  }
  let balanced = split(even)
  var evenResults: [String: [TrainingStudy.Outcome]] = [:]
  for (i, output) in [outputs[1], outputs[3]].enumerated() {
    evenResults[output.name] = try study(balanced, output).run(
      [hidden[0], hidden[3]].map { .init($0.name, network($0.layer, output.layer, bias: output.bias)) },
      run.part(0.8 + Double(i) * 0.1...0.9 + Double(i) * 0.1))
  }

  let winning = outputs.filter { output in
    let outcomes = results[output.name]!
    let rival = outcomes.dropLast().max { $0.estimate.mean < $1.estimate.mean }!
    guard let test = outcomes.difference("AGLU", rival.name) else { return false }
    return test.mean >= 0 && test.pValue < 0.05
  }
  let links = hidden.map { results["APA"]![$0.name].estimate.mean - results["sigmoid"]![$0.name].estimate.mean }
  let (first, second) = (!winning.isEmpty, links.mean >= 0)

  let few = Set<Int32>([7, 8, 9])
  let fewShot = outputs.map { output in
    [output.name]
      + hidden.map { unit in
        let layers = network(unit.layer, output.layer, bias: output.bias)
        let accuracies = results[output.name]![unit.name].variables.compactMap { $0 }.map { variables in
          accuracy(layers, variables, long.test, of: few)
        }
        return formattedNumber(accuracies.mean * 100, digits: 3)
      }
  }
  let adaptive = results["APA"]!["ReLU"].variables[0]
  let lambda = adaptive?.parameters["5/lambda"]?.doubles[0] ?? .nan
  let kappa = adaptive?.parameters["5/kappa"]?.doubles[0] ?? .nan
  // What the output sees: its inputs, for classes with many and with few samples.
  var histograms: [any Plot] = []
  if let adaptive {
    let layers = Sequential(Array(network(Activation.relu, nil, bias: -2).layers))
    for (title, classes) in [("frequent classes 0–2", Set<Int32>([0, 1, 2])), ("rare classes 7–9", few)] {
      let chosen = long.test.labels!.indices.filter { classes.contains(long.test.labels![$0]) }
      let scores = layers.apply(adaptive, long.test.subset(chosen).features)
      histograms.append(
        Histogram("Inputs of the APA output, \(title)", xTitle: "z", scores.doubles.filter { abs($0) < 30 }))
    }
  }
  let z = (-60...60).map { Double($0) / 8 }
  let link = LineChart(
    "The link that was learned", xTitle: "z", yTitle: "p",
    [
      .init(
        "APA", x: z,
        y: AdaptiveParametric.value(
          Tensor(z), lambda: Tensor(lambda.isFinite ? lambda : 1), kappa: Tensor(kappa.isFinite ? kappa : 1)
        )
        .doubles), .init("logistic", x: z, y: z.map { 1 / (1 + exp(-$0)) }),
    ])
  return Finding(
    first && second ? .reproduced : first || second ? .partly : .notReproduced,
    summary: """
      Long-tailed: AGLU is significantly the best hidden unit with \(winning.isEmpty ? "no output" : winning.map(\.name).joined(separator: ", ")); \
      the APA output differs from the sigmoid by \(formattedNumber(links.mean * 100, digits: 2)) points on the mean over units.
      """,
    measurements: [
      .init(
        "learned λ and κ of the output, ReLU, first seed",
        "\(formattedNumber(lambda, digits: 3)), \(formattedNumber(kappa, digits: 3))")
    ],
    tables: outputs.map {
      results[$0.name]!.table(
        "Long-tailed, \($0.name) output: balanced accuracy, %", score: "accuracy", factor: 100, baseline: "AGLU")
    }
      + ["sigmoid", "APA"].map {
        evenResults[$0]!.table("Balanced, \($0) output: accuracy, %", score: "accuracy", factor: 100, baseline: "AGLU")
      }
      + [
        Finding.Table(
          "Accuracy on the three rarest classes, %", columns: ["output"] + hidden.map(\.name), rows: fewShot)
      ],
    figures: [
      results["sigmoid"]!.scorePlot(
        "Long-tailed, sigmoid output", "balanced accuracy, %", factor: 100, reference: "ReLU"), link,
    ]
      + histograms)
}

/// A last layer whose biases start at a number: with -2 each class of ten starts unlikely.
private struct Shifted: Layer {
  var units: Int
  var bias: Double

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let weight = scope.parameter("weight", [x.shape.last, units], .heNormal)
    return x.matmul(weight) + scope.parameter("bias", [units], .constant(bias))
  }
}

/// The last samples of each class.
func lastOfEachClass(_ data: LabeledData, _ count: Int) -> [Int] {
  let labels = data.labels ?? []
  return Set(labels).sorted().flatMap { label in labels.indices.filter { labels[$0] == label }.suffix(count) }
}

/// The share of samples of some classes that are told right.
func accuracy(_ network: any Layer, _ variables: Variables, _ data: LabeledData, of classes: Set<Int32>) -> Double {
  let labels = data.labels ?? []
  let chosen = labels.indices.filter { classes.contains(labels[$0]) }
  guard !chosen.isEmpty else { return .nan }
  let guesses: [Int32] = network.apply(variables, data.subset(chosen).features).argMax().array()
  return Double(zip(guesses, chosen).count { $0 == labels[$1] }) / Double(chosen.count)
}
