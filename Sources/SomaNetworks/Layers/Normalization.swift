import Soma

/// `γ (x - μ)/√(σ² + ε) + β` with the mean and variance of each channel: the batch's in training, running averages
/// otherwise. Statistics are `float32` at least. (Ioffe, Szegedy 2015, arXiv 1502.03167)
/// - Shape: `[n, c]` or `[n, c, spatial…]`, unchanged
public struct BatchNorm: Layer {
  /// The weight of the new batch in the running averages.
  public var momentum: Double
  public var epsilon: Double
  public var usesScale: Bool
  public init(momentum: Double = 0.1, epsilon: Double = 1e-5, usesScale: Bool = true) {
    self.momentum = momentum
    self.epsilon = epsilon
    self.usesScale = usesScale
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank >= 2, "batch normalization \(scope.path) wants [n, c, …], not \(x.shape)")
    let channels = x.shape[1]
    let wide: DType = x.dtype == .float64 ? .float64 : .float32
    let runningMean = scope.state("mean", [channels], .zeros, dtype: wide)
    let runningVariance = scope.state("variance", [channels], .ones, dtype: wide)
    let (scale, shift): (Tensor?, Tensor?) =
      usesScale
      ? (
        scope.parameter("scale", [channels], .ones, dtype: wide),
        scope.parameter("shift", [channels], .zeros, dtype: wide)
      )
      : (nil, nil)
    let y = x.cast(to: wide)
    let (mean, variance): (Tensor, Tensor)
    if scope.isTraining {
      let count = Double(x.count / channels)
      require(count > 0, "batch normalization \(scope.path) of an empty batch")
      mean = y.channelMean()
      // Two passes: the difference of two large squares would lose the variance.
      let centered = y - mean.alignedToChannels(x.rank)
      variance = (centered * centered).channelMean()
      let unbiased = variance * (count > 1 ? count / (count - 1) : 1)
      scope.setState("mean", runningMean * (1 - momentum) + mean * momentum)
      scope.setState("variance", runningVariance * (1 - momentum) + unbiased * momentum)
    } else {
      (mean, variance) = (runningMean, runningVariance)
    }
    // One factor and one summand for each channel, so that the large tensor is read once.
    let factor = (variance + epsilon).rsqrt() * (scale ?? Tensor(1, dtype: wide))
    let summand = (shift ?? Tensor(0, dtype: wide)) - mean * factor
    return (y * factor.alignedToChannels(x.rank) + summand.alignedToChannels(x.rank)).cast(to: x.dtype)
  }
}

extension Tensor {
  /// The mean of each channel of `[n, c, spatial…]`: rows along the innermost axis first, which stay in cache.
  func channelMean() -> Tensor {
    guard rank > 2 else { return mean([0]) }
    let rows = reshape([shape[0], shape[1], count / Swift.max(1, shape[0] * shape[1])])
    return rows.sum([2]).sum([0]) / Double(count / shape[1])
  }
}

/// `γ (x - μ)/√(σ² + ε) + β` over the last axis. (Ba, Kiros, Hinton 2016, arXiv 1607.06450)
/// - Shape: `[…, d]`, unchanged
public struct LayerNorm: Layer {
  public var epsilon: Double
  public var usesScale: Bool
  public var usesShift: Bool
  public init(epsilon: Double = 1e-5, usesScale: Bool = true, usesShift: Bool = true) {
    self.epsilon = epsilon
    self.usesScale = usesScale
    self.usesShift = usesShift
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var y = x.normalizedRows(epsilon)
    if usesScale { y = y * scope.parameter("scale", [x.shape.last], .ones, dtype: x.dtype) }
    if usesShift { y = y + scope.parameter("shift", [x.shape.last], .zeros, dtype: x.dtype) }
    return y
  }
}

extension Tensor {
  /// The last axis with mean 0 and variance 1 (short of ε).
  package func normalizedRows(_ epsilon: Double) -> Tensor {
    let centered = self - mean([-1], keepsAxes: true)
    return centered * ((centered * centered).mean([-1], keepsAxes: true) + epsilon).rsqrt()
  }
}

/// `γ x/√(mean x² + ε)` over the last axis. (Zhang, Sennrich 2019, arXiv 1910.07467)
/// - Shape: `[…, d]`, unchanged
public struct RMSNorm: Layer {
  public var epsilon: Double
  public init(epsilon: Double = 1e-6) { self.epsilon = epsilon }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    x * ((x * x).mean([-1], keepsAxes: true) + epsilon).rsqrt()
      * scope.parameter("scale", [x.shape.last], .ones, dtype: x.dtype)
  }
}

/// Channels in groups, each group of each example with mean 0 and variance 1, then `γ` and `β` for each channel. One
/// group
/// normalizes whole examples, as many as channels is instance normalization. (Wu, He 2018, arXiv 1803.08494)
/// - Shape: `[n, c, spatial…]`, unchanged
public struct GroupNorm: Layer {
  public var groups: Int
  public var epsilon: Double
  public var usesScale: Bool
  public init(_ groups: Int, epsilon: Double = 1e-5, usesScale: Bool = true) {
    self.groups = groups
    self.epsilon = epsilon
    self.usesScale = usesScale
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(
      x.rank >= 2 && groups > 0 && x.shape[1] % groups == 0,
      "group normalization \(scope.path): \(groups) groups for input \(x.shape); wants [n, c, …]")
    let rows = x.reshape([x.shape[0], groups, x.count / Swift.max(1, x.shape[0] * groups)])
    let y = rows.normalizedRows(epsilon).reshape(x.shape)
    guard usesScale else { return y }
    return y * channelwise("scale", x.shape[1], .ones, like: x, scope)
      + channelwise("shift", x.shape[1], .zeros, like: x, scope)
  }
}

/// Each channel of each example with mean 0 and variance 1. (Ulyanov, Vedaldi, Lempitsky 2016, arXiv 1607.08022)
/// - Shape: `[n, c, spatial…]`, unchanged
public struct InstanceNorm: Layer {
  public var epsilon: Double
  public var usesScale: Bool
  public init(epsilon: Double = 1e-5, usesScale: Bool = false) {
    self.epsilon = epsilon
    self.usesScale = usesScale
  }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    GroupNorm(x.shape[1], epsilon: epsilon, usesScale: usesScale).forward(x, scope)
  }
}
