/// How a sliding window treats the border.
public enum Padding: Hashable, Sendable {
  /// No padding: windows lie inside.
  case valid
  /// As much as keeps `ceil(n / stride)` positions, the larger half at the end.
  case same
  /// (before, after) for each spatial axis.
  case explicit([Int], [Int])
  /// The same on every side.
  public static func uniform(_ width: Int, rank: Int = 2) -> Padding {
    let widths = [Int](repeating: width, count: rank)
    return .explicit(widths, widths)
  }

  func amounts(input: [Int], size: [Int], strides: [Int], dilations: [Int]) -> (low: [Int], high: [Int]) {
    switch self {
    case .valid: return (input.map { _ in 0 }, input.map { _ in 0 })
    case .explicit(let low, let high):
      require(
        low.count == input.count && high.count == input.count, "padding \(low), \(high) for \(input.count) spatial axes"
      )
      return (low, high)
    case .same:
      let totals = input.indices.map { i in
        let output = (input[i] + strides[i] - 1) / strides[i]
        return Swift.max(0, (output - 1) * strides[i] + (size[i] - 1) * dilations[i] + 1 - input[i])
      }
      return (totals.map { $0 / 2 }, totals.map { $0 - $0 / 2 })
    }
  }
}

extension Tensor {
  /// Cross-correlation in 1 to 3 spatial dimensions, as deep learning calls convolution.
  /// - Shape: `[n, c, spatial…]`, kernel `[o, c / groups, taps…]` → `[n, o, spatial…]`
  public func convolution(
    _ kernel: Tensor, strides: [Int]? = nil, padding: Padding = .valid, dilations: [Int]? = nil, groups: Int = 1
  ) -> Tensor {
    require(
      rank == kernel.rank && rank >= 3 && rank <= 5,
      "convolution: input \(shape) and kernel \(kernel.shape); wants [n, c, spatial…] and [o, c, taps…]")
    let input = Array(shape[2...])
    let size = Array(kernel.shape[2...])
    let strides = strides ?? input.map { _ in 1 }
    let dilations = dilations ?? input.map { _ in 1 }
    let (low, high) = padding.amounts(input: input, size: size, strides: strides, dilations: dilations)
    let description = Convolution(
      inputSize: input, kernelSize: size, strides: strides, dilations: dilations, low: low, high: high, groups: groups)
    return emit(.convolution(description, .output), cast(to: dtype.forProducts), kernel.cast(to: dtype.forProducts))
      .cast(to: dtype)
  }

  /// The transpose of `convolution` with the same arguments: each input position spreads the kernel.
  /// - Shape: `[n, o, spatial…]`, kernel `[o, c / groups, taps…]` →
  ///   `[n, c, (s - 1)·stride + (taps - 1)·dilation + 1 - low - high + outputPadding]`
  public func transposedConvolution(
    _ kernel: Tensor, strides: [Int]? = nil, low: [Int]? = nil, high: [Int]? = nil, dilations: [Int]? = nil,
    outputPadding: [Int]? = nil, groups: Int = 1
  ) -> Tensor {
    require(
      rank == kernel.rank && rank >= 3 && rank <= 5, "transposedConvolution: input \(shape), kernel \(kernel.shape)")
    let output = Array(shape[2...])
    let size = Array(kernel.shape[2...])
    let zeros = output.map { _ in 0 }
    let (strides, dilations) = (strides ?? output.map { _ in 1 }, dilations ?? output.map { _ in 1 })
    let (low, high, extra) = (low ?? zeros, high ?? zeros, outputPadding ?? zeros)
    let input = output.indices.map { i in
      (output[i] - 1) * strides[i] + (size[i] - 1) * dilations[i] + 1 - low[i] - high[i] + extra[i]
    }
    require(
      zip(extra, strides).allSatisfy { $0 >= 0 && $0 < $1 }, "outputPadding \(extra) must be below strides \(strides)")
    let description = Convolution(
      inputSize: input, kernelSize: size, strides: strides, dilations: dilations, low: low, high: high, groups: groups)
    return emit(.convolution(description, .input), cast(to: dtype.forProducts), kernel.cast(to: dtype.forProducts))
      .cast(to: dtype)
  }

  /// The largest element of each window over the last `size.count` axes; padding never wins.
  public func maxPool(_ size: [Int], strides: [Int]? = nil, padding: Padding = .valid, dilations: [Int]? = nil)
    -> Tensor
  {
    emit(.windowReduce(.max, window(size, strides, padding, dilations)), self)
  }

  /// The smallest element of each window over the last `size.count` axes; padding does not count.
  public func minPool(_ size: [Int], strides: [Int]? = nil, padding: Padding = .valid, dilations: [Int]? = nil)
    -> Tensor
  {
    -(-self).maxPool(size, strides: strides, padding: padding, dilations: dilations)
  }

