/// Interval arithmetic along a `ScalarProgram`, with the slope and the second derivative carried along if wanted. Under a
/// condition on the input (`x >= 1`, `abs(x-3) < 2`) a branch sees only the inputs for which it is taken.
struct ScalarBounds {
  /// A value and its derivatives in the input.
  struct Jet {
    var value: Interval
    var slope: Interval
    var bend: Interval

    func union(_ other: Jet) -> Jet {
      Jet(
        value: value.union(other.value), slope: slope.union(other.slope), bend: bend.union(other.bend))
    }
    static let undefined = Jet(value: .undefined, slope: .undefined, bend: .undefined)
  }

  let program: ScalarProgram
  /// 0 for values alone, else how many derivatives.
  let order: Int
  /// Nodes of the form `scale · x + offset`.
  private let affine: [(scale: Double, offset: Double)?]
  /// Whether something under a node branches.
  private let branches: [Bool]

  init(_ program: ScalarProgram, order: Int = 0) {
    self.program = program
    self.order = order
    var affine: [(scale: Double, offset: Double)?] = []
    var branches: [Bool] = []
    for node in program.nodes {
      var form: (scale: Double, offset: Double)?
      switch node.operation {
      case .input: form = (1, 0)
      case .constant(let bits): form = (0, Double(bitPattern: bits))
      case .function(.negate): form = affine[node.a].map { (-$0.scale, -$0.offset) }
      case .arithmetic(let operation):
        if let a = affine[node.a], let b = affine[node.b] {
          switch operation {
          case .add: form = (a.scale + b.scale, a.offset + b.offset)
          case .subtract: form = (a.scale - b.scale, a.offset - b.offset)
          case .multiply:
            if a.scale == 0 {
              form = (a.offset * b.scale, a.offset * b.offset)
            } else if b.scale == 0 {
              form = (b.offset * a.scale, b.offset * a.offset)
            }
          case .divide: if b.scale == 0, b.offset != 0 { form = (a.scale / b.offset, a.offset / b.offset) }
          case .power: break
          }
        }
      default: break
      }
      affine.append(form)
      let operands = [node.a, node.b, node.c].filter { $0 >= 0 }
      branches.append(node.operation == .select || operands.contains { branches[$0] })
    }
    self.affine = affine
    self.branches = branches
  }

  /// Bounds over an interval of inputs, in one piece.
  func callAsFunction(_ x: Interval) -> Jet {
    var memory = [Jet?](repeating: nil, count: program.count)
    return jet(program.root, x, &memory)
  }

  /// Bounds over an interval, as the union over parts of it: what depends on the input in several places is bounded the
  /// tighter the smaller the parts.
  func callAsFunction(_ x: Interval, parts: Int) -> Jet {
    var result: Jet?
    for part in x.divided(parts) {
      let jet = self(part)
      result = result?.union(jet) ?? jet
    }
    return result ?? .undefined
  }

  // MARK: Nodes

  private func jet(_ id: Int, _ x: Interval, _ memory: inout [Jet?]) -> Jet {
    if let known = memory[id] { return known }
    let result = compute(id, x, &memory)
    memory[id] = result
    return result
  }

  private func compute(_ id: Int, _ x: Interval, _ memory: inout [Jet?]) -> Jet {
    let node = program.nodes[id]
    let zero = Interval(0)
    switch node.operation {
    case .constant(let bits):
      let value = Double(bitPattern: bits)
      return value.isNaN ? .undefined : Jet(value: Interval(value), slope: zero, bend: zero)
    case .parameter(let i): return Jet(value: Interval(program.parameters[i].start), slope: zero, bend: zero)
    case .input: return Jet(value: x, slope: Interval(1), bend: zero)
    case .function(let function):
      if let form = affine[id], form.scale != 0 { return line(form, x) }
      let a = jet(node.a, x, &memory)
      let value = function.bounds(a.value)
      guard order > 0 else { return Jet(value: value, slope: .all, bend: .all) }
      let (first, second) = function.slopeBounds(a.value, value)
      return Jet(
        value: value, slope: first.times(a.slope),
        bend: order > 1 ? second.times(a.slope.squared) + first.times(a.bend) : .all)
    case .arithmetic(let operation):
      if let form = affine[id] { return line(form, x) }
      return arithmetic(operation, node, jet(node.a, x, &memory), jet(node.b, x, &memory))
    case .maximum, .minimum:
      let (a, b) = (jet(node.a, x, &memory), jet(node.b, x, &memory))
      let isMax = node.operation == .maximum
      let value = isMax ? Interval.maximum(a.value, b.value) : Interval.minimum(a.value, b.value)
      if a.value.low > b.value.high { return isMax ? a : b }
      if a.value.high < b.value.low { return isMax ? b : a }
      return Jet(value: value, slope: a.slope.union(b.slope), bend: .all)
    case .compare(let comparison):
      let truth = Self.truth(comparison, jet(node.a, x, &memory).value, jet(node.b, x, &memory).value)
      return Jet(value: truth.map { Interval($0 ? 1 : 0) } ?? Interval(0, 1), slope: zero, bend: zero)
    case .select: return select(node, x, &memory)
    }
  }

