import Soma

/// Translations of the channels of an image before a neuron's powers (Kiranyaz, Malik, Yamac, Ince, Guldogan, Gabbouj 2021,
/// "Super Neurons", arXiv 2109.01594): channel c moves by (dx, dy), with bilinear interpolation.
public struct ShiftSpecification: Hashable, Sendable {
  public enum Border: String, Hashable, Sendable { case zeros, border, reflect }
  public enum Source: Hashable, Sendable {
    /// Trained, kept in ± the range, uniform in it at first.
    case trained(range: Double)
    /// From the image: global average, a map across channels that begins at zero, PReLU.
    case predicted
  }
  public var source: Source
  public var border: Border
  /// Whether shifts are rounded to whole pixels, differentiated as if they were not.
  public var rounds: Bool

  public init(_ source: Source, border: Border = .zeros, rounds: Bool = false) {
    if case .trained(let range) = source { require(range > 0, "a range of shifts is above zero, not \(range)") }
    self.source = source
    self.border = border
    self.rounds = rounds
  }

  /// - Shape: `[n, c, h, w]`, unchanged
  func apply(_ x: Tensor, _ scope: Scope) -> Tensor {
    let c = x.shape[1]
    var shifts: Tensor
    switch source {
    case .trained(let range):
      shifts = scope.parameter("shift", [2, c], .uniform(range), dtype: x.dtype).clipped(-range, range)
        .reshape([2, 1, c])
    case .predicted:
      let pooled = x.mean([2, 3])
      let w = scope.parameter("weight", [c, 2 * c], .zeros, dtype: x.dtype)
      let slope = scope.parameter("slope", [], .constant(0.25), dtype: x.dtype)
      let z = pooled.matmul(w) + scope.parameter("bias", [2 * c], .zeros, dtype: x.dtype)
      let y = Tensor.select(z .> 0, z, slope * z)
      shifts = y.reshape([x.shape[0], 2, c]).movingAxis(1, to: 0)
    }
    if rounds { shifts = straightThrough(shifts) { $0.round() } }
    return x.shifted(dx: shifts[0], dy: shifts[1], border: border)
  }
}

extension Tensor {
  /// Each channel moved: `y[i, j] = x[i + dy, j + dx]`, bilinear between pixels.
  /// - Parameters dx, dy: `[c]`, `[1, c]` or `[n, c]`, in pixels
  /// - Shape: `[n, c, h, w]`, unchanged
  public func shifted(dx: Tensor, dy: Tensor, border: ShiftSpecification.Border = .zeros) -> Tensor {
    require(rank == 4, "shifted: an image of shape \(shape); wants [n, c, h, w]")
    return shifted(dy, axis: 2, border).shifted(dx, axis: 3, border)
  }

  private func shifted(_ amount: Tensor, axis: Int, _ border: ShiftSpecification.Border) -> Tensor {
    let length = shape[axis]
    let rows = amount.rank == 1 ? 1 : amount.shape[0]
    let d = amount.reshape([rows, shape[1], 1, 1])
    let whole = d.floor().stopGradient()
    let fraction = d - whole
    func pick(_ extra: Int) -> Tensor {
      var places =
        Tensor.iota(axis == 2 ? [1, 1, length, 1] : [1, 1, 1, length], axis: axis, dtype: .int32)
        + whole.cast(to: .int32) + extra
      let isInside = (places .>= 0) .& (places .< length)
      if border == .reflect, length > 1 {
        let period = 2 * (length - 1)
        let p = places % Tensor(period, dtype: .int32)
        places = p.minimum(Tensor(period, dtype: .int32) - p)
      }
      let clipped = places.maximum(0).minimum(length - 1)
      var target = shape.dimensions
      target[axis] = length
      let values = takeAlong(clipped.broadcast(to: Shape(target)), axis: axis)
      return border == .zeros ? .select(isInside, values, 0) : values
    }
    return (1 - fraction) * pick(0) + fraction * pick(1)
  }

