import Soma

/// A network from images to images: halving stages, then doubling stages that also get the halving stages' features.
/// (Ronneberger,
/// Fischer, Brox 2015, arXiv 1505.04597; borders padded, batch normalization, so that any size keeps its size.)
/// - Shape: images `[n, c, h, w]` → `[n, outputs, h, w]`
public struct UNet: Layer {
  public var outputs: Int
  public var activation: Activation
  /// Channels of each stage, the lowest last; there is one halving fewer.
  public var widths: [Int]

  public init(outputs: Int, activation: Activation = .relu, widths: [Int] = [16, 32, 64, 128]) {
    require(!widths.isEmpty, "UNet wants at least one stage")
    self.outputs = outputs
    self.activation = activation
    self.widths = widths
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let depth = widths.count - 1
    var h = asImages(x)
    var kept: [Tensor] = []
    for level in 0..<depth {
      h = twice(h, widths[level], scope["down\(level)"])
      kept.append(h)
      h = h.halved()
    }
    h = twice(h, widths[depth], scope["bottom"])
    for level in (0..<depth).reversed() {
      let skip = kept[level]
      h = TransposedConvolution(widths[level], [2, 2], strides: [2, 2])(h, scope["up\(level)"]["enlarge"])
      h = h.fitted(to: Array(skip.shape[2...]))
      h = twice(.concatenate([skip, h], axis: 1), widths[level], scope["up\(level)"])
    }
    return Convolution(outputs, [1, 1], initializer: .glorotUniform)(h, scope["head"])
  }

  private func twice(_ x: Tensor, _ width: Int, _ scope: Scope) -> Tensor {
    let h = ConvolutionUnit(.square(width, 3), activation)(x, scope["1"])
    return ConvolutionUnit(.square(width, 3), activation)(h, scope["2"])
  }
}

extension Tensor {
  /// The last two axes cut, or padded with zeros at the end: halving an odd length loses a row that doubling cannot
  /// give back.
  fileprivate func fitted(to size: [Int]) -> Tensor {
    var result = self
    for (i, n) in size.enumerated() {
      let axis = rank - size.count + i
      let own = result.shape[axis]
      if own > n { result = result.split(sizes: [n, own - n], axis: axis)[0] }
      if own < n { result = result.padded((0..<rank).map { $0 == axis ? (0, n - own) : (0, 0) }) }
    }
    return result
  }
}
