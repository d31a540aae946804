import Foundation

/// A formula with constants that are kept simple while it is put together: sums of terms with factors, products, powers, named
/// functions.
public indirect enum Formula: Sendable, Hashable {
  case variable(String)
  /// `constant + Σ factor · term`; a number is a sum without terms.
  case sum(Double, [Term])
  case product([Formula])
  case power(Formula, Double)
  case call(String, Formula)

  public struct Term: Sendable, Hashable {
    public var factor: Double
    public var formula: Formula
    public init(_ factor: Double, _ formula: Formula) {
      self.factor = factor
      self.formula = formula
    }
  }

  public static func number(_ value: Double) -> Formula { .sum(value, []) }

  /// The value if it is a number.
  public var constant: Double? {
    if case .sum(let value, let terms) = self, terms.isEmpty { value } else { nil }
  }

  private var parts: (constant: Double, terms: [Term]) {
    if case .sum(let constant, let terms) = self { (constant, terms) } else { (0, [Term(1, self)]) }
  }

  private static func made(_ constant: Double, _ terms: [Term]) -> Formula {
    var joined: [Term] = []
    for term in terms {
      if let i = joined.firstIndex(where: { $0.formula == term.formula }) {
        joined[i].factor += term.factor
      } else {
        joined.append(term)
      }
    }
    joined.removeAll { $0.factor == 0 }
    if constant == 0, joined.count == 1, joined[0].factor == 1 { return joined[0].formula }
    return .sum(constant, joined)
  }

  public func adding(_ other: Formula) -> Formula {
    let (a, b) = (parts, other.parts)
    return Self.made(a.constant + b.constant, a.terms + b.terms)
  }

  public func times(_ factor: Double) -> Formula {
    let all = parts
    return Self.made(all.constant * factor, all.terms.map { Term($0.factor * factor, $0.formula) })
  }

  public func times(_ other: Formula) -> Formula {
    if let factor = constant { return other.times(factor) }
    if let factor = other.constant { return times(factor) }
    let (a, b) = (single, other.single)
    func factors(_ formula: Formula) -> [Formula] { if case .product(let all) = formula { all } else { [formula] } }
    return Formula.product(factors(a.formula) + factors(b.formula)).times(a.factor * b.factor)
  }

  /// A factor and what it multiplies, if the formula is one term.
  private var single: Term {
    let all = parts
    return all.constant == 0 && all.terms.count == 1 ? all.terms[0] : Term(1, self)
  }

  /// `formula^exponent`; factors of whole powers stand in front, squares of sums of up to three terms are multiplied out.
  public func raised(to exponent: Double) -> Formula {
    if let value = constant { return .number(pow(value, exponent)) }
    let isWhole = exponent.rounded() == exponent
    let one = single
    if one.factor != 1, isWhole || one.factor > 0 {
      return Formula.power(one.formula, exponent).times(pow(one.factor, exponent))
    }
    let all = parts
    if exponent == 2, all.terms.count + (all.constant == 0 ? 0 : 1) <= 3, all.terms.count > 0, one.formula == self {
      if case .sum = self {
        let members = all.terms.map { $0.formula.times($0.factor) } + (all.constant == 0 ? [] : [.number(all.constant)])
        var result = Formula.number(0)
        for (i, a) in members.enumerated() {
          result = result.adding(a.raised(to: 2))
          for b in members[(i + 1)...] { result = result.adding(a.times(b).times(2)) }
        }
        return result
      }
    }
    return .power(self, exponent)
  }

  /// `name(formula)`; constants leave exponentials and logarithms, factors leave roots and magnitudes.
  public func called(_ name: String) -> Formula {
    if let value = constant { return .number(Self.value(name, value)) }
    let all = parts
    let one = single
    // Odd and even functions take their arguments with a positive first term.
    if let first = all.terms.first, first.factor < 0 {
      if ["sin", "tan", "tanh", "arcsin", "arctan", "arctanh", "sign"].contains(name) {
        return times(-1).called(name).times(-1)
      }
      if ["cos", "abs"].contains(name) { return times(-1).called(name) }
    }
    switch name {
    case "exp" where all.constant != 0:
      return Formula.call("exp", Self.made(0, all.terms)).times(exp(all.constant))
    case "log" where one.factor != 1:
      return Formula.call("log", one.formula).adding(.number(log(abs(one.factor))))
    case "sqrt" where one.factor != 1 && one.factor > 0:
      return Formula.call("sqrt", one.formula).times(one.factor.squareRoot())
    case "abs" where one.factor != 1: return Formula.call("abs", one.formula).times(abs(one.factor))
    case "sin", "cos":
      // The phase within half a turn; half a turn changes the sign.
      var phase = all.constant.remainder(dividingBy: 2 * .pi)
      var sign = 1.0
      if abs(phase) > .pi / 2 {
        phase -= phase > 0 ? .pi : -.pi
        sign = -1
      }
      return Formula.call(name, Self.made(phase, all.terms)).times(sign)
    default: return .call(name, self)
    }
  }

  static func value(_ name: String, _ x: Double) -> Double {
    switch name {
    case "exp": exp(x)
    case "log": log(abs(x))
    case "sqrt": (x < 0 ? -1 : 1) * abs(x).squareRoot()
    case "abs": abs(x)
    case "sin": sin(x)
    case "cos": cos(x)
    case "tan": tan(x)
    case "tanh": tanh(x)
    case "sign": x > 0 ? 1 : x < 0 ? -1 : 0
    case "arcsin": asin(min(max(x, -1), 1))
    case "arccos": acos(min(max(x, -1), 1))
    case "arctan": atan(x)
    case "arctanh": atanh(x)
    default: .nan
    }
  }

  /// The value for numbers in place of the variables.
  public func value(_ variables: [String: Double]) -> Double {
    switch self {
    case .variable(let name): variables[name] ?? .nan
    case .sum(let constant, let terms):
      terms.reduce(constant) { $0 + $1.factor * $1.formula.value(variables) }
    case .product(let factors): factors.reduce(1) { $0 * $1.value(variables) }
    case .power(let base, let exponent): pow(base.value(variables), exponent)
    case .call(let name, let inner): Self.value(name, inner.value(variables))
    }
  }

  /// Constants rounded to so many decimals; terms that vanish go away.
  public func rounded(decimals: Int = 3) -> Formula {
    let unit = pow(10, Double(decimals))
    func round(_ x: Double) -> Double { (x * unit).rounded() / unit }
    switch self {
    case .variable: return self
    case .sum(let constant, let terms):
      let kept = terms.map { ($0.factor, $0.formula.rounded(decimals: decimals)) }
      return kept.reduce(.number(round(constant))) { sum, term in
        sum.adding(round(term.0) == 0 ? .number(0) : term.1.times(round(term.0)))
      }
    case .product(let factors):
      return factors.reduce(.number(1)) { $0.times($1.rounded(decimals: decimals)) }
    case .power(let base, let exponent): return base.rounded(decimals: decimals).raised(to: exponent)
    case .call(let name, let inner):
      let inner = inner.rounded(decimals: decimals)
      return inner.constant == nil ? .call(name, inner) : inner.called(name)
    }
  }

  /// The formula as it is printed: terms whose spread over the rows is below a share of their sum's become constants, and numbers are
  /// rounded to significant digits.
  public func printed(on rows: [[String: Double]], digits: Int = 4, negligible: Double = 1e-3) -> Formula {
    func simpler(_ formula: Formula) -> Formula { formula.printed(on: rows, digits: digits, negligible: negligible) }
    func spread(_ values: [Double]) -> (mean: Double, deviation: Double) {
      let mean = values.reduce(0, +) / Double(max(1, values.count))
      return (mean, (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count))).squareRoot())
    }
    switch self {
    case .variable: return self
    case .sum(var constant, let terms):
      let all = spread(rows.map { value($0) }).deviation
      var kept = Formula.number(0)
      for term in terms {
        let own = spread(rows.map { term.factor * term.formula.value($0) })
        if own.deviation < negligible * all {
          constant += own.mean
        } else {
          kept = kept.adding(simpler(term.formula).times(Self.rounded(term.factor, digits)))
        }
      }
      guard kept.constant == nil else { return .number(Self.rounded(constant, digits)) }
      // A constant matters as much as the sum spreads.
      let unit = pow(10, (log10(max(all, 1e-300))).rounded(.down) - Double(digits - 1))
      return kept.adding(.number((constant / unit).rounded() * unit))
    case .product(let factors): return factors.reduce(.number(1)) { $0.times(simpler($1)) }
    case .power(let base, let exponent): return simpler(base).raised(to: exponent)
    case .call(let name, let inner):
      let inner = simpler(inner)
      // Only signs are moved: what is taken out of a rounded argument would be rounded twice.
      return inner.constant == nil && inner.parts.terms.first.map { $0.factor >= 0 } ?? true
        ? .call(name, inner) : inner.called(name)
    }
  }

  private static func rounded(_ value: Double, _ digits: Int) -> Double {
    guard value != 0, value.isFinite else { return value }
    let unit = pow(10, log10(abs(value)).rounded(.down) - Double(digits - 1))
    return (value / unit).rounded() * unit
  }

  /// The number of variables, functions, powers and constants.
  public var complexity: Int {
    switch self {
    case .variable: 1
    case .sum(let constant, let terms):
      (constant == 0 ? 0 : 1) + terms.reduce(0) { $0 + ($1.factor == 1 ? 0 : 1) + $1.formula.complexity }
    case .product(let factors): factors.reduce(0) { $0 + $1.complexity }
    case .power(let base, _): base.complexity + 1
    case .call(_, let inner): inner.complexity + 1
    }
  }
}

