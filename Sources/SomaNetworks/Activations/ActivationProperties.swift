import Foundation
import Soma

/// What can be computed of a scalar activation at its start values, outside training. Everything here is numerical:
/// found
/// on a grid of [-8, 8] (spacing 1/64) and geometric points out to ±10⁸, in double precision.
public struct ActivationProperties: Hashable, Sendable {
  public enum Symmetry: String, Hashable, Sendable { case odd, even, none }
  public enum Monotonicity: String, Hashable, Sendable { case constant, nonDecreasing, nonIncreasing, none }
  public enum Curvature: String, Hashable, Sendable { case affine, convex, concave, neither }
  /// The highest derivative that is continuous; `smooth` where no jump was found in the first three.
  public enum Smoothness: String, Hashable, Sendable {
    case discontinuous, continuous, onceDifferentiable, twiceDifferentiable, smooth
  }
  public struct Point: Hashable, Sendable {
    public var x: Double
    public var y: Double
  }

  public var valueAtZero: Double
  /// Least upper and greatest lower bound, infinite where the function grows.
  public var range: ClosedRange<Double>
  /// Where the function is zero: points, as ranges of no width, and intervals.
  public var zeros: [ClosedRange<Double>]
  public var symmetry: Symmetry
  public var monotonicity: Monotonicity
  public var curvature: Curvature
  /// The largest slope; infinite at jumps and where slopes grow.
  public var lipschitzConstant: Double
  /// The limit towards -∞ and +∞; nil if there is none.
  public var limits: (low: Double?, high: Double?) { (limitLow, limitHigh) }
  /// `f(x)/x` towards -∞ and +∞; nil if it has no limit.
  public var slopes: (low: Double?, high: Double?) { (slopeLow, slopeHigh) }
  private var limitLow: Double?
  private var limitHigh: Double?
  private var slopeLow: Double?
  private var slopeHigh: Double?
  /// Where the value jumps, within [-8, 8].
  public var jumps: [Double]
  /// Where the slope jumps, within [-8, 8].
  public var kinks: [Double]
  public var smoothness: Smoothness
  /// Local minima within (-8, 8), isolated ones.
  public var minima: [Point]
  /// `E f(z)`, `E f(z)²`, `E f′(z)²` for a standard normal z.
  public var mean: Double
  public var secondMoment: Double
  public var slopeMoment: Double

  /// The factor of weights that keeps a signal's size, `1/√E f(z)²`.
  public var initialGain: Double { 1 / secondMoment.squareRoot() }
  /// The factor of a gradient's square in each layer of that gain.
  public var depthFactor: Double { slopeMoment / secondMoment }

