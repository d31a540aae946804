import Soma

/// A trained B-spline for every unit: `y_u = Σ_r c_{u,r} B_r(x_u)`; zero outside the extended grid (Yu et al. 2024, arXiv 2407.16674).
/// - Shape: `[..., units]`, unchanged
public struct BSplineActivation: Layer {
  public var spline: BSpline
  /// What the curves are fitted to at the start.
  public var start: Activation

  public init(intervals: Int = 20, order: Int = 3, range: ClosedRange<Double> = -4...4, start: Activation = .gelu) {
    spline = BSpline(order: order, intervals: intervals, range: range)
    self.start = start
  }

  /// The coefficients of least squares to the start, on 50 places for each interval.
  public var startCoefficients: [Double] {
    let places = Tensor.linspace(
      spline.range.lowerBound, spline.range.upperBound.nextDown, count: 50 * spline.intervals, dtype: .float64)
    return spline.fit(places.doubles, start(places).doubles)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let units = x.shape.last
    let initializer = Initializer("spline") { shape, _, dtype in
      Tensor(startCoefficients).cast(to: dtype).expandDimensions(at: 1).broadcast(to: shape)
    }
    let coefficients = scope.parameter("coefficients", [units, spline.count, 1], initializer, dtype: x.dtype)
    let knots = Tensor(spline.knots).cast(to: x.dtype).broadcast(to: [units, spline.count + spline.order + 1])
    return x.splineCurves(knots: knots, coefficients: coefficients, order: spline.order).squeezed([x.rank])
  }
}
