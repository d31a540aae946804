import Testing

@testable import Soma

/// Third derivatives: all eight sequences of forward and reverse mode, against closed forms and against each other.
@Suite struct ThirdDerivativeTests {
  static let modes: [[DifferentiationMode]] = (0..<8).map { n in (0..<3).map { n >> $0 & 1 == 0 ? .reverse : .forward }
  }

  // MARK: Elementwise functions

  static let functions: [String: @Sendable (Tensor) -> Tensor] = [
    "negate": { -$0 }, "abs": { $0.abs() }, "exp": { $0.exp() }, "expm1": { $0.expm1() }, "log": { $0.log() },
    "log1p": { $0.log1p() }, "sqrt": { $0.sqrt() }, "rsqrt": { $0.rsqrt() }, "sin": { $0.sin() }, "cos": { $0.cos() },
    "tan": { $0.tan() }, "asin": { $0.asin() }, "acos": { $0.acos() }, "atan": { $0.atan() }, "sinh": { $0.sinh() },
    "cosh": { $0.cosh() }, "tanh": { $0.tanh() }, "asinh": { $0.asinh() }, "acosh": { $0.acosh() },
    "atanh": { $0.atanh() }, "erf": { $0.erf() }, "erfc": { $0.erfc() }, "erfInverse": { $0.erfInverse() },
    "lgamma": { $0.lgamma() }, "digamma": { $0.digamma() }, "logistic": { $0.logistic() },
    "softplus": { $0.softplus() }, "power 2.5": { $0.power(2.5) }, "power -1.5": { $0.power(-1.5) },
    "2.5 to the power": { Tensor(2.5, dtype: .float64).power($0) },
    "atan2": { $0.atan2(Tensor(0.75, dtype: .float64)) }, "reciprocal": { $0.reciprocal() },
  ]

  @Test func everyDifferentiableFunctionHasAGoldenThirdDerivative() {
    #expect(Set(Self.functions.keys) == Set(ThirdDerivativeGolden.all.keys))
    let names = Set(Unary.allCases.map { "\($0)" })
    #expect(names.subtracting(Self.functions.keys) == ["sign", "floor", "ceil", "round", "isFinite", "not"])
  }

  @Test(arguments: functions.keys.sorted())
  func elementwiseFunctionsAgreeWithMpmath(_ name: String) throws {
    let golden = try #require(ThirdDerivativeGolden.all[name])
    let x = Tensor(golden.x)
    for order in Self.modes {
      var f: (Tensor) -> Tensor = Self.functions[name]!
      for mode in order {
        let inner = f
        switch mode {
        case .reverse: f = grad { inner($0).sum() }
        case .forward: f = { jvp($0, tangent: Tensor.ones(like: $0), inner).tangent }
        }
      }
      for (found, expected) in zip(f(x).doubles, golden.third) {
        #expect(abs(found - expected) <= 1e-11 * max(1, abs(expected)), "\(order): \(found) instead of \(expected)")
      }
    }
  }

  // MARK: Every primitive and composites

  /// The derivative of `f` along `direction`, by one mode.
  static func along(
    _ direction: [Tensor], _ mode: DifferentiationMode, _ f: @escaping ([Tensor]) -> Tensor
  ) -> ([Tensor]) -> Tensor {
    switch mode {
    case .reverse:
      { x in zip(grad(f)(x), direction).map { ($0 * $1).sum() }.reduce(Tensor(0, dtype: .float64), +) }
    case .forward: { x in jvp(x, tangent: direction, f).tangent }
    }
  }

  static func directions(_ inputs: [Tensor]) -> [[Tensor]] {
    (0..<3).map { k in inputs.enumerated().map { DerivativeCase.numbers($1.shape, seed: 60 + 10 * k + $0) } }
  }

  static let composites: [DerivativeCase] = [
    DerivativeCase("softmax cross-entropy", [DerivativeCase.numbers([3, 4], seed: 5)]) {
      -($0[0].logSoftmax() * Tensor([1, 0, 3] as [Int32]).oneHot(4, dtype: .float64)).sum([-1]).mean()
    },
    DerivativeCase(
      "layer normalization",
      [DerivativeCase.numbers([2, 5], seed: 5), DerivativeCase.numbers([5], 0.5, 1.5, seed: 6)]
    ) {
      ($0[0] - $0[0].mean([-1], keepsAxes: true)) * ($0[0].variance([-1], keepsAxes: true) + 0.1).rsqrt() * $0[1]
    },
    DerivativeCase(
      "attention",
      [
        DerivativeCase.numbers([4, 3], seed: 5), DerivativeCase.numbers([4, 3], seed: 6),
        DerivativeCase.numbers([4, 2], seed: 7),
      ]
    ) { ($0[0].matmul($0[1].T) / 3.0.squareRoot()).softmax().matmul($0[2]) },
    DerivativeCase(
      "checkpoint in scan", [DerivativeCase.numbers([3], seed: 5), DerivativeCase.numbers([3, 3], seed: 6)]
    ) { x in
      scan([x[0]], [], length: 4) { carry, _ in
        ([checkpoint { (h: [Tensor]) in (h[0].matmul(h[1])).tanh() }([carry[0], x[1]])], [])
      }.carries[0]
    },
    DerivativeCase("scan in checkpoint", [DerivativeCase.numbers([3], seed: 5)]) { x in
      checkpoint { (h: Tensor) in
        scan([h], [Tensor([1.0, 0.5, 2])]) { carry, slice in ([(carry[0] * slice[0]).sin()], [carry[0]]) }.results[0]
      }(x[0])
    },
    DerivativeCase("custom in vmap", [DerivativeCase.numbers([3, 2], seed: 5)]) { x in
      vmap { (row: Tensor) in
        withPullback("cube", [row], { [$0[0] * $0[0] * $0[0]] }, pullback: { x, _, g in [g[0] * x[0] * x[0] * 3] })[0]
      }(x[0])
    },
  ]

