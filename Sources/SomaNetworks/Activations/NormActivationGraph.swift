import Soma

/// A normalization-activation layer as a graph of 14 nodes: the input, zero, and two trained channel vectors (v₀ from 0, v₁
/// from 1), then ten operations, the last of which, times γ plus β, is the result. (Liu, Brock, Simonyan, Le 2020,
/// arXiv 2004.02967)
public struct NormActivationGraph: Layer, Hashable {
  public enum Axes: String, Hashable, Sendable, CaseIterable {
    /// (n, h, w): a channel over the batch.
    case batch
    /// (h, w): a channel of an example.
    case instance
    /// (c, h, w)
    case layer
    /// (c/g, h, w)
    case group
  }
  public enum Operation: Hashable, Sendable {
    case add, multiply, divide, maximum
    case negate, sigmoid, tanh, exp, log, abs, square, signedRoot
    case mean(Axes), rootMeanSquare(Axes), deviation(Axes)

    public static let all: [Operation] =
      [.add, .multiply, .divide, .maximum, .negate, .sigmoid, .tanh, .exp, .log, .abs, .square, .signedRoot]
      + Axes.allCases.flatMap { [.mean($0), .rootMeanSquare($0), .deviation($0)] }

    var operands: Int {
      switch self {
      case .add, .multiply, .divide, .maximum: 2
      default: 1
      }
    }
  }
  public struct Node: Hashable, Sendable {
    public var operation: Operation
    /// Numbers of earlier nodes; the second counts for binary operations only.
    public var inputs: [Int]
    public init(_ operation: Operation, _ a: Int, _ b: Int = 0) {
      self.operation = operation
      inputs = [a, b]
    }
  }

  /// x, zero, v₀, v₁
  public static let initialCount = 4
  public var nodes: [Node]
  public var groups: Int
  public var epsilon: Double
  /// The weight of the new batch in running statistics.
  public var momentum: Double

  public init(_ nodes: [Node], groups: Int = 32, epsilon: Double = 1e-5, momentum: Double = 0.1) {
    require(
      !nodes.isEmpty
        && nodes.enumerated().allSatisfy { i, node in
          node.inputs.prefix(node.operation.operands).allSatisfy { (0..<(i + Self.initialCount)).contains($0) }
        }, "a node of the graph uses a node that does not come before it")
    self.nodes = nodes
    self.groups = groups
    self.epsilon = epsilon
    self.momentum = momentum
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank >= 3, "norm-activation \(scope.path): input \(x.shape); wants [n, c, spatial…]")
    let channels = x.shape[1]
    var values = [
      x, Tensor.zeros(like: x), channelwise("v0", channels, .zeros, like: x, scope),
      channelwise("v1", channels, .ones, like: x, scope),
    ]
    for (i, node) in nodes.enumerated() {
      let a = values[node.inputs[0]]
      let b = values[node.inputs[1]]
      values.append(result(node.operation, a, b, x, scope[i]))
    }
    return values[values.count - 1].broadcast(to: x.shape) * channelwise("scale", channels, .ones, like: x, scope)
      + channelwise("shift", channels, .zeros, like: x, scope)
  }

  private func result(_ operation: Operation, _ a: Tensor, _ b: Tensor, _ x: Tensor, _ scope: Scope) -> Tensor {
    switch operation {
    case .add: return a + b
    case .multiply: return a * b
    case .divide:
      let size = b.abs().maximum(epsilon)
      return a / Tensor.select(b .< 0, -size, size)
    case .maximum: return a.maximum(b)
    case .negate: return -a
    case .sigmoid: return a.logistic()
    case .tanh: return a.tanh()
    case .exp: return a.minimum(30).exp()
    case .log: return (a.abs() + epsilon).log()
    case .abs: return a.abs()
    case .square: return a.squared()
    case .signedRoot: return a.sign() * (a.abs() + epsilon).sqrt()
    case .mean(let axes): return moment(a, axes, x, scope) { $0.mean($1, keepsAxes: true) }
    case .rootMeanSquare(let axes):
      return (moment(a, axes, x, scope) { $0.squared().mean($1, keepsAxes: true) } + epsilon).sqrt()
    case .deviation(let axes):
      return (moment(a, axes, x, scope) { $0.variance($1, keepsAxes: true) } + epsilon).sqrt()
    }
  }

  /// A moment over axes; of the batch, running averages outside training.
  private func moment(
    _ a: Tensor, _ axes: Axes, _ x: Tensor, _ scope: Scope, _ reduce: (Tensor, [Int]) -> Tensor
  ) -> Tensor {
    let wide = a.broadcast(to: x.shape)
    let spatial = Array(2..<x.rank)
    switch axes {
    case .instance: return reduce(wide, spatial)
    case .layer: return reduce(wide, [1] + spatial)
    case .group:
      require(x.shape[1] % groups == 0, "norm-activation \(scope.path): \(x.shape[1]) channels in \(groups) groups")
      let rows = wide.reshape([x.shape[0], groups, x.count / max(1, x.shape[0] * groups)])
      return reduce(rows, [2]).broadcast(to: rows.shape).reshape(x.shape)
    case .batch:
      let running = scope.state("moment", [x.shape[1]], .ones, dtype: x.dtype)
      guard scope.isTraining else { return running.alignedToChannels(x.rank) }
      let value = reduce(wide, [0] + spatial)
      scope.setState("moment", running * (1 - momentum) + value.reshape([x.shape[1]]) * momentum)
      return value
    }
  }

  // Known layers in ten operations; nodes that are not needed repeat the input.
  private static func padded(_ nodes: [Node], groups: Int) -> NormActivationGraph {
    // The padding comes first; numbers of operations shift, those of initial nodes do not.
    let extra = 10 - nodes.count
    let idle = [Node](repeating: Node(.add, 0, 1), count: extra)
    let moved = nodes.map { node in
      Node(
        node.operation, node.inputs[0] < initialCount ? node.inputs[0] : node.inputs[0] + extra,
        node.inputs[1] < initialCount ? node.inputs[1] : node.inputs[1] + extra)
    }
    return NormActivationGraph(idle + moved, groups: groups)
  }
  /// Numbers: 0 x, 1 zero, 2 v₀, 3 v₁, then operations from 4.
  private static func normReLU(_ axes: Axes, groups: Int) -> NormActivationGraph {
    padded(
      [
        Node(.mean(axes), 0), Node(.negate, 4), Node(.add, 0, 5), Node(.deviation(axes), 0), Node(.divide, 6, 7),
        Node(.maximum, 8, 1),
      ], groups: groups)
  }
  /// max((x - mean)/deviation, 0) of the batch; γ and β come after the activation.
  public static func batchNormReLU() -> NormActivationGraph { normReLU(.batch, groups: 1) }
  public static func groupNormReLU(groups: Int) -> NormActivationGraph { normReLU(.group, groups: groups) }
  public static func evoNormB0() -> NormActivationGraph {
    padded(
      [
        Node(.deviation(.batch), 0), Node(.multiply, 3, 0), Node(.deviation(.instance), 0), Node(.add, 5, 6),
        Node(.maximum, 4, 7), Node(.divide, 0, 8),
      ], groups: 1)
  }
  public static func evoNormS0(groups: Int) -> NormActivationGraph {
    padded(
      [
        Node(.multiply, 3, 0), Node(.sigmoid, 4), Node(.multiply, 0, 5), Node(.deviation(.group), 0),
        Node(.divide, 6, 7),
      ], groups: groups)
  }
}
