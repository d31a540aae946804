import Soma

/// Inverted residuals: a 1×1 convolution widens, a depthwise 3×3 mixes places, a 1×1 narrows without activation.
/// (Sandler,
/// Howard, Zhu, Zhmoginov, Chen 2018, arXiv 1801.04381) With width 1, expansion 6 and the large stem these are the
/// stages and
/// parameters of MobileNetV2.
/// - Shape: images → `[n, outputs]`
public struct MobileNet: Layer {
  public struct Stage: Sendable, Hashable {
    public var expansion: Int
    public var channels: Int
    public var depth: Int
    public var stride: Int
    public init(expansion: Int, channels: Int, depth: Int, stride: Int) {
      self.expansion = expansion
      self.channels = channels
      self.depth = depth
      self.stride = stride
    }
  }

  public var outputs: Int
  public var activation: Activation
  public var stages: [Stage]
  public var stemChannels: Int
  public var stemStride: Int
  public var headChannels: Int
  /// Multiplies every number of channels; the head's only if above 1.
  public var width: Double
  public var dropout: Double

  /// The published stages for large images.
  public init(outputs: Int, activation: Activation? = nil, width: Double = 1) {
    self.outputs = outputs
    self.activation = activation ?? Self.relu6
    self.width = width
    stemChannels = 32
    stemStride = 2
    headChannels = 1280
    dropout = 0.2
    stages = [
      (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ].map {
      Stage(expansion: $0.0, channels: $0.1, depth: $0.2, stride: $0.3)
    }
  }

  /// Fewer stages and strides, for images of 32 pixels and less.
  public static func small(outputs: Int, activation: Activation? = nil, width: Double = 1) -> MobileNet {
    var result = MobileNet(outputs: outputs, activation: activation, width: width)
    (result.stemChannels, result.stemStride, result.headChannels, result.dropout) = (16, 1, 128, 0)
    result.stages = [(1, 16, 1, 1), (4, 24, 2, 2), (4, 32, 2, 2), (4, 64, 2, 1)].map {
      Stage(expansion: $0.0, channels: $0.1, depth: $0.2, stride: $0.3)
    }
    return result
  }

  private static var relu6: Activation {
    do { return try .named("relu6") } catch { fatalError("\(error)") }
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    func scaled(_ n: Int) -> Int { [n].scaled(width)[0] }
    var h = ConvolutionUnit(.square(scaled(stemChannels), 3, stride: stemStride), activation)(
      asImages(x), scope["stem"])
    for (s, stage) in stages.enumerated() {
      for i in 0..<stage.depth {
        h = inverted(h, stage, scaled(stage.channels), stride: i == 0 ? stage.stride : 1, scope["stage\(s)"][i])
      }
    }
    let head = width > 1 || headChannels < 1280 ? scaled(headChannels) : headChannels
    h = ConvolutionUnit(.square(head, 1), activation)(h, scope["last"])
    h = GlobalPool()(h, scope["pool"])
    if dropout > 0 { h = Dropout(dropout)(h, scope["dropout"]) }
    return Dense(outputs)(h, scope["head"])
  }

  private func inverted(_ x: Tensor, _ stage: Stage, _ channels: Int, stride: Int, _ scope: Scope) -> Tensor {
    scope {
      let wide = x.shape[1] * stage.expansion
      var h = x
      if stage.expansion != 1 { h = ConvolutionUnit(.square(wide, 1), activation)(h, scope["expand"]) }
      h = ConvolutionUnit(.square(wide, 3, stride: stride, groups: wide), activation)(h, scope["depthwise"])
      h = ConvolutionUnit(.square(channels, 1), nil)(h, scope["project"])
      return h.shape == x.shape ? x + h : h
    }
  }
}
