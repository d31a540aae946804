import Soma

/// A differentiable function of float64 tensors and a point where it is smooth: one case for each primitive and for each
/// setting that takes another path through the rules.
struct DerivativeCase: Sendable, CustomStringConvertible {
  let description: String
  let inputs: [Tensor]
  let function: @Sendable ([Tensor]) -> Tensor

  init(_ description: String, _ inputs: [Tensor], _ function: @escaping @Sendable ([Tensor]) -> Tensor) {
    self.description = description
    self.inputs = inputs
    self.function = function
  }

  /// Numbers in (low, high), different for each seed.
  static func numbers(_ shape: Shape, _ low: Double = -1, _ high: Double = 1, seed: Int = 1) -> Tensor {
    Tensor.uniform(shape, low: low, high: high, key: Key(seed), dtype: .float64)
  }

  private static func unary(
    _ name: String, _ low: Double, _ high: Double, _ function: @escaping @Sendable (Tensor) -> Tensor
  ) -> DerivativeCase {
    DerivativeCase(name, [numbers([2, 3], low, high, seed: 7)]) { function($0[0]) }
  }

  private static var spd: Tensor {
    let a = numbers([2, 3, 3], seed: 11)
    return a.matmul(a.T) + Tensor.eye(3, dtype: .float64) * 2
  }

  /// Sums of splines of order 5, which are smooth enough for third derivatives.
  private static func splines(_ name: String, unevenness: Double) -> DerivativeCase {
    let row: [Double] = (0..<15).map { j in Double(j) * 0.5 - 3.5 + unevenness * Double(j % 4) }
    return DerivativeCase(name, [numbers([5, 2], -1.1, 1.1), numbers([2, 9, 3], seed: 2)]) {
      $0[0].splineSum(knots: Tensor(row + row, shape: [2, 15]), coefficients: $0[1], order: 5).squared()
    }
  }

  static let elementwise: [DerivativeCase] = [
    unary("negate", -1, 1) { -$0 }, unary("abs", 0.2, 1) { ($0 - 0.1).abs() }, unary("exp", -2, 2) { $0.exp() },
    unary("expm1", -1, 1) { $0.expm1() }, unary("log", 0.5, 2) { $0.log() }, unary("log1p", -0.5, 2) { $0.log1p() },
    unary("sqrt", 0.5, 2) { $0.sqrt() }, unary("rsqrt", 0.5, 2) { $0.rsqrt() }, unary("sin", -3, 3) { $0.sin() },
    unary("cos", -3, 3) { $0.cos() }, unary("tan", -1, 1) { $0.tan() }, unary("asin", -0.8, 0.8) { $0.asin() },
    unary("acos", -0.8, 0.8) { $0.acos() }, unary("atan", -2, 2) { $0.atan() }, unary("sinh", -2, 2) { $0.sinh() },
    unary("cosh", -2, 2) { $0.cosh() }, unary("tanh", -2, 2) { $0.tanh() }, unary("asinh", -2, 2) { $0.asinh() },
    unary("acosh", 1.3, 3) { $0.acosh() }, unary("atanh", -0.8, 0.8) { $0.atanh() }, unary("erf", -2, 2) { $0.erf() },
    unary("erfc", -2, 2) { $0.erfc() }, unary("erfInverse", -0.8, 0.8) { $0.erfInverse() },
    unary("lgamma", 0.5, 4) { $0.lgamma() }, unary("digamma", 0.5, 4) { $0.digamma() },
    unary("polygamma2", 0.5, 4) { $0.polygamma(2) }, unary("logistic", -3, 3) { $0.logistic() },
    unary("softplus", 0.1, 2) { $0.softplus() }, unary("sinc", 0.1, 2) { $0.sinc() },
    unary("cast", -1, 1) { ($0 * $0).cast(to: .float64) },
    DerivativeCase("add", [numbers([2, 3]), numbers([3], seed: 2)]) { $0[0] + $0[1] * $0[1] },
    DerivativeCase("subtract", [numbers([2, 3]), numbers([2, 1], seed: 2)]) { $0[0] - $0[1] * $0[1] },
    DerivativeCase("multiply", [numbers([2, 3]), numbers([2, 3], seed: 2)]) { $0[0] * $0[1] },
    DerivativeCase("divide", [numbers([2, 3]), numbers([2, 3], 0.5, 2, seed: 2)]) { $0[0] / $0[1] },
    DerivativeCase("remainder", [numbers([2, 3], 2.1, 2.9), numbers([2, 3], 0.97, 1.03, seed: 2)]) { $0[0] % $0[1] },
    DerivativeCase("power", [numbers([2, 3], 0.5, 2), numbers([2, 3], -2, 2, seed: 2)]) { $0[0].power($0[1]) },
    DerivativeCase("maximum", [numbers([2, 3]), numbers([2, 3], seed: 2)]) { $0[0].maximum($0[1] * $0[1]) },
    DerivativeCase("minimum", [numbers([2, 3]), numbers([2, 3], seed: 2)]) { ($0[0] * $0[0]).minimum($0[1]) },
    DerivativeCase("atan2", [numbers([2, 3], 0.5, 1), numbers([2, 3], seed: 2)]) { $0[0].atan2($0[1]) },
    DerivativeCase("select", [numbers([2, 3]), numbers([2, 3], seed: 2)]) {
      Tensor.select($0[0] .> 0.05, $0[0] * $0[1], $0[1] * $0[1])
    },
    DerivativeCase("logAddExp", [numbers([2, 3]), numbers([2, 3], seed: 2)]) { $0[0].logAddExp($0[1]) },
  ]

