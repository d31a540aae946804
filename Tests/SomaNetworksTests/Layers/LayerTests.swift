import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Outputs and gradients against PyTorch.
@Suite struct LayerTests {
  private func check(_ name: String, _ layer: any Layer) { LayerGolden(name).check { layer($0, $1) } }

  @Test func convolutions() {
    check("convolution1", Convolution(4, [3], strides: [2], padding: .uniform(1, rank: 1)))
    check(
      "convolution2", Convolution(6, [3, 3], strides: [2, 1], padding: .uniform(1), dilations: [1, 2], groups: 2))
    check("convolution3", Convolution(3, [2, 3, 2], padding: .uniform(1, rank: 3)))
    check("depthwise", DepthwiseConvolution([3, 3], padding: .uniform(1), multiplier: 2))
    check("separable", SeparableConvolution(4, [3, 3]))
    check(
      "transposed",
      TransposedConvolution(4, [3, 3], strides: [2, 2], padding: [1, 1], outputPadding: [1, 1], groups: 2))
  }

  @Test func pooling() {
    check("maxPool", MaxPool([3, 3], strides: [2, 2], padding: .uniform(1)))
    check("averagePool", AveragePool([2, 3], strides: [2, 2]))
    check("adaptiveAverage", AdaptiveAveragePool([3, 4]))
    check("adaptiveMax", AdaptiveMaxPool([3, 4]))
    check("globalAverage", GlobalPool())
    check("globalMax", GlobalPool(.max))
  }

  @Test func normalization() {
    check("groupNorm", GroupNorm(3))
    check("instanceNorm", InstanceNorm())
    check("layerNorm", LayerNorm())
    check("rmsNorm", RMSNorm())
  }

  @Test func batchNormalizationAndItsRunningStatistics() {
    let golden = LayerGolden("batchNorm")
    let fresh = Parameters([
      ("mean", Tensor.zeros([3], dtype: .float64)), ("variance", Tensor.ones([3], dtype: .float64)),
    ])
    golden.check(state: fresh, isTraining: true) { BatchNorm()($0, $1) }
    let variables = Variables(parameters: golden.parameters, state: fresh)
    let (_, after) = BatchNorm().applyTraining(variables, golden["x"], key: nil)
    #expect(after.state["mean"]!.isClose(to: golden["mean"], relative: 1e-8))
    #expect(after.state["variance"]!.isClose(to: golden["variance"], relative: 1e-8))
    LayerGolden("batchNormInference").check(state: after.state) { BatchNorm()($0, $1) }
    // Rows without spatial axes: a large mean does not spoil the variance.
    let x = Tensor.normal([512, 4], mean: 1000, key: Key(3))
    let layer = BatchNorm()
    let y = layer.applyTraining(layer.initialized(for: [512, 4], key: Key(0)), x, key: nil).output
    #expect(y.mean([0]).floats.allSatisfy { abs($0) < 1e-2 })
    #expect(y.variance([0]).floats.allSatisfy { abs($0 - 1) < 1e-2 })
  }

  @Test func recurrentCells() {
    check("rnn", Recurrent.rnn(4))
    check("lstm", Recurrent.lstm(4))
    check("lstmDeep", Recurrent(.lstm, 4, layers: 2, isBidirectional: true))
    check("gru", Recurrent.gru(4))
  }

  @Test func recurrentStatesAndLastOutputs() {
    let golden = LayerGolden("lstm")
    let variables = Variables(parameters: golden.parameters)
    let layer = Recurrent.lstm(4)
    let x = golden["x"]
    let (first, state) = layer(x[.all, 0..<3], state: layer.initialState(batch: 2, dtype: .float64), Scope(variables))
    let (second, _) = layer(x[.all, 3...], state: state, Scope(variables))
    #expect(Tensor.concatenate([first, second], axis: 1).isClose(to: golden["output"], relative: 1e-7))
    let last = Recurrent(.lstm, 4, output: .last)
    #expect(last.apply(variables, x).isClose(to: golden["output"][.all, -1], relative: 1e-7))
    // In both directions: the backward half's last step is the first place.
    let deep = LayerGolden("lstmDeep")
    let both = Recurrent(.lstm, 4, layers: 2, isBidirectional: true, output: .last)
    let y = both.apply(Variables(parameters: deep.parameters), deep["x"])
    #expect(y[.all, 0..<4].isClose(to: deep["output"][.all, -1, 0..<4], relative: 1e-7))
    #expect(y[.all, 4...].isClose(to: deep["output"][.all, 0, 4...], relative: 1e-7))
  }

  @Test func gatedFeedForward() {
    check("glu", GatedFeedForward(hidden: 5, gate: .sigmoid))
    check("reglu", GatedFeedForward.reglu(hidden: 5))
    check("geglu", GatedFeedForward.geglu(hidden: 5))
    check("swiglu", GatedFeedForward.swiglu(hidden: 5))
  }

