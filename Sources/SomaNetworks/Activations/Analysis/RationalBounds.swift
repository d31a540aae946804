import Foundation

/// A polynomial of one number, the constant first.
struct Polynomial: Hashable, Sendable {
  var coefficients: [Double]

  init(_ coefficients: [Double]) {
    self.coefficients = coefficients
    while self.coefficients.last == 0 { self.coefficients.removeLast() }
  }

  var degree: Int { coefficients.count - 1 }

  func callAsFunction(_ x: Double) -> Double { coefficients.reversed().reduce(0) { $0 * x + $1 } }

  /// `Σ |c_k| |x|^k`, which bounds what rounding adds: an evaluation is off by at most about `degree` units of it.
  func size(at x: Double) -> Double { Polynomial(coefficients.map(\.magnitude))(x.magnitude) }

  var derivative: Polynomial { Polynomial(coefficients.indices.dropFirst().map { coefficients[$0] * Double($0) }) }

  static func * (a: Polynomial, b: Polynomial) -> Polynomial {
    guard a.degree >= 0, b.degree >= 0 else { return Polynomial([]) }
    var product = [Double](repeating: 0, count: a.degree + b.degree + 1)
    for (i, x) in a.coefficients.enumerated() { for (j, y) in b.coefficients.enumerated() { product[i + j] += x * y } }
    return Polynomial(product)
  }

  static func + (a: Polynomial, b: Polynomial) -> Polynomial {
    func coefficient(_ p: Polynomial, _ k: Int) -> Double { k <= p.degree ? p.coefficients[k] : 0 }
    return Polynomial((0..<max(a.degree, b.degree, -1) + 1).map { coefficient(a, $0) + coefficient(b, $0) })
  }

  static prefix func - (a: Polynomial) -> Polynomial { Polynomial(a.coefficients.map { -$0 }) }

  /// No root is farther from zero (Cauchy 1829).
  var rootRadius: Double {
    guard let last = coefficients.last, degree > 0 else { return 0 }
    return 1 + coefficients.dropLast().map { ($0 / last).magnitude }.max()!
  }

  /// Where the sign changes in a finite interval, ascending, and where zero is touched exactly. Between neighbouring roots of its derivative a polynomial is
  /// monotone, so that a change of sign encloses one root, which halving finds to the last bit.
  func signChanges(in x: Interval) -> [Double] {
    guard degree > 0 else { return [] }
    let places = [x.low] + derivative.signChanges(in: x) + [x.high]
    var roots: [Double] = []
    for (a, b) in zip(places, places.dropFirst()) {
      var (low, high) = (a, b)
      let isRising = self(low) < 0
      guard self(low) != 0, isRising ? self(high) > 0 : self(high) < 0 else {
        if self(high) == 0, high < x.high { roots.append(high) }
        continue
      }
      while true {
        let middle = low + (high - low) / 2
        guard low < middle, middle < high else { break }
        if (self(middle) < 0) == isRising { low = middle } else { high = middle }
      }
      roots.append(high)
    }
    return roots
  }
}

/// A quotient of two polynomials.
struct RationalFunction: Hashable, Sendable {
  var numerator: Polynomial
  var denominator: Polynomial

  /// The least and the greatest value over an interval (its ends may be infinite), wider by no more than rounding: they lie
  /// at the ends or where `P′Q - PQ′` changes sign. The whole line if there is a pole.
  func bounds(_ x: Interval) -> Interval {
    let (p, q) = (numerator, denominator)
    let bend = p.derivative * q + -(p * q.derivative)
    // Beyond every root the quotient is monotone, on to its limit.
    let radius = max(bend.rootRadius, q.rootRadius) + 1
    let finite = Interval(
      x.low.isInfinite ? min(-radius, x.high) : x.low, x.high.isInfinite ? max(radius, x.low) : x.high)
    guard q.signChanges(in: finite).isEmpty, q(finite.low) != 0, q(finite.high) != 0 else { return .all }
    var result = ([finite.low, finite.high] + bend.signChanges(in: finite)).map(value).reduce(Interval.undefined) {
      $0.union($1)
    }
    for end in [x.low, x.high] where end.isInfinite { result = result.union(limit(towards: end)) }
    return result
  }

  private func value(_ x: Double) -> Interval {
    let unit = Double.ulpOfOne * Double(max(numerator.degree, denominator.degree, 1) + 2)
    let (top, bottom) = (numerator(x), denominator(x))
    let (a, b) = (unit * numerator.size(at: x), unit * denominator.size(at: x))
    return Interval(top - a, top + a) / Interval(bottom - b, bottom + b)
  }

  private func limit(towards end: Double) -> Interval {
    guard numerator.degree >= 0 else { return Interval(0) }
    let excess = numerator.degree - denominator.degree
    guard excess >= 0 else { return Interval(0) }
    let ratio = numerator.coefficients.last! / denominator.coefficients.last!
    guard excess > 0 else { return Interval(ratio).widened }
    return Interval(end < 0 && excess % 2 == 1 ? -ratio * .infinity : ratio * .infinity)
  }
}

extension PadeActivation.Coefficients {
  /// The least and the greatest value of the function over an interval, exact up to rounding: from the real roots of
  /// `P′Q - PQ′` on each branch of the denominator's magnitudes. The whole line where the variant `.unsafe` has a pole.
  /// - `x`: its ends may be infinite
  public func bounds(_ x: Interval, variant: PadeActivation.Variant = .termwise) -> Interval {
    let p = Polynomial(numerator)
    let rest = Polynomial([0] + denominator)
    switch variant {
    case .unsafe: return RationalFunction(numerator: p, denominator: Polynomial([1]) + rest).bounds(x)
    case .termwise:
      // |x|^k is (-x)^k below zero.
      let sizes = denominator.map(\.magnitude)
      let below = sizes.enumerated().map { $0.offset % 2 == 0 ? -$0.element : $0.element }
      return Self.union(
        x, at: [0],
        { RationalFunction(numerator: p, denominator: Polynomial([1] + ($0.high <= 0 ? below : sizes))) })
    case .total, .sharp:
      let base = Polynomial([variant == .sharp ? 0.1 : 1])
      let radius = rest.rootRadius + 1
      let cuts = rest.signChanges(in: Interval(-radius, radius))
      return Self.union(x, at: cuts) { part in
        let middle =
          part.low.isInfinite
          ? min(part.high, -radius) - 1
          : part.high.isInfinite
            ? max(part.low, radius) + 1 : part.low + (part.high - part.low) / 2
        return RationalFunction(numerator: p, denominator: base + (rest(middle) < 0 ? -rest : rest))
      }
    }
  }

  private static func union(_ x: Interval, at cuts: [Double], _ branch: (Interval) -> RationalFunction) -> Interval {
    let places = [x.low] + cuts.filter { x.low < $0 && $0 < x.high } + [x.high]
    return zip(places, places.dropFirst()).map { Interval($0, $1) }.reduce(Interval.undefined) {
      $0.union(branch($1).bounds($1))
    }
  }
}

extension PadeActivation {
  /// The least and the greatest value over an interval, with the start's coefficients.
  public func bounds(_ x: Interval) -> Interval { start.bounds(x, variant: variant) }
}
