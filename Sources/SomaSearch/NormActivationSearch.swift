import Soma
import SomaData
import SomaNetworks

/// The space that EvoNorms were found in: ten operations over the input, zero and two trained vectors. (Liu, Brock,
/// Simonyan, Le 2020, arXiv 2004.02967)
public struct NormActivationSearchSpace: Sendable {
  public var operationCount: Int
  public var groups: Int
  public init(operationCount: Int = 10, groups: Int = 4) {
    self.operationCount = operationCount
    self.groups = groups
  }

  private func node(_ place: Int, _ generator: inout SeededGenerator) -> NormActivationGraph.Node {
    let operations = NormActivationGraph.Operation.all
    let earlier = place + NormActivationGraph.initialCount
    return .init(
      operations[generator.below(operations.count)], generator.below(earlier), generator.below(earlier))
  }

  public func random(_ generator: inout SeededGenerator) -> NormActivationGraph {
    NormActivationGraph((0..<operationCount).map { node($0, &generator) }, groups: groups)
  }

  /// One operation drawn anew with its inputs; the others stay, needed or not.
  public func mutated(_ graph: NormActivationGraph, _ generator: inout SeededGenerator) -> NormActivationGraph {
    var result = graph
    let place = generator.below(graph.nodes.count)
    repeat { result.nodes[place] = node(place, &generator) } while result.nodes[place] == graph.nodes[place]
    return result
  }
}

/// Whether a network's gradients stay bounded under attack: ascends the norm of the loss's gradient with respect to the
/// kernels, by normalized steps from the initial weights, and refuses what grows beyond a limit or stops being finite.
public struct StabilityFilter: Sendable {
  public var steps: Int
  public var learningRate: Double
  public var limit: Double
  public init(steps: Int = 100, learningRate: Double = 0.1, limit: Double = 1e8) {
    self.steps = steps
    self.learningRate = learningRate
    self.limit = limit
  }

  /// The largest norm that was met; not a number or infinite if it stopped being finite.
  /// - Parameter loss: of the network's output
  public func largestNorm(
    _ network: any Layer, _ variables: Variables, _ x: Tensor, loss: @escaping (Tensor) -> Tensor
  ) -> Double {
    let kernels = variables.parameters.filtered { $0.hasSuffix("weight") }
    func squaredNorm(_ kernels: Parameters) -> Tensor {
      let gradient = grad { (k: Parameters) -> Tensor in
        let all = Variables(parameters: variables.parameters.merging(k), state: variables.state)
        return loss(network.applyTraining(all, x, key: nil).output)
      }(kernels)
      return gradient.leaves.map { $0.squared().sum() }.reduce(Tensor(0), +)
    }
    let rate = learningRate
    let step = compile { (kernels: Parameters) -> [Tensor] in
      let (value, ascent) = valueAndGrad(kernels) { (squaredNorm($0) + 1e-30).sqrt() }
      let size = (ascent.leaves.map { $0.squared().sum() }.reduce(Tensor(0), +) + 1e-30).sqrt()
      return [value] + zip(kernels.leaves, ascent.leaves).map { $0 + rate * $1 / size }
    }
    var now = kernels
    var largest = 0.0
    for _ in 0..<steps {
      let result = step(now)
      let value = result[0].scalar
      guard value.isFinite else { return value }
      largest = max(largest, value)
      if largest > limit { return largest }
      now = now.replacingLeaves(Array(result.dropFirst()))
    }
    return largest
  }

  public func accepts(
    _ network: any Layer, _ variables: Variables, _ x: Tensor, loss: @escaping (Tensor) -> Tensor
  ) -> Bool {
    let norm = largestNorm(network, variables, x, loss: loss)
    return norm.isFinite && norm <= limit
  }
}

/// Whether a short training lifts a proxy network above chance on every anchor: accuracy below the threshold refuses.
public struct QualityFilter: Sendable {
  public var threshold: Double
  public init(threshold: Double = 0.2) { self.threshold = threshold }
  public func accepts(_ accuracies: [Double]) -> Bool { accuracies.allSatisfy { $0 >= threshold } }
}
