import Soma

/// Any input as images `[n, c, h, w]`: greyscale images get one channel, rows of numbers become a strip.
/// - Shape: `[n, d]`, `[n, h, w]` or `[n, c, h, w]` → `[n, c, h, w]`
func asImages(_ x: Tensor) -> Tensor {
  switch x.rank {
  case 4: x
  case 3: x.expandDimensions(at: 1)
  case 2: x.reshape([x.shape[0], 1, 1, x.shape[1]])
  default: fatalError("an image network wants [n, d], [n, h, w] or [n, c, h, w], not \(x.shape)")
  }
}

/// A convolution without bias, batch normalization, and an activation if given.
struct ConvolutionUnit: Layer {
  var convolution: Convolution
  var activation: Activation?

  init(_ convolution: Convolution, _ activation: Activation?) {
    self.convolution = convolution
    self.convolution.usesBias = false
    self.activation = activation
  }

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let y = BatchNorm()(convolution(x, scope["convolution"]), scope["norm"])
    return activation.map { $0(y, scope["activation"]) } ?? y
  }
}

extension Tensor {
  /// Maximum pooling by two where there is something to pool.
  func halved() -> Tensor {
    let size = shape[2...].map { Swift.min(2, $0) }
    return maxPool(Array(size), strides: Array(size))
  }
}

extension [Int] {
  /// Widths times a factor, at least 1. Rounding is shifted from one to the next, so that a search over the factor
  /// meets a
  /// budget more closely than if all changed at once.
  func scaled(_ factor: Double) -> [Int] {
    enumerated().map { i, width in
      Swift.max(1, Int(Double(width) * factor + (Double(i) + 0.5) / Double(count)))
    }
  }
}
