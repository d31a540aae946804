import Foundation
import Soma
import SomaNetworks

/// Parameters and operations of one layer as the fair comparison of KANs and MLPs counts them (Yu, Yu & Wang 2024, arXiv 2407.16674):
/// every basis function by the recursion, whether it is zero or not. `Graph.cost` counts what is computed here.
public struct FairCost: Sendable, Hashable {
  /// What an activation costs for one number.
  public static let activationCosts: [String: Int] = [
    "zero": 0, "identity": 0, "relu": 1, "squared-relu": 2, "sigmoid": 4, "silu": 5, "tanh": 6, "gelu": 14,
    "polynomial-2": 5, "polynomial-3": 9, "polynomial-5": 20,
  ]

  public var parameters: Int
  public var operations: Int

  public init(parameters: Int, operations: Int) {
    self.parameters = parameters
    self.operations = operations
  }

  public static func + (a: FairCost, b: FairCost) -> FairCost {
    FairCost(parameters: a.parameters + b.parameters, operations: a.operations + b.operations)
  }

  /// A dense layer with an activation.
  public static func dense(_ inputs: Int, _ outputs: Int, activation: Int) -> FairCost {
    FairCost(parameters: inputs * outputs + outputs, operations: 2 * inputs * outputs + activation * outputs)
  }

  /// Operations of the recursion for one number: `9K(G + 1.5K) + 2G - 2.5K + last`.
  private static func recursion(_ intervals: Int, _ order: Int, _ last: Double) -> Double {
    let (g, k) = (Double(intervals), Double(order))
    return 9 * k * (g + 1.5 * k) + 2 * g - 2.5 * k + last
  }

  /// A KAN layer; `base` is the base function's cost, nil without a base branch.
  public static func kan(_ inputs: Int, _ outputs: Int, intervals: Int, order: Int, base: Int?) -> FairCost {
    let edges = inputs * outputs
    let weights = edges * (intervals + order + (base == nil ? 2 : 3)) + outputs
    let each = recursion(intervals, order, base == nil ? 1 : 3)
    return FairCost(
      parameters: weights, operations: (base ?? 0) * inputs + Int((Double(edges) * each).rounded()))
  }

  /// A dense layer whose units have learned B-splines, behind it or, at its inputs, before it.
  public static func splineDense(
    _ inputs: Int, _ outputs: Int, intervals: Int, order: Int, isBefore: Bool = false
  ) -> FairCost {
    let units = isBefore ? inputs : outputs
    return FairCost(
      parameters: outputs * (inputs + 1) + units * (intervals + order),
      operations: 2 * inputs * outputs + Int((Double(units) * recursion(intervals, order, -1)).rounded()))
  }

  public static func batchNorm(_ units: Int) -> FairCost { FairCost(parameters: 2 * units, operations: 4 * units) }

  /// An MLP of the given widths. The published count charges the output layer with the activation, though none is applied.
  public static func mlp(_ widths: [Int], activation: Int, isExact: Bool = false, hasBatchNorm: Bool = false)
    -> FairCost
  {
    var total = FairCost(parameters: 0, operations: 0)
    for (i, pair) in zip(widths, widths.dropFirst()).enumerated() {
      let isLast = i == widths.count - 2
      total = total + dense(pair.0, pair.1, activation: isLast && isExact ? 0 : activation)
      if hasBatchNorm, !isLast { total = total + batchNorm(pair.1) }
    }
    return total
  }

  public static func kan(_ widths: [Int], intervals: Int, order: Int, base: Int?) -> FairCost {
    zip(widths, widths.dropFirst()).reduce(FairCost(parameters: 0, operations: 0)) {
      $0 + kan($1.0, $1.1, intervals: intervals, order: order, base: base)
    }
  }
}

/// Configurations of one kind of network with costs and scores, and the best that each budget can buy.
public struct ModelFamily: Sendable {
  public struct Configuration: Sendable {
    public var name: String
    public var network: any Layer
    public var cost: FairCost

