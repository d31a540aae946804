import Soma

/// Branches of formulas: what is not taken must not leave a trace, in derivatives either.
extension ExpressionEvaluation {
  func choose(_ condition: Expression, _ then: Expression, _ otherwise: Expression) -> Value {
    let mask: Tensor
    switch condition {
    case .compare(let comparison, let a, let b):
      let (left, right) = (self(a), self(b))
      if Self.neverHolds(comparison, left, right) { return self(otherwise) }
      switch compare(comparison, left, right) {
      case .known(let holds): return self(holds ? then : otherwise)
      case .each(let each): mask = each
      }
    default:
      switch self(condition) {
      case .number(let value): return self(value != 0 ? then : otherwise)
      case .tensor(let tensor): mask = tensor.cast(to: .bool)
      case .list, .activations: fatalError("a list where a condition belongs")
      }
    }
    let a = guarded(then, condition, mask, holds: true)(then)
    let b = guarded(otherwise, condition, mask, holds: false)(otherwise)
    switch (a, b) {
    case (.number(let x), .number(let y)):
      let dtype = anyTensor.dtype
      return .tensor(.select(mask, Tensor(x, dtype: dtype), Tensor(y, dtype: dtype)))
    case (.number(let x), .tensor(let y)): return .tensor(.select(mask, x, y))
    case (.tensor(let x), .number(let y)): return .tensor(.select(mask, x, y))
    case (.tensor(let x), .tensor(let y)): return .tensor(.select(mask, x, y))
    default: fatalError("a list where a number belongs")
    }
  }

  /// Nothing lies beyond infinity; a point inside such a branch would be infinite.
  private static func neverHolds(_ comparison: Expression.Comparison, _ a: Value, _ b: Value) -> Bool {
    guard case .tensor = a, case .number(let bound) = b else { return false }
    return comparison == .greater && bound == .infinity || comparison == .less && bound == -.infinity
  }

  private var anyTensor: Tensor {
    for value in values.values { if case .tensor(let tensor) = value { return tensor } }
    fatalError("a condition on tensors without tensors")
  }

  /// The evaluation of a branch: where the branch is not taken, the variable of the condition stands at a point inside
  /// the branch, since the product of a zero cotangent and an infinite derivative would be NaN.
  private func guarded(_ branch: Expression, _ condition: Expression, _ mask: Tensor, holds: Bool)
    -> ExpressionEvaluation
  {
    guard !branch.isAlwaysFinite else { return self }
    if case .compare(let comparison, let a, let b) = condition {
      if case .variable(let name) = a, !b.uses(name) { return moving(name, self(b), comparison, mask, holds: holds) }
      if case .variable(let name) = b, !a.uses(name) {
        let turned: Expression.Comparison =
          switch comparison {
          case .less: .greater
          case .lessEqual: .greaterEqual
          case .greater: .less
          case .greaterEqual: .lessEqual
          case .equal: .equal
          }
        return moving(name, self(a), turned, mask, holds: holds)
      }
    }
    return searching(condition, mask, holds: holds)
  }

  private func moving(
    _ name: String, _ bound: Value, _ comparison: Expression.Comparison, _ mask: Tensor, holds: Bool
  ) -> ExpressionEvaluation {
    guard case .tensor(let x) = values[name]! else { return self }
    let isAbove = (comparison == .greater || comparison == .greaterEqual) == holds
    // A condition of equality holds at the bound itself; elsewhere one step beside it lies inside.
    let step: Double = comparison == .equal && holds ? 0 : isAbove || comparison == .equal ? 1 : -1
    let inside = arithmetic(.add, bound, .number(step))
    let taken = holds ? mask : !mask
    switch inside {
    case .number(let point): return with(name, .tensor(.select(taken, x, point)), sample: samples[name])
    case .tensor(let point): return with(name, .tensor(.select(taken, x, point.stopGradient())), sample: samples[name])
    case .list, .activations: fatalError("a list where a number belongs")
    }
  }

  private func searching(_ condition: Expression, _ mask: Tensor, holds: Bool) -> ExpressionEvaluation {
    let taken = holds ? mask : !mask
    // Inputs first, then what is computed from them; parameters, which have samples, stay.
    let others = values.keys.filter { samples[$0] == nil && !["x", "x1", "x2"].contains($0) }.sorted()
    for name in ["x", "x1", "x2"] + others {
      guard case .tensor(let x)? = values[name], condition.uses(name) else { continue }
      for candidate in [1, -1, 0.5, -0.5, 2, -2, 0.1, -0.1, 4, -4, 0, 10, -10] as [Double] {
        var trial = self
        trial.samples[name] = candidate
        if let value = trial.sample(condition), (value != 0) == holds {
          return with(name, .tensor(.select(taken, x, candidate)), sample: candidate)
        }
      }
    }
    return self
  }
}
