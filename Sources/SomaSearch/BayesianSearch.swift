import Foundation
import Soma
import SomaData

/// Model-based minimization of a costly function of few mixed parameters: a Gaussian process (Matérn 5/2) over all that was seen,
/// and as the next place the one with the largest expected improvement (Jones, Schonlau & Welch 1998; Snoek, Larochelle & Adams
/// 2012, arXiv 1206.2944).
///
/// ```swift
/// var search = BayesianSearch([.init("rate", .real(1e-4...1e-1, isLogarithmic: true)), .init("optimizer", .choice(2))], seed: 1)
/// for _ in 0..<20 {
///   let point = search.next()
///   search.observe(point, try loss(rate: point[0], optimizer: Int(point[1])))
/// }
/// print(search.best!)
/// ```
public struct BayesianSearch: Sendable {
  public enum Domain: Sendable, Hashable {
    case real(ClosedRange<Double>, isLogarithmic: Bool = false)
    case integer(ClosedRange<Int>)
    /// One of so many, without an order.
    case choice(Int)
  }

  public struct Parameter: Sendable, Hashable {
    public var name: String
    public var domain: Domain
    /// The parameter matters only where another, by its place, has one of these choices.
    public var condition: Condition?

    public struct Condition: Sendable, Hashable {
      public var parameter: Int
      public var choices: Set<Int>

      public init(parameter: Int, choices: Set<Int>) {
        self.parameter = parameter
        self.choices = choices
      }
    }

    public init(_ name: String, _ domain: Domain, when condition: Condition? = nil) {
      self.name = name
      self.domain = domain
      self.condition = condition
    }
  }

  /// A value for each parameter; of a choice its number.
  public typealias Point = [Double]

  public struct Observation: Sendable {
    public var point: Point
    /// Infinite for a failure.
    public var value: Double
  }

  public let parameters: [Parameter]
  /// Points drawn at random before the model takes over.
  public let initialCount: Int
  public private(set) var observations: [Observation] = []
  private var generator: SeededGenerator

  public init(_ parameters: [Parameter], initialCount: Int = 5, seed: UInt64) {
    require(!parameters.isEmpty && initialCount > 0, "a search wants parameters and a first point")
    for (i, parameter) in parameters.enumerated() {
      switch parameter.domain {
      case .real(let range, let isLogarithmic):
        require(
          range.lowerBound < range.upperBound && (!isLogarithmic || range.lowerBound > 0),
          "\(parameter.name): the range \(range)")
      case .integer(let range): require(!range.isEmpty, "\(parameter.name): the range \(range)")
      case .choice(let count): require(count > 0, "\(parameter.name) has nothing to choose from")
      }
      if let condition = parameter.condition {
        require(condition.parameter < i, "\(parameter.name) depends on an earlier parameter")
      }
    }
    self.parameters = parameters
    self.initialCount = initialCount
    generator = SeededGenerator(seed: seed, stream: 2012)
  }

  /// The best so far.
  public var best: Observation? { observations.filter { $0.value.isFinite }.min { $0.value < $1.value } }

  /// What a point gave; infinite or NaN is a failure, which counts as the worst value seen.
  public mutating func observe(_ point: Point, _ value: Double) {
    require(point.count == parameters.count, "\(point.count) values for \(parameters.count) parameters")
    observations.append(Observation(point: point, value: value.isFinite ? value : .infinity))
  }

  /// The point to try next.
  public mutating func next() -> Point {
    guard observations.count >= initialCount, let best, let model = GaussianProcess(encoded, targets) else {
      return draw()
    }
    var candidates = (0..<1000).map { _ in draw() }
    // Near the best.
    for scale in [0.2, 0.05, 0.01] { candidates += (0..<100).map { _ in moved(best.point, scale) } }
    let incumbent = targets.min()!
    let gains = model.predictions(candidates.map(encoding)).map { expectedImprovement($0, below: incumbent) }
    return candidates[gains.indices.max { gains[$0] < gains[$1] }!]
  }

  /// Values, failures as the worst, of mean 0 and variance 1.
  private var targets: [Double] {
    let finite = observations.map(\.value).filter(\.isFinite)
    let worst = finite.max() ?? 0
    let values = observations.map { $0.value.isFinite ? $0.value : worst }
    let mean = values.reduce(0, +) / Double(values.count)
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    return values.map { ($0 - mean) / max(deviation, 1e-12) }
  }

  private var encoded: [[Double]] { observations.map { encoding($0.point) } }

  private func isActive(_ i: Int, _ point: Point) -> Bool {
    guard let condition = parameters[i].condition else { return true }
    return isActive(condition.parameter, point) && condition.choices.contains(Int(point[condition.parameter]))
  }