  /// The mean of each window over the last `size.count` axes. Padding counts as zeros, or not at all.
  public func averagePool(
    _ size: [Int], strides: [Int]? = nil, padding: Padding = .valid, countsPadding: Bool = false
  ) -> Tensor {
    let window = window(size, strides, padding, nil)
    let sum = emit(.windowReduce(.sum, window), floating())
    if countsPadding || (window.low + window.high).allSatisfy({ $0 == 0 }) { return sum / size.reduce(1, *) }
    let ones = Tensor.ones(Shape(shape.suffix(size.count)), dtype: sum.dtype)
    return sum / emit(.windowReduce(.sum, window), ones)
  }

  /// The sum of each window over the last `size.count` axes.
  public func sumPool(_ size: [Int], strides: [Int]? = nil, padding: Padding = .valid, dilations: [Int]? = nil)
    -> Tensor
  {
    emit(.windowReduce(.sum, window(size, strides, padding, dilations)), self)
  }

  private func window(_ size: [Int], _ strides: [Int]?, _ padding: Padding, _ dilations: [Int]?) -> Window {
    require(rank >= size.count, "a window \(size) over a tensor of shape \(shape)")
    let strides = strides ?? size
    let dilations = dilations ?? size.map { _ in 1 }
    let (low, high) = padding.amounts(
      input: Array(shape.suffix(size.count)), size: size, strides: strides, dilations: dilations)
    return Window(size: size, strides: strides, dilations: dilations, low: low, high: high)
  }

  /// Adaptive average pooling: the last `size.count` axes in `size` nearly equal cells, as PyTorch divides them.
  public func adaptiveAveragePool(_ size: [Int]) -> Tensor {
    var result = floating()
    for (i, cells) in size.enumerated() {
      let axis = rank - size.count + i
      let n = shape[axis]
      guard cells != n else { continue }
      if n % cells == 0 {
        var split = result.shape.dimensions
        split.replaceSubrange(axis...axis, with: [cells, n / cells])
        result = result.reshape(Shape(split)).mean([axis + 1])
      } else {
        let parts = (0..<cells).map { c in
          result.slice(axis, (c * n / cells)..<(((c + 1) * n + cells - 1) / cells)).mean([axis], keepsAxes: true)
        }
        result = .concatenate(parts, axis: axis)
      }
    }
    return result
  }

  /// Sliding patches of a `[n, c, h, w]` image: `[n, c·kh·kw, positions]`, as PyTorch's `unfold`.
  public func unfold(_ size: [Int], strides: [Int]? = nil, padding: Int = 0, dilations: [Int]? = nil) -> Tensor {
    require(rank == 4 && size.count == 2, "unfold: a tensor of shape \(shape); wants [n, c, h, w]")
    let strides = strides ?? [1, 1]
    let dilations = dilations ?? [1, 1]
    let padded = self.padded([(0, 0), (0, 0), (padding, padding), (padding, padding)])
    let (n, c, h, w) = (padded.shape[0], padded.shape[1], padded.shape[2], padded.shape[3])
    let window = Window(size: size, strides: strides, dilations: dilations)
    let out = window.outputSize([h, w])
    var positions: [Int32] = []
    for i in 0..<size[0] {
      for j in 0..<size[1] {
        for y in 0..<out[0] {
          for x in 0..<out[1] {
            positions.append(Int32((y * strides[0] + i * dilations[0]) * w + x * strides[1] + j * dilations[1]))
          }
        }
      }
    }
    let patches = padded.reshape([n, c, h * w]).take(Tensor(positions), axis: 2)
    return patches.reshape([n, c * size[0] * size[1], out[0] * out[1]])
  }

  public enum Interpolation: Sendable { case nearest, linear }

  /// The last `size.count` axes resampled; pixel centres at half-integers, or with `alignsCorners` (linear only) the outer
  /// pixels' centres on each other.
  public func resized(_ size: [Int], _ method: Interpolation = .linear, alignsCorners: Bool = false) -> Tensor {
    var result = self
    for (i, target) in size.enumerated() {
      let axis = rank - size.count + i
      let n = shape[axis]
      require(target > 0 && n > 0, "resized: axis \(axis) of \(shape) to \(target)")
      guard target != n else { continue }
      let scale = Double(n) / Double(target)
      switch method {
      case .nearest:
        result = result.take(Tensor((0..<target).map { Int32(Swift.min(n - 1, Int(Double($0) * scale))) }), axis: axis)
      case .linear:
        let step = target > 1 ? Double(n - 1) / Double(target - 1) : 0
        let centers = (0..<target).map {
          alignsCorners ? Double($0) * step : Swift.max(0, (Double($0) + 0.5) * scale - 0.5)
        }
        let low = centers.map { Swift.min(n - 1, Int($0)) }
        let weights = Tensor(zip(centers, low).map { $0 - Double($1) }).cast(to: floating().dtype)
        let a = result.floating().take(Tensor(low.map { Int32($0) }), axis: axis)
        let b = result.floating().take(Tensor(low.map { Int32(Swift.min(n - 1, $0 + 1)) }), axis: axis)
        var aligned = [Int](repeating: 1, count: rank - axis)
        aligned[0] = target
        result = a + (b - a) * weights.reshape(Shape(aligned))
      }
    }
    return result
  }
}
