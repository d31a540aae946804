/// A formula that cannot be read: where, and why.
public struct ExpressionError: Error, Hashable, CustomStringConvertible {
  public var formula: String
  /// The place of the first character that does not fit, counted from 0.
  public var position: Int
  public var reason: String

  public var description: String { "formula \"\(formula)\", character \(position + 1): \(reason)" }
}

/// Reads the grammar of activations: numbers, `pi`, `inf`, `nan`; `+ - * / ^` (`^` binds to the right and tighter than
/// the sign); comparisons; `where(c, a, b)`; functions; `sum(k=a..b, e)`, `prod`, `maxk`; bindings `v := e;` and local
/// functions `f(t) := e;` before the result; `g(x)` and `g[j](x)` for a parameter that is an activation or a pool of them.
///
/// Beyond numbers, for what looks along an axis (`axissum`, `axismax`, `axismin`, `axismean`, log-sum-exp `axislse`, the place
/// `axisindex`, the rank `axisrank` from the largest, the neighbour of a pair `axisswap`) or over a batch (`batchmean`,
/// `batchmin`, `batchmax`, `batchstd`, and `running(e)`, the running mean of e outside training); `concat(a, b)` and
/// `concat(k=1..n, e)` join along the channels; `root` is the square root with its slope capped at 1000; `stop(e)` has the
/// derivative zero.
struct ExpressionParser {
  private enum Token: Equatable {
    case number(Double)
    case name(String)
    case symbol(String)
    case end
  }

  /// Functions and how many arguments they take.
  static let functions: [String: ClosedRange<Int>] = [
    "exp": 1...1, "log": 1...1, "log1p": 1...1, "expm1": 1...1, "sqrt": 1...1, "abs": 1...1, "sign": 1...1,
    "max": 2...8, "min": 2...8, "floor": 1...1, "erf": 1...1, "erfc": 1...1, "tanh": 1...1, "sinh": 1...1,
    "cosh": 1...1, "sech": 1...1, "sin": 1...1, "cos": 1...1, "tan": 1...1, "atan": 1...1, "asin": 1...1,
    "asinh": 1...1, "sigmoid": 1...1, "softplus": 1...1, "relu": 1...1, "normcdf": 1...1, "normpdf": 1...1,
    "lgamma": 1...1, "gamma": 1...1, "clip": 3...3, "step": 1...1, "elu": 1...1, "len": 1...1, "where": 3...3,
    "axissum": 1...1, "axismax": 1...1, "axismin": 1...1, "axismean": 1...1, "axislse": 1...1, "axisindex": 1...1,
    "axisrank": 1...1, "axisswap": 1...1, "batchmean": 1...1, "batchmin": 1...1, "batchmax": 1...1, "batchstd": 1...1,
    "running": 1...1, "concat": 2...8, "root": 1...1, "stop": 1...1,
  ]

  private let formula: String
  private var tokens: [(token: Token, position: Int)] = []
  private var next = 0
  private var depth = 0
  /// Local functions that are defined at this place, with their number of parameters.
  private var locals: [String: Int] = [:]
  /// Names that have a value at this place.
  private var known: Set<String>
  /// Those that are lists, and those that are activations or pools of them.
  private let lists: Set<String>
  private let pools: Set<String>

  private init(_ formula: String, _ variables: Set<String>, _ lists: Set<String>, _ pools: Set<String>) {
    self.formula = formula
    known = variables
    self.lists = lists
    self.pools = pools
  }

  /// - Parameters:
  ///   - variables: the inputs and parameters that the formula may use
  ///   - lists: those of them that are lists
  ///   - pools: those that are activations
  /// - Throws: `ExpressionError`
  static func parse(
    _ formula: String, variables: Set<String>, lists: Set<String> = [], pools: Set<String> = []
  ) throws(ExpressionError) -> Expression {
    var parser = ExpressionParser(formula, variables.union(lists).union(pools), lists, pools)
    try parser.tokenize()
    let result = try parser.program()
    guard parser.peek == .end else { throw parser.error("unexpected \(parser.spelled)") }
    return result
  }

  // MARK: Tokens

