import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Whether a network goes on beyond its data when that repeats itself.
let snake = Reproduction(
  "snake", source: "Ziyin, Hartwig & Ueda 2020, arXiv 2006.08195", definition: "x + sin²(ax)/a",
  interface: [
    "Activation.snake(_:isTrained:sharing:)", "Activation.snakeBeta(_:_:isTrained:sharing:)",
    "Activation.sinPlusIdentity", "Activation.snakeMoments(_:)", "ScaledActivation", "ExtrapolationReading",
  ],
  claim: """
    Networks of ReLU, tanh, sigmoid and their variants cannot extrapolate simple periodic functions; Snake can, and trains as easily \
    as ReLU; shown on temperatures and markets.
    """,
  check: """
    (a) sin 2x at 300 points of [−5, 5], judged on [−10, −5] and [5, 10]; 1-512-1, Adam, 1,500 steps, cosine, rate by the error on a \
    fifth of the points inside. (b) Seattle's daily highest temperature, three years to learn, the fourth to predict; 1-100-100-1, \
    Snake with a = 30 trained. (c) Carbon dioxide at Mauna Loa by month, the last fifth to predict.
    """,
  verdictRule: """
    Reproduced: (a) the mean squared error of Snake (a = 5) outside is below 0.25 (half the variance) and that of ReLU, tanh, SiLU \
    and sine above 0.5, and (b) Snake's root mean squared error is at least 30 % below ReLU's and tanh's. Partly: (a) alone.
    """,
  seeds: 5
) { run in
  let sine = try Activation.named("sine")
  let rivals: [(name: String, activation: Activation)] = [
    ("relu", .relu), ("tanh", .tanh), ("silu", .silu), ("sin", sine),
  ]

  // (a)
  let snakes = try [1.0, 5, 10].map { a in
    (name: "snake a=\(Int(a))", activation: try Activation.snake(a, isTrained: false))
  }
  let inside = (0..<300).map { -5 + 10 * Double($0) / 299 }
  let beyond = (0..<100).map { 5 * Double($0) / 100 }
  let outside = beyond.map { $0 - 10 } + beyond.map { 10 - $0 }
  let wave = ExtrapolationTask(
    train: inside.indices.filter { $0 % 5 != 2 }.map { inside[$0] },
    validation: inside.indices.filter { $0 % 5 == 2 }.map { inside[$0] }, test: outside
  ) { sin(2 * $0) }
  let steps = run.scaled(1500, smoke: 5)
  let outcomes = try wave.run(
    (snakes + rivals).map { .init(name: $0.name, network: regressor([512], $0.activation)) },
    rates: [1e-3, 1e-2], steps: steps, run.part(0...0.5))

  // (b)
  let temperatures = Embedded.seattleTemperature().map(Double.init)
  let days = 365 * 3 + 1
  let scale = { (day: Int) in 2 * Double(day) / Double(days - 1) - 1 }
  let known = Array(temperatures.prefix(days))
  let (mean, deviation) = (known.mean, known.variance.squareRoot())
  let weather = ExtrapolationTask(
    train: (0..<days).filter { $0 % 10 != 4 }.map(scale), validation: (0..<days).filter { $0 % 10 == 4 }.map(scale),
    test: (days..<temperatures.count).map(scale)
  ) { x in (temperatures[Int(((x + 1) / 2 * Double(days - 1)).rounded())] - mean) / deviation }
  let yearly = try Activation.snake(30)
  let seattle = try weather.run(
    ([("snake a=30, trained", yearly)] + rivals.filter { $0.name != "silu" }).map {
      .init(name: $0.name, network: regressor([100, 100], $0.activation))
    }, rates: [1e-3, 1e-2], steps: steps, run.part(0.5...0.8))
  let harmonic = harmonicRegression(weather, period: 2 * 365.25 / Double(days - 1), harmonics: 2)

  // (c)
  let series = Embedded.maunaLoaCarbonDioxide().map(Double.init)
  let months = series.count * 4 / 5
  let monthScale = { (month: Int) in 2 * Double(month) / Double(months - 1) - 1 }
  let past = Array(series.prefix(months))
  let (level, spread) = (past.mean, past.variance.squareRoot())
  let air = ExtrapolationTask(
    train: (0..<months).filter { $0 % 10 != 4 }.map(monthScale),
    validation: (0..<months).filter { $0 % 10 == 4 }.map(monthScale),
    test: (months..<series.count).map(monthScale)
  ) { x in (series[Int(((x + 1) / 2 * Double(months - 1)).rounded())] - level) / spread }
  // A year is 24/(months - 1) of the input: π over that many.
  let seasonal = try Activation.snake(Double.pi * Double(months - 1) / 24)
  let carbon = try air.run(
    ([("snake, trained", seasonal)] + rivals.filter { $0.name != "silu" }).map {
      .init(name: $0.name, network: regressor([100, 100], $0.activation))
    }, rates: [1e-3, 1e-2], steps: steps, run.part(0.8...1))

  func error(_ outcomes: [ExtrapolationTask.Outcome], _ name: String) -> Double {
    outcomes.first { $0.name == name }!.testErrors.median
  }
  let extrapolates = error(outcomes, "snake a=5") < 0.25 && rivals.allSatisfy { error(outcomes, $0.name) > 0.5 }
  let warm = error(seattle, "snake a=30, trained").squareRoot()
  let gains = ["relu", "tanh"].map { 1 - warm / error(seattle, $0).squareRoot() }
  let predicts = gains.allSatisfy { $0 >= 0.3 }
  return Finding(
    extrapolates && predicts ? .reproduced : extrapolates ? .partly : .notReproduced,
    summary: """
      sin 2x beyond the data: Snake (a = 5) has a median squared error of \(formattedNumber(error(outcomes, "snake a=5"), digits: 3)), \
      ReLU \(formattedNumber(error(outcomes, "relu"), digits: 3)), tanh \(formattedNumber(error(outcomes, "tanh"), digits: 3)), SiLU \
      \(formattedNumber(error(outcomes, "silu"), digits: 3)), sine \(formattedNumber(error(outcomes, "sin"), digits: 3)). Seattle's \
      fourth year: Snake \(formattedNumber(warm * deviation, digits: 3)) °C, ReLU \
      \(formattedNumber(error(seattle, "relu").squareRoot() * deviation, digits: 3)) °C, tanh \
      \(formattedNumber(error(seattle, "tanh").squareRoot() * deviation, digits: 3)) °C.
      """,
    measurements: [
      .init("Seattle, two-frequency harmonic regression, °C", harmonic.error * deviation, digits: 3)
    ],
    tables: [
      ExtrapolationTask.table("sin 2x: squared error", outcomes, { $0 }),
      ExtrapolationTask.table("Seattle: root mean squared error, °C", seattle, { $0.squareRoot() * deviation }),
      ExtrapolationTask.table("Mauna Loa: root mean squared error, ppm", carbon, { $0.squareRoot() * spread }),
    ],
    figures: [
      wave.plot("sin 2x", outcomes.filter { ["snake a=5", "relu", "tanh"].contains($0.name) }, range: -10...10),
      wave.plot("sin 2x: what a does", outcomes.filter { $0.name.hasPrefix("snake") }, range: -10...10),
      weather.plot(
        "Seattle, standardized", seattle.filter { $0.name != "sin" }, range: -1...scale(temperatures.count - 1)),
      air.plot("Mauna Loa, standardized", carbon.filter { $0.name != "sin" }, range: -1...monthScale(series.count - 1)),
    ],
    remarks: ["Errors are medians over seeds: single runs of ReLU, tanh and sine go wrong by orders of magnitude."])
}

