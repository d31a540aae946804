import Soma
import SomaNetworks

/// All tensors that a training step changes.
struct TrainingState: TensorTree {
  var variables: Variables
  var optimizer: OptimizerState
  /// The averaged weights, if any are kept.
  var average: Parameters?

  var leaves: [Tensor] { variables.leaves + optimizer.leaves + average.leaves }

  func replacingLeaves(_ leaves: [Tensor]) -> TrainingState {
    let (first, second) = (variables.leaves.count, optimizer.leaves.count)
    return TrainingState(
      variables: variables.replacingLeaves(Array(leaves.prefix(first))),
      optimizer: optimizer.replacingLeaves(Array(leaves.dropFirst(first).prefix(second))),
      average: average.replacingLeaves(Array(leaves.dropFirst(first + second))))
  }

  /// What each leaf is called in a message.
  var names: [String] {
    variables.parameters.names + variables.state.names + ["the optimizer's step"]
      + optimizer.slots.keys.sorted().flatMap { slot in optimizer.slots[slot]!.names.map { "\($0) (\(slot))" } }
      + (average?.names.map { "\($0) (average)" } ?? [])
  }
}

/// A training step as a function of tensors: forward, backward, clipping, update, averaging, sums for the metrics.
struct TrainingStep {
  let network: any Layer
  let loss: any Loss
  let optimizer: any Optimizer
  let clipping: GradientClipping?
  let averaging: WeightAveraging?
  let metrics: [RunningMetric]
  var penalties: [ScheduledPenalty] = []
  /// What happens to the parameters after each update, beside the projections that layers ask for.
  var projection: (@Sendable (Parameters) -> Parameters)?
  /// Parts of the batch whose gradients are computed one after the other and added up.
  let parts: Int

  /// Where a step's results lie.
  static let lossIndex = 0
  static let normIndex = 1
  static let weightIndex = 2
  static let metricsIndex = 3

  /// Sums over samples.
  private struct Sums: TensorTree {
    /// Of the losses, their weights, and each metric's value and weight; `float32` but for the first two.
    var numbers: [Tensor]
    var state: Parameters
    var leaves: [Tensor] { numbers + state.leaves }
    func replacingLeaves(_ leaves: [Tensor]) -> Sums {
      Sums(
        numbers: Array(leaves.prefix(numbers.count)),
        state: state.replacingLeaves(Array(leaves.dropFirst(numbers.count))))
    }
  }

  /// - Parameter input: features, targets, the learning rate (`float64`), the run's key (two words)
  func callAsFunction(_ state: TrainingState, _ input: [Tensor]) -> (TrainingState, [Tensor]) {
    let key = Key(words: input[3]).folding(state.optimizer.step)
    let trained = state.variables.parameters.filtered(optimizer.trains)
    let projections = Projections()
    var (sums, gradients) =
      parts == 1
      ? differentiated(
        trained, state.variables, input[0], input[1], key, state.optimizer.step, ofMean: true, projections)
      : accumulated(trained, state.variables, input[0], input[1], key, state.optimizer.step, projections)
    let weight = sums.numbers[1]
    let loss = sums.numbers[0] / weight
    let norm = gradientNorm(gradients)
    // A step that is not finite changes nothing: the state stays the last good one, and the fault can be looked at.
    let isGood = loss.isFinite() .& norm.isFinite()
    // This makes the update wait for the norm, so that it fuses with the choice between old and new below, in place;
    // otherwise the moments would be computed together with the norm and stored a second time.
    gradients = gradients.map { .select(isGood, $1, 0) }
    if let clipping { gradients = clipping.clipped(gradients, norm: norm) }

    var (parameters, optimizerState) = optimizer.update(
      state.variables.parameters, gradients: gradients, state: state.optimizer, learningRate: input[2])
    parameters = parameters.map { projections.byPath[$0]?($1) ?? $1 }
    if let projection { parameters = projection(parameters) }
    var next = TrainingState(
      variables: Variables(parameters: parameters, state: sums.state), optimizer: optimizerState, average: nil)
    if let averaging, let average = state.average {
      next.average = averaging.updated(average, with: parameters, step: optimizerState.step)
    }
    let kept = zip(next.leaves, state.leaves).map { Tensor.select(isGood, $0, $1) }
    return (next.replacingLeaves(kept), [loss, norm, weight].map { $0.cast(to: .float32) } + sums.numbers.dropFirst(2))
  }

