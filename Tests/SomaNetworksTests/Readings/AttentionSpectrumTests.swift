import Foundation
import Testing

@testable import Soma
@testable import SomaNetworks

@Suite struct AttentionSpectrumTests {
  @Test func scoresHaveNoMoreDirectionsThanAHeadHasChannels() {
    let attention = MultiHeadAttention(heads: 2)
    let x = Tensor.normal([3, 6, 8], key: Key(1), dtype: .float64)
    let variables = attention.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(2))
    let spectrum = AttentionSpectrum(of: attention, variables, x)
    #expect(spectrum.blocks.count == 1)
    let block = spectrum.blocks[0]
    #expect(block.scores.count == 6 && block.weights.count == 6)
    // Q Kᵀ of heads of 4 channels.
    #expect(block.scores[3] > 1e-3 && block.scores[4] < 1e-9)
    // Rows of a softmax sum to 1: the largest value of a stochastic matrix is at least 1.
    #expect(block.weights[0] >= 1 - 1e-9)
  }

  @Test func eachBlockIsReadWhateverItsActivation() {
    let images = Tensor.normal([2, 1, 8, 8], key: Key(3))
    for attention in [nil, KolmogorovArnoldAttention(rank: .of(2)) as (any AttentionActivation)?] {
      var network = ViT(outputs: 3, patch: 4, width: 8, heads: 2, layers: 3, hidden: 8)
      network.attention = attention
      let variables = network.initialized(for: [1, 1, 8, 8], key: Key(4))
      let spectrum = AttentionSpectrum(of: network, variables, images)
      #expect(spectrum.blocks.count == 3 && Set(spectrum.blocks.map(\.path)).count == 3)
      #expect(spectrum.blocks.allSatisfy { $0.weights.allSatisfy { $0.isFinite } && !$0.scores.isEmpty })
    }
  }

  @Test func masksAreKept() {
    let attention = MultiHeadAttention(heads: 1, isCausal: true)
    let x = Tensor.normal([1, 5, 4], key: Key(5), dtype: .float64)
    let variables = attention.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(6))
    var shown = attention
    shown.activation = SoftmaxAttention()
    #expect((shown.apply(variables, x) - attention.apply(variables, x)).abs().max().scalar < 1e-12)
    // Triangular with positive diagonal: no direction is lost.
    #expect(AttentionSpectrum(of: attention, variables, x).blocks[0].weights[4] > 1e-6)
  }

  @Test func effectiveRankCountsEqualValues() {
    #expect(abs(AttentionSpectrum.Block.effectiveRank([2, 2, 2, 0]) - 3) < 1e-12)
    #expect(abs(AttentionSpectrum.Block.effectiveRank([5]) - 1) < 1e-12)
    #expect(AttentionSpectrum.Block.effectiveRank([0, 0]) == 0)
  }
}
