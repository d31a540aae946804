import Soma
import SomaNetworks

/// Gradients of each example of a batch by itself, clipped to a norm and added up.
public struct PerExampleGradients: Sendable {
  public enum Mode: String, Sendable, CaseIterable {
    /// Every example's gradient is made: any network, memory in proportion to batch × parameters.
    case vectorized
    /// Norms from the inputs and output derivatives of dense and convolution layers, then a second backward pass with
    /// weighted losses; no gradient of a single example is made. (Li, Tramèr, Liang, Hashimoto 2021, arXiv 2110.05679)
    case ghost
  }
  public let network: any Layer
  public let loss: any Loss
  public let mode: Mode

  public init(_ network: any Layer, loss: any Loss, mode: Mode) {
    self.network = network
    self.loss = loss
    self.mode = mode
  }

  /// Whether dense and convolution layers (of two dimensions, not grouped) have all the network's parameters.
  public static func supportsGhost(_ network: any Layer, for input: TensorType) -> Bool {
    let recorder = Recorder()
    let probed = Replacing(network) { GhostLayer($0, recorder) }
    let types = probed.variableTypes(for: input).parameters.filter { !$0.name.hasSuffix(Recorder.probe) }
    return types.allSatisfy { entry in recorder.parameters.contains(entry.name) }
      && types.count == recorder.parameters.count
  }

  private func losses(_ output: Tensor, _ y: Tensor) -> Tensor {
    let values = loss.terms(output, y).values
    return values.rank > 1 ? values.flattened(from: 1).mean([1]) : values
  }

  /// - `weights`: 1 for examples that count, 0 for padding: `[n]`
  /// - `clip`: C; infinite to leave gradients as they are
  /// - Returns: `Σ wᵢ gᵢ min(1, C/|gᵢ|)`, the norms `[n]` and the losses `[n]`
  public func clippedSum(
    _ parameters: Parameters, _ x: Tensor, _ y: Tensor, weights: Tensor, clip: Double, key: Key?
  ) -> (sum: Parameters, norms: Tensor, losses: Tensor) {
    func factors(_ norms: Tensor) -> Tensor {
      clip.isInfinite ? weights : weights * (clip / norms.maximum(1e-12)).minimum(1)
    }
    switch mode {
    case .vectorized:
      func one(_ p: Parameters, _ x: Tensor, _ y: Tensor) -> Tensor {
        let scope = Scope(Variables(parameters: p), isTraining: true, key: key)
        return losses(network(x.expandDimensions(at: 0), scope), y.expandDimensions(at: 0)).sum()
      }
      let results = vmap { (example: [Tensor]) -> [Tensor] in
        let (value, gradient) = valueAndGrad(parameters) { one($0, example[0], example[1]) }
        return [value] + gradient.leaves
      }([x, y])
      let each = Array(results.dropFirst())
      let squares = each.map { $0.rank > 1 ? $0.squared().flattened(from: 1).sum([1]) : $0.squared() }
      let norms = squares.dropFirst().reduce(squares[0], +).sqrt()
      let c = factors(norms)
      let sums = each.map { gradient -> Tensor in
        let n = gradient.shape[0]
        return c.expandDimensions(at: 0).matmul(gradient.reshape([n, gradient.count / max(n, 1)]))
          .reshape(Shape(gradient.shape.dropFirst()))
      }
      return (parameters.replacingLeaves(sums), norms, results[0])
    case .ghost:
      let recorder = Recorder()
      let probed = Replacing(network) { GhostLayer($0, recorder) }
      // The first pass finds which probes there are.
      _ = probed(x.stopGradient(), Scope(Variables(parameters: parameters), isTraining: true, key: key))
      let probes = recorder.outputs.map { Tensor.zeros($0.shape, dtype: $0.dtype) }
      let (values, pullback) = vjp(probes) { probes -> Tensor in
        recorder.begin(with: probes)
        return losses(probed(x, Scope(Variables(parameters: parameters), isTraining: true, key: key)), y)
      }
      let deltas = pullback(Tensor.ones(like: values))
      // Inputs are recorded a second time outside the derivative, where they may be used.
      recorder.begin(with: probes)
      _ = probed(x, Scope(Variables(parameters: parameters), isTraining: true, key: key))
      let squares = zip(recorder.layers, zip(recorder.inputs, deltas)).map { layer, pair in
        layer.squaredNorm(pair.0, pair.1)
      }
      let norms = squares.dropFirst().reduce(squares[0], +).sqrt().stopGradient()
      let c = factors(norms).stopGradient()
      let sum = grad { (p: Parameters) -> Tensor in
        (losses(network(x, Scope(Variables(parameters: p), isTraining: true, key: key)), y) * c).sum()
      }(parameters)
      return (sum, norms, values)
    }
  }
}

