/// A formula of one or two inputs and named parameters, as activations write it. `ExpressionParser` reads it,
/// `ExpressionEvaluation` computes it.
public indirect enum Expression: Hashable, Sendable {
  case number(Double)
  case variable(String)
  /// An element of a list, counted from the list's first index.
  case element(String, Expression)
  case negate(Expression)
  case arithmetic(Arithmetic, Expression, Expression)
  case compare(Comparison, Expression, Expression)
  case call(String, [Expression])
  /// An activation-valued parameter, or an element of a pool of them, at a value: `g(x)`, `g[j](x)`.
  case apply(String, Expression?, Expression)
  /// `where(condition, then, otherwise)`: the branch that is not taken has no influence, on derivatives either.
  case choose(Expression, Expression, Expression)
  /// `sum`, `prod`, `maxk` or `concat` of the body for a counter from … to.
  case fold(Fold, counter: String, from: Expression, to: Expression, body: Expression)
  /// `name := value; body`
  case binding(String, Expression, in: Expression)
  /// `name(parameters) := value; body`
  case function(String, [String], Expression, in: Expression)

  public enum Arithmetic: String, Hashable, Sendable {
    case add = "+", subtract = "-", multiply = "*", divide = "/", power = "^"
  }
  public enum Comparison: String, Hashable, Sendable {
    case less = "<", lessEqual = "<=", greater = ">", greaterEqual = ">=", equal = "=="
  }
  public enum Fold: String, Hashable, Sendable {
    case sum, product = "prod", maximum = "maxk", concatenation = "concat"
  }

  /// Whether a variable occurs, other than bound by the expression itself.
  public func uses(_ name: String) -> Bool {
    switch self {
    case .number: false
    case .variable(let other): other == name
    case .element(let list, let index): list == name || index.uses(name)
    case .negate(let a): a.uses(name)
    case .arithmetic(_, let a, let b), .compare(_, let a, let b): a.uses(name) || b.uses(name)
    case .call(_, let arguments): arguments.contains { $0.uses(name) }
    case .apply(let function, let index, let a): function == name || index?.uses(name) == true || a.uses(name)
    case .choose(let c, let a, let b): c.uses(name) || a.uses(name) || b.uses(name)
    case .fold(_, let counter, let from, let to, let body):
      from.uses(name) || to.uses(name) || (counter != name && body.uses(name))
    case .binding(let bound, let value, let body): value.uses(name) || (bound != name && body.uses(name))
    case .function(_, let parameters, let value, let body):
      (!parameters.contains(name) && value.uses(name)) || body.uses(name)
    }
  }

  /// Whether value and derivatives are finite for every finite input of moderate size, so that a branch which is not
  /// taken needs no guard.
  var isAlwaysFinite: Bool {
    switch self {
    case .number, .variable, .element: true
    case .negate(let a): a.isAlwaysFinite
    case .arithmetic(.divide, let a, .number(let n)): n != 0 && a.isAlwaysFinite
    case .arithmetic(.divide, _, _): false
    case .arithmetic(.power, let a, .number(let n)): n >= 0 && n <= 4 && n.rounded() == n && a.isAlwaysFinite
    case .arithmetic(.power, _, _): false
    case .arithmetic(_, let a, let b), .compare(_, let a, let b): a.isAlwaysFinite && b.isAlwaysFinite
    case .call(let name, let arguments):
      Expression.finiteFunctions.contains(name) && arguments.allSatisfy(\.isAlwaysFinite)
    case .choose(let c, let a, let b): c.isAlwaysFinite && a.isAlwaysFinite && b.isAlwaysFinite
    case .apply, .fold, .binding, .function: false
    }
  }

  /// Whether a function is called somewhere.
  func calls(_ name: String) -> Bool {
    switch self {
    case .number, .variable: false
    case .element(_, let a), .negate(let a): a.calls(name)
    case .arithmetic(_, let a, let b), .compare(_, let a, let b): a.calls(name) || b.calls(name)
    case .call(let own, let arguments): own == name || arguments.contains { $0.calls(name) }
    case .apply(_, let index, let a): index?.calls(name) == true || a.calls(name)
    case .choose(let c, let a, let b): c.calls(name) || a.calls(name) || b.calls(name)
    case .fold(_, _, let from, let to, let body): from.calls(name) || to.calls(name) || body.calls(name)
    case .binding(_, let value, let body), .function(_, _, let value, let body):
      value.calls(name) || body.calls(name)
    }
  }

  /// A name, of those given or computed from them, that says how often a loop runs: such a loop has no fixed length.
  func loopLimit(among names: Set<String>) -> String? {
    func any(_ parts: [Expression]) -> String? { parts.lazy.compactMap { $0.loopLimit(among: names) }.first }
    switch self {
    case .number, .variable: return nil
    case .element(_, let a), .negate(let a): return a.loopLimit(among: names)
    case .arithmetic(_, let a, let b), .compare(_, let a, let b): return any([a, b])
    case .call(_, let arguments): return any(arguments)
    case .apply(_, let index, let a): return any([a] + (index.map { [$0] } ?? []))
    case .choose(let c, let a, let b): return any([c, a, b])
    case .fold(_, let counter, let from, let to, let body):
      return names.first { from.uses($0) || to.uses($0) } ?? body.loopLimit(among: names.subtracting([counter]))
    case .binding(let name, let value, let body):
      let isDynamic = names.contains { value.uses($0) }
      return value.loopLimit(among: names)
        ?? body.loopLimit(among: isDynamic ? names.union([name]) : names.subtracting([name]))
    case .function(_, let parameters, let value, let body):
      return value.loopLimit(among: names.union(parameters)) ?? body.loopLimit(among: names)
    }
  }

  private static let finiteFunctions: Set<String> = [
    "abs", "sign", "max", "min", "floor", "erf", "tanh", "sin", "cos", "atan", "sigmoid", "softplus", "relu", "clip",
    "step", "elu", "normcdf", "normpdf", "asinh",
  ]
}

