import Soma

/// A function of its own on every edge; nodes only add (Liu et al. 2024, arXiv 2404.19756):
///
///     y_o = Σ_i m_io · (w_b,io · b(x_i) + w_s,io · Σ_r c_i,r,o B_r(x_i))
///
/// `b` is a fixed base function, `B` any basis, `m` a mask. With B-splines only `order + 1` terms of the inner sum are evaluated. An
/// edge may instead be a named function, `c·f(a x + b) + d` with trained a, b, c, d.
/// - Shape: `[..., inputs]` → `[..., units]`
public struct KANLayer: Layer {
  public enum Base: Sendable, Hashable {
    case zero, identity
    case activation(Activation)
    public static let silu = Base.activation(.silu)
  }

  public enum Initialization: Sendable, Hashable {
    /// Small random curves, `w_b ~ (μ + U(-1, 1))/√inputs`, `w_s = 1/√inputs`: as the authors' library begins.
    case small(mean: Double)
    /// `c ~ N(0, 0.1²)`, `w_s = 1`, `w_b` Xavier-normal: as the paper says.
    case paper
    public static let small = Initialization.small(mean: 0)
  }

  public var units: Int
  public var basis: any EdgeBasis
  public var base: Base
  public var initialization: Initialization
  /// Whether every edge has a trained factor `w_s` of its basis' part.
  public var usesScale: Bool
  /// Whether edges can be switched off; costs a product with every coefficient.
  public var usesMask: Bool
  /// Edges that are named functions; their places in the mask are zero.
  public var symbolic: [SymbolicEdge] = []

  public init(
    _ units: Int, basis: any EdgeBasis = BSpline(), base: Base = .silu, initialization: Initialization = .small,
    usesScale: Bool = true, usesMask: Bool = false
  ) {
    require(units > 0, "a KAN layer has at least one unit, not \(units)")
    self.units = units
    self.basis = basis
    self.base = base
    self.initialization = initialization
    self.usesScale = usesScale
    self.usesMask = usesMask
  }

  /// B-splines on `intervals` intervals of a range.
  public init(_ units: Int, intervals: Int, order: Int = 3, range: ClosedRange<Double> = -1...1, base: Base = .silu) {
    self.init(units, basis: BSpline(order: order, intervals: intervals, range: range), base: base)
  }

  private struct Weights {
    /// `[i, r, o]`, scaled and masked
    var coefficients: Tensor
    /// `[i, o]`, masked
    var base: Tensor?
  }

  private func weights(_ x: Tensor, _ scope: Scope) -> Weights {
    let inputs = x.shape.last
    let isPaper = initialization == .paper
    var coefficients = scope.parameter(
      "coefficients", [inputs, basis.count, units], isPaper ? .normal(0.1) : basis.initializer, dtype: x.dtype)
    var base: Tensor?
    if self.base != .zero {
      let start: Initializer
      switch initialization {
      case .paper: start = .glorotNormal
      case .small(let mean):
        start = Initializer("base") { shape, key, dtype in
          (Tensor.uniform(shape, low: -1, high: 1, key: key, dtype: dtype) + mean) * (1 / Double(shape[0]).squareRoot())
        }
      }
      base = scope.parameter("base", [inputs, units], start, dtype: x.dtype)
    }
    var factor: Tensor?
    if usesScale {
      let start = isPaper ? 1 : 1 / Double(max(1, inputs)).squareRoot()
      factor = scope.parameter("scale", [inputs, units], .constant(start), dtype: x.dtype)
    }
    if usesMask {
      let mask = scope.state("mask", [inputs, units], .ones, dtype: x.dtype)
      factor = factor.map { $0 * mask } ?? mask
      base = base.map { $0 * mask }
    }
    if let factor { coefficients = coefficients * factor.expandDimensions(at: 1) }
    return Weights(coefficients: coefficients, base: base)
  }

  private func base(_ x: Tensor, _ scope: Scope) -> Tensor {
    switch base {
    case .zero: Tensor.zeros(like: x)
    case .identity: x
    case .activation(let activation): activation(x, scope["activation"])
    }
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let weights = weights(x, scope)
    var y = basis.sum(x, weights.coefficients, scope)
    if let matrix = weights.base { y = y + base(x, scope).matmul(matrix) }
    for edge in symbolic {
      let column = edge.value(x[.ellipsis, edge.input], scope).expandDimensions(at: -1)
      y = y + column * Tensor(edge.place(units)).cast(to: x.dtype)
    }
    return y
  }

  /// What every edge adds, and the part of it that the basis makes.
  /// - Shape: `[n, i]` → `[n, i, units]` both
  public func edges(_ x: Tensor, _ scope: Scope) -> (curves: Tensor, basisPart: Tensor) {
    scope {
      let weights = weights(x, scope)
      let part = basis.curves(x, weights.coefficients, scope)
      var curves = part
      if let matrix = weights.base { curves = curves + base(x, scope).expandDimensions(at: -1) * matrix }
      for edge in symbolic {
        var place = [Double](repeating: 0, count: x.shape.last * units)
        place[edge.input * units + edge.output] = 1
        let value = edge.value(x[.all, edge.input], scope).reshape([x.shape[0], 1, 1])
        curves = curves + value * Tensor(place, shape: [x.shape.last, units]).cast(to: x.dtype)
      }
      return (curves, part)
    }
  }
}

/// An edge that is a named function, `c·f(a x + b) + d` with trained a, b, c, d.
public struct SymbolicEdge: Sendable, Hashable {
  public var input: Int
  public var output: Int
  public var function: SymbolicFunction
  /// a, b, c, d at the start.
  public var start: [Double]
  /// Where the function's values are cut. As large as in fitting: a formula is not cut at all, and should say the same.
  public var threshold = 1000.0

  public init(input: Int, output: Int, function: SymbolicFunction, start: [Double] = [1, 0, 1, 0]) {
    require(start.count == 4, "a symbolic edge has four numbers, not \(start.count)")
    self.input = input
    self.output = output
    self.function = function
    self.start = start
  }

  var parameterName: String { "symbolic/\(input)-\(output)" }

  func value(_ x: Tensor, _ scope: Scope) -> Tensor {
    let start = self.start
    let initializer = Initializer("affine") { _, _, dtype in Tensor(start).cast(to: dtype) }
    let p = scope.parameter(parameterName, [4], initializer, dtype: x.dtype)
    return p[2] * function(p[0] * x + p[1], threshold: threshold) + p[3]
  }

  func place(_ units: Int) -> [Double] { (0..<units).map { $0 == output ? 1 : 0 } }
}
