import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Trained rational activations against fixed ones.
let pau = Reproduction(
  "pau", source: "Molina, Schramowski & Kersting 2019, arXiv 1907.06732",
  definition:
    "P(x)/Q(x), polynomials of degrees 5 and 4 with trained coefficients for each layer, Q = 1 + Σ |b_k| |x|^k.",
  interface: ["PadeActivation", "PadeActivation.Coefficients", "RationalFit"],
  claim: """
    Padé activation units approximate common activations, learn new ones, and networks with them match or beat the best fixed activation \
    without having to choose it.
    """,
  check: """
    Fashion-MNIST, 10,000 training and 2,000 validation images, the official test part. LeNet with 5 × 5 convolutions of 6 and 16 \
    channels, average pooling, 120, 84, 10; and an MLP of 8 × 128; Adam, batch 128, 5 epochs, cosine, rate by validation.
    """,
  verdictRule: """
    Reproduced: PAU's mean is within 0.1 point of the best fixed activation or above it on both networks, and above the median candidate \
    on both. Partly: above the median on both.
    """,
  seeds: 2, fullSeeds: 5
) { run in
  let unit = PadeActivation()
  var activations: [(name: String, layer: any Layer)] = [
    ("ReLU", Activation.relu), ("leaky ReLU", Activation.leakyReLU), ("tanh", Activation.tanh), ("ELU", Activation.elu),
    ("SiLU", Activation.silu), ("PReLU", try Activation.named("prelu")), ("PAU", unit),
  ]
  if run.effort == .full {
    activations.append(("PAU, random start", PadeActivation(.random(key: Key(1)))))
    activations.append(("PAU, frozen", PadeActivation(isTrained: false)))
  }
  func lenet(_ activation: any Layer) -> Sequential {
    Sequential([
      Convolution(6, [5, 5]), activation, AveragePool([2, 2]), Convolution(16, [5, 5], padding: .valid), activation,
      AveragePool([2, 2]), Flatten(), Dense(120, initializer: .heNormal), activation, Dense(84, initializer: .heNormal),
      activation,
      Dense(10, initializer: .heNormal),
    ])
  }
  let deep = Array(repeating: 128, count: 8)
  let (train, validation, test) = (
    run.scaled(10_000, smoke: 128), run.scaled(2000, smoke: 128), run.scaled(10_000, smoke: 128)
  )
  let images = try fashionImages(train, validation: validation, test: test, isFlat: false)
  let flat = try fashionImages(train, validation: validation, test: test)
  let epochs = run.scaled(5, smoke: 1)
  let convolutional = try TrainingStudy(images, learningRates: [3e-3, 1e-3], epochs: epochs).run(
    activations.map { .init($0.name, lenet($0.layer)) }, run.part(0...0.75))
  let perceptron = try TrainingStudy(flat, learningRates: [3e-3, 1e-3], epochs: epochs).run(
    activations.map { .init($0.name, plainClassifier(deep, $0.layer)) }, run.part(0.75...1))

  let fixed = ["ReLU", "leaky ReLU", "tanh", "ELU", "SiLU"]
  func standing(_ outcomes: [TrainingStudy.Outcome]) -> (own: Double, best: Double, median: Double) {
    (
      outcomes["PAU"].estimate.mean, fixed.map { outcomes[$0].estimate.mean }.max()!,
      outcomes.prefix(7).map(\.estimate.mean).median
    )
  }
  let (first, second) = (standing(convolutional), standing(perceptron))
  let aboveMedian = first.own > first.median && second.own > second.median
  let matches = first.own >= first.best - 0.001 && second.own >= second.best - 0.001

  // What each layer learned, over the inputs it gets.
  var figures: [any Plot] = [
    convolutional.scorePlot("LeNet", "test accuracy, %", factor: 100, reference: "ReLU"),
    perceptron.scorePlot("MLP 8 × 128", "test accuracy, %", factor: 100, reference: "ReLU"),
  ]
  var distances: [String] = []
  if let variables = convolutional["PAU"].variables[0] {
    let layers = lenet(unit).layers
    var x = images.validation.subset(Array(0..<min(256, images.validation.count))).features
    let scope = Scope(variables)
    let grid = (-90...90).map { Double($0) / 30 }
    var series = [LineChart.Series("start", x: grid, y: unit(Tensor(grid)).doubles)]
    for (i, layer) in layers.enumerated() {
      if layer is PadeActivation, let own = PadeActivation.coefficients(variables.parameters, at: String(i)) {
        let learned = PadeActivation(own, growsFreely: true)(Tensor(grid)).doubles
        series.append(.init("layer \(series.count)", x: grid, y: learned))
        let difference = zip(learned, series[0].y).map { ($0 - $1) * ($0 - $1) }.mean.squareRoot()
        distances.append(formattedNumber(difference, digits: 2))
        figures.append(
          Histogram(
            "Inputs of layer \(series.count - 1)", xTitle: "x", Array(x.flattened()[0..<min(20_000, x.count)].doubles)))
      }
      x = layer(x, scope[i])
    }
    figures.insert(LineChart("What the layers of LeNet learned", xTitle: "x", yTitle: "f(x)", series), at: 2)
  }
  return Finding(
    matches && aboveMedian ? .reproduced : aboveMedian ? .partly : .notReproduced,
    summary: """
      LeNet: PAU \(formattedNumber(first.own * 100)) %, best fixed \(formattedNumber(first.best * 100)) %, median candidate \
      \(formattedNumber(first.median * 100)) %. MLP: PAU \(formattedNumber(second.own * 100)) %, best fixed \
      \(formattedNumber(second.best * 100)) %, median \(formattedNumber(second.median * 100)) %.
      """,
    measurements: [
      .init("distance from the start on [−3, 3] by layer (root mean square), LeNet", distances.joined(separator: ", "))
    ],
    tables: [
      convolutional.table("LeNet: test accuracy, %", score: "accuracy", factor: 100, baseline: "PAU"),
      perceptron.table("MLP 8 × 128: test accuracy, %", score: "accuracy", factor: 100, baseline: "PAU"),
    ], figures: figures)
}
