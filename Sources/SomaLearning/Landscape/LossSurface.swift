import Foundation
import Soma
import SomaData
import SomaNetworks

/// The loss on a plane through trained parameters θ: `L(θ + a δ + b η)` for offsets a and b. The directions δ and η are drawn from
/// the standard normal distribution; then each filter (the weights into one unit or channel) is scaled to the norm of the filter
/// of θ that it moves, so that surfaces of networks with different scales can be compared. Biases and other vectors stay
/// (Li, Xu, Taylor, Studer, Goldstein 2018, arXiv 1712.09913).
public struct LossSurface: Sendable {
  /// The offsets along both directions, ascending, 0 in the middle.
  public let offsets: [Double]
  /// `values[j][i]` is the loss at `a = offsets[i]`, `b = offsets[j]`; where it is not finite, not a number.
  public let values: [[Double]]

  /// The loss at θ.
  public var center: Double { values[values.count / 2][offsets.count / 2] }

  /// - Parameters:
  ///   - data: the samples that the loss is averaged over
  ///   - span: the largest offset
  ///   - resolution: offsets on either side of 0
  ///   - onProgress: told the share that is done; ends the work by throwing
  /// - Throws: what `onProgress` throws; `Executable.MemoryLimitExceeded`.
  public init(
    _ network: any Layer, _ variables: Variables, loss: any Loss, data: LabeledData, span: Double = 1,
    resolution: Int = 12, seed: UInt64 = 0, onProgress: (Double) throws -> Void = { _ in }
  ) throws {
    require(span > 0 && resolution > 0, "a loss surface wants a span above 0 and a resolution of at least 1")
    let offsets = (-resolution...resolution).map { span * Double($0) / Double(resolution) }
    let keys = Key(seed).split(2)
    let first = Self.direction(for: variables.parameters, keys[0])
    let second = Self.direction(for: variables.parameters, keys[1])
    let inference = Inference(network, loss)
    let loader = DataLoader(data, batchSize: min(1024, data.count), prefetch: 0)
    var values: [[Double]] = []
    for (j, b) in offsets.enumerated() {
      try onProgress(Double(j) / Double(offsets.count))
      values.append(
        try offsets.map { a in
          var moved = variables
          moved.parameters = variables.parameters.map { name, tensor in
            guard let u = first[name], let v = second[name] else { return tensor }
            return tensor + u * a + v * b
          }
          let value = try inference.evaluate(moved, loader).loss
          return value.isFinite ? value : .nan
        })
    }
    self.offsets = offsets
    self.values = values
  }

  /// A random direction for every matrix and filter bank, each filter as long as the one it moves. The last axis counts a dense
  /// layer's units, the first a convolution's channels.
  static func direction(for parameters: Parameters, _ key: Key) -> Parameters {
    var result = Parameters()
    let names = parameters.names.filter { (parameters[$0]?.rank ?? 0) >= 2 }
    for (name, key) in zip(names, key.split(max(1, names.count))) {
      guard let tensor = parameters[name] else { continue }
      let draw = Tensor.normal(tensor.shape, key: key, dtype: tensor.dtype)
      let axes = tensor.rank == 2 ? [0] : Array(1..<tensor.rank)
      func norm(_ x: Tensor) -> Tensor { x.squared().sum(axes, keepsAxes: true).sqrt() }
      result[name] = draw * (norm(tensor) / (norm(draw) + 1e-10))
    }
    return result
  }
}
