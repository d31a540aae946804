/// A value made of tensors that transforms can take apart and put together again: a tensor, an array, a dictionary, a
/// network's parameters.
public protocol TensorTree {
  /// The tensors, in a fixed order.
  var leaves: [Tensor] { get }
  /// The same structure with other tensors.
  /// - Precondition: as many as `leaves`.
  func replacingLeaves(_ leaves: [Tensor]) -> Self
}

extension Tensor: TensorTree {
  public var leaves: [Tensor] { [self] }
  public func replacingLeaves(_ leaves: [Tensor]) -> Tensor { leaves[0] }
}

extension Array: TensorTree where Element: TensorTree {
  public var leaves: [Tensor] { flatMap(\.leaves) }
  public func replacingLeaves(_ leaves: [Tensor]) -> [Element] {
    var start = 0
    return map { element in
      let count = element.leaves.count
      defer { start += count }
      return element.replacingLeaves([Tensor](leaves[start..<(start + count)]))
    }
  }
}

extension Dictionary: TensorTree where Key: Comparable, Value: TensorTree {
  public var leaves: [Tensor] { keys.sorted().flatMap { self[$0]!.leaves } }
  public func replacingLeaves(_ leaves: [Tensor]) -> [Key: Value] {
    let order = keys.sorted()
    let values = order.map { self[$0]! }.replacingLeaves(leaves)
    return [Key: Value](uniqueKeysWithValues: zip(order, values))
  }
}

extension Optional: TensorTree where Wrapped: TensorTree {
  public var leaves: [Tensor] { self?.leaves ?? [] }
  public func replacingLeaves(_ leaves: [Tensor]) -> Wrapped? { self?.replacingLeaves(leaves) }
}

// MARK: - Reverse mode

/// The value of a function, and its vector-Jacobian product: the pullback takes a cotangent of the value to cotangents of
/// the arguments. It may be called again and again, and be traced and differentiated itself.
public func vjp<A: TensorTree, B: TensorTree>(_ at: A, _ function: (A) -> B) -> (value: B, pullback: (B) -> A) {
  let inputs = at.leaves
  var template: B?
  let (graph, captures) = trace(inputs.map(\.type)) { arguments in
    let result = function(at.replacingLeaves(arguments))
    template = result
    return result.leaves
  }
  let (outputs, pullback) = vjp(graph, inputs + captures)
  let value = template!.replacingLeaves(outputs)
  return (
    value,
    { cotangent in
      let given = zip(cotangent.leaves, outputs).map { $1.dtype.isFloating ? $0 : nil }
      let gradients = pullback(given)
      return at.replacingLeaves(zip(inputs, gradients).map { $1 ?? Tensor.zeros(like: $0) })
    }
  )
}

private func checkScalar(_ value: Tensor) {
  require(
    value.count == 1 && value.dtype.isFloating,
    "grad wants a function with one floating number as value, not \(value.type)")
}

/// The value of a function with a scalar value, what it returns beside that, and the gradient.
public func valueAndGrad<A: TensorTree, Extra: TensorTree>(_ at: A, withExtra function: (A) -> (Tensor, Extra))
  -> (value: Tensor, extra: Extra, gradient: A)
{
  let inputs = at.leaves
  var template: Extra?
  let (graph, captures) = trace(inputs.map(\.type)) { arguments in
    let (value, extra) = function(at.replacingLeaves(arguments))
    checkScalar(value)
    template = extra
    return [value] + extra.leaves
  }
  let (outputs, pullback) = vjp(graph, inputs + captures)
  let seeds = [Tensor.ones(like: outputs[0])] + [Tensor?](repeating: nil, count: outputs.count - 1)
  let gradients = zip(inputs, pullback(seeds)).map { $1 ?? Tensor.zeros(like: $0) }
  return (outputs[0], template!.replacingLeaves(Array(outputs.dropFirst())), at.replacingLeaves(gradients))
}

/// The value and the gradient of a function with a scalar value.
public func valueAndGrad<A: TensorTree>(_ at: A, _ function: (A) -> Tensor) -> (value: Tensor, gradient: A) {
  let (value, _, gradient) = valueAndGrad(at) { (function($0), [Tensor]()) }
  return (value, gradient)
}

/// The gradient function: `grad(f)(x)`; `grad(grad(f))` for second derivatives.
public func grad<A: TensorTree>(_ function: @escaping (A) -> Tensor) -> (A) -> A {
  { valueAndGrad($0, function).gradient }
}

// MARK: - Forward mode

/// The value of a function and its derivative in the direction of `tangent`.
public func jvp<A: TensorTree, B: TensorTree>(_ at: A, tangent: A, _ function: (A) -> B) -> (value: B, tangent: B) {
  let inputs = at.leaves
  var template: B?
  let (graph, captures) = trace(inputs.map(\.type)) { arguments in
    let result = function(at.replacingLeaves(arguments))
    template = result
    return result.leaves
  }
  let (outputs, tangents) = jvp(
    graph, inputs + captures, tangent.leaves + [Tensor?](repeating: nil, count: captures.count))
  let directions = zip(outputs, tangents).map { $1 ?? Tensor.zeros(like: $0) }
  return (template!.replacingLeaves(outputs), template!.replacingLeaves(directions))
}

