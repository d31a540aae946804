/// An activation that cannot be made from what was asked for.
public enum ActivationError: Error, Hashable, CustomStringConvertible {
  case unknownName(String, nearest: [String])
  case unknownParameter(String, activation: String, known: [String])
  case outsideConstraint(activation: String, parameter: String, value: String, constraint: String)
  case unsuitableValue(String, activation: String, wanted: String)
  case unsuitableKind(String, wanted: String)
  case unequalLists(activation: String, String, String)
  case outsideDomain(String, String)
  case malformedParameter(text: String, reason: String)
  case malformedFormula(ExpressionError)

  public var description: String {
    switch self {
    case .unknownName(let name, let nearest):
      "unknown activation \"\(name)\"" + (nearest.isEmpty ? "" : "; did you mean \(nearest.joined(separator: ", "))?")
    case .unknownParameter(let name, let activation, let known):
      "\(activation) has no parameter \(name)"
        + (known.isEmpty ? "; it has none" : "; it has \(known.joined(separator: ", "))")
    case .outsideConstraint(let activation, let parameter, let value, let constraint):
      "\(activation): \(parameter)=\(value) breaks \(constraint)"
    case .unsuitableValue(let parameter, let activation, let wanted): "\(activation): \(parameter) wants \(wanted)"
    case .unsuitableKind(let name, let wanted): "\(name) is not \(wanted)"
    case .unequalLists(let activation, let one, let other):
      "\(activation): the lengths of \(one) and \(other) do not fit together"
    case .outsideDomain(let name, let place): "\(name) has no value somewhere in \(place)"
    case .malformedParameter(let text, let reason): "parameter \"\(text)\": \(reason)"
    case .malformedFormula(let error): error.description
    }
  }
}