  /// Channels dealt out to pixels: `[n, c·s², h, w]` → `[n, c, h·s, w·s]` (Shi et al. 2016, arXiv 1609.05158).
  public func pixelShuffled(_ scale: Int) -> Tensor {
    require(
      rank == 4 && shape[1] % (scale * scale) == 0,
      "pixelShuffled(\(scale)): \(shape) wants [n, c·\(scale * scale), h, w]")
    let (n, c, h, w) = (shape[0], shape[1] / (scale * scale), shape[2], shape[3])
    return reshape([n, c, scale, scale, h, w]).transposed([0, 1, 4, 2, 5, 3]).reshape([n, c, h * scale, w * scale])
  }

  /// Square parts of images at random places: `[n, c, h, w]` → `[count, c, size, size]`.
  public func randomPatches(_ size: Int, count: Int, key: Key) -> Tensor {
    require(
      rank == 4 && size > 0 && shape[0] > 0 && shape[2] >= size && shape[3] >= size,
      "randomPatches: patches of \(size) from images \(shape)")
    let keys = key.split(3)
    func draw(_ limit: Int, _ key: Key) -> [Int] { Tensor.randomIntegers([count], in: 0..<limit, key: key).ints }
    let (images, rows, columns) = (
      draw(shape[0], keys[0]), draw(shape[2] - size + 1, keys[1]), draw(shape[3] - size + 1, keys[2])
    )
    return .stack(
      (0..<count).map { i in self[images[i], .all, rows[i]..<(rows[i] + size), columns[i]..<(columns[i] + size)] })
  }

  /// The last two axes resampled by Keys's cubic kernel (Keys 1981); pixel centres at half-integers, edges repeated.
  /// - `a`: -0.5 (Keys, Matlab) or -0.75 (OpenCV, PyTorch)
  public func resizedBicubic(_ size: [Int], a: Double = -0.5) -> Tensor {
    require(rank >= 2 && size.count == 2, "resizedBicubic: two lengths for the last two axes of \(shape)")
    func matrix(_ from: Int, _ to: Int) -> Tensor {
      var values = [Double](repeating: 0, count: from * to)
      let scale = Double(from) / Double(to)
      for i in 0..<to {
        let center = (Double(i) + 0.5) * scale - 0.5
        let first = Int(center.rounded(.down)) - 1
        for k in first...(first + 3) {
          let t = Swift.abs(center - Double(k))
          let weight =
            t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0
          values[Swift.min(Swift.max(k, 0), from - 1) * to + i] += weight
        }
      }
      return Tensor(values, shape: [from, to]).cast(to: dtype)
    }
    let wide = matmul(matrix(shape[-1], size[1]))
    return wide.T.matmul(matrix(shape[-2], size[0])).T
  }
}

/// Enlarges images: `[n, c, h, w]` → `[n, c, h·scale, w·scale]`. A convolution, residual blocks, a skip around them, a
/// convolution to scale² · c channels dealt out to pixels, and the bicubic enlargement of the input added.
public struct PadeNet: Layer {
  /// What a residual block computes: `x + ½ body(x)`.
  public enum Body: Sendable {
    /// Two Padé neurons in a row.
    case pade(PadeNeuron)
    /// convolution, activation, convolution
    case activation(Activation)
  }
  public var scale: Int
  public var blocks: Int
  public var width: Int
  public var body: Body

  public init(scale: Int = 2, blocks: Int = 2, width: Int = 12, body: Body) {
    require(scale > 0 && blocks >= 0 && width > 0, "PadéNet with scale \(scale), \(blocks) blocks, width \(width)")
    self.scale = scale
    self.blocks = blocks
    self.width = width
    self.body = body
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 4, "PadéNet \(scope.path): input \(x.shape); wants [n, c, h, w]")
    let head = Convolution(width, [3, 3])(x, scope["head"])
    var h = head
    for i in 0..<blocks {
      let block = scope["block\(i)"]
      let inner: Tensor
      switch body {
      case .pade(let neuron):
        let layer = PadeConv2d(width, neuron: neuron)
        inner = layer(layer(h, block["0"]), block["1"])
      case .activation(let activation):
        let middle = activation(Convolution(width, [3, 3])(h, block["0"]), block["activation"])
        inner = Convolution(width, [3, 3])(middle, block["1"])
      }
      h = h + 0.5 * inner
    }
    let tail = Convolution(x.shape[1] * scale * scale, [3, 3])(h + head, scope["tail"])
    return tail.pixelShuffled(scale) + x.resizedBicubic([x.shape[2] * scale, x.shape[3] * scale])
  }
}
