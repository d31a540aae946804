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
    case activations([Activation])
  }

  /// What the formula stands in: a tensor's axes, and the layer that keeps its statistics.
  struct Surroundings {
    /// The axis that `axissum` and its like run along.
    var axis = -1
    /// The axis of units or channels.
    var channelAxis = -1
    /// Applies an activation-valued parameter (its name, its place in the pool).
    var apply: (String, Int, Activation, Tensor) -> Tensor = { $2($3) }
    /// A statistic of a batch, or its running mean.
    var running: (Tensor) -> Tensor = { $0 }
  }

  struct Function {
    let parameters: [String]
    let body: Expression
  }

  /// The last product of a loop, which the next turn of the loop around it goes on from.
  final class ProductMemory {
    let counter: String
    var body: Expression?
    var reached = 0
    var value: Value?
    init(counter: String) { self.counter = counter }
  }

  var values: [String: Value]
  /// Plain numbers that stand for the tensors where a point inside a branch is looked for.
  var samples: [String: Double]
  var functions: [String: Function] = [:]
  let surroundings: Surroundings
  var memory: ProductMemory?

  init(_ values: [String: Value], samples: [String: Double] = [:], _ surroundings: Surroundings = Surroundings()) {
    self.values = values
    self.samples = samples
    self.surroundings = surroundings
  }

  /// The formula's value as a tensor like `template`.
  static func tensor(
    _ expression: Expression, _ values: [String: Value], samples: [String: Double] = [:],
    _ surroundings: Surroundings = Surroundings(), like template: Tensor
  ) -> Tensor {
    switch ExpressionEvaluation(values, samples: samples, surroundings)(expression) {
    // Conditions count as 0 and 1.
    case .tensor(let tensor): tensor.dtype == .bool ? tensor.cast(to: template.dtype) : tensor
    // A constant: every element, NaN stays NaN.
    case .number(let number): template * 0 + number
    case .list, .activations: fatalError("the formula \(expression) has a list as its value")
    }
  }

  /// The value of a formula of numbers, or nil if it has none.
  static func number(_ expression: Expression, _ values: [String: Value] = [:]) -> Double? {
    if case .number(let result) = ExpressionEvaluation(values)(expression) { result } else { nil }
  }

  func with(_ name: String, _ value: Value, sample: Double? = nil) -> ExpressionEvaluation {
    var result = self
    if memory?.counter != name { result.memory = nil }
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
    case .apply(let name, let index, let argument): return apply(name, index, self(argument))
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
  func sample(_ expression: Expression) -> Double? {
    var scalars: [String: Value] = values.filter { if case .tensor = $0.value { false } else { true } }
    for (name, value) in samples { scalars[name] = .number(value) }
    guard values.keys.allSatisfy({ scalars[$0] != nil || !expression.uses($0) }) else { return nil }
    var plain = ExpressionEvaluation(scalars, samples: samples, surroundings)
    plain.functions = functions
    if case .number(let result) = plain(expression) { return result }
    return nil
  }

  // MARK: Arithmetic

  func unary(_ a: Value, _ number: (Double) -> Double, _ tensor: (Tensor) -> Tensor) -> Value {
    switch a {
    case .number(let value): .number(number(value))
    case .tensor(let value): .tensor(tensor(value))
    case .list, .activations: fatalError("a list where a number belongs")
    }
  }

  func arithmetic(_ operation: Expression.Arithmetic, _ a: Value, _ b: Value) -> Value {
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

  enum Condition {
    case known(Bool)
    case each(Tensor)
  }

  func compare(_ comparison: Expression.Comparison, _ a: Value, _ b: Value) -> Condition {
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
}