  /// Numbers to 0…1, choices to unit vectors (of length 1/√2, so that two of them are one apart), what does not matter to
  /// the middle.
  private func encoding(_ point: Point) -> [Double] {
    parameters.indices.flatMap { i -> [Double] in
      let isActive = isActive(i, point)
      switch parameters[i].domain {
      case .real, .integer: return [isActive ? share(i, point[i]) : 0.5]
      case .choice(let count):
        return (0..<count).map { isActive && $0 == Int(point[i]) ? 0.5.squareRoot() : 0 }
      }
    }
  }

  private func share(_ i: Int, _ value: Double) -> Double {
    switch parameters[i].domain {
    case .real(let range, true): log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
    case .real(let range, false): (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    case .integer(let range): (value - Double(range.lowerBound) + 0.5) / Double(range.count)
    case .choice: 0
    }
  }

  private func value(_ i: Int, atShare share: Double) -> Double {
    switch parameters[i].domain {
    case .real(let range, true): range.lowerBound * pow(range.upperBound / range.lowerBound, share)
    case .real(let range, false): range.lowerBound + share * (range.upperBound - range.lowerBound)
    case .integer(let range): Double(min(range.upperBound, range.lowerBound + Int(share * Double(range.count))))
    case .choice(let count): Double(min(count - 1, Int(share * Double(count))))
    }
  }

  private mutating func draw() -> Point { parameters.indices.map { value($0, atShare: Double(generator.uniform())) } }

  private mutating func moved(_ point: Point, _ scale: Double) -> Point {
    parameters.indices.map { i in
      if case .choice = parameters[i].domain {
        return generator.uniform() < 0.2 ? value(i, atShare: Double(generator.uniform())) : point[i]
      }
      // The sum of four uniform numbers is near enough to normal.
      let step = (0..<4).reduce(0.0) { sum, _ in sum + Double(generator.uniform()) - 0.5 } * 3.0.squareRoot()
      return value(i, atShare: min(max(share(i, point[i]) + scale * step, 0), 1))
    }
  }
}

/// `E max(0, y* - Y)` of a normal Y.
private func expectedImprovement(_ prediction: (mean: Double, deviation: Double), below incumbent: Double) -> Double {
  let gap = incumbent - prediction.mean
  guard prediction.deviation > 1e-12 else { return max(0, gap) }
  let z = gap / prediction.deviation
  return gap * 0.5 * erfc(-z / 2.0.squareRoot()) + prediction.deviation * exp(-z * z / 2) / (2 * Double.pi).squareRoot()
}

/// Regression by a Gaussian process of mean 0 and variance 1; length and noise are those of the largest likelihood on a grid.
private struct GaussianProcess {
  let points: [[Double]]
  let length: Double
  /// Lower Cholesky factor of the covariance, and the covariance's inverse times the targets.
  let factor: Tensor
  let weights: [Double]

  init?(_ points: [[Double]], _ targets: [Double]) {
    let n = points.count
    var best: (likelihood: Double, length: Double, factor: Tensor, weights: [Double])?
    let y = Tensor(targets, shape: [n, 1])
    for length in [0.1, 0.2, 0.4, 0.8, 1.6] {
      let covariance = points.flatMap { a in points.map { Self.matern(a, $0, length) } }
      for noise in [1e-4, 1e-2, 1e-1, 0.5] {
        let matrix = Tensor(covariance, shape: [n, n]) + Tensor.eye(n, dtype: .float64) * noise
        let factor = matrix.cholesky()
        let diagonal = factor.diagonal().doubles
        guard diagonal.allSatisfy({ $0.isFinite && $0 > 0 }) else { continue }
        let half = factor.triangularSolve(y, lower: true)
        let likelihood = -0.5 * half.squared().sum().doubles[0] - diagonal.reduce(0) { $0 + log($1) }
        if likelihood > best?.likelihood ?? -.infinity {
          best = (likelihood, length, factor, factor.T.triangularSolve(half, lower: false).doubles)
        }
      }
    }
    guard let best else { return nil }
    (self.points, length, factor, weights) = (points, best.length, best.factor, best.weights)
  }

  /// `(1 + r + r²/3) e^{-r}`, `r = √5 |a - b| / length`.
  private static func matern(_ a: [Double], _ b: [Double], _ length: Double) -> Double {
    let r = (5 * zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }).squareRoot() / length
    return (1 + r + r * r / 3) * exp(-r)
  }

  func predictions(_ places: [[Double]]) -> [(mean: Double, deviation: Double)] {
    let (n, m) = (points.count, places.count)
    let cross = Tensor(points.flatMap { a in places.map { Self.matern(a, $0, length) } }, shape: [n, m])
    let means = Tensor(weights, shape: [1, n]).matmul(cross).doubles
    let explained = factor.triangularSolve(cross, lower: true).squared().sum([0]).doubles
    return zip(means, explained).map { ($0, max(0, 1 - $1).squareRoot()) }
  }
}
