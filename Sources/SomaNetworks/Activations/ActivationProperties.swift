import Dispatch
import Foundation
import Synchronization

/// What can be computed of an activation of one number at its start values, outside training, in double precision. All is
/// found on a grid of [-8, 8] (spacing 1/64) and geometric points out to ±10⁸; that a function rises, falls, or bends one
/// way is proved by interval arithmetic where that succeeds.
public struct ActivationProperties: Hashable, Sendable {
  public enum Symmetry: String, Hashable, Sendable { case odd, even, none }
  public enum Monotonicity: String, Hashable, Sendable { case constant, nonDecreasing, nonIncreasing, none }
  public enum Curvature: String, Hashable, Sendable { case affine, convex, concave, neither }
  /// The highest derivative that is continuous; `smooth` where no jump was found in the first three.
  public enum Smoothness: String, Hashable, Sendable {
    case discontinuous, continuous, onceDifferentiable, twiceDifferentiable, smooth
  }
  /// What a statement rests on.
  public enum Certificate: String, Hashable, Sendable {
    /// Bounds of a derivative over the whole line.
    case intervals
    /// The points looked at.
    case numerical
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
  /// Where its value is its input, within [-8, 8].
  public var fixedPoints: [ClosedRange<Double>]
  public var symmetry: Symmetry
  public var monotonicity: Monotonicity
  public var monotonicityCertificate: Certificate
  public var curvature: Curvature
  public var curvatureCertificate: Certificate
  /// Whether `f(c x) = c f(x)` for c > 0.
  public var isPositivelyHomogeneous: Bool
  /// The largest slope; infinite at jumps and where slopes grow.
  public var lipschitzConstant: Double
  /// The limit towards -∞ and +∞; nil if there is none.
  public var limits: (low: Double?, high: Double?) { (limitLow, limitHigh) }
  /// `f(x)/x` towards -∞ and +∞; nil if it has no limit.
  public var slopes: (low: Double?, high: Double?) { (slopeLow, slopeHigh) }
  /// Whether the value settles towards -∞ and +∞, so that the slope vanishes there.
  public var saturates: (low: Bool, high: Bool) { (limitLow?.isFinite ?? false, limitHigh?.isFinite ?? false) }
  public var isBounded: Bool { range.lowerBound.isFinite && range.upperBound.isFinite }
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
  public var moments: GaussianMoments
  /// `E f(z)`, `E f(z)²`, `E f′(z)²` for a standard normal z.
  public var mean: Double { moments.mean }
  public var secondMoment: Double { moments.secondMoment }
  public var slopeMoment: Double { moments.slopeMoment }
  public var initialGain: Double { moments.initialGain }
  public var depthFactor: Double { moments.depthFactor }

  /// nil for gated and vector activations, which are no functions of one number.
  public init?(_ activation: Activation) {
    guard let program = ScalarProgram(activation), let moments = GaussianMoments(activation) else { return nil }
    let curve = ActivationCurve(program)
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

    let bounds = program.count < 400 ? ScalarBounds(program, order: 2)(.all, parts: 1024) : .undefined
    // Bounds of slopes say nothing of jumps.
    let jumping: [ScalarProgram.Operation] = [.select, .function(.step), .function(.sign), .function(.floor)]
    let isContinuous = !program.nodes.contains { jumping.contains($0.operation) }
    monotonicityCertificate =
      isContinuous && (monotonicity == .nonDecreasing ? bounds.slope.low >= 0 : bounds.slope.high <= 0)
      ? .intervals : .numerical
    curvatureCertificate =
      isContinuous && (curvature == .convex ? bounds.bend.low >= 0 : curvature == .concave && bounds.bend.high <= 0)
      ? .intervals : .numerical
    let (twice, half) = (program(grid.map { 2 * $0 }), program(grid.map { $0 / 2 }))
    isPositivelyHomogeneous = grid.indices.allSatisfy {
      (twice[$0] - 2 * f[$0]).magnitude <= tolerance && (half[$0] - f[$0] / 2).magnitude <= tolerance
    }

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
          : curve.breaks(grid, curve.derivative(3, grid), order: 3).isEmpty ? .smooth : .twiceDifferentiable

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
    fixedPoints = Self.zeros(grid, zip(f, grid).map { $0 - $1 }, curve, minusInput: true)
    self.moments = moments
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

  private static func zeros(
    _ grid: [Double], _ f: [Double], _ curve: ActivationCurve, minusInput: Bool = false
  ) -> [ClosedRange<Double>] {
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
    for crossing in curve.signChanges(grid, f, order: 0, minusInput: minusInput) where crossing.isContinuous {
      // A zero on a grid point is known already.
      if !result.contains(where: { $0.contains(crossing.x) }) { result.append(crossing.x...crossing.x) }
    }
    return result.sorted { $0.lowerBound < $1.lowerBound }
  }
}

extension ActivationProperties {
  /// The properties of many activations, several side by side, in their order.
  public static func of(
    _ activations: [Activation], progress: @Sendable (Double) -> Void = { _ in }
  ) -> [ActivationProperties?] {
    let results = Mutex([ActivationProperties?](repeating: nil, count: activations.count))
    let done = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: activations.count) { i in
      let properties = ActivationProperties(activations[i])
      results.withLock { $0[i] = properties }
      let count = done.withLock { done in
        done += 1
        return done
      }
      progress(Double(count) / Double(activations.count))
    }
    return results.withLock { $0 }
  }
}

extension Activation {
  /// Values at places, at the start values and outside training; nil for what is no function of one number.
  public func values(at places: [Double]) -> [Double]? { ScalarProgram(self).map { $0(places) } }

  /// Values and derivatives of the first three orders at places; nil for what is no function of one number.
  public func derivatives(at places: [Double]) -> [(value: Double, first: Double, second: Double, third: Double)]? {
    ScalarProgram(self).map { program in program.jets(places).map { ($0.value, $0.d1, $0.d2, $0.d3) } }
  }
}
