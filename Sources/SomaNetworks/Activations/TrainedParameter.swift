import Foundation
import Soma

/// How a trained parameter of an activation is stored so that gradient steps cannot leave its constraint.
enum TrainedParameter {
  /// As it is.
  case free
  /// `low + softplus(raw)`
  case above(Double)
  /// `high - softplus(-raw)`
  case below(Double)
  /// `low + (high - low) sigmoid(raw)`
  case between(Double, Double)
  /// `min(max(raw, low), high)`, differentiated as the identity: a projection after the step.
  case projected(Double?, Double?)

  init(_ parameter: ActivationParameter, _ others: [String: ExpressionEvaluation.Value]) {
    var low: (limit: Double, isOpen: Bool)?
    var high: (limit: Double, isOpen: Bool)?
    for bound in parameter.bounds {
      // A bound by another trained parameter moves and is not kept here.
      guard let limit = ExpressionEvaluation.number(bound.limit, others) else { continue }
      switch bound.comparison {
      case .greater: low = (limit, true)
      case .greaterEqual: low = (limit, false)
      case .less: high = (limit, true)
      case .lessEqual: high = (limit, false)
      case .equal: break
      }
    }
    let values = parameter.value.elements
    let isInside = values.allSatisfy { $0 > low?.limit ?? -.infinity && $0 < high?.limit ?? .infinity }
    self =
      switch (low, high) {
      case (nil, nil): .free
      case (let low?, nil) where low.isOpen && isInside: .above(low.limit)
      case (nil, let high?) where high.isOpen && isInside: .below(high.limit)
      case (let low?, let high?) where isInside: .between(low.limit, high.limit)
      default: .projected(low?.limit, high?.limit)
      }
  }

  /// The stored number that gives a value.
  func raw(_ value: Double) -> Double {
    switch self {
    case .free, .projected: value
    case .above(let low): inverseSoftplus(value - low)
    case .below(let high): -inverseSoftplus(high - value)
    case .between(let low, let high): log((value - low) / (high - value))
    }
  }

  func value(_ raw: Tensor) -> Tensor {
    switch self {
    case .free: raw
    case .above(let low): low + ExpressionEvaluation.softplus(raw)
    case .below(let high): high - ExpressionEvaluation.softplus(-raw)
    case .between(let low, let high): low + raw.logistic() * (high - low)
    case .projected(let low, let high):
      straightThrough(raw) { raw in
        let above = low.map { raw.maximum($0) } ?? raw
        return high.map { above.minimum($0) } ?? above
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
    return TrainedParameter(parameter, [:]).value(raw)
  }
}