    public init(_ name: String, _ network: any Layer, cost: FairCost) {
      self.name = name
      self.network = network
      self.cost = cost
    }
  }

  public var name: String
  public var configurations: [Configuration]

  public init(_ name: String, _ configurations: [Configuration]) {
    self.name = name
    self.configurations = configurations
  }
}

/// The best score at or below each budget: it never falls as budgets grow.
public struct BudgetEnvelope: Sendable, Hashable {
  public struct Point: Sendable, Hashable {
    public var cost: Double
    public var score: Double
    public var name: String

    public init(cost: Double, score: Double, name: String = "") {
      self.cost = cost
      self.score = score
      self.name = name
    }
  }

  /// Where a better score begins, by rising cost.
  public let points: [Point]

  /// - Parameter candidates: larger scores are better
  public init(_ candidates: [Point]) {
    var best = -Double.infinity
    var steps: [Point] = []
    for point in candidates.filter(\.score.isFinite).sorted(by: { ($0.cost, -$0.score) < ($1.cost, -$1.score) })
    where point.score > best {
      best = point.score
      steps.append(point)
    }
    points = steps
  }

  /// The best score that a budget buys.
  /// - Throws: `ReproductionError` if no configuration is as cheap.
  public func best(within budget: Double) throws -> Point {
    guard let point = points.last(where: { $0.cost <= budget }) else {
      throw ReproductionError(
        "no configuration fits a budget of \(Int(budget)); the cheapest costs \(Int(points.first?.cost ?? .nan))")
    }
    return point
  }
}

/// Envelopes with 95 % intervals: runs (seeds) of each configuration are drawn again with replacement, and the best mean score within
/// each budget is found anew (bootstrap of Efron 1979, percentile intervals).
public struct BudgetBand: Sendable, Hashable {
  /// Where the envelope of the means steps up, by rising cost.
  public let costs: [Double]
  public let scores: [Double]
  public let low: [Double]
  public let high: [Double]

  /// - Parameters:
  ///   - runs: for each configuration its cost, and the scores of its runs; larger is better
  ///   - resamples: how often all runs are drawn again
  public init(_ runs: [(cost: Double, scores: [Double])], resamples: Int = 1000, seed: Int = 0) {
    let usable = runs.map { ($0.cost, $0.scores.filter(\.isFinite)) }.filter { !$0.1.isEmpty }
    let points = BudgetEnvelope(usable.map { .init(cost: $0.0, score: $0.1.mean) }).points
    costs = points.map(\.cost)
    scores = points.map(\.score)
    let draws = usable.map(\.1.count).reduce(0, +)
    let places = Tensor.uniform([max(1, resamples), max(1, draws)], key: Key(seed), dtype: .float64).doubles
    var found = [[Double]](repeating: [], count: points.count)
    for round in 0..<resamples {
      var at = round * draws
      let means = usable.map { cost, scores in
        let sum = scores.indices.reduce(0.0) { sum, k in
          sum + scores[min(scores.count - 1, Int(places[at + k] * Double(scores.count)))]
        }
        at += scores.count
        return (cost: cost, score: sum / Double(scores.count))
      }
      for (i, point) in points.enumerated() {
        found[i].append(means.filter { $0.cost <= point.cost }.map(\.score).max()!)
      }
    }
    func quantile(_ values: [Double], _ share: Double) -> Double {
      let sorted = values.sorted()
      return sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }
    low = found.map { quantile($0, 0.025) }
    high = found.map { quantile($0, 0.975) }
  }
}

/// What is left of earlier groups of classes after later ones were learned.
public struct ClassIncrementalScores: Sendable, Hashable {
  /// Accuracy on group i after group t: `[t][i]`.
  public var accuracies: [[Double]]

  public init(_ accuracies: [[Double]]) { self.accuracies = accuracies }

  /// The mean over groups at the end.
  public var average: Double { accuracies.last!.mean }
  /// The mean change since a group was learned: negative where it was forgotten.
  public var backwardTransfer: Double { accuracies.indices.map { accuracies.last![$0] - accuracies[$0][$0] }.mean }
}
