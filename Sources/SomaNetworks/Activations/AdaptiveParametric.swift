import Foundation
import Soma

/// The adaptive parametric activation `(λ e^{-κz} + 1)^{-1/λ}`, a gate whose asymmetry `λ` and gain `κ` are trained: the logistic
/// function at `λ = 1`, the Gumbel distribution function as `λ → 0`. Times its input it is AGLU (Alexandridis, Deng, Nguyen & Luo
/// 2024, arXiv 2407.08567).
///
/// Computed as `exp(-softplus(-u)/λ)`, `u = κz - ln λ`, which never overflows. `λ` is kept in [1e-4, 10] and `κ` in [-3.5, 3.5] by
/// clamping in the forward pass: outside, their gradients are zero.
/// - Shape: `[…]` → `[…]`
public struct AdaptiveParametric: Layer {
  /// Where the trained numbers start.
  public enum Start: Sendable, Hashable {
    /// `λ, κ ~ U(0, 1)`
    case random
    /// `λ ~ U(0, 1)`, `κ ~ U(-1, 0)`, for channel attention
    case randomGate
    case fixed(lambda: Double, kappa: Double)
  }

  public var start: Start
  public var isTrained: Bool
  /// Per layer, or per channel: the last axis, or the channels of images.
  public var sharing: ActivationParameter.Sharing
  /// Whether the gate is multiplied by its input.
  public var isUnit: Bool

  public init(
    _ start: Start = .random, isUnit: Bool = false, isTrained: Bool = true,
    sharing: ActivationParameter.Sharing = .perLayer
  ) {
    if case .fixed(let lambda, let kappa) = start {
      require(
        lambda > 0 && lambda.isFinite && kappa.isFinite,
        "APA wants a positive λ and a finite κ, not \(lambda), \(kappa)")
    }
    self.start = start
    self.isUnit = isUnit
    self.isTrained = isTrained
    self.sharing = sharing
  }

  /// `z · APA(z)`
  public static func aglu(
    _ start: Start = .random, isTrained: Bool = true, sharing: ActivationParameter.Sharing = .perLayer
  ) -> AdaptiveParametric {
    AdaptiveParametric(start, isUnit: true, isTrained: isTrained, sharing: sharing)
  }

  /// `ln APA(z; λ, κ)`
  public static func logValue(_ z: Tensor, lambda: Tensor, kappa: Tensor) -> Tensor {
    let lambda = clamped(lambda, 1e-4, 10)
    return -(lambda.log() - clamped(kappa, -3.5, 3.5) * z).softplus() / lambda
  }

  public static func value(_ z: Tensor, lambda: Tensor, kappa: Tensor) -> Tensor {
    logValue(z, lambda: lambda, kappa: kappa).exp()
  }

  private static func clamped(_ x: Tensor, _ low: Double, _ high: Double) -> Tensor {
    Tensor.select((x .>= low) .& (x .<= high), x, x.clipped(low, high).stopGradient())
  }

  /// `λ` and `κ`, declared in the scope if they are trained.
  public func parameters(like z: Tensor, _ scope: Scope) -> (lambda: Tensor, kappa: Tensor) {
    let axis = z.rank >= 4 ? 1 : z.rank - 1
    let isShared = sharing == .perLayer || sharing == .global || z.rank == 0
    let shape: Shape = isShared ? [] : [z.shape[axis]]
    let aligned: Shape = isShared ? [] : Shape([z.shape[axis]] + [Int](repeating: 1, count: z.rank - axis - 1))
    let (low, high): (Initializer, Initializer) =
      switch start {
      case .random: (.uniform(in: 0..<1), .uniform(in: 0..<1))
      case .randomGate: (.uniform(in: 0..<1), .uniform(in: -1..<0))
      case .fixed(let lambda, let kappa): (.constant(lambda), .constant(kappa))
      }
    func number(_ name: String, _ initializer: Initializer) -> Tensor {
      let value = scope.parameter(name, shape, initializer, dtype: z.dtype)
      return (isTrained ? value : value.stopGradient()).reshape(aligned)
    }
    return (number("lambda", low), number("kappa", high))
  }

  public func forward(_ z: Tensor, _ scope: Scope) -> Tensor {
    let (lambda, kappa) = parameters(like: z, scope)
    let gate = Self.value(z, lambda: lambda, kappa: kappa)
    return isUnit ? z * gate : gate
  }
}

/// Channels weighted by a gate of their means: `x · g(W₂ relu(W₁ mean(x)))` (Hu, Shen & Sun 2018, arXiv 1709.01507), with any gate
/// in place of the logistic one.
/// - Shape: `[n, c, spatial…]` → the same
public struct ChannelAttention: Layer {
  public var gate: any Layer
  /// The inner layer has `c / reduction` units, at least 1.
  public var reduction: Int

  public init(gate: any Layer = AdaptiveParametric(.randomGate), reduction: Int = 16) {
    require(reduction > 0, "channel attention reduces its channels by a positive factor")
    self.gate = gate
    self.reduction = reduction
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank >= 3, "channel attention wants [n, c, spatial…], not \(x.shape)")
    let channels = x.shape[1]
    let mean = x.mean(Array(2..<x.rank))
    let inner = Activation.relu(Dense(max(1, channels / reduction))(mean, scope["squeeze"]))
    let weights = gate(Dense(channels)(inner, scope["excite"]), scope["gate"])
    return x * weights.reshape(Shape([x.shape[0], channels] + [Int](repeating: 1, count: x.rank - 2)))
  }
}

/// The last layer of a one-versus-all classifier with an adaptive link: `ln APA(z; λ, κ)`, one pair for all classes. To be trained
/// with `OneVersusAll(.logProbability)`.
/// - Shape: `[…, classes]` → the same
public struct AdaptiveParametricOutput: Layer {
  public var start: AdaptiveParametric.Start

  public init(_ start: AdaptiveParametric.Start = .random) { self.start = start }

  public func forward(_ z: Tensor, _ scope: Scope) -> Tensor {
    let (lambda, kappa) = AdaptiveParametric(start).parameters(like: z, scope)
    return AdaptiveParametric.logValue(z, lambda: lambda, kappa: kappa)
  }
}