// MARK: - Jacobians and Hessians

public enum DifferentiationMode: Sendable { case forward, reverse }

/// The matrix of derivatives: shape of the value + shape of the argument.
public func jacobian(
  _ function: @escaping (Tensor) -> Tensor, mode: DifferentiationMode = .reverse
) -> (Tensor) -> Tensor {
  { x in
    switch mode {
    case .reverse:
      let (value, pullback) = vjp(x, function)
      let basis = Tensor.eye(value.count, dtype: value.dtype).reshape([value.count] + value.shape)
      return vmap { pullback($0) }(basis).reshape(value.shape + x.shape)
    case .forward:
      let basis = Tensor.eye(x.count, dtype: x.dtype).reshape([x.count] + x.shape)
      let columns = vmap { jvp(x, tangent: $0, function).tangent }(basis)
      let shape = Shape(columns.shape.dropFirst())
      return columns.reshape([x.count, shape.elementCount]).T.reshape(shape + x.shape)
    }
  }
}

/// The matrix of second derivatives of a scalar function: shape of the argument twice. Forward over reverse.
public func hessian(_ function: @escaping (Tensor) -> Tensor) -> (Tensor) -> Tensor {
  jacobian(grad(function), mode: .forward)
}

/// The Hessian of a scalar function times a vector, without the matrix.
public func hessianVectorProduct<A: TensorTree>(_ function: @escaping (A) -> Tensor, _ at: A, _ vector: A) -> A {
  jvp(at, tangent: vector, grad(function)).tangent
}

// MARK: - Vectorization

/// Whether the code that asks is inside the function of a `vmap`, where a batch may be one example of a larger one.
package var isInsideVmap: Bool { Tracer.isVectorizing }

/// The function over a batch: leaf `i` of the argument has its batch axis at `inAxes[i]` (nil: the same for all), the
/// results get theirs at `outAxis`. Nests.
public func vmap<A: TensorTree, B: TensorTree>(
  inAxes: [Int?]? = nil, outAxis: Int = 0, _ function: @escaping (A) -> B
) -> (A) -> B {
  { argument in
    let leaves = argument.leaves
    let axes = inAxes ?? leaves.map { _ in 0 }
    require(axes.count == leaves.count, "vmap: \(axes.count) axes for \(leaves.count) tensors")
    let moved = zip(leaves, axes).map { leaf, axis in
      axis.map { Batched(leaf.movingAxis($0, to: 0), true) } ?? Batched(leaf, false)
    }
    guard let size = moved.first(where: \.isBatched)?.tensor.shape[0] else {
      fatalError("vmap wants at least one argument with a batch axis")
    }
    require(
      moved.allSatisfy { !$0.isBatched || $0.tensor.shape[0] == size }, "vmap: the batch axes have other lengths")
    let types = moved.map { batched -> TensorType in
      let type = batched.tensor.type
      return batched.isBatched ? TensorType(shape: Shape(type.shape.dropFirst()), dtype: type.dtype) : type
    }
    var template: B?
    let (graph, captures) = Tracer.$isVectorizing.withValue(true) {
      trace(types) { arguments in
        let result = function(argument.replacingLeaves(arguments))
        template = result
        return result.leaves
      }
    }
    let results = vmap(graph, moved + captures.map { Batched($0, false) }, size)
    return template!.replacingLeaves(
      results.map { result in
        let tensor = result.stretched(size)
        return tensor.movingAxis(0, to: outAxis < 0 ? outAxis + tensor.rank : outAxis)
      })
  }
}

// MARK: - Checkpointing and compilation

/// The function, its intermediate values recomputed in the backward pass instead of kept (Chen, Xu, Zhang, Guestrin 2016,
/// arXiv 1604.06174).
public func checkpoint<A: TensorTree, B: TensorTree>(_ function: @escaping (A) -> B) -> (A) -> B {
  { argument in
    let inputs = argument.leaves
    var template: B?
    let (graph, captures) = trace(inputs.map(\.type), liftsConstants: true) { arguments in
      let result = function(argument.replacingLeaves(arguments))
      template = result
      return result.leaves
    }
    return template!.replacingLeaves(emit(.checkpoint(graph), inputs + captures))
  }
}

extension Graph {
  /// The graph of a function at arguments of the given types.
  public init(tracing types: [TensorType], _ function: ([Tensor]) throws -> [Tensor]) rethrows {
    let (graph, captures) = try trace(types, function)
    require(captures.isEmpty, "the function uses traced tensors of an outer function")
    self = graph
  }
}
