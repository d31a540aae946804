import Testing

@testable import Soma
@testable import SomaNetworks

private func near(_ a: [Double], _ b: [Double], _ tolerance: Double) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}

private func points(_ n: Int, _ d: Int, seed: Int = 0) -> Tensor {
  .uniform([n, d], low: -1, high: 1, key: Key(seed), dtype: .float64)
}

@Suite struct KANTests {
  @Test func parametersAreCounted() {
    #expect(KAN([2, 5, 1]).parameterCount(for: [1, 2], dtype: .float64) == 150)
    #expect(KAN([2, 5, 1], basis: GaussianBasis()).parameterCount(for: [1, 2]) == 135)
  }

  @Test func gridExtensionKeepsTheFunction() throws {
    let kan = FittedKAN(KAN([1, 1]), key: Key(1))
    let x = points(200, 1)
    let finer = try kan.refined(intervals: 20, on: x, range: .kept)
    #expect((finer(x) - kan(x)).abs().max().scalar < 1e-10)
    #expect(finer.parameterCount == 20 + 3 + 2)
  }

  @Test func gridUpdateKeepsTheFunctionInside() throws {
    let kan = FittedKAN(KAN([2, 3, 1], initialization: .paper), key: Key(5))
    let x = points(500, 2, seed: 3)
    let moved = try kan.updatingGrid(from: x)
    #expect((moved(x) - kan(x)).abs().max().scalar < 1e-2)
    #expect(throws: KANError.self) { try kan.updatingGrid(from: x * Double.nan) }
  }

  @Test func knotsFollowTheQuantiles() throws {
    let samples = (0..<1000).map { Double($0 * $0) / 1e6 }
    let knots = try #require(FittedKAN.knots(samples, intervals: 4, order: 3, evenness: 0))
    #expect(near(Array(knots[3...7]), [0, 0.0625, 0.25, 0.5625, 0.998001], 1e-6))
    #expect(FittedKAN.knots([2, 2, 2], intervals: 4, order: 3) == nil)
  }

  @Test func hiddenNodesMayChangePlaces() {
    let kan = FittedKAN(KAN([2, 3, 1]), key: Key(2))
    let other = kan.keeping(nodes: [[0, 1], [2, 0, 1], [0]])
    let x = points(20, 2)
    #expect((kan(x) - other(x)).abs().max().scalar < 1e-12)
  }

  @Test func symbolicEdgesComputeTheSquareOfASum() throws {
    var kan = FittedKAN(KAN([2, 1, 1]), key: Key(0))
    func exact(_ name: String) -> SymbolicFit {
      var fit = SymbolicFit(SymbolicFunction.named(name)!, x: [0, 1], y: [0, 1])
      fit.affine = [1, 0, 1, 0]
      return fit
    }
    kan = kan.fixingSymbolic(0, 0, 0, exact("x")).fixingSymbolic(0, 1, 0, exact("x")).fixingSymbolic(
      1, 0, 0, exact("x^2"))
    let x = points(30, 2)
    let sum = x.sum([1], keepsAxes: true)
    #expect((kan(x) - sum * sum).abs().max().scalar < 1e-12)
    let formula = try kan.formulas(names: ["x", "y"])[0]
    #expect(formula.description == "x^2 + 2*x*y + y^2")
    #expect(formula.value(["x": 2, "y": 3]) == 25)
  }

