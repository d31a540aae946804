import Testing

@testable import Soma

/// Matrices of derivatives against closed forms, and the functions that change derivatives but not values.
@Suite struct JacobianTests {
  private static func numbers(_ shape: Shape, seed: Int) -> Tensor { DerivativeCase.numbers(shape, seed: seed) }

  @Test(arguments: [DifferentiationMode.forward, .reverse])
  func theJacobianOfALayer(_ mode: DifferentiationMode) {
    let (a, x) = (Self.numbers([4, 3], seed: 1), Self.numbers([3], seed: 2))
    let found = jacobian({ a.matmul($0).sin() }, mode: mode)(x)
    #expect(found.shape == [4, 3])
    #expect(found.isClose(to: a.matmul(x).cos().expandDimensions(at: 1) * a, relative: 1e-13))
  }

  /// ∂(A X)ᵢⱼ/∂Xₖₗ = Aᵢₖ δⱼₗ: shape of the value + shape of the argument.
  @Test(arguments: [DifferentiationMode.forward, .reverse])
  func theJacobianOfAMatrixFunction(_ mode: DifferentiationMode) {
    let (a, x) = (Self.numbers([2, 3], seed: 1), Self.numbers([3, 4], seed: 2))
    let found = jacobian({ a.matmul($0) }, mode: mode)(x)
    #expect(found.shape == [2, 4, 3, 4])
    let expected = Tensor.einsum("ik,jl->ijkl", a, Tensor.eye(4, dtype: .float64))
    #expect(found.isClose(to: expected, absolute: 1e-14))
  }

  @Test(arguments: [DifferentiationMode.forward, .reverse])
  func aScalarFunctionHasAJacobianOfTheArgumentsShape(_ mode: DifferentiationMode) {
    let x = Self.numbers([2, 3], seed: 1)
    #expect(jacobian({ $0.squared().sum() }, mode: mode)(x).isClose(to: x * 2, relative: 1e-14))
  }

  /// ∇² log Σ exp = diag p - p pᵀ.
  @Test func theHessianOfLogSumExp() {
    let x = Self.numbers([5], seed: 1)
    let p = x.softmax()
    #expect(hessian { $0.logSumExp() }(x).isClose(to: p.diagonalMatrix() - p.outer(p), absolute: 1e-14))
  }

  /// ∂² log det X / ∂Xᵢⱼ ∂Xₖₗ = -X⁻¹ⱼₖ X⁻¹ₗᵢ.
  @Test func theHessianOfTheLogDeterminant() {
    let x = Self.numbers([3, 3], seed: 1) + Tensor.eye(3, dtype: .float64) * 2
    let inverse = x.inverse()
    let found = hessian { $0.logDeterminant().logMagnitude }(x)
    #expect(found.shape == [3, 3, 3, 3])
    #expect(found.isClose(to: -Tensor.einsum("jk,li->ijkl", inverse, inverse), relative: 1e-10, absolute: 1e-12))
  }

  @Test func theHessianTimesAVectorNeedsNoMatrix() {
    let (x, v) = (Self.numbers([6], seed: 1), Self.numbers([6], seed: 2))
    let f: (Tensor) -> Tensor = { ($0.sin() * $0.cumulativeProduct()).sum().exp() }
    #expect(hessianVectorProduct(f, x, v).isClose(to: hessian(f)(x).matmul(v), relative: 1e-11))
  }

  /// f(a, b) = Σ a² b has the products 2 b·v + 2 a·w and 2 a·v.
  @Test func theHessianTimesAVectorOfManyTensors() {
    let x = ["a": Self.numbers([4], seed: 1), "b": Self.numbers([4], seed: 2)]
    let v = ["a": Self.numbers([4], seed: 3), "b": Self.numbers([4], seed: 4)]
    let found = hessianVectorProduct({ (x: [String: Tensor]) in (x["a"]!.squared() * x["b"]!).sum() }, x, v)
    #expect(found["a"]!.isClose(to: 2 * (x["b"]! * v["a"]! + x["a"]! * v["b"]!), relative: 1e-13))
    #expect(found["b"]!.isClose(to: 2 * x["a"]! * v["a"]!, relative: 1e-13))
  }

  @Test func aPullbackMayBeCalledAgain() {
    let x = Self.numbers([3], seed: 1)
    let (value, pullback) = vjp([x, x]) { (p: [Tensor]) in p[0] * p[1].exp() }
    #expect(value.isClose(to: x * x.exp(), relative: 1e-14))
    for scale in [1.0, -2.0] {
      let gradients = pullback(Tensor.full([3], scale, dtype: .float64))
      #expect(gradients[0].isClose(to: x.exp() * scale, relative: 1e-14))
      #expect(gradients[1].isClose(to: x * x.exp() * scale, relative: 1e-14))
    }
  }

