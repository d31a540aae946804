import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Smooth leaky ReLU on a multilayer perceptron and a small convolutional network.
let sau = Reproduction(
  "sau", source: "Biswas, Kumar, Banerjee & Pandey 2021, arXiv 2109.13210",
  definition:
    "(1+α)/2 x + (1−α)/2 (√(2/π)/β e^{−β²x²/2} + x erf(βx/√2)): leaky ReLU convolved with a Gaussian of width 1/β.",
  interface: [
    "Activation.sau(slope:sharpness:isTrained:)", "Activation.smoothed(_:kernel:sharpness:isTrained:)",
    "SmoothedActivation", "SmoothingKernel", "PiecewiseLinear",
  ],
  claim: "Smooth leaky ReLU is better than ReLU and other activations on several data sets and models.",
  check: """
    Fashion-MNIST: an MLP of 8 × 128 on 10,000 images, 5 epochs, and a network of three 3 × 3 convolutions (8, 16, 32 channels, \
    pooling between, global average) on 4,000 images, 3 epochs; Adam, batch 128, cosine, rate by validation.
    """,
  verdictRule: """
    Reproduced: SAU (the preset, β = 2 trained or β = 20,000, by validation) beats ReLU (p < 0.05) and is not below leaky ReLU of \
    the same slope on both networks. Partly: on one.
    """,
  seeds: 3
) { run in
  let soft = try Activation.sau()
  let sharp = try Activation.sau(sharpness: 20_000, isTrained: false)
  let activations: [(name: String, activation: Activation)] = [
    ("relu", .relu), ("leaky relu 0.01", .leakyReLU), ("leaky relu 0.15", try .named("leaky-relu(a=1/0.15)")),
    ("prelu", try .named("prelu")), ("gelu", .gelu), ("swish", .silu), ("sau, β = 2 trained", soft),
    ("sau, β = 20,000", sharp),
  ]
  let test = run.scaled(10_000, smoke: 128)
  let flat = try fashionImages(run.scaled(10_000, smoke: 128), validation: run.scaled(2000, smoke: 128), test: test)
  let images = try fashionImages(
    run.scaled(4000, smoke: 128), validation: run.scaled(2000, smoke: 128), test: test, isFlat: false)
  let first = TrainingStudy(flat, learningRates: [3e-3, 1e-3], epochs: run.scaled(5, smoke: 1))
  let perceptron = try first.run(
    activations.map { .init($0.name, plainClassifier(Array(repeating: 128, count: 8), $0.activation)) },
    run.part(0...0.6))
  let second = TrainingStudy(images, learningRates: [1e-2, 3e-3], epochs: run.scaled(3, smoke: 1))
  let convolutional = try second.run(
    activations.map { .init($0.name, smallConvolutional($0.activation)) }, run.part(0.6...1))

  /// The preset that validation prefers.
  func preset(_ outcomes: [TrainingStudy.Outcome]) -> String {
    ["sau, β = 2 trained", "sau, β = 20,000"].max { outcomes[$0].validation.mean < outcomes[$1].validation.mean }!
  }
  func holds(_ outcomes: [TrainingStudy.Outcome]) -> Bool {
    let name = preset(outcomes)
    guard let test = outcomes.difference(name, "relu") else { return false }
    return test.mean > 0 && test.pValue < 0.05
      && outcomes[name].estimate.mean >= outcomes["leaky relu 0.15"].estimate.mean
  }
  let count = [perceptron, convolutional].count(where: holds)
  let sharpness =
    perceptron["sau, β = 2 trained"].variables.first.flatMap { $0 }.map { learned($0, "b", of: soft) } ?? []
  let x = (-60...60).map { Double($0) / 40 }
  let corner = [("leaky relu 0.15", activations[2].activation), ("β = 2", soft), ("β = 20,000", sharp)].map { name, f in
    LineChart.Series(name, x: x, y: f(Tensor(x)).doubles)
  }
  return Finding(
    count == 2 ? .reproduced : count == 1 ? .partly : .notReproduced,
    summary: """
      MLP: \(preset(perceptron)) \(formattedNumber(perceptron[preset(perceptron)].estimate.mean * 100)) %, ReLU \
      \(formattedNumber(perceptron["relu"].estimate.mean * 100)) %. Convolutional: \(preset(convolutional)) \
      \(formattedNumber(convolutional[preset(convolutional)].estimate.mean * 100)) %, ReLU \
      \(formattedNumber(convolutional["relu"].estimate.mean * 100)) %. The rule holds on \(count) of 2 networks.
      """,
    measurements: [
      .init(
        "learned β by layer, MLP, first seed", sharpness.map { formattedNumber($0, digits: 3) }.joined(separator: ", "))
    ],
    tables: [
      perceptron.table("MLP 8 × 128: test accuracy, %", score: "accuracy", factor: 100, baseline: "relu"),
      convolutional.table("Convolutional: test accuracy, %", score: "accuracy", factor: 100, baseline: "relu"),
    ],
    figures: [
      perceptron.scorePlot("MLP", "test accuracy, %", factor: 100, reference: "relu"),
      convolutional.scorePlot("Convolutional network", "test accuracy, %", factor: 100, reference: "relu"),
      LineChart("The corner", xTitle: "x", yTitle: "f(x)", corner),
    ])
}

/// `conv 3×3 (8) → activation → pool → conv (16) → activation → pool → conv (32) → activation → mean → Dense`.
func smallConvolutional(_ activation: any Layer, channels: [Int] = [8, 16, 32], isNormalized: Bool = false)
  -> Sequential
{
  var layers: [any Layer] = []
  for (i, count) in channels.enumerated() {
    if i > 0 { layers.append(MaxPool([2, 2])) }
    layers.append(Convolution(count, [3, 3]))
    if isNormalized { layers.append(BatchNorm()) }
    layers.append(activation)
  }
  return Sequential(layers + [GlobalPool(), Dense(10, initializer: .heNormal)])
}

/// The values of an activation's trained parameter in each layer, in the order of the layers.
func learned(_ variables: Variables, _ name: String, of activation: Activation) -> [Double] {
  variables.parameters.names.filter { $0.hasSuffix("/" + name) }.flatMap { path in
    activation.value(ofStored: variables.parameters[path]!, named: name).doubles
  }
}
