import Soma

/// Lists, loops, and activations as parameters.
extension ExpressionEvaluation {
  func whole(_ value: Value, _ what: String) -> Int {
    guard case .number(let number) = value, let result = Int(exactly: number.rounded(.down)) else {
      fatalError("\(what) of an activation's formula is not a known number")
    }
    return result
  }

  func element(_ name: String, _ index: Value) -> Value {
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

  func fold(
    _ fold: Expression.Fold, _ counter: String, _ from: Expression, _ to: Expression, _ body: Expression
  ) -> Value {
    let (low, high) = (whole(self(from), "a lower limit"), whole(self(to), "an upper limit"))
    require(high - low < 10_000, "a loop of \(high - low) steps in an activation's formula")
    var result: Value?
    if fold == .concatenation {
      return concatenation(stride(from: low, through: high, by: 1).map { with(counter, .number(Double($0)))(body) })
    }
    var start = low
    // A product inside a loop grows by a factor each turn: Σₙ Πⱼ₌₁ⁿ has n factors, not n².
    var memory: ProductMemory?
    if fold == .product, case .number = from, let outer = self.memory, !body.uses(outer.counter) { memory = outer }
    if let memory, memory.body == body, memory.reached <= high, let value = memory.value {
      (result, start) = (value, memory.reached + 1)
    }
    let inner = fold == .product ? self : looping(counter)
    for k in stride(from: start, through: high, by: 1) {
      let term = inner.with(counter, .number(Double(k)))(body)
      result =
        result.map { result in
          switch fold {
          case .sum: arithmetic(.add, result, term)
          case .product: arithmetic(.multiply, result, term)
          case .maximum: extremum(result, term, isMax: true)
          case .concatenation: fatalError("concatenations are done above")
          }
        } ?? term
    }
    if let memory, let result {
      (memory.body, memory.reached, memory.value) = (body, high, result)
    }
    return result ?? .number(fold == .sum ? 0 : fold == .product ? 1 : -.infinity)
  }

  private func looping(_ counter: String) -> ExpressionEvaluation {
    var result = self
    result.memory = ProductMemory(counter: counter)
    return result
  }

  /// Joins along the channels; numbers are stretched to the size of the tensors.
  func concatenation(_ parts: [Value]) -> Value {
    guard let template = parts.lazy.compactMap({ if case .tensor(let t) = $0 { t } else { nil } }).first else {
      fatalError("nothing but numbers is concatenated")
    }
    let tensors = parts.map { part -> Tensor in
      switch part {
      case .number(let number): template * 0 + number
      case .tensor(let tensor): tensor.shape == template.shape ? tensor : tensor + Tensor.zeros(like: template)
      case .list, .activations: fatalError("a list where a number belongs")
      }
    }
    return .tensor(.concatenate(tensors, axis: surroundings.channelAxis))
  }

  /// With a number, the derivative where both are equal is that of the number: zero.
  func extremum(_ a: Value, _ b: Value, isMax: Bool) -> Value {
    switch (a, b) {
    case (.number(let x), .number(let y)): .number(isMax ? Swift.max(x, y) : Swift.min(x, y))
    case (.tensor(let x), .number(let y)), (.number(let y), .tensor(let x)):
      .tensor(.select(isMax ? x .<= y : x .>= y, y, x))
    case (.tensor(let x), .tensor(let y)): .tensor(isMax ? x.maximum(y) : x.minimum(y))
    default: fatalError("a list where a number belongs")
    }
  }

  /// An activation-valued parameter, or an element of a pool, at a value.
  func apply(_ name: String, _ index: Expression?, _ argument: Value) -> Value {
    guard case .activations(let pool)? = values[name] else { fatalError("\(name) is no activation") }
    let place = index.map { whole(self($0), "an index") } ?? 1
    require(pool.indices.contains(place - 1), "\(name)[\(place)] lies outside a pool of \(pool.count) activations")
    let activation = pool[place - 1]
    switch argument {
    case .number(let number): return .number(activation(Tensor(number, dtype: .float64)).scalar)
    case .tensor(let tensor): return .tensor(surroundings.apply(name, place, activation, tensor))
    case .list, .activations: fatalError("a list where a number belongs")
    }
  }
}
