import Soma

/// A random number in the training form of a stochastic activation: `with t from Uniform(a,b) per unit`.
struct RandomDraw: Hashable, Sendable {
  enum Distribution: Hashable, Sendable {
    case uniform(Expression, Expression)
    case normal(mean: Expression, deviation: Expression)
    /// A normal number given that it lies between two limits.
    case truncatedNormal(mean: Expression, deviation: Expression, low: Expression, high: Expression)
    /// No random number: how many groups of so many training passes are over.
    case count(Expression)
  }

  enum Sharing: String, Hashable, Sendable { case unit, element, step }

  var name: String
  /// The parameter that is a list and has a number drawn for each of its elements; nil for a single number.
  var list: String?
  var distribution: Distribution
  /// What gets one number: each element, each unit (all examples share it), or the whole layer.
  var sharing: Sharing

  /// Reads `infer: e ;; train: e with t from Uniform(a,b) per unit and u[c] from Normal(0,t) per element`. A draw may
  /// use the draws before it; `u[c]` has a number for each element of the list c.
  static func parse(_ formula: String, variables: Set<String>, lists: Set<String>, pools: Set<String>)
    throws(ExpressionError) -> (inference: Expression, training: Expression, draws: [RandomDraw])
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
      String(formula[formula.index(formula.startIndex, offsetBy: 6)..<middle.lowerBound]), variables: variables,
      lists: lists, pools: pools)
    var draws: [RandomDraw] = []
    for text in String(formula[with.upperBound...]).split(by: " and ") {
      draws.append(try one(text, variables.union(draws.map(\.name)), malformed))
    }
    let training = try ExpressionParser.parse(
      String(formula[middle.upperBound..<with.lowerBound]),
      variables: variables.union(draws.filter { $0.list == nil }.map(\.name)),
      lists: lists.union(draws.filter { $0.list != nil }.map(\.name)), pools: pools)
    return (inference, training, draws)
  }

  private static func one(
    _ text: String, _ variables: Set<String>, _ malformed: (String) -> ExpressionError
  ) throws(ExpressionError) -> RandomDraw {
    let words = text.split(separator: " ")
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
    func take(_ count: Int) throws(ExpressionError) {
      guard arguments.count == count else { throw malformed("\(call): the distribution has \(count) arguments") }
    }
    let distribution: Distribution
    switch call[..<open] {
    case "Uniform":
      try take(2)
      distribution = .uniform(arguments[0], arguments[1])
    case "Normal":
      try take(2)
      distribution = .normal(mean: arguments[0], deviation: arguments[1])
    case "TruncatedNormal":
      try take(4)
      distribution = .truncatedNormal(
        mean: arguments[0], deviation: arguments[1], low: arguments[2], high: arguments[3])
    case "Count":
      try take(1)
      distribution = .count(arguments[0])
    default:
      throw malformed(
        "unknown distribution \(call[..<open]); known are Uniform, Normal, TruncatedNormal and Count")
    }
    let parts = words[0].split(separator: "[")
    return RandomDraw(
      name: String(parts[0]), list: parts.count == 2 && parts[1].hasSuffix("]") ? String(parts[1].dropLast()) : nil,
      distribution: distribution, sharing: sharing)
  }

  /// The value of the draw for an input.
  /// - Parameters:
  ///   - passes: how many training passes were done
  ///   - key: the source of randomness
  func sample(
    like x: Tensor, _ values: [String: ExpressionEvaluation.Value], channelAxis: Int, passes: Tensor, key: Key
  ) -> ExpressionEvaluation.Value {
    if let list, case .list(let elements, let first)? = values[list] {
      let keys = key.split(Swift.max(1, elements.count))
      return .list(
        elements.indices.map { .tensor(one(like: x, values, channelAxis, passes, keys[$0])) }, first: first)
    }
    return .tensor(one(like: x, values, channelAxis, passes, key))
  }

  private func one(
    like x: Tensor, _ values: [String: ExpressionEvaluation.Value], _ channelAxis: Int, _ passes: Tensor, _ key: Key
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
    case .truncatedNormal(let mean, let deviation, let low, let high):
      // The inverse of the distribution function between its values at the limits.
      let (mean, deviation) = (tensor(mean), tensor(deviation))
      func below(_ limit: Expression) -> Tensor { (tensor(limit) - mean) / deviation * 0.7071067811865476 }
      let (a, b) = (below(low).erf(), below(high).erf())
      let u = a + Tensor.uniform(shape, key: key, dtype: x.dtype) * (b - a)
      return mean + deviation * u.erfInverse() * 1.4142135623730951
    case .count(let group): return (passes.cast(to: x.dtype) / tensor(group)).floor()
    }
  }
}

extension String {
  fileprivate func split(by separator: String) -> [String] {
    var (result, rest) = ([String](), Substring(self))
    while let range = rest.firstRange(of: separator) {
      result.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return result + [String(rest)]
  }
}
