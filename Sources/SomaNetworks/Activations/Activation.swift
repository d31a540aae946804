import Soma

/// A function applied to the outputs of a layer, as a value: its formula, its parameters, where it comes from. What
/// else
/// there is to know (derivatives, range, monotonicity, moments) is computed from the formula.
///
/// ```swift
/// let f = try Activation.named("leaky-relu(a=20)")
/// let y = f(x)                     // with the default parameters
/// let z = f(x, scope["activation"])  // as a layer: trained parameters are declared in the scope
/// ```
public struct Activation: Layer, Hashable {
  public enum Kind: String, Hashable, Sendable {
    /// Each element by itself.
    case scalar
    /// Two halves of an axis, `x1` and `x2`.
    case gated
    /// All elements along an axis together.
    case vector
    /// Random in training.
    case stochastic
  }

  /// The name in the catalogue.
  public var name: String
  public var displayName: String
  /// The class in the survey's order, such as `relu-based`.
  public var family: String
  public var kind: Kind
  /// The formula as it is published.
  public var formula: String
  public var parameters: [ActivationParameter]
  /// Authors, year, arXiv number.
  public var source: String
  /// The axis that gated and vector activations run along.
  public var axis = -1
  /// Where one value of a trained parameter is used, if not as the catalogue says.
  public var sharing: ActivationParameter.Sharing?

  /// What is computed: the formula, or an equal form that is cheaper or does not overflow.
  let inference: Expression
  let training: Expression
  let draws: [RandomDraw]

  /// - Parameter stable: an equal formula to compute instead.
  /// - Throws: `ActivationError`
  init(
    _ name: String, _ displayName: String, _ family: String, _ kind: Kind, _ formula: String, _ parameters: String,
    _ source: String, stable: String? = nil, axis: Int = -1
  ) throws(ActivationError) {
    self.name = name
    self.displayName = displayName
    self.family = family
    self.kind = kind
    self.formula = formula
    self.source = source
    self.axis = axis
    self.parameters = try ActivationParameter.parse(parameters)
    let variables = Set(self.parameters.map(\.name)).union(kind == .gated ? ["x1", "x2"] : ["x"])
    do {
      if kind == .stochastic {
        (inference, training, draws) = try RandomDraw.parse(formula, variables: variables)
      } else {
        inference = try ExpressionParser.parse(stable ?? formula, variables: variables)
        training = inference
        draws = []
        // The published formula has to be readable too.
        if stable != nil { _ = try ExpressionParser.parse(formula, variables: variables) }
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
    try Activation(name ?? formula, name ?? formula, "own", .scalar, formula, parameters, "own formula")
  }

  private func checkConstraints() throws(ActivationError) {
    let values = defaults
    for parameter in parameters {
      if let constraint = parameter.broken(values) {
        let text = parameter.value.elements.map { "\($0)" }.joined(separator: ",")
        throw .outsideConstraint(activation: name, parameter: parameter.name, value: text, constraint: constraint)
      }
    }
  }

  /// The same activation with other (start) values of parameters.
  /// - Throws: `ActivationError` for an unknown name or a value outside its constraint.
  public func with(_ values: [String: Double]) throws(ActivationError) -> Activation {
    var result = self
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let i = parameters.firstIndex(where: { $0.name == name }), case .number = parameters[i].value else {
        throw .unknownParameter(name, activation: self.name, known: parameters.map(\.name))
      }
      result.parameters[i].value = .number(value)
    }
    try result.checkConstraints()
    return result
  }

  /// Whether it has parameters that are trained.
  public var isTrained: Bool { parameters.contains(where: \.isTrained) }

  // MARK: Computing

  private var defaults: [String: ExpressionEvaluation.Value] {
    Dictionary(
      uniqueKeysWithValues: parameters.map { parameter in
        switch parameter.value {
        case .number(let value): (parameter.name, .number(value))
        case .list(let values, let first): (parameter.name, .list(values.map { .number($0) }, first: first))
        }
      })
  }

  private var samples: [String: Double] {
    parameters.reduce(into: [:]) { result, parameter in
      if case .number(let value) = parameter.value { result[parameter.name] = value }
    }
  }

  private func compute(
    _ expression: Expression, _ x: Tensor, _ parameters: [String: ExpressionEvaluation.Value]
  ) -> Tensor {
    var values = parameters
    if kind == .gated {
      require(
        x.rank > 0 && x.shape[x.shape.normalized(axis: axis)] % 2 == 0,
        "\(name) halves axis \(axis), whose length is odd: \(x.shape)")
      let halves = x.split(2, axis: axis)
      return combine(halves[0], halves[1], values)
    }
    values["x"] = .tensor(x)
    return ExpressionEvaluation.tensor(expression, values, samples: samples, axis: axis, like: x)
  }

  private func combine(_ x1: Tensor, _ x2: Tensor, _ parameters: [String: ExpressionEvaluation.Value]) -> Tensor {
    var values = parameters
    values["x1"] = .tensor(x1)
    values["x2"] = .tensor(x2)
    return ExpressionEvaluation.tensor(inference, values, samples: samples, axis: axis, like: x1)
  }

  /// The value with the parameters' start values, outside training.
  /// - Shape: `[…]` → `[…]`; gated: the axis is halved.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    compute(inference, x.dtype.isFloating ? x : x.cast(to: .float32), defaults)
  }

  /// A gated activation of two inputs of one shape.
  public func callAsFunction(_ x1: Tensor, gate x2: Tensor) -> Tensor {
    require(kind == .gated, "\(name) takes one input")
    return combine(x1, x2, defaults)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var values = defaults
    for parameter in parameters where parameter.isTrained {
      values[parameter.name] = trained(parameter, x, scope)
    }
    guard kind == .stochastic, scope.isTraining else { return compute(inference, x, values) }
    for draw in draws {
      values[draw.name] = .tensor(draw.sample(like: x, values, channelAxis: channelAxis(x), key: scope.key()))
    }
    return compute(training, x, values)
  }

  /// The last axis, or the channels of images and volumes `[n, c, spatial…]`.
  private func channelAxis(_ x: Tensor) -> Int { x.rank >= 4 ? 1 : x.rank - 1 }

  private func trained(_ parameter: ActivationParameter, _ x: Tensor, _ scope: Scope) -> ExpressionEvaluation.Value {
    let sharing = self.sharing ?? parameter.sharing
    let home = sharing == .global ? scope.root["activation-\(name)"] : scope
    let storage = TrainedParameter(parameter, defaults)
    var (shape, aligned): ([Int], [Int]) = ([], [])
    if sharing == .perUnit || sharing == .perChannel {
      let axis = channelAxis(x)
      shape = [x.shape[axis]]
      aligned = [x.shape[axis]] + [Int](repeating: 1, count: x.rank - axis - 1)
    }
    switch parameter.value {
    case .number(let value):
      let raw = home.parameter(parameter.name, Shape(shape), .constant(storage.raw(value)), dtype: x.dtype)
      return .tensor(storage.value(raw).reshape(Shape(aligned)))
    case .list(let values, let first):
      let starts = values.map(storage.raw)
      let initializer = Initializer("list") { shape, _, dtype in
        let column = Tensor(starts).cast(to: dtype).reshape([starts.count] + [Int](repeating: 1, count: shape.rank - 1))
        return column.broadcast(to: shape)
      }
      let raw = home.parameter(parameter.name, Shape([values.count] + shape), initializer, dtype: x.dtype)
      let all = storage.value(raw)
      return .list(values.indices.map { .tensor(all[$0].reshape(Shape(aligned))) }, first: first)
    }
  }
}