  @Test func unfittedEdgesHaveNoFormula() {
    let kan = FittedKAN(KAN([1, 1]), key: Key(0))
    #expect(throws: KANError("the edge 0 → 0 of layer 0 is a learned curve; fit a function to it first")) {
      try kan.formulas(names: ["x"])
    }
    #expect(throws: KANError.self) { try kan.fixingSymbolic(0, 0, 0, to: "bessel", on: points(4, 1)) }
  }

  @Test func deadNodesArePruned() {
    let kan = FittedKAN(KAN([2, 3, 1], initialization: .paper), key: Key(3))
    let x = points(100, 2)
    let dead = kan.removing([(1, 1, 0)])
    let smaller = dead.pruned(on: x, edgeThreshold: 0)
    #expect(smaller.network.widths[1].nodes == 2)
    #expect((dead(x) - smaller(x)).abs().max().scalar < 1e-12)
    let byMagnitude = dead.prunedByMagnitude(on: x, threshold: 1e-6)
    #expect(byMagnitude.network.widths[1].nodes == 2)
  }

  @Test func entropyCountsActiveEdges() {
    let sparsity = KANSparsity(.paper)
    #expect(abs(sparsity.entropy(Tensor([0, 3, 0, 0] as [Double], shape: [2, 2])).scalar) < 1e-12)
    let even = sparsity.entropy(Tensor([Double](repeating: 0.2, count: 6), shape: [3, 2])).scalar
    #expect(abs(even - 1.791759469228055) < 1e-12)
  }

  @Test func attributionSumsEdgesOfANode() {
    let kan = FittedKAN(KAN([3, 2, 1], initialization: .paper), key: Key(9))
    let scores = kan.attribution(on: points(200, 3))
    for (l, rows) in scores.edges.enumerated() {
      for (i, row) in rows.enumerated() { #expect(abs(row.reduce(0, +) - scores.nodes[l][i]) < 1e-12) }
    }
    #expect(scores.nodes.last == [1] && scores.features.count == 3)
  }

  @Test func productNodesMultiply() {
    let network = KAN([2, KAN.Width(1, products: 1), 1]) { KANLayer($0, usesMask: true) }
    let kan = FittedKAN(network, key: Key(4))
    let x = points(10, 2)
    let activity = kan.activity(x)
    #expect(activity.sums[0].shape == [10, 3] && activity.nodes[1].shape == [10, 2])
    let product = activity.sums[0][.all, 1] * activity.sums[0][.all, 2]
    #expect((activity.nodes[1][.all, 1] - product).abs().max().scalar < 1e-14)
    #expect((activity.output - kan(x)).abs().max().scalar < 1e-12)
    #expect(kan.attribution(on: x).nodes[1].count == 2)
  }

  @Test func boundsHoldOutputs() throws {
    let kan = FittedKAN(KAN([2, 3, 1], initialization: .paper), key: Key(7))
    let bounds = try kan.bounds([Interval(-0.5, 0.5), Interval(0, 1)])[0]
    let x = points(500, 2) * Tensor([0.5, 0.5] as [Double]) + Tensor([0, 0.5] as [Double])
    #expect(kan(x).doubles.allSatisfy { bounds.low <= $0 && $0 <= bounds.high })
  }

  @Test func secondDerivativesAndVectorization() {
    let kan = FittedKAN(KAN([1, 3, 1], initialization: .paper), key: Key(6))
    let network = kan.network
    let variables = kan.variables
    let f = { (x: Tensor) in network.apply(variables, x.reshape([-1, 1])).reshape(x.shape) }
    let x: [Double] = [-0.71, -0.33, 0.05, 0.47]
    let second = values(f, x, order: 2)
    let h = 1e-4
    let expected = zip(values(f, x.map { $0 + h }), zip(values(f, x), values(f, x.map { $0 - h }))).map {
      ($0 - 2 * $1.0 + $1.1) / (h * h)
    }
    #expect(near(second, expected, 1e-4))
    let batch = Tensor(x)
    let each = vmap { (x: Tensor) in f(x) }(batch)
    #expect((each - f(batch)).abs().max().scalar < 1e-14)
  }

  @Test func sparsityPenaltyHasASlope() {
    let kan = FittedKAN(KAN([2, 2, 1]), key: Key(8))
    let (network, state) = (kan.network, kan.variables.state)
    let x = points(40, 2)
    for kind in [KANSparsity.Kind.paper, .relative] {
      let penalty = KANSparsity(kind, coefficients: 0.1, roughness: 0.1)
      let gradient = grad { (parameters: Parameters) in
        penalty(network.activity(x, Scope(Variables(parameters: parameters, state: state))), parameters)
      }(kan.variables.parameters)
      for name in gradient.names { #expect(gradient[name]!.doubles.allSatisfy { $0.isFinite }, "\(name)") }
      #expect(gradient["0/coefficients"]!.abs().max().scalar > 0)
    }
  }
}