  @Test func initialForgetGatesAreOpen() {
    let variables = Recurrent.lstm(2).initialized(for: [1, 3, 5], key: Key(0))
    #expect(variables.parameters["0/forward/bias"]!.floats == [0, 0, 1, 1, 0, 0, 0, 0])
    let u = variables.parameters["0/forward/recurrent"]!
    #expect(u.matmul(u.T).isClose(to: .eye(2), relative: 1e-5, absolute: 1e-5))
  }

  @Test func dropoutKeepsTheMean() {
    let x = Tensor.ones([64, 32, 10, 10])
    let empty = Variables()
    let y = Dropout(0.3).applyTraining(empty, x, key: Key(1)).output
    #expect(abs(y.mean().scalar - 1) < 0.01)
    #expect(abs((y .== 0).cast(to: .float32).mean().scalar - 0.3) < 0.01)
    #expect(Set(y.floats) == [0, 1 / 0.7])
    #expect(Dropout(0.3).apply(empty, x).floats == x.floats)
    #expect(Dropout(0.3).applyTraining(empty, x, key: Key(2)).output.floats != y.floats)
    #expect(Dropout(0.3).applyTraining(empty, x, key: Key(1)).output.floats == y.floats)
    // Whole channels, whole examples.
    let channels = Dropout(0.5, of: .channel).applyTraining(empty, x, key: Key(1)).output.mean([2, 3])
    #expect(Set(channels.floats) == [0, 2])
    let examples = Dropout(0.5, of: .example).applyTraining(empty, x, key: Key(1)).output.mean([1, 2, 3])
    #expect(Set(examples.floats) == [0, 2])
  }

  @Test func compositionJoinsParts() {
    let x = Tensor([1, 2, 3, 4], shape: [2, 2]).cast(to: .float32)
    let double = Lambda { $0 * 2 }
    let empty = Variables()
    let residual = Residual {
      double
      double
    }
    #expect(residual.apply(empty, x).floats == [5, 10, 15, 20])
    #expect(
      Parallel {
        double
        Lambda { $0 + 1 }
      }.apply(empty, x).floats == [2, 4, 2, 3, 6, 8, 4, 5])
    #expect(
      Parallel(.multiplying) {
        double
        double
      }.apply(empty, x).floats == [4, 16, 36, 64])
    #expect(
      Parallel(.adding) {
        double
        double
      }.apply(empty, x).floats == [4, 8, 12, 16])
    #expect(Repeat(3, double).apply(empty, x).floats == [8, 16, 24, 32])
    #expect(Repeat(3, Dense(2)).parameterCount(for: [2, 2]) == 18)
    #expect(Repeat(3, sharesParameters: true, Dense(2)).parameterCount(for: [2, 2]) == 6)
    let wantsTail = true
    let built = Sequential {
      for units in [8, 4] {
        Dense(units)
        Activation.tanh
      }
      if wantsTail { Dense(1) }
    }
    #expect(built.outputShape(for: [3, 5]) == [3, 1])
    #expect(built.parameterCount(for: [3, 5]) == 5 * 8 + 8 + 8 * 4 + 4 + 5)
    #expect(
      Sequential {
        Flatten()
        Reshape([2, -1])
      }.outputShape(for: [3, 4, 5]) == [3, 2, 10])
  }

  @Test func embeddingsLookUpAndCollectGradients() {
    let layer = Embedding(5, width: 2)
    let symbols = Tensor([Int32(3), 0, 3], shape: [1, 3])
    let variables = layer.initialized(for: TensorType(shape: [1, 3], dtype: .int32), key: Key(4))
    let table = variables.parameters["weight"]!
    #expect(layer.apply(variables, symbols)[0, 2].floats == table[3].floats)
    let gradient = grad { (v: Variables) in layer.apply(v, symbols).sum() }(variables)
    #expect(gradient.leaves[0].floats == [1, 1, 0, 0, 0, 0, 2, 2, 0, 0])
  }

  @Test func countingDeclaresWhatInitializingMakes() {
    let layer = Sequential {
      Convolution(4, [3, 3])
      BatchNorm()
      Activation.relu
      GlobalPool()
      Dense(3)
    }
    let made = layer.initialized(for: [2, 3, 8, 8], key: Key(0))
    let types = layer.variableTypes(for: TensorType(shape: [2, 3, 8, 8]))
    #expect(types.parameters.map(\.name) == made.parameters.names)
    #expect(types.parameters.map(\.type.shape) == made.parameters.leaves.map(\.shape))
    #expect(types.state.map(\.name) == made.state.names)
    #expect(types.parameterCount == made.parameters.elementCount)
    #expect(Dense(1_000_000).parameterCount(for: [1, 1_000_000]) == 1_000_001_000_000)
  }
}
