import Testing

@testable import Soma
@testable import SomaNetworks

private func near(_ a: [Double], _ b: [Double], _ tolerance: Double) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}

/// The recursion of Cox and de Boor, over all splines.
private func recursion(_ x: Double, _ t: [Double], _ order: Int) -> [Double] {
  var b = (0..<(t.count - 1)).map { t[$0] <= x && x < t[$0 + 1] ? 1.0 : 0 }
  for d in 1..<(order + 1) {
    b = (0..<(b.count - 1)).map { r in
      (x - t[r]) / (t[r + d] - t[r]) * b[r] + (t[r + d + 1] - x) / (t[r + d + 1] - t[r + 1]) * b[r + 1]
    }
  }
  return b
}

@Suite struct BSplineTests {
  let spline = BSpline()

  @Test func basisHasThePublishedValues() {
    let values = spline.basis(Tensor([0, -0.2, 0.1, 0.73] as [Double]))
    let atZero: [Double] = [0, 0, 1, 23, 23, 1, 0, 0]
    let atKnot: [Double] = [0, 0, 1, 4, 1, 0, 0, 0]
    #expect(near(values[0].doubles.map { $0 * 48 }, atZero, 1e-12))
    #expect(near(values[1].doubles.map { $0 * 6 }, atKnot, 1e-12))
    #expect(near(values[2].doubles[2..<6].map { $0 }, [0.002604167, 0.315104167, 0.611979167, 0.070312500], 1e-8))
    #expect(near(values[3].doubles[4...].map { $0 }, [0.051257813, 0.578205729, 0.364815104, 0.005721354], 1e-8))
  }

  @Test func curveHasThePublishedValues() {
    let c = (0..<8).map { sine(Double($0 + 1)) }
    let y = spline.curve(Tensor([0.1, -0.55] as [Double]), c).doubles
    #expect(near(y, [-0.844592200, 0.0146196810], 1e-8))
  }

  private func sine(_ x: Double) -> Double { Tensor(x, dtype: .float64).sin().scalar }

  @Test(arguments: [1, 2, 3, 5]) func localValuesEqualTheRecursion(order: Int) {
    let spline = BSpline(order: order, intervals: 7, range: -2...1)
    let x = Tensor.uniform([300], low: -3.5, high: 2.5, key: Key(4), dtype: .float64)
    let values = spline.basis(x).doubles
    let expected = x.doubles.flatMap { recursion($0, spline.knots, order) }
    #expect(near(values, expected, 1e-12))
  }

  @Test func splinesSumToOne() {
    let x = Tensor.uniform([1000], low: -1, high: 1, key: Key(1), dtype: .float64)
    #expect(spline.basis(x).sum([1]).doubles.allSatisfy { abs($0 - 1) < 1e-12 })
  }

  @Test func slopeIsASplineOfLowerOrder() {
    let c = (0..<8).map { sine(Double(3 * $0)) }
    let x = Tensor.uniform([100], low: -0.99, high: 0.99, key: Key(2), dtype: .float64)
    let slope = grad { (x: Tensor) in spline.curve(x, c).sum() }(x).doubles
    let t = spline.knots
    let lower = (0..<9).map { r -> Double in
      let left = r < 8 ? c[r] : 0
      let right = r > 0 ? c[r - 1] : 0
      return 3 * (left - right) / (t[min(r + 3, t.count - 1)] - t[r])
    }
    let expected = x.doubles.map { x in zip(recursion(x, t, 2), lower).reduce(0) { $0 + $1.0 * $1.1 } }
    #expect(near(slope, expected, 1e-10))
    let differences = slopes({ self.spline.curve($0, c) }, x.doubles)
    #expect(near(slope, differences, 1e-6))
  }

  @Test func outsideTheExtendedGridNothingIsLeft() {
    let x = Tensor([-2.3, 2.21, 100] as [Double])
    #expect(spline.basis(x).abs().sum().scalar == 0)
    #expect(grad { (x: Tensor) in spline.curve(x, [Double](repeating: 1, count: 8)).sum() }(x).abs().sum().scalar == 0)
    #expect(spline.basis(Tensor([Double.nan])).doubles.allSatisfy { $0.isNaN })
  }

  @Test func cubicPolynomialsAreFittedExactly() {
    let x = Tensor.linspace(-1, 0.999, count: 60, dtype: .float64)
    let y = 2 * x * x * x - x * x + 0.5 * x - 1
    let c = spline.fit(x.doubles, y.doubles)
    #expect((spline.curve(x, c) - y).abs().max().scalar < 1e-10)
  }

  @Test func boundsHoldTheCurve() {
    let c = (0..<8).map { sine(Double(5 * $0 + 1)) }
    for interval in [Interval(-0.3, 0.2), Interval(-3, 0), Interval(0.9, 1.5), Interval(3, 4)] {
      let bounds = spline.bounds(c, interval)
      let x = Tensor.linspace(interval.low, interval.high, count: 200, dtype: .float64)
      #expect(spline.curve(x, c).doubles.allSatisfy { bounds.low - 1e-12 <= $0 && $0 <= bounds.high + 1e-12 })
    }
  }

  @Test func floatAndDoubleAgree() {
    let x = Tensor.uniform([64], low: -1.2, high: 1.2, key: Key(3))
    let wide = spline.basis(x.cast(to: .float64)).doubles
    #expect(near(spline.basis(x).doubles, wide, 1e-5))
  }
}
