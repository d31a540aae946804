import Soma

/// A set that parameters have to stay in: by a projection after each update, or by storing a free number that a function
/// maps into the set.
public struct ParameterConstraint: Sendable {
  /// The names of the parameters (last part of their paths) that it holds for; nil: all.
  public var names: Set<String>?
  /// What is stored for a freshly initialized tensor.
  let stored: @Sendable (Tensor) -> Tensor
  /// What the layer gets of the stored tensor.
  let value: @Sendable (Tensor) -> Tensor
  let projection: (@Sendable (Tensor) -> Tensor)?

  public init(
    names: Set<String>? = nil, stored: @escaping @Sendable (Tensor) -> Tensor = { $0 },
    value: @escaping @Sendable (Tensor) -> Tensor = { $0 }, projection: (@Sendable (Tensor) -> Tensor)? = nil
  ) {
    self.names = names
    self.stored = stored
    self.value = value
    self.projection = projection
  }

  func applies(to name: String) -> Bool { names?.contains(name) ?? true }

  /// How weights are kept at or above zero.
  public enum NonNegativeForm: String, Sendable, CaseIterable {
    /// `W ← max(W, 0)` after each update.
    case projection
    /// `W = log(1 + eⱽ)`
    case softplus
    /// `W = V²`
    case square
    /// `W = |V|`
    case absolute
  }

  /// Weights at or above zero, beginning as the magnitudes of what the layer would begin with.
  public static func nonNegative(
    _ form: NonNegativeForm = .projection, names: Set<String>? = ["weight"]
  ) -> ParameterConstraint {
    switch form {
    case .projection:
      ParameterConstraint(names: names, stored: { $0.abs() }, projection: { $0.maximum(0) })
    case .softplus:
      // The inverse, y + log(1 - e⁻ʸ), kept finite at zero.
      ParameterConstraint(
        names: names,
        stored: {
          let y = $0.abs().maximum(1e-6)
          return y + (-(-y).expm1()).log()
        }, value: { $0.softplus() })
    case .square: ParameterConstraint(names: names, stored: { $0.abs().sqrt() }, value: { $0.squared() })
    case .absolute: ParameterConstraint(names: names, stored: { $0.abs() }, value: { $0.abs() })
    }
  }

  /// Values in `low … high`, by projection.
  public static func clamped(_ low: Double, _ high: Double, names: Set<String>? = nil) -> ParameterConstraint {
    ParameterConstraint(names: names, projection: { $0.clipped(low, high) })
  }
}

/// A network whose parameters keep to a constraint.
public struct Constrained: Layer {
  public var layer: any Layer
  public var constraint: ParameterConstraint

  public init(_ layer: any Layer, _ constraint: ParameterConstraint) {
    self.layer = layer
    self.constraint = constraint
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { layer(x, scope.constraining(constraint)) }
}

/// A network with some of its parts replaced, wherever they stand in it: `Replacing(model) { $0 is Dense ? … : nil }`.
public struct Replacing: Layer {
  public var layer: any Layer
  public var replacement: @Sendable (any Layer) -> (any Layer)?

  public init(_ layer: any Layer, _ replacement: @escaping @Sendable (any Layer) -> (any Layer)?) {
    self.layer = layer
    self.replacement = replacement
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { layer(x, scope.replacing(replacement)) }
}

extension Layer {
  /// The projections that the network's layers ask for after each update, by the parameters' paths.
  public func projections(for input: TensorType) -> [String: @Sendable (Tensor) -> Tensor] {
    let scope = Scope(counting: VariableTypes())
    _ = Graph.shapes(of: [input]) { [self($0[0], scope)] }
    return scope.projections
  }
}
