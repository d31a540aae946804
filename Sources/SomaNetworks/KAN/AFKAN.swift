import Soma

/// How the features `[n, d, m]` of every input become one number: `[n, d]` (Ta & Tran 2025, arXiv 2503.06112).
public enum FeatureReduction: Sendable, Hashable {
  /// Attention over the inputs: `h_d = Σ_i a_d F_{d,i}`, `a = softmax_d(F w + b)`.
  case global
  /// `h_d = F_d w + b`
  case multistep
  /// A depthwise convolution along the inputs scores the features: `a = softmax_i(s/τ)`.
  case spatial
  /// Attention among windows of so many features, which begin two features apart.
  case local(window: Int)
  /// Attention among the inputs as tokens of m features. Costs d².
  case selfAttention
  /// The same with m heads of one feature.
  case multihead

  public static let all: [FeatureReduction] = [
    .global, .multistep, .spatial, .local(window: 2), .selfAttention, .multihead,
  ]

  public var name: String {
    switch self {
    case .global: "global"
    case .multistep: "multistep"
    case .spatial: "spatial"
    case .local: "local"
    case .selfAttention: "self"
    case .multihead: "multihead"
    }
  }

  /// The temperature, `max(τ, 1)`, τ = √d at the start.
  static func temperature(_ d: Int, _ scope: Scope, _ dtype: DType) -> Tensor {
    scope.parameter("temperature", [1], .constant(Double(d).squareRoot()), dtype: dtype).maximum(1.0)
  }

  /// - Shape: `[n, d, m]` → `[n, d]`
  public func callAsFunction(_ f: Tensor, _ scope: Scope) -> Tensor {
    let (n, d, m) = (f.shape[0], f.shape[1], f.shape[2])
    let temperature = Self.temperature(d, scope, f.dtype)
    func linear(_ x: Tensor, _ units: Int, _ name: String) -> Tensor {
      UniformDense(units)(x, scope[name])
    }
    switch self {
    case .global:
      let scores = linear(f, 1, "score").reshape([n, d])
      return scores.softmax() * f.sum([2])
    case .multistep: return linear(f, 1, "map").reshape([n, d])
    case .spatial:
      let scores = Convolution1D.depthwise(f.T, scope["score"]).T
      return ((scores / temperature).softmax() * f).sum([2])
    case .local(let window):
      let step = 2
      let count = (m - window) / step + 1
      let parts = (0..<count).map { f[.all, .all, ($0 * step)..<($0 * step + window)] }
      let windows = Tensor.stack(parts, axis: 2)
      let (q, k, v) = (linear(windows, window, "q"), linear(windows, window, "k"), linear(windows, window, "v"))
      let mixed = (q.matmul(k.T) / temperature).softmax().matmul(v)
      return linear(mixed.reshape([n, d, count * window]), 1, "map").reshape([n, d])
    case .selfAttention:
      let (q, k, v) = (linear(f, m, "q"), linear(f, m, "k"), linear(f, m, "v"))
      return (q.matmul(k.T) / temperature).softmax().matmul(v).sum([2])
    case .multihead:
      return MultiHeadAttention(heads: m, headWidth: 1)(f, scope["attention"]).sum([2])
    }
  }
}

/// A depthwise convolution of three taps along the last axis.
enum Convolution1D {
  static func depthwise(_ x: Tensor, _ scope: Scope) -> Tensor {
    let channels = x.shape[1]
    let bound = 1 / 3.0.squareRoot()
    let kernel = scope.parameter("weight", [channels, 1, 3], .uniform(bound), dtype: x.dtype)
    let bias = scope.parameter("bias", [channels], .uniform(bound), dtype: x.dtype)
    return x.convolution(kernel, padding: .same, groups: channels) + bias.reshape([channels, 1])
  }
}

/// A KAN layer with about as many parameters as a dense one: two-sided features of every input, normalized, are reduced to one number,
/// which one linear map takes: `y = W · α(norm(h))` (Ta & Tran 2025, arXiv 2503.06112).
/// - Shape: `[n, inputs]` → `[n, units]`
public struct AFKANLayer: Layer {
  /// Over what the features' norm, minimum and maximum are taken.
  public enum FeatureScope: String, Sendable, Hashable, CaseIterable {
    /// Every example by itself.
    case example
    /// The whole batch, as the authors' code: an example's output depends on its neighbours.
    case batch
    case none
  }

