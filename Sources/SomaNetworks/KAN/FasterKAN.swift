import Soma

/// `W · vec(1 - tanh²((LayerNorm(x) - g_r)/0.33))` for eight fixed centres in -2…2: a layer of edges made of switches, without bias or
/// base function (Delis 2024).
/// - Shape: `[..., inputs]` → `[..., units]`
public struct FasterKANLayer: Layer {
  public var units: Int
  public var basis: SwitchBasis

  public init(_ units: Int, basis: SwitchBasis = SwitchBasis()) {
    self.units = units
    self.basis = basis
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let h = LayerNorm()(x, scope["norm"])
    let inputs = x.shape.last
    let start = Initializer("switches") { shape, key, dtype in
      Initializer.glorotUniform([shape[0] * shape[1], shape[2]], key: key, dtype: dtype).reshape(shape)
    }
    let weights = scope.parameter("coefficients", [inputs, basis.count, units], start, dtype: x.dtype)
    return basis.sum(h, weights, scope)
  }
}

/// Layers of switches, of the given widths.
/// - Shape: `[..., inputs]` → `[..., widths.last]`
public struct FasterKAN: Layer {
  public var widths: [Int]
  public var basis: SwitchBasis

  public init(_ widths: [Int], basis: SwitchBasis = SwitchBasis()) {
    require(!widths.isEmpty, "a network has at least one layer")
    self.widths = widths
    self.basis = basis
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    widths.enumerated().reduce(x) { h, layer in FasterKANLayer(layer.1, basis: basis)(h, scope[layer.0]) }
  }
}

/// A mixture whose experts are half MLPs (`d → hidden → d`, GELU) and half KANs of switches (`d → hidden/2 → d`), the best two for each
/// token (Yunhong He et al. 2024, arXiv 2410.03027). In place of a transformer's feed-forward part it needs no choice between the two.
/// - Shape: `[..., d]`, unchanged
public struct MLPKAN: Layer {
  public enum Mixture: String, Sendable, Hashable, CaseIterable { case mixed, mlpOnly, kanOnly }

  public var hidden: Int
  public var kanHidden: Int
  public var experts: Int
  public var topK: Int
  public var mixture: Mixture
  public var balance: MixtureOfExperts.Balance
  public var capacity: Double?

  /// - `kanHidden`: half of `hidden` if nil.
  public init(
    hidden: Int = 192, kanHidden: Int? = nil, experts: Int = 8, topK: Int = 2, mixture: Mixture = .mixed,
    balance: MixtureOfExperts.Balance = .none, capacity: Double? = nil
  ) {
    require(mixture != .mixed || experts % 2 == 0, "\(experts) experts cannot be half MLPs, half KANs")
    require((1...max(1, experts)).contains(topK), "\(topK) of \(experts) experts cannot be chosen")
    self.hidden = hidden
    self.kanHidden = kanHidden ?? max(1, hidden / 2)
    self.experts = experts
    self.topK = topK
    self.mixture = mixture
    self.balance = balance
    self.capacity = capacity
  }

  /// The mixture for a token width.
  public func mixture(width: Int) -> MixtureOfExperts {
    let networks = (0..<experts).map { e -> any Layer in
      let isMLP =
        switch mixture {
        case .mixed: e < experts / 2
        case .mlpOnly: true
        case .kanOnly: false
        }
      return isMLP ? FeedForward(hidden: hidden, units: width) : FasterKAN([kanHidden, width])
    }
    return MixtureOfExperts(experts: networks, topK: topK, balance: balance, capacity: capacity)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { mixture(width: x.shape.last).forward(x, scope) }
}
