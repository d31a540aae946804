import Soma

/// The functions that are tried in pruned networks (Loni, Mohan, Asadi, Lindauer 2023, arXiv 2305.10964), at unit scales.
public enum SparseOperator: String, Hashable, Sendable, CaseIterable, Codable {
  case relu6, hardSwish, swish, tanhSoft, acon, gelu, srs, linear, relu, elu, selu, tanh, hardTanh, softplus, logSigmoid
  // Beyond the publication's list.
  case symlog, symexp, sine, cosine, mish, sigmoid, elish

  /// The publication's fifteen.
  public static let published: [SparseOperator] = Array(allCases.prefix(15))

  /// The value at unit scales.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    self(x, alpha: Tensor(1, dtype: x.dtype), beta: Tensor(1, dtype: x.dtype), p: Tensor(1, dtype: x.dtype))
  }

  /// `α h(βx)`; where the publication has the scales inside (swish `α x σ(βx)`, TanhSoft `tanh(αx) softplus(βx)`, ACON
  /// `(α - β) x σ(p (α - β) x) + βx`), as there.
  public func callAsFunction(_ x: Tensor, alpha: Tensor, beta: Tensor, p: Tensor) -> Tensor {
    switch self {
    case .swish: return alpha * x * (beta * x).logistic()
    case .tanhSoft: return (alpha * x).tanh() * (beta * x).softplus()
    case .acon:
      let gap = alpha - beta
      return gap * x * (p * gap * x).logistic() + beta * x
    default: return alpha * plain(beta * x)
    }
  }

  private func plain(_ x: Tensor) -> Tensor {
    let negative = x.minimum(0)
    switch self {
    case .relu6: return x.clipped(0.0, 6.0)
    case .hardSwish: return x * ((x + 3).clipped(0.0, 6.0) / 6)
    case .gelu: return Activation.gelu(x)
    case .srs:
      // x/(x/5 + e^{-x/3}): the exponential is kept finite where the quotient has long been nearly 0.
      return x / (x / 5 + (-x / 3).minimum(80).exp())
    case .linear: return x
    case .relu: return x.maximum(0)
    case .elu: return .select(x .> 0, x, negative.expm1())
    case .selu:
      let (scale, alpha) = (1.0507009873554805, 1.6732632423543772)
      return scale * Tensor.select(x .> 0, x, alpha * negative.expm1())
    case .tanh: return x.tanh()
    case .hardTanh: return x.clipped(-1.0, 1.0)
    case .softplus: return x.softplus()
    case .logSigmoid: return x.logSigmoid()
    case .symlog: return x.sign() * x.abs().log1p()
    case .symexp: return x.sign() * x.abs().minimum(80).expm1()
    case .sine: return x.sin()
    case .cosine: return x.cos()
    case .mish: return x * x.softplus().tanh()
    case .sigmoid: return x.logistic()
    case .elish: return Tensor.select(x .> 0, x, negative.expm1()) * x.logistic()
    case .swish, .tanhSoft, .acon: return self(x)
    }
  }
}

/// `α h(βx)` with one operator for the layer or one for each unit; α, β (and ACON's p) begin at 1 and are trained or not. β
/// stays in 10⁻³ … 10. (Loni, Mohan, Asadi, Lindauer 2023, arXiv 2305.10964)
/// - Shape: `[…, n]`, unchanged
public struct ScaledOperator: Layer, Hashable {
  /// One, or one for each unit of the last axis.
  public var operators: [SparseOperator]
  public var isTrained: Bool

  public init(_ operators: [SparseOperator], isTrained: Bool = false) {
    require(!operators.isEmpty, "a scaled operator has an operator")
    self.operators = operators
    self.isTrained = isTrained
  }
  public init(_ operation: SparseOperator, isTrained: Bool = false) { self.init([operation], isTrained: isTrained) }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    func scale(_ name: String) -> Tensor {
      isTrained ? scope.parameter(name, [], .ones, dtype: x.dtype) : Tensor(1, dtype: x.dtype)
    }
    let (alpha, beta) = (scale("alpha"), scale("beta"))
    let p = operators.contains(.acon) ? scale("p") : Tensor(1, dtype: x.dtype)
    if isTrained { scope.project("beta") { $0.clipped(1e-3, 10.0) } }
    guard operators.count > 1 else { return operators[0](x, alpha: alpha, beta: beta, p: p) }
    require(
      operators.count == x.shape.last,
      "scaled operator \(scope.path): \(operators.count) operators for input \(x.shape)")
    // Each function runs once over all units and is kept where it belongs.
    var result = Tensor.zeros(like: x)
    for operation in Set(operators).sorted(by: { $0.rawValue < $1.rawValue }) {
      let mask = Tensor(operators.map { $0 == operation })
      result = .select(mask, operation(x, alpha: alpha, beta: beta, p: p), result)
    }
    return result
  }
}
