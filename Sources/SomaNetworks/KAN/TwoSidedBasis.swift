import Soma

/// Two shifted copies of an activation, one rising from `L_i` and one falling to `H_i`, joined by a function φ (Ta & Tran 2025, arXiv
/// 2503.06112; Qiu et al. 2024, arXiv 2406.02075): `φ(α(x - L_i), α(H_i - x))`, `L_i = (i - k)/G`, `H_i = L_i + (k + 1)/G`, i = 0 … G + k - 1.
public struct TwoSidedBasis: EdgeBasis, Hashable {
  public enum Function: String, Sendable, Hashable, CaseIterable {
    /// `(uv)²`
    case quad1
    /// `uv + u² + v²`
    case quad2
    case sum, prod
    /// `u + v + uv`
    case sumProd
    /// `(u + v)(u² + v²)`
    case cubic1
    /// `(uv)³`
    case cubic2

    public func callAsFunction(_ u: Tensor, _ v: Tensor) -> Tensor {
      switch self {
      case .quad1: (u * v).squared()
      case .quad2: u * v + u.squared() + v.squared()
      case .sum: u + v
      case .prod: u * v
      case .sumProd: u + v + u * v
      case .cubic1: (u + v) * (u.squared() + v.squared())
      case .cubic2: (u * v).squared() * (u * v)
      }
    }
  }

  /// Who owns L and H.
  public enum Phases: String, Sendable, Hashable, CaseIterable { case fixed, layer, input }

  public var activation: Activation
  public var function: Function
  public var grid: Int
  public var order: Int
  public var phases: Phases
  /// Multiplies the features: `r² = (4G²/(k+1)²)²` makes the squared bump of ReLU-KAN have maximum 1.
  public var factor: Double

  public init(
    _ activation: Activation = .silu, function: Function = .quad1, grid: Int = 3, order: Int = 3,
    phases: Phases = .layer, factor: Double = 1
  ) {
    require(grid >= 1 && order >= 0, "a two-sided basis wants a grid of at least 1 and an order of at least 0")
    self.activation = activation
    self.function = function
    self.grid = grid
    self.order = order
    self.phases = phases
    self.factor = factor
  }

  /// `(r · ReLU(x - L) ReLU(H - x))²` with maximum 1, every input with its own trained phases.
  public static func relu(grid: Int = 3, order: Int = 3) -> TwoSidedBasis {
    let r = 4 * Double(grid * grid) / Double((order + 1) * (order + 1))
    return TwoSidedBasis(.relu, function: .quad1, grid: grid, order: order, phases: .input, factor: r * r)
  }

  public var name: String { "two-sided \(activation.displayName), \(function.rawValue)" }
  public var count: Int { grid + order }
  public var range: ClosedRange<Double> { -Double(order) / Double(grid)...1 + Double(order) / Double(grid) }
  /// Where the copies begin to rise.
  public var low: [Double] { (0..<count).map { Double($0 - order) / Double(grid) } }
  /// Where they have fallen.
  public var high: [Double] { low.map { $0 + Double(order + 1) / Double(grid) } }

  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    func phase(_ name: String, _ start: [Double]) -> Tensor {
      let initializer = Initializer(name) { shape, _, dtype in Tensor(start).cast(to: dtype).broadcast(to: shape) }
      switch phases {
      case .fixed: return Tensor(start).cast(to: x.dtype)
      case .layer: return scope.parameter(name, [count], initializer, dtype: x.dtype)
      case .input: return scope.parameter(name, [x.shape.last, count], initializer, dtype: x.dtype)
      }
    }
    let place = x.expandDimensions(at: -1)
    let inner = scope["activation"]
    let u = activation(place - phase("low", low), inner)
    let v = activation(phase("high", high) - place, inner)
    let features = function(u, v)
    return factor == 1 ? features : features * factor
  }
}

/// Edges of two-sided ReLUs on normalized inputs, then a full linear map (Qiu et al. 2024, arXiv 2406.02075).
/// - Shape: `[..., inputs]` → `[..., units]`
public struct ReLUKANLayer: Layer {
  public var units: Int
  public var basis: TwoSidedBasis

  public init(_ units: Int, grid: Int = 3, order: Int = 3) {
    self.units = units
    basis = .relu(grid: grid, order: order)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let h = LayerNorm()(x, scope["norm"])
    let rows = Shape(x.shape.dimensions.dropLast() + [x.shape.last * basis.count])
    return Dense(units)(basis.values(h, scope["basis"]).reshape(rows), scope["map"])
  }
}