extension Expression: CustomStringConvertible {
  public var description: String { text(-1) }

  /// The formula with parentheses where a part binds less than `level`.
  private func text(_ level: Int) -> String {
    func wrapped(_ own: Int, _ text: String) -> String { own < level ? "(\(text))" : text }
    switch self {
    case .number(let value):
      return value.isNaN
        ? "nan"
        : value == .infinity ? "inf" : value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    case .variable(let name): return name
    case .element(let list, let index): return "\(list)[\(index)]"
    case .negate(let a): return wrapped(3, "-" + a.text(3))
    case .arithmetic(let operation, let a, let b):
      switch operation {
      case .add: return wrapped(1, "\(a.text(1))+\(b.text(1))")
      case .subtract: return wrapped(1, "\(a.text(1))-\(b.text(2))")
      case .multiply: return wrapped(2, "\(a.text(2))*\(b.text(2))")
      case .divide: return wrapped(2, "\(a.text(2))/\(b.text(3))")
      case .power: return wrapped(4, "\(a.text(5))^\(b.text(3))")
      }
    case .compare(let comparison, let a, let b): return wrapped(0, "\(a.text(1))\(comparison.rawValue)\(b.text(1))")
    case .call(let name, let arguments): return "\(name)(" + arguments.map { $0.text(0) }.joined(separator: ", ") + ")"
    case .apply(let name, let index, let a): return name + (index.map { "[\($0)]" } ?? "") + "(\(a.text(0)))"
    case .choose(let c, let a, let b): return "where(\(c), \(a), \(b))"
    case .fold(let fold, let counter, let from, let to, let body):
      return "\(fold.rawValue)(\(counter)=\(from)..\(to), \(body))"
    case .binding(let name, let value, let body): return wrapped(-1, "\(name) := \(value.text(0)); \(body)")
    case .function(let name, let parameters, let value, let body):
      return wrapped(-1, "\(name)(\(parameters.joined(separator: ","))) := \(value.text(0)); \(body)")
    }
  }
}
