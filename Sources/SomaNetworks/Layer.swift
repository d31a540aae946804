import Soma

/// A part of a network: hyper-parameters, and a function of a tensor that declares its parameters in the scope.
///
/// ```swift
/// struct Block: Layer {
///   var units: Int
///   func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
///     x + Dense(units)(x, scope["dense"]).tanh()
///   }
/// }
/// ```
public protocol Layer: Sendable {
  func forward(_ x: Tensor, _ scope: Scope) -> Tensor
}

extension Layer {
  /// Applies the layer; graphs, costs and errors name the scope.
  public func callAsFunction(_ x: Tensor, _ scope: Scope) -> Tensor {
    scope {
      if let (other, inner) = scope.replacement(for: self) { return other.forward(x, inner) }
      return forward(x, scope)
    }
  }

  /// The variables for inputs of a type; sizes are inferred by running the layer without computing anything.
  public func initialized(for input: TensorType, key: Key) -> Variables {
    let scope = Scope(initializing: key)
    _ = Graph.shapes(of: [input]) { [self($0[0], scope)] }
    return scope.variables
  }

  /// The variables for inputs of a shape, `float32`.
  public func initialized(for shape: Shape, key: Key) -> Variables {
    initialized(for: TensorType(shape: shape), key: key)
  }

  /// The output, without training behaviour.
  public func apply(_ variables: Variables, _ x: Tensor) -> Tensor { self(x, Scope(variables)) }

  /// The output in training, and the variables with updated state.
  public func applyTraining(_ variables: Variables, _ x: Tensor, key: Key?) -> (output: Tensor, variables: Variables) {
    let scope = Scope(variables, isTraining: true, key: key)
    let output = self(x, scope)
    return (output, scope.variables)
  }

  /// The shape of the output for an input shape.
  public func outputShape(for input: Shape, dtype: DType = .float32) -> Shape {
    declaration(for: TensorType(shape: input, dtype: dtype)).output.shape
  }

  /// The names and types of the variables for an input, found without making them.
  public func variableTypes(for input: TensorType) -> VariableTypes { declaration(for: input).variables }

  /// How many numbers are trained for an input of a shape, found without making them.
  public func parameterCount(for shape: Shape, dtype: DType = .float32) -> Int {
    variableTypes(for: TensorType(shape: shape, dtype: dtype)).parameterCount
  }

  /// The layer's graph at inputs of a type: its parameters and its state are inputs behind the first.
  public func graph(for input: TensorType) -> Graph {
    let types = variableTypes(for: input)
    let entries = types.parameters + types.state
    return Graph(tracing: [input] + entries.map(\.type)) { tensors in
      let rest = Array(tensors.dropFirst())
      let variables = Variables(
        parameters: Parameters(zip(types.parameters.map(\.name), rest)),
        state: Parameters(zip(types.state.map(\.name), rest.dropFirst(types.parameters.count))))
      return [apply(variables, tensors[0])]
    }
  }

  private func declaration(for input: TensorType) -> (output: TensorType, variables: VariableTypes) {
    let scope = Scope(counting: VariableTypes())
    let output = Graph.shapes(of: [input]) { [self($0[0], scope)] }[0]
    return (output, scope.declaredTypes)
  }
}
