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
  let sine = Activation.sine
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
    (snakes + rivals).map { .init(name: $0.name, network: Sequential.regressor([512], $0.activation)) },
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
      .init(name: $0.name, network: Sequential.regressor([100, 100], $0.activation))
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
      .init(name: $0.name, network: Sequential.regressor([100, 100], $0.activation))
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