  @Test func extraResultsComeBesideTheGradient() {
    let x = Self.numbers([3], seed: 1)
    let (value, extra, gradient) = valueAndGrad(x) { (x: Tensor) in (x.squared().sum(), [x.exp(), x.argMax()]) }
    #expect(value.isClose(to: x.squared().sum(), relative: 1e-14))
    #expect(extra[0].isClose(to: x.exp(), relative: 1e-14) && extra[1].dtype == .int32)
    #expect(gradient.isClose(to: x * 2, relative: 1e-14))
  }

  @Test func integersHaveNoGradient() {
    let inputs = [Self.numbers([4, 2], seed: 1), Tensor([1, 3] as [Int32])]
    let gradient = grad { (x: [Tensor]) in x[0].take(x[1]).sum() }(inputs)
    #expect(gradient[0].doubles == [0, 0, 1, 1, 0, 0, 1, 1])
    #expect(gradient[1].dtype == .int32 && gradient[1].ints == [0, 0])
  }

  // MARK: Values kept, derivatives changed

  @Test func stopGradientKeepsTheValueAndEndsTheDerivative() {
    let x = Self.numbers([3], seed: 1)
    #expect(x.stopGradient().bytes == x.bytes)
    #expect(grad { (x: Tensor) in x.stopGradient().squared().sum() }(x).doubles == [0, 0, 0])
    #expect(grad { (x: Tensor) in (x * x.stopGradient()).sum() }(x).bytes == x.bytes)
    #expect(grad(grad { (x: Tensor) in (x * x.stopGradient()).sum() })(Tensor(0.3)).scalar == 0)
    #expect(jvp(x, tangent: Tensor.ones(like: x)) { $0 * $0.stopGradient() }.tangent.bytes == x.bytes)
    let each = vmap { (row: Tensor) in grad { (y: Tensor) in (y * row.stopGradient() * row).sum() }(row) }(
      Self.numbers([2, 3], seed: 2))
    #expect(each.isClose(to: Self.numbers([2, 3], seed: 2).squared(), relative: 1e-14))
  }

  @Test func straightThroughRoundsForwardAndPassesBack() {
    let x = Tensor([-1.6, 0.2, 0.7, 2.5])
    let f: (Tensor) -> Tensor = { straightThrough($0) { $0.round() } }
    #expect(f(x).doubles == [-2, 0, 1, 2])
    #expect(grad { (x: Tensor) in (f(x) * 3).sum() }(x).doubles == [3, 3, 3, 3])
    #expect(jvp(x, tangent: x, f).tangent.bytes == x.bytes)
    #expect(compile(f)(x).doubles == [-2, 0, 1, 2])
    // The gradient of f² is 2 f, whose derivative is 2 again.
    #expect(grad { (x: Tensor) in f(x).squared().sum() }(x).doubles == [-4, 0, 2, 4])
    #expect(hessian { f($0).squared().sum() }(x).isClose(to: Tensor.eye(4, dtype: .float64) * 2))
    #expect(vmap { grad { (x: Tensor) in f(x).sum() }($0) }(x.reshape(2, 2)).doubles == [1, 1, 1, 1])
  }

  @Test func checkpointsChangeNoBit() {
    let parameters = [Self.numbers([4, 4], seed: 1), Self.numbers([4], seed: 2)]
    let block: ([Tensor]) -> Tensor = { ($0[0].matmul($0[1]) + $0[2]).tanh() }
    func loss(_ p: [Tensor], _ f: ([Tensor]) -> Tensor) -> Tensor {
      (0..<5).reduce(Self.numbers([3, 4], seed: 3)) { x, _ in f([x] + p) }.squared().sum()
    }
    let plain = valueAndGrad(parameters) { loss($0, block) }
    let kept = valueAndGrad(parameters) { loss($0, checkpoint(block)) }
    #expect(plain.value.bytes == kept.value.bytes)
    for (a, b) in zip(plain.gradient, kept.gradient) { #expect(a.bytes == b.bytes) }
    let nested = grad { (p: [Tensor]) in loss(p) { checkpoint(checkpoint(block))($0) } }(parameters)
    for (a, b) in zip(plain.gradient, nested) { #expect(a.bytes == b.bytes) }
  }
}
