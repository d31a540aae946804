import Foundation
import Soma

/// Computes a formula: numbers as numbers, so that parameters which are not trained cost nothing, tensors as recorded
/// operations.
struct ExpressionEvaluation {
  enum Value {
    case number(Double)
    case tensor(Tensor)
    /// The elements, and the index of the first.
    case list([Value], first: Int)
  }

  private struct Function {
    let parameters: [String]
    let body: Expression
  }

  private var values: [String: Value]
  /// Plain numbers that stand for the tensors where a point inside a branch is looked for.
  private var samples: [String: Double]
  private var functions: [String: Function] = [:]
  /// The axis that `axissum`, `axismax` and `axismean` run along.
  private let axis: Int

  init(_ values: [String: Value], samples: [String: Double] = [:], axis: Int = -1) {
    self.values = values
    self.samples = samples
    self.axis = axis
  }

  /// The formula's value as a tensor like `template`.
  static func tensor(
    _ expression: Expression, _ values: [String: Value], samples: [String: Double] = [:], axis: Int = -1,
    like template: Tensor
  ) -> Tensor {
    switch ExpressionEvaluation(values, samples: samples, axis: axis)(expression) {
    case .tensor(let tensor): tensor
    // A constant: every element, NaN stays NaN.
    case .number(let number): template * 0 + number
    case .list: fatalError("the formula \(expression) has a list as its value")
    }
  }

  /// The value of a formula of numbers, or nil if it has none.
  static func number(_ expression: Expression, _ values: [String: Value] = [:]) -> Double? {
    if case .number(let result) = ExpressionEvaluation(values)(expression) { result } else { nil }
  }

  private func with(_ name: String, _ value: Value, sample: Double? = nil) -> ExpressionEvaluation {
    var result = self
    result.values[name] = value
    if case .number(let number) = value { result.samples[name] = number } else { result.samples[name] = sample }
    return result
  }

  func callAsFunction(_ expression: Expression) -> Value {
    switch expression {
    case .number(let value): return .number(value)
    case .variable(let name):
      guard let value = values[name] else { fatalError("the formula's name \(name) has no value") }
      return value
    case .element(let name, let index): return element(name, self(index))
    case .negate(let a):
      return unary(self(a), { -$0 }, { -$0 })
    case .arithmetic(let operation, let a, let b): return arithmetic(operation, self(a), self(b))
    case .compare(let comparison, let a, let b):
      switch compare(comparison, self(a), self(b)) {
      case .known(let holds): return .number(holds ? 1 : 0)
      case .each(let mask): return .tensor(mask)
      }
    case .call(let name, let arguments):
      if let function = functions[name] {
        var inner = self
        for (parameter, argument) in zip(function.parameters, arguments) {
          inner = inner.with(parameter, self(argument), sample: sample(argument))
        }
        return inner(function.body)
      }
      return call(name, arguments)
    case .choose(let condition, let a, let b): return choose(condition, a, b)
    case .fold(let fold, let counter, let from, let to, let body): return self.fold(fold, counter, from, to, body)
    case .binding(let name, let value, let body):
      return with(name, self(value), sample: sample(value))(body)
    case .function(let name, let parameters, let value, let body):
      var inner = self
      inner.functions[name] = Function(parameters: parameters, body: value)
      return inner(body)
    }
  }

  /// The value at the sample point; nil if a name has no sample.
  private func sample(_ expression: Expression) -> Double? {
    var scalars: [String: Value] = values.filter { if case .tensor = $0.value { false } else { true } }
    for (name, value) in samples { scalars[name] = .number(value) }
    guard values.keys.allSatisfy({ scalars[$0] != nil || !expression.uses($0) }) else { return nil }
    var plain = ExpressionEvaluation(scalars, samples: samples)
    plain.functions = functions
    if case .number(let result) = plain(expression) { return result }
    return nil
  }

  // MARK: Arithmetic

  private func unary(_ a: Value, _ number: (Double) -> Double, _ tensor: (Tensor) -> Tensor) -> Value {
    switch a {
    case .number(let value): .number(number(value))
    case .tensor(let value): .tensor(tensor(value))
    case .list: fatalError("a list where a number belongs")
    }
  }

