import Soma

extension Activation {
  /// The derivative of an order as a function of tensors, element by element, outside training; order 0 is the activation.
  /// - Throws: `ActivationError` for an activation that is no function of one number.
  public func derivative(_ order: Int) throws(ActivationError) -> @Sendable (Tensor) -> Tensor {
    guard isElementwise else { throw .unsuitableKind(name, wanted: "a function of one number") }
    require(order >= 0, "a derivative has an order of at least 0, not \(order)")
    return Self.differentiated(self, order)
  }

  private static func differentiated(_ activation: Activation, _ order: Int) -> @Sendable (Tensor) -> Tensor {
    guard order > 0 else { return { activation($0) } }
    let before = differentiated(activation, order - 1)
    return { x in grad { before($0).sum() }(x) }
  }

  /// The same activation, computed as its formula is printed and not in the form that suits numbers.
  /// - Throws: `ActivationError` for one whose formula is no formula of one number.
  public func asPublished() throws(ActivationError) -> Activation {
    guard isElementwise, kind != .stochastic else { throw .unsuitableKind(name, wanted: "a function of one number") }
    var result = self
    let (numbers, lists, pools) = parameters.names
    do throws(ExpressionError) {
      result.expression = try ExpressionParser.parse(
        formula, variables: numbers.union(["x"]), lists: lists, pools: pools)
    } catch { throw .malformedFormula(error) }
    return result
  }

  /// The same activation as a layer whose trained parameters have one value for each unit, channel or layer, or one in
  /// all.
  public func asLayer(sharing: ActivationParameter.Sharing) -> Activation {
    var result = self
    result.sharing = sharing
    return result
  }

  // MARK: Activations made of others

  /// `a f(b x + c) + d`, all four trained for each unit (transformative adaptive activation; Kunc, Kléma 2021).
  /// - Throws: `ActivationError` for an activation that is no function of one number.
  public static func taaf(_ f: Activation) throws(ActivationError) -> Activation {
    try entry("taaf").with(pools: ["g": [f]])
  }

  /// The derivative of a broken order, trained, by a Grünwald-Letnikov sum of 101 terms a tenth apart (Zamora-Esquivel et
  /// al. 2019).
  /// - Throws: `ActivationError` for an activation that is no function of one number, or an order outside 0 to 2.
  public static func fractional(_ f: Activation, order: Double) throws(ActivationError) -> Activation {
    try entry("frac-gl").with(pools: ["g": [f]]).with(["a": order])
  }

  /// The activation with corners rounded: `|u|` becomes `√(u² + e)`, and with it `max`, `min`, `relu`, `clip`, `sign`, steps
  /// and branches on the sign of u (Pan et al. 2023).
  /// - Throws: `ActivationError` for an activation that is no function of one number, or e ≤ 0.
  public static func mollified(_ f: Activation, e: Double) throws(ActivationError) -> Activation {
    guard f.isElementwise else { throw .unsuitableKind(f.name, wanted: "a function of one number") }
    guard e > 0 else {
      throw .outsideConstraint(activation: "mollified \(f.name)", parameter: "e", value: "\(e)", constraint: "e>0")
    }
    var result = f
    result.expression = f.expression.mollified(e)
    result.name = "\(f.name)-mollified"
    result.displayName = "\(f.displayName), mollified"
    result.formula = result.expression.description
    result.kind = .scalar
    return result
  }
}

