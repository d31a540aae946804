import Soma

/// A function applied to the outputs of a layer, as a value: its formula, its parameters, where it comes from. What
/// else there is to know (derivatives, range, monotonicity, moments) is computed from the formula.
///
/// ```swift
/// let f = try Activation.named("leaky-relu(a=20)")
/// let y = f(x)                     // with the default parameters
/// let z = f(x, scope["activation"])  // as a layer: trained parameters are declared in the scope
/// ```
///
/// Not a number stays not a number, unless the formula ends in a branch that is a constant: every comparison with NaN is
/// false, and the last branch is taken (the step of NaN is 0). Infinite inputs give the limit, or NaN where the formula
/// sets infinity against infinity or zero. Exponents are limited (to 80, mostly) where Float32 would overflow.
public struct Activation: Layer, Hashable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Each element by itself.
    case scalar
    /// Two halves of an axis, `x1` and `x2`: one opens or closes the other.
    case gated
    /// The same, of two inputs on a par; or several pieces of one input.
    case multiInput = "multi-input"
    /// All elements along an axis, of a neighbourhood, or of a batch together.
    case vector
    /// Random in training.
    case stochastic
    /// Made of other activations, which are parameters.
    case composite
    /// Parameters that a small network computes from the input.
    case attention
  }

  /// The name in the catalogue.
  public var name: String
  public var displayName: String
  /// The class in the survey's order, such as `relu-based`.
  public var family: String
  /// The place in the survey, such as `3.6.2`; empty for others.
  public var section: String
  public var kind: Kind
  /// The formula as it is published.
  public var formula: String
  public var parameters: [ActivationParameter]
  /// Authors, year, arXiv number.
  public var source: String
  /// Relations to others, what was decided where sources disagree.
  public var notes: String
  /// The axis that gated and vector activations run along.
  public var axis = -1
  /// Where one value of a trained parameter is used, if not as the catalogue says.
  public var sharing: ActivationParameter.Sharing?

  /// What is computed: the formula, or an equal form that is cheaper or does not overflow.
  public internal(set) var expression: Expression
  let training: Expression
  let draws: [RandomDraw]
  /// What formulas cannot say.
  let structure: ActivationStructure?

  /// - Parameter stable: an equal formula to compute instead.
  /// - Throws: `ActivationError`
  init(
    _ name: String, _ displayName: String, _ family: String, _ kind: Kind, _ formula: String, _ parameters: String,
    _ source: String, stable: String? = nil, section: String = "", notes: String = "", axis: Int = -1,
    structure: ActivationStructure? = nil
  ) throws(ActivationError) {
    self.name = name
    self.displayName = displayName
    self.family = family
    self.section = section
    self.kind = kind
    self.formula = formula
    self.source = source
    self.notes = notes
    self.axis = axis
    self.structure = structure
    self.parameters = try ActivationParameter.parse(parameters)
    let pair: Set<String> = kind == .gated || kind == .multiInput ? ["x1", "x2"] : []
    let (numbers, lists, pools) = self.parameters.names
    let variables = numbers.union(pair).union(kind == .gated ? [] : ["x"])
    do throws(ExpressionError) {
      if structure != nil {
        (expression, training, draws) = (.variable("x"), .variable("x"), [])
      } else if kind == .stochastic {
        (expression, training, draws) = try RandomDraw.parse(
          stable ?? formula, variables: variables, lists: lists, pools: pools)
      } else {
        expression = try ExpressionParser.parse(stable ?? formula, variables: variables, lists: lists, pools: pools)
        training = expression
        draws = []
        // The published formula has to be readable too.
        if stable != nil {
          _ = try ExpressionParser.parse(formula, variables: variables, lists: lists, pools: pools)
        }
      }
      let trained = self.parameters.filter { $0.isTrained && numbers.contains($0.name) }
      let dynamic = Set(["x", "x1", "x2"] + draws.map(\.name) + trained.map(\.name))
      if let limit = expression.loopLimit(among: dynamic) ?? training.loopLimit(among: dynamic) {
        throw ExpressionError(formula: formula, position: 0, reason: "how often a loop runs depends on \(limit)")
      }
    } catch { throw .malformedFormula(error) }
    try checkConstraints()
  }

  /// An activation from a formula of `x` in the catalogue's grammar: `Activation.parse("x*sigmoid(b*x)",
  /// "b=1:trained")`.
  /// - Throws: `ActivationError` that names the place in the formula.
  public static func parse(_ formula: String, _ parameters: String = "-", name: String? = nil) throws(ActivationError)
    -> Activation
  {
    let isRandom = formula.hasPrefix("infer:")
    return try Activation(
      name ?? formula, name ?? formula, "own", isRandom ? .stochastic : .scalar, formula, parameters, "own formula")
  }

  private func checkConstraints() throws(ActivationError) {
    if let (one, other) = parameters.unequalLists { throw .unequalLists(activation: name, one, other) }
    let values = defaults
    for parameter in parameters {
      if let constraint = parameter.broken(values) {
        let text = parameter.value.elements.map { "\($0)" }.joined(separator: ",")
        throw .outsideConstraint(activation: name, parameter: parameter.name, value: text, constraint: constraint)
      }
    }
  }

  // MARK: Other parameters

  /// The same activation with other (start) values of parameters.
  /// - Throws: `ActivationError` for an unknown name or a value outside its constraint.
  public func with(_ values: [String: Double]) throws(ActivationError) -> Activation {
    try with(values.mapValues { .number($0) })
  }

  /// The same activation with other activations as parameters: `catalytic.with(["g": [.tanh]])`. Lists that follow a
  /// pool get its length.
  /// - Throws: `ActivationError` for an unknown name or an empty pool.
  public func with(pools: [String: [Activation]]) throws(ActivationError) -> Activation {
    try with(pools.mapValues { .activations($0) })
  }

  func with(_ values: [String: ActivationParameter.Value]) throws(ActivationError) -> Activation {
    var result = self
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let i = parameters.firstIndex(where: { $0.name == name }) else {
        throw .unknownParameter(name, activation: self.name, known: parameters.map(\.name))
      }
      result.parameters[i].value = try parameters[i].accepting(value, of: self.name)
    }
    for i in result.parameters.indices where values[result.parameters[i].name] == nil { result.parameters.fill(i) }
    try result.checkConstraints()
    return result
  }

  /// The same activation, its numbers trained (all of them, or those named) or fixed.
  public func training(_ names: Set<String>) -> Activation {
    var result = self
    for i in parameters.indices where !parameters[i].value.elements.isEmpty {
      let isTrained = names.contains(parameters[i].name)
      if isTrained, !parameters[i].isTrained { result.parameters[i].sharing = .perUnit }
      result.parameters[i].role = isTrained ? .trained : parameters[i].isTrained ? .fixed : parameters[i].role
    }
    return result
  }

  /// Whether it has parameters that are trained.
  public var isTrained: Bool {
    parameters.contains { parameter in
      if case .activations(let pool) = parameter.value { return pool.contains(where: \.isTrained) }
      return parameter.isTrained
    } || structure?.isTrained == true
  }

  /// Whether each element of the output depends on one element of the input alone (outside training).
  public var isElementwise: Bool {
    guard structure == nil, !takesPair else { return false }
    switch kind {
    case .scalar, .stochastic, .composite, .multiInput: return true
    case .gated, .vector, .attention: return false
    }
  }

  /// Whether it takes two inputs, the halves of an axis.
  public var takesPair: Bool { expression.uses("x1") || expression.uses("x2") }

  /// Whether neighbours along its axis change places or compete, so that their number has to be even.
  public var exchangesNeighbours: Bool { expression.calls("axisswap") || structure == .winnerTakesAll }

  /// Whether it can stand behind a dense layer: of at least as many units, each with an output.
  public var suitsDenseLayers: Bool {
    if let structure { return !structure.isSpatial && structure != .hybridChaotic }
    guard axis >= -2 else { return false }
    let units = 32
    let output = outputShape(for: [2, takesPair ? 2 * units : units])
    return output.rank == 2 && output.last >= units
  }

  // MARK: Computing

  var defaults: [String: ExpressionEvaluation.Value] {
    Dictionary(
      uniqueKeysWithValues: parameters.compactMap { parameter in
        switch parameter.value {
        case .number(let value): (parameter.name, .number(value))
        case .list(let values, let first): (parameter.name, .list(values.map { .number($0) }, first: first))
        case .activations(let pool): (parameter.name, .activations(pool))
        case .formula: nil
        }
      })
  }

  private var samples: [String: Double] {
    parameters.reduce(into: [:]) { result, parameter in
      if case .number(let value) = parameter.value { result[parameter.name] = value }
    }
  }

  /// Parameters that are formulas of the input get their values.
  private func resolved(_ values: [String: ExpressionEvaluation.Value], _ x: Tensor) -> [String: ExpressionEvaluation
    .Value]
  {
    var values = values
    values["x"] = .tensor(x)
    for parameter in parameters {
      if case .formula(let formula) = parameter.value {
        values[parameter.name] = .tensor(
          ExpressionEvaluation.tensor(
            formula, ["x": .tensor(x)], .init(axis: axis, channelAxis: channelAxis(x)), like: x))
      }
    }
    return values
  }

  private func compute(
    _ expression: Expression, _ x: Tensor, _ parameters: [String: ExpressionEvaluation.Value],
    _ surroundings: ExpressionEvaluation.Surroundings
  ) -> Tensor {
    if takesPair {
      require(
        x.rank > 0 && x.shape[x.shape.normalized(axis: axis)] % 2 == 0,
        "\(name) halves axis \(axis), whose length is odd: \(x.shape)")
      let halves = x.split(2, axis: axis)
      return combine(halves[0], halves[1], parameters, surroundings)
    }
    return ExpressionEvaluation.tensor(expression, resolved(parameters, x), samples: samples, surroundings, like: x)
  }

  private func combine(
    _ x1: Tensor, _ x2: Tensor, _ parameters: [String: ExpressionEvaluation.Value],
    _ surroundings: ExpressionEvaluation.Surroundings
  ) -> Tensor {
    var values = parameters
    values["x1"] = .tensor(x1)
    values["x2"] = .tensor(x2)
    return ExpressionEvaluation.tensor(expression, values, samples: samples, surroundings, like: x1)
  }

  /// The value with the parameters' start values, outside training; statistics of a batch are those of `x`.
  /// - Shape: `[…]` → `[…]`; a pair: the axis is halved; concatenations: the channels are multiplied.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let x = x.dtype.isFloating ? x : x.cast(to: .float32)
    guard structure == nil else {
      return apply(initialized(for: TensorType(shape: x.shape, dtype: x.dtype), key: Key(0)), x)
    }
    return compute(expression, x, defaults, .init(axis: axis, channelAxis: channelAxis(x)))
  }

  /// An activation of two inputs of one shape.
  public func callAsFunction(_ x1: Tensor, gate x2: Tensor) -> Tensor {
    require(takesPair, "\(name) takes one input")
    return combine(x1, x2, defaults, .init(axis: axis, channelAxis: channelAxis(x1)))
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    if let structure { return structure.forward(self, x, scope) }
    var values = defaults
    for parameter in parameters {
      switch parameter.role {
      case .trained: values[parameter.name] = trained(parameter, x, scope, values)
      case .state, .scheduled:
        // Set by whoever trains, between epochs.
        guard case .number(let start) = parameter.value else { continue }
        values[parameter.name] = .tensor(scope.state(parameter.name, [], .constant(start), dtype: x.dtype))
      case .layerIndex:
        if let place = Self.lastNumber(scope.path) { values[parameter.name] = .number(Double(place + 1)) }
      case .fixed, .derived: break
      }
    }
    var statistics = 0
    let surroundings = ExpressionEvaluation.Surroundings(
      axis: axis, channelAxis: channelAxis(x),
      apply: { name, place, activation, x in
        activation(x, scope[place == 1 && self.poolSize(name) == 1 ? name : "\(name)\(place)"])
      },
      running: { statistic in
        defer { statistics += 1 }
        return Self.running(statistic, "statistic\(statistics)", scope)
      })
    let passes = passes(scope)
    guard kind == .stochastic, scope.isTraining else { return compute(expression, x, values, surroundings) }
    values = resolved(values, x)
    for draw in draws {
      values[draw.name] = draw.sample(
        like: x, values, channelAxis: channelAxis(x), passes: passes, key: scope.key())
    }
    return compute(training, x, values, surroundings)
  }

  private func poolSize(_ name: String) -> Int {
    guard case .activations(let pool)? = parameters.first(where: { $0.name == name })?.value else { return 0 }
    return pool.count
  }

  /// How many training passes were done, where a draw asks for it.
  private func passes(_ scope: Scope) -> Tensor {
    let isCounted = draws.contains { if case .count = $0.distribution { true } else { false } }
    guard isCounted else { return Tensor(0) }
    let passes = scope.state("passes", [], .zeros)
    if scope.isTraining { scope.setState("passes", passes + 1) }
    return passes
  }

  /// The statistic itself in training; its running mean otherwise, as batch normalization keeps it.
  private static func running(_ statistic: Tensor, _ name: String, _ scope: Scope) -> Tensor {
    let kept = scope.state(name, Shape([statistic.count]), .zeros, dtype: statistic.dtype)
    guard scope.isTraining else { return kept.reshape(statistic.shape) }
    scope.setState(name, kept * 0.9 + statistic.reshape(kept.shape) * 0.1)
    return statistic
  }

  /// The last number in a path such as `blocks/3/activation`, counted from 0.
  private static func lastNumber(_ path: String) -> Int? {
    path.split(whereSeparator: { !$0.isNumber }).last.flatMap { Int($0) }
  }

  /// The last axis, or the channels of images and volumes `[n, c, spatial…]`; another if one was set.
  func channelAxis(_ x: Tensor) -> Int { x.rank >= 4 ? 1 : x.rank - 1 }

  private func trained(
    _ parameter: ActivationParameter, _ x: Tensor, _ scope: Scope, _ values: [String: ExpressionEvaluation.Value]
  ) -> ExpressionEvaluation.Value {
    let sharing = self.sharing ?? parameter.sharing
    let home = sharing == .global ? scope.root["activation-\(name)"] : scope
    let storage = TrainedParameter(parameter, defaults)
    var (shape, aligned): ([Int], [Int]) = ([], [])
    if sharing == .perUnit || sharing == .perChannel {
      let axis = channelAxis(x)
      // Of a pair, one unit has two inputs.
      let units = takesPair && axis == x.shape.normalized(axis: self.axis) ? x.shape[axis] / 2 : x.shape[axis]
      shape = [units]
      aligned = [units] + [Int](repeating: 1, count: x.rank - axis - 1)
    }
    switch parameter.value {
    case .number(let value):
      let raw = home.parameter(parameter.name, Shape(shape), .constant(storage.raw(value)), dtype: x.dtype)
      return .tensor(storage.value(raw.reshape(Shape(aligned)), values))
    case .list(let elements, let first):
      let starts = elements.map(storage.raw)
      let initializer = Initializer("list") { shape, _, dtype in
        let column = Tensor(starts).cast(to: dtype).reshape([starts.count] + [Int](repeating: 1, count: shape.rank - 1))
        return column.broadcast(to: shape)
      }
      let raw = home.parameter(parameter.name, Shape([elements.count] + shape), initializer, dtype: x.dtype)
      return .list(
        elements.indices.map { .tensor(storage.value(raw[$0].reshape(Shape(aligned)), values)) }, first: first)
    case .activations, .formula: return values[parameter.name] ?? .number(0)
    }
  }
}
