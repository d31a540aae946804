import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// A single neuron learned from labels that an adversary corrupted.
let sharpness = Reproduction(
  "sharpness", source: "Wang, Zarifis, Diakonikolas & Diakonikolas 2023, arXiv 2306.07892",
  definition:
    "Gradient descent from 0 with (σ(w·x) - y) x, the gradient of the convex surrogate E ∫₀^{w·x} (σ(t) - y) dt; sharpness is ⟨∇L(w), w - w*⟩ / |w - w*|².",
  interface: [
    "SurrogateNeuron", "SurrogateLoss", "SharpnessReading", "UnitDerivative", "Activation.withUnitDerivative",
  ],
  claim:
    "An efficient algorithm reaches a constant factor of the best neuron's squared error, for a broad class of activations and distributions, because the surrogate is sharp.",
  check: """
    d = 20, 4,000 training and 20,000 test samples of the same corrupted law; inputs Gaussian, Laplace, Student t with 5 degrees, \
    uniform cube, corners of a cube, unit variance; ReLU, leaky ReLU 0.1, ELU; the share p in {0, 0.005, 0.01, 0.02, 0.05, 0.1} of samples with the \
    smallest w*·x gets y = |w*·x|. OPT is bounded above by the error at w* and by 200 steps of squared-error descent from there. Then \
    d in {5, 20, 100} at p = 0.02, and squared-error descent from -w* and from random starts.
    """,
  verdictRule: """
    Reproduced: the largest ratio of error to OPT over all cells with p > 0 is at most 3; it does not grow with d (slope of logarithms \
    below 0.05); the error at p = 0 is below 1e-6; and the sharpness stays above 0.05 along the whole path outside the ball of radius \
    2 √OPT. Partly: the ratios hold but one of the rest fails. Else not.
    """,
  seeds: 5
) { run in
  enum Law: String, CaseIterable {
    case gaussian, laplace, student, cube, corners
    func sample(_ shape: Shape, _ key: Key) -> Tensor {
      let keys = key.split(3)
      switch self {
      case .gaussian: return .normal(shape, key: keys[0], dtype: .float64)
      case .laplace:
        let size = Tensor.exponential(shape, key: keys[0], dtype: .float64)
        return Tensor.select(.bernoulli(0.5, shape, key: keys[1]), size, -size) * 0.5.squareRoot()
      case .student:
        // A normal over the root of χ²₅/5 = (a sum of five squares)/5, scaled to variance 1.
        let chi = Tensor.normal([5] + shape, key: keys[1], dtype: .float64).squared().mean([0])
        return Tensor.normal(shape, key: keys[0], dtype: .float64) / chi.sqrt() * 0.6.squareRoot()
      case .cube: return .uniform(shape, low: -3.0.squareRoot(), high: 3.0.squareRoot(), key: keys[0], dtype: .float64)
      case .corners:
        return Tensor.select(
          .bernoulli(0.5, shape, key: keys[0]), Tensor(1, dtype: .float64), Tensor(-1, dtype: .float64))
      }
    }
  }
  let activations: [(name: String, f: Activation)] = [
    ("ReLU", .relu), ("leaky ReLU 0.1", try .named("leaky-relu(a=10)")), ("ELU", try .named("elu")),
  ]
  let train = run.scaled(4000, smoke: 200)
  let test = run.scaled(20_000, smoke: 400)
  let steps = run.scaled(300, smoke: 20)

  func sample(_ law: Law, _ d: Int, _ n: Int, _ share: Double, _ f: Activation, _ w: Tensor, _ key: Key) -> (
    x: Tensor, y: Tensor
  ) {
    let x = law.sample([n, d], key)
    let z = x.matmul(w)
    var y = f(z).doubles
    let scores = z.doubles
    let worst = scores.indices.sorted { scores[$0] < scores[$1] }.prefix(Int((share * Double(n)).rounded()))
    for i in worst { y[i] = abs(scores[i]) }
    return (x, Tensor(y))
  }
  /// Squared-error descent; the best error on the test samples along the way.
  func squaredDescent(
    _ start: Tensor, _ f: Activation, _ train: (x: Tensor, y: Tensor), _ test: (x: Tensor, y: Tensor), rate: Double,
    steps: Int
  ) -> (best: Double, last: Double) {
    let step = compile { (inputs: [Tensor]) -> Tensor in
      inputs[0] - rate * grad { (w: Tensor) in (f(inputs[1].matmul(w)) - inputs[2]).squared().mean() * 0.5 }(inputs[0])
    }
    let error = compile { (inputs: [Tensor]) -> Tensor in (f(inputs[1].matmul(inputs[0])) - inputs[2]).squared().mean()
    }
    var w = start
    var best = error([w, test.x, test.y]).scalar
    for t in 1...steps {
      w = step([w, train.x, train.y])
      if t % 20 == 0 { best = min(best, error([w, test.x, test.y]).scalar) }
    }
    return (best, error([w, test.x, test.y]).scalar)
  }
  struct Cell {
    var ratio: Double
    var error: Double
    var opt: Double
    var leastSharpness: Double
    var curve: [Double]
    var path: [Double]
  }
  func cell(_ law: Law, _ d: Int, _ share: Double, _ f: Activation, _ seed: Int) throws -> Cell {
    let keys = Key(seed).folding("\(law.rawValue) \(d)").split(3)
    var w = Tensor.normal([d], key: keys[0], dtype: .float64)
    w = w / w.norm()
    let training = sample(law, d, train, share, f, w, keys[1])
    let testing = sample(law, d, test, share, f, w, keys[2])
    let fit = try SurrogateNeuron(activation: f, steps: steps).fit(training.x, training.y)
    func error(_ w: Tensor) -> Double { (f(testing.x.matmul(w)) - testing.y).squared().mean().scalar }
    var opt = error(w)
    if share > 0 {
      opt = min(
        opt, squaredDescent(w, f, training, testing, rate: fit.stepSize, steps: run.scaled(200, smoke: 20)).best)
    }
    let reached = error(Tensor(fit.weights))
    let radius = 2 * opt.squareRoot()
    var sharp: [Double] = []
    for t in fit.path.indices {
      let point = Tensor(fit.path[t])
      guard (point - w).norm().scalar > max(radius, 1e-6) else { continue }
      sharp.append(SharpnessReading.sharpness(point, reference: w, activation: f, training.x, training.y))
    }
    return Cell(
      ratio: reached / opt, error: reached, opt: opt, leastSharpness: sharp.min() ?? .infinity,
      curve: fit.squaredErrors, path: sharp)
  }

  let shares = run.isSmoke ? [0, 0.05] : [0, 0.005, 0.01, 0.02, 0.05, 0.1]
  let laws = run.isSmoke ? [Law.gaussian] : Law.allCases
  var (largest, cleanest, leastSharpness) = (0.0, 0.0, Double.infinity)
  var rows: [[String]] = []
  var ratioSeries: [LineChart.Series] = []
  var curves: [LineChart.Series] = []
  var sharpSeries: [LineChart.Series] = []
  let total = Double(laws.count * activations.count * shares.count)
  var done = 0.0
  for law in laws {
    for (name, f) in activations {
      var means: [Double] = []
      var cells = [law.rawValue, name]
      for share in shares {
        let found = try (0..<run.seeds).map { try cell(law, 20, share, f, $0) }
        done += 1
        try run.report(done / total * 0.8, "\(law.rawValue), \(name), p = \(share)")
        leastSharpness = min(leastSharpness, found.map(\.leastSharpness).min()!)
        if share == 0 {
          cleanest = max(cleanest, found.map(\.error).max()!)
          cells.append(formattedNumber(found.map(\.error).max()!, digits: 2))
        } else {
          largest = max(largest, found.map(\.ratio).max()!)
          means.append(found.map(\.ratio).mean)
          cells.append(formattedNumber(found.map(\.ratio).mean, digits: 3))
        }
        if name == "ReLU", share == 0.05 {
          curves.append(
            .init(
              law.rawValue, x: found[0].curve.indices.map { Double($0) }, y: found[0].curve.map { $0 / found[0].opt }))
        }
        if name == "ReLU", share == shares[1] {
          sharpSeries.append(
            .init(law.rawValue, x: found[0].path.indices.map { Double($0) }, y: found[0].path))
        }
      }
      rows.append(cells)
      if name == "ReLU" { ratioSeries.append(.init(law.rawValue, x: Array(shares.dropFirst()), y: means)) }
    }
  }
  // Dimensions.
  let dimensions = run.isSmoke ? [5, 20] : [5, 20, 100]
  var logRatios: [Double] = []
  for (i, d) in dimensions.enumerated() {
    let found = try (0..<run.seeds).map { try cell(.gaussian, d, 0.02, .relu, $0).ratio }
    logRatios.append(log(found.mean))
    try run.report(0.8 + 0.1 * Double(i + 1) / 3, "d = \(d)")
  }
  let logs = dimensions.map { log(Double($0)) }
  let slope =
    zip(logs, logRatios).reduce(0) { $0 + ($1.0 - logs.mean) * ($1.1 - logRatios.mean) }
    / logs.reduce(0) { $0 + ($1 - logs.mean) * ($1 - logs.mean) }
  // Squared error from bad starts.
  var startRows: [[String]] = []
  for d in [5, 20] {
    var (opposite, random, surrogate) = ([Double](), [Double](), [Double]())
    for seed in 0..<run.seeds {
      let keys = Key(seed).folding("gaussian \(d)").split(3)
      var w = Tensor.normal([d], key: keys[0], dtype: .float64)
      w = w / w.norm()
      let training = sample(.gaussian, d, train, 0.02, .relu, w, keys[1])
      let testing = sample(.gaussian, d, test, 0.02, .relu, w, keys[2])
      let base = try cell(.gaussian, d, 0.02, .relu, seed)
      surrogate.append(base.ratio)
      opposite.append(squaredDescent(-w, .relu, training, testing, rate: 0.5, steps: steps).last / base.opt)
      for k in 0..<3 {
        let start = Tensor.normal([d], deviation: 1 / Double(d).squareRoot(), key: keys[0].folding(k), dtype: .float64)
        random.append(squaredDescent(start, .relu, training, testing, rate: 0.5, steps: steps).last / base.opt)
      }
    }
    startRows.append([
      String(d), formattedNumber(surrogate.max()!, digits: 3), formattedNumber(random.median, digits: 3),
      formattedNumber(random.max()!, digits: 3), formattedNumber(opposite.min()!, digits: 3),
      formattedNumber(opposite.max()!, digits: 3),
    ])
    try run.report(0.9 + 0.05 * (d == 5 ? 1 : 2), "starts, d = \(d)")
  }
  let rest = [slope < 0.05, cleanest < 1e-6, leastSharpness > 0.05]
  let failures = rest.filter { !$0 }.count
  let verdict: Verdict =
    largest > 3 || failures > 1 ? .notReproduced : failures == 1 ? .partly : .reproduced
  return Finding(
    verdict,
    summary: """
      Largest ratio to OPT \(formattedNumber(largest, digits: 3)); slope with log d \(formattedNumber(slope, digits: 2)); largest clean error \
      \(formattedNumber(cleanest, digits: 2)); least sharpness outside the ball \(formattedNumber(leastSharpness, digits: 3)).
      """,
    measurements: [
      .init("largest ratio of error to OPT", largest), .init("slope of log ratio against log d", slope),
      .init("largest error at p = 0", cleanest, digits: 2),
      .init("least sharpness along the paths, outside 2 √OPT", leastSharpness),
    ],
    tables: [
      .init(
        "Error at p = 0, mean ratio to OPT elsewhere",
        columns: ["inputs", "activation"] + shares.map { "p = \(formattedNumber($0))" }, rows: rows),
      .init(
        "Ratio to OPT at p = 0.02, Gaussian, ReLU: surrogate against squared-error descent",
        columns: ["d", "surrogate, largest", "random starts, median", "largest", "from -w*, smallest", "largest"],
        rows: startRows),
    ],
    figures: [
      LineChart("ReLU: ratio to OPT", xTitle: "corrupted share", yTitle: "error / OPT", ratioSeries),
      LineChart(
        "ReLU, p = 0.05: convergence", xTitle: "step", yTitle: "training error / OPT", curves, xScale: .linear,
        yScale: .logarithmic),
      LineChart(
        "ReLU, p = 0.005: sharpness until the ball is reached", xTitle: "step", yTitle: "sharpness", sharpSeries),
    ],
    remarks: ["OPT is an upper bound of the best neuron's error, so the true ratios may be larger."])
}
