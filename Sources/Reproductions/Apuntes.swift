import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaReports

/// Perceptron, delta rule and back-propagation, as course notes have them.
let apuntes = Reproduction(
  "apuntes",
  source:
    "Apuntes de redes neuronales artificiales (abstract); Rosenblatt 1958, Widrow & Hoff 1960, Rumelhart et al. 1986",
  definition:
    "y = f(Σ wᵢ xᵢ + b); perceptron rule w ← w + η (t - y) x; delta rule w ← w + η (t - y) f'(a) x; back-propagation δˡ = (Wˡ⁺¹)ᵀ δˡ⁺¹ f'(aˡ).",
  interface: [
    "McCullochPitts", "BooleanFunction", "PerceptronRule", "PerceptronRule.isSeparable", "DeltaRule",
    "DeltaRule.stabilityLimit", "Backpropagation", "Backpropagation.traced", "LinearProgram",
  ],
  claim:
    "The delta rule finds the weights of a neuron for problems that a line separates; a feed-forward network with back-propagation solves those that none does.",
  check: """
    (a) All 16 functions of two inputs, perceptron (200 epochs) and delta rule (threshold ½), 20 random orders of patterns each. (b) Two \
    Gaussian clouds, means ±1.5, 200 points: the delta rule against least squares. (c) Exclusive or, 2-2-1 and 2-4-1 logistic, η = 0.5, \
    μ = 0.9, pattern by pattern, up to 5,000 epochs, 50 starts in ±½. (d) Two rings (radii 0.5 and 1, noise 0.1, 400 points): one neuron \
    against 2-8-1. (e) Irises, 4-6-3, ten-fold cross-validation.
    """,
  verdictRule: """
    Reproduced: (a) the perceptron solves exactly the 14 separable functions; (b) accuracies within 0.5 %; (c) 2-4-1 succeeds from at \
    least 90 % of starts; (d) neuron below 70 %, network above 95 %; (e) at least 93 %. Partly: (a) to (c). Else not.
    """,
  seeds: 20, fullSeeds: 50
) { run in
  let rows = BooleanFunction.and.rows()
  // (a)
  var logic: [[String]] = []
  var (solved, unsolved) = (0, [String]())
  for function in BooleanFunction.ofTwo {
    var (perceptron, delta) = (0, 0)
    for seed in 0..<run.seeds {
      var generator = SeededGenerator(seed: UInt64(seed), stream: UInt64(function.code))
      let orders = (0..<200).map { _ in generator.permutation(4) }
      if try PerceptronRule(maximumEpochs: 200).fit(rows, function.values, order: { orders[$0] }).isDone {
        perceptron += 1
      }
      let neuron = try DeltaRule(mode: .pattern, learningRate: 0.05, maximumEpochs: 200).fit(
        rows, function.values, order: { orders[$0] }
      ).neuron
      if zip(rows, function.values).allSatisfy({ (neuron($0) >= 0.5) == ($1 > 0.5) }) { delta += 1 }
    }
    if perceptron == run.seeds { solved += 1 } else { unsolved.append(function.description) }
    let isSeparable = PerceptronRule.isSeparable(rows, function.values)
    logic.append([
      function.description, isSeparable ? "yes" : "no", "\(perceptron)/\(run.seeds)", "\(delta)/\(run.seeds)",
    ])
  }
  let isLogicRight = solved == 14 && Set(unsolved) == ["XOR", "XNOR"]
  try run.report(0.1, "two clouds")

  // (b)
  var generator = SeededGenerator(seed: 134)
  let clouds = (0..<200).map { i in
    (0..<2).map { _ in Double(generator.normal()) + (i % 2 == 0 ? 1.5 : -1.5) }
  }
  let cloudLabels = (0..<200).map { Double(1 - $0 % 2) }
  func accuracy(_ neuron: McCullochPitts, _ x: [[Double]], _ t: [Double]) -> Double {
    Double(zip(x, t).filter { (neuron($0) >= 0.5) == ($1 > 0.5) }.count) / Double(x.count)
  }
  let deltaFit = try DeltaRule(
    learningRate: 0.5 * DeltaRule.stabilityLimit(clouds), maximumEpochs: 3000
  ).fit(clouds, cloudLabels)
  let design = Tensor(clouds.map { $0 + [1] })
  let exact = design.leastSquares(Tensor(cloudLabels)).doubles
  let least = McCullochPitts(weights: [exact[0], exact[1]], bias: exact[2], activation: .linear)
  let (deltaAccuracy, leastAccuracy) = (
    accuracy(deltaFit.neuron, clouds, cloudLabels), accuracy(least, clouds, cloudLabels)
  )
  let isClose = abs(deltaAccuracy - leastAccuracy) <= 0.005

  // (c)
  let starts = run.scaled(50, smoke: 2)
  let xor = BooleanFunction.xor.values
  var shares: [Double] = []
  var errorCurves: [LineChart.Series] = []
  var picture: [Backpropagation.Layer]?
  for (k, hidden) in [2, 4].enumerated() {
    var good = 0
    for start in 0..<starts {
      var generator = SeededGenerator(seed: UInt64(start), stream: UInt64(hidden))
      let rule = Backpropagation(
        momentum: 0.9, maximumEpochs: run.scaled(5000, smoke: 50), tolerance: 1e-3)
      let fit = try rule.fit(
        Backpropagation.start([2, hidden, 1], using: &generator), rows, xor.map { [$0] })
      if zip(rows, xor).allSatisfy({ (Backpropagation.output(fit.network, $0)[0] > 0.5) == ($1 > 0.5) }) { good += 1 }
      if start < 3 {
        errorCurves.append(
          .init("2-\(hidden)-1, start \(start)", x: fit.errors.indices.map { Double($0 + 1) }, y: fit.errors))
      }
      if hidden == 4, start == 0 { picture = fit.network }
      try run.report(0.1 + 0.4 * (Double(k) + Double(start) / Double(starts)) / 2, "exclusive or, 2-\(hidden)-1")
    }
    shares.append(Double(good) / Double(starts))
  }

  // (d)
  let rings = (0..<400).map { i -> [Double] in
    let angle = 2 * Double.pi * Double(generator.uniform())
    let radius = (i % 2 == 0 ? 0.5 : 1) + 0.1 * Double(generator.normal())
    return [radius * cos(angle), radius * sin(angle)]
  }
  let ringLabels = (0..<400).map { Double($0 % 2) }
  let single = try DeltaRule(activation: .logistic, learningRate: 0.5, maximumEpochs: run.scaled(500, smoke: 10)).fit(
    rings, ringLabels
  ).neuron
  let ringEpochs = run.scaled(400, smoke: 3)
  let ringOrders = (0..<ringEpochs).map { _ in generator.permutation(400) }
  let ringFit = try Backpropagation(learningRate: 0.2, momentum: 0.9, maximumEpochs: ringEpochs, tolerance: 0).fit(
    Backpropagation.start([2, 8, 1], using: &generator), rings, ringLabels.map { [$0] }, order: { ringOrders[$0] })
  let ringNeuron = accuracy(single, rings, ringLabels)
  let ringNetwork =
    Double(zip(rings, ringLabels).filter { (Backpropagation.output(ringFit.network, $0)[0] > 0.5) == ($1 > 0.5) }.count)
    / 400
  try run.report(0.75, "irises")

  // (e)
  let iris = Embedded.iris()
  let labels = iris.labels!
  var right = 0
  let folds = Fold.stratified(labels: labels, k: 10, seed: 1)
  for fold in folds.prefix(run.scaled(10, smoke: 1)) {
    func row(_ i: Int) -> [Double] { (0..<4).map { Double(iris.values[4 * i + $0]) } }
    let training = fold.train.map(row)
    let means = (0..<4).map { k in training.map { $0[k] }.mean }
    let spreads = (0..<4).map { k in training.map { $0[k] }.variance.squareRoot() }
    func scaled(_ x: [Double]) -> [Double] { (0..<4).map { (x[$0] - means[$0]) / spreads[$0] } }
    let targets = fold.train.map { i in (0..<3).map { Int32($0) == labels[i] ? 1.0 : 0 } }
    let epochs = run.scaled(200, smoke: 3)
    let orders = (0..<epochs).map { _ in generator.permutation(training.count) }
    let fit = try Backpropagation(learningRate: 0.1, momentum: 0.5, maximumEpochs: epochs, tolerance: 0).fit(
      Backpropagation.start([4, 6, 3], using: &generator), training.map(scaled), targets, order: { orders[$0] })
    for i in fold.validation {
      let y = Backpropagation.output(fit.network, scaled(row(i)))
      if Int32(y.indices.max { y[$0] < y[$1] }!) == labels[i] { right += 1 }
    }
  }
  let irisCount = folds.prefix(run.scaled(10, smoke: 1)).reduce(0) { $0 + $1.validation.count }
  let irisAccuracy = Double(right) / Double(irisCount)

  let first = isLogicRight && isClose && shares[1] >= 0.9
  let verdict: Verdict =
    first && ringNeuron < 0.7 && ringNetwork > 0.95 && irisAccuracy >= 0.93
    ? .reproduced : first ? .partly : .notReproduced

  // The boundary after each epoch on AND.
  let andFit = try PerceptronRule().fit(rows, BooleanFunction.and.values, traces: true)
  let boundaries = stride(from: 3, to: andFit.trace.count, by: 4).compactMap { i -> LineChart.Series? in
    let step = andFit.trace[i]
    guard case .line(let slope, let intercept) = McCullochPitts(weights: step.weights, bias: step.bias).boundary else {
      return nil
    }
    return .init(
      "after epoch \(step.epoch + 1)", x: [-0.5, 1.5], y: [intercept - 0.5 * slope, intercept + 1.5 * slope])
  }
  let side = 21
  let surface = (0..<side).map { i in
    (0..<side).map { j in
      Backpropagation.output(picture!, [Double(j) / Double(side - 1), 1 - Double(i) / Double(side - 1)])[0]
    }
  }
  let worked = [
    Backpropagation.Layer(weights: [[0.15, 0.20], [0.25, 0.30]], biases: [0.35, 0.35]),
    Backpropagation.Layer(weights: [[0.40, 0.45], [0.50, 0.55]], biases: [0.60, 0.60]),
  ]
  let trace = Backpropagation.traced(worked, [0.05, 0.10], [0.01, 0.99])
  func text(_ values: [Double]) -> String { values.map { formattedNumber($0, digits: 9) }.joined(separator: ", ") }
  return Finding(
    verdict,
    summary: """
      The perceptron solves \(solved) of 16 functions (not \(unsolved.joined(separator: ", "))); exclusive or from \
      \(formattedNumber(shares[0] * 100, digits: 3)) % of starts with 2 and \(formattedNumber(shares[1] * 100, digits: 3)) % with 4 hidden units; \
      rings \(formattedNumber(ringNeuron * 100, digits: 3)) % and \(formattedNumber(ringNetwork * 100, digits: 3)) %; irises \
      \(formattedNumber(irisAccuracy * 100, digits: 3)) %.
      """,
    measurements: [
      .init(
        "clouds: accuracy of the delta rule, of least squares, %",
        "\(formattedNumber(deltaAccuracy * 100)), \(formattedNumber(leastAccuracy * 100))"),
      .init("rings: neuron, network, %", "\(formattedNumber(ringNeuron * 100)), \(formattedNumber(ringNetwork * 100))"),
      .init("irises, ten-fold accuracy, %", irisAccuracy * 100),
    ],
    tables: [
      .init(
        "Functions of two inputs: runs that succeed", columns: ["function", "separable", "perceptron", "delta rule"],
        rows: logic),
      .init(
        "The worked example, x = (0.05, 0.10), t = (0.01, 0.99)", columns: ["quantity", "hidden", "output"],
        rows: [
          ["sums a", text(trace.layers[0].sums), text(trace.layers[1].sums)],
          ["outputs y", text(trace.layers[0].outputs), text(trace.layers[1].outputs)],
          ["deltas δ", text(trace.layers[0].deltas), text(trace.layers[1].deltas)],
          [
            "∂E/∂W", text(trace.layers[0].weightGradient.flatMap { $0 }),
            text(trace.layers[1].weightGradient.flatMap { $0 }),
          ],
        ]),
    ],
    figures: [
      LineChart(
        "Perceptron on AND: the boundary after each epoch", xTitle: "x₁", yTitle: "x₂", boundaries, xRange: -0.5...1.5,
        yRange: -0.5...3.5),
      LineChart(
        "Exclusive or: error", xTitle: "epoch", yTitle: "½ mean squared error", errorCurves, xScale: .logarithmic,
        yScale: .logarithmic),
      HeatMap(
        "Exclusive or, 2-4-1: output", xTitle: "x₁", yTitle: "x₂",
        rows: (0..<side).map { formattedNumber(1 - Double($0) / Double(side - 1), digits: 2) },
        columns: (0..<side).map { formattedNumber(Double($0) / Double(side - 1), digits: 2) }, values: surface),
    ])
}