  /// nil for gated and vector activations, which are no functions of one number.
  public init?(_ activation: Activation) {
    guard activation.kind == .scalar || activation.kind == .stochastic else { return nil }
    let curve = Curve(activation)
    let grid = (-512...512).map { Double($0) / 64 }
    let (f, slope, bend) = curve.values(grid)
    let far = (0...60).map { 8 * Foundation.pow(1.3, Double($0)) }
    let (fHigh, slopeHighs, bendHighs) = curve.values(far)
    let (fLow, slopeLows, bendLows) = curve.values(far.map { -$0 })
    let scale = f.filter(\.isFinite).map(\.magnitude).max() ?? 1
    let tolerance = 1e-9 * Swift.max(scale, 1e-3)

    valueAtZero = f[512]
    (limitLow, slopeLow) = Self.tail(far.map { -$0 }, fLow)
    (limitHigh, slopeHigh) = Self.tail(far, fHigh)

    let all = (fLow.reversed() + f + fHigh).filter { !$0.isNaN }
    var (least, greatest) = (all.min() ?? .nan, all.max() ?? .nan)
    for limit in [limitLow, limitHigh].compactMap({ $0 }) {
      least = Swift.min(least, limit)
      greatest = Swift.max(greatest, limit)
    }

    let isOdd = zip(f, f.reversed()).allSatisfy { ($0 + $1).magnitude <= tolerance }
    let isEven = zip(f, f.reversed()).allSatisfy { ($0 - $1).magnitude <= tolerance }
    symmetry = isOdd ? .odd : isEven ? .even : .none

    let line = (Array(fLow.reversed()) + f + fHigh).filter(\.isFinite)
    let rises = zip(line, line.dropFirst()).contains { $1 > $0 + tolerance }
    let falls = zip(line, line.dropFirst()).contains { $1 < $0 - tolerance }
    monotonicity = rises ? (falls ? .none : .nonDecreasing) : falls ? .nonIncreasing : .constant

    var bends: [Double] = []
    for i in 1..<(f.count - 1) { bends.append(f[i - 1] + f[i + 1] - 2 * f[i]) }
    for far in bendLows + bendHighs { bends.append(far / 4096) }
    bends = bends.filter(\.isFinite)
    let (up, down) = (bends.contains { $0 > tolerance }, bends.contains { $0 < -tolerance })
    curvature = up ? (down ? .neither : .convex) : down ? .concave : .affine

    let valueBreaks = curve.breaks(grid, f, order: 0)
    let slopeBreaks = curve.breaks(grid, slope, order: 1).filter { x in
      !valueBreaks.contains { ($0 - x).magnitude < 1e-6 }
    }
    let bendBreaks = curve.breaks(grid, bend, order: 2)
    jumps = valueBreaks
    kinks = slopeBreaks
    smoothness =
      !valueBreaks.isEmpty
      ? .discontinuous
      : !slopeBreaks.isEmpty
        ? .continuous
        : !bendBreaks.isEmpty
          ? .onceDifferentiable
          : curve.breaks(grid, curve.third(grid), order: 3).isEmpty ? .smooth : .twiceDifferentiable

    let stationary = curve.signChanges(grid, slope, order: 1)
    // The slopes' largest magnitude lies at an end, on the grid, beside a kink, or where the second derivative is zero.
    let inflections = curve.signChanges(grid, bend, order: 2).map(\.x)
    let beside = slopeBreaks.flatMap { [$0 - 1e-9, $0 + 1e-9] }
    let extra = inflections + beside
    var steep: [Double] = slope + slopeHighs + slopeLows
    if !extra.isEmpty { steep += curve.values(extra).slope }
    steep = steep.filter { !$0.isNaN }.map(\.magnitude)
    let grows = [slopeLow, slopeHigh].contains { $0.map(\.isInfinite) ?? false }
    lipschitzConstant = valueBreaks.isEmpty && !grows ? steep.max() ?? 0 : .infinity

    minima = stationary.filter(\.rises).map { Point(x: $0.x, y: curve.values([$0.x]).value[0]) }
    let maxima = stationary.filter { !$0.rises }.map { curve.values([$0.x]).value[0] }
    least = Swift.min(least, minima.map(\.y).min() ?? .infinity)
    greatest = Swift.max(greatest, maxima.max() ?? -.infinity)
    range = least <= greatest ? least...greatest : 0...0

    zeros = Self.zeros(grid, f, curve)
    (mean, secondMoment, slopeMoment) = curve.moments()
  }

  /// The limit of the value and of `value / x` along geometric points.
  private static func tail(_ x: [Double], _ f: [Double]) -> (limit: Double?, slope: Double?) {
    let last = f.count - 1
    let (a, b, c) = (f[last - 16], f[last - 8], f[last])
    func settles(_ a: Double, _ b: Double, _ c: Double) -> Bool {
      (c - b).magnitude <= 2e-6 * (1 + c.magnitude) && (b - a).magnitude <= 2e-5 * (1 + c.magnitude)
    }
    let end = f[(last - 16)...]
    let grows = zip(end, end.dropFirst()).allSatisfy { $1.magnitude >= $0.magnitude && $0 * $1 > 0 }
    let limit: Double? = settles(a, b, c) ? c : grows ? (c > 0 ? .infinity : -.infinity) : nil
    let (p, q, r) = (a / x[last - 16], b / x[last - 8], c / x[last])
    let ratios = zip(end, x[(last - 16)...]).map { ($0 / $1).magnitude }
    // A slowly vanishing ratio (a logarithm's) has the limit zero.
    let vanishes = zip(ratios, ratios.dropFirst()).allSatisfy { $1 < $0 } && ratios.last! < 1e-5
    let slope: Double? =
      vanishes || r.magnitude < 1e-6
      ? 0
      : settles(p, q, r)
        ? r
        : zip(ratios, ratios.dropFirst()).allSatisfy { $1 > $0 || $1.isInfinite }
          ? (r > 0 ? .infinity : -.infinity) : nil
    func rounded(_ v: Double?) -> Double? { v.map { $0.isFinite ? ($0 * 1e6).rounded() / 1e6 : $0 } }
    return (rounded(limit), rounded(slope))
  }

  private static func zeros(_ grid: [Double], _ f: [Double], _ curve: Curve) -> [ClosedRange<Double>] {
    var result: [ClosedRange<Double>] = []
    var i = 0
    while i < grid.count {
      if f[i] == 0 {
        var end = i
        while end + 1 < grid.count, f[end + 1] == 0 { end += 1 }
        let low = i == 0 ? -.infinity : grid[i]
        result.append(low...(end == grid.count - 1 && end > i ? .infinity : grid[end]))
        i = end
      }
      i += 1
    }
    for crossing in curve.signChanges(grid, f, order: 0) where crossing.isContinuous {
      // A zero on a grid point is known already.
      if !result.contains(where: { $0.contains(crossing.x) }) { result.append(crossing.x...crossing.x) }
    }
    return result.sorted { $0.lowerBound < $1.lowerBound }
  }
}

