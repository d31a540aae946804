import Soma

/// A neuron that is a quotient of two polynomials of its inputs: each power of the input has a linear map of its own,
/// `P_M = w₀ + Σ aₖ ⊛ xᵏ`, `Q_N = 1 + Σ bₖ ⊛ xᵏ` (⊛ a matrix product or a convolution). Degrees [1/0] are the ordinary
/// neuron, [2/0] the quadratic, [M/0] the generative one, with shifts the super neuron. (Keleş, Tekalp 2024, arXiv 2403.11791)
public struct PadeNeuron: Hashable, Sendable {
  public enum Variant: String, Hashable, Sendable, CaseIterable {
    /// `(Q_N P_M + Q_{N-1} P_{M-1}) / (Q_N² + Q_{N-1}²)`, with 10⁻⁶ more below for N ≥ 2, where both may vanish.
    case smooth
    /// `P_M / (1 + Σ |bₖ ⊛ xᵏ|)`
    case absolute
    /// `P_M / Q_N`, which has poles unless N = 0.
    case plain
  }

  /// M
  public var numerator: Int
  /// N
  public var denominator: Int
  public var variant: Variant
  public var shift: ShiftSpecification?
  /// Multiplies the start values of a₁; with 2, the smooth neuron of degrees [1/1] begins as the ordinary linear map.
  public var gain: Double
  /// Kernels as `g v/|v|` for each output (Salimans, Kingma 2016, arXiv 1602.07868).
  public var normalizesWeights: Bool

  /// - Throws: `NeuronError` for degrees [0/0], below 0 or above 4.
  public init(
    degrees: (Int, Int) = (1, 1), variant: Variant = .smooth, shift: ShiftSpecification? = nil, gain: Double = 1,
    normalizesWeights: Bool = false
  ) throws {
    let (m, n) = degrees
    guard m >= 0, n >= 0, m <= 4, n <= 4, m + n > 0 else {
      throw NeuronError("a Padé neuron of degrees [\(m)/\(n)]: wants 0 to 4 each, not both 0")
    }
    numerator = m
    denominator = n
    self.variant = variant
    self.shift = shift
    self.gain = gain
    self.normalizesWeights = normalizesWeights
  }

  /// What the user should know: poles, powers of large inputs.
  /// - Parameter largest: the largest |x|
  public func warnings(largest: Double) -> [String] {
    var result: [String] = []
    if variant == .plain, denominator > 0 { result.append("the plain quotient has poles; the smooth variant has none") }
    var power = 1.0
    for _ in 0..<max(numerator, denominator) { power *= largest }
    if power > 1e3 {
      result.append(
        "|x| up to \(largest) to the power \(max(numerator, denominator)) is above 1000: scale the inputs to |x| ≲ 3")
    }
    return result
  }

  /// Combines the linear maps of the powers.
  /// - Parameters:
  ///   - linear: power k (from 1) and name → the map of xᵏ
  ///   - w0: broadcasts with the maps
  func combine(_ w0: Tensor, like shape: Shape, _ linear: (_ k: Int, _ name: String) -> Tensor) -> Tensor {
    var p = [w0]
    for k in 0..<numerator { p.append(p[k] + linear(k + 1, "a\(k + 1)")) }
    let b = (0..<denominator).map { linear($0 + 1, "b\($0 + 1)") }
    guard denominator > 0 else { return p[numerator].broadcast(to: shape) }
    switch variant {
    case .plain: return (p[numerator] / b.reduce(Tensor(1, dtype: w0.dtype), +)).broadcast(to: shape)
    case .absolute:
      return (p[numerator] / b.map { $0.abs() }.reduce(Tensor(1, dtype: w0.dtype), +)).broadcast(to: shape)
    case .smooth:
      let before = b.dropLast().reduce(Tensor(1, dtype: w0.dtype), +)
      let q = before + b[denominator - 1]
      let below = q.squared() + before.squared() + (denominator > 1 ? 1e-6 : 0)
      let above = numerator == 0 ? q * w0 : q * p[numerator] + before * p[numerator - 1]
      return (above / below).broadcast(to: shape)
    }
  }

  /// How the kernel of a name begins.
  func initializer(_ name: String, fan: Int) -> Initializer {
    if name == "a1" { return .uniform(gain * (3 / Double(max(fan, 1))).squareRoot()) }
    // With b = 0 the derivative of |·| is zero, and the denominator would never learn.
    if name.hasPrefix("b"), variant == .absolute {
      return .normal(0.05 / Double(max(fan, 1)).squareRoot())
    }
    return .zeros
  }

  func kernel(_ name: String, _ shape: Shape, fan: Int, outputAxis: Int, _ x: Tensor, _ scope: Scope) -> Tensor {
    let start = initializer(name, fan: fan)
    guard normalizesWeights else { return scope.parameter(name, shape, start, dtype: x.dtype) }
    // Zero kernels have no direction: they keep a small random one and length zero.
    let isZero = start.name == Initializer.zeros.name
    let direction = isZero ? Initializer.normal(1) : start
    let v = scope.parameter(name + "Direction", shape, direction, dtype: x.dtype)
    let axes = shape.indices.filter { $0 != outputAxis }
    let size = v.norm(axes, keepsAxes: true)
    let length = scope.parameter(
      name + "Length", [shape[outputAxis]],
      isZero ? .zeros : .constant(name == "a1" ? gain : 0.05), dtype: x.dtype)
    var aligned = [Int](repeating: 1, count: shape.rank)
    aligned[outputAxis] = shape[outputAxis]
    return v / size * length.reshape(Shape(aligned))
  }

