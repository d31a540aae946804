import Soma

/// The learning rate as a function of the step. Steps count from 0; `total` is the number of steps of the whole run, which
/// schedules that are given no length of their own stretch over.
public struct Schedule: Sendable {
  private let function: @Sendable (_ step: Int, _ total: Int) -> Double

  public init(_ function: @escaping @Sendable (_ step: Int, _ total: Int) -> Double) { self.function = function }

  public func callAsFunction(_ step: Int, of total: Int) -> Double { function(step, total) }

  public static func constant(_ rate: Double) -> Schedule { Schedule { _, _ in rate } }

  /// `rate · factor^⌊step / every⌋`
  public static func step(_ rate: Double, every: Int, factor: Double = 0.1) -> Schedule {
    require(every > 0, "a step schedule changes every \(every) steps: at least 1")
    return Schedule { step, _ in rate * pow(factor, Double(step / every)) }
  }

  /// `rate` times `factor` for each milestone reached.
  public static func multiStep(_ rate: Double, milestones: [Int], factor: Double = 0.1) -> Schedule {
    Schedule { step, _ in rate * pow(factor, Double(milestones.filter { $0 <= step }.count)) }
  }

  /// `rate · factor^step`
  public static func exponential(_ rate: Double, factor: Double) -> Schedule {
    Schedule { step, _ in rate * pow(factor, Double(step)) }
  }

  /// From `rate` to `final` along half a cosine, then constant (Loshchilov, Hutter 2016, arXiv:1608.03983).
  public static func cosine(_ rate: Double, final: Double = 0, steps: Int? = nil) -> Schedule {
    Schedule { step, total in
      final + (rate - final) * (1 + cos(.pi * progress(step, steps ?? total))) / 2
    }
  }

  /// Half cosines from `rate` to `final` that start over after `period` steps, each `multiplier` times as long as the one
  /// before (warm restarts, the same paper).
  public static func cosineRestarts(
    _ rate: Double, final: Double = 0, period: Int, multiplier: Int = 1
  ) -> Schedule {
    require(period > 0 && multiplier > 0, "restarts after \(period) steps, times \(multiplier): both at least 1")
    return Schedule { step, _ in
      var (start, length) = (0, period)
      if multiplier == 1 {
        start = step / period * period
      } else {
        while step >= start + length {
          start += length
          length *= multiplier
        }
      }
      return final + (rate - final) * (1 + cos(.pi * Double(step - start) / Double(length))) / 2
    }
  }

  /// Up from `peak / startDivisor` to `peak` over the share `warmUp` of the steps, then down to
  /// `peak / startDivisor / endDivisor`, both along half a cosine (Smith, Topin 2017, arXiv:1708.07120).
  public static func oneCycle(
    _ peak: Double, warmUp: Double = 0.3, startDivisor: Double = 25, endDivisor: Double = 1e4, steps: Int? = nil
  ) -> Schedule {
    require(warmUp >= 0 && warmUp < 1, "the rise takes a share of 0 to 1 of the steps, not \(warmUp)")
    return Schedule { step, total in
      let (first, last) = (peak / startDivisor, peak / startDivisor / endDivisor)
      let end = Double((steps ?? total) - 1)
      let top = warmUp * Double(steps ?? total) - 1
      let t = Swift.min(Double(step), end)
      if t <= top && top > 0 { return peak + (first - peak) * (1 + cos(.pi * t / top)) / 2 }
      let fall = end - Swift.max(top, 0)
      return last + (peak - last) * (1 + cos(.pi * (fall > 0 ? (t - Swift.max(top, 0)) / fall : 1))) / 2
    }
  }

  /// `final + (rate - final) (1 - step / steps)^power`, then constant; power 1 is a line.
  public static func polynomial(_ rate: Double, final: Double = 0, power: Double = 1, steps: Int? = nil) -> Schedule {
    Schedule { step, total in final + (rate - final) * pow(1 - progress(step, steps ?? total), power) }
  }

  /// Rises in a line from `start` times the schedule's first rate to that rate over `steps` steps, then runs the schedule
  /// on what is left.
  public func warmedUp(_ steps: Int, from start: Double = 0) -> Schedule {
    require(steps >= 0, "a warm-up of \(steps) steps")
    return Schedule { [function] step, total in
      let rest = Swift.max(total - steps, 1)
      if step >= steps { return function(step - steps, rest) }
      return function(0, rest) * (start + (1 - start) * Double(step) / Double(steps))
    }
  }

  private static func progress(_ step: Int, _ steps: Int) -> Double {
    steps > 0 ? Swift.min(Double(step) / Double(steps), 1) : 1
  }
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
