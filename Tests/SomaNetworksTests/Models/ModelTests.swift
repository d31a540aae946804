import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct ModelTests {
  /// torchvision's numbers. VGG differs in the head (global pooling and one dense layer) and the convolutions' missing
  /// bias, so
  /// its convolutional part is compared: 14,723,136 parameters of vgg16_bn less 4,224 biases.
  @Test func parameterCountsAreThePublishedOnes() {
    let image: Shape = [1, 3, 224, 224]
    #expect(ResNet.depth(18, outputs: 1000)!.parameterCount(for: image) == 11_689_512)
    #expect(ResNet.depth(34, outputs: 1000)!.parameterCount(for: image) == 21_797_672)
    #expect(ResNet.depth(50, outputs: 1000)!.parameterCount(for: image) == 25_557_032)
    #expect(MobileNet(outputs: 1000).parameterCount(for: image) == 3_504_872)
    #expect(VGG.depth(16, outputs: 1000)!.parameterCount(for: image) == 14_723_136 - 4_224 + 513_000)
    #expect(VGG.depth(11, outputs: 1000)!.parameterCount(for: image) == 9_225_984 - 2_752 + 513_000)
    // He et al. 2015, table 6: 0.27 M; counted with projections, as PyTorch counts them.
    #expect(ResNet.depth(20, outputs: 10)!.parameterCount(for: [1, 3, 32, 32]) == 272_474)
    #expect(ResNet.depth(8, outputs: 10)!.parameterCount(for: [1, 3, 32, 32]) == 77_850)
    #expect(LeNet(outputs: 10).parameterCount(for: [1, 1, 28, 28]) == 61_706)
    #expect(MLP(hidden: [256, 256], outputs: 10).parameterCount(for: [1, 784]) == 269_322)
    #expect(GPT(vocabulary: 256).parameterCount(for: [1, 128], dtype: .int32) == 875_264)
  }

  @Test func theResidualBlockIsTheBenchmarks() {
    let golden = LayerGolden("residualBlock")
    let kernels = golden.parameters
    let layer = ResNet(outputs: 2, depths: [1, 1], widths: [3, 4], normalizesShortcut: false)
    // The block is the second stage; the stem and first stage are left aside by calling its parts.
    var parameters = layer.initialized(for: TensorType(shape: [2, 3, 8, 8], dtype: .float64), key: Key(0)).parameters
    for (stored, place) in [
      ("1", "1/convolution/weight"), ("2", "2/convolution/weight"), ("shortcut", "shortcut/weight"),
    ] {
      parameters["stage1/0/" + place] = kernels[stored]!
    }
    let state = layer.initialized(for: TensorType(shape: [2, 3, 8, 8], dtype: .float64), key: Key(0)).state
    let scope = Scope(Variables(parameters: parameters, state: state), isTraining: true)["stage1"][0]
    #expect(
      layer.residual(golden["x"], 4, stride: 2, scope).isClose(to: golden["output"], relative: 1e-6, absolute: 1e-7))
  }

  private func input(_ specification: NetworkSpecification, _ shape: Shape) -> Tensor {
    specification.readsSymbols
      ? Tensor.randomIntegers(shape, in: 0..<7, key: Key(5)) : Tensor.normal(shape, key: Key(5))
  }

  /// Every ready network, small, on several input shapes: output shape, finite loss, finite and not vanishing
  /// gradients.
  @Test(
    arguments: NetworkSpecification.all.map(\.name).filter {
      !$0.contains("101") && !$0.contains("152") && !$0.contains("110")
    })
  func everyNetworkBuildsForSeveralInputs(_ name: String) throws {
    let specification = try NetworkSpecification(parsing: name + "@0.25")
    let shapes: [Shape] =
      specification.readsSymbols ? [[2, 5], [1, 9]] : [[2, 1, 8, 8], [2, 3, 17, 12], [2, 20, 20], [2, 6]]
    for shape in shapes {
      let network = Network(specification, input: shape, outputs: 7)
      let x = input(specification, shape)
      let variables = network.initialized(for: TensorType(shape: shape, dtype: x.dtype), key: Key(1))
      #expect(variables.parameters.elementCount == specification.parameterCount(input: shape, outputs: 7))
      let step = compile { (v: Variables) -> [Tensor] in
        let (value, extra, gradient) = valueAndGrad(v.parameters) { p in
          let y = network.applyTraining(Variables(parameters: p, state: v.state), x, key: Key(3)).output
          return ((y * y).mean(), y)
        }
        return [value, extra] + gradient.leaves
      }
      let results = step(variables)
      if specification.readsSymbols {
        #expect(results[1].shape == shape + [7])
      } else if name == "unet" {
        #expect(Array(results[1].shape.suffix(2)) == (shape.rank == 2 ? [1, 6] : Array(shape.suffix(2))))
      } else {
        #expect(results[1].shape == [2, 7])
      }
      #expect(results.allSatisfy { $0.isFinite().all().item() }, "\(name) \(shape)")
      #expect(results.dropFirst(2).contains { $0.abs().max().scalar > 1e-6 }, "\(name) \(shape)")
    }
  }

  /// Twenty steps of plain gradient descent on a toy set lower the loss.
  @Test(arguments: [
    ("mlp", 0.1), ("mlp:mish", 0.1), ("mlp:prelu", 0.1), ("mlp:swiglu", 0.1), ("lenet", 0.05), ("resnet8@0.5", 0.1),
    ("vgg11@0.1", 0.05),
    ("mobilenet-small@0.5", 0.05), ("vit@0.5", 0.1), ("gpt@0.25", 0.5), ("lstm@0.25", 2), ("unet@0.5", 0.1),
  ])
  func lossFalls(_ text: String, _ rate: Double) throws {
    let specification = try NetworkSpecification(parsing: text)
    let shape: Shape = specification.readsSymbols ? [8, 12] : [16, 1, 8, 8]
    let network = Network(specification, input: shape, outputs: 4)
    let x =
      specification.readsSymbols
      ? Tensor.randomIntegers(shape, in: 0..<4, key: Key(5)) : Tensor.normal(shape, key: Key(5))
    // Targets: the same symbol; whether the mean of a quarter is high.
    let targets: Tensor
    if specification.readsSymbols {
      targets = x
    } else if specification.name == "unet" {
      targets = (x[.all, 0] .> 0).cast(to: .int32)
    } else {
      targets = (x.mean([1, 2, 3]) .> 0).cast(to: .int32) + (x[.all, 0, 0, 0] .> 0).cast(to: .int32) * 2
    }
    let oneHot = targets.oneHot(4)
    let step = compile { (v: Variables) -> [Variables] in
      var variables = v
      let (_, state, gradient) = valueAndGrad(v.parameters) { p -> (Tensor, Variables) in
        let (y, after) = network.applyTraining(Variables(parameters: p, state: v.state), x, key: Key(3))
        let scores = specification.name == "unet" ? y.movingAxis(1, to: -1) : y
        let loss = -(scores.logSoftmax() * oneHot).sum([-1]).mean()
        return (loss, Variables(parameters: Parameters([("loss", loss)]), state: after.state))
      }
      variables.state = state.state
      variables.parameters = v.parameters.map { $1 - gradient[$0]! * rate }
      return [variables, Variables(parameters: state.parameters)]
    }
    var variables = network.initialized(for: TensorType(shape: shape, dtype: x.dtype), key: Key(1))
    var losses: [Double] = []
    for _ in 0..<20 {
      let result = step([variables][0])
      variables = result[0]
      losses.append(result[1].parameters["loss"]!.scalar)
    }
    #expect(losses.allSatisfy { $0.isFinite })
    #expect(losses[19] < losses[0] * 0.95, "\(text): \(losses[0]) to \(losses[19])")
  }

  @Test(arguments: ["learned", "rotary", "biases", "gated"])
  func aTextContinuesFromTheCacheAsFromTheWhole(_ variant: String) {
    var network = GPT(vocabulary: 11, context: 10, width: 16, heads: 4, layers: 2)
    switch variant {
    case "rotary": network.positions = .rotary
    case "biases": network.positions = .linearBiases
    case "gated":
      (network.isGated, network.normalization, network.keyHeads, network.sharesEmbedding) = (true, .rms, 2, true)
    default: break
    }
    let x = Tensor.randomIntegers([2, 7], in: 0..<11, key: Key(1))
    let variables = network.initialized(for: TensorType(shape: [2, 7], dtype: .int32), key: Key(2))
    let whole = network.apply(variables, x)
    var caches = network.caches(batch: 2)
    var parts: [Tensor] = []
    for range in [0..<4, 4..<5, 5..<7] {
      let (scores, next) = network(x[.all, range], caches: caches, Scope(variables))
      caches = next
      parts.append(scores)
    }
    #expect(Tensor.concatenate(parts, axis: 1).isClose(to: whole, relative: 1e-4, absolute: 1e-5))
  }

  @Test func lstmTextsContinueFromTheState() {
    let network = LSTMLanguageModel(vocabulary: 9, embedding: 6, units: 8, layers: 2)
    let x = Tensor.randomIntegers([2, 6], in: 0..<9, key: Key(1))
    let variables = network.initialized(for: TensorType(shape: [2, 6], dtype: .int32), key: Key(2))
    let (a, state) = network(x[.all, 0..<4], state: network.initialState(batch: 2), Scope(variables))
    let (b, _) = network(x[.all, 4...], state: state, Scope(variables))
    #expect(
      Tensor.concatenate([a, b], axis: 1).isClose(to: network.apply(variables, x), relative: 1e-4, absolute: 1e-6))
  }
}
