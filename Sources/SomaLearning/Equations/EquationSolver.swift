import Foundation
import Soma
import SomaNetworks

/// Solves a problem by a network, in double precision: Adam, then L-BFGS on the same loss,
/// `mean r² + Σ weight · mean c²` over points inside and on each condition (Raissi, Perdikaris & Karniadakis 2019).
public struct EquationSolver: Sendable {
  public var points: Int
  public var boundaryPoints: Int
  public var adamSteps: Int
  public var learningRate: Double
  public var iterations: Int
  public var loss: PhysicsLoss

  public init(
    points: Int = 1000, boundaryPoints: Int = 200, adamSteps: Int = 1000, learningRate: Double = 1e-3,
    iterations: Int = 1000, loss: PhysicsLoss = PhysicsLoss()
  ) {
    self.points = points
    self.boundaryPoints = boundaryPoints
    self.adamSteps = adamSteps
    self.learningRate = learningRate
    self.iterations = iterations
    self.loss = loss
  }

  /// A solution, how it was found, and how far it is from the exact one.
  public struct Solution: Sendable {
    public var network: BoxNetwork
    public var parameters: Parameters
    /// The loss before each step.
    public var adamLosses: [Double]
    public var finalLosses: [Double]
    /// `‖u - exact‖₂/‖exact‖₂` and the largest difference on a grid; nil if the exact solution is not known.
    public var relativeError: Double?
    public var largestError: Double?
    /// The root of the mean squared residual at points not trained on.
    public var residual: Double
    public var seconds: Double

    /// `[n, d]` → `[n]`
    public func callAsFunction(_ x: Tensor) -> Tensor {
      network.apply(Variables(parameters: parameters), x).squeezed([1])
    }
  }

  /// The loss of a function.
  func value(_ problem: Problem, _ u: @escaping (Tensor) -> Tensor, _ inside: Tensor, _ edges: [Tensor]) -> Tensor {
    let residual = problem.residual(u, inside)
    let conditions = zip(problem.conditions, edges).map { $0.residual(u, $1) }
    return loss(residual: residual, boundary: conditions[0])
      + conditions.dropFirst().map { $0.squared().mean() * loss.boundaryWeight }.reduce(
        Tensor(0, dtype: .float64), +)
  }

  /// - Parameters:
  ///   - network: from the coordinates, scaled to `[-1, 1]`, to one number
  ///   - onProgress: share done, and the loss
  /// - Throws: `FieldError` if the loss is not finite, `LBFGS.NonFiniteStart`, what `onProgress` throws.
  public func solve(
    _ problem: Problem, with network: any Layer, seed: Int = 0,
    onProgress: (Double, Double) throws -> Void = { _, _ in }
  ) throws -> Solution {
    require(!problem.conditions.isEmpty, "\(problem.name) has no conditions: its solution is not unique")
    let clock = ContinuousClock()
    let begin = clock.now
    let boxed = BoxNetwork(network, box: problem.box)
    let inside = problem.interior(points)
    let edges = problem.conditions.map { $0.points(boundaryPoints) }
    let start = boxed.initialized(
      for: TensorType(shape: [1, problem.dimensions], dtype: .float64), key: Key(seed)
    ).parameters
    func objective(_ parameters: Parameters) -> Tensor {
      value(
        problem, { boxed.apply(Variables(parameters: parameters), $0).squeezed([1]) }, inside, edges)
    }
    let adam = Adam()
    let loop = try CompiledLoop(
      OptimizedParameters(parameters: start, optimizer: adam.initialState(start)),
      example: [Tensor(0, dtype: .float64)]
    ) { state, input in
      let (value, gradient) = valueAndGrad(state.parameters, objective)
      var next = state
      (next.parameters, next.optimizer) = adam.update(
        state.parameters, gradients: gradient, state: state.optimizer, learningRate: input[0])
      return (next, value)
    }
    var losses: [Double] = []
    let schedule = Schedule.cosine(learningRate, final: learningRate * 0.1)
    for step in 0..<adamSteps {
      losses.append(loop([Tensor(schedule(step, of: adamSteps), dtype: .float64)]).scalar)
      guard losses[step].isFinite else {
        throw FieldError("\(problem.name): the loss is not finite after \(step) steps; try a lower learning rate")
      }
      if step % 20 == 0 { try onProgress(0.5 * Double(step) / Double(adamSteps), losses[step]) }
    }
    var parameters = loop.state.parameters
    var finals: [Double] = []
    // In parts, so that progress can be told; the history begins anew with each.
    let parts = 4
    for part in 0..<(iterations > 0 ? parts : 0) {
      let result = try LBFGS(
        history: 50, maximumIterations: max(1, iterations / parts), gradientTolerance: 1e-14, valueTolerance: 0
      ).minimize(parameters, objective)
      parameters = result.minimizer
      finals += result.values
      try onProgress(0.5 + 0.5 * Double(part + 1) / Double(parts), result.value)
      if result.ending != .iterationsUsedUp { break }
    }
    func u(_ x: Tensor) -> Tensor { boxed.apply(Variables(parameters: parameters), x).squeezed([1]) }
    let grid = problem.grid(problem.dimensions == 1 ? 1001 : 101)
    var (relative, largest): (Double?, Double?) = (nil, nil)
    if let exact = problem.exact {
      let (wanted, found) = (exact(grid), u(grid))
      let gap = found - wanted
      relative = (gap.squared().sum().scalar / wanted.squared().sum().scalar).squareRoot()
      largest = gap.abs().max().scalar
    }
    let unseen = problem.interior(2 * points)[points..<(2 * points)]
    let residual = problem.residual(u, unseen).squared().mean().scalar.squareRoot()
    return Solution(
      network: boxed, parameters: parameters, adamLosses: losses, finalLosses: finals, relativeError: relative,
      largestError: largest, residual: residual, seconds: (clock.now - begin) / .seconds(1))
  }
}

/// A network on a box: coordinates are mapped to `[-1, 1]` first.
/// - Shape: `[n, d]` → what the network gives
public struct BoxNetwork: Layer {
  public var network: any Layer
  public var box: [ClosedRange<Double>]

  public init(_ network: any Layer, box: [ClosedRange<Double>]) {
    self.network = network
    self.box = box
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let middle = Tensor(box.map { ($0.lowerBound + $0.upperBound) / 2 }).cast(to: x.dtype)
    let scale = Tensor(box.map { 2 / ($0.upperBound - $0.lowerBound) }).cast(to: x.dtype)
    return network((x - middle) * scale, scope)
  }
}
