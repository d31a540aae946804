import Soma
import SomaNetworks

/// How a KAN is trained on a whole data set: L-BFGS or Adam, with grids that follow the data in the first steps.
public struct KANTraining: Sendable {
  public enum Method: Sendable, Hashable {
    /// Limited-memory BFGS with a strong-Wolfe line search.
    case lbfgs
    case adam(rate: Double)
  }

  public var method: Method
  public var steps: Int
  /// How often knots are moved to where the data are, spread over the first `updatingSteps` steps.
  public var gridUpdates: Int
  public var updatingSteps: Int
  /// λ of the sparsity penalty; 0: none.
  public var penalty: Double
  public var sparsity: KANSparsity

  public init(
    _ method: Method = .lbfgs, steps: Int = 100, gridUpdates: Int = 0, updatingSteps: Int = 50, penalty: Double = 0,
    sparsity: KANSparsity = KANSparsity()
  ) {
    require(
      steps >= 0 && gridUpdates >= 0 && updatingSteps >= 0 && penalty >= 0, "steps, grid updates and λ are not negative"
    )
    self.method = method
    self.steps = steps
    self.gridUpdates = gridUpdates
    self.updatingSteps = updatingSteps
    self.penalty = penalty
    self.sparsity = sparsity
  }

  /// Minimizes the mean squared error, plus the penalty. The grid is never moved after the last step.
  /// - Throws: `KANError` for samples that are not finite or a start where the error is not.
  public func fit(_ kan: FittedKAN, _ x: Tensor, _ y: Tensor) throws -> FittedKAN {
    try fit(kan, x) { ($0 - y.cast(to: kan.dtype)).squared().mean() }
  }

  /// Minimizes a loss of the outputs at `x`, plus the penalty.
  /// - Throws: `KANError`
  public func fit(_ kan: FittedKAN, _ x: Tensor, loss: @escaping (Tensor) -> Tensor) throws -> FittedKAN {
    let x = x.cast(to: kan.dtype)
    guard x.isFinite().all().scalar != 0 else { throw KANError("the samples are not finite") }
    var kan = kan
    var done = 0
    if gridUpdates > 0 {
      let every = max(1, updatingSteps / gridUpdates)
      for _ in 0..<gridUpdates where done + every <= steps {
        kan = try kan.updatingGrid(from: x)
        kan = try minimized(kan, x, loss, every)
        done += every
      }
    }
    return try minimized(kan, x, loss, steps - done)
  }

  private func minimized(
    _ kan: FittedKAN, _ x: Tensor, _ loss: @escaping (Tensor) -> Tensor, _ steps: Int
  ) throws -> FittedKAN {
    guard steps > 0 else { return kan }
    let (network, state) = (kan.network, kan.variables.state)
    let (penalty, sparsity) = (self.penalty, self.sparsity)
    @Sendable func objective(_ parameters: Parameters, _ x: Tensor, _ loss: (Tensor) -> Tensor) -> Tensor {
      let variables = Variables(parameters: parameters, state: state)
      guard penalty > 0 else { return loss(network.apply(variables, x)) }
      let activity = network.activity(x, Scope(variables))
      return loss(activity.output) + sparsity(activity, parameters) * penalty
    }
    var result = kan
    switch method {
    case .lbfgs:
      let search = LBFGS(history: 10, maximumIterations: steps, gradientTolerance: 1e-32, valueTolerance: 0)
      do {
        result.variables.parameters = try search.minimize(kan.variables.parameters) { objective($0, x, loss) }.minimizer
      } catch let error as LBFGS.NonFiniteStart { throw KANError(error.description) }
    case .adam(let rate):
      let training = try EnsembleTraining(
        [kan.variables.parameters], optimizer: Adam(), learningRates: [rate], shared: [x]
      ) {
        objective($0.parameters, $0.shared[0], loss)
      }
      let schedule = Schedule.cosine(1)
      for step in 0..<steps {
        training.load([x], rateFactor: schedule(step, of: steps))
        training.step()
      }
      result.variables.parameters = training.members[0]
    }
    return result
  }

  /// The best of several networks begun with other keys, each trained like this.
  /// - Throws: `KANError`
  public func best(
    of starts: Int, _ network: KAN, _ x: Tensor, _ y: Tensor, key: Key, dtype: DType = .float64,
    onProgress: (Int) throws -> Void = { _ in }
  ) throws -> FittedKAN {
    require(starts >= 1, "at least one start, not \(starts)")
    var best: (kan: FittedKAN, error: Double)?
    for i in 0..<starts {
      try onProgress(i)
      let kan = try fit(FittedKAN(network, key: key.folding("start\(i)"), dtype: dtype), x, y)
      let error = kan.error(x, y)
      if best == nil || error < best!.error || !best!.error.isFinite { best = (kan, error) }
    }
    return best!.kan
  }
}
