import Soma
import SomaNetworks

extension Candidate {
  /// Measures what a trained candidate costs in use: operations, memory, and the median time of a forward pass.
  /// - Parameter milliseconds: how long each latency is measured, about
  func measured(_ data: PreparedData, experimentID: Int64, milliseconds: Int = 100) throws -> Measurement {
    let network = network(data.facts, batch: 1)
    let variables = network.initialized(for: data.inputShape(1), key: Key(0))
    let batch = min(PreparedData.evaluationBatch, data.split.train.count)
    let (single, many) = (
      try Self.executable(network, variables, data.inputShape(1)),
      try Self.executable(network, variables, data.inputShape(batch))
    )
    func latency(_ executable: Executable, _ count: Int) throws -> Double {
      let features = try data.split.train.batch(of: Array(0..<count)).features
      return Self.medianSeconds(milliseconds) { _ = executable(variables.leaves + [features]) }
    }
    return Measurement(
      experimentID: experimentID, candidate: name, network: specification.description, parameters: parameters,
      operations: single.graph.cost().total.operations, latency: try latency(single, 1),
      batchLatency: try latency(many, batch), batch: batch, inferenceMemoryBytes: many.memory.total)
  }

  private static func executable(_ network: any Layer, _ variables: Variables, _ input: Shape) throws -> Executable {
    let types = variables.leaves.map { TensorType(shape: $0.shape, dtype: $0.dtype) } + [TensorType(shape: input)]
    let graph = Graph(tracing: types) { arguments in
      [network.apply(variables.replacingLeaves(Array(arguments.dropLast())), arguments.last!)]
    }
    return try Executable(graph)
  }

  /// The median of repeats that together take about so long, after a few that do not count.
  private static func medianSeconds(_ milliseconds: Int, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    for _ in 0..<3 { body() }
    var times: [Double] = []
    let start = clock.now
    while times.count < 5 || (times.count < 1000 && clock.now - start < .milliseconds(milliseconds)) {
      times.append(clock.measure(body) / .seconds(1))
    }
    return times.median
  }
}
