import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct AttentionTests {
  @Test func attentionMatchesPyTorch() {
    LayerGolden("attention").check { MultiHeadAttention(heads: 2)($0, $1) }
    LayerGolden("causalAttention").check { MultiHeadAttention(heads: 2, isCausal: true)($0, $1) }
    LayerGolden("groupedAttention").check {
      MultiHeadAttention(heads: 4, keyHeads: 2, isCausal: true, usesBias: false)($0, $1)
    }
    let cross = LayerGolden("crossAttention")
    cross.check { MultiHeadAttention(heads: 2)($0, context: cross["context"], $1) }
  }

  private func causal(_ positions: MultiHeadAttention.Positions, keyHeads: Int) -> MultiHeadAttention {
    MultiHeadAttention(heads: 4, keyHeads: keyHeads, isCausal: true, positions: positions)
  }

  @Test(arguments: [MultiHeadAttention.Positions.none, .rotary(RotaryPositions()), .linearBiases], [4, 2])
  func theCacheEqualsFullAttention(_ positions: MultiHeadAttention.Positions, _ keyHeads: Int) {
    let layer = causal(positions, keyHeads: keyHeads)
    let x = Tensor.normal([2, 6, 16], key: Key(1), dtype: .float64)
    let variables = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(2))
    let whole = layer.apply(variables, x)
    var cache = layer.cache(batch: 2, capacity: 8, width: 16, dtype: .float64)
    var parts: [Tensor] = []
    for range in [0..<3, 3..<4, 4..<6] {
      let (y, next) = layer(x[.all, range], cache: cache, Scope(variables))
      cache = next
      parts.append(y)
    }
    #expect(Tensor.concatenate(parts, axis: 1).isClose(to: whole, relative: 1e-10, absolute: 1e-12))
    #expect(cache.count.item(as: Int.self) == 6)
  }

  @Test func causalMasksHideTheFuture() {
    for positions in [MultiHeadAttention.Positions.none, .rotary(RotaryPositions()), .linearBiases] {
      let layer = causal(positions, keyHeads: 2)
      let x = Tensor.normal([1, 5, 16], key: Key(1))
      let variables = layer.initialized(for: x.shape, key: Key(2))
      let changed = Tensor.concatenate([x[.all, 0..<3], x[.all, 3...] + 7], axis: 1)
      let (a, b) = (layer.apply(variables, x), layer.apply(variables, changed))
      #expect(a[.all, 0..<3].floats == b[.all, 0..<3].floats)
      #expect(!a[.all, 3...].isClose(to: b[.all, 3...], relative: 1e-3))
    }
  }

  @Test func masksChooseKeys() {
    let layer = MultiHeadAttention(heads: 2)
    let x = Tensor.normal([1, 4, 8], key: Key(1))
    let variables = layer.initialized(for: x.shape, key: Key(2))
    let mask = Tensor([true, true, false, false], shape: [1, 4])
    let masked = layer(x, mask: mask, Scope(variables))
    let changed = Tensor.concatenate([x[.all, 0..<2], x[.all, 2..<3] * 3, x[.all, 3...] - 2], axis: 1)
    #expect(layer(changed, mask: mask, Scope(variables))[.all, 0..<2].floats == masked[.all, 0..<2].floats)
  }

  @Test func rotaryProductsDependOnTheDistance() {
    let rotary = RotaryPositions()
    let q = Tensor.normal([1, 8], key: Key(1), dtype: .float64)
    let k = Tensor.normal([1, 8], key: Key(2), dtype: .float64)
    func product(_ i: Int, _ j: Int) -> Double {
      (rotary(q, start: Tensor(i, dtype: .int32)) * rotary(k, start: Tensor(j, dtype: .int32))).sum().scalar
    }
    #expect(abs(product(3, 1) - product(12, 10)) < 1e-12)
    #expect(abs(product(3, 1) - product(3, 2)) > 1e-3)
    #expect(abs(rotary(q, start: Tensor(5, dtype: .int32)).norm().scalar - q.norm().scalar) < 1e-12)
  }

  @Test func positionsHaveTheirFormulas() {
    let y = SinusoidalPositions().apply(Variables(), Tensor.zeros([1, 3, 4], dtype: .float64))
    let expected: [Double] = [
      0, 1, 0, 1, Foundation.sin(1), Foundation.cos(1), Foundation.sin(0.01), Foundation.cos(0.01), Foundation.sin(2),
      Foundation.cos(2), Foundation.sin(0.02), Foundation.cos(0.02),
    ]
    #expect(zip(y.doubles, expected).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(LinearBiases().slopes(8) == (1...8).map { pow(2, -Double($0)) })
    #expect(LinearBiases().slopes(3) == [0.0625, 0.00390625, 0.25])
    let bias = LinearBiases().bias(heads: 1, queries: 2, keys: 2, dtype: .float64)
    #expect(bias.doubles == [0, -0.00390625, -0.00390625, 0])
  }
}