  private mutating func tokenize() throws(ExpressionError) {
    let text = Array(formula)
    guard text.count <= 10_000 else {
      throw ExpressionError(
        formula: String(text[..<40]) + "…", position: 10_000, reason: "longer than 10000 characters")
    }
    var i = 0
    while i < text.count {
      let start = i
      let c = text[i]
      if c.isWhitespace {
        i += 1
      } else if isDigit(c) || (c == "." && i + 1 < text.count && isDigit(text[i + 1])) {
        while i < text.count, isDigit(text[i]) { i += 1 }
        // Two dots are a range, not a decimal point.
        if i < text.count, text[i] == ".", !(i + 1 < text.count && text[i + 1] == ".") {
          i += 1
          while i < text.count, isDigit(text[i]) { i += 1 }
        }
        if i < text.count, text[i] == "e" || text[i] == "E" {
          var j = i + 1
          if j < text.count, text[j] == "+" || text[j] == "-" { j += 1 }
          if j < text.count, isDigit(text[j]) {
            while j < text.count, isDigit(text[j]) { j += 1 }
            i = j
          }
        }
        guard let value = Double(String(text[start..<i])) else {
          throw ExpressionError(formula: formula, position: start, reason: "\(String(text[start..<i])) is no number")
        }
        tokens.append((.number(value), start))
      } else if c.isASCII && c.isLetter {
        while i < text.count, text[i].isASCII, text[i].isLetter || isDigit(text[i]) || text[i] == "_" { i += 1 }
        tokens.append((.name(String(text[start..<i])), start))
      } else {
        let pair = String(text[i..<min(i + 2, text.count)])
        if [":=", "<=", ">=", "==", ".."].contains(pair) {
          tokens.append((.symbol(pair), start))
          i += 2
        } else if "+-*/^<>()[],;=".contains(c) {
          tokens.append((.symbol(String(c)), start))
          i += 1
        } else {
          throw ExpressionError(formula: formula, position: start, reason: "unexpected character \(c)")
        }
      }
    }
    tokens.append((.end, text.count))
  }

  private func isDigit(_ c: Character) -> Bool { c >= "0" && c <= "9" }

  private var peek: Token { tokens[next].token }
  private func peek(_ offset: Int) -> Token { tokens[min(next + offset, tokens.count - 1)].token }

  private var spelled: String {
    switch peek {
    case .number(let value): "number \(value)"
    case .name(let name): "\"\(name)\""
    case .symbol(let symbol): "\"\(symbol)\""
    case .end: "end of the formula"
    }
  }

  private func error(_ reason: String, at index: Int? = nil) -> ExpressionError {
    ExpressionError(formula: formula, position: tokens[index ?? next].position, reason: reason)
  }

  private mutating func take(_ symbol: String) -> Bool {
    guard peek == .symbol(symbol) else { return false }
    next += 1
    return true
  }

  private mutating func expect(_ symbol: String) throws(ExpressionError) {
    if !take(symbol) { throw error("expected \"\(symbol)\", found \(spelled)") }
  }

  // MARK: Grammar

  private mutating func program() throws(ExpressionError) -> Expression {
    if case .name(let name) = peek {
      if peek(1) == .symbol(":=") {
        next += 2
        let value = try comparison()
        try expect(";")
        known.insert(name)
        return .binding(name, value, in: try program())
      }
      if let parameters = definedParameters() {
        next += 3 + 2 * parameters.count
        let outside = known
        known.formUnion(parameters)
        let value = try comparison()
        known = outside
        try expect(";")
        locals[name] = parameters.count
        return .function(name, parameters, value, in: try program())
      }
    }
    return try comparison()
  }

  /// The parameter names, if a definition `f(a, b) :=` stands here.
  private func definedParameters() -> [String]? {
    guard peek(1) == .symbol("(") else { return nil }
    var names: [String] = []
    var offset = 2
    while case .name(let parameter) = peek(offset) {
      names.append(parameter)
      if peek(offset + 1) == .symbol(",") {
        offset += 2
      } else {
        return peek(offset + 1) == .symbol(")") && peek(offset + 2) == .symbol(":=") ? names : nil
      }
    }
    return nil
  }

  private mutating func comparison() throws(ExpressionError) -> Expression {
    depth += 1
    defer { depth -= 1 }
    guard depth < 200 else { throw error("nested too deeply") }
    let left = try sum()
    if case .symbol(let symbol) = peek, let comparison = Expression.Comparison(rawValue: symbol) {
      next += 1
      return .compare(comparison, left, try sum())
    }
    return left
  }

