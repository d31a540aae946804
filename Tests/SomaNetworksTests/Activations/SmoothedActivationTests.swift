import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct SmoothedActivationTests {
  private func sau(_ a: Double, _ b: Double) throws -> (Tensor) -> Tensor {
    let f = try Activation.sau(slope: a, sharpness: b, isTrained: false)
    return { f($0) }
  }
  private let grid = (-60...60).map { Double($0) / 20 }

  @Test func valuesOfTheClosedForm() throws {
    #expect(
      relativeError(values(try sau(0.15, 2), [0, 1, -1, 0.3]), [0.169550469, 1.00360855, -0.146391451, 0.371685911])
        < 5e-9)
    #expect(relativeError(values(try sau(0, 1), [0.5, -0.5]), [0.697796557, 0.197796557]) < 5e-9)
    #expect(relativeError(values(try sau(0.15, 20_000), [0]), [1.69550469e-5]) < 5e-9)
    #expect(throws: ActivationError.self) { try Activation.sau(sharpness: 0) }
  }

  @Test func theClosedFormIsTheConvolution() throws {
    for (a, b) in [(0.15, 2.0), (0, 1), (0.5, 0.7)] {
      let closed = SmoothedActivation(.piecewiseLinear(.leakyReLU(a)), sharpness: b)
      let direct = values({ closed($0, sharpness: double(b)) }, grid)
      #expect(relativeError(direct, values(try sau(a, b), grid), floor: 1) < 1e-14)
      // The trapezoidal rule over E f(x - z/b), fine enough for the corner.
      let z = (-80_000...80_000).map { Double($0) / 10_000 }
      for x in [-0.4, 0, 0.3] {
        let mean =
          z.reduce(0.0) { sum, z in
            let t = x - z / b
            return sum + (t > 0 ? t : a * t) * exp(-z * z / 2)
          } / (10_000 * (2 * Double.pi).squareRoot())
        #expect(abs(values(try sau(a, b), [x])[0] - mean) < 1e-8)
      }
    }
  }

  @Test func symmetryAndCurvature() throws {
    let f = try sau(0.15, 2)
    for (x, (a, b)) in zip(grid, zip(values(f, grid), values(f, grid.map { -$0 }))) {
      #expect(abs(a - b - 1.15 * x) < 1e-13)
    }
    #expect(abs(values(f, [0], order: 1)[0] - 0.575) < 1e-14)
    let fine = (-8000...8000).map { Double($0) / 1000 }
    let bend = values(f, fine, order: 2)
    #expect(bend.min()! >= 0 && abs(bend.reduce(0, +) / 1000 - 0.85) < 1e-9)
  }

  @Test func itLiesAboveLeakyReLUByAtMostTheCorner() throws {
    for (a, b) in [(0.15, 2.0), (0, 0.5), (-0.2, 3)] {
      let limit = (1 - a) / (b * (2 * Double.pi).squareRoot())
      for (x, y) in zip(grid, values(try sau(a, b), grid)) {
        let gap = y - (x > 0 ? x : a * x)
        #expect(gap > -1e-14 && gap <= limit + 1e-14)
      }
      #expect(abs(values(try sau(a, b), [0])[0] - limit) < 1e-14)
    }
  }

  @Test func smoothingTwiceIsSmoothingOnce() throws {
    let once = try Activation.sau(slope: 0.1, sharpness: 2, isTrained: false)
    let twice = SmoothedActivation(.activation(once), sharpness: 1.5)
    let both = try sau(0.1, pow(pow(2, -2) + pow(1.5, -2), -0.5))
    #expect(relativeError(values({ twice($0, sharpness: double(1.5)) }, grid), values(both, grid), floor: 1) < 1e-8)
  }

  @Test func gradients() throws {
    let x = Tensor([-1.3, -0.2, 0.05, 0.9])
    func f(_ a: Tensor, _ b: Tensor) -> Tensor {
      SmoothedActivation(.piecewiseLinear(.relu)).callAsFunction(x, sharpness: b) * (1 - a) + x * a
    }
    let slope = grad { f(double(0.15), $0).sum() }(double(2.0)).doubles[0]
    let expected = x.doubles.reduce(0.0) { $0 - 0.85 / 2 * (2 / Double.pi).squareRoot() / 4 * exp(-2 * $1 * $1) }
    #expect(abs(slope - expected) < 1e-12)
    let sharp = try Activation.sau(sharpness: 20_000)
    for order in 0...1 {
      var g: (Tensor) -> Tensor = { sharp($0) }
      if order == 1 { g = grad { sharp($0).sum() } }
      #expect(g(Tensor([Float(-1e6), -1, -1e-5, 0, 1e-5, 1, 1e6])).floats.allSatisfy { $0.isFinite })
    }
    let function = try sau(0.15, 2)
    #expect(relativeError(values(function, grid, order: 1), slopes(function, grid), floor: 1) < 1e-9)
  }

  @Test func otherFunctionsAndKernels() throws {
    let relu6 = SmoothedActivation(.piecewiseLinear(.relu6), sharpness: 3)
    let relu = SmoothedActivation(.piecewiseLinear(.relu), sharpness: 3)
    let beta = double(3.0)
    let parts = { (x: Tensor) in relu(x, sharpness: beta) - relu(x - 6.0, sharpness: beta) }
    let wide = (-40...160).map { Double($0) / 16 }
    #expect(relativeError(values({ relu6($0, sharpness: beta) }, wide), values(parts, wide), floor: 1) < 1e-12)
    for kernel in [SmoothingKernel.uniform, .logistic, .gaussian] {
      let closed = SmoothedActivation(.piecewiseLinear(.leakyReLU(0.15)), kernel: kernel, sharpness: 2)
      let numeric = SmoothedActivation(
        .activation(try Activation.named("leaky-relu(a=1/0.15)")), kernel: kernel, sharpness: 2)
      let (a, b) = (
        values({ closed($0, sharpness: double(2.0)) }, grid), values({ numeric($0, sharpness: double(2.0)) }, grid)
      )
      // Quadrature over a corner.
      #expect(relativeError(a, b, floor: 1) < 0.02, "\(kernel)")
    }
    let uniform = SmoothedActivation(.piecewiseLinear(.leakyReLU(0.15)), kernel: .uniform, sharpness: 2)
    #expect(abs(values({ uniform($0, sharpness: double(2.0)) }, [0])[0] - 0.85 / 8) < 1e-14)
    // Monte Carlo of the hard tanh under a triangular density.
    let triangle = SmoothingKernel.custom(support: -1...1) { 1 - abs($0) }
    let smooth = SmoothedActivation(.piecewiseLinear(.hardTanh), kernel: triangle, sharpness: 2)
    let z =
      Tensor.uniform([200_000], key: Key(1), dtype: .float64) + Tensor.uniform([200_000], key: Key(2), dtype: .float64)
      - 1
    for x in [-1.2, 0.9] {
      let samples = PiecewiseLinear.hardTanh(x - z / 2.0)
      let error = samples.standardDeviation().doubles[0] / 200_000.0.squareRoot()
      #expect(
        abs(values({ smooth($0, sharpness: double(2.0)) }, [x])[0] - samples.mean().doubles[0]) < 3 * error + 1e-4)
    }
  }
}