/// What a forward pass through ghost layers notes; used by one pass at a time.
private final class Recorder: @unchecked Sendable {
  static let probe = "ghostProbe"
  var parameters: Set<String> = []
  var layers: [GhostLayer] = []
  var inputs: [Tensor] = []
  var outputs: [Tensor] = []
  private var probes: [Tensor] = []

  func begin(with probes: [Tensor]) {
    self.probes = probes
    (layers, inputs, outputs) = ([], [], [])
  }

  /// Notes a layer's pass and adds the probe to its output.
  func note(_ layer: GhostLayer, _ input: Tensor, _ output: Tensor) -> Tensor {
    layers.append(layer)
    inputs.append(input)
    outputs.append(output)
    return probes.isEmpty ? output : output + probes[outputs.count - 1]
  }
}

/// A dense or convolution layer whose inputs and output derivatives give the norm of each example's gradient.
private struct GhostLayer: Layer {
  enum Kind {
    case dense(Dense)
    case convolution(SomaNetworks.Convolution)
  }
  let kind: Kind
  let recorder: Recorder

  init?(_ layer: any Layer, _ recorder: Recorder) {
    switch layer {
    case let dense as Dense: kind = .dense(dense)
    case let convolution as SomaNetworks.Convolution
    where convolution.size.count == 2 && convolution.groups == 1 && convolution.dilations == [1, 1]:
      kind = .convolution(convolution)
    default: return nil
    }
    self.recorder = recorder
  }

  private var layer: any Layer {
    switch kind {
    case .dense(let dense): dense
    case .convolution(let convolution): convolution
    }
  }
  private var usesBias: Bool {
    switch kind {
    case .dense(let dense): dense.usesBias
    case .convolution(let convolution): convolution.usesBias
    }
  }

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let prefix = scope.path.isEmpty ? "" : scope.path + "/"
    recorder.parameters.insert(prefix + "weight")
    if usesBias { recorder.parameters.insert(prefix + "bias") }
    return recorder.note(self, x, layer.forward(x, scope))
  }

  /// Of each example's gradient: dense layers on rows `(|a|² + 1)|δ|²`; with several positions the product is summed first.
  func squaredNorm(_ a: Tensor, _ delta: Tensor) -> Tensor {
    let n = a.shape[0]
    switch kind {
    case .dense where a.rank == 2:
      return (a.squared().sum([1]) + (usesBias ? 1 : 0)) * delta.squared().sum([1])
    case .dense(let dense):
      let (rows, d) = (a.reshape([n, -1, a.shape.last]), delta.reshape([n, -1, dense.units]))
      return Self.norm(rows.T, d, usesBias)
    case .convolution(let convolution):
      let spatial = Array(a.shape.suffix(2))
      let (low, high) = convolution.padding.widths(spatial, convolution.size, convolution.strides)
      let padded = a.padded([(0, 0), (0, 0), (low[0], high[0]), (low[1], high[1])])
      let patches = padded.unfold(convolution.size, strides: convolution.strides)
      return Self.norm(patches, delta.reshape([n, convolution.channels, -1]).T, usesBias)
    }
  }

  /// `|A D|²` and the bias's `|Σ D|²`: A `[n, i, positions]`, D `[n, positions, o]`.
  private static func norm(_ a: Tensor, _ d: Tensor, _ usesBias: Bool) -> Tensor {
    let weight = a.matmul(d).squared().sum([1, 2])
    return usesBias ? weight + d.sum([1]).squared().sum([1]) : weight
  }
}

extension Padding {
  /// What is added before and after each spatial axis.
  fileprivate func widths(_ input: [Int], _ size: [Int], _ strides: [Int]) -> (low: [Int], high: [Int]) {
    switch self {
    case .valid: return ([0, 0], [0, 0])
    case .explicit(let low, let high): return (low, high)
    case .same:
      let totals = input.indices.map { i in
        max(0, ((input[i] + strides[i] - 1) / strides[i] - 1) * strides[i] + size[i] - input[i])
      }
      return (totals.map { $0 / 2 }, totals.map { $0 - $0 / 2 })
    }
  }
}