  static let structural: [DerivativeCase] = [
    DerivativeCase("reshape", [numbers([2, 3])]) { $0[0].reshape(3, 2).squared() },
    DerivativeCase("transpose", [numbers([2, 3, 4])]) { $0[0].transposed(2, 0, 1).squared() },
    DerivativeCase("broadcast", [numbers([3, 1])]) { $0[0].broadcast(to: [2, 3, 4]).squared() },
    DerivativeCase("slice", [numbers([5, 4])]) { $0[0][.stride(from: 1, by: 3), 1..<3].squared() },
    DerivativeCase("slice backwards", [numbers([5, 4])]) { $0[0][.stride(by: -2), .all].squared() },
    DerivativeCase("pad", [numbers([2, 3])]) { $0[0].padded(low: [1, 0], high: [0, 2], interior: [2, 1]).squared() },
    DerivativeCase("concatenate", [numbers([2, 3]), numbers([2, 2], seed: 2)]) {
      Tensor.concatenate([$0[0], $0[1]], axis: 1).squared()
    },
    DerivativeCase("reverse", [numbers([2, 3])]) { $0[0].reversed([1]).squared() * Tensor([1.0, 2, 3]) },
    DerivativeCase("gather", [numbers([4, 3])]) { $0[0].take(Tensor([2, 0, 2] as [Int32]), axis: 0).squared() },
    DerivativeCase("gather batched", [numbers([3, 4])]) {
      $0[0].takeAlong(Tensor([1, 3, 0, 0, 2, 2] as [Int32], shape: [3, 2]), axis: 1).squared()
    },
    DerivativeCase("scatterAdd", [numbers([4, 3]), numbers([3, 3], seed: 2)]) {
      $0[0].squared().scatterAdding($0[1].squared(), at: Tensor([1, 1, 3] as [Int32]))
    },
    DerivativeCase("sort", [numbers([3, 5])]) { $0[0].sorted(1).squared() * Tensor([1.0, 2, 3, 4, 5]) },
    DerivativeCase("topK", [numbers([3, 5])]) { $0[0].topK(2).values.squared() },
    DerivativeCase("sum", [numbers([2, 3, 4])]) { $0[0].squared().sum([0, 2]) },
    DerivativeCase("product", [numbers([2, 3, 2], 0.5, 1.5)]) { $0[0].product([0, 2]) },
    DerivativeCase("product with a zero", [Tensor([0.0, 2, 3, 4])]) { $0[0].product() },
    DerivativeCase("max", [numbers([2, 3, 4])]) { $0[0].max([1]).squared() },
    DerivativeCase("min", [numbers([2, 3, 4])]) { $0[0].min([0, 2]).squared() },
    DerivativeCase("cumulativeSum", [numbers([2, 4])]) { $0[0].cumulativeSum(1, reverse: true).squared() },
    DerivativeCase("cumulativeProduct", [numbers([3, 4], 0.5, 1.5)]) { $0[0].cumulativeProduct(1) },
    DerivativeCase("cumulativeProduct with a zero", [Tensor([2.0, 0, 3, 4])]) {
      $0[0].cumulativeProduct(0, reverse: true)
    },
    DerivativeCase("cumulativeMax", [numbers([3, 5])]) { $0[0].cumulativeMax(1).squared() },
    DerivativeCase("cumulativeMin reversed", [numbers([3, 5])]) { $0[0].cumulativeMin(1, reverse: true).squared() },
    DerivativeCase("window sum", [numbers([2, 6, 5])]) {
      $0[0].squared().sumPool([3, 2], strides: [2, 1], padding: .explicit([1, 0], [0, 1]), dilations: [1, 2])
    },
    DerivativeCase("window max", [numbers([2, 6, 5])]) {
      $0[0].maxPool([3, 2], strides: [2, 2], padding: .explicit([1, 0], [1, 1])).squared()
    },
    DerivativeCase("average pool", [numbers([2, 5, 5])]) {
      $0[0].squared().averagePool([3, 3], strides: [2, 2], padding: .same)
    },
    DerivativeCase("softmax", [numbers([2, 4])]) { $0[0].softmax() },
    DerivativeCase("logSumExp", [numbers([2, 4])]) { $0[0].logSumExp([1]) },
    DerivativeCase("resize", [numbers([1, 2, 3, 4])]) { $0[0].squared().resized([5, 7]) },
  ]

