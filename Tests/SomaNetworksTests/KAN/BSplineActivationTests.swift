import Testing

@testable import Soma
@testable import SomaNetworks

@Suite struct BSplineActivationTests {
  @Test func beginsAsTheActivation() {
    let layer = BSplineActivation()
    let x = Tensor.linspace(-4, 3.999, count: 999, dtype: .float64).reshape([333, 3])
    let variables = layer.initialized(for: TensorType(shape: [333, 3], dtype: .float64), key: Key(0))
    #expect(variables.parameters.elementCount == 3 * 23)
    let y = layer.apply(variables, x)
    #expect((y - Activation.gelu(x)).abs().max().scalar < 1e-3)
    let far = Tensor([-6, 7.5, 100] as [Double], shape: [1, 3])
    #expect(layer.apply(variables, far).abs().max().scalar == 0)
  }

  /// A KAN without base whose curves of an input are proportional is splines before a linear map.
  @Test func proportionalCurvesAreSplinesBeforeALinearMap() {
    let spline = BSpline(intervals: 4)
    let c = Tensor.uniform([3, 7], low: -1, high: 1, key: Key(1), dtype: .float64)
    let w = Tensor.uniform([3, 2], low: -1, high: 1, key: Key(2), dtype: .float64)
    let layer = KANLayer(2, basis: spline, base: .zero, usesScale: false)
    let x = Tensor.uniform([20, 3], low: -1, high: 1, key: Key(3), dtype: .float64)
    var variables = layer.initialized(for: TensorType(shape: [20, 3], dtype: .float64), key: Key(4))
    variables.parameters["coefficients"] = c.expandDimensions(at: 2) * w.expandDimensions(at: 1)
    let knots = Tensor(spline.knots).broadcast(to: [3, spline.knots.count])
    let before = x.splineCurves(knots: knots, coefficients: c.expandDimensions(at: 2), order: 3).squeezed([2]).matmul(w)
    #expect((layer.apply(variables, x) - before).abs().max().scalar < 1e-12)
  }
}
