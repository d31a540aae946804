import Soma

/// Convolution (cross-correlation) in 1 to 3 spatial dimensions, `y = x ⋆ W + b`. The number of dimensions is the
/// kernel's.
/// - Shape: `[n, c, spatial…]` → `[n, channels, spatial…]`
public struct Convolution: Layer {
  public var channels: Int
  public var size: [Int]
  public var strides: [Int]
  public var padding: Padding
  public var dilations: [Int]
  /// Blocks of input and output channels that belong together.
  public var groups: Int
  public var usesBias: Bool
  public var initializer: Initializer

  public init(
    _ channels: Int, _ size: [Int], strides: [Int]? = nil, padding: Padding = .same, dilations: [Int]? = nil,
    groups: Int = 1, usesBias: Bool = true, initializer: Initializer = .heNormal
  ) {
    require((1...3).contains(size.count), "a convolution has 1 to 3 spatial dimensions, not \(size.count)")
    require(channels > 0 && groups > 0 && channels % groups == 0, "\(channels) channels in \(groups) groups")
    self.channels = channels
    self.size = size
    self.strides = strides ?? size.map { _ in 1 }
    self.padding = padding
    self.dilations = dilations ?? size.map { _ in 1 }
    self.groups = groups
    self.usesBias = usesBias
    self.initializer = initializer
  }

  /// A square kernel on images, padded by `(size - 1) / 2` on every side, as published networks count their borders.
  public static func square(
    _ channels: Int, _ size: Int, stride: Int = 1, groups: Int = 1, usesBias: Bool = true,
    initializer: Initializer = .heNormal
  ) -> Convolution {
    Convolution(
      channels, [size, size], strides: [stride, stride], padding: .uniform((size - 1) / 2), groups: groups,
      usesBias: usesBias, initializer: initializer)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(
      x.rank == size.count + 2 && x.shape[1] % groups == 0,
      "convolution \(scope.path): input \(x.shape) for a kernel of \(size) in \(groups) groups; wants [n, c, spatial…]")
    let kernel = scope.parameter("weight", Shape([channels, x.shape[1] / groups] + size), initializer, dtype: x.dtype)
    let y = x.convolution(kernel, strides: strides, padding: padding, dilations: dilations, groups: groups)
    return usesBias ? y + channelwise("bias", channels, .zeros, like: y, scope) : y
  }
}

/// One kernel (or `multiplier` of them) for each channel (Sifre 2014; Howard et al. 2017, arXiv 1704.04861).
/// - Shape: `[n, c, spatial…]` → `[n, c·multiplier, spatial…]`
public struct DepthwiseConvolution: Layer {
  public var size: [Int]
  public var strides: [Int]
  public var padding: Padding
  public var multiplier: Int
  public var usesBias: Bool
  public var initializer: Initializer

  public init(
    _ size: [Int], strides: [Int]? = nil, padding: Padding = .same, multiplier: Int = 1, usesBias: Bool = true,
    initializer: Initializer = .heNormal
  ) {
    self.size = size
    self.strides = strides ?? size.map { _ in 1 }
    self.padding = padding
    self.multiplier = multiplier
    self.usesBias = usesBias
    self.initializer = initializer
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    Convolution(
      x.shape[1] * multiplier, size, strides: strides, padding: padding, groups: x.shape[1], usesBias: usesBias,
      initializer: initializer
    ).forward(x, scope)
  }
}

/// A depthwise convolution, then a 1×…×1 convolution across channels (Chollet 2016, arXiv 1610.02357).
/// - Shape: `[n, c, spatial…]` → `[n, channels, spatial…]`
public struct SeparableConvolution: Layer {
  public var channels: Int
  public var depthwise: DepthwiseConvolution
  public var usesBias: Bool

  public init(
    _ channels: Int, _ size: [Int], strides: [Int]? = nil, padding: Padding = .same, multiplier: Int = 1,
    usesBias: Bool = true
  ) {
    self.channels = channels
    self.usesBias = usesBias
    depthwise = DepthwiseConvolution(size, strides: strides, padding: padding, multiplier: multiplier, usesBias: false)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let mixed = depthwise(x, scope["depthwise"])
    return Convolution(channels, depthwise.size.map { _ in 1 }, usesBias: usesBias)(mixed, scope["pointwise"])
  }
}

/// The transpose of a convolution: every position spreads the kernel. With `size = stride` it enlarges without overlap.
/// - Shape: `[n, c, s…]` → `[n, channels, (s - 1)·stride + (size - 1)·dilation + 1 - 2·padding + outputPadding…]`
public struct TransposedConvolution: Layer {
  public var channels: Int
  public var size: [Int]
  public var strides: [Int]
  public var padding: [Int]
  public var outputPadding: [Int]
  public var dilations: [Int]
  public var groups: Int
  public var usesBias: Bool
  public var initializer: Initializer

  public init(
    _ channels: Int, _ size: [Int], strides: [Int]? = nil, padding: [Int]? = nil, outputPadding: [Int]? = nil,
    dilations: [Int]? = nil, groups: Int = 1, usesBias: Bool = true, initializer: Initializer = .heNormal
  ) {
    require(channels > 0 && groups > 0 && channels % groups == 0, "\(channels) channels in \(groups) groups")
    self.channels = channels
    self.size = size
    self.strides = strides ?? size.map { _ in 1 }
    self.padding = padding ?? size.map { _ in 0 }
    self.outputPadding = outputPadding ?? size.map { _ in 0 }
    self.dilations = dilations ?? size.map { _ in 1 }
    self.groups = groups
    self.usesBias = usesBias
    self.initializer = initializer
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == size.count + 2, "transposed convolution \(scope.path): input \(x.shape) for a kernel of \(size)")
    let kernel = scope.parameter("weight", Shape([x.shape[1], channels / groups] + size), initializer, dtype: x.dtype)
    let y = x.transposedConvolution(
      kernel, strides: strides, low: padding, high: padding, dilations: dilations, outputPadding: outputPadding,
      groups: groups)
    return usesBias ? y + channelwise("bias", channels, .zeros, like: y, scope) : y
  }
}

/// A parameter with one number for each channel, shaped to stand beside `[n, c, spatial…]`.
func channelwise(
  _ name: String, _ channels: Int, _ initializer: Initializer, like x: Tensor, _ scope: Scope, dtype: DType? = nil
) -> Tensor {
  scope.parameter(name, [channels], initializer, dtype: dtype ?? x.dtype).alignedToChannels(x.rank)
}

extension Tensor {
  /// `[c]` → `[c, 1, …]`, so that it broadcasts over `[n, c, spatial…]` of a rank.
  func alignedToChannels(_ rank: Int) -> Tensor {
    reshape(Shape([count] + [Int](repeating: 1, count: Swift.max(0, rank - 2))))
  }
}
