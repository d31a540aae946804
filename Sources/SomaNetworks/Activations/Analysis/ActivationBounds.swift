extension Activation {
  /// The least and the greatest value over an interval of inputs, outside training, at the parameters' start values: an
  /// interval that contains every value (interval arithmetic over the formula, on `parts` pieces).
  /// - Throws: `ActivationError` for an activation that is no function of one number, is random unless `mode` is
  ///   `.inference`, or has no value somewhere in the interval.
  public func bounds(_ x: Interval, parts: Int = 64, mode: StochasticActivation.Mode? = nil) throws(ActivationError)
    -> Interval
  {
    guard isElementwise, let program = ScalarProgram(self) else {
      throw .unsuitableKind(name, wanted: "a function of one number")
    }
    if kind == .stochastic && mode != .inference {
      throw .unsuitableKind(name, wanted: "bounded in training, where it is random: ask for mode .inference")
    }
    guard !x.isUndefined, x.low <= x.high else { throw .outsideDomain(name, "\(x)") }
    let bounds = ScalarBounds(program)
    var result: Interval?
    for part in x.divided(Swift.max(1, parts)) {
      let value = bounds(part).value
      if value.isUndefined { throw .outsideDomain(name, "\(part)") }
      result = result?.union(value) ?? value
    }
    guard let result else { throw .outsideDomain(name, "\(x)") }
    return result
  }

  /// An interval that contains every slope over an interval of inputs; the whole line where one cannot be given.
  /// - Throws: as `bounds`
  public func slopeBounds(_ x: Interval, parts: Int = 64) throws(ActivationError) -> Interval {
    guard let program = ScalarProgram(self) else {
      throw .unsuitableKind(name, wanted: "a function of one number")
    }
    return ScalarBounds(program, order: 1)(x, parts: parts).slope
  }
}
