/// A function with a backward rule of its own.
/// - Parameters:
///   - name: how graphs print it.
///   - inputs: what the function depends on. Other tensors it captures count as constants.
///   - function: what is computed.
///   - pullback: (inputs, outputs, output cotangents) → input cotangents.
public func withPullback(
  _ name: String, _ inputs: [Tensor], _ function: ([Tensor]) -> [Tensor],
  pullback: @escaping (_ inputs: [Tensor], _ outputs: [Tensor], _ cotangents: [Tensor]) -> [Tensor]
) -> [Tensor] {
  customized(name, inputs, function, pullback: pullback, pushforward: nil)
}

/// A function with a forward-mode rule of its own: (inputs, outputs, input tangents) → output tangents.
public func withPushforward(
  _ name: String, _ inputs: [Tensor], _ function: ([Tensor]) -> [Tensor],
  pushforward: @escaping (_ inputs: [Tensor], _ outputs: [Tensor], _ tangents: [Tensor]) -> [Tensor]
) -> [Tensor] {
  customized(name, inputs, function, pullback: nil, pushforward: pushforward)
}

/// `function` in the forward pass, the derivative of the identity in the backward pass (Bengio, Léonard, Courville 2013,
/// arXiv 1308.3432).
public func straightThrough(_ x: Tensor, _ function: (Tensor) -> Tensor) -> Tensor {
  withPullback("straightThrough", [x], { [function($0[0])] }, pullback: { _, _, g in [g[0]] })[0]
}

private typealias Rule = ([Tensor], [Tensor], [Tensor]) -> [Tensor]

private func customized(
  _ name: String, _ inputs: [Tensor], _ function: ([Tensor]) -> [Tensor], pullback: Rule?, pushforward: Rule?
) -> [Tensor] {
  let (graph, captures) = trace(inputs.map(\.type), liftsConstants: true, function)
  let outputs = graph.outputTypes
  let (n, m) = (inputs.count, outputs.count)
  /// The graph of a rule; captured tensors are passed on behind the inputs so that both graphs take the same operands.
  func derivative(_ rule: Rule?, _ last: [TensorType], expecting expected: [TensorType], isPullback: Bool) -> Graph? {
    guard let rule else { return nil }
    let types = graph.inputTypes + outputs + last
    let all = graph.inputs.count
    let (result, free) = trace(types) { arguments in
      let given = Array(arguments[(all + m)...])
      let made = rule(
        Array(arguments[..<n]), Array(arguments[all..<(all + m)]), isPullback ? given : Array(given[..<n]))
      require(
        made.map(\.type) == Array(expected.prefix(isPullback ? n : m)),
        "\(name): the derivative gives \(made.map(\.type)) instead of \(expected)")
      return isPullback ? made + arguments[n..<all].map { Tensor.zeros(like: $0) } : made
    }
    require(free.isEmpty, "\(name): a derivative rule may use its arguments only, not other traced tensors")
    return result
  }
  let description = CustomDerivative(
    name: name, function: graph,
    pullback: derivative(pullback, outputs, expecting: graph.inputTypes, isPullback: true),
    pushforward: derivative(pushforward, graph.inputTypes, expecting: outputs, isPullback: false))
  return emit(.custom(description), inputs + captures)
}

extension CustomDerivative {
  func cotangents(_ inputs: [Tensor], _ outputs: [Tensor], _ given: [Tensor]) -> [Tensor?] {
    if let pullback { return pullback(inputs + outputs + given) }
    guard let pushforward else { fatalError("\(name) has no derivative") }
    // The pushforward is linear in the tangents; its transpose is the pullback.
    let zeros = inputs.map { Tensor.zeros(like: $0) }
    let last = inputs.count + outputs.count
    let wants = (0..<(last + inputs.count)).map { $0 >= last }
    let (_, transpose) = vjp(pushforward, inputs + outputs + zeros, wantsInput: wants)
    return Array(transpose(given)[last...])
  }

  func tangents(_ inputs: [Tensor], _ outputs: [Tensor], _ given: [Tensor]) -> [Tensor] {
    if let pushforward { return pushforward(inputs + outputs + given) }
    guard let pullback else { fatalError("\(name) has no derivative") }
    // The pullback is linear in the cotangents: transposing it gives the pushforward.
    let zeros = outputs.map { Tensor.zeros(like: $0) }
    let last = inputs.count + outputs.count
    let wants = (0..<(last + outputs.count)).map { $0 >= last }
    let (_, transpose) = vjp(pullback, inputs + outputs + zeros, wantsInput: wants)
    return zip(transpose(given)[last...], outputs).map { $0 ?? Tensor.zeros(like: $1) }
  }

  func vectorized(_ size: Int) -> CustomDerivative {
    func batched(_ graph: Graph?) -> Graph? {
      guard let graph else { return nil }
      let types = graph.inputTypes.map { TensorType(shape: [size] + $0.shape, dtype: $0.dtype) }
      return trace(types) { arguments in
        vmap(graph, arguments.map { Batched($0, true) }, size).map { $0.stretched(size) }
      }.graph
    }
    return CustomDerivative(
      name: name, function: batched(function)!, pullback: batched(pullback), pushforward: batched(pushforward))
  }
}
