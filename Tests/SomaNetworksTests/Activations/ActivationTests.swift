import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct ActivationTests {
  private let points = [-2, -0.5, 0, 0.5, 2] as [Double]

  @Test(arguments: activationGolden.indices) func valuesMatchTheCatalogue(_ index: Int) throws {
    let (name, golden) = activationGolden[index]
    let f = try Activation.named(name)
    for dtype in [DType.float64, .float32] {
      let x = Tensor(points).cast(to: dtype)
      let y = f.kind == .gated ? f(x, gate: Tensor([1, -1, 0.5, 2, -0.5]).cast(to: dtype)) : f(x)
      let tolerance = dtype == .float64 ? 2e-6 : 2e-5
      for (value, expected) in zip(y.doubles, golden) {
        #expect(abs(value - expected) <= tolerance * abs(expected) + (dtype == .float64 ? 1e-9 : 1e-7), "\(name)")
      }
    }
  }

  @Test func everyFurtherEntryHasAGoldenOrIsTheChannelwiseSoftmax() {
    let missing = Activation.further.map(\.name).filter { name in !activationGolden.contains { $0.name == name } }
    #expect(missing == ["softmax-2d"])
    let x = Tensor.normal([2, 3, 4, 5], key: Key(1), dtype: .float64)
    let y = try! Activation.named("softmax-2d")(x)
    #expect(y.isClose(to: x.softmax(1), relative: 1e-12))
  }

  /// What overflows far out, or has an infinite slope or bend at zero, by its formula.
  private static let boundless: Set<String> = [
    "sqrt-activation", "ssaf", "apprelu", "frac-relu", "frac-lrelu", "frac-prelu", "frac-elu", "save-power",
  ]

  @Test(arguments: Activation.find(where: \.isElementwise)) func derivativesMatchDifferences(_ f: Activation) {
    // Two of the bases have a corner at a whole number of tenths.
    let shift = f.name.hasPrefix("frac-") ? 0.03 : 0
    let x = Tensor([-2.3, -0.7, 0.3, 1.7]) + shift
    let h = 1e-5
    let first = grad { f($0).sum() }
    let second = grad { first($0).sum() }
    let slope = (f(x + h) - f(x - h)) / (2 * h)
    #expect(first(x).isClose(to: slope, relative: 1e-6, absolute: 1e-8), "\(f.name)")
    let bend = (first(x + h) - first(x - h)) / (2 * h)
    #expect(second(x).isClose(to: bend, relative: 1e-6, absolute: 1e-8), "\(f.name)")
    if Self.boundless.contains(f.name) { return }
    // Nothing but numbers at zero, far out, and in single precision.
    for far in [[0.0, -30, 30, -200, 200], [-1e4, 1e4]] {
      for dtype in [DType.float32, .float64] {
        let t = Tensor(far).cast(to: dtype)
        #expect(f(t).doubles.allSatisfy { $0.isFinite }, "\(f.name) \(f(t))")
        #expect(first(t).doubles.allSatisfy { $0.isFinite }, "\(f.name) \(first(t))")
        #expect(second(t).doubles.allSatisfy { $0.isFinite }, "\(f.name) \(second(t))")
      }
    }
  }

  @Test func derivativesAtZeroAreTheKnownOnes() throws {
    let expected: [(String, Double, Double)] = [
      ("relu", 0, 0), ("softplus", 0.5, 0.25), ("mish", 0.6, 0.64), ("silu", 0.5, 0.5), ("tanh", 1, 0),
      ("gelu", 0.5, 0.7978845608028654), ("sigmoid", 0.25, 0), ("log-sigmoid", 0.5, -0.25),
    ]
    for (name, slope, bend) in expected {
      let f = try Activation.named(name)
      let first = grad { f($0).sum() }
      let second = grad { first($0).sum() }
      #expect(abs(first(Tensor([0.0])).item() - slope) < 1e-12, "\(name)")
      #expect(abs(second(Tensor([0.0])).item() - bend) < 1e-12, "\(name)")
    }
  }

  @Test func tailsKeepTheirDigitsInSinglePrecision() throws {
    let expected: [(String, Float, Float)] = [
      ("softplus", -80, 1.804851e-35), ("log-sigmoid", -80, -80), ("silu", -80, -1.443881e-33),
      ("mish", -80, -1.443881e-33), ("gelu", -10, -7.619853e-23), ("mish", 1e6, 1e6), ("softplus", 1e6, 1e6),
    ]
    for (name, x, y) in expected {
      let value = try Activation.named(name)(Tensor([x])).floats[0]
      #expect(abs(value - y) <= 2e-5 * abs(y), "\(name)(\(x)) = \(value)")
    }
  }

  /// Every comparison with NaN is false, so that the last branch is taken: these end in a constant.
  private static let constantLast: Set<String> = [
    "binary-step", "truncated-rectified", "hardshrink", "threshold-value", "bisig-zero", "tanh-zero", "sloped-relu",
    "prenu",
    "lsptlu", "repu", "alternating-repu", "apprelu", "sqnl", "sqlu", "squish", "sqreu", "sqsoftplus", "logsqnl", "hat",
    "talu",
    "ptalu", "reblu", "repsu", "aqulu", "pfpm", "rsign", "modified-weibull", "mtlu", "lutu-cosine", "frac-relu",
    "frac-lrelu", "frac-prelu", "frac-elu", "ppaf", "random-nn-step", "save-power",
  ]

  @Test func notANumberStaysVisible() {
    for f in Activation.find(where: \.isElementwise) {
      for dtype in [DType.float32, .float64] {
        let value = f(Tensor([Double.nan]).cast(to: dtype)).doubles[0]
        #expect(value.isNaN != Self.constantLast.contains(f.name), "\(f.name): \(value)")
      }
    }
  }

  @Test func infinityGivesTheLimitOrNotANumber() throws {
    var exact = 0
    // Their exponents are limited, so that a factor of the input wins far beyond the range of Float32's exponential.
    let limited: Set<String> = ["comb-h-sine", "rmaf", "aria"]
    for f in Activation.find(where: { $0.isElementwise && !limited.contains($0.name) }) {
      let limits = try #require(ActivationProperties(f)).limits
      for (x, limit) in [(-Double.infinity, limits.low), (.infinity, limits.high)] {
        let value = f(Tensor([x])).doubles[0]
        if value.isNaN { continue }
        // Without a limit nothing is promised.
        guard let limit else { continue }
        let isLimit = value == limit || abs(value - limit) <= 1e-5 * max(1, abs(limit))
        #expect(isLimit, "\(f.name)(\(x)) = \(value), the limit is \(limit)")
        if isLimit { exact += 1 }
      }
    }
    #expect(exact > 500)
  }

  @Test func branchesThatAreNotTakenLeaveNoTrace() throws {
    for formula in [
      "where(x>0, log(x), x)", "where(x<=0, x, sqrt(x))", "where(abs(x)<1, x, sqrt(x^2-1))",
      "u := x+1; where(u>=0, u, expm1(u))", "where(0<x, exp(x), 1+x)",
      "asinh(x)*sqrt(abs(x))",
    ] {
      let f = try Activation.parse(formula)
      let gradient = grad { f($0).sum() }(Tensor([-1e4, -0.5, 0, 0.25]))
      #expect(gradient.doubles.allSatisfy { $0.isFinite }, "\(formula): \(gradient)")
    }
    let soft = try Activation.parse(
      "where(a>0, expm1(a*x)/a+a, where(a<0, -log(1-a*(x+a))/a, x))", "a=0:a>=-1, a<=1:trained:per-unit")
    let x = Tensor([[-0.5, 0.25]])
    let variables = soft.initialized(for: TensorType(shape: [1, 2], dtype: .float64), key: Key(0))
    let gradient = grad { (v: Variables) in soft.apply(v, x).sum() }(variables)
    #expect(gradient.leaves.allSatisfy { $0.doubles.allSatisfy { $0.isFinite } })
  }

  @Test func formulasEvaluateLikeTheirMathematics() throws {
    let cases: [(String, String, (Double) -> Double)] = [
      ("-x^2", "-", { -$0 * $0 }), ("2^-x", "-", { pow(2, -$0) }), ("2^3^0.5*x", "-", { pow(2, pow(3, 0.5)) * $0 }),
      ("x-1-2", "-", { $0 - 3 }), ("8/4/2*x", "-", { $0 }), ("1/3*x+pi", "-", { $0 / 3 + .pi }),
      ("sum(k=0..3, a[k]*x^k)", "a[0..3]=[1,0,-2,0.5]:trained", { 1 - 2 * $0 * $0 + 0.5 * pow($0, 3) }),
      ("prod(k=1..3, x-k)", "-", { ($0 - 1) * ($0 - 2) * ($0 - 3) }), ("maxk(k=1..2, k*x)", "-", { max($0, 2 * $0) }),
      ("f(t) := t^2+b; f(x)-f(1)", "b=2", { $0 * $0 - 1 }), ("u := x+1; v := u*u; v-u", "-", { ($0 + 1) * $0 }),
      (
        "t := clip((x+2)/1, 0, len(b)-1); j := min(floor(t), len(b)-2); b[j]+(t-j)*(b[j+1]-b[j])",
        "b[0..4]=[0,1,4,9,16]",
        { x in
          let t = min(max(x + 2, 0), 4)
          let j = min(t.rounded(.down), 3)
          return j * j + (t - j) * (2 * j + 1)
        }
      ),
    ]
    for (formula, parameters, expected) in cases {
      let f = try Activation.parse(formula, parameters)
      for x in [-1.7, -0.3, 0.4, 1.9] {
        #expect(abs(f(Tensor([x])).item() - expected(x)) < 1e-12 * max(1, abs(expected(x))), "\(formula) at \(x)")
      }
      // A formula printed is the same formula.
      let again = try Activation.parse(f.expression.description, parameters)
      #expect(again(Tensor([0.7])).item(as: Double.self) == f(Tensor([0.7])).item(as: Double.self), "\(f.expression)")
    }
  }

  @Test(arguments: [
    ("x*sgmoid(x)", 2, "did you mean sigmoid"), ("x+", 2, "end of the formula"), ("(x", 2, "expected \")\""),
    ("x*a", 2, "unknown name a"), ("max(x)", 0, "max takes 2 arguments, not 1"), ("x $ 2", 2, "unexpected character $"),
    ("x x", 2, "unexpected \"x\""), ("", 0, "expected a number"), ("where(x>0, 1)", 0, "where takes 3"),
    ("v := x", 6, "expected \";\""),
  ])
  func malformedFormulasSayWhere(_ formula: String, _ position: Int, _ reason: String) throws {
    let error = #expect(throws: ActivationError.self) { try Activation.parse(formula) }
    guard case .malformedFormula(let inner)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(inner.position == position, "\(inner)")
    #expect(inner.reason.contains(reason), "\(inner)")
  }

  @Test func deepNestingIsRefused() {
    #expect(throws: ActivationError.self) { try Activation.parse(String(repeating: "(", count: 5000) + "x") }
    #expect(throws: ActivationError.self) { try Activation.parse(String(repeating: "-", count: 5000) + "x") }
  }

  @Test func namesAliasesAndParametersAreFound() throws {
    let six = try Activation.named("relu6")
    #expect(six(Tensor([7.0])).item() == 6.0)
    let leaky = try Activation.named("leaky-relu(a=20)")
    #expect(leaky(Tensor([-1.0])).item() == -0.05)
    let (one, other) = (try Activation.named("hard-sigmoid(a=1/6)"), try Activation.named("hardsigmoid"))
    #expect(one == other)
    let gelu = try Activation.named("GELU")
    #expect(gelu == .gelu)
    for (alias, entry) in Activation.aliases {
      let found = try Activation.named(alias)
      #expect(found.name == entry.name)
    }
    #expect(Set(Activation.all.map(\.name)).count == Activation.all.count)
  }

  @Test func whatCannotBeIsRefusedWithAReason() {
    func message(_ body: () throws -> Activation) -> String {
      do { return "no error: \(try body().name)" } catch { return "\(error)" }
    }
    #expect(message { try .named("gleu") }.contains("did you mean gelu"))
    #expect(message { try .named("mihs") }.contains("mish"))
    #expect(message { try .named("leaky-relu(b=3)") } == "leaky-relu has no parameter b; it has a")
    #expect(message { try .named("leaky-relu(a=0.5)") } == "leaky-relu: a=0.5 breaks a>1")
    #expect(message { try .named("hardtanh", ["a": 2]) } == "hardtanh: b=1.0 breaks b>a")
    #expect(message { try .named("relu(a)") }.contains("expected name=value"))
    #expect(message { try .parse("x", "a=") }.contains("parameter"))
  }

  // MARK: As layers

  @Test func trainedParametersAreDeclaredWhereTheyAreShared() throws {
    let prelu = try Activation.named("prelu")
    #expect(prelu.parameterCount(for: [2, 5]) == 5)
    #expect(prelu.parameterCount(for: [2, 3, 8, 8]) == 3)
    var shared = prelu
    shared.sharing = .perLayer
    #expect(shared.parameterCount(for: [2, 3, 8, 8]) == 1)
    shared.sharing = .global
    let both = Sequential {
      shared
      Dense(4, usesBias: false)
      shared
    }
    #expect(both.parameterCount(for: [2, 3]) == 1 + 12)
    #expect(Activation.relu.parameterCount(for: [2, 3]) == 0)
    let x = Tensor([-1, 2, -3, 4], shape: [2, 2])
    #expect(
      prelu.apply(prelu.initialized(for: [2, 2], key: Key(0)), x.cast(to: .float32)).floats == [-0.25, 2, -0.75, 4])
  }

  @Test(arguments: [
    ("a=0.5:a>0:trained", 0.5), ("a=0.5:a>0, a<1:trained", 0.5), ("a=2:a>=0:trained", 2), ("a=-3:a<-1:trained", -3),
    ("a=0:a>=0, a<=2:trained", 0), ("a=0.25:trained", 0.25),
  ])
  func constraintsHoldAfterAnyStep(_ notation: String, _ start: Double) throws {
    let f = try Activation.parse("a*x", notation)
    let type = TensorType(shape: [1, 1], dtype: .float64)
    let one = Tensor([1.0], shape: [1, 1])
    var variables = f.initialized(for: type, key: Key(0))
    #expect(abs(f.apply(variables, one).item() - start) < 1e-12)
    let gradient = grad { (v: Variables) in f.apply(v, one).sum() }(variables)
    #expect(gradient.leaves[0].item() > 0.0)
    for shift in [-50.0, 50] {
      variables = variables.replacingLeaves([variables.leaves[0] + shift])
      let value: Double = f.apply(variables, one).item()
      var moved = f.parameters[0]
      moved.value = .number(value)
      // Saturated sigmoids and softplus round to the open bound itself.
      let broken = moved.broken([:])
      #expect(
        broken == nil || abs(value - start) >= 0.5 && ["a>0", "a<1", "a<-1"].contains(broken!),
        "\(notation) at \(value)")
    }
  }

  @Test func randomizedSlopesHaveTheirMean() throws {
    var f = try Activation.named("rrelu")
    let x = Tensor.full([4, 100_000], -1, dtype: .float64)
    let empty = Variables()
    let trained = f.applyTraining(empty, x, key: Key(7)).output
    #expect(abs(trained.mean().scalar + log(8.0 / 3) / 5) < 0.002)
    // One slope per unit: all examples agree.
    #expect(trained[0].doubles == trained[3].doubles)
    #expect(f.applyTraining(empty, x, key: Key(7)).output.doubles == trained.doubles)
    #expect(abs(f.apply(empty, x).mean().scalar + 2.0 / 11) < 1e-12)
    f.sharing = .perLayer
    #expect(f.applyTraining(empty, x, key: Key(8)).output.doubles != trained.doubles)
  }
}
