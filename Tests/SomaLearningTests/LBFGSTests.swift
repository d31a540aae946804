import Soma
import Testing

@testable import SomaLearning

@Suite struct LBFGSTests {
  /// `Σ 100 (x_{i+1} - x_i²)² + (1 - x_i)²` (Rosenbrock 1960): minimum 0 at ones.
  private static func rosenbrock(_ x: Tensor) -> Tensor {
    let (head, tail) = (x[0..<(x.count - 1)], x[1...])
    return (100 * (tail - head.squared()).squared() + (1 - head).squared()).sum()
  }

  @Test func doublePrecisionFindsRosenbrocksMinimum() throws {
    let result = try LBFGS().minimize(Tensor([-1.2, 1, -1.2, 1] as [Double]), Self.rosenbrock)
    #expect(largestError(result.minimizer.doubles, [1, 1, 1, 1], floor: 1) < 1e-7)
    #expect(result.value < 1e-14)
    #expect(result.iterations < 100)
    #expect(zip(result.values, result.values.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test func singlePrecisionComesClose() throws {
    let result = try LBFGS(gradientTolerance: 1e-4).minimize([-1.2, 1] as Tensor, Self.rosenbrock)
    #expect(largestError(result.minimizer.doubles, [1, 1], floor: 1) < 1e-3)
    #expect(result.minimizer.dtype == .float32)
  }

  @Test func aQuadraticsMinimumSolvesItsLinearSystem() throws {
    let a = numbers([6, 6], 1)
    let matrix = a.matmul(a.T) + Tensor.eye(6, dtype: .float64)
    let b = numbers([6], 2)
    let result = try LBFGS(gradientTolerance: 1e-8, valueTolerance: 0).minimize([b, b * 0]) { x in
      let sum = x[0] + x[1]
      return 0.5 * sum.dot(matrix.matmul(sum)) - b.dot(sum)
    }
    let expected = matrix.solve(b)
    #expect(largestError((result.minimizer[0] + result.minimizer[1]).doubles, expected.doubles, floor: 1e-2) < 1e-8)
    #expect(result.ending == .gradientVanished)
  }

  /// Each step fulfils both conditions, seen from outside: decrease by the value, curvature by the next slope.
  @Test func stepsDecreaseEnough() throws {
    var x = Tensor([-1.2, 1] as [Double])
    for _ in 0..<10 {
      let (value, gradient) = valueAndGrad(x, Self.rosenbrock)
      let result = try LBFGS(maximumIterations: 1).minimize(x, Self.rosenbrock)
      let step = result.minimizer - x
      let slope = gradient.dot(step).scalar
      #expect(slope < 0)
      #expect(result.value <= value.scalar + 1e-4 * slope)
      #expect(abs(grad(Self.rosenbrock)(result.minimizer).dot(step).scalar) <= 0.9 * abs(slope))
      x = result.minimizer
    }
  }

  @Test func comesBackFromWhereTheFunctionIsNotDefined() throws {
    // -log x + x has its minimum 1 at 1 and is NaN below zero, where the first step along the gradient leads.
    let result = try LBFGS().minimize(Tensor([0.01] as [Double])) { ($0 - $0.log()).sum() }
    #expect(abs(result.minimizer.doubles[0] - 1) < 1e-6)
    #expect(throws: LBFGS.NonFiniteStart.self) { try LBFGS().minimize(Tensor([-1] as [Double])) { $0.log().sum() } }
  }
}