  static let linear: [DerivativeCase] = [
    DerivativeCase("dot", [numbers([2, 3]), numbers([3, 4], seed: 2)]) { $0[0].matmul($0[1]) },
    DerivativeCase("dot batched", [numbers([2, 3, 4]), numbers([2, 4, 2], seed: 2)]) { $0[0].matmul($0[1]) },
    DerivativeCase("dot of many axes", [numbers([2, 3, 4, 2]), numbers([4, 2, 5, 3], seed: 2)]) {
      Tensor.einsum("abcd,cdeb->bea", $0[0], $0[1])
    },
    DerivativeCase("convolution 1-d", [numbers([2, 2, 7]), numbers([3, 2, 3], seed: 2)]) {
      $0[0].convolution($0[1], strides: [2], padding: .explicit([1], [2]))
    },
    DerivativeCase("convolution 2-d grouped", [numbers([2, 4, 5, 4]), numbers([4, 2, 3, 2], seed: 2)]) {
      $0[0].convolution($0[1], strides: [1, 2], padding: .same, dilations: [2, 1], groups: 2)
    },
    DerivativeCase("convolution 3-d", [numbers([1, 2, 3, 4, 3]), numbers([2, 2, 2, 2, 2], seed: 2)]) {
      $0[0].convolution($0[1])
    },
    splines("spline sum", unevenness: 0.1), splines("spline sum, even knots", unevenness: 0),
    DerivativeCase("transposed convolution", [numbers([2, 3, 3, 2]), numbers([3, 2, 3, 3], seed: 2)]) {
      $0[0].transposedConvolution($0[1], strides: [2, 2], low: [1, 1], high: [1, 0], outputPadding: [1, 0])
    },
    DerivativeCase("fourier", [numbers([2, 6]), numbers([2, 6], seed: 2)]) {
      let (re, im) = $0[0].fourier(imaginary: $0[1], axis: 1)
      return re.squared() + im * re
    },
    DerivativeCase("inverse fourier", [numbers([5, 2]), numbers([5, 2], seed: 2)]) {
      let (re, im) = Tensor.inverseFourier(real: $0[0], imaginary: $0[1], axis: 0)
      return re.squared() + im * re
    },
    DerivativeCase("real fourier even", [numbers([2, 6])]) {
      let (re, im) = $0[0].realFourier()
      return re.squared() + im * re
    },
    DerivativeCase("real fourier odd", [numbers([5, 2])]) {
      let (re, im) = $0[0].realFourier(axis: 0)
      return re.squared() + im * re
    },
    DerivativeCase("inverse real fourier even", [numbers([2, 4]), numbers([2, 4], seed: 2)]) {
      Tensor.inverseRealFourier(real: $0[0], imaginary: $0[1], length: 6).squared()
    },
    DerivativeCase("inverse real fourier odd", [numbers([3, 2]), numbers([3, 2], seed: 2)]) {
      Tensor.inverseRealFourier(real: $0[0], imaginary: $0[1], length: 5, axis: 0).squared()
    },
    DerivativeCase("cholesky", [spd]) { $0[0].cholesky() },
    DerivativeCase("triangularSolve lower", [spd, numbers([2, 3, 2], seed: 2)]) { $0[0].triangularSolve($0[1]) },
    DerivativeCase("triangularSolve upper transposed", [spd, numbers([2, 3, 2], seed: 2)]) {
      $0[0].triangularSolve($0[1], lower: false, transposed: true)
    },
    DerivativeCase("triangularSolve unit", [spd, numbers([2, 3, 2], seed: 2)]) {
      $0[0].triangularSolve($0[1], unitDiagonal: true)
    },
    DerivativeCase("symmetricEigen values", [spd]) { $0[0].symmetricEigen().values.squared() },
    DerivativeCase("symmetricEigen vectors", [spd]) {
      let v = $0[0].symmetricEigen().vectors
      return v.squared() * Tensor([1.0, 2, 3])
    },
    DerivativeCase("singularValues tall", [numbers([4, 3], seed: 5)]) {
      let (u, s, vt) = $0[0].singularValues()
      return (u * Tensor([1.0, 2, 4])).matmul(vt).squared() * s.sum()
    },
    DerivativeCase("singularValues wide", [numbers([2, 3], seed: 5)]) {
      let (u, s, vt) = $0[0].singularValues()
      return (u * Tensor([1.0, 3])).matmul(vt) * s.product()
    },
    DerivativeCase("qr tall", [numbers([4, 3], seed: 3)]) {
      let (q, r) = $0[0].qr()
      return q.matmul(r.squared()) + q
    },
    DerivativeCase("qr wide", [numbers([2, 4], seed: 3)]) {
      let (q, r) = $0[0].qr()
      return q.matmul(r.squared())
    },
    DerivativeCase("solve", [spd, numbers([2, 3, 2], seed: 2)]) { $0[0].solve($0[1]) },
    DerivativeCase("inverse", [spd]) { $0[0].inverse() },
    DerivativeCase("logDeterminant", [spd]) { $0[0].logDeterminant().logMagnitude },
  ]

