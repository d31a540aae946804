import Foundation
import Soma
import SomaLearning
import SomaNetworks
import SomaReports

extension Sequential {
  /// Dense layers and activations for a function of one number. Weights and biases are uniform in ±1/√inputs: with all biases at
  /// zero, as classifiers of images start, every unit of the first layer would bend at the same place.
  public static func regressor(_ hidden: [Int], _ activation: any Layer) -> Sequential {
    Sequential(hidden.flatMap { [UniformDense($0), activation] as [any Layer] } + [UniformDense(1)])
  }
}

/// A function of one number, known inside a range and judged outside.
public struct ExtrapolationTask: Sendable {
  public struct Variant: Sendable {
    public var name: String
    public var network: Sequential

    public init(name: String, network: Sequential) {
      self.name = name
      self.network = network
    }
  }

  public struct Outcome: Sendable {
    public var name: String
    public var rate: Double
    /// Mean squared errors, one for each seed.
    public var testErrors: [Double]
    public var validationErrors: [Double]
    public var network: Sequential
    /// One for each seed.
    public var members: [Parameters]

    /// The values of a seed's network.
    public func values(_ x: [Double], seed: Int = 0) -> [Double] {
      network.apply(Variables(parameters: members[seed]), ExtrapolationTask.column(x)).doubles
    }
  }

  public var train, validation, test: [Double]
  public var target: @Sendable (Double) -> Double

  public init(train: [Double], validation: [Double], test: [Double], _ target: @escaping @Sendable (Double) -> Double) {
    self.train = train
    self.validation = validation
    self.test = test
    self.target = target
  }

  fileprivate static func column(_ x: [Double]) -> Tensor { Tensor(x.map { Float($0) }, shape: [x.count, 1]) }

  /// Full-batch Adam with a cosine; the rate is chosen by the error on the validation points. Rates and seeds run as one graph.
  /// - Throws: `Executable.MemoryLimitExceeded`, and what `run` throws to end the work
  public func run(_ variants: [Variant], rates: [Double], steps: Int, _ run: ReproductionRun) throws -> [Outcome] {
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
        network: variant.network, members: Array(finals[best * run.seeds..<(best + 1) * run.seeds]))
    }
  }

  public static func table(_ title: String, _ outcomes: [Outcome], _ unit: (Double) -> Double) -> Finding.Table {
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
  public func plot(_ title: String, _ outcomes: [Outcome], range: ClosedRange<Double>) -> LineChart {
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
          return LineChart.Series(
            outcome.name, x: x, y: outcome.values(x).map { min(max($0, low - room), high + room) })
        }, yRange: (low - room)...(high + room))
  }
}

/// Least squares of a constant, a slope and so many harmonics of a period.
/// - Returns: the root mean squared error on the test points
public func harmonicRegression(_ task: ExtrapolationTask, period: Double, harmonics: Int) -> (
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