extension Expression {
  /// The formula with `|u|` replaced by `√(u² + e)` wherever it is, or is hidden in.
  func mollified(_ e: Double) -> Expression {
    func half(_ a: Expression) -> Expression { .arithmetic(.divide, a, .number(2)) }
    func plus(_ a: Expression, _ b: Expression) -> Expression { .arithmetic(.add, a, b) }
    func minus(_ a: Expression, _ b: Expression) -> Expression { .arithmetic(.subtract, a, b) }
    func times(_ a: Expression, _ b: Expression) -> Expression { .arithmetic(.multiply, a, b) }
    func smooth(_ u: Expression) -> Expression {
      .call("sqrt", [plus(.arithmetic(.power, u, .number(2)), .number(e))])
    }
    func sign(_ u: Expression) -> Expression { .arithmetic(.divide, u, smooth(u)) }
    func step(_ u: Expression) -> Expression { half(plus(.number(1), sign(u))) }
    func larger(_ a: Expression, _ b: Expression) -> Expression { half(plus(plus(a, b), smooth(minus(a, b)))) }
    func smaller(_ a: Expression, _ b: Expression) -> Expression { half(minus(plus(a, b), smooth(minus(a, b)))) }
    switch self {
    case .number, .variable: return self
    case .element(let name, let index): return .element(name, index)
    case .negate(let a): return .negate(a.mollified(e))
    case .arithmetic(let operation, let a, let b): return .arithmetic(operation, a.mollified(e), b.mollified(e))
    case .compare(let comparison, let a, let b):
      let u = minus(a.mollified(e), b.mollified(e))
      switch comparison {
      case .greater, .greaterEqual: return step(u)
      case .less, .lessEqual: return step(.negate(u))
      case .equal: return self
      }
    case .call(let name, let arguments):
      let given = arguments.map { name == "len" ? $0 : $0.mollified(e) }
      switch name {
      case "abs": return smooth(given[0])
      case "relu": return larger(given[0], .number(0))
      case "max": return given.dropFirst().reduce(given[0], larger)
      case "min": return given.dropFirst().reduce(given[0], smaller)
      case "clip": return smaller(larger(given[0], given[1]), given[2])
      case "sign": return sign(given[0])
      case "step": return step(given[0])
      default: return .call(name, given)
      }
    case .apply(let name, let index, let a): return .apply(name, index, a.mollified(e))
    case .choose(let condition, let a, let b):
      guard case .compare(let comparison, _, _) = condition, comparison != .equal else { return self }
      let share = condition.mollified(e)
      return plus(times(share, a.mollified(e)), times(minus(.number(1), share), b.mollified(e)))
    case .fold(let fold, let counter, let from, let to, let body):
      return .fold(fold, counter: counter, from: from, to: to, body: body.mollified(e))
    case .binding(let name, let value, let body):
      return .binding(name, value.mollified(e), in: body.mollified(e))
    case .function(let name, let parameters, let value, let body):
      return .function(name, parameters, value.mollified(e), in: body.mollified(e))
    }
  }
}

/// An activation of two inputs of one shape, or of the two halves of one.
public struct GatedActivation: Layer, Hashable {
  public let activation: Activation

  /// - Throws: `ActivationError` for an activation of one input.
  public init(_ activation: Activation) throws(ActivationError) {
    guard activation.takesPair else { throw .unsuitableKind(activation.name, wanted: "a function of two inputs") }
    self.activation = activation
  }

  public func callAsFunction(_ x1: Tensor, _ x2: Tensor) -> Tensor { activation(x1, gate: x2) }

  /// - Shape: `[…, 2n]` → `[…, n]`
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { activation(x, scope) }
}

/// An activation of all elements along an axis together.
public struct VectorActivation: Layer, Hashable {
  public let activation: Activation

  /// - Throws: `ActivationError` for an activation of single elements.
  public init(_ activation: Activation, axis: Int = -1) throws(ActivationError) {
    guard activation.kind == .vector else { throw .unsuitableKind(activation.name, wanted: "a function of a vector") }
    var activation = activation
    activation.axis = axis
    self.activation = activation
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { activation(x) }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { activation(x, scope) }
}

/// A random activation with its source of randomness: equal keys give equal outputs.
public struct StochasticActivation: Sendable {
  public enum Mode: Hashable, Sendable {
    /// Random numbers are drawn.
    case training
    /// The fixed form.
    case inference
  }

  public let activation: Activation
  public let key: Key
  public let mode: Mode

