import Testing

@testable import Soma
@testable import SomaNetworks

/// Parts of this family in transformers, and their names on the command line.
@Suite struct TransformerPartsTests {
  @Test func feedForwardPartsAreExchangeable() {
    let symbols = Tensor([1, 2, 3, 0, 2, 1] as [Int32], shape: [2, 3])
    for part in [FANFeedForward(hidden: 16), MLPKAN(hidden: 6, experts: 4)] as [any Layer] {
      var gpt = GPT(vocabulary: 5, context: 4, width: 8, heads: 2, layers: 2)
      gpt.feedForward = part
      let type = TensorType(shape: [2, 3], dtype: .int32)
      let y = gpt.apply(gpt.initialized(for: type, key: Key(1)), symbols)
      #expect(y.shape == [2, 3, 5])
      #expect(y.doubles.allSatisfy { $0.isFinite })
    }
  }

  @Test func networksHaveNames() throws {
    for name in [
      "kan", "cheby-kan", "fourier-kan", "wavelet-kan", "fast-kan", "faster-kan", "relu-kan", "af-kan", "spline-mlp",
      "fan",
      "gated-fan", "mlp-kan",
    ] {
      let network = try Network.named(name, input: [1, 8], outputs: 3)
      #expect(network.outputShape(for: [5, 8]) == [5, 3], "\(name)")
    }
    let scaled = try Network.named("kan", input: [1, 64], outputs: 10, parameters: 6000)
    #expect(abs(scaled.parameterCount(for: [1, 64]) - 6000) < 600)
  }
}
