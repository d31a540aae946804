import Foundation
import Soma
import SomaNetworks

extension MultiStage {
  /// A term of a linear equation at a solution: the order of its derivative, and the root mean square of its coefficient.
  public struct Term: Sendable, Hashable {
    public var order: Int
    public var coefficient: Double
    public init(order: Int, coefficient: Double) { (self.order, self.coefficient) = (order, coefficient) }
  }

  /// The size of the error that leaves a residual of root mean square `residual` and frequency `frequency`: by the largest term,
  /// `RMS(r) / max_k RMS(β_k) (2πf)ᵏ`.
  public static func errorMagnitude(residual: Double, frequency: Double, terms: [Term]) -> Double {
    let balance = terms.map { $0.coefficient * pow(2 * .pi * frequency, Double($0.order)) }.max() ?? 1
    return residual / max(balance, 1e-300)
  }

  /// Solves an equation of one coordinate in stages: stage 0 is a usual physics-informed network; each later stage is a network for the
  /// error that is left, its frequency that of the residual, its size from the equation's dominant term. The equation is always
  /// evaluated on the whole sum, of which only the last stage is trained.
  /// - Parameters:
  ///   - points: collocation points along the box
  ///   - terms: the equation's derivatives
  /// - Throws: `FieldError`, `LBFGS.NonFiniteStart`
  public func solve(
    _ problem: Problem, points: Int, terms: [Term], boundaryWeight: Double = 10, seed: Int = 0,
    onProgress: (Double, String) throws -> Void = { _, _ in }
  ) throws -> Result {
    require(problem.dimensions == 1, "equations of one coordinate are solved in stages, not of \(problem.dimensions)")
    let x = problem.grid(points)
    let edges = problem.conditions.map { $0.points(2) }
    var (sum, parts, reports) = (StageSum(), [Parameters](), [StageReport]())
    var ending = Ending.stagesDone
    let range = problem.box[0]
    // Derivatives are with respect to the coordinate itself, frequencies to the scaled one.
    let stretch = 2 / (range.upperBound - range.lowerBound)
    var residual: [Double] = []
    for stage in 0..<stages {
      var (epsilon, frequency, scale) = (1.0, 0.0, 1.0)
      if stage == 0 {
        if let exact = problem.exact { epsilon = max(exact(x).abs().max().scalar, 1e-300) }
        let zero = problem.residual({ $0[.all, 0] * 0 }, x).doubles
        scale = max(Self.rootMeanSquare(zero), 1e-300)
      } else {
        scale = Self.rootMeanSquare(residual)
        frequency = DominantFrequency.ofGrid(residual)
        guard scale.isFinite, scale > 0 else { throw FieldError("the residual of stage \(stage - 1) is not finite") }
        if Double(points) < 12 * frequency {
          ending = .dataTooSparse(frequency: frequency, samples: points)
          break
        }
        epsilon = Self.errorMagnitude(residual: scale, frequency: frequency * stretch, terms: terms)
      }
      let kappa = stage == 0 ? firstKappa : max(1, kappaFactor * frequency)
      let layer = network(stage, kappa)
      var next = sum
      next.stages.append(layer)
      next.magnitudes.append(epsilon)
      let boxed = BoxNetwork(next, box: problem.box)
      let earlier = StageSum.joined(parts)
      let (s, e) = (scale, epsilon)
      func whole(_ p: Parameters) -> (Tensor) -> Tensor {
        var all = earlier
        for name in p.names { all["stage\(stage)/\(name)"] = p[name] }
        return { boxed.apply(Variables(parameters: all), $0).squeezed([1]) }
      }
      let start = layer.initialized(
        for: TensorType(shape: [1, 1], dtype: .float64), key: Key(seed).folding(stage)
      ).parameters
      let parameters = try train(start) { p in
        let u = whole(p)
        var loss = (problem.residual(u, x) * (1 / s)).squared().mean()
        for (condition, place) in zip(problem.conditions, edges) {
          loss = loss + (condition.residual(u, place) * (1 / e)).squared().mean() * boundaryWeight
        }
        return loss
      }
      sum = next
      parts.append(parameters)
      residual = problem.residual(whole(parameters), x).doubles
      reports.append(
        StageReport(
          stage: stage, epsilon: epsilon, frequency: frequency, kappa: kappa, error: Self.rootMeanSquare(residual),
          residue: residual))
      try onProgress(Double(stage + 1) / Double(stages), "stage \(stage)")
    }
    return Result(
      network: BoxNetwork(sum, box: problem.box), parameters: StageSum.joined(parts), reports: reports, ending: ending)
  }
}