/// Dense layers and activations for a function of one number. Weights and biases are uniform in ±1/√inputs: with all biases at zero,
/// as classifiers of images start, every unit of the first layer would bend at the same place.
private func regressor(_ hidden: [Int], _ activation: any Layer) -> Sequential {
  Sequential(hidden.flatMap { [UniformDense($0), activation] as [any Layer] } + [UniformDense(1)])
}

/// A function of one number, known inside a range and judged outside.
struct ExtrapolationTask: Sendable {
  struct Variant: Sendable {
    var name: String
    var network: Sequential
  }

  struct Outcome: Sendable {
    var name: String
    var rate: Double
    /// Mean squared errors, one for each seed.
    var testErrors: [Double]
    var validationErrors: [Double]
    var network: Sequential
    /// The first seed's.
    var parameters: Parameters
  }

  var train, validation, test: [Double]
  var target: @Sendable (Double) -> Double

  init(train: [Double], validation: [Double], test: [Double], _ target: @escaping @Sendable (Double) -> Double) {
    self.train = train
    self.validation = validation
    self.test = test
    self.target = target
  }

  private static func column(_ x: [Double]) -> Tensor { Tensor(x.map { Float($0) }, shape: [x.count, 1]) }

  /// Full-batch Adam with a cosine; the rate is chosen by the error on the validation points. Rates and seeds run as one graph.
  func run(_ variants: [Variant], rates: [Double], steps: Int, _ run: ReproductionRun) throws -> [Outcome] {
    let (x, y) = (Self.column(train), Self.column(train.map(target)))
    return try variants.enumerated().map { i, variant in
      let members = rates.flatMap { rate in (0..<run.seeds).map { (rate: rate, seed: $0) } }
      let starts = members.map { variant.network.initialized(for: [1, 1], key: Key($0.seed)).parameters }
      let training = try EnsembleTraining(
        starts, optimizer: Adam(), learningRates: members.map(\.rate), shared: [x, y]
      ) { member in
        (variant.network.apply(Variables(parameters: member.parameters), member.shared[0]) - member.shared[1]).squared()
          .mean()
      }
      let schedule = Schedule.cosine(1)
      for step in 0..<steps {
        training.load([x, y], rateFactor: schedule(step, of: steps))
        training.step()
        if step % 25 == 0 {
          try run.report((Double(i) + Double(step) / Double(steps)) / Double(variants.count), variant.name)
        }
      }
      let finals = training.members
      func errors(_ points: [Double]) -> [Double] {
        let (x, y) = (Self.column(points), Self.column(points.map(target)))
        return finals.map { member in
          let predicted = variant.network.apply(Variables(parameters: member), x)
          return (predicted - y).squared().mean().doubles[0]
        }
      }
      let (inside, outside) = (errors(validation), errors(test))
      func own(_ values: [Double], _ k: Int) -> [Double] { Array(values[k * run.seeds..<(k + 1) * run.seeds]) }
      let best = rates.indices.min { own(inside, $0).median < own(inside, $1).median }!
      return Outcome(
        name: variant.name, rate: rates[best], testErrors: own(outside, best), validationErrors: own(inside, best),
        network: variant.network, parameters: finals[best * run.seeds])
    }
  }

