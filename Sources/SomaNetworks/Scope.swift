import Soma

/// Where a layer finds its parameters, state and randomness while it runs. A layer declares what it uses in the place
/// where it uses it; the first run with `initialize` makes the tensors, later runs look them up.
public final class Scope {
  /// The names of the enclosing layers, joined by `/`; empty at the top.
  public let path: String
  private let session: Session
  private let inherited: Inherited

  /// What a scope hands on to the scopes inside it.
  private struct Inherited {
    var constraints: [ParameterConstraint] = []
    var replacement: (@Sendable (any Layer) -> (any Layer)?)?
    var showsAll = false
  }

  /// What one run of a network shares.
  private final class Session {
    var variables: Variables
    let isInitializing: Bool
    let isTraining: Bool
    let key: Key?
    var usedKeys: [String: Int] = [:]
    /// What a counting run declared, instead of variables.
    var declared: VariableTypes?
    /// What has to happen to parameters after an update, by their paths.
    var projections: [String: @Sendable (Tensor) -> Tensor] = [:]
    var penalties: [(kind: String, value: Tensor)] = []
    var observations: [(path: String, name: String, value: Tensor)] = []

    init(_ variables: Variables, isInitializing: Bool, isTraining: Bool, key: Key?) {
      self.variables = variables
      self.isInitializing = isInitializing
      self.isTraining = isTraining
      self.key = key
    }
  }

  private init(_ path: String, _ session: Session, _ inherited: Inherited = Inherited()) {
    self.path = path
    self.session = session
    self.inherited = inherited
  }

  /// The scope of a run with known variables.
  /// - `key`: the source of randomness; without it, layers that need randomness in training stop.
  public convenience init(_ variables: Variables, isTraining: Bool = false, key: Key? = nil) {
    self.init("", Session(variables, isInitializing: false, isTraining: isTraining, key: key))
  }

  /// The scope of a run that makes the variables.
  public convenience init(initializing key: Key) {
    self.init("", Session(Variables(), isInitializing: true, isTraining: false, key: key))
  }

  /// The scope of a run, inside `Graph.shapes`, that only notes which variables the network declares.
  convenience init(counting types: VariableTypes) {
    let session = Session(Variables(), isInitializing: true, isTraining: false, key: nil)
    session.declared = types
    self.init("", session)
  }

  /// What a counting run declared.
  var declaredTypes: VariableTypes { session.declared ?? VariableTypes() }

  /// The variables as they are now: made, or with the state updated.
  public var variables: Variables { session.variables }
  /// Whether layers that behave otherwise in training (dropout, batch normalization) should do so.
  public var isTraining: Bool { session.isTraining }
  /// Whether this run makes the variables.
  public var isInitializing: Bool { session.isInitializing }

  /// The scope of a part. Two parts with the same scope share their parameters.
  public subscript(name: String) -> Scope { Scope(path.isEmpty ? name : path + "/" + name, session, inherited) }
  public subscript(index: Int) -> Scope { self[String(index)] }

  /// The scope of the whole network.
  public var root: Scope { Scope("", session, inherited) }

  /// The scope in which parts keep their parameters to a constraint.
  public func constraining(_ constraint: ParameterConstraint) -> Scope {
    var next = inherited
    next.constraints.append(constraint)
    return Scope(path, session, next)
  }

  /// The scope in which `replacement` decides, for each part, whether another takes its place (nil: it stays). Inside
  /// the other nothing is replaced.
  public func replacing(_ replacement: @escaping @Sendable (any Layer) -> (any Layer)?) -> Scope {
    var next = inherited
    next.replacement = replacement
    return Scope(path, session, next)
  }

  /// The scope in which layers also show (`observe`) what they would otherwise not keep, as the softmax of attention.
  public var showingAll: Scope {
    var next = inherited
    next.showsAll = true
    return Scope(path, session, next)
  }
  /// Whether whoever runs the network asked for `showingAll`.
  public var showsAll: Bool { inherited.showsAll }

  /// What takes the place of a layer, and the scope it runs in.
  func replacement(for layer: any Layer) -> (layer: any Layer, scope: Scope)? {
    guard let other = inherited.replacement?(layer) else { return nil }
    var next = inherited
    next.replacement = nil
    return (other, Scope(path, session, next))
  }

