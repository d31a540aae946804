import Testing

@testable import Soma
@testable import SomaNetworks

@Suite struct KolmogorovArnoldAttentionTests {
  /// One head; functions from the specification's worked example.
  @Test func modularOperatorHasThePublishedValues() {
    let attention = KolmogorovArnoldAttention(basis: KolmogorovArnoldAttention.fourier(2), rank: .of(2))
    // a[p][q][m], b[p][q][m]
    let a: [[[Double]]] = [[[0.1, 0.2], [0.3, 0.4]], [[1, 0], [0, 1]]]
    let b: [[[Double]]] = [[[0.5, 0.6], [0.7, 0.8]], [[0, 1], [1, 0]]]
    var c = [Double](repeating: 0, count: 2 * 4 * 2)
    for p in 0..<2 {
      for q in 0..<2 {
        for m in 0..<2 {
          c[(q * 4 + m) * 2 + p] = a[p][q][m]
          c[(q * 4 + 2 + m) * 2 + p] = b[p][q][m]
        }
      }
    }
    let map = Tensor([1, -1, 2, 0.5] as [Double], shape: [2, 2])
    let variables = Variables(
      parameters: Parameters([
        ("head0/functions/coefficients", Tensor(c, shape: [2, 4, 2])), ("head0/map", map),
      ]))
    let scores = Tensor([0.5, -1] as [Double], shape: [1, 1, 1, 2])
    let weights = attention.weights(scores, Scope(variables)).doubles
    #expect(abs(weights[0] - 0.542449850) < 1e-8 && abs(weights[1] - 0.611139460) < 1e-8)
    let later = attention.weights(scores + 2 * Double.pi, Scope(variables)).doubles
    #expect(abs(later[0] - weights[0]) < 1e-9 && abs(later[1] - weights[1]) < 1e-9)
  }

  @Test func simplexProjectionIsTheNearestPoint() {
    let v = Tensor([0.5, -0.2, 0.9, 2, -3, 0.1] as [Double], shape: [2, 3])
    let w = simplexProjection(v)
    #expect(zip(w[0].doubles, [0.3, 0, 0.7]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(w.sum([1]).doubles.allSatisfy { abs($0 - 1) < 1e-12 } && w.min().scalar >= 0)
    #expect((simplexProjection(w) - w).abs().max().scalar < 1e-12)
  }

  private func model(_ attention: (any AttentionActivation)?) -> ViT {
    ViT(outputs: 10, patch: 7, width: 48, heads: 3, layers: 3, hidden: 96, attention: attention)
  }

  @Test func operatorsAreShared() {
    let plain = model(nil).parameterCount(for: [1, 1, 28, 28])
    #expect(plain == 60_730)
    func extra(_ sharing: KolmogorovArnoldAttention.Sharing) -> Int {
      model(KolmogorovArnoldAttention(rank: .of(8), sharing: sharing)).parameterCount(for: [1, 1, 28, 28]) - plain
    }
    #expect(extra(.blockwise) == 8568 && extra(.universal) == 2856)
  }

  @Test func identityOnTheDiagonalGivesTheScores() {
    let attention = KolmogorovArnoldAttention(basis: PolynomialEdge(), rank: .full)
    var c = [Double](repeating: 0, count: 3 * 1 * 3)
    for p in 0..<3 { c[p * 3 + p] = 1 }
    let variables = Variables(
      parameters: Parameters([("head0/functions/coefficients", Tensor(c, shape: [3, 1, 3]))]))
    let scores = Tensor.uniform([2, 1, 4, 3], low: -1, high: 1, key: Key(1), dtype: .float64)
    #expect((attention.weights(scores, Scope(variables)) - scores).abs().max().scalar < 1e-14)
  }

  private struct PolynomialEdge: EdgeBasis {
    var name: String { "identity" }
    var count: Int { 1 }
    var range: ClosedRange<Double> { -1...1 }
    func values(_ x: Tensor, _ scope: Scope) -> Tensor { x.expandDimensions(at: -1) }
  }

  /// The functions belong to positions, unlike a softmax: only tokens and functions together may change places.
  @Test func positionsMatter() {
    let attention = KolmogorovArnoldAttention(basis: KolmogorovArnoldAttention.fourier(2), rank: .of(4))
    let scope = Scope(initializing: Key(3))
    let scores = Tensor.uniform([1, 1, 5, 5], low: -1, high: 1, key: Key(2), dtype: .float64)
    let weights = attention.weights(scores, scope)
    let order = Tensor([3, 1, 4, 0, 2] as [Int32])
    let moved = scores.take(order, axis: 2).take(order, axis: 3)
    let expected = weights.take(order, axis: 2).take(order, axis: 3)
    let alone = attention.weights(moved, Scope(scope.variables))
    #expect((alone - expected).abs().max().scalar > 1e-3)
    var variables = scope.variables
    let c = "head0/functions/coefficients"
    variables.parameters[c] = variables.parameters[c]!.take(order, axis: 0)
    variables.parameters["head0/map"] = variables.parameters["head0/map"]!.take(order, axis: 1)
    let together = attention.weights(moved, Scope(variables))
    #expect((together - expected).abs().max().scalar < 1e-12)
    let soft = SoftmaxAttention().weights(moved, Scope(variables))
    let softExpected = SoftmaxAttention().weights(scores, Scope(variables)).take(order, axis: 2).take(order, axis: 3)
    #expect((soft - softExpected).abs().max().scalar < 1e-14)
  }

  @Test func normalizationsSumToOne() {
    let scores = Tensor.uniform([1, 2, 3, 6], low: -1, high: 1, key: Key(5), dtype: .float64)
    for normalization in KolmogorovArnoldAttention.Normalization.allCases where normalization != .none {
      let attention = KolmogorovArnoldAttention(normalization: normalization)
      let weights = attention.weights(scores, Scope(initializing: Key(6)))
      let sums = normalization == .l1 ? weights.abs().sum([-1]) : weights.sum([-1])
      #expect(sums.doubles.allSatisfy { abs($0 - 1) < 1e-10 }, "\(normalization)")
    }
  }
}