  static func table(_ title: String, _ outcomes: [Outcome], _ unit: (Double) -> Double) -> Finding.Table {
    Finding.Table(
      title, columns: ["unit", "inside", "outside", "worst outside", "learning rate"],
      rows: outcomes.map { outcome in
        [
          outcome.name, formattedNumber(unit(outcome.validationErrors.median), digits: 3),
          formattedNumber(unit(outcome.testErrors.median), digits: 3),
          formattedNumber(unit(outcome.testErrors.max() ?? .nan), digits: 3), formattedNumber(outcome.rate),
        ]
      })
  }

  /// The first seed's functions, and the target, in a range.
  func plot(_ title: String, _ outcomes: [Outcome], range: ClosedRange<Double>) -> LineChart {
    let count = 400
    let x = (0..<count).map {
      range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / Double(count - 1)
    }
    let known = (train + validation + test).sorted()
    let step = max(1, known.count / count)
    let shown = stride(from: 0, to: known.count, by: step).map { known[$0] }
    let truth = LineChart.Series("data", x: shown, y: shown.map(target))
    let low = truth.y.min() ?? -1
    let high = truth.y.max() ?? 1
    let room = (high - low) * 0.5
    return LineChart(
      title, xTitle: "x", yTitle: "",
      [truth]
        + outcomes.map { outcome in
          let y = outcome.network.apply(Variables(parameters: outcome.parameters), Self.column(x)).doubles
          return LineChart.Series(outcome.name, x: x, y: y.map { min(max($0, low - room), high + room) })
        }, yRange: (low - room)...(high + room))
  }
}

/// Least squares of a constant, a slope and so many harmonics of a period.
/// - Returns: the root mean squared error on the test points
func harmonicRegression(_ task: ExtrapolationTask, period: Double, harmonics: Int) -> (
  error: Double, coefficients: [Double]
) {
  func features(_ x: [Double]) -> Tensor {
    let columns = (1...harmonics).flatMap { k -> [[Double]] in
      let w = 2 * Double.pi * Double(k) / period
      return [x.map { sin(w * $0) }, x.map { cos(w * $0) }]
    }
    return Tensor.stack(([x.map { _ in 1 }, x] + columns).map { Tensor($0) }, axis: 1)
  }
  let points = task.train + task.validation
  let solution = features(points).leastSquares(Tensor(points.map(task.target), shape: [points.count, 1]))
  let predicted = features(task.test).matmul(solution).doubles
  let error = zip(predicted, task.test).reduce(0.0) { sum, pair in
    let difference = pair.0 - task.target(pair.1)
    return sum + difference * difference
  }
  return ((error / Double(task.test.count)).squareRoot(), solution.doubles)
}
