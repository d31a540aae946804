/// A parameter of an activation:
/// `name=default[:constraint][:trained|fixed|state|scheduled|derived|layer-index][:sharing]`.
///
/// The default is a number (also `1/3`, `log(2)`), a list `name[1..K]=[…]`, the names of activations (`g=tanh`,
/// `g=tanh, relu`), a list with one element for each of those (`a[1..len(g)]=1/len(g)`), or a formula of the input
/// (`s=sqrt(sigmoid(x))`).
public struct ActivationParameter: Hashable, Sendable {
  public enum Role: String, Hashable, Sendable {
    case fixed, trained, state, scheduled, derived
    case layerIndex = "layer-index"
  }

  /// What shares one trained value.
  public enum Sharing: String, Hashable, Sendable {
    /// A unit of a layer: an element of the last axis, or a channel of a convolution's output.
    case perUnit = "per-unit"
    case perChannel = "per-channel"
    case perLayer = "per-layer"
    /// Every use in the network.
    case global
  }

  public enum Value: Hashable, Sendable {
    case number(Double)
    /// The elements, and the index of the first.
    case list([Double], first: Int)
    /// One activation or a pool of them, counted from 1.
    case activations([Activation])
    /// A number for each element, computed from the input.
    case formula(Expression)

    var elements: [Double] {
      switch self {
      case .number(let value): [value]
      case .list(let values, _): values
      case .activations, .formula: []
      }
    }
  }

  /// A list with an element for each activation of a pool, all with one start value.
  public struct Filling: Hashable, Sendable {
    public var pool: String
    public var first: Int
    public var value: Expression
  }

  public struct Bound: Hashable, Sendable {
    public var comparison: Expression.Comparison
    public var limit: Expression
  }

  public var name: String
  public var value: Value
  public var bounds: [Bound] = []
  /// Other conditions: `increasing`, `integer`, `odd`, `a<>1`, `d*e>exp(-1)`.
  public var conditions: [String] = []
  public var filling: Filling?
  /// How the last index of a list is written: lists with the same letter have the same length.
  var last: String?
  public var role: Role = .fixed
  public var sharing: Sharing = .perLayer

  public var isTrained: Bool { role == .trained }

  /// Reads parameters in the notation above, separated by `;`. `-` stands for none.
  /// - Throws: `ActivationError.malformedParameter`
  public static func parse(_ text: String) throws(ActivationError) -> [ActivationParameter] {
    if text == "-" || text.isEmpty { return [] }
    var result: [ActivationParameter] = []
    for part in text.split(separator: ";") { result.append(try parseOne(String(part).trimmed)) }
    let names = Set(result.map(\.name))
    for i in result.indices {
      result[i].separateBounds(names)
      result.fill(i)
    }
    return result
  }

