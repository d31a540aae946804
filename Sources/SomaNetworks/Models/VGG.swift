import Soma

/// 3×3 convolutions, halved between stages, and a dense head. (Simonyan, Zisserman 2014, arXiv 1409.1556; with batch
/// normalization, and global average pooling before the head instead of the 7×7 grid and 4096-unit layers.)
/// - Shape: images → `[n, outputs]`
public struct VGG: Layer {
  public var outputs: Int
  public var activation: Activation
  /// Convolutions of each stage.
  public var depths: [Int]
  /// Channels of each stage.
  public var widths: [Int]

  public init(outputs: Int, activation: Activation = .relu, depths: [Int], widths: [Int]) {
    require(depths.count == widths.count, "VGG: \(depths.count) depths for \(widths.count) widths")
    self.outputs = outputs
    self.activation = activation
    self.depths = depths
    self.widths = widths
  }

  /// Depths 11, 13, 16 and 19, nil for others.
  public static func depth(_ depth: Int, outputs: Int, activation: Activation = .relu, width: Double = 1) -> VGG? {
    let depths = [11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]][depth]
    return depths.map {
      VGG(outputs: outputs, activation: activation, depths: $0, widths: [64, 128, 256, 512, 512].scaled(width))
    }
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var h = asImages(x)
    for (stage, depth) in depths.enumerated() {
      for i in 0..<depth {
        h = ConvolutionUnit(.square(widths[stage], 3), activation)(h, scope["stage\(stage)"][i])
      }
      h = h.halved()
    }
    return Dense(outputs)(GlobalPool()(h, scope["pool"]), scope["head"])
  }
}