  /// The projections that the layers ask for, as the traced forward pass finds them.
  private final class Projections { var byPath: [String: @Sendable (Tensor) -> Tensor] = [:] }

  /// Sums over a batch and the gradient of the summed or of the mean loss.
  private func differentiated(
    _ trained: Parameters, _ variables: Variables, _ features: Tensor, _ targets: Tensor, _ key: Key, _ step: Tensor,
    ofMean: Bool, _ projections: Projections
  ) -> (Sums, Parameters) {
    let (_, sums, gradients) = valueAndGrad(trained) { trained -> (Tensor, Sums) in
      let all = Variables(parameters: variables.parameters.map { trained[$0] ?? $1 }, state: variables.state)
      let scope = Scope(all, isTraining: true, key: key)
      let output = network(features, scope)
      projections.byPath = scope.projections
      let terms = loss.terms(output, targets)
      let total = terms.values.sum()
      let penalty = penalties.compactMap { penalty in
        scope.penalty(penalty.kind).map { $0 * penalty.factor(step).cast(to: $0.dtype) }
      }
      let measured = output.stopGradient()
      let numbers = metrics.flatMap { metric in
        let (sum, weight) = metric.sums(measured, targets)
        return [sum.cast(to: .float32), weight.cast(to: .float32)]
      }
      let sums = [total.stopGradient(), terms.weight.stopGradient()] + numbers
      var objective = ofMean ? total / terms.weight : total
      for value in penalty { objective = objective + (ofMean ? value : value * terms.weight) }
      return (objective, Sums(numbers: sums, state: scope.variables.state))
    }
    return (sums, gradients)
  }

  /// The same, part by part: the memory is that of one part, the result that of the whole batch.
  private func accumulated(
    _ trained: Parameters, _ variables: Variables, _ features: Tensor, _ targets: Tensor, _ key: Key, _ step: Tensor,
    _ projections: Projections
  ) -> (Sums, Parameters) {
    func cut(_ x: Tensor) -> Tensor { x.reshape([parts, x.shape[0] / parts] + Shape(x.shape.dropFirst())) }
    // The loss's type and the sums' shapes are those of one part.
    let first = Graph.shapes(of: [features, targets].map { TensorType(shape: cut($0).shape, dtype: $0.dtype) }) {
      differentiated(trained, variables, $0[0][0], $0[1][0], key, Tensor(0, dtype: .int32), ofMean: false, projections)
        .0.numbers
    }
    let zeros = Sums(numbers: first.map { .zeros($0.shape, dtype: $0.dtype) }, state: variables.state)
    let start = zeros.leaves + trained.leaves.map { Tensor.zeros(like: $0) }
    let numbers = zeros.numbers.count
    let (end, _) = scan(start, [cut(features), cut(targets), Tensor.iota([parts], dtype: .int32)]) { carries, slices in
      let sums = zeros.replacingLeaves(Array(carries.prefix(zeros.leaves.count)))
      let now = Variables(parameters: variables.parameters, state: sums.state)
      let (part, gradients) = differentiated(
        trained, now, slices[0], slices[1], key.folding(slices[2]), step, ofMean: false, projections)
      let added = zip(carries.prefix(numbers), part.numbers).map { $0 + $1 }
      let totals = zip(carries.dropFirst(zeros.leaves.count), gradients.leaves).map { $0 + $1 }
      return (added + part.state.leaves + totals, [])
    }
    let sums = zeros.replacingLeaves(Array(end.prefix(zeros.leaves.count)))
    let gradients = trained.replacingLeaves(Array(end.dropFirst(zeros.leaves.count)))
    return (sums, gradients.map { $1 / sums.numbers[1].cast(to: $1.dtype) })
  }
}
