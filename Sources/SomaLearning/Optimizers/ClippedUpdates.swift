import Soma
import SomaNetworks

/// Another optimizer whose updates are cut, element by element: no parameter moves by more than `limit` in a step.
public struct ClippedUpdates: Optimizer {
  public var base: any Optimizer
  public var limit: Double

  public init(_ base: any Optimizer, to limit: Double) {
    require(limit > 0, "updates are clipped to a positive size, not \(limit)")
    self.base = base
    self.limit = limit
  }

  public func trains(_ path: String) -> Bool { base.trains(path) }
  public func initialState(_ parameters: Parameters) -> OptimizerState { base.initialState(parameters) }

  public func update(
    _ parameters: Parameters, gradients: Parameters, state: OptimizerState, learningRate: Tensor
  ) -> (Parameters, OptimizerState) {
    let (next, nextState) = base.update(parameters, gradients: gradients, state: state, learningRate: learningRate)
    let clipped = zip(parameters.leaves, next.leaves).map { $0 + ($1 - $0).clipped(-limit, limit) }
    return (parameters.replacingLeaves(clipped), nextState)
  }
}