  @Test(arguments: DerivativeCase.all + composites)
  func allOrdersAgreeWithEachOtherAndWithDifferences(_ c: DerivativeCase) {
    let y = c.function(c.inputs)
    let weights = DerivativeCase.numbers(y.shape, 0.5, 1.5, seed: 99)
    let f: ([Tensor]) -> Tensor = { (c.function($0) * weights).sum() }
    let d = Self.directions(c.inputs)
    // Second derivatives have tests of their own; their change along a direction is the third.
    let second = Self.along(d[1], .forward, Self.along(d[0], .reverse, f))
    let h = 1e-3
    func at(_ t: Double) -> Double { second(zip(c.inputs, d[2]).map { $0 + $1 * (t * h) }).scalar }
    let expected = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
    for order in Self.modes {
      let third = Self.along(d[2], order[2], Self.along(d[1], order[1], Self.along(d[0], order[0], f)))
      let found = third(c.inputs).scalar
      #expect(abs(found - expected) <= 2e-6 * max(1, abs(expected)), "\(order): \(found), differences give \(expected)")
    }
  }

  // MARK: Closed forms

  private static func third(_ f: @escaping (Tensor) -> Tensor, _ x: Tensor, _ u: Tensor) -> [Double] {
    modes.map { order in
      order.reduce({ f($0[0]) }) { along([u], $1, $0) }([x]).scalar
    }
  }

  /// Along u, log Σ exp has the third cumulant of u under softmax as third derivative.
  @Test func crossEntropyHasTheThirdCumulant() {
    let (z, u) = ([0.3, -1.2, 0.8, 0.1], [1.0, -0.5, 0.25, 2])
    let weights = z.map { exp64($0) }
    let p = weights.map { $0 / weights.reduce(0, +) }
    let mean = zip(p, u).map(*).reduce(0, +)
    let expected = zip(p, u).map { $0 * ($1 - mean) * ($1 - mean) * ($1 - mean) }.reduce(0, +)
    for found in Self.third({ -$0.logSoftmax()[2] }, Tensor(z), Tensor(u)) {
      #expect(abs(found - expected) < 1e-13, "\(found) instead of \(expected)")
    }
  }

  private func exp64(_ x: Double) -> Double { Tensor(x, dtype: .float64).exp().scalar }

  /// `x ← a x` seven times gives `x₀ a⁷`, with 7·6·5 a⁴ x₀ as third derivative.
  @Test func aLoopOfProductsIsAPower() {
    let (a, x0) = (0.75, 1.5)
    let expected = 210 * a * a * a * a * x0
    let found = Self.third(
      { a in scan([Tensor(x0, dtype: .float64)], [], length: 7) { carry, _ in ([carry[0] * a], []) }.carries[0] },
      Tensor(a, dtype: .float64), Tensor(1, dtype: .float64))
    for value in found { #expect(abs(value - expected) < 1e-12, "\(value) instead of \(expected)") }
  }

  /// A custom derivative is differentiated as it is written, not as the function is: the pullback `g · 5x²` of a
  /// function that computes x has the third derivative 10.
  @Test func customDerivativesAreDifferentiatedThemselves() {
    let found = Self.third(
      { x in withPullback("surrogate", [x], { [$0[0] * 1] }, pullback: { x, _, g in [g[0] * x[0] * x[0] * 5] })[0] },
      Tensor(0.7, dtype: .float64), Tensor(1, dtype: .float64))
    for value in found { #expect(abs(value - 10) < 1e-12) }
    let forward = Self.third(
      { x in
        withPushforward("surrogate", [x], { [$0[0] * 1] }, pushforward: { x, _, t in [t[0] * x[0] * x[0] * 5] })[0]
      }, Tensor(0.7, dtype: .float64), Tensor(1, dtype: .float64))
    for value in forward { #expect(abs(value - 10) < 1e-12) }
  }

  /// (sin exp x)‴ = eˣ cos eˣ - 3 e²ˣ sin eˣ - e³ˣ cos eˣ.
  @Test func checkpointsHaveTheSameThirdDerivative() {
    let x = 0.4
    let e = exp64(x)
    let (sine, cosine) = (Tensor(e, dtype: .float64).sin().scalar, Tensor(e, dtype: .float64).cos().scalar)
    let expected = e * cosine - 3 * e * e * sine - e * e * e * cosine
    let f = checkpoint { (x: Tensor) in x.exp().sin() }
    for value in Self.third(f, Tensor(x, dtype: .float64), Tensor(1, dtype: .float64)) {
      #expect(abs(value - expected) < 1e-12, "\(value) instead of \(expected)")
    }
  }
}
