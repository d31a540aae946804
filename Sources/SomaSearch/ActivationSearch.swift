import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// Expressions of a given number of core units, and ways through them.
public struct ActivationSearchSpace: Sendable, Hashable {
  public typealias Expression = ActivationExpression

  public var coreUnits: Int
  public var unary: [Expression.Unary]
  public var binary: [Expression.Binary]

  public init(
    coreUnits: Int = 1, unary: [Expression.Unary] = Expression.Unary.allCases.filter { $0 != .zero && $0 != .one },
    binary: [Expression.Binary] = Expression.Binary.allCases
  ) {
    require((1...4).contains(coreUnits), "activations are searched with 1 to 4 core units, not \(coreUnits)")
    require(!unary.isEmpty && !binary.isEmpty, "a search space wants operators")
    self.coreUnits = coreUnits
    self.unary = unary
    self.binary = binary
  }

  /// One unit without trained numbers: 24 unary operators (0 and 1 among them), 7 binary ones, 4,032 members.
  public static let exhaustive = ActivationSearchSpace(
    unary: Expression.Unary.allCases.filter { !$0.isTrained },
    binary: Expression.Binary.allCases.filter { !$0.isTrained })

  /// How many expressions there are, before any are found to be alike.
  public var count: Int {
    (0..<coreUnits).reduce(1) { $0 * unary.count * unary.count * binary.count * ($1 + 1) * ($1 + 1) }
  }

  private func operands(_ unit: Int) -> [Expression.Operand] { [.input] + (0..<unit).map { .unit($0) } }

  /// All expressions of one core unit, in order.
  public func allOfOneUnit() -> [Expression] {
    binary.flatMap { b in unary.flatMap { u in unary.map { v in Expression([.init(b, u, v)]) } } }
  }

  public func random(_ generator: inout SeededGenerator) -> Expression {
    Expression(
      (0..<coreUnits).map { i in
        .init(
          binary.randomElement(using: &generator)!, unary.randomElement(using: &generator)!,
          unary.randomElement(using: &generator)!,
          of: operands(i).randomElement(using: &generator)!, operands(i).randomElement(using: &generator)!)
      })
  }

  /// One operator or operand drawn anew.
  public func mutated(_ expression: Expression, _ generator: inout SeededGenerator) -> Expression {
    var units = expression.units
    let i = Int.random(in: 0..<units.count, using: &generator)
    switch Int.random(in: 0..<(i == 0 ? 3 : 5), using: &generator) {
    case 0: units[i].binary = binary.randomElement(using: &generator)!
    case 1: units[i].first = unary.randomElement(using: &generator)!
    case 2: units[i].second = unary.randomElement(using: &generator)!
    case 3: units[i].firstOperand = operands(i).randomElement(using: &generator)!
    default: units[i].secondOperand = operands(i).randomElement(using: &generator)!
    }
    return Expression(units)
  }

  /// Where expressions are compared: 101 points of [-4, 4].
  public static let grid = (0...100).map { -4 + 8 * Double($0) / 100 }

  /// The expressions that are finite, neither constant nor linear on the grid, each function once: of those that agree to 1e-9 the first
  /// with the shortest text.
  public static func simplified(_ expressions: [Expression]) -> [Expression] {
    let x = Tensor(grid)
    var known: [[Int64]: (place: Int, length: Int)] = [:]
    var kept: [Expression?] = []
    for expression in expressions {
      let y = expression(x).doubles
      guard y.allSatisfy(\.isFinite), !isLinear(y) else { continue }
      let key = y.map(rounded)
      let length = expression.description.count
      if let other = known[key] {
        if length < other.length {
          kept[other.place] = expression
          known[key] = (other.place, length)
        }
      } else {
        known[key] = (kept.count, length)
        kept.append(expression)
      }
    }
    return kept.compactMap { $0 }
  }

  /// A number for a value that is the same for values that agree to 1e-9, relative for those above 1.
  private static func rounded(_ value: Double) -> Int64 {
    guard abs(value) > 1 else { return Int64((value * 1e9).rounded()) }
    let mantissa = Int64((value.significand * 1e9).rounded()) * (value < 0 ? -1 : 1)
    return mantissa &+ Int64(value.exponent + 1) &* 4_000_000_000
  }

