extension Primitive {
  /// `v · ∂result/∂operand[i]` of an elementwise primitive, which serves both modes of differentiation; nil where the
  /// derivative is zero or the primitive is not elementwise.
  func elementwiseDerivative(_ i: Int, _ x: [Tensor], _ y: Tensor, times v: Tensor) -> Tensor? {
    switch self {
    case .unary(let function): function.derivative(x[0], y, times: v)
    case .polygamma(let order): v * x[0].polygamma(order + 1)
    case .binary(let function): function.derivative(i, x[0], x[1], y, times: v)
    case .select: i == 0 ? nil : i == 1 ? .select(x[0], v, 0) : .select(x[0], 0, v)
    case .cast(let dtype):
      dtype.isFloating && x[0].dtype.isFloating ? v.cast(to: v.dtype == dtype ? x[0].dtype : dtype) : nil
    case .stopGradient, .compare, .constant, .iota, .randomBits: nil
    case .dot, .convolution, .splineSum, .reduce, .argReduce, .cumulative, .windowReduce, .windowArgMax, .reshape,
      .transpose,
      .broadcast, .slice, .pad, .concatenate, .reverse, .gather, .scatterAdd, .argSort, .argTopK, .fourier,
      .realFourier, .inverseRealFourier, .cholesky, .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve,
      .logDeterminant, .scan, .custom, .checkpoint:
      nil
    }
  }
}

extension Unary {
  /// `v · f′(x)`, where `y = f(x)`; nil for a derivative of zero.
  func derivative(_ x: Tensor, _ y: Tensor, times v: Tensor) -> Tensor? {
    switch self {
    case .negate: -v
    case .abs: v * x.sign()
    case .sign, .floor, .ceil, .round, .isFinite, .not: nil
    case .exp: v * y
    case .expm1: v * (y + 1)
    case .log: v / x
    case .log1p: v / (x + 1)
    case .sqrt: v * 0.5 / y
    case .rsqrt: v * -0.5 * y / x
    case .sin: v * x.cos()
    case .cos: -v * x.sin()
    case .tan: v * (y * y + 1)
    case .asin: v * (1 - x * x).rsqrt()
    case .acos: -v * (1 - x * x).rsqrt()
    case .atan: v / (x * x + 1)
    case .sinh: v * x.cosh()
    case .cosh: v * x.sinh()
    case .tanh: v * (1 - y * y)
    case .asinh: v * (x * x + 1).rsqrt()
    case .acosh: v * ((x - 1) * (x + 1)).rsqrt()
    case .atanh: v / ((1 - x) * (1 + x))
    case .erf: v * 1.1283791670955126 * (-x * x).exp()
    case .erfc: v * -1.1283791670955126 * (-x * x).exp()
    case .erfInverse: v * 0.886226925452758 * (y * y).exp()
    case .lgamma: v * x.digamma()
    case .logistic: v * (y * (1 - y))
    }
  }
}

extension Binary {
  /// `v · ∂f(a, b)/∂(operand i)`, where `y = f(a, b)`; nil for a derivative of zero.
  func derivative(_ i: Int, _ a: Tensor, _ b: Tensor, _ y: Tensor, times v: Tensor) -> Tensor? {
    switch self {
    case .add: v
    case .subtract: i == 0 ? v : -v
    case .multiply: v * (i == 0 ? b : a)
    case .divide: i == 0 ? v / b : -v * y / b
    case .remainder: i == 0 ? v : -v * (a / b).floor()
    case .power:
      if i == 0 {
        // 0 · ∞ must not arise where the exponent is zero.
        v * Tensor.select(b .== 0, 0, b * a.power(Tensor.select(b .== 0, 1, b) - 1))
      } else {
        v * y * Tensor.select(a .> 0, a, 1).log()
      }
    case .maximum, .minimum:
      // Operands that tie share the derivative.
      Tensor.select(a .== b, v * 0.5, Tensor.select(wins(i, a, b), v, 0))
    case .atan2: i == 0 ? v * b / (a * a + b * b) : -v * a / (a * a + b * b)
    case .and, .or, .xor, .shiftLeft, .shiftRight: nil
    }
  }

  private func wins(_ i: Int, _ a: Tensor, _ b: Tensor) -> Tensor { (self == .maximum) == (i == 0) ? a .> b : a .< b }
}
