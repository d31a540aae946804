import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct RandomHypernetworkTests {
  private let target = CoordinateNetwork.siren(width: 12, depth: 2)
  private let input = TensorType(shape: [1, 2], dtype: .float64)

  private func hyper(_ n: Int, _ projection: RandomHypernetwork.Projection = .signs, seed: Int = 4)
    -> RandomHypernetwork
  {
    RandomHypernetwork(
      target: target, latent: n, seed: seed, projection: projection,
      variance: RandomHypernetwork.sinusoidalVariance(omega: 30, inputs: 2, width: 12))
  }

  @Test(arguments: RandomHypernetwork.Projection.allCases) func weightsAreLinear(
    _ projection: RandomHypernetwork.Projection
  ) {
    let network = hyper(30, projection)
    func weights(_ z: Tensor) -> Tensor {
      .concatenate(network.materialize(Parameters([("z", z)]), for: input).leaves.map { $0.flattened() })
    }
    let (z, other) = (
      Tensor.normal([30], key: Key(1), dtype: .float64), Tensor.normal([30], key: Key(2), dtype: .float64)
    )
    let gap = weights(z * 2.0 - other * 0.5) - (weights(z) * 2.0 - weights(other) * 0.5)
    #expect(gap.abs().max().scalar < 1e-14)
  }

  @Test func gradientIsTheTransposedProjection() {
    let network = hyper(20)
    let start = network.initialized(for: input, key: Key(3))
    let x = Tensor.uniform([9, 2], low: -1, high: 1, key: Key(5), dtype: .float64)
    let own = grad { (p: Parameters) in network.apply(Variables(parameters: p), x).squared().sum() }(start.parameters)[
      "z"]!
    let ordinary = network.materialize(start.parameters, for: input)
    let slopes = grad { (p: Parameters) in target.apply(Variables(parameters: p), x).squared().sum() }(ordinary)
    var expected = Tensor.zeros([20], dtype: .float64)
    let variance = RandomHypernetwork.sinusoidalVariance(omega: 30, inputs: 2, width: 12)
    for (name, slope) in zip(slopes.names, slopes.leaves) {
      let rows = network.projectionRows(name, slope.count, dtype: .float64) * variance(name, slope.shape).squareRoot()
      expected = expected + rows.T.matmul(slope.reshape(slope.count, 1)).flattened()
    }
    #expect((own - expected).abs().max().scalar < 1e-10 * max(1, expected.abs().max().scalar))
  }

  @Test func generatedWeightsHaveTheTargetsVariance() {
    let network = CoordinateNetwork.siren(width: 32, depth: 2)
    var (sum, square, count) = (0.0, 0.0, 0)
    for seed in 0..<60 {
      let hyper = RandomHypernetwork(
        target: network, latent: 40, seed: seed,
        variance: RandomHypernetwork.sinusoidalVariance(omega: 30, inputs: 2, width: 32))
      let weight = hyper.materialize(
        hyper.initialized(for: [1, 2], key: Key(seed)).parameters, for: TensorType(shape: [1, 2]))["1/weight"]!.doubles
      sum += weight.reduce(0, +)
      square += weight.reduce(0) { $0 + $1 * $1 }
      count += weight.count
    }
    let variance = 2 / (32 * 900.0)
    #expect(abs(square / Double(count) / variance - 1) < 0.06)
    #expect(abs(sum / Double(count)) < 3 * (variance / Double(count)).squareRoot() * 2)
  }

  @Test func streamedAndHeldProductsAgree() {
    let network = hyper(50)
    let z = Tensor.normal([50], key: Key(1))
    let (held, streamed) = (network.product("a", 3000, z, streams: false), network.product("a", 3000, z, streams: true))
    #expect((held - streamed).abs().max().scalar < 1e-6 * held.abs().max().scalar * 50)
    #expect(network.product("a", 3000, z, streams: true).floats == streamed.floats)
    #expect(network.product("b", 3000, z, streams: false).floats != held.floats)
  }

  @Test func identityProjectionIsTheTargetItself() {
    // With as many numbers as weights, generic projections are of full rank: every set of weights can be reached.
    let count = target.parameterCount(for: [1, 2])
    let network = hyper(count)
    let types = target.variableTypes(for: input).parameters
    let rows = Tensor.concatenate(
      types.map { network.projectionRows($0.name, $0.type.shape.elementCount, dtype: .float64) })
    #expect(rows.singularValues().s.min().scalar > 1e-6)
    // The z that gives wanted weights, found by solving, does so.
    let wanted = Tensor.normal([count, 1], key: Key(8), dtype: .float64)
    let z = rows.solve(wanted)
    #expect((rows.matmul(z) - wanted).abs().max().scalar < 1e-6)
  }

  @Test func optionsKeepTheirPromises() {
    var network = hyper(16)
    network.isBiasFree = true
    let start = network.initialized(for: input, key: Key(1)).parameters
    #expect(start.names == ["z"])
    #expect(network.materialize(start, for: input)["0/bias"]!.doubles.allSatisfy { $0 == 0 })
    network.hasScales = true
    #expect(network.parameterCount(for: [1, 2]) == 16 + 6)
    network.sharesProjection = true
    let shared = network.materialize(network.initialized(for: input, key: Key(1)).parameters, for: input)
    let (a, b) = (shared["0/weight"]!.doubles, shared["1/weight"]!.doubles)
    let ratio = a[0] / b[0]
    #expect(zip(a, b).allSatisfy { abs($0 / $1 - ratio) < 1e-9 })
  }
}