  private func line(_ form: (scale: Double, offset: Double), _ x: Interval) -> Jet {
    Jet(value: Interval(form.scale) * x + Interval(form.offset), slope: Interval(form.scale), bend: Interval(0))
  }

  private func arithmetic(_ operation: Expression.Arithmetic, _ node: ScalarProgram.Node, _ a: Jet, _ b: Jet) -> Jet {
    switch operation {
    case .add: return Jet(value: a.value + b.value, slope: a.slope + b.slope, bend: a.bend + b.bend)
    case .subtract: return Jet(value: a.value - b.value, slope: a.slope - b.slope, bend: a.bend - b.bend)
    case .multiply:
      if node.a == node.b {
        let square = a.value.squared
        return Jet(
          value: square, slope: Interval(2) * a.value.times(a.slope),
          bend: Interval(2) * (a.slope.squared + a.value.times(a.bend)))
      }
      return product(a, b)
    case .divide:
      let inverse = Interval(1) / b.value
      let square = inverse.squared
      let reciprocal = Jet(
        value: inverse, slope: -(square.times(b.slope)),
        bend: Interval(2) * square.times(inverse).times(b.slope.squared) - square.times(b.bend))
      var result = product(a, reciprocal)
      result.value = a.value / b.value
      return result
    case .power:
      let value = Interval.power(a.value, b.value)
      guard order > 0 else { return Jet(value: value, slope: .all, bend: .all) }
      guard b.value.isPoint, b.slope.isPoint, b.slope.low == 0 else {
        return Jet(value: value, slope: .all, bend: .all)
      }
      let n = b.value.low
      let first = n == 0 ? Interval(0) : Interval(n) * Interval.power(a.value, Interval(n - 1))
      let second =
        n == 0 || n == 1 ? Interval(0) : Interval(n * (n - 1)) * Interval.power(a.value, Interval(n - 2))
      return Jet(
        value: value, slope: first.times(a.slope), bend: second.times(a.slope.squared) + first.times(a.bend))
    }
  }

  private func product(_ a: Jet, _ b: Jet) -> Jet {
    Jet(
      value: a.value * b.value, slope: a.slope.times(b.value) + a.value.times(b.slope),
      bend: a.bend.times(b.value) + Interval(2) * a.slope.times(b.slope) + a.value.times(b.bend))
  }

  private static func truth(_ comparison: Expression.Comparison, _ a: Interval, _ b: Interval) -> Bool? {
    switch comparison {
    case .less: a.high < b.low ? true : a.low >= b.high ? false : nil
    case .lessEqual: a.high <= b.low ? true : a.low > b.high ? false : nil
    case .greater: truth(.less, b, a)
    case .greaterEqual: truth(.lessEqual, b, a)
    case .equal: a.isPoint && b.isPoint && a.low == b.low ? true : a.intersection(b) == nil ? false : nil
    }
  }

  // MARK: Branches

  private func select(_ node: ScalarProgram.Node, _ x: Interval, _ memory: inout [Jet?]) -> Jet {
    let condition = jet(node.a, x, &memory).value
    if condition.isPoint { return jet(condition.low != 0 ? node.b : node.c, x, &memory) }
    let (yes, no) = parts(of: x, by: program.nodes[node.a])
    var result: Jet?
    for (parts, branch) in [(yes, node.b), (no, node.c)] {
      for part in parts {
        var inner = [Jet?](repeating: nil, count: program.count)
        let jet = jet(branch, part, &inner)
        result = result?.union(jet) ?? jet
      }
    }
    return result ?? .undefined
  }

  /// The inputs for which a condition may hold, and those for which it may not.
  private func parts(of x: Interval, by condition: ScalarProgram.Node) -> (yes: [Interval], no: [Interval]) {
    guard case .compare(let comparison) = condition.operation else { return ([x], [x]) }
    func number(_ id: Int) -> Double? { program.number(id) }
    // |u| beside a number, u a line in the input
    if let limit = number(condition.b), case .function(.abs) = program.nodes[condition.a].operation,
      let form = affine[program.nodes[condition.a].a], form.scale != 0, limit >= 0
    {
      let ends = [(-limit - form.offset) / form.scale, (limit - form.offset) / form.scale].sorted()
      let inside = [Interval(ends[0], ends[1])].compactMap { $0.intersection(x) }
      let outside = [Interval(-.infinity, ends[0]), Interval(ends[1], .infinity)].compactMap { $0.intersection(x) }
      switch comparison {
      case .less, .lessEqual: return (inside, outside)
      case .greater, .greaterEqual: return (outside, inside)
      case .equal: return ([x], [x])
      }
    }
    // One line in the input beside another
    if let a = affine[condition.a], let b = affine[condition.b], a.scale != b.scale {
      let scale = a.scale - b.scale
      let place = (b.offset - a.offset) / scale
      guard !place.isNaN else { return ([x], [x]) }
      let below = [Interval(-.infinity, place)].compactMap { $0.intersection(x) }
      let above = [Interval(place, .infinity)].compactMap { $0.intersection(x) }
      let (smaller, larger) = scale > 0 ? (below, above) : (above, below)
      switch comparison {
      case .less, .lessEqual: return (smaller, larger)
      case .greater, .greaterEqual: return (larger, smaller)
      case .equal: return (x.contains(place) ? [Interval(place)] : [], [x])
      }
    }
    return ([x], [x])
  }
}

