import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Random, gated, vector-valued and composite activations, as functions and as layers.
@Suite struct ActivationFormsTests {
  private func message(_ body: () throws -> Any) -> String {
    do { return "no error: \(try body())" } catch { return "\(error)" }
  }

  // MARK: Random

  @Test func randomOnesAreFixedOutsideTraining() throws {
    let x = Tensor(CatalogueRow.points)
    for f in Activation.all where f.kind == .stochastic {
      let fixed = try StochasticActivation(f, key: Key(1), mode: .inference)
      #expect(fixed(x).doubles == f(x).doubles)
      let variables = f.initialized(for: TensorType(shape: [5], dtype: .float64), key: Key(0))
      #expect(f.apply(variables, x).doubles == f(x).doubles, "\(f.name)")
    }
  }

  @Test func equalKeysGiveEqualBits() throws {
    let x = Tensor.normal([16, 64], key: Key(3))
    for f in Activation.all where f.kind == .stochastic {
      let (a, b) = (try StochasticActivation(f, key: Key(9)), try StochasticActivation(f, key: Key(9)))
      let c = try StochasticActivation(f, key: Key(10))
      #expect(a(x).floats == b(x).floats, "\(f.name)")
      // That one alternates with the passes, not at random.
      #expect((a(x).floats == c(x).floats) == (f.name == "alternating-repu"), "\(f.name)")
    }
  }

  @Test func randomSlopesHaveTheirMeans() throws {
    // Means over 100,000 units; of the slope 1/t with t uniform on (3, 8) it is log(8/3)/5, not 2/11.
    let rrelu = try StochasticActivation(.named("randomized-leaky-relu"), key: Key(7))
    let y = rrelu(Tensor.full([1, 100_000], -1, dtype: .float64))
    #expect(abs(y.mean().scalar + log(8.0 / 3) / 5) < 0.002)
    let elastic = try StochasticActivation(.named("elastic-relu"), key: Key(8))
    let z = elastic(Tensor.ones([1, 100_000], dtype: .float64))
    #expect(abs(z.mean().scalar - 1) < 0.001 && abs(z.standardDeviation().scalar - 0.1 / 3.0.squareRoot()) < 0.001)
    // A normal number given that it lies within (0, 2), its deviation uniform on (0, 0.1).
    let eelu = try StochasticActivation(.named("eelu"), key: Key(9))
    let w = eelu(Tensor.ones([1, 100_000], dtype: .float64))
    #expect(abs(w.mean().scalar - 1) < 0.001 && abs(w.standardDeviation().scalar - 0.1 / 3.0.squareRoot()) < 0.001)
    // Variance sigmoid(x), then the mean of what is above zero.
    let noisy = try StochasticActivation(.named("noisy-relu"), key: Key(10))
    let v = noisy(Tensor.full([1, 100_000], 20, dtype: .float64))
    #expect(abs(v.standardDeviation().scalar - 1) < 0.01)
    // Uniform noise of r = 1 % on each coefficient: at x = 1 the variance of the numerator 1.5 is r²(1 + 0.25)/3.
    let pade = try StochasticActivation(.named("pade-randomized"), key: Key(11))
    let u = pade(Tensor.ones([100_000], dtype: .float64))
    #expect(abs(u.mean().scalar - 1) < 0.001 && u.standardDeviation().scalar > 0.003)
  }

