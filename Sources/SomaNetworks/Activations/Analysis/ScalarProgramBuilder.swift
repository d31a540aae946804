/// Translates expressions into a `ScalarProgram`.
struct ScalarProgramBuilder {
  private indirect enum Value {
    case node(Int)
    case list([Value], first: Int)
    case activations([Activation])
  }

  private struct Function {
    let parameters: [String]
    let body: Expression
  }

  private struct Names {
    var values: [String: Value] = [:]
    var functions: [String: Function] = [:]
  }

  private var program = ScalarProgram()
  private let isOpen: Bool

  init(isOpen: Bool) { self.isOpen = isOpen }

  mutating func build(_ activation: Activation) -> ScalarProgram {
    let x = program.add(.init(operation: .input))
    program.root = apply(activation, to: x, isOutermost: true)
    return program.pruned()
  }

  private mutating func apply(_ activation: Activation, to x: Int, isOutermost: Bool = false) -> Int {
    var names = Names()
    names.values["x"] = .node(x)
    for parameter in activation.parameters {
      var isFree = isOpen && isOutermost
      if case .number = parameter.value, activation.expression.loopLimit(among: [parameter.name]) != nil {
        // What says how long a loop is stays a number.
        isFree = false
      }
      let opens = isFree
      func value(_ number: Double, _ index: Int?) -> Value {
        opens
          ? .node(program.open(.init(name: parameter.name, index: index, start: number, parameter: parameter)))
          : .node(program.constant(number))
      }
      switch parameter.value {
      case .number(let number): names.values[parameter.name] = value(number, nil)
      case .list(let numbers, let first):
        names.values[parameter.name] = .list(
          numbers.enumerated().map { value($0.element, $0.offset) }, first: first)
      case .activations(let pool): names.values[parameter.name] = .activations(pool)
      case .formula(let formula): names.values[parameter.name] = .node(node(formula, names))
      }
    }
    return node(activation.expression, names)
  }

  private mutating func node(_ expression: Expression, _ names: Names) -> Int {
    switch expression {
    case .number(let value): return program.constant(value)
    case .variable(let name):
      guard case .node(let id)? = names.values[name] else { fatalError("\(name) is no number") }
      return id
    case .element(let name, let index): return element(name, node(index, names), names)
    case .negate(let a): return function(.negate, node(a, names))
    case .arithmetic(let operation, let a, let b):
      return binary(.arithmetic(operation), node(a, names), node(b, names))
    case .compare(let comparison, let a, let b): return binary(.compare(comparison), node(a, names), node(b, names))
    case .call(let name, let arguments): return call(name, arguments, names)
    case .apply(let name, let index, let argument):
      guard case .activations(let pool)? = names.values[name] else { fatalError("\(name) is no activation") }
      var place = 1
      if let index {
        let id = node(index, names)
        place = whole(id)
      }
      return apply(pool[place - 1], to: node(argument, names))
    case .choose(let condition, let a, let b):
      let c = node(condition, names)
      if let known = program.number(c) { return node(known != 0 ? a : b, names) }
      return program.add(.init(operation: .select, a: c, b: node(a, names), c: node(b, names)))
    case .fold(let fold, let counter, let from, let to, let body):
      let (low, high) = (node(from, names), node(to, names))
      let limits = (whole(low), whole(high))
      return self.fold(fold, counter, limits.0, limits.1, body, names)
    case .binding(let name, let value, let body):
      var inner = names
      inner.values[name] = .node(node(value, names))
      return node(body, inner)
    case .function(let name, let parameters, let value, let body):
      var inner = names
      inner.functions[name] = Function(parameters: parameters, body: value)
      return node(body, inner)
    }
  }

  private mutating func function(_ function: ScalarFunction, _ a: Int) -> Int {
    program.add(.init(operation: .function(function), a: a))
  }

  private mutating func binary(_ operation: ScalarProgram.Operation, _ a: Int, _ b: Int) -> Int {
    program.add(.init(operation: operation, a: a, b: b))
  }

  private func whole(_ id: Int) -> Int {
    guard let number = program.number(id), let result = Int(exactly: number.rounded(.down)) else {
      fatalError("a limit or an index of an activation's formula is not a known number")
    }
    return result
  }

  private mutating func element(_ name: String, _ index: Int, _ names: Names) -> Int {
    guard case .list(let elements, let first)? = names.values[name] else { fatalError("\(name) is not a list") }
    func id(_ value: Value) -> Int { if case .node(let id) = value { id } else { fatalError("\(name) is nested") } }
    if program.number(index) != nil { return id(elements[whole(index) - first]) }
    // A place that is computed: zero outside.
    return elements.enumerated().reduce(program.constant(0)) { rest, entry in
      let hit = binary(.compare(.equal), index, program.constant(Double(entry.offset + first)))
      return program.add(.init(operation: .select, a: hit, b: id(entry.element), c: rest))
    }
  }

  private mutating func fold(
    _ fold: Expression.Fold, _ counter: String, _ low: Int, _ high: Int, _ body: Expression, _ names: Names
  ) -> Int {
    var result: Int?
    for k in stride(from: low, through: high, by: 1) {
      var inner = names
      inner.values[counter] = .node(program.constant(Double(k)))
      let term = node(body, inner)
      result =
        result.map { result in
          switch fold {
          case .sum: binary(.arithmetic(.add), result, term)
          case .product: binary(.arithmetic(.multiply), result, term)
          case .maximum: binary(.maximum, result, term)
          case .concatenation: fatalError("a concatenation is no function of one number")
          }
        } ?? term
    }
    return result ?? program.constant(fold == .sum ? 0 : fold == .product ? 1 : -.infinity)
  }

  private mutating func call(_ name: String, _ arguments: [Expression], _ names: Names) -> Int {
    if let local = names.functions[name] {
      var inner = names
      for (parameter, argument) in zip(local.parameters, arguments) {
        inner.values[parameter] = .node(node(argument, names))
      }
      return node(local.body, inner)
    }
    if name == "len", case .variable(let list) = arguments[0] {
      switch names.values[list] {
      case .list(let elements, _)?: return program.constant(Double(elements.count))
      case .activations(let pool)?: return program.constant(Double(pool.count))
      default: break
      }
    }
    let given = arguments.map { node($0, names) }
    switch name {
    case "max": return given.dropFirst().reduce(given[0]) { binary(.maximum, $0, $1) }
    case "min": return given.dropFirst().reduce(given[0]) { binary(.minimum, $0, $1) }
    case "clip": return binary(.minimum, binary(.maximum, given[0], given[1]), given[2])
    case "root": return function(.sqrt, given[0])
    case "stop": return given[0]
    default:
      guard let known = ScalarFunction(rawValue: name) else { fatalError("\(name) is no function of one number") }
      return function(known, given[0])
    }
  }
}
