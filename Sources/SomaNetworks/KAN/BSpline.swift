import Foundation
import Soma

/// B-splines of an order (degree) `k` on `G` intervals of a range, extended by `k` knots on both sides (de Boor 1978): `G + k`
/// functions, of which `k + 1` are not zero at any place, and all are outside the extended knots. They sum to 1 inside the range.
///
/// As the basis of a `KANLayer` the knots are state, one row for each input, which `FittedKAN.updatingGrid` and `refined` replace.
public struct BSpline: EdgeBasis, Hashable {
  public var order: Int
  public var intervals: Int
  public var range: ClosedRange<Double>
  /// The size of the random curves that a network begins with.
  public var noise: Double

  public init(order: Int = 3, intervals: Int = 5, range: ClosedRange<Double> = -1...1, noise: Double = 0.3) {
    require(
      order >= 0 && order <= SplineSum.highestOrder && intervals >= 1 && range.lowerBound < range.upperBound
        && range.lowerBound.isFinite && range.upperBound.isFinite,
      "B-splines want an order of 0 to \(SplineSum.highestOrder), at least one interval and a finite range, not \(order), "
        + "\(intervals), \(range)")
    self.order = order
    self.intervals = intervals
    self.range = range
    self.noise = noise
  }

  public var name: String { "B-spline" }
  public var count: Int { intervals + order }

  /// All knots: those of the range, and `order` more on both sides.
  public var knots: [Double] {
    let step = (range.upperBound - range.lowerBound) / Double(intervals)
    return (-order...(intervals + order)).map { range.lowerBound + Double($0) * step }
  }

  /// Interior knots extended by `order` on both sides, the mean interval apart.
  static func extended(_ interior: [Double], order: Int) -> [Double] {
    let step = (interior.last! - interior[0]) / Double(interior.count - 1)
    let below = (1...max(1, order)).map { interior[0] - Double($0) * step }.reversed()
    let above = (1...max(1, order)).map { interior.last! + Double($0) * step }
    return order == 0 ? interior : below + interior + above
  }

  /// The knots of every input, as the scope keeps them: `[i, G + 2k + 1]`.
  func knots(_ scope: Scope, inputs: Int, dtype: DType) -> Tensor {
    let start = Initializer("knots") { shape, _, dtype in
      Tensor(knots).cast(to: dtype).broadcast(to: shape)
    }
    return scope.state("knots", [inputs, count + order + 1], start, dtype: dtype)
  }

  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    let inputs = x.shape.last
    let unit = Tensor.eye(count, dtype: x.dtype).broadcast(to: [inputs, count, count])
    return x.splineCurves(knots: knots(scope, inputs: inputs, dtype: x.dtype), coefficients: unit, order: order)
  }

  public func sum(_ x: Tensor, _ coefficients: Tensor, _ scope: Scope) -> Tensor {
    x.splineSum(
      knots: knots(scope, inputs: x.shape.last, dtype: x.dtype), coefficients: coefficients, order: order)
  }

  public func curves(_ x: Tensor, _ coefficients: Tensor, _ scope: Scope) -> Tensor {
    x.splineCurves(
      knots: knots(scope, inputs: x.shape.last, dtype: x.dtype), coefficients: coefficients, order: order)
  }

  /// Random curves: uniform numbers in ±noise/(2G) at the knots of the range, and the coefficients of least squares.
  public var initializer: Initializer {
    let spline = self
    return Initializer("spline") { shape, key, dtype in
      let points = Tensor.linspace(
        spline.range.lowerBound, spline.range.upperBound.nextDown, count: spline.intervals + 1, dtype: .float64)
      let inverse = spline.basis(points).pseudoInverse(relativeTolerance: 1e-12)
      let bound = 0.5 * spline.noise / Double(spline.intervals)
      let heights = Tensor.uniform(
        [shape[0], spline.intervals + 1, shape[2]], low: -bound, high: bound, key: key, dtype: .float64)
      return inverse.matmul(heights).cast(to: dtype)
    }
  }

  /// Every spline at every place: `[...]` → `[..., G + k]`.
  public func basis(_ x: Tensor) -> Tensor { values(x.expandDimensions(at: -1)).squeezed([x.rank]) }

  /// Least squares: the coefficients whose curve is nearest to `y` at `x`; of several, the smallest.
  public func fit(_ x: [Double], _ y: [Double]) -> [Double] {
    require(x.count == y.count && !x.isEmpty, "a fit wants as many values as places: \(x.count), \(y.count)")
    return basis(Tensor(x)).pseudoInverse(relativeTolerance: 1e-12).matmul(Tensor(y)).doubles
  }

  /// Bounds of the curve over an interval: the hull of the coefficients whose splines are not zero somewhere in it, and zero where
  /// the interval leaves the range of full support.
  public func bounds(_ coefficients: [Double], _ interval: Interval) -> Interval {
    Self.bounds(coefficients, knots: knots, order: order, interval)
  }

  static func bounds(_ coefficients: [Double], knots: [Double], order: Int, _ interval: Interval) -> Interval {
    let active = coefficients.indices.filter {
      knots[$0] <= interval.high && knots[$0 + order + 1] >= interval.low
    }
    guard !active.isEmpty else { return Interval(0) }
    var (low, high) = (coefficients[active[0]], coefficients[active[0]])
    for i in active { (low, high) = (min(low, coefficients[i]), max(high, coefficients[i])) }
    // Beside the range fewer splines are left and their weights sum to less than 1: the curve is drawn towards zero.
    if interval.low < knots[order] || interval.high > knots[coefficients.count] {
      (low, high) = (min(low, 0), max(high, 0))
    }
    return Interval(low, high)
  }
}