  private static func parseOne(_ text: String) throws(ActivationError) -> ActivationParameter {
    func malformed(_ reason: String) -> ActivationError { .malformedParameter(text: text, reason: reason) }
    let fields = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0).trimmed }
    guard let equals = fields[0].firstIndex(of: "=") else { throw malformed("expected name=value") }
    var name = String(fields[0][..<equals]).trimmed
    let value = String(fields[0][fields[0].index(after: equals)...]).trimmed
    var first: Int?
    var (pool, extent): (String?, String?)
    if let bracket = name.firstIndex(of: "[") {
      guard let dots = name.firstRange(of: ".."), name.hasSuffix("]"),
        let start = Int(name[name.index(after: bracket)..<dots.lowerBound])
      else {
        throw malformed("a list is written name[first..last]=[values]")
      }
      first = start
      let last = name[dots.upperBound...].dropLast()
      extent = String(last)
      if last.hasPrefix("len("), last.hasSuffix(")") { pool = String(last.dropFirst(4).dropLast()) }
      name = String(name[..<bracket])
    }
    guard name.first?.isLetter == true, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
      throw malformed("\"\(name)\" is not a name")
    }
    var parameter = ActivationParameter(name: name, value: .number(0), last: extent)
    if let pool, let first {
      parameter.filling = Filling(pool: pool, first: first, value: try expression(value, [], pools: [pool], malformed))
    } else {
      parameter.value = try parseValue(value, first: first ?? 1, malformed)
    }
    for field in fields.dropFirst() {
      if let role = Role(rawValue: field) {
        parameter.role = role
      } else if let sharing = Sharing(rawValue: field) {
        parameter.sharing = sharing
      } else {
        parameter.conditions += field.split(separator: ",").map { String($0).trimmed }
      }
    }
    return parameter
  }

  private static func expression(
    _ text: String, _ names: Set<String>, pools: Set<String> = [], _ malformed: (String) -> ActivationError
  ) throws(ActivationError) -> Expression {
    do { return try ExpressionParser.parse(text, variables: names, pools: pools) } catch { throw malformed("\(error)") }
  }

  /// Reads a value as parameters and `named` write it.
  static func parseValue(
    _ text: String, first: Int = 1, _ malformed: (String) -> ActivationError
  ) throws(ActivationError) -> Value {
    if text.hasPrefix("[") {
      guard text.hasSuffix("]") else { throw malformed("the list does not end with ]") }
      let parts = text.dropFirst().dropLast().split(separator: ",").map { String($0).trimmed }
      if let pool = try activations(parts) { return .activations(pool) }
      var elements: [Double] = []
      for part in parts { elements.append(try number(part, malformed)) }
      return .list(elements, first: first)
    }
    if let pool = try activations(text.split(separator: ",").map { String($0).trimmed }) { return .activations(pool) }
    let expression = try expression(text, ["x"], malformed)
    if expression.uses("x") { return .formula(expression) }
    return .number(try number(text, malformed))
  }

  private static func number(_ text: String, _ malformed: (String) -> ActivationError) throws(ActivationError) -> Double
  {
    if let value = ExpressionEvaluation.number(try expression(text, [], malformed)) { return value }
    throw malformed("\"\(text)\" is not a number")
  }

  /// The activations that bare names mean; nil if these are not all names.
  private static func activations(_ names: [String]) throws(ActivationError) -> [Activation]? {
    let areNames = names.allSatisfy { name in
      name.first?.isLetter == true && !["pi", "inf", "nan", "x"].contains(name)
        && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
    }
    guard areNames, !names.isEmpty else { return nil }
    var result: [Activation] = []
    for name in names { result.append(try Activation.named(name)) }
    return result
  }

  /// Makes bounds of those conditions that bound this parameter alone.
  private mutating func separateBounds(_ names: Set<String>) {
    conditions.removeAll { condition in
      guard !condition.contains("<>"), let parsed = try? ExpressionParser.parse(condition, variables: names),
        case .compare(let comparison, .variable(name), let limit) = parsed, !limit.uses(name)
      else { return false }
      bounds.append(Bound(comparison: comparison, limit: limit))
      return true
    }
  }

  /// The first condition that the value breaks, as it is written; `others` are the values of all parameters.
  func broken(_ others: [String: ExpressionEvaluation.Value]) -> String? {
    for bound in bounds {
      guard let limit = ExpressionEvaluation.number(bound.limit, others) else { continue }
      let holds = value.elements.allSatisfy { value in
        switch bound.comparison {
        case .less: value < limit
        case .lessEqual: value <= limit
        case .greater: value > limit
        case .greaterEqual: value >= limit
        case .equal: value == limit
        }
      }
      if !holds { return "\(name)\(bound.comparison.rawValue)\(bound.limit)" }
    }
    for condition in conditions {
      let values = value.elements
      let holds =
        switch condition {
        case "increasing": zip(values, values.dropFirst()).allSatisfy { $0 < $1 }
        case "integer": values.allSatisfy { $0 == $0.rounded() }
        case "odd": values.allSatisfy { $0.remainder(dividingBy: 2).magnitude == 1 }
        default:
          if let sides = condition.firstRange(of: "<>") {
            values.allSatisfy { $0 != Double(condition[sides.upperBound...]) }
          } else {
            Self.relation(condition, others) ?? true
          }
        }
      if !holds { return condition }
    }
    return nil
  }
}

