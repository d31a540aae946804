import Soma
import SomaData

/// What must not happen: inputs and outputs of a network that satisfy a formula.
public struct VerificationProperty: Sendable {
  public enum Variable: Hashable, Sendable {
    case input(Int)
    case output(Int)
  }

  /// `Σ aᵢ xᵢ + Σ bⱼ yⱼ + c`
  public struct Term: Hashable, Sendable {
    public var inputs: [Int: Double] = [:]
    public var outputs: [Int: Double] = [:]
    public var constant = 0.0

    init(constant: Double) { self.constant = constant }

    init(_ variable: Variable) {
      switch variable {
      case .input(let i): inputs[i] = 1
      case .output(let j): outputs[j] = 1
      }
    }

    var isConstant: Bool { inputs.isEmpty && outputs.isEmpty }

    static func += (sum: inout Term, b: Term) {
      sum.inputs.merge(b.inputs, uniquingKeysWith: +)
      sum.outputs.merge(b.outputs, uniquingKeysWith: +)
      sum.constant += b.constant
    }

    static func * (a: Term, factor: Double) -> Term {
      var product = a
      product.inputs = a.inputs.mapValues { $0 * factor }
      product.outputs = a.outputs.mapValues { $0 * factor }
      product.constant *= factor
      return product
    }

    static func - (a: Term, b: Term) -> Term {
      var difference = a
      difference += b * -1
      return difference
    }

    func value(_ x: [Double], _ y: [Double]) -> Double {
      inputs.reduce(0) { $0 + $1.value * x[$1.key] } + outputs.reduce(0) { $0 + $1.value * y[$1.key] } + constant
    }
  }

  public indirect enum Formula: Hashable, Sendable {
    case all([Formula])
    case any([Formula])
    /// `term ≤ 0`, or `term < 0`.
    case atMostZero(Term, isStrict: Bool)

    var negated: Formula {
      switch self {
      case .all(let parts): .any(parts.map(\.negated))
      case .any(let parts): .all(parts.map(\.negated))
      case .atMostZero(let term, let isStrict): .atMostZero(term * -1, isStrict: !isStrict)
      }
    }

    func holds(_ x: [Double], _ y: [Double]) -> Bool {
      switch self {
      case .all(let parts): parts.allSatisfy { $0.holds(x, y) }
      case .any(let parts): parts.contains { $0.holds(x, y) }
      case .atMostZero(let term, let isStrict): isStrict ? term.value(x, y) < 0 : term.value(x, y) <= 0
      }
    }
  }

  /// One way to violate the property: inputs in a box, and conditions that all hold.
  public struct Case: Sendable {
    /// Limits of each input, lower and upper.
    public var box: [(low: Double, high: Double)]
    /// `term ≤ 0` for each; strict ones are relaxed.
    public var conditions: [Term]
  }

  public let inputCount: Int
  public let outputCount: Int
  /// All assertions together.
  public let violation: Formula
  private let file: String

  init(inputCount: Int, outputCount: Int, violation: Formula, file: String) {
    (self.inputCount, self.outputCount, self.violation, self.file) = (inputCount, outputCount, violation, file)
  }

  /// Whether an input and its output are a counterexample.
  public func isViolated(input: [Double], output: [Double]) -> Bool {
    require(
      input.count == inputCount && output.count == outputCount,
      "\(input.count) inputs and \(output.count) outputs of a property with \(inputCount) and \(outputCount)")
    return violation.holds(input, output)
  }

  /// The violation as a choice of cases, each a box of inputs with conditions: the disjunctive normal form. Cases whose box is
  /// empty are left out.
  /// - Throws: `DataError` if there are more than `limit`, or a hundred times as many comparisons in them, or if an input has no
  ///   finite limits in one of them.
  public func cases(limit: Int = 100_000) throws -> [Case] {
    try clauses(violation, limit).compactMap { clause in
      var box = [(low: Double, high: Double)](repeating: (-.infinity, .infinity), count: inputCount)
      var conditions = [Term]()
      for term in clause {
        guard term.outputs.isEmpty, term.inputs.count <= 1 else {
          conditions.append(term)
          continue
        }
        guard let (i, factor) = term.inputs.first, factor != 0 else {
          if term.constant > 0 { return nil }
          continue
        }
        let bound = -term.constant / factor
        if factor > 0 { box[i].high = Swift.min(box[i].high, bound) } else { box[i].low = Swift.max(box[i].low, bound) }
      }
      if box.contains(where: { $0.low > $0.high }) { return nil }
      if let i = box.firstIndex(where: { !$0.low.isFinite || !$0.high.isFinite }) {
        throw DataError(file, "the input X_\(i) has no finite limits")
      }
      return Case(box: box, conditions: conditions)
    }
  }

  private func clauses(_ formula: Formula, _ limit: Int) throws -> [[Term]] {
    func checked(_ count: Int, terms: Int) throws {
      guard count <= limit, terms <= 100 * limit else {
        throw DataError(file, "the property has more than \(limit) cases, or \(100 * limit) comparisons in them")
      }
    }
    func size(_ clauses: [[Term]]) -> Int { clauses.reduce(0) { $0 + $1.count } }
    switch formula {
    case .atMostZero(let term, _): return [[term]]
    case .any(let parts):
      var all = [[Term]]()
      var terms = 0
      for part in parts {
        let own = try clauses(part, limit)
        terms += size(own)
        all += own
        try checked(all.count, terms: terms)
      }
      return all
    case .all(let parts):
      var all: [[Term]] = [[]]
      for part in parts {
        let own = try clauses(part, limit)
        if own.count == 1 {
          for i in all.indices { all[i] += own[0] }
        } else {
          // Both counts are checked, so the products fit.
          try checked(all.count * own.count, terms: size(all) * own.count + size(own) * all.count)
          all = all.flatMap { head in own.map { head + $0 } }
        }
      }
      return all
    }
  }
}