  private func arithmetic(_ operation: Expression.Arithmetic, _ a: Value, _ b: Value) -> Value {
    switch (operation, a, b) {
    case (.add, .number(let x), .number(let y)): .number(x + y)
    case (.add, .number(0), .tensor(let y)): .tensor(y)
    case (.add, .tensor(let x), .number(0)): .tensor(x)
    case (.add, .number(let x), .tensor(let y)): .tensor(x + y)
    case (.add, .tensor(let x), .number(let y)): .tensor(x + y)
    case (.add, .tensor(let x), .tensor(let y)): .tensor(x + y)
    case (.subtract, .number(let x), .number(let y)): .number(x - y)
    case (.subtract, .tensor(let x), .number(0)): .tensor(x)
    case (.subtract, .number(let x), .tensor(let y)): .tensor(x - y)
    case (.subtract, .tensor(let x), .number(let y)): .tensor(x - y)
    case (.subtract, .tensor(let x), .tensor(let y)): .tensor(x - y)
    case (.multiply, .number(let x), .number(let y)): .number(x * y)
    case (.multiply, .number(1), .tensor(let y)): .tensor(y)
    case (.multiply, .tensor(let x), .number(1)): .tensor(x)
    case (.multiply, .number(let x), .tensor(let y)): .tensor(x * y)
    case (.multiply, .tensor(let x), .number(let y)): .tensor(x * y)
    case (.multiply, .tensor(let x), .tensor(let y)): .tensor(x * y)
    case (.divide, .number(let x), .number(let y)): .number(x / y)
    case (.divide, .tensor(let x), .number(1)): .tensor(x)
    case (.divide, .number(let x), .tensor(let y)): .tensor(x / y)
    // A product is cheaper; where the reciprocal rounds, the quotient stays.
    case (.divide, .tensor(let x), .number(let y)): .tensor(y.magnitude.significand == 1 ? x * (1 / y) : x / y)
    case (.divide, .tensor(let x), .tensor(let y)): .tensor(x / y)
    case (.power, .number(let x), .number(let y)): .number(Foundation.pow(x, y))
    case (.power, .tensor(let x), .number(let y)): .tensor(power(x, y))
    case (.power, .number(let x), .tensor(let y)): .tensor(Tensor(x, dtype: y.dtype).power(y))
    case (.power, .tensor(let x), .tensor(let y)): .tensor(x.power(y))
    default: fatalError("a list where a number belongs")
    }
  }

  /// Whole exponents as products: exact for negative numbers, and cheap.
  private func power(_ x: Tensor, _ exponent: Double) -> Tensor {
    guard exponent == exponent.rounded(), abs(exponent) >= 1, abs(exponent) <= 32 else { return x.power(exponent) }
    var (n, factor, result) = (Int(abs(exponent)), x, nil as Tensor?)
    while n > 0 {
      if n & 1 == 1 { result = result.map { $0 * factor } ?? factor }
      n >>= 1
      if n > 0 { factor = factor * factor }
    }
    return exponent < 0 ? 1 / result! : result!
  }

  private enum Condition {
    case known(Bool)
    case each(Tensor)
  }

  private func compare(_ comparison: Expression.Comparison, _ a: Value, _ b: Value) -> Condition {
    func apply(_ x: Tensor, _ y: Tensor) -> Tensor {
      switch comparison {
      case .less: x .< y
      case .lessEqual: x .<= y
      case .greater: x .> y
      case .greaterEqual: x .>= y
      case .equal: x .== y
      }
    }
    switch (a, b) {
    case (.number(let x), .number(let y)):
      switch comparison {
      case .less: return .known(x < y)
      case .lessEqual: return .known(x <= y)
      case .greater: return .known(x > y)
      case .greaterEqual: return .known(x >= y)
      case .equal: return .known(x == y)
      }
    case (.tensor(let x), .number(let y)): return .each(apply(x, Tensor(y, dtype: x.dtype)))
    case (.number(let x), .tensor(let y)): return .each(apply(Tensor(x, dtype: y.dtype), y))
    case (.tensor(let x), .tensor(let y)): return .each(apply(x, y))
    default: fatalError("a list where a number belongs")
    }
  }