  /// x, x², …
  func powers(_ x: Tensor) -> [Tensor] {
    var result = [x]
    for _ in 1..<max(1, max(numerator, denominator)) { result.append(result[result.count - 1] * x) }
    return result
  }

  func bias(_ channels: Int, fan: Int, _ x: Tensor, _ scope: Scope) -> Tensor {
    scope.parameter("w0", [channels], .uniform(1 / Double(max(fan, 1)).squareRoot()), dtype: x.dtype)
  }
}

/// Padé neurons on vectors.
/// - Shape: `[…, n]` → `[…, units]`; `(M + N) n · units + units` parameters
public struct PadeLinear: Layer {
  public var units: Int
  public var neuron: PadeNeuron
  public init(_ units: Int, _ neuron: PadeNeuron) {
    self.units = units
    self.neuron = neuron
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let n = x.shape.last
    let powers = neuron.powers(x)
    let result = Shape(Array(x.shape.dropLast()) + [units])
    return neuron.combine(neuron.bias(units, fan: n, x, scope), like: result) { k, name in
      powers[k - 1].matmul(neuron.kernel(name, [n, units], fan: n, outputAxis: 1, x, scope))
    }
  }
}

/// Padé neurons on images: each power of the image has a convolution of its own.
/// - Shape: `[n, c, h, w]` → `[n, channels, h', w']`; `(M + N) c · channels · kh · kw + channels` parameters, 2c more with
///   shifts
public struct PadeConv2d: Layer {
  public var channels: Int
  public var size: [Int]
  public var strides: [Int]
  public var padding: Padding
  public var neuron: PadeNeuron
  /// A 1 × 1 map across channels for each power, then one kernel a channel.
  public var isSeparable: Bool

  public init(
    _ channels: Int, _ size: [Int] = [3, 3], strides: [Int] = [1, 1], padding: Padding = .same,
    neuron: PadeNeuron, separable: Bool = false
  ) {
    require(size.count == 2 && strides.count == 2, "a Padé convolution has two spatial axes")
    self.channels = channels
    self.size = size
    self.strides = strides
    self.padding = padding
    self.neuron = neuron
    isSeparable = separable
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 4, "Padé convolution \(scope.path): input \(x.shape); wants [n, c, h, w]")
    let shifted = neuron.shift.map { $0.apply(x, scope["shift"]) } ?? x
    let powers = neuron.powers(shifted)
    let c = x.shape[1]
    let fan = c * size[0] * size[1]
    let w0 = neuron.bias(channels, fan: fan, x, scope).alignedToChannels(4)
    func map(_ k: Int, _ name: String) -> Tensor {
      guard isSeparable else {
        let kernel = neuron.kernel(
          name, [channels, c, size[0], size[1]], fan: fan, outputAxis: 0, x, scope)
        return powers[k - 1].convolution(kernel, strides: strides, padding: padding)
      }
      let across = neuron.kernel(name, [channels, c, 1, 1], fan: c, outputAxis: 0, x, scope)
      let along = scope.parameter(
        name + "Depthwise", [channels, 1, size[0], size[1]], .scaled(1, fan: .input, .uniform), dtype: x.dtype)
      return powers[k - 1].convolution(across).convolution(along, strides: strides, padding: padding, groups: channels)
    }
    let first = map(1, neuron.numerator > 0 ? "a1" : "b1")
    return neuron.combine(w0, like: first.shape) { k, name in
      k == 1 && name == (neuron.numerator > 0 ? "a1" : "b1") ? first : map(k, name)
    }
  }
}

/// Padé neurons with the transposed convolution.
/// - Shape: `[n, c, h, w]` → `[n, channels, (h - 1)·stride + size - 2·padding, …]`
public struct PadeConvTranspose2d: Layer {
  public var channels: Int
  public var size: [Int]
  public var strides: [Int]
  public var padding: [Int]
  public var neuron: PadeNeuron

  public init(
    _ channels: Int, _ size: [Int], strides: [Int] = [1, 1], padding: [Int] = [0, 0], neuron: PadeNeuron
  ) {
    self.channels = channels
    self.size = size
    self.strides = strides
    self.padding = padding
    self.neuron = neuron
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 4, "Padé convolution \(scope.path): input \(x.shape); wants [n, c, h, w]")
    let shifted = neuron.shift.map { $0.apply(x, scope["shift"]) } ?? x
    let powers = neuron.powers(shifted)
    let c = x.shape[1]
    let fan = c * size[0] * size[1]
    func map(_ k: Int, _ name: String) -> Tensor {
      powers[k - 1].transposedConvolution(
        neuron.kernel(name, [c, channels, size[0], size[1]], fan: fan, outputAxis: 1, x, scope), strides: strides,
        low: padding, high: padding)
    }
    let firstName = neuron.numerator > 0 ? "a1" : "b1"
    let first = map(1, firstName)
    return neuron.combine(neuron.bias(channels, fan: fan, x, scope).alignedToChannels(4), like: first.shape) {
      k, name in
      k == 1 && name == firstName ? first : map(k, name)
    }
  }
}

/// Replaces the dense layers and two-dimensional convolutions of a network by Padé neurons of the same shapes. Layers with
/// dilation, groups, or without bias stay.
public func replaceNeurons(in model: any Layer, with neuron: PadeNeuron) -> Replacing {
  Replacing(model) { layer in
    switch layer {
    case let dense as Dense where dense.usesBias: return PadeLinear(dense.units, neuron)
    case let convolution as Convolution
    where convolution.usesBias && convolution.size.count == 2 && convolution.groups == 1
      && convolution.dilations == [1, 1]:
      return PadeConv2d(
        convolution.channels, convolution.size, strides: convolution.strides, padding: convolution.padding,
        neuron: neuron)
    default: return nil
    }
  }
}