  private static func isLinear(_ y: [Double]) -> Bool {
    let size: Double = y.reduce(1) { max($0, abs($1)) }
    return (1..<y.count - 1).allSatisfy { (i: Int) -> Bool in
      let bend: Double = y[i - 1] - 2 * y[i] + y[i + 1]
      return abs(bend) < 1e-9 * size
    }
  }
}

/// What a search found: every expression that was scored, in order.
public struct ActivationSearchResult: Sendable {
  public var scored: [(expression: ActivationExpression, score: Double)]

  /// The best score after each evaluation.
  public var best: [Double] {
    var best = -Double.infinity
    return scored.map {
      best = max(best, $0.score)
      return best
    }
  }
  /// The best expressions, the best first, each function once.
  public func top(_ count: Int) -> [(expression: ActivationExpression, score: Double)] {
    var seen: Set<ActivationExpression> = []
    return Array(scored.sorted { $0.score > $1.score }.filter { seen.insert($0.expression).inserted }.prefix(count))
  }
}

extension ActivationSearchSpace {
  public typealias Score = (ActivationExpression) throws -> Double

  /// The score of an expression, asked once; expressions that are not finite or are linear on the grid score 0 unasked.
  private func cached(_ score: @escaping Score) -> (ActivationExpression) throws -> Double {
    var known: [ActivationExpression: Double] = [:]
    return { expression in
      if let value = known[expression] { return value }
      let value = Self.simplified([expression]).isEmpty ? 0 : try score(expression)
      known[expression] = value.isFinite ? value : 0
      return known[expression]!
    }
  }

  /// All expressions of one unit, each function once.
  public func exhaustiveSearch(_ score: Score) throws -> ActivationSearchResult {
    ActivationSearchResult(scored: try Self.simplified(allOfOneUnit()).map { ($0, try score($0)) })
  }

  public func randomSearch(evaluations: Int, seed: UInt64, _ score: @escaping Score) throws -> ActivationSearchResult {
    var generator = SeededGenerator(seed: seed, stream: 35)
    let value = cached(score)
    return ActivationSearchResult(
      scored: try (0..<evaluations).map { _ in
        let expression = random(&generator)
        return (expression, try value(expression))
      })
  }

  /// Aging evolution (Real et al. 2019, arXiv 1802.01548): the oldest leaves, a mutation of a tournament's winner comes.
  public func evolution(
    evaluations: Int, population: Int = 50, tournament: Int = 10, seed: UInt64, _ score: @escaping Score
  ) throws -> ActivationSearchResult {
    let value = cached(score)
    let size = max(2, min(population, evaluations))
    var evolution = AgingEvolution<ActivationExpression>(
      populationSize: size, tournamentShare: min(1, Double(tournament) / Double(size)), seed: seed)
    try evolution.begin({ self.random(&$0) }, { [try value($0)] })
    while evolution.history.count < evaluations { try evolution.step({ self.mutated($0, &$1) }, { [try value($0)] }) }
    return ActivationSearchResult(scored: evolution.history.prefix(evaluations).map { ($0.genome, $0.scores[0]) })
  }

  /// A recurrent controller trained by proximal policy optimization.
  public func policySearch(
    evaluations: Int, seed: UInt64, settings: ActivationController.Settings = .init(), _ score: @escaping Score
  ) throws -> ActivationSearchResult {
    let value = cached(score)
    var controller = ActivationController(self, settings: settings, seed: seed)
    var scored: [(expression: ActivationExpression, score: Double)] = []
    while scored.count < evaluations {
      let samples = controller.sample(min(settings.batch, evaluations - scored.count))
      let rewards = try samples.map { try value($0.expression) }
      scored += zip(samples, rewards).map { ($0.expression, $1) }
      controller.learn(samples, rewards)
    }
    return ActivationSearchResult(scored: scored)
  }
}
