/// A parameter of an activation:
/// `name=default[:constraint][:trained|fixed|state|scheduled|derived|layer-index][:sharing]`.
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

    var elements: [Double] {
      switch self {
      case .number(let value): [value]
      case .list(let values, _): values
      }
    }
  }

  public struct Bound: Hashable, Sendable {
    public var comparison: Expression.Comparison
    public var limit: Expression
  }

  public var name: String
  public var value: Value
  public var bounds: [Bound] = []
  /// Other conditions: `increasing`, `integer`, `odd`, `a<>1`.
  public var conditions: [String] = []
  public var role: Role = .fixed
  public var sharing: Sharing = .perLayer

  public var isTrained: Bool { role == .trained }

  /// Reads parameters in the notation above, separated by `;`. `-` stands for none.
  /// - Throws: `ActivationError.malformedParameter`
  public static func parse(_ text: String) throws(ActivationError) -> [ActivationParameter] {
    if text == "-" || text.isEmpty { return [] }
    var result: [ActivationParameter] = []
    for part in text.split(separator: ";") { result.append(try parseOne(String(part).trimmed, after: result)) }
    return result
  }

  private static func parseOne(_ text: String, after known: [ActivationParameter]) throws(ActivationError)
    -> ActivationParameter
  {
    func malformed(_ reason: String) -> ActivationError { .malformedParameter(text: text, reason: reason) }
    let fields = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0).trimmed }
    guard let equals = fields[0].firstIndex(of: "=") else { throw malformed("expected name=value") }
    var name = String(fields[0][..<equals]).trimmed
    let value = String(fields[0][fields[0].index(after: equals)...]).trimmed
    var first = 0
    if let bracket = name.firstIndex(of: "[") {
      guard let dots = name.firstRange(of: ".."), let start = Int(name[name.index(after: bracket)..<dots.lowerBound])
      else {
        throw malformed("a list is written name[first..last]=[values]")
      }
      first = start
      name = String(name[..<bracket])
    }
    guard name.first?.isLetter == true, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
      throw malformed("\"\(name)\" is not a name")
    }
    func number(_ text: String) throws(ActivationError) -> Double {
      do {
        if let value = ExpressionEvaluation.number(try ExpressionParser.parse(text, variables: [])) { return value }
      } catch { throw malformed("\(error)") }
      throw malformed("\"\(text)\" is not a number")
    }
    var parameter: ActivationParameter
    if value.hasPrefix("[") {
      guard value.hasSuffix("]") else { throw malformed("the list does not end with ]") }
      var elements: [Double] = []
      for element in value.dropFirst().dropLast().split(separator: ",") {
        elements.append(try number(String(element).trimmed))
      }
      parameter = ActivationParameter(name: name, value: .list(elements, first: first))
    } else {
      parameter = ActivationParameter(name: name, value: .number(try number(value)))
    }
    for field in fields.dropFirst() {
      if let role = Role(rawValue: field) {
        parameter.role = role
      } else if let sharing = Sharing(rawValue: field) {
        parameter.sharing = sharing
      } else {
        for condition in field.split(separator: ",").map({ String($0).trimmed }) {
          let names = Set(known.map(\.name) + [name])
          if !condition.contains("<>"), let parsed = try? ExpressionParser.parse(condition, variables: names),
            case .compare(let comparison, .variable(name), let limit) = parsed
          {
            parameter.bounds.append(Bound(comparison: comparison, limit: limit))
          } else {
            parameter.conditions.append(condition)
          }
        }
      }
    }
    return parameter
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
          condition.hasPrefix(name + "<>")
            ? values.allSatisfy { $0 != Double(condition.dropFirst(name.count + 2)) } : true
        }
      if !holds { return condition }
    }
    return nil
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
