import Soma

/// The two running means that Adam and its relatives keep: `m ← β₁ m + (1 - β₁) g`, `v ← β₂ v + (1 - β₂) g²`.
func updateMoments(
  _ slots: inout [String: Tensor], _ gradient: Tensor, _ beta1: Double, _ beta2: Double
) -> (m: Tensor, v: Tensor) {
  guard let first = slots["first"], let second = slots["second"] else {
    fatalError("the optimizer state lacks moments")
  }
  let m = beta1 * first + (1 - beta1) * gradient
  let v = beta2 * second + (1 - beta2) * gradient.squared()
  slots["first"] = m
  slots["second"] = v
  return (m, v)
}

private func moments(_ parameter: Tensor) -> [String: Tensor] {
  ["first": .zeros(like: parameter), "second": .zeros(like: parameter)]
}

/// `p ← p - η m̂ / (√v̂ + ε)` with `m̂ = m / (1 - β₁ᵗ)`, `v̂ = v / (1 - β₂ᵗ)` (Kingma, Ba 2014, arXiv:1412.6980). With
/// `usesLargest`, v̂ is the largest so far (AMSGrad: Reddi, Kale, Kumar 2018, arXiv:1904.09237). Weight decay adds `λ p` to
/// the gradient; `AdamW` keeps it apart.
public struct Adam: ParameterwiseOptimizer {
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var usesLargest: Bool
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, usesLargest: Bool = false,
    weightDecay: Double = 0, groups: [ParameterGroup] = []
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.usesLargest = usesLargest
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] {
    var slots = moments(parameter)
    if usesLargest { slots["largest"] = .zeros(like: parameter) }
    return slots
  }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    var (m, v) = updateMoments(&slots, decayed(gradient, parameter, context), beta1, beta2)
    if let largest = slots["largest"] {
      v = v.maximum(largest)
      slots["largest"] = v
    }
    let rate = context.scalar(context.learningRate / context.biasCorrection(beta1))
    let scale = context.scalar(context.biasCorrection(beta2).rsqrt())
    return parameter - rate * m / (v.sqrt() * scale + epsilon)
  }
}

/// Adam with weight decay apart from the gradient: `p ← (1 - η λ) p`, then Adam's step (Loshchilov, Hutter 2017,
/// arXiv:1711.05101).
public struct AdamW: ParameterwiseOptimizer {
  private var adam: Adam
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, usesLargest: Bool = false,
    weightDecay: Double = 0.01, groups: [ParameterGroup] = []
  ) {
    adam = Adam(beta1: beta1, beta2: beta2, epsilon: epsilon, usesLargest: usesLargest)
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] { adam.initialSlots(parameter) }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    adam.updated(shrunk(parameter, context), gradient, &slots, context.withoutDecay)
  }
}

extension UpdateContext {
  var withoutDecay: UpdateContext { UpdateContext(step: step, rate: rate, dtype: dtype, weightDecay: 0) }
}

/// Adam with Nesterov's momentum (Dozat 2016): `μₜ = β₁ (1 - 0.96^{tψ} / 2)`,
/// `p ← p - η [(1 - μₜ) / (1 - Πμ) g + μₜ₊₁ / (1 - Πμ μₜ₊₁) m] / (√v̂ + ε)`.
public struct NAdam: ParameterwiseOptimizer {
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  /// ψ
  public var momentumDecay: Double
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, momentumDecay: Double = 4e-3,
    weightDecay: Double = 0, groups: [ParameterGroup] = []
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.momentumDecay = momentumDecay
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] {
    moments(parameter).merging(["momentumProduct": Tensor(1, dtype: .float64)]) { a, _ in a }
  }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    let g = decayed(gradient, parameter, context)
    let (m, v) = updateMoments(&slots, g, beta1, beta2)
    func momentum(_ t: Tensor) -> Tensor { beta1 * (1 - 0.5 * (t * (momentumDecay * log(0.96))).exp()) }
    let (now, next) = (momentum(context.count), momentum(context.count + 1))
    guard let earlier = slots["momentumProduct"] else { fatalError("the optimizer state lacks NAdam's product") }
    let product = earlier * now
    slots["momentumProduct"] = product
    let ofGradient = context.scalar(context.learningRate * (1 - now) / (1 - product))
    let ofMoment = context.scalar(context.learningRate * next / (1 - product * next))
    let denominator = v.sqrt() * context.scalar(context.biasCorrection(beta2).rsqrt()) + epsilon
    return parameter - (ofGradient * g + ofMoment * m) / denominator
  }
}

/// Adam whose adaptive rate waits until its variance is tractable (Liu et al. 2019, arXiv:1908.03265):
/// `ρₜ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)`; if `ρₜ > 5` the step is `η r m̂ / (√v̂ + ε)`, else `η m̂`.
public struct RAdam: ParameterwiseOptimizer {
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
    groups: [ParameterGroup] = []
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] { moments(parameter) }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    let (m, v) = updateMoments(&slots, decayed(gradient, parameter, context), beta1, beta2)
    let correction = context.biasCorrection(beta2)
    let limit = 2 / (1 - beta2) - 1
    let length = limit - 2 * context.count * (1 - correction) / correction
    let isTractable = length .> 5
    let safe = Tensor.select(isTractable, length, 6)
    let ratio = (safe - 4) * (safe - 2) * (limit / ((limit - 4) * (limit - 2))) / safe
    let adaptive = context.scalar((ratio * correction).sqrt()) / (v.sqrt() + epsilon)
    let rate = context.scalar(context.learningRate / context.biasCorrection(beta1))
    return parameter - rate * m * Tensor.select(isTractable, adaptive, 1)
  }
}

/// Adam's direction, each parameter tensor scaled to its own size: `r = m̂ / (√v̂ + ε) + λ p`, `p ← p - η |p|/|r| r`; the
/// factor is 1 where a norm is zero (You et al. 2019, arXiv:1904.00962).
public struct LAMB: ParameterwiseOptimizer {
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double
  public var groups: [ParameterGroup]

  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6, weightDecay: Double = 0.01,
    groups: [ParameterGroup] = []
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.groups = groups
  }

  public func initialSlots(_ parameter: Tensor) -> [String: Tensor] { moments(parameter) }

  public func updated(
    _ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext
  ) -> Tensor {
    let (m, v) = updateMoments(&slots, gradient, beta1, beta2)
    let corrected = m * context.scalar(1 / context.biasCorrection(beta1))
    let scale = context.scalar(context.biasCorrection(beta2).rsqrt())
    let direction = decayed(corrected / (v.sqrt() * scale + epsilon), parameter, context)
    let (size, length) = (sumOfSquares(parameter).sqrt(), sumOfSquares(direction).sqrt())
    let isUsable = (size .> 0) .& (length .> 0)
    let trust = Tensor.select(isUsable, size / Tensor.select(isUsable, length, 1), 1)
    return parameter - context.scalar(context.learningRate) * trust * direction
  }
}

/// `Σ x²`, row by row first: the squares of a row stay in cache, and long sums lose less.
func sumOfSquares(_ x: Tensor) -> Tensor { x.rank > 1 ? x.squared().sum([-1]).sum() : x.squared().sum() }

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
