import Foundation
import Soma
import SomaData
import SomaNetworks

/// Networks, layers and activations of every kind, small and with random numbers, for comparing an exported model with what
/// another runtime makes of it. `soma onnx samples DIR` writes them, `scripts/check-onnx-export.py` runs them.
public struct ONNXSample: Sendable {
  public let name: String
  private let layer: any Layer
  private let input: TensorType
  /// Integers of the input lie below.
  private let symbols: Int

  private init(_ name: String, _ layer: any Layer, _ shape: Shape, symbols: Int = 0) {
    self.name = name
    self.layer = layer
    input = TensorType(shape: shape, dtype: symbols > 0 ? .int32 : .float32)
    self.symbols = symbols
  }

  /// Every ready network, the layers that are in none of them, and every activation of the catalogue.
  public static func all() throws -> [ONNXSample] { try networks() + layers() + activations() }

  private static func networks() throws -> [ONNXSample] {
    try NetworkSpecification.all.map { entry in
      // Narrow, since it is the kinds of operations that matter.
      let isDeep = ["resnet34", "resnet50", "resnet101", "resnet152", "vgg11", "vgg13", "vgg16", "vgg19"]
      let specification = try NetworkSpecification(parsing: entry.name + (isDeep.contains(entry.name) ? "@0.125" : ""))
      let shape: Shape
      if specification.readsSymbols {
        shape = [2, 16]
      } else if entry.name.contains("mlp") || entry.name.contains("kan") || entry.name.contains("fan") {
        shape = [3, 12]
      } else if entry.name == "lenet" {
        shape = [2, 1, 28, 28]
      } else {
        shape = [2, 3, 32, 32]
      }
      let outputs = entry.name == "unet" ? 2 : 10
      return ONNXSample(
        "network-\(entry.name)", specification.network(input: shape, outputs: outputs), shape,
        symbols: specification.readsSymbols ? outputs : 0)
    }
  }

  private static func layers() -> [ONNXSample] {
    let cells: [(String, Recurrent.Cell)] = [("rnn", .rnn(.tanh)), ("lstm", .lstm), ("gru", .gru)]
    let recurrent = cells.flatMap { name, cell in
      [
        ONNXSample("layer-\(name)", Recurrent(cell, 6), [2, 7, 5]),
        ONNXSample("layer-\(name)-bidirectional", Recurrent(cell, 4, layers: 2, isBidirectional: true), [2, 7, 5]),
        ONNXSample("layer-\(name)-last", Recurrent(cell, 6, output: .last), [2, 7, 5]),
      ]
    }
    let images: Shape = [2, 4, 9, 8]
    let bases: [(String, any EdgeBasis)] = [
      ("spline-1", BSpline(order: 1)), ("spline-3", BSpline()), ("spline-5", BSpline(order: 5, intervals: 7)),
      ("legendre", LegendreBasis()), ("taylor", TaylorBasis()), ("rational", RationalBasis()),
    ]
    let edges = bases.map { ONNXSample("layer-kan-\($0.0)", KAN([5, 4, 3], basis: $0.1), [6, 5]) }
    return recurrent + edges + [
      ONNXSample(
        "layer-kan-products", KAN([5, .init(2, products: 2), 3].map { $0 }, layer: { KANLayer($0) }), [6, 5]),
      ONNXSample("layer-kan-convolution", KANConvolution(3), [2, 2, 6, 6]),
      ONNXSample("layer-convolution-strided", Convolution(6, [3, 3], strides: [2, 3]), images),
      ONNXSample("layer-convolution-dilated", Convolution(6, [3, 2], padding: .valid, dilations: [2, 3]), images),
      ONNXSample("layer-convolution-groups", Convolution(8, [3, 3], groups: 2), images),
      ONNXSample("layer-convolution-1d", Convolution(5, [3]), [2, 4, 11]),
      ONNXSample("layer-convolution-3d", Convolution(3, [2, 3, 2]), [1, 2, 5, 6, 4]),
      ONNXSample("layer-convolution-depthwise", DepthwiseConvolution([3, 3], multiplier: 2), images),
      ONNXSample("layer-convolution-transposed", TransposedConvolution(3, [3, 3], strides: [2, 2]), images),
      ONNXSample(
        "layer-convolution-transposed-output",
        TransposedConvolution(4, [3, 3], strides: [2, 3], padding: [1, 1], outputPadding: [1, 2], groups: 2), images),
      ONNXSample("layer-max-pool", MaxPool([3, 2], strides: [2, 2], padding: .same), images),
      ONNXSample("layer-average-pool", AveragePool([3, 2], strides: [2, 1], padding: .same), images),
      ONNXSample("layer-adaptive-average-pool", AdaptiveAveragePool([4, 3]), images),
      ONNXSample("layer-adaptive-max-pool", AdaptiveMaxPool([4, 3]), images),
      ONNXSample("layer-group-norm", GroupNorm(2), images),
      ONNXSample("layer-instance-norm", InstanceNorm(), images),
      ONNXSample("layer-layer-norm", LayerNorm(), [3, 4, 6]),
      ONNXSample("layer-rms-norm", RMSNorm(), [3, 4, 6]),
      ONNXSample("layer-evo-norm-b0", EvoNorm(.b0), images),
      ONNXSample("layer-evo-norm-s0", EvoNorm(.s0, groups: 2), images),
      ONNXSample("layer-attention", MultiHeadAttention(heads: 2), [2, 5, 8]),
      ONNXSample("layer-attention-causal", MultiHeadAttention(heads: 4, keyHeads: 2, isCausal: true), [2, 5, 8]),
      ONNXSample(
        "layer-attention-rotary",
        MultiHeadAttention(heads: 2, isCausal: true, positions: .rotary(RotaryPositions())), [2, 5, 8]),
      ONNXSample(
        "layer-attention-linear-biases", MultiHeadAttention(heads: 2, isCausal: true, positions: .linearBiases),
        [2, 5, 8]),
      ONNXSample("layer-gated-feed-forward", GatedFeedForward(hidden: 12), [2, 5, 8]),
      ONNXSample(
        "layer-mixture-of-experts", MixtureOfExperts(experts: (0..<4).map { _ in Dense(5) }, topK: 2), [6, 7]),
      ONNXSample("layer-neural-addition", NeuralAddition(outputs: 3), [4, 5]),
      ONNXSample("layer-neural-multiplication", NeuralMultiplication(outputs: 3), [4, 5]),
      ONNXSample("layer-neural-arithmetic-logic", NeuralArithmeticLogic(outputs: 3), [4, 5]),
      ONNXSample("layer-lehmer-pool", LehmerPool2d(p: 2.5, isTrained: true), images),
    ]
  }