  /// - Throws: `ActivationError` for an activation without randomness.
  public init(_ activation: Activation, key: Key, mode: Mode = .training) throws(ActivationError) {
    guard activation.kind == .stochastic else { throw .unsuitableKind(activation.name, wanted: "random") }
    self.activation = activation
    self.key = key
    self.mode = mode
  }

  /// With the parameters' start values.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard mode == .training else { return activation(x) }
    let x = x.dtype.isFloating ? x : x.cast(to: .float32)
    let variables = activation.initialized(for: TensorType(shape: x.shape, dtype: x.dtype), key: Key(0))
    return activation.applyTraining(variables, x, key: key).output
  }
}

/// `Σⱼ aⱼ gⱼ(x)`, trained weights of a pool of activations (Sütfeld, Brieger, Finger, Füllhase, Pipa 2018, arXiv
/// 1806.10064; sum one: Manessi, Rozza 2018).
/// - Shape: unchanged
public struct Blend: Layer, Hashable {
  /// What the weights are kept to.
  public enum Constraint: String, Hashable, Sendable, CaseIterable {
    case none
    /// Divided by their sum.
    case sumOne
    /// Divided by the sum of their magnitudes.
    case magnitudesOne
    /// Negative ones set to zero, then divided by their sum.
    case clipped
    case softmax
  }

  public var pool: [Activation]
  /// The start values.
  public var weights: [Double]
  public var constraint: Constraint
  public var sharing: ActivationParameter.Sharing

  /// - `weights`: equal ones if nil.
  /// - Throws: `ActivationError` for an activation that is no function of one number, or as many weights as there are not
  ///   activations.
  public init(
    pool: [Activation], weights: [Double]? = nil, constraint: Constraint = .none,
    sharing: ActivationParameter.Sharing = .perLayer
  ) throws(ActivationError) {
    for activation in pool where !activation.isElementwise {
      throw .unsuitableKind(activation.name, wanted: "a function of one number")
    }
    let weights = weights ?? [Double](repeating: 1 / Double(Swift.max(1, pool.count)), count: pool.count)
    guard !pool.isEmpty, pool.count == weights.count else {
      throw .unsuitableValue("weights", activation: "blend", wanted: "one number for each of the activations")
    }
    self.pool = pool
    self.weights = weights
    self.constraint = constraint
    self.sharing = sharing
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let channelAxis = x.rank >= 4 ? 1 : x.rank - 1
    let isShared = sharing == .perLayer || sharing == .global
    let shape = isShared ? [] : [x.shape[channelAxis]] + [Int](repeating: 1, count: x.rank - channelAxis - 1)
    let home = sharing == .global ? scope.root["blend"] : scope
    let raw = pool.indices.map { home.parameter("weight\($0)", Shape(shape), .constant(weights[$0]), dtype: x.dtype) }
    let sum: ([Tensor]) -> Tensor = { $0.dropFirst().reduce($0[0], +) }
    let kept: [Tensor]
    switch constraint {
    case .none: kept = raw
    case .sumOne:
      let total = sum(raw)
      kept = raw.map { $0 / total }
    case .magnitudesOne:
      let total = sum(raw.map { $0.abs() })
      kept = raw.map { $0 / total }
    case .clipped:
      let positive = raw.map { $0.maximum(0) }
      let total = sum(positive) + 1e-12
      kept = positive.map { $0 / total }
    case .softmax:
      let greatest = raw.dropFirst().reduce(raw[0]) { $0.maximum($1) }.stopGradient()
      let powers = raw.map { ($0 - greatest).exp() }
      let total = sum(powers)
      kept = powers.map { $0 / total }
    }
    return sum(pool.enumerated().map { i, activation in kept[i] * activation(x, scope["\(i)"]) })
  }
}

/// The factor of weights with which a signal keeps its size through a layer, `1/√E f(z)²` for a standard normal z; 1 where
/// the activation is no function of one number or has no such moment.
public func initialGain(_ activation: Activation) -> Double {
  guard let moments = GaussianMoments(activation), moments.secondMoment > 0, moments.secondMoment.isFinite else {
    return 1
  }
  return 1 / moments.secondMoment.squareRoot()
}
