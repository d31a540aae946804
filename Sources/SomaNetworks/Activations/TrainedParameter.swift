import Foundation
import Soma

/// How a trained parameter of an activation is stored so that gradient steps cannot leave its constraint. A bound by
/// another parameter moves with it.
struct TrainedParameter {
  private struct Limit {
    var start: Double
    var expression: Expression
    var isOpen: Bool
  }

  private enum Form {
    /// As it is.
    case free
    /// `low + softplus(raw)`
    case above(Limit)
    /// `high - softplus(-raw)`
    case below(Limit)
    /// `low + (high - low) sigmoid(raw)`
    case between(Limit, Limit)
    /// `min(max(raw, low), high)`, differentiated as the identity: a projection after the step.
    case projected(Limit?, Limit?)
  }

  private let form: Form

  /// - Parameter others: the start values of all parameters.
  init(_ parameter: ActivationParameter, _ others: [String: ExpressionEvaluation.Value]) {
    var (low, high): (Limit?, Limit?)
    for bound in parameter.bounds {
      guard let limit = ExpressionEvaluation.number(bound.limit, others) else { continue }
      switch bound.comparison {
      case .greater: low = Limit(start: limit, expression: bound.limit, isOpen: true)
      case .greaterEqual: low = Limit(start: limit, expression: bound.limit, isOpen: false)
      case .less: high = Limit(start: limit, expression: bound.limit, isOpen: true)
      case .lessEqual: high = Limit(start: limit, expression: bound.limit, isOpen: false)
      case .equal: break
      }
    }
    let isInside = parameter.value.elements.allSatisfy {
      $0 > low?.start ?? -.infinity && $0 < high?.start ?? .infinity
    }
    form =
      switch (low, high) {
      case (nil, nil): .free
      case (let low?, nil) where low.isOpen && isInside: .above(low)
      case (nil, let high?) where high.isOpen && isInside: .below(high)
      case (let low?, let high?) where isInside: .between(low, high)
      default: .projected(low, high)
      }
  }

  /// The stored number that gives a start value.
  func raw(_ value: Double) -> Double {
    switch form {
    case .free, .projected: value
    case .above(let low): inverseSoftplus(value - low.start)
    case .below(let high): -inverseSoftplus(high.start - value)
    case .between(let low, let high): log((value - low.start) / (high.start - value))
    }
  }

  /// - Parameter others: the values of the other parameters as they are now.
  func value(_ raw: Tensor, _ others: [String: ExpressionEvaluation.Value]) -> Tensor {
    func now(_ limit: Limit) -> ExpressionEvaluation.Value { ExpressionEvaluation(others)(limit.expression) }
    func plus(_ limit: Limit, _ x: Tensor) -> Tensor {
      switch now(limit) {
      case .number(let number): number + x
      case .tensor(let tensor): tensor + x
      case .list, .activations: fatalError("a list where a number belongs")
      }
    }
    switch form {
    case .free: return raw
    case .above(let low): return plus(low, ExpressionEvaluation.softplus(raw))
    case .below(let high): return plus(high, -ExpressionEvaluation.softplus(-raw))
    case .between(let low, let high):
      let share = raw.logistic()
      if case (.number(let a), .number(let b)) = (now(low), now(high)) { return a + share * (b - a) }
      let zero = Tensor(0, dtype: raw.dtype)
      return plus(low, share * (plus(high, zero) - plus(low, zero)))
    case .projected(let low, let high):
      let zero = Tensor(0, dtype: raw.dtype)
      let (least, most) = (low.map { plus($0, zero) }, high.map { plus($0, zero) })
      return straightThrough(raw) { raw in
        let above = least.map { raw.maximum($0) } ?? raw
        return most.map { above.minimum($0) } ?? above
      }
    }
  }

  private func inverseSoftplus(_ y: Double) -> Double { y + log(-expm1(-y)) }
}

extension Activation {
  /// The value that a trained parameter has when `raw` is what is stored for it: parameters with a constraint are stored so that
  /// gradient steps cannot leave it.
  public func value(ofStored raw: Tensor, named name: String) -> Tensor {
    guard let parameter = parameters.first(where: { $0.name == name }) else { return raw }
    return TrainedParameter(parameter, defaults).value(raw, defaults)
  }
}

extension Activation {
  /// The same activation in which just these parameters are trained, and where one value of them is used.
  public func training(_ names: Set<String>, sharing: ActivationParameter.Sharing) -> Activation {
    var result = self
    for i in parameters.indices { result.parameters[i].role = names.contains(parameters[i].name) ? .trained : .fixed }
    result.sharing = sharing
    return result
  }
}