/// Values and derivatives of an activation at many points.
private struct Curve {
  private let compiled: @Sendable (Tensor) -> [Tensor]
  private let thirdDerivative: @Sendable (Tensor) -> Tensor

  init(_ activation: Activation) {
    @Sendable func first(_ x: Tensor) -> Tensor { grad { activation($0).sum() }(x) }
    @Sendable func second(_ x: Tensor) -> Tensor { grad { first($0).sum() }(x) }
    compiled = { x in [activation(x), first(x), second(x)] }
    thirdDerivative = { x in grad { second($0).sum() }(x) }
  }

  func values(_ x: [Double]) -> (value: [Double], slope: [Double], bend: [Double]) {
    let result = compiled(Tensor(x))
    return (result[0].doubles, result[1].doubles, result[2].doubles)
  }

  func third(_ x: [Double]) -> [Double] { thirdDerivative(Tensor(x)).doubles }

  private func derivative(_ order: Int, _ x: [Double]) -> [Double] {
    guard order < 3 else { return third(x) }
    let (f, slope, bend) = values(x)
    return order == 0 ? f : order == 1 ? slope : bend
  }

  /// Where a derivative changes its sign between points of the grid, refined by bisection.
  func signChanges(_ grid: [Double], _ f: [Double], order: Int) -> [(x: Double, rises: Bool, isContinuous: Bool)] {
    var cells: [(low: Double, high: Double, rises: Bool)] = []
    var last: (x: Double, sign: Bool)?
    for (x, value) in zip(grid, f) where value.isFinite && value != 0 {
      if let before = last, before.sign != (value > 0), x - before.x <= 2.5 / 64 {
        cells.append((before.x, x, value > 0))
      }
      last = (x, value > 0)
    }
    guard !cells.isEmpty else { return [] }
    for _ in 0..<52 {
      let middles = cells.map { ($0.low + $0.high) / 2 }
      for (i, value) in derivative(order, middles).enumerated() {
        if (value > 0) == cells[i].rises { cells[i].high = middles[i] } else { cells[i].low = middles[i] }
      }
    }
    let (a, b) = (derivative(order, cells.map(\.low)), derivative(order, cells.map(\.high)))
    return cells.indices.map { i in
      // A whole grid point is meant where the bisection ends beside it.
      let x = (cells[i].low + cells[i].high) / 2
      let near = (x * 64).rounded() / 64
      return ((x - near).magnitude < 1e-12 ? near : x, cells[i].rises, (a[i] - b[i]).magnitude < 1e-6)
    }
  }

  /// Where a derivative of an order jumps: every cell of the grid whose ends differ is bisected towards the
  /// larger change; a difference that stays is a jump.
  func breaks(_ grid: [Double], _ f: [Double], order: Int) -> [Double] {
    let steps = zip(f, f.dropFirst()).map { ($1 - $0).magnitude }
    var cells: [(low: Double, high: Double, before: Double)] = []
    for i in 1..<(grid.count - 2) where steps[i].isFinite && steps[i] > 1e-7 {
      cells.append((grid[i], grid[i + 1], steps[i]))
    }
    guard !cells.isEmpty else { return [] }
    for _ in 0..<36 {
      let middles = cells.map { ($0.low + $0.high) / 2 }
      let low = derivative(order, cells.map(\.low))
      let middle = derivative(order, middles)
      let high = derivative(order, cells.map(\.high))
      for i in cells.indices {
        if (middle[i] - low[i]).magnitude >= (high[i] - middle[i]).magnitude {
          cells[i].high = middles[i]
        } else {
          cells[i].low = middles[i]
        }
      }
    }
    let (a, b) = (derivative(order, cells.map(\.low)), derivative(order, cells.map(\.high)))
    var result: [Double] = []
    for i in cells.indices where (a[i] - b[i]).magnitude > 0.05 * cells[i].before && (a[i] - b[i]).magnitude > 1e-6 {
      let x = (cells[i].low + cells[i].high) / 2
      let near = (x * 64).rounded() / 64
      let place = (x - near).magnitude < 1e-9 ? near : x
      if !result.contains(where: { ($0 - place).magnitude < 1e-8 }) { result.append(place) }
    }
    return result
  }

  /// `E f`, `E f²`, `E f′²` under the standard normal density, by the trapezoid rule on 40001 points of [-10, 10].
  func moments() -> (Double, Double, Double) {
    let x = (0...40_000).map { -10 + Double($0) / 2000 }
    let (f, slope, _) = values(x)
    var (m1, m2, d2) = (0.0, 0.0, 0.0)
    for i in x.indices {
      let weight = Foundation.exp(-x[i] * x[i] / 2) * 0.3989422804014327 / 2000
      m1 += weight * f[i]
      m2 += weight * f[i] * f[i]
      d2 += weight * slope[i] * slope[i]
    }
    return (m1, m2, d2)
  }
}
