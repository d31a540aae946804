import Foundation

/// How values are laid out along an axis.
public enum AxisScale: String, Sendable, Hashable {
  case linear
  /// Equal ratios take equal room; values must be above zero, others are not drawn.
  case logarithmic
}

/// The map from an axis's values to places on the drawing, with the values to mark.
struct Scale {
  let kind: AxisScale
  let low: Double
  let high: Double
  let start: Double
  let end: Double

  /// - Parameters:
  ///   - values: what is to be shown; only drawable ones count.
  ///   - range: fixed ends instead of those of the values.
  ///   - start, end: places of the lowest and highest value.
  init(
    _ values: some Sequence<Double>, _ kind: AxisScale, range: ClosedRange<Double>? = nil, includesZero: Bool = false,
    margin: Double = 0.04, start: Double, end: Double
  ) {
    self.kind = kind
    self.start = start
    self.end = end
    let shown = values.filter { Self.isDrawable($0, kind) }
    var low = shown.min() ?? (kind == .linear ? 0 : 1)
    var high = shown.max() ?? (kind == .linear ? 1 : 10)
    if let range, Self.isDrawable(range.lowerBound, kind), Self.isDrawable(range.upperBound, kind) {
      (low, high) = (range.lowerBound, range.upperBound)
    } else if includesZero && kind == .linear {
      (low, high) = (min(low, 0), max(high, 0))
    }
    switch kind {
    case .linear:
      if high - low <= abs(high) * 1e-12 {
        let room = high == 0 ? 1 : abs(high) * 0.1
        (low, high) = (low - room, high + room)
      } else if range == nil {
        let room = (high - low) * margin
        // A bar stands on its axis.
        low -= includesZero && low == 0 ? 0 : room
        high += includesZero && high == 0 ? 0 : room
      }
    case .logarithmic:
      if high <= low * 1.000001 {
        (low, high) = (low / 2, high * 2)
      } else if range == nil {
        let room = pow(high / low, margin)
        (low, high) = (low / room, high * room)
      }
    }
    self.low = low
    self.high = high
  }

  static func isDrawable(_ value: Double, _ kind: AxisScale) -> Bool {
    // Beyond this, differences of coordinates would overflow.
    value.isFinite && abs(value) < 1e150 && (kind == .linear || value > 1e-150)
  }

  func isDrawable(_ value: Double) -> Bool { Self.isDrawable(value, kind) }

  /// The place of a drawable value; those beyond the ends are put just outside of the axis.
  func callAsFunction(_ value: Double) -> Double {
    let t =
      switch kind {
      case .linear: (value - low) / (high - low)
      case .logarithmic: log(value / low) / log(high / low)
      }
    return start + min(max(t, -0.5), 1.5) * (end - start)
  }

  /// Round values to mark, about `count`, with what to write at them.
  func ticks(_ count: Int) -> [(value: Double, label: String)] {
    switch kind {
    case .linear: linearTicks(count)
    case .logarithmic: logarithmicTicks(count)
    }
  }

  private func linearTicks(_ count: Int) -> [(value: Double, label: String)] {
    let rough = (high - low) / Double(max(count, 1))
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.75 } ?? 10 * power
    guard step > 0, step.isFinite else { return [] }
    let first = ceil(low / step - 1e-9)
    let last = floor(high / step + 1e-9)
    guard last >= first, last - first < 1000, abs(first) < 1e15 else { return [] }
    let largest = max(abs(low), abs(high))
    let values = (Int(first)...Int(last)).map { Double($0) * step }
    let decimals = max(0, -Int(floor(log10(step) + 1e-9)))
    return values.map { value in
      if largest >= 1e4 || step < 1e-4 {
        let digits = max(1, Int(ceil(log10(largest / step) - 1e-9)) + 1)
        return (value, formattedNumber(value, digits: min(digits, 12)))
      }
      return (value, formattedNumber(value, decimals: decimals))
    }
  }

  private func logarithmicTicks(_ count: Int) -> [(value: Double, label: String)] {
    let decades = log10(high / low)
    guard decades > 0.7 else {
      // Less than one decade: round values as on a linear axis.
      return linearTicks(count).filter { $0.value > 0 }
    }
    let factors: [Double] = decades <= 1.5 ? [1, 2, 5] : decades <= 3 ? [1, 3] : [1]
    let stride = max(1, Int((decades / Double(max(count, 1))).rounded(.up)))
    var result: [(Double, String)] = []
    for power in Int(floor(log10(low)))...Int(ceil(log10(high))) where power % stride == 0 {
      for factor in factors {
        let value = factor * pow(10, Double(power))
        if value >= low * 0.999999 && value <= high * 1.000001 { result.append((value, formattedNumber(value))) }
      }
    }
    return result
  }
}
