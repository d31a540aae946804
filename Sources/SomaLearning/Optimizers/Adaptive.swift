import Soma

/// `v ← α v + (1 - α) g²`, `p ← p - η g / (√v + ε)` (Tieleman, Hinton 2012). Centred, `v` gives way to `v - ḡ²` with the
/// running mean `ḡ` (Graves 2013, arXiv:1308.0850); with momentum, `b ← μ b + g / (√v + ε)`, `p ← p - η b`.
public struct RMSprop: ParameterwiseOptimizer {
  public var smoothing: Double
  public var epsilon: Double
  public var momentum: Double
  public var isCentered: Bool
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    smoothing: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0, isCentered: Bool = false,
    weightDecay: Double = 0, groups: [ParameterGroup] = []
  ) {
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.momentum = momentum
    self.isCentered = isCentered
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] {
    var slots = ["second": Tensor.zeros(like: parameter)]
    if isCentered { slots["mean"] = .zeros(like: parameter) }
    if momentum != 0 { slots["momentum"] = .zeros(like: parameter) }
    return slots
  }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    let g = decayed(gradient, parameter, context)
    var v = smoothing * slots["second"]! + (1 - smoothing) * g.squared()
    slots["second"] = v
    if let mean = slots["mean"] {
      let next = smoothing * mean + (1 - smoothing) * g
      slots["mean"] = next
      // Rounding may take the variance below zero where the gradient hardly changes.
      v = (v - next.squared()).maximum(0)
    }
    var direction = g / (v.sqrt() + epsilon)
    if let buffer = slots["momentum"] {
      direction = momentum * buffer + direction
      slots["momentum"] = direction
    }
    return parameter - context.scalar(context.learningRate) * direction
  }
}

/// `s ← s + g²`, `p ← p - η / (1 + (t - 1) d) · g / (√s + ε)` (Duchi, Hazan, Singer 2011).
public struct Adagrad: ParameterwiseOptimizer {
  /// d
  public var learningRateDecay: Double
  /// s before the first step.
  public var initialSum: Double
  public var epsilon: Double
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    learningRateDecay: Double = 0, initialSum: Double = 0, epsilon: Double = 1e-10, weightDecay: Double = 0,
    groups: [ParameterGroup] = []
  ) {
    self.learningRateDecay = learningRateDecay
    self.initialSum = initialSum
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] {
    ["sum": .full(parameter.shape, initialSum, dtype: parameter.dtype)]
  }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    let g = decayed(gradient, parameter, context)
    let sum = slots["sum"]! + g.squared()
    slots["sum"] = sum
    let rate = context.scalar(context.learningRate / (1 + (context.count - 1) * learningRateDecay))
    return parameter - rate * g / (sum.sqrt() + epsilon)
  }
}

/// `v ← ρ v + (1 - ρ) g²`, `Δ = √(u + ε) / √(v + ε) · g`, `u ← ρ u + (1 - ρ) Δ²`, `p ← p - η Δ`; η is 1 in the paper
/// (Zeiler 2012, arXiv:1212.5701).
public struct Adadelta: ParameterwiseOptimizer {
  /// ρ
  public var smoothing: Double
  public var epsilon: Double
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    smoothing: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0, groups: [ParameterGroup] = []
  ) {
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] {
    ["second": .zeros(like: parameter), "change": .zeros(like: parameter)]
  }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    let g = decayed(gradient, parameter, context)
    let v = smoothing * slots["second"]! + (1 - smoothing) * g.squared()
    let change = slots["change"]!
    let delta = (change + epsilon).sqrt() / (v + epsilon).sqrt() * g
    slots["second"] = v
    slots["change"] = smoothing * change + (1 - smoothing) * delta.squared()
    return parameter - context.scalar(context.learningRate) * delta
  }
}

/// `p ← p - η (sign(β₁ m + (1 - β₁) g) + λ p)`, `m ← β₂ m + (1 - β₂) g` (Chen et al. 2023, arXiv:2302.06675).
public struct Lion: ParameterwiseOptimizer {
  public var beta1: Double
  public var beta2: Double
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0, groups: [ParameterGroup] = []
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] { ["momentum": .zeros(like: parameter)] }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    let m = slots["momentum"]!
    slots["momentum"] = beta2 * m + (1 - beta2) * gradient
    let direction = decayed((beta1 * m + (1 - beta1) * gradient).sign(), parameter, context)
    return parameter - context.scalar(context.learningRate) * direction
  }
}
