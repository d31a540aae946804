import Soma

/// Residual networks on images. (He, Zhang, Ren, Sun 2015, arXiv 1512.03385)
/// - Shape: images → `[n, outputs]`
public struct ResNet: Layer {
  public enum Block: Sendable, Hashable {
    /// Two 3×3 convolutions.
    case basic
    /// 1×1, 3×3, and 1×1 with four times the channels; the stride at the 3×3, as usual since 2016.
    case bottleneck
  }
  public enum Stem: Sendable, Hashable {
    /// 3×3, for small images.
    case small
    /// 7×7 with stride 2 and a 3×3 maximum pool with stride 2.
    case large
  }

  public var outputs: Int
  public var activation: Activation
  public var block: Block
  public var stem: Stem
  /// Blocks of each stage; every stage but the first halves the image.
  public var depths: [Int]
  /// Channels of each stage.
  public var widths: [Int]
  /// Whether a shortcut that changes shape is normalized.
  public var normalizesShortcut: Bool

  public init(
    outputs: Int, activation: Activation = .relu, block: Block = .basic, stem: Stem = .small, depths: [Int],
    widths: [Int], normalizesShortcut: Bool = true
  ) {
    require(
      depths.count == widths.count && !widths.isEmpty, "ResNet: \(depths.count) depths for \(widths.count) widths")
    self.outputs = outputs
    self.activation = activation
    self.block = block
    self.stem = stem
    self.depths = depths
    self.widths = widths
    self.normalizesShortcut = normalizesShortcut
  }

  /// The network of a published depth: 8, 14, 20, 32, 44, 56 or 110 for small images (16 to 64 channels), 18, 34, 50,
  /// 101 or 152
  /// (64 to 512 channels), nil for others. ResNet-8's shortcuts are 1×1 convolutions without normalization.
  public static func depth(
    _ depth: Int, outputs: Int, activation: Activation = .relu, stem: Stem? = nil, width: Double = 1
  ) -> ResNet? {
    func large(_ block: Block, _ depths: [Int]) -> ResNet {
      ResNet(
        outputs: outputs, activation: activation, block: block, stem: stem ?? .large, depths: depths,
        widths: [64, 128, 256, 512].scaled(width))
    }
    switch depth {
    case 18: return large(.basic, [2, 2, 2, 2])
    case 34: return large(.basic, [3, 4, 6, 3])
    case 50: return large(.bottleneck, [3, 4, 6, 3])
    case 101: return large(.bottleneck, [3, 4, 23, 3])
    case 152: return large(.bottleneck, [3, 8, 36, 3])
    case 8, 14, 20, 32, 44, 56, 110:
      let each = (depth - 2) / 6
      return ResNet(
        outputs: outputs, activation: activation, stem: stem ?? .small, depths: [each, each, each],
        widths: [16, 32, 64].scaled(width), normalizesShortcut: depth != 8)
    default: return nil
    }
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let images = asImages(x)
    var h: Tensor
    switch stem {
    case .small: h = ConvolutionUnit(.square(widths[0], 3), activation)(images, scope["stem"])
    case .large:
      h = ConvolutionUnit(.square(widths[0], 7, stride: 2), activation)(images, scope["stem"])
      h = h.maxPool([3, 3], strides: [2, 2], padding: .uniform(1))
    }
    for (stage, depth) in depths.enumerated() {
      for i in 0..<depth {
        let stride = stage > 0 && i == 0 ? 2 : 1
        h = residual(h, widths[stage], stride: stride, scope["stage\(stage)"][i])
      }
    }
    return Dense(outputs)(GlobalPool()(h, scope["pool"]), scope["head"])
  }

  func residual(_ x: Tensor, _ width: Int, stride: Int, _ scope: Scope) -> Tensor {
    scope {
      let body: Tensor
      switch block {
      case .basic:
        let h = ConvolutionUnit(.square(width, 3, stride: stride), activation)(x, scope["1"])
        body = ConvolutionUnit(.square(width, 3), nil)(h, scope["2"])
      case .bottleneck:
        let h = ConvolutionUnit(.square(width, 1), activation)(x, scope["1"])
        let g = ConvolutionUnit(.square(width, 3, stride: stride), activation)(h, scope["2"])
        body = ConvolutionUnit(.square(4 * width, 1), nil)(g, scope["3"])
      }
      var shortcut = x
      if body.shape != x.shape {
        let projection = Convolution.square(body.shape[1], 1, stride: stride, usesBias: false)
        shortcut =
          normalizesShortcut
          ? ConvolutionUnit(projection, nil)(x, scope["shortcut"]) : projection(x, scope["shortcut"])
      }
      return activation(body + shortcut, scope["activation"])
    }
  }
}
