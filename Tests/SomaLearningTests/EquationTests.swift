import Foundation
import Soma
import SomaLearning
import SomaNetworks
import Testing

@Suite struct EquationTests {
  @Test func partialDerivatives() {
    // f(x, y) = sin(2x) exp(y)
    func f(_ p: Tensor) -> Tensor { (p[.all, 0] * 2.0).sin() * p[.all, 1].exp() }
    let points = Tensor.uniform([20, 2], low: -1, high: 1, key: Key(1), dtype: .float64)
    let (x, y) = (points[.all, 0], points[.all, 1])
    let expected = [
      (0, 1, (x * 2.0).cos() * y.exp() * 2.0), (0, 2, (x * 2.0).sin() * y.exp() * -4.0), (1, 1, f(points)),
      (1, 3, f(points)),
      (0, 3, (x * 2.0).cos() * y.exp() * -8.0),
    ]
    for (axis, order, wanted) in expected {
      let found = PhysicsLoss.derivative(f, points, axis: axis, order: order)
      #expect((found - wanted).abs().max().scalar < 1e-11)
    }
  }

  /// The exact solutions satisfy their equations and data: checks signs, constants and the transformed solution of Burgers.
  @Test(arguments: Problem.standard.map(\.name)) func exactSolutionsAreSolutions(_ name: String) throws {
    let problem = try Problem.named(name)
    let exact = try #require(problem.exact)
    for condition in problem.conditions {
      let left = condition.residual({ exact($0) }, condition.points(20)).abs().max().scalar
      #expect(left < 1e-9, "\(condition.name)")
    }
    guard name != "burgers" else {
      // It is computed number by number, so its derivatives are differences.
      let h = 1e-4
      for (x, t) in [(-0.6, 0.2), (0.3, 0.5), (0.7, 0.9), (-0.2, 0.15)] {
        func u(_ x: Double, _ t: Double) -> Double { exact(Tensor([x, t], shape: [1, 2])).doubles[0] }
        let (ut, ux) = ((u(x, t + h) - u(x, t - h)) / (2 * h), (u(x + h, t) - u(x - h, t)) / (2 * h))
        let uxx = (u(x + h, t) - 2 * u(x, t) + u(x - h, t)) / (h * h)
        #expect(abs(ut + u(x, t) * ux - 0.01 / .pi * uxx) < 1e-4)
      }
      return
    }
    let inside = problem.interior(50)
    let scale = exact(inside).abs().max().scalar
    #expect(problem.residual({ exact($0) }, inside).abs().max().scalar < 1e-8 * max(1, scale) * 100)
  }

  @Test func pointsFillTheBox() {
    let problem = Problem.burgers
    let inside = problem.interior(1000)
    #expect(inside[.all, 0].min().scalar > -1 && inside[.all, 1].max().scalar < 1)
    #expect(abs(inside[.all, 0].mean().scalar) < 0.01 && abs(inside[.all, 1].mean().scalar - 0.5) < 0.01)
    let edge = Problem.boundary(of: problem.box)(40)
    let onEdge = (0..<edge.shape[0]).allSatisfy { i in
      abs(abs(edge[i, 0].scalar) - 1) < 1e-12 || edge[i, 1].scalar == 0 || edge[i, 1].scalar == 1
    }
    #expect(edge.shape == [40, 2] && onEdge)
  }

  @Test func solvesPoissonOnALine() throws {
    let solver = EquationSolver(points: 80, boundaryPoints: 2, adamSteps: 200, learningRate: 3e-3, iterations: 2000)
    let network = StageNetwork(width: 16, depth: 2, kappa: 4, first: Activation.tanh)
    let solution = try solver.solve(.poissonLine, with: network)
    #expect(try #require(solution.relativeError) < 1e-2)
    #expect(solution.finalLosses.last! < solution.adamLosses[0])
  }

  @Test func unknownEquationsListTheKnown() {
    let error = #expect(throws: FieldError.self) { try Problem.named("wave") }
    #expect(error?.description.contains("poisson-1d, poisson-2d, heat, burgers, helmholtz") == true)
  }
}
