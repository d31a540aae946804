import Soma
import SomaNetworks

/// Another optimizer on gradients divided by their common norm: the direction counts, the steepness does not.
public struct NormalizedGradients: Optimizer {
  public var optimizer: any Optimizer

  public init(_ optimizer: any Optimizer) { self.optimizer = optimizer }

  public func trains(_ path: String) -> Bool { optimizer.trains(path) }
  public func initialState(_ parameters: Parameters) -> OptimizerState { optimizer.initialState(parameters) }

  /// The gradients over their norm.
  public static func direction(_ gradients: Parameters) -> Parameters {
    let squares = gradients.leaves.map { $0.squared().sum() }
    let norm = squares.dropFirst().reduce(squares[0], +).sqrt().maximum(1e-30)
    return gradients.map { $1 / norm }
  }

  public func update(
    _ parameters: Parameters, gradients: Parameters, state: OptimizerState, learningRate: Tensor
  ) -> (Parameters, OptimizerState) {
    optimizer.update(
      parameters, gradients: Self.direction(gradients), state: state, learningRate: learningRate)
  }
}