  private static func activations() -> [ONNXSample] {
    (Activation.all + Activation.further).map { activation in
      // What looks at neighbours in space or at channels wants an image.
      ONNXSample("activation-\(activation.name)", activation, activation.suitsDenseLayers ? [3, 8] : [2, 4, 6, 4])
    }
  }

  /// The model, an input and what Soma makes of it.
  /// - Throws: `ONNXError` if a part has no meaning in the standard.
  public func make() throws -> (model: [UInt8], input: Tensor, output: Tensor) {
    let key = Key(name.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF })
    let start = layer.initialized(for: input, key: key)
    // Zeros and ones of a beginning network would hide mistakes.
    var variables = start
    var count = 0
    variables.parameters = start.parameters.map { _, tensor in
      count += 1
      guard tensor.dtype.isFloating else { return tensor }
      return tensor + Tensor.uniform(tensor.shape, low: 0.02, high: 0.08, key: key.folding(count))
    }
    let x =
      symbols > 0
      ? Tensor.uniform(input.shape, high: Double(symbols), key: key.folding(-1)).floor().cast(to: .int32)
      : Tensor.normal(input.shape, key: key.folding(-1))
    let graph = Graph(tracing: [input]) { [layer.apply(variables, $0[0])] }.simplified()
    let model = try ONNXExport.encode(graph, inputNames: ["input"], outputNames: ["output"])
    return (model, x, try Executable(graph)([x])[0])
  }

  /// Writes `DIR/NAME/model.onnx`, `input.npy` and `output.npy`.
  public func write(to directory: String) throws {
    let made = try make()
    let folder = "\(directory)/\(name)"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw DataError(folder, "cannot be made (\(error.localizedDescription))")
    }
    try writeFile(made.model, to: "\(folder)/model.onnx")
    try NPY.write(made.input, to: "\(folder)/input.npy")
    try NPY.write(made.output, to: "\(folder)/output.npy")
  }
}
