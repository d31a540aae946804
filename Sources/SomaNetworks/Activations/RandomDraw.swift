import Soma

/// A random number in the training form of a stochastic activation: `with t from Uniform(a,b) per unit`.
struct RandomDraw: Hashable, Sendable {
  enum Distribution: Hashable, Sendable {
    case uniform(Expression, Expression)
    case normal(mean: Expression, deviation: Expression)
  }

  enum Sharing: String, Hashable, Sendable { case unit, element, step }

  var name: String
  var distribution: Distribution
  /// What gets one number: each element, each unit (all examples share it), or the whole layer.
  var sharing: Sharing

  /// Reads `infer: e ;; train: e with t from Uniform(a,b) per unit`.
  static func parse(_ formula: String, variables: Set<String>) throws(ExpressionError)
    -> (inference: Expression, training: Expression, draws: [RandomDraw])
  {
    func malformed(_ reason: String) -> ExpressionError {
      ExpressionError(formula: formula, position: 0, reason: reason)
    }
    guard formula.hasPrefix("infer:"), let middle = formula.firstRange(of: ";; train:"),
      let with = formula.firstRange(of: " with "), with.lowerBound > middle.upperBound
    else {
      throw malformed("a stochastic formula is written \"infer: e ;; train: e with t from Uniform(a,b) per unit\"")
    }
    let inference = try ExpressionParser.parse(
      String(formula[formula.index(formula.startIndex, offsetBy: 6)..<middle.lowerBound]), variables: variables)
    let words = formula[with.upperBound...].split(separator: " ")
    guard words.count >= 5, words[1] == "from", words[words.count - 2] == "per",
      let sharing = Sharing(rawValue: String(words[words.count - 1]))
    else { throw malformed("the random number is written \"t from Uniform(a,b) per unit\" (or element, step)") }
    let call = words[2..<(words.count - 2)].joined()
    guard let open = call.firstIndex(of: "("), call.hasSuffix(")") else {
      throw malformed("\(call) is no distribution")
    }
    var arguments: [Expression] = []
    for text in call[call.index(after: open)...].dropLast().split(separator: ",") {
      arguments.append(try ExpressionParser.parse(String(text), variables: variables))
    }
    guard arguments.count == 2 else { throw malformed("\(call): a distribution has two arguments") }
    let distribution: Distribution
    switch call[..<open] {
    case "Uniform": distribution = .uniform(arguments[0], arguments[1])
    case "Normal": distribution = .normal(mean: arguments[0], deviation: arguments[1])
    default: throw malformed("unknown distribution \(call[..<open]); known are Uniform and Normal")
    }
    let name = String(words[0])
    let training = try ExpressionParser.parse(
      String(formula[middle.upperBound..<with.lowerBound]), variables: variables.union([name]))
    return (inference, training, [RandomDraw(name: name, distribution: distribution, sharing: sharing)])
  }

  func sample(
    like x: Tensor, _ values: [String: ExpressionEvaluation.Value], channelAxis: Int, key: Key
  ) -> Tensor {
    let shape: Shape =
      switch sharing {
      case .element: x.shape
      case .unit: Shape([x.shape[channelAxis]] + [Int](repeating: 1, count: x.rank - channelAxis - 1))
      case .step: []
      }
    func tensor(_ expression: Expression) -> Tensor {
      ExpressionEvaluation.tensor(expression, values, like: Tensor(0, dtype: x.dtype))
    }
    switch distribution {
    case .uniform(let low, let high):
      let (low, high) = (tensor(low), tensor(high))
      return low + Tensor.uniform(shape, key: key, dtype: x.dtype) * (high - low)
    case .normal(let mean, let deviation):
      return tensor(mean) + Tensor.normal(shape, key: key, dtype: x.dtype) * tensor(deviation)
    }
  }
}