  public enum Norm: String, Sendable, Hashable, CaseIterable { case layer, batch, none }

  public var units: Int
  public var basis: TwoSidedBasis
  public var reduction: FeatureReduction
  public var normalization: Norm
  public var features: FeatureScope

  public init(
    _ units: Int, basis: TwoSidedBasis = TwoSidedBasis(), reduction: FeatureReduction = .global,
    normalization: Norm = .layer, features: FeatureScope = .example
  ) {
    if case .local(let window) = reduction {
      require((1...basis.count).contains(window), "a window of \(window) among \(basis.count) features")
    }
    self.units = units
    self.basis = basis
    self.reduction = reduction
    self.normalization = normalization
    self.features = features
  }

  /// Features in 0…1: divided by their norm, then stretched between their extremes; constant features become zero.
  /// - Shape: `[n, d, m]`, unchanged
  public static func normalized(_ f: Tensor, over features: FeatureScope) -> Tensor {
    guard features != .none else { return f }
    let axes = features == .example ? [1, 2] : [0, 1, 2]
    let unit = f / f.squared().sum(axes, keepsAxes: true).maximum(1e-24).sqrt()
    let (low, high) = (unit.min(axes, keepsAxes: true), unit.max(axes, keepsAxes: true))
    return (unit - low) / (high - low).maximum(1e-12)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank == 2, "an AF-KAN layer wants [n, inputs], not \(x.shape)")
    // Each example would be its own batch, and the result another function than the one on the batch.
    require(
      x.shape[0] > 1 || !isInsideVmap || (features != .batch && normalization != .batch),
      "AF-KAN layer \(scope.path): features and norms over the batch have no meaning for single examples, as in vmap and gradients "
        + "of each example; normalize over each example (features: .example, normalization: .layer)")
    let f = Self.normalized(basis.values(x, scope["basis"]), over: features)
    var h = reduction(f, scope["reduction"])
    switch normalization {
    case .layer: h = LayerNorm()(h, scope["norm"])
    case .batch: h = BatchNorm()(h, scope["norm"])
    case .none: break
    }
    return UniformDense(units, usesBias: false)(basis.activation(h, scope["activation"]), scope["map"])
  }
}

/// AF-KAN layers one after the other; several reductions at once run one chain each, whose outputs are joined.
/// - Shape: `[n, inputs]` → `[n, widths.last]`
public struct AFKAN: Layer {
  public enum Join: String, Sendable, Hashable, CaseIterable { case sum, product, sumProduct, all }

  public var widths: [Int]
  public var basis: TwoSidedBasis
  public var reductions: [FeatureReduction]
  public var join: Join
  public var features: AFKANLayer.FeatureScope

  public init(
    _ widths: [Int], basis: TwoSidedBasis = TwoSidedBasis(), reductions: [FeatureReduction] = [.global],
    join: Join = .sum, features: AFKANLayer.FeatureScope = .example
  ) {
    require(!widths.isEmpty && !reductions.isEmpty, "an AF-KAN has layers and at least one reduction")
    self.widths = widths
    self.basis = basis
    self.reductions = reductions
    self.join = join
    self.features = features
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let chains = reductions.enumerated().map { r, reduction in
      widths.enumerated().reduce(x) { h, layer in
        AFKANLayer(layer.1, basis: basis, reduction: reduction, features: features)(
          h, (reductions.count == 1 ? scope : scope["chain\(r)"])[layer.0])
      }
    }
    let sum = chains.dropFirst().reduce(chains[0], +)
    guard chains.count > 1, join != .sum else { return sum }
    let product = chains.dropFirst().reduce(chains[0], *)
    switch join {
    case .sum: return sum
    case .product: return product
    case .sumProduct: return sum + product
    case .all: return sum + product + chains.map { $0.squared() }.reduce(Tensor.zeros(like: sum), +)
    }
  }
}