extension Interval {
  /// Zero wins over what is unknown: a constant's derivative is zero whatever it is multiplied by.
  func times(_ other: Interval) -> Interval {
    if (isPoint && low == 0) || (other.isPoint && other.low == 0) { return Interval(0) }
    return self * other
  }

  var squared: Interval {
    let (a, b) = (low * low, high * high)
    if isUndefined { return .undefined }
    return Interval(contains(0) ? 0 : Swift.min(a, b), Swift.max(a, b)).widened
  }

  /// Equal parts of a finite interval; infinite ones are cut at whole numbers and powers of two first.
  func divided(_ count: Int) -> [Interval] {
    if isPoint { return [self] }
    if isFinite {
      let places = (0...count).map { $0 == count ? high : low + width * Double($0) / Double(count) }
      return zip(places, places.dropFirst()).map { Interval($0, $1) }
    }
    var cuts: [Double] = []
    for power in 3...30 { cuts += [Double(1 << power), -Double(1 << power)] }
    cuts += (-7...7).map(Double.init)
    let inner = [low] + cuts.filter { low < $0 && $0 < high }.sorted() + [high]
    return zip(inner, inner.dropFirst()).flatMap { a, b in
      let part = Interval(a, b)
      return part.isFinite && part.width <= 1 ? part.divided(Swift.max(1, count / 16)) : [part]
    }
  }
}

extension ScalarFunction {
  /// Bounds of the first two derivatives over an interval of inputs.
  func slopeBounds(_ x: Interval, _ y: Interval) -> (first: Interval, second: Interval) {
    let one = Interval(1)
    let zero = Interval(0)
    switch self {
    case .negate: return (Interval(-1), zero)
    case .exp: return (y, y)
    case .expm1: return (y + one, y + one)
    case .log:
      let inverse = one / x
      return (inverse, -inverse.squared)
    case .log1p:
      let inverse = one / (x + one)
      return (inverse, -inverse.squared)
    case .sqrt:
      let inverse = one / y
      return (Interval(0.5) * inverse, Interval(-0.25) * inverse.squared * inverse)
    case .abs:
      if x.low > 0 { return (one, zero) }
      if x.high < 0 { return (Interval(-1), zero) }
      return (Interval(-1, 1), .all)
    case .relu:
      if x.low > 0 { return (one, zero) }
      if x.high < 0 { return (zero, zero) }
      return (Interval(0, 1), .all)
    case .elu:
      if x.low > 0 { return (one, zero) }
      let e = ScalarFunction.exp.bounds(Interval(x.low, Swift.min(x.high, 0)))
      return x.high < 0 ? (e, e) : (e.union(one), .all)
    case .sign, .step, .floor:
      // Between jumps.
      return y.isPoint || y.low == y.high ? (zero, zero) : (.all, .all)
    case .erf:
      let g = Interval(1.1283791670955126) * ScalarFunction.exp.bounds(-x.squared)
      return (g, Interval(-2) * x * g)
    case .erfc:
      let g = Interval(-1.1283791670955126) * ScalarFunction.exp.bounds(-x.squared)
      return (g, Interval(-2) * x * g)
    case .normcdf:
      let g = ScalarFunction.normpdf.bounds(x)
      return (g, -(x * g))
    case .normpdf: return (-(x * y), (x.squared - one) * y)
    case .tanh:
      let s = ScalarFunction.sech.bounds(x).squared
      return (s, Interval(-2) * y * s)
    case .sigmoid:
      let s = y * ScalarFunction.sigmoid.bounds(-x)
      return (s, s * (one - Interval(2) * y))
    case .softplus:
      let s = ScalarFunction.sigmoid.bounds(x)
      return (s, s * ScalarFunction.sigmoid.bounds(-x))
    case .sinh: return (ScalarFunction.cosh.bounds(x), y)
    case .cosh: return (ScalarFunction.sinh.bounds(x), y)
    case .sech:
      let t = ScalarFunction.tanh.bounds(x)
      return (-(y * t), y * (Interval(2) * t.squared - one))
    case .sin: return (ScalarFunction.cos.bounds(x), -y)
    case .cos: return (-ScalarFunction.sin.bounds(x), -y)
    case .tan: return (y.squared + one, Interval(2) * y * (y.squared + one))
    case .atan:
      let inverse = one / (x.squared + one)
      return (inverse, Interval(-2) * x * inverse.squared)
    case .asin:
      let inverse = one / ScalarFunction.sqrt.bounds(one - x.squared)
      return (inverse, x * inverse.squared * inverse)
    case .asinh:
      let inverse = one / ScalarFunction.sqrt.bounds(x.squared + one)
      return (inverse, -(x * inverse.squared * inverse))
    case .lgamma, .gamma: return (.all, .all)
    }
  }
}
