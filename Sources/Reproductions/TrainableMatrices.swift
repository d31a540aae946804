import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Activations that are matrices with trained, piecewise constant entries.
let trainableMatrices = Reproduction(
  "tmaf", source: "Liu, Cao, Li & Zikatanov 2021, arXiv 2109.09948",
  definition:
    "y ↦ D(y) y, the entries of a diagonal, tri-diagonal or block D piecewise constant in the pre-activations, with trained values.",
  interface: [
    "MatrixActivation", "MatrixActivation.diagonal", "MatrixActivation.tridiagonal", "MatrixActivation.block2",
    "MatrixActivation.modReLU", "MatrixActivation.curve",
  ],
  claim:
    "Matrix activations, trained with the weights, are simple, efficient and more accurate than fixed ReLU in approximation and classification.",
  check: """
    (a) sin(πx) + sin(8πx) on [-1, 1] and (b) sin(π Σ xᵢ) + sin(2π(x₁ - x₄)) in four dimensions: 2,000 training points, 2,000 test points, \
    three hidden layers of 20, Adam, batches of 256, 1,500 steps, cosine, rate from {3e-3, 1e-2} by 1,000 validation points, 3 seeds in one graph. (c) \
    Fashion-MNIST, 10,000 images, 784-64-64-10, 3 epochs, 2 seeds. ReLU, PReLU, tanh, diagonal and tri-diagonal with 11 breakpoints, and \
    ReLU widened to the diagonal's number of parameters.
    """,
  verdictRule: """
    Reproduced: the better matrix form halves ReLU's test error at equal width on (a) and (b), beats ReLU of equal parameters on (a) \
    with p < 0.05, and is at most 0.3 points below ReLU on (c). Partly: wins at equal width on both only. Else not.
    """,
  seeds: 3
) { run in
  let candidates: [(name: String, layer: any Layer)] = [
    ("ReLU", Activation.relu), ("PReLU", try Activation.named("prelu")), ("tanh", Activation.tanh),
    ("diagonal", MatrixActivation.diagonal()), ("tri-diagonal", MatrixActivation.tridiagonal()),
  ]
  func network(_ layer: any Layer, _ width: Int) -> Sequential {
    plainClassifier([width, width, width], outputs: 1, layer)
  }
  let problems: [(name: String, inputs: Int, f: (Tensor) -> Tensor)] = [
    ("(a) one dimension", 1, { (($0 * Double.pi).sin() + ($0 * (8 * Double.pi)).sin()) }),
    (
      "(b) four dimensions", 4,
      { x in
        (x.sum([1], keepsAxes: true) * Double.pi).sin()
          + ((x[.all, 0..<1] - x[.all, 3..<4]) * (2 * Double.pi)).sin()
      }
    ),
  ]
  let steps = run.scaled(1500, smoke: 10)
  var rows: [[String]] = []
  var errors: [String: [String: [Double]]] = [:]
  var fits: [LineChart.Series] = []
  var learned: [LineChart.Series] = []
  var done = 0.0
  for (k, problem) in problems.enumerated() {
    let keys = Key(45).folding(k).split(3)
    func points(_ count: Int, _ key: Key) -> (x: Tensor, y: Tensor) {
      let x = Tensor.uniform([count, problem.inputs], low: -1, high: 1, key: key)
      return (x, problem.f(x))
    }
    let (training, validation, test) = (
      points(run.scaled(2000, smoke: 256), keys[0]), points(run.scaled(1000, smoke: 64), keys[1]),
      points(run.scaled(2000, smoke: 64), keys[2])
    )
    let count = training.x.shape[0]
    let budget = network(MatrixActivation.diagonal(), 20).parameterCount(for: [1, problem.inputs])
    let wide = (20...60).min {
      abs(network(Activation.relu, $0).parameterCount(for: [1, problem.inputs]) - budget)
        < abs(network(Activation.relu, $1).parameterCount(for: [1, problem.inputs]) - budget)
    }!
    for (name, layer, width) in candidates.map({ ($0.name, $0.layer, 20) }) + [
      ("ReLU, width \(wide)", Activation.relu, wide)
    ] {
      let net = network(layer, width)
      let rates = [3e-3, 1e-2]
      let seeds = starts(net, for: [256, problem.inputs], seeds: 0..<run.seeds)
      let clock = ContinuousClock()
      let begin = clock.now
      let training = try EnsembleTraining(
        rates.flatMap { _ in seeds }, optimizer: Adam(),
        learningRates: rates.flatMap { [Double](repeating: $0, count: run.seeds) },
        seeds: rates.flatMap { _ in Array(0..<run.seeds) }, shared: [training.x, training.y]
      ) { member in
        let places = Tensor.randomIntegers([min(256, count)], in: 0..<count, key: member.key)
        let (x, y) = (member.shared[0].take(places), member.shared[1].take(places))
        return (net.apply(Variables(parameters: member.parameters), x) - y).squared().mean()
      }
      let data = [points(count, keys[0]).x, points(count, keys[0]).y]
      for step in 0..<steps {
        training.load(data, rateFactor: (1 + cos(.pi * Double(step) / Double(steps))) / 2)
        training.step()
        if step % 50 == 0 {
          try run.report((done + Double(step) / Double(steps)) / 16, "\(problem.name), \(name)")
        }
      }
      done += 1
      let seconds = (clock.now - begin) / .seconds(1) / Double(steps)
      let members = training.members
      func error(_ part: (x: Tensor, y: Tensor)) -> [Double] {
        outputs(net, members, part.x).map { ($0 - part.y).squared().mean().scalar }
      }
      let (valid, tested) = (error(validation), error(test))
      let halves = rates.indices.map { Array(valid[($0 * run.seeds)..<(($0 + 1) * run.seeds)]).mean }
      let chosen = halves[0] <= halves[1] || !halves[1].isFinite ? 0 : 1
      let own = Array(tested[(chosen * run.seeds)..<((chosen + 1) * run.seeds)])
      let key = name.hasPrefix("ReLU, width") ? "ReLU, equal parameters" : name
      errors[problem.name, default: [:]][key] = own
      rows.append([
        problem.name, name, String(net.parameterCount(for: [1, problem.inputs])),
        Estimate(of: own).formatted(digits: 3),
        formattedNumber(seconds * 1000, digits: 3), formattedNumber(rates[chosen]),
      ])
      let first = members[chosen * run.seeds]
      if k == 0, ["ReLU", "diagonal"].contains(name) {
        let grid = Tensor.linspace(-1, 1, count: 241).reshape([241, 1])
        if fits.isEmpty { fits.append(.init("target", x: grid.doubles, y: problem.f(grid).doubles)) }
        fits.append(.init(name, x: grid.doubles, y: outputs(net, [first], grid)[0].doubles))
        if name == "diagonal" {
          let x = (0...240).map { -1.5 + Double($0) / 80 }
          for unit in 0..<4 {
            learned.append(
              .init("unit \(unit)", x: x, y: MatrixActivation.diagonal().curve(first, unit: unit, over: x, path: "3")))
          }
        }
      }
    }
  }
  // (c)
  let data = try fashionImages(
    run.scaled(10_000, smoke: 256), validation: run.scaled(2000, smoke: 128), test: run.scaled(10_000, smoke: 128))
  let study = TrainingStudy(data, learningRates: [3e-3, 1e-3], epochs: run.scaled(3, smoke: 1))
  let imageRun = ReproductionRun(effort: run.effort, seeds: min(2, run.seeds)) { fraction, text in
    try run.report(0.75 + 0.25 * fraction, text)
  }
  let images = try study.run(
    candidates.map { .init($0.name, plainClassifier([64, 64], $0.layer)) }, imageRun)

  let (a, b) = (errors["(a) one dimension"]!, errors["(b) four dimensions"]!)
  func best(_ e: [String: [Double]]) -> (name: String, mean: Double) {
    ["diagonal", "tri-diagonal"].map { ($0, e[$0]!.mean) }.min { $0.1 < $1.1 }!
  }
  let halves = [a, b].map { best($0).mean * 2 <= $0["ReLU"]!.mean }
  let isBelow = [a, b].map { best($0).mean < $0["ReLU"]!.mean }
  let rival = a["ReLU, equal parameters"]!
  let gain = pairedTTest(a[best(a).name]!, rival)
  let beatsEqual = best(a).mean < rival.mean && (gain?.pValue ?? 1) < 0.05
  let points =
    max(images["diagonal"].estimate.mean, images["tri-diagonal"].estimate.mean) - images["ReLU"].estimate.mean
  let verdict: Verdict =
    halves == [true, true] && beatsEqual && points >= -0.003
    ? .reproduced : isBelow == [true, true] ? .partly : .notReproduced
  func short(_ value: Double) -> String { formattedNumber(value, digits: 3) }
  return Finding(
    verdict,
    summary: """
      Test error (a): ReLU \(short(a["ReLU"]!.mean)), \(best(a).name) \(short(best(a).mean)), ReLU of equal parameters \(short(rival.mean)) (p \
      \(formattedNumber(gain?.pValue ?? .nan, digits: 2))); (b): \(short(b["ReLU"]!.mean)), \(best(b).name) \(short(best(b).mean)), \
      \(short(b["ReLU, equal parameters"]!.mean)); images: \(short(points * 100)) points from ReLU.
      """,
    tables: [
      .init(
        "Approximation: test mean squared error",
        columns: ["problem", "activation", "parameters", "error", "ms a step of all", "learning rate"], rows: rows),
      images.table("Fashion-MNIST: test accuracy, %", score: "accuracy", factor: 100, baseline: "ReLU"),
    ],
    figures: [
      LineChart("Learned functions of four units, second layer", xTitle: "pre-activation", yTitle: "value", learned),
      LineChart("(a) Fit", xTitle: "x", yTitle: "y", fits),
      images.scorePlot("Fashion-MNIST", "test accuracy, %", factor: 100),
    ],
    remarks: ["A step's time is that of all seeds and both rates together, in one graph."])
}
