import Foundation

/// All numbers from `low` to `high`, the ends may be infinite. Arithmetic gives an interval that contains every result,
/// with a margin for rounding.
public struct Interval: Hashable, Sendable, CustomStringConvertible {
  public var low: Double
  public var high: Double

  public init(_ low: Double, _ high: Double) {
    self.low = low
    self.high = high
  }

  public init(_ value: Double) { self.init(value, value) }

  public static let all = Interval(-.infinity, .infinity)
  /// No number at all: outside the domain of a function.
  static let undefined = Interval(.nan, .nan)

  public var description: String { "[\(low), \(high)]" }
  public var isFinite: Bool { low.isFinite && high.isFinite }
  public var width: Double { high - low }
  var isUndefined: Bool { low.isNaN || high.isNaN }
  var isPoint: Bool { low == high }

  public func contains(_ x: Double) -> Bool { low <= x && x <= high }

  /// The smallest interval that holds both.
  public func union(_ other: Interval) -> Interval {
    if isUndefined { return other }
    if other.isUndefined { return self }
    return Interval(Swift.min(low, other.low), Swift.max(high, other.high))
  }

  /// What both have in common; nil if that is nothing.
  func intersection(_ other: Interval) -> Interval? {
    let common = Interval(Swift.max(low, other.low), Swift.min(high, other.high))
    return common.low <= common.high ? common : nil
  }

  /// With a margin of a few roundings.
  var widened: Interval {
    func margin(_ x: Double) -> Double { x.isFinite ? 4 * x.ulp : 0 }
    return Interval(low - margin(low), high + margin(high))
  }

  /// Zero times infinity is zero here: the product with every finite number is.
  private static func times(_ a: Double, _ b: Double) -> Double { a == 0 || b == 0 ? 0 : a * b }

  static func + (a: Interval, b: Interval) -> Interval {
    let (low, high) = (a.low + b.low, a.high + b.high)
    if a.isUndefined || b.isUndefined { return .undefined }
    return Interval(low.isNaN ? -.infinity : low, high.isNaN ? .infinity : high).widened
  }

  static prefix func - (a: Interval) -> Interval { Interval(-a.high, -a.low) }
  static func - (a: Interval, b: Interval) -> Interval { a + (-b) }

  static func * (a: Interval, b: Interval) -> Interval {
    if a.isUndefined || b.isUndefined { return .undefined }
    let corners = [times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)]
    return Interval(corners.min()!, corners.max()!).widened
  }

  static func / (a: Interval, b: Interval) -> Interval {
    if a.isUndefined || b.isUndefined || (b.low == 0 && b.high == 0) { return .undefined }
    if b.low < 0 && b.high > 0 { return .all }
    // An end at zero is approached from inside.
    let inverse = Interval(b.high == 0 ? -.infinity : 1 / b.high, b.low == 0 ? .infinity : 1 / b.low).widened
    return a * inverse
  }

  static func maximum(_ a: Interval, _ b: Interval) -> Interval {
    if a.isUndefined || b.isUndefined { return .undefined }
    return Interval(Swift.max(a.low, b.low), Swift.max(a.high, b.high))
  }

  static func minimum(_ a: Interval, _ b: Interval) -> Interval { -maximum(-a, -b) }

  /// `aᵇ`
  static func power(_ a: Interval, _ b: Interval) -> Interval {
    if a.isUndefined || b.isUndefined { return .undefined }
    if b.isPoint, b.low == b.low.rounded(), b.low.magnitude < 1e6 {
      let n = b.low
      if n < 0 { return Interval(1) / power(a, Interval(-n)) }
      if n == 0 { return Interval(1) }
      let (x, y) = (Foundation.pow(a.low, n), Foundation.pow(a.high, n))
      let isEven = n.remainder(dividingBy: 2) == 0
      if isEven, a.contains(0) { return Interval(0, Swift.max(x, y)).widened }
      return Interval(Swift.min(x, y), Swift.max(x, y)).widened
    }
    // Powers of negative numbers are no numbers.
    guard a.high >= 0 else { return .undefined }
    let base = Interval(Swift.max(a.low, 0), a.high)
    let corners = [
      Foundation.pow(base.low, b.low), Foundation.pow(base.low, b.high), Foundation.pow(base.high, b.low),
      Foundation.pow(base.high, b.high),
    ]
    return Interval(corners.min()!, corners.max()!).widened
  }
}