extension Formula: CustomStringConvertible {
  public var description: String { text }

  private var text: String {
    switch self {
    case .variable(let name): return name
    case .call(let name, let inner): return "\(name)(\(inner.text))"
    case .power(let base, let exponent):
      return "\(base.wrapped)^\(exponent < 0 ? "(\(Self.text(exponent)))" : Self.text(exponent))"
    case .product(let factors): return factors.map(\.wrapped).joined(separator: "*")
    case .sum(let constant, let terms):
      var result = ""
      for term in terms {
        let size = abs(term.factor)
        let sign = term.factor < 0 ? (result.isEmpty ? "-" : " - ") : (result.isEmpty ? "" : " + ")
        let body = if case .product = term.formula { term.formula.text } else { term.formula.wrapped }
        result += sign + (size == 1 ? body : Self.text(size) + "*" + body)
      }
      if result.isEmpty { return Self.text(constant) }
      if constant != 0 { result += (constant < 0 ? " - " : " + ") + Self.text(abs(constant)) }
      return result
    }
  }

  private var wrapped: String {
    switch self {
    case .variable, .call: text
    case .power: text
    case .sum(let constant, let terms): terms.isEmpty && constant >= 0 ? text : "(\(text))"
    case .product: "(\(text))"
    }
  }

  private static func text(_ value: Double) -> String {
    if value.rounded() == value, abs(value) < 1e9 { return String(Int(value)) }
    return String(format: "%.6g", value)
  }
}