  // MARK: Branches

  private func choose(_ condition: Expression, _ then: Expression, _ otherwise: Expression) -> Value {
    let mask: Tensor
    switch condition {
    case .compare(let comparison, let a, let b):
      switch compare(comparison, self(a), self(b)) {
      case .known(let holds): return self(holds ? then : otherwise)
      case .each(let each): mask = each
      }
    default:
      switch self(condition) {
      case .number(let value): return self(value != 0 ? then : otherwise)
      case .tensor(let tensor): mask = tensor.cast(to: .bool)
      case .list: fatalError("a list where a condition belongs")
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
    case .list: fatalError("a list where a number belongs")
    }
  }

  private func searching(_ condition: Expression, _ mask: Tensor, holds: Bool) -> ExpressionEvaluation {
    let taken = holds ? mask : !mask
    for name in ["x", "x1", "x2"] {
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

  // MARK: Lists and loops

  private func whole(_ value: Value, _ what: String) -> Int {
    guard case .number(let number) = value, let result = Int(exactly: number.rounded(.down)) else {
      fatalError("\(what) of an activation's formula is not a known number")
    }
    return result
  }

  private func element(_ name: String, _ index: Value) -> Value {
    guard case .list(let elements, let first)? = values[name] else { fatalError("\(name) is not a list") }
    if case .tensor(let places) = index {
      // A place that is computed: each element where the place is its own.
      return elements.enumerated().reduce(.number(0)) { sum, entry in
        let hit = (places .== Double(entry.offset + first)).cast(to: places.dtype)
        return arithmetic(.add, sum, arithmetic(.multiply, .tensor(hit), entry.element))
      }
    }
    let place = whole(index, "an index") - first
    require(elements.indices.contains(place), "\(name)[\(place + first)] lies outside a list of \(elements.count)")
    return elements[place]
  }

  private func fold(
    _ fold: Expression.Fold, _ counter: String, _ from: Expression, _ to: Expression, _ body: Expression
  ) -> Value {
    let (low, high) = (whole(self(from), "a lower limit"), whole(self(to), "an upper limit"))
    require(high - low < 10_000, "a loop of \(high - low) steps in an activation's formula")
    var result: Value?
    for k in stride(from: low, through: high, by: 1) {
      let term = with(counter, .number(Double(k)))(body)
      result =
        result.map { result in
          switch fold {
          case .sum: arithmetic(.add, result, term)
          case .product: arithmetic(.multiply, result, term)
          case .maximum: extremum(result, term, isMax: true)
          }
        } ?? term
    }
    return result ?? .number(fold == .sum ? 0 : fold == .product ? 1 : -.infinity)
  }

  /// With a number, the derivative where both are equal is that of the number: zero.
  private func extremum(_ a: Value, _ b: Value, isMax: Bool) -> Value {
    switch (a, b) {
    case (.number(let x), .number(let y)): .number(isMax ? Swift.max(x, y) : Swift.min(x, y))
    case (.tensor(let x), .number(let y)), (.number(let y), .tensor(let x)):
      .tensor(.select(isMax ? x .<= y : x .>= y, y, x))
    case (.tensor(let x), .tensor(let y)): .tensor(isMax ? x.maximum(y) : x.minimum(y))
    default: fatalError("a list where a number belongs")
    }
  }

  // MARK: Functions

  private func call(_ name: String, _ arguments: [Expression]) -> Value {
    if name == "len", case .variable(let list) = arguments[0], case .list(let elements, _)? = values[list] {
      return .number(Double(elements.count))
    }
    let given = arguments.map { self($0) }
    let a = given[0]
    switch name {
    case "exp": return unary(a, Foundation.exp) { $0.exp() }
    case "log": return unary(a, Foundation.log) { $0.log() }
    case "log1p": return unary(a, Foundation.log1p) { $0.log1p() }
    case "expm1": return unary(a, Foundation.expm1) { $0.expm1() }
    case "sqrt":
      return unary(a, { $0.squareRoot() }) { x in
        // The slope at zero is infinite, and times zero would be NaN; it counts as zero. A sum is hardly ever zero.
        if case .arithmetic(.add, _, _) = arguments[0] { return x.sqrt() }
        let isZero = x .== 0
        return .select(isZero, 0, Tensor.select(isZero, 1, x).sqrt())
      }
    case "abs": return unary(a, { $0.magnitude }) { $0.abs() }
    case "sign": return unary(a, { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }) { $0.sign() }
    case "max", "min": return given.dropFirst().reduce(a) { extremum($0, $1, isMax: name == "max") }
    case "floor": return unary(a, { $0.rounded(.down) }) { $0.floor() }
    case "erf": return unary(a, Foundation.erf) { $0.erf() }
    case "erfc": return unary(a, Foundation.erfc) { $0.erfc() }
    case "tanh": return unary(a, Foundation.tanh) { $0.tanh() }
    case "sinh": return unary(a, Foundation.sinh) { $0.sinh() }
    case "cosh": return unary(a, Foundation.cosh) { $0.cosh() }
    case "sech":
      // Beyond 80 the value is below Float32's smallest number, and cosh would overflow.
      return unary(a, { 1 / Foundation.cosh($0) }) { 1 / Tensor.select($0.abs() .>= 80, 80, $0).cosh() }
    case "sin": return unary(a, Foundation.sin) { $0.sin() }
    case "cos": return unary(a, Foundation.cos) { $0.cos() }
    case "tan": return unary(a, Foundation.tan) { $0.tan() }
    case "atan": return unary(a, Foundation.atan) { $0.atan() }
    case "asin": return unary(a, Foundation.asin) { $0.asin() }
    case "asinh": return unary(a, Foundation.asinh) { $0.asinh() }
    case "sigmoid": return unary(a, { 1 / (1 + Foundation.exp(-$0)) }) { $0.logistic() }
    case "softplus":
      return unary(a, { Swift.max($0, 0) + Foundation.log1p(Foundation.exp(-$0.magnitude)) }, Self.softplus)
    case "relu": return extremum(a, .number(0), isMax: true)
    case "normcdf":
      return unary(a, { Foundation.erfc(-$0 / 2.0.squareRoot()) / 2 }) { ($0 * -0.7071067811865476).erfc() * 0.5 }
    case "normpdf":
      return unary(a, { Foundation.exp(-$0 * $0 / 2) * 0.3989422804014327 }) {
        ($0 * $0 * -0.5).exp() * 0.3989422804014327
      }
    case "lgamma": return unary(a, Foundation.lgamma) { $0.lgamma() }
    case "gamma": return unary(a, { Foundation.exp(Foundation.lgamma($0)) }) { $0.lgamma().exp() }
    case "clip": return extremum(extremum(a, given[1], isMax: true), given[2], isMax: false)
    case "step":
      return unary(a, { $0 >= 0 ? 1 : 0 }) { ($0 .>= 0).cast(to: $0.dtype) }
    case "elu":
      return unary(a, { $0 >= 0 ? $0 : Foundation.expm1($0) }) { x in
        .select(x .>= 0, x, Tensor.select(x .>= 0, 0, x).expm1())
      }
    case "axissum": return unary(a, { $0 }) { $0.sum([axis], keepsAxes: true) }
    case "axismax": return unary(a, { $0 }) { $0.max([axis], keepsAxes: true).stopGradient() }
    case "axismean": return unary(a, { $0 }) { $0.mean([axis], keepsAxes: true) }
    default: fatalError("the function \(name) has no meaning")
    }
  }

  /// `log(1 + eˣ)`: one exponential and one logarithm, without overflow, every derivative right at zero too. Beyond 40
  /// the identity is exact in double precision.
  static func softplus(_ x: Tensor) -> Tensor {
    let bend = 40.0
    let isLinear = x .>= bend
    return .select(isLinear, x, Tensor.select(isLinear, bend, x).exp().log1p())
  }
}
