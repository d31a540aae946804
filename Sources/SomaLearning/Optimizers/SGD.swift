import Soma

/// Gradient descent: `b ← μ b + (1 - d) g`, `p ← p - η b`; with Nesterov's rule `p ← p - η (g + μ b)` (Sutskever et al.
/// 2013). The buffer `b` begins as the first gradient; weight decay adds `λ p` to the gradient.
public struct SGD: ParameterwiseOptimizer {
  public var momentum: Double
  public var dampening: Double
  public var isNesterov: Bool
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    momentum: Double = 0, dampening: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0,
    groups: [ParameterGroup] = []
  ) {
    require(!isNesterov || (momentum > 0 && dampening == 0), "Nesterov's rule wants a momentum and no dampening")
    self.momentum = momentum
    self.dampening = dampening
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] {
    momentum == 0 ? [:] : ["momentum": .zeros(like: parameter)]
  }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    var direction = decayed(gradient, parameter, context)
    if let buffer = slots["momentum"] {
      var share = Tensor(1 - dampening, dtype: parameter.dtype)
      if dampening != 0 { share = .select(context.count .== 1, 1, share) }
      let next = momentum * buffer + share * direction
      slots["momentum"] = next
      direction = isNesterov ? direction + momentum * next : next
    }
    return parameter - context.scalar(context.learningRate) * direction
  }
}
