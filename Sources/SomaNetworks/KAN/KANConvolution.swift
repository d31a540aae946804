import Soma

/// A convolution whose kernel entries are learned functions: `y(p, o) = Σ_{c,δ} φ_{o,c,δ}(x(p + δ, c))` (Bodner et al. 2024, arXiv
/// 2406.13155; with a `BasisPool`, S-ConvKAN of arXiv 2408.08338).
///
/// Every channel is expanded to its basis' maps, then an ordinary convolution of `channels · count` maps follows: the same sum. The image
/// is padded with zeros before the expansion, so that its border sees `b(0)`.
/// - Shape: `[n, c, h, w]` → `[n, channels, h', w']`
public struct KANConvolution: Layer {
  public var channels: Int
  public var kernel: Int
  public var basis: any EdgeBasis
  public var base: KANLayer.Base
  public var padding: Int

  public init(
    _ channels: Int, kernel: Int = 3, basis: any EdgeBasis = BSpline(), base: KANLayer.Base = .silu, padding: Int? = nil
  ) {
    require(channels > 0 && kernel > 0, "a convolution of \(channels) channels, kernel \(kernel)")
    self.channels = channels
    self.kernel = kernel
    self.basis = basis
    self.base = base
    self.padding = padding ?? (kernel - 1) / 2
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 4, "a KAN convolution wants [n, c, h, w], not \(x.shape)")
    let (n, c) = (x.shape[0], x.shape[1])
    let padded = padding == 0 ? x : x.padded([(0, 0), (0, 0), (padding, padding), (padding, padding)])
    let (h, w) = (padded.shape[2], padded.shape[3])
    let taps = kernel * kernel
    let scale = basis.initializer
    let initializer = Initializer("kernel") { shape, key, dtype in
      // Every tap is an input of its own.
      scale(shape, key: key, dtype: dtype) * (1 / Double(taps).squareRoot())
    }
    let coefficients = scope.parameter(
      "coefficients", [c, basis.count, channels * taps], initializer, dtype: x.dtype)
    let values = basis.values(padded.transposed(0, 2, 3, 1), scope)
    let maps = values.reshape([n, h, w, c * basis.count]).transposed(0, 3, 1, 2)
    func kernels(_ weights: Tensor, _ inputs: Int) -> Tensor {
      weights.reshape([inputs, channels, kernel, kernel]).transposed(1, 0, 2, 3)
    }
    var y = maps.convolution(kernels(basis.weighted(coefficients, scope), c * basis.count))
    if base != .zero {
      let start = Initializer("base") { shape, key, dtype in
        .uniform(shape, low: -1, high: 1, key: key, dtype: dtype) * (1 / Double(c * taps).squareRoot())
      }
      let matrix = scope.parameter("base", [c, channels * taps], start, dtype: x.dtype)
      let through: Tensor
      if case .activation(let activation) = base {
        through = activation(padded, scope["activation"])
      } else {
        through = padded
      }
      y = y + through.convolution(kernels(matrix, c))
    }
    return y
  }

  /// The convolution with the families that a pool's channels prefer, and its variables.
  public func selectingFamilies(_ parameters: Parameters) -> (layer: KANConvolution, parameters: Parameters) {
    guard let pool = basis as? BasisPool else { return (self, parameters) }
    var (result, kept) = (self, parameters)
    let (basis, coefficients) = pool.selected(
      parameters["coefficients"]!, logits: parameters["selection"], sharing: false)
    result.basis = basis
    kept["coefficients"] = coefficients
    kept["selection"] = nil
    return (result, kept)
  }

  /// The same convolution in another phase of its selection.
  public func selecting(_ phase: BasisPool.Phase) -> KANConvolution {
    guard var pool = basis as? BasisPool else { return self }
    pool.phase = phase
    var result = self
    result.basis = pool
    return result
  }
}
