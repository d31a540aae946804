import Soma

/// Two convolutions with pooling, three dense layers. (LeCun, Bottou, Bengio, Haffner 1998, here with any activation,
/// maximum
/// pooling and complete connections.) On 28×28 greyscale images with tanh it has the 61,706 parameters of the common
/// form.
/// - Shape: images → `[n, outputs]`
public struct LeNet: Layer {
  public var outputs: Int
  public var activation: Activation
  /// Multiplies 6 and 16 channels, 120 and 84 units.
  public var width: Double

  public init(outputs: Int, activation: Activation = .relu, width: Double = 1) {
    self.outputs = outputs
    self.activation = activation
    self.width = width
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let widths = [6, 16, 120, 84].scaled(width)
    var h = asImages(x)
    let valid = h.shape[2] >= 16 && h.shape[3] >= 16
    h = Convolution(widths[0], [5, 5], padding: .uniform(2))(h, scope["convolution1"])
    h = activation(h, scope["activation1"]).halved()
    // Small images keep their borders.
    h = Convolution(widths[1], [5, 5], padding: valid ? .valid : .uniform(2))(h, scope["convolution2"])
    h = activation(h, scope["activation2"]).halved().flattened(from: 1)
    h = activation(Dense(widths[2], initializer: .heNormal)(h, scope["dense1"]), scope["activation3"])
    h = activation(Dense(widths[3], initializer: .heNormal)(h, scope["dense2"]), scope["activation4"])
    return Dense(outputs)(h, scope["head"])
  }
}