  @Test func alternatingPowersAlternateWithThePasses() throws {
    let f = try Activation.named("alternating-repu(b=2)")
    let x = Tensor([4.0], shape: [1, 1])
    var variables = f.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(0))
    var values: [Double] = []
    for pass in 0..<4 {
      let (y, next) = f.applyTraining(variables, x, key: Key(pass))
      values.append(y.doubles[0])
      variables = next
    }
    #expect(values == [16, 2, 16, 2])
  }

  // MARK: Vectors and statistics

  @Test func statisticsRunAlongWithTraining() throws {
    let f = try Activation.named("average-biased-relu")
    let x = Tensor([[1.0, 10], [3, 30]])
    let type = TensorType(shape: [2, 2], dtype: .float64)
    let start = f.initialized(for: type, key: Key(0))
    let (y, after) = f.applyTraining(start, x, key: nil)
    #expect(y.doubles == [0, 0, 1, 10])
    // A tenth of the means 2 and 20, from zero.
    #expect(f.apply(after, x).isClose(to: Tensor([[0.8, 8], [2.8, 28]]), relative: 1e-12))
    let ensemble = try Activation.named("activation-ensemble")
    #expect(ensemble.initialized(for: type, key: Key(0)).state.names.count == 6)
  }

  @Test func neighboursAndRanksAlongAnAxis() throws {
    let oplu = try VectorActivation(.named("oplu"))
    let x = Tensor([[3.0, 1, -2, 5], [0, 0, 7, -7]])
    #expect(oplu(x).doubles == [3, 1, 5, -2, 0, 0, 7, -7])
    // It keeps the norm.
    #expect(abs(oplu(x).norm().scalar - x.norm().scalar) < 1e-14)
    let winners = try VectorActivation(.named("kwta(k=2)"))
    #expect(winners(Tensor([1.0, 4, 4, 4, 0])).doubles == [0, 4, 4, 0, 0])
    let columns = try VectorActivation(.named("softmax"), axis: 0)
    #expect(columns(x).sum(0).isClose(to: Tensor.ones([4], dtype: .float64), relative: 1e-12))
    let images = Tensor.normal([2, 3, 4, 5], key: Key(1))
    let doubled = try Activation.named("crelu")
    #expect(doubled(images).shape == [2, 6, 4, 5])
    #expect(try Activation.named("multi-bias")(images).shape == [2, 6, 4, 5])
    #expect(try Activation.named("vbaf")(Tensor([1.0, 2, 3])).doubles == [(2.0 / 3).squareRoot()])
  }

  @Test func smallNetworksInside() throws {
    let images = Tensor.normal([2, 3, 4, 5], key: Key(1))
    for name in ["scaa", "funnel-relu", "nin", "flexible-activation-bag", "dy-relu"] {
      let f = try Activation.named(name)
      let variables = f.initialized(for: images.shape, key: Key(2))
      let y = f.apply(variables, images)
      #expect(y.shape == images.shape && y.floats.allSatisfy(\.isFinite), "\(name)")
      let gradient = grad { (v: Variables) in f.apply(v, images).sum() }(variables)
      #expect(gradient.leaves.allSatisfy { $0.floats.allSatisfy(\.isFinite) } && !gradient.leaves.isEmpty, "\(name)")
    }
    // With filters and last layers of zeros they begin as known functions.
    #expect(try Activation.named("scaa")(images).floats == Activation.relu(images).floats)
    #expect(
      try Activation.named("dy-relu")(images).isClose(to: Activation.relu(images), relative: 1e-6, absolute: 1e-6))
    // A filter that hands the right neighbour on: max(x, right neighbour).
    let scaa = try Activation.named("scaa")
    let shift = Tensor([0, 0, 0, 0, 0, 1, 0, 0, 0], shape: [1, 1, 3, 3]).cast(to: .float32)
    let row = Tensor([1, 5, 2, -1], shape: [1, 1, 1, 4]).cast(to: .float32)
    let moved = scaa.initialized(for: row.shape, key: Key(0)).replacingLeaves([shift])
    #expect(scaa.apply(moved, row).floats == [5, 5, 2, 0])
  }

  // MARK: Composites

  @Test func othersInsideComposites() throws {
    let x = Tensor(CatalogueRow.points)
    let scaled = try Activation.taaf(.named("relu")).with(["a": 2, "b": 3, "c": 1, "d": -1])
    let relu = x.doubles.map { max(0, 3 * $0 + 1) * 2 - 1 }
    #expect(scaled(x).isClose(to: Tensor(relu), relative: 1e-12))
    #expect(try Activation.named("taaf(g=relu, a=2, b=3, c=1, d=-1)") == scaled)
    let blend = try Activation.named("abu(g=[relu, tanh])")
    #expect(blend(x).isClose(to: (Activation.relu(x) + Activation.tanh(x)) / 2, relative: 1e-12))
    #expect(blend.parameterCount(for: [1, 3]) == 2)
    // The inner activation brings its own parameters along.
    let nested = try Activation.named("catalytic(g=prelu)")
    #expect(nested.isTrained && nested.parameterCount(for: [1, 3]) == 6)
    // Order one is the slope of softplus, to the first order of the step; order zero is softplus itself.
    let whole = try Activation.fractional(.softplus, order: 1)
    #expect(whole(x).isClose(to: x.logistic(), absolute: 0.02))
    #expect(try Activation.fractional(.softplus, order: 0)(x).isClose(to: Activation.softplus(x), relative: 1e-12))
    #expect(message { try Activation.taaf(.softmax) }.contains("softmax is not a function of one number"))
    #expect(message { try Activation.named("taaf(g=reluu)") }.contains("did you mean relu"))
    #expect(message { try Activation.named("taaf(g=3)") } == "taaf: g wants the name of an activation")
    #expect(message { try Activation.named("tca(a=[1,2])") }.contains("lengths of"))
    #expect(message { try Activation.named("splash(p=[1,2])") }.contains("lengths of"))
  }

  @Test func roundedCornersRegenerateTheMollifiedRows() throws {
    let x = Tensor((0...64).map { Double($0 - 32) / 8 })
    for (formula, entry) in [
      ("relu(x)", "squareplus(e=0.3)"), ("abs(x)", "vrelu-plus(e=0.3)"), ("max(x, 0.25*x)", "lrelu-plus(e=0.3)"),
      ("x+(abs(x-0.5)-abs(x+0.5))/2", "softshrink-plus(e=0.3)"), ("-1+(abs(x-1)+abs(x+1))/2", "pan-plus(e=0.3)"),
      ("(1+abs(x)-abs(x-1))/2", "brelu-plus(e=0.3)"), ("(abs(x+1)-abs(x-1))/2", "hardtanh-plus(e=0.3)"),
      ("x*step(x)", "swish-plus(e=0.3)"), ("x/(1+abs(x))", "softsign-plus(e=0.3)"), ("sign(x)", "bipolarplus(e=0.3)"),
      ("relu(x)+min(expm1(x), 0)", "elu-plus(e=0.3)"), ("step(x)", "stepplus(e=0.3)"),
      ("where(x>0, x, 0.25*x)", "=x*(1+x/sqrt(x^2+0.3))/2+0.25*x*(1-x/sqrt(x^2+0.3))/2"),
    ] {
      let rounded = try Activation.mollified(.parse(formula), e: 0.3)
      let expected = try entry.hasPrefix("=") ? Activation.parse(String(entry.dropFirst())) : Activation.named(entry)
      #expect(rounded(x).isClose(to: expected(x), relative: 1e-10, absolute: 1e-12), "\(formula): \(rounded.formula)")
    }
    #expect(message { try Activation.mollified(.relu, e: 0) }.contains("e>0"))
  }

  @Test func blendsKeepTheirConstraints() throws {
    let x = Tensor([[1.0, -2]])
    for constraint in Blend.Constraint.allCases {
      let blend = try Blend(pool: [.identity, .relu], weights: [0.5, 1.5], constraint: constraint)
      let variables = blend.initialized(for: TensorType(shape: [1, 2], dtype: .float64), key: Key(0))
      let y = blend.apply(variables, x).doubles
      let weights: (Double, Double) =
        switch constraint {
        case .none: (0.5, 1.5)
        case .sumOne, .magnitudesOne, .clipped: (0.25, 0.75)
        case .softmax: (1 / (1 + exp(1)), exp(1) / (1 + exp(1)))
        }
      #expect(abs(y[0] - weights.0 - weights.1) < 1e-9 && abs(y[1] + 2 * weights.0) < 1e-9, "\(constraint)")
    }
    #expect(message { try Blend(pool: [.relu], weights: [1, 2]) }.contains("one number for each"))
    #expect(message { try Blend(pool: [.glu]) }.contains("function of one number"))
  }

  @Test func derivativesOfAnyOrder() throws {
    let f = try Activation.parse("x^5")
    let x = Tensor([1.5])
    #expect(try f.derivative(0)(x).scalar == 7.59375)
    #expect(abs(try f.derivative(3)(x).scalar - 135) < 1e-10)
    #expect(message { try Activation.glu.derivative(1) }.contains("function of one number"))
  }

  @Test func kindsThatDoNotFitAreRefused() throws {
    #expect(message { try GatedActivation(.relu) }.contains("two inputs"))
    #expect(message { try VectorActivation(.relu) }.contains("function of a vector"))
    #expect(message { try StochasticActivation(.relu, key: Key(0)) }.contains("random"))
    let rrelu = try Activation.named("rrelu")
    #expect(message { try rrelu.bounds(Interval(-1, 1)) }.contains("mode .inference"))
    #expect(try rrelu.bounds(Interval(-1, 1), mode: .inference).contains(-2.0 / 11))
    let strict = try Activation.named("sbaf(strict=1)")
    #expect(message { try strict.bounds(Interval(-1, 0.5)) }.contains("has no value"))
    #expect(try strict.bounds(Interval(0.25, 0.75)).high < 1)
    #expect(message { try Activation.softmax.bounds(Interval(0, 1)) }.contains("function of one number"))
    #expect(message { try Activation.parse("sum(k=1..x, k)") }.contains("depends on x"))
    #expect(message { try Activation.parse("x[1]") }.contains("x is no list"))
    #expect(message { try Activation.parse("a+x", "a[1..2]=[1,2]") }.contains("a is a list"))
    #expect(message { try Activation.parse("g+x", "g=relu") }.contains("g is an activation"))
    let pairs = try GatedActivation(.named("gtu"))
    #expect(pairs(Tensor([1.0]), Tensor([0.0])).doubles == [tanh(1.0) / 2])
  }

  @Test func sharingAndStatesOfLayers() throws {
    let swish = try Activation.named("swish")
    #expect(swish.asLayer(sharing: .perUnit).parameterCount(for: [4, 7]) == 7)
    #expect(swish.asLayer(sharing: .perLayer).parameterCount(for: [4, 7]) == 1)
    // Values that whoever trains sets between epochs.
    let dynamic = try Activation.named("dlrelu")
    let x = Tensor([-1.0], shape: [1, 1])
    var variables = dynamic.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(0))
    #expect(dynamic.apply(variables, x).doubles == [-0.01])
    variables.state["m"] = Tensor(4, dtype: .float64)
    #expect(dynamic.apply(variables, x).doubles == [-0.04])
    // Slopes by the layer's number.
    let network = MLP(hidden: [1, 1], outputs: 1, activation: try Activation.named("all-relu"))
    let scope = Scope(network.initialized(for: [1, 1], key: Key(0)))
    let odd = try Activation.named("all-relu")
    #expect(odd.forward(x, scope["activation0"]).doubles == [-0.6])
    #expect(odd.forward(x, scope["activation1"]).doubles == [0.6])
    // A bound by another trained parameter moves with it.
    let trug = try Activation.named("trug").initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(0))
    #expect(trug.parameters.names.count == 2)
  }
}