  private mutating func sum() throws(ExpressionError) -> Expression {
    var result = try term()
    while true {
      if take("+") {
        result = .arithmetic(.add, result, try term())
      } else if take("-") {
        result = .arithmetic(.subtract, result, try term())
      } else {
        return result
      }
    }
  }

  private mutating func term() throws(ExpressionError) -> Expression {
    var result = try signed()
    while true {
      if take("*") {
        result = .arithmetic(.multiply, result, try signed())
      } else if take("/") {
        result = .arithmetic(.divide, result, try signed())
      } else {
        return result
      }
    }
  }

  private mutating func signed() throws(ExpressionError) -> Expression {
    depth += 1
    defer { depth -= 1 }
    guard depth < 200 else { throw error("nested too deeply") }
    if take("-") { return .negate(try signed()) }
    let base = try primary()
    return take("^") ? .arithmetic(.power, base, try signed()) : base
  }

  private mutating func primary() throws(ExpressionError) -> Expression {
    switch peek {
    case .number(let value):
      next += 1
      return .number(value)
    case .symbol("("):
      next += 1
      let inner = try comparison()
      try expect(")")
      return inner
    case .name(let name):
      next += 1
      if take("[") {
        let start = next - 2
        try check(name, at: start)
        let index = try comparison()
        try expect("]")
        if pools.contains(name) {
          try expect("(")
          let argument = try comparison()
          try expect(")")
          return .apply(name, index, argument)
        }
        guard lists.contains(name) else { throw error("\(name) is no list", at: start) }
        return .element(name, index)
      }
      if take("(") { return try call(name, at: next - 2) }
      switch name {
      case "pi": return .number(.pi)
      case "inf": return .number(.infinity)
      case "nan": return .number(.nan)
      default:
        try check(name, at: next - 1)
        if lists.contains(name) { throw error("\(name) is a list: an element is written \(name)[1]", at: next - 1) }
        if pools.contains(name) { throw error("\(name) is an activation: write \(name)(x)", at: next - 1) }
        return .variable(name)
      }
    case .symbol, .end: throw error("expected a number, a name or \"(\", found \(spelled)")
    }
  }

  private func check(_ name: String, at index: Int) throws(ExpressionError) {
    guard !known.contains(name) else { return }
    throw error(
      "unknown name \(name); known are \(known.sorted().joined(separator: ", "))"
        + (Self.functions[name] == nil ? "" : ", and the function \(name)(…)"), at: index)
  }

  private mutating func call(_ name: String, at start: Int) throws(ExpressionError) -> Expression {
    if let fold = Expression.Fold(rawValue: name), case .name(let counter) = peek, peek(1) == .symbol("=") {
      next += 2
      let from = try comparison()
      try expect("..")
      let to = try comparison()
      try expect(",")
      let outside = known
      known.insert(counter)
      let body = try comparison()
      known = outside
      try expect(")")
      return .fold(fold, counter: counter, from: from, to: to, body: body)
    }
    if name == "len", case .name(let list) = peek, lists.contains(list) || pools.contains(list) {
      next += 1
      try expect(")")
      return .call(name, [.variable(list)])
    }
    var arguments: [Expression] = []
    repeat { arguments.append(try comparison()) } while take(",")
    try expect(")")
    if let count = locals[name] {
      guard arguments.count == count else {
        throw error("\(name) takes \(count) arguments, not \(arguments.count)", at: start)
      }
      return .call(name, arguments)
    }
    if pools.contains(name) {
      guard arguments.count == 1 else { throw error("\(name) takes 1 argument, not \(arguments.count)", at: start) }
      return .apply(name, nil, arguments[0])
    }
    if name == "len" { throw error("len wants a list", at: start) }
    guard let counts = Self.functions[name] else {
      let nearest = nearestNames(to: name, among: Self.functions.keys.sorted(), count: 1)
      throw error("unknown function \(name)" + (nearest.first.map { "; did you mean \($0)?" } ?? ""), at: start)
    }
    guard counts.contains(arguments.count) else {
      throw error("\(name) takes \(counts.lowerBound) arguments, not \(arguments.count)", at: start)
    }
    if name == "where" { return .choose(arguments[0], arguments[1], arguments[2]) }
    return .call(name, arguments)
  }
}