extension ActivationParameter {
  /// Whether a relation of several parameters holds, such as `b*c=expm1(a*c)`; nil if it cannot be read.
  private static func relation(_ text: String, _ values: [String: ExpressionEvaluation.Value]) -> Bool? {
    var text = text
    if !text.contains(where: { $0 == "<" || $0 == ">" }), let equals = text.firstIndex(of: "=") {
      text.replaceSubrange(equals...equals, with: "==")
    }
    guard let expression = try? ExpressionParser.parse(text, variables: Set(values.keys)) else { return nil }
    return ExpressionEvaluation.number(expression, values).map { $0 != 0 }
  }
}

extension ActivationParameter {
  /// Another value in place of this one.
  /// - Throws: `ActivationError` if it is of another kind.
  func accepting(_ new: Value, of activation: String) throws(ActivationError) -> Value {
    switch (value, new) {
    case (.number, .number), (.number, .formula), (.formula, .number), (.formula, .formula): return new
    case (.list(_, let first), .list(let elements, _)):
      guard !elements.isEmpty else { throw .unsuitableValue(name, activation: activation, wanted: "some numbers") }
      return .list(elements, first: first)
    case (.activations(let old), .activations(let pool)):
      guard !pool.isEmpty else {
        throw .unsuitableValue(name, activation: activation, wanted: "at least one activation")
      }
      if let odd = pool.first(where: { !$0.isElementwise }) {
        throw .unsuitableKind(odd.name, wanted: "a function of one number")
      }
      if old.count == 1 && pool.count > 1 {
        throw .unsuitableValue(name, activation: activation, wanted: "one activation")
      }
      return new
    case (.number, _), (.formula, _): throw .unsuitableValue(name, activation: activation, wanted: "a number")
    case (.list, _): throw .unsuitableValue(name, activation: activation, wanted: "a list of numbers [a,b]")
    case (.activations, _): throw .unsuitableValue(name, activation: activation, wanted: "the name of an activation")
    }
  }
}

extension [ActivationParameter] {
  /// Two lists whose lengths should agree but do not.
  var unequalLists: (String, String)? {
    var known: [String: (name: String, value: Int)] = [:]
    for parameter in self {
      guard case .list(let elements, let first) = parameter.value, let last = parameter.last else { continue }
      // `K-1` and `K` are about the same K.
      let parts = last.split(separator: "-")
      let offset = parts.count == 2 ? Int(parts[1]) : nil
      let letter = offset == nil ? last : String(parts[0])
      let value = elements.count + first - 1 + (offset ?? 0)
      if let other = known[letter], other.value != value { return (other.name, parameter.name) }
      known[letter] = (parameter.name, value)
      if case .number(let count)? = self.first(where: { $0.name == letter })?.value, count != Double(value) {
        return (letter, parameter.name)
      }
    }
    return nil
  }

  /// The names of numbers (or formulas), of lists, and of activations.
  var names: (numbers: Set<String>, lists: Set<String>, pools: Set<String>) {
    var (numbers, lists, pools): (Set<String>, Set<String>, Set<String>) = ([], [], [])
    for parameter in self {
      switch parameter.value {
      case .number, .formula: numbers.insert(parameter.name)
      case .list: lists.insert(parameter.name)
      case .activations: pools.insert(parameter.name)
      }
    }
    return (numbers, lists, pools)
  }

  /// Gives a list that follows a pool its elements.
  mutating func fill(_ i: Int) {
    guard let filling = self[i].filling, let pool = first(where: { $0.name == filling.pool }),
      case .activations(let activations) = pool.value
    else { return }
    let length = ExpressionEvaluation.Value.activations(activations)
    let value = ExpressionEvaluation.number(filling.value, [filling.pool: length]) ?? 0
    self[i].value = .list([Double](repeating: value, count: activations.count), first: filling.first)
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