  static let structured: [DerivativeCase] = [
    DerivativeCase("scan", [numbers([2]), numbers([4, 2], seed: 2), numbers([2, 2], seed: 3)]) { x in
      let (last, all) = scan([x[0]], [x[1]]) { carry, slice in
        let next = (carry[0].matmul(x[2]) + slice[0]).tanh()
        return ([next], [next * next])
      }
      return last[0] + all[0].sum([0])
    },
    DerivativeCase("scan reversed", [numbers([2]), numbers([3, 2], seed: 2)]) { x in
      let (last, all) = scan([x[0], Tensor(0, dtype: .int32)], [x[1]], reverse: true) { carry, slice in
        let next = carry[0] * slice[0] + slice[0].sin()
        return ([next, carry[1] + 1], [next * carry[1].cast(to: .float64)])
      }
      return last[0] * all[0].sum([0])
    },
    DerivativeCase("custom pullback", [numbers([3]), numbers([3], seed: 2)]) { x in
      withPullback(
        "product", x, { [$0[0] * $0[1].exp()] },
        pullback: { x, y, g in
          [g[0] * x[1].exp(), g[0] * y[0]]
        })[0]
    },
    DerivativeCase("custom pushforward", [numbers([3]), numbers([3], seed: 2)]) { x in
      withPushforward(
        "product", x, { [$0[0] * $0[1].exp()] },
        pushforward: { x, y, t in
          [t[0] * x[1].exp() + y[0] * t[1]]
        })[0]
    },
    DerivativeCase("checkpoint", [numbers([3]), numbers([3], seed: 2)]) { x in
      checkpoint { (v: [Tensor]) in (v[0].sin() * v[1]).exp() }(x)
    },
    DerivativeCase("captured tensors", [numbers([3]), numbers([3], seed: 2)]) { x in
      let inner = grad { (v: Tensor) in (v * x[1]).sin().sum() }
      return inner(x[0]) * x[0]
    },
  ]

  static let all = elementwise + structural + linear + structured
}
