import Soma
import SomaData
import SomaNetworks

/// What an evaluation found.
public struct Evaluation: Sendable, Hashable {
  public var loss: Double
  public var metrics: [String: Double]
  /// The number of samples.
  public var count: Int
}

/// A network in use: compiled once for each shape of batch.
public final class Inference {
  private struct Call: TensorTree {
    var variables: Variables
    var tensors: [Tensor]
    var leaves: [Tensor] { variables.leaves + tensors }
    func replacingLeaves(_ leaves: [Tensor]) -> Call {
      let count = variables.leaves.count
      return Call(
        variables: variables.replacingLeaves(Array(leaves.prefix(count))), tensors: Array(leaves.dropFirst(count)))
    }
  }

  private let metrics: [RunningMetric]
  private let output: CompiledFunction<Call, Tensor>
  private let sums: CompiledFunction<Call, [Tensor]>

  public init(_ network: any Layer, _ loss: any Loss, _ metrics: [RunningMetric] = [], _ memoryLimit: Int? = nil) {
    self.metrics = metrics
    output = compile(memoryLimit: memoryLimit) { network.apply($0.variables, $0.tensors[0]) }
    sums = compile(memoryLimit: memoryLimit) { call in
      let (y, targets) = (network.apply(call.variables, call.tensors[0]), call.tensors[1])
      let terms = loss.terms(y, targets)
      return [terms.values.sum(), terms.weight]
        + metrics.flatMap { metric in
          let (sum, weight) = metric.sums(y, targets)
          return [sum, weight]
        }
    }
  }

  /// The mean loss and the metrics over all samples.
  /// - Throws: what the data set throws, `Executable.MemoryLimitExceeded`.
  public func evaluate(_ variables: Variables, _ data: DataLoader) throws -> Evaluation {
    var totals = [Double](repeating: 0, count: 2 + 2 * metrics.count)
    var count = 0
    let batches = data.epoch(0)
    while let batch = try batches.next() {
      let values = try sums.run(Call(variables: variables, tensors: [batch.features, batch.targets]))
      for (i, value) in values.enumerated() { totals[i] += value.scalar }
      count += batch.count
    }
    var result = Evaluation(loss: totals[0] / totals[1], metrics: [:], count: count)
    for (i, metric) in metrics.enumerated() {
      result.metrics[metric.name] = metric.finish(totals[2 + 2 * i] / totals[3 + 2 * i])
    }
    return result
  }

  /// The network's output for samples, in batches.
  /// - `features`: `[n, …]`
  /// - Throws: `Executable.MemoryLimitExceeded`.
  public func predict(_ variables: Variables, _ features: Tensor, batchSize: Int = 256) throws -> Tensor {
    require(features.rank > 0 && batchSize > 0, "predict wants samples [n, …] and a batch size of at least 1")
    let n = features.shape[0]
    if n <= batchSize { return try output.run(Call(variables: variables, tensors: [features])) }
    return .concatenate(
      try stride(from: 0, to: n, by: batchSize).map { start in
        let part = features[start..<Swift.min(start + batchSize, n)]
        return try output.run(Call(variables: variables, tensors: [part]))
      })
  }
}
