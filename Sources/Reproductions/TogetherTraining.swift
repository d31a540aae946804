import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks

/// Start values of a network for several seeds.
func starts(_ network: any Layer, for shape: Shape, seeds: Range<Int>) -> [Parameters] {
  seeds.map { network.initialized(for: shape, key: Key($0).folding("weights")).parameters }
}

/// Trains copies of a network on the same full batch, all in one graph.
/// - Parameters:
///   - rates: one for each member, or one for all.
///   - decays: whether the rate falls along half a cosine.
///   - loss: of predictions and targets; mean squared error if nil.
/// - Returns: the members' parameters, and the losses every `steps/50` steps, by member
func trainTogether(
  _ network: any Layer, _ members: [Parameters], rates: [Double], steps: Int, x: Tensor, y: Tensor,
  optimizer: any Optimizer = Adam(), decays: Bool = false, _ run: ReproductionRun, _ text: String,
  loss: ((Tensor, Tensor) -> Tensor)? = nil
) throws -> (parameters: [Parameters], losses: [[Double]]) {
  let projections = network.projections(for: TensorType(shape: x.shape, dtype: x.dtype))
  let training = try EnsembleTraining(
    members, optimizer: optimizer, learningRates: rates, shared: [x, y],
    projection: { parameters in parameters.map { projections[$0]?($1) ?? $1 } }
  ) { member in
    let output = network.apply(Variables(parameters: member.parameters), member.shared[0])
    return loss?(output, member.shared[1]) ?? (output - member.shared[1]).squared().mean()
  }
  let interval = max(1, steps / 50)
  var losses = members.map { _ in [Double]() }
  for step in 0..<steps {
    if decays { training.load([x, y], rateFactor: (1 + cos(.pi * Double(step) / Double(steps))) / 2) }
    training.step()
    if step % interval == 0 {
      for (i, value) in training.losses.enumerated() { losses[i].append(value) }
      try run.report(Double(step) / Double(steps), text)
    }
  }
  return (training.members, losses)
}

/// A network's outputs for each member.
func outputs(_ network: any Layer, _ members: [Parameters], _ x: Tensor, state: Parameters = Parameters()) -> [Tensor] {
  let all = compile { (p: Parameters) in
    vmap { network.apply(Variables(parameters: $0, state: state), x) }(p)
  }(.stacked(members))
  return members.indices.map { all[$0] }
}
