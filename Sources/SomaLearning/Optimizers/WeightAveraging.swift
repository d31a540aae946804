import Soma
import SomaNetworks

/// A second set of parameters that follows the trained one and usually generalizes better.
public enum WeightAveraging: Sendable, Hashable {
  /// `a ← d a + (1 - d) p` after each step; with `warmsUp`, `d` is at most `(1 + t) / (10 + t)` at step t, so that the
  /// initial weights are soon forgotten (Polyak, Juditsky 1992).
  case exponential(decay: Double, warmsUp: Bool = false)
  /// The plain mean of the parameters at steps `start`, `start + every`, …; before that, the parameters themselves
  /// (stochastic weight averaging: Izmailov et al. 2018, arXiv:1803.05407).
  case equal(start: Int, every: Int = 1)

  /// The average after a step.
  /// - `step`: the number of steps taken, a scalar integer; 1 after the first
  public func updated(_ average: Parameters, with parameters: Parameters, step: Tensor) -> Parameters {
    let t = step.cast(to: .float64)
    // a ← a + share · (p - a)
    let share: Tensor
    switch self {
    case .exponential(let decay, let warmsUp):
      let exponential = Tensor(1 - decay, dtype: .float64)
      share = warmsUp ? (9 / (10 + t)).maximum(exponential) : exponential
    case .equal(let start, let every):
      require(start > 0 && every > 0, "weights are averaged from step \(start), every \(every): both at least 1")
      let since = t - start
      let taken = (since / Double(every)).floor()
      let counts = (since % every) .== 0
      share = .select(since .< 0, 1, Tensor.select(counts, 1 / (taken.maximum(0) + 1), 0))
    }
    return average.map { name, a in
      guard a.dtype.isFloating, let p = parameters[name] else { return parameters[name] ?? a }
      let part = share.cast(to: a.dtype)
      // Exact where the average starts over: a + (p - a) need not be p.
      return .select(part .== 1, p, a + part * (p - a))
    }
  }
}