  /// Asks whoever trains the network to replace a parameter by its projection after each update.
  public func project(_ name: String, _ projection: @escaping @Sendable (Tensor) -> Tensor) {
    session.projections[full(name)] = projection
  }

  /// The projections that the layers of this run asked for, by the parameters' paths.
  public var projections: [String: @Sendable (Tensor) -> Tensor] { session.projections }

  /// Shows a tensor inside the network to whoever runs it.
  public func observe(_ name: String, _ value: Tensor) { session.observations.append((path, name, value)) }

  /// What the layers of this run showed, in order.
  public var observations: [(path: String, name: String, value: Tensor)] { session.observations }

  /// Reports a scalar that training may add to the loss (`ScheduledPenalty`).
  public func penalize(_ kind: String, _ value: Tensor) { session.penalties.append((kind, value)) }

  /// The sum of the penalties of one kind that the layers of this run reported; nil if there are none.
  public func penalty(_ kind: String) -> Tensor? {
    let values = session.penalties.filter { $0.kind == kind }.map(\.value)
    return values.isEmpty ? nil : values.dropFirst().reduce(values[0], +)
  }

  private func full(_ name: String) -> String { path.isEmpty ? name : path + "/" + name }

  /// A trained tensor.
  public func parameter(
    _ name: String, _ shape: Shape, _ initializer: Initializer, dtype: DType = .float32
  ) -> Tensor {
    let constraints = inherited.constraints.filter { $0.applies(to: name) }
    guard !constraints.isEmpty else { return find(full(name), shape, initializer, dtype, \.parameters) }
    let start = Initializer(initializer.name) { shape, key, dtype in
      constraints.reduce(initializer(shape, key: key, dtype: dtype)) { $1.stored($0) }
    }
    let raw = find(full(name), shape, start, dtype, \.parameters)
    for constraint in constraints { if let projection = constraint.projection { project(name, projection) } }
    return constraints.reversed().reduce(raw) { $1.value($0) }
  }

  /// A tensor that the forward pass keeps between runs, not trained.
  public func state(_ name: String, _ shape: Shape, _ initializer: Initializer, dtype: DType = .float32) -> Tensor {
    find(full(name), shape, initializer, dtype, \.state)
  }

  /// What `state` gives in the next run.
  public func setState(_ name: String, _ value: Tensor) {
    guard !session.isInitializing else { return }
    require(session.variables.state[full(name)] != nil, "the state \(full(name)) was not declared")
    session.variables.state[full(name)] = value.stopGradient()
  }

  private func find(
    _ name: String, _ shape: Shape, _ initializer: Initializer, _ dtype: DType,
    _ kind: WritableKeyPath<Variables, Parameters>
  ) -> Tensor {
    if let known = session.variables[keyPath: kind][name] {
      require(
        known.shape == shape,
        "\(name) has shape \(known.shape), the layer wants \(shape): was it made for another input?")
      return known
    }
    if session.declared != nil {
      session.declared!.declare(name, TensorType(shape: shape, dtype: dtype), isParameter: kind == \.parameters)
      // Inside a trace this is a node, not memory.
      return .zeros(shape, dtype: dtype)
    }
    guard session.isInitializing, let key = session.key else {
      fatalError("\(name) is missing from the variables; was the network initialized with other settings?")
    }
    let tensor = untraced { initializer(shape, key: key.folding(name), dtype: dtype) }
    session.variables[keyPath: kind][name] = tensor
    return tensor
  }

  /// A key for this layer in this run; each call gives another.
  public func key() -> Key {
    guard let key = session.key else {
      fatalError("\(path.isEmpty ? "the network" : path) needs randomness in training: pass a key")
    }
    let uses = session.usedKeys[path, default: 0]
    session.usedKeys[path] = uses + 1
    return key.folding("\(path)#\(uses)")
  }

  /// Runs a part so that graphs, costs and errors name it.
  public func callAsFunction<Result>(_ body: () -> Result) -> Result { scoped(path, body) }
}
