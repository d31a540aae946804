import Soma

/// An affine map of each feature, `(x − shift) / scale`, fitted on the training part and applied to all.
/// Missing values (NaN) do not count in the fit; the map puts the training mean in their place.
public struct Standardization: Codable, Hashable, Sendable {
  public enum Method: String, Codable, Sendable {
    /// Mean 0 and standard deviation 1 (of the population, as scikit-learn's `StandardScaler`).
    case meanDeviation
    /// Smallest 0 and largest 1.
    case minMax
  }

  /// What shares one shift and scale.
  public enum Axis: String, Codable, Sendable {
    /// Each feature has its own.
    case feature
    /// Each channel (the sample's first axis) has its own, as images want.
    case channel
  }

  public let method: Method
  public let shift: [Double]
  /// 1 where a feature is constant.
  public let scale: [Double]
  /// What stands for a missing value, in the original unit.
  public let replacement: [Double]
  /// Consecutive values that share a shift and a scale.
  private let run: Int

  /// - Parameters:
  ///   - data: the training part, and nothing else.
  ///   - axis: `.feature` for tables; images of more than one axis default to `.channel`.
  public init(fitting data: LabeledData, method: Method = .meanDeviation, axis: Axis? = nil) {
    let size = data.sampleShape.elementCount
    let axis = axis ?? (data.sampleShape.rank > 1 ? .channel : .feature)
    let groups = axis == .feature || data.sampleShape.rank == 0 ? size : data.sampleShape[0]
    self.init(fitting: data.values, groups: groups, run: groups == 0 ? 1 : size / groups, method: method)
  }

  /// Fits the map of targets that are numbers, a shift and scale for each.
  public init(fittingTargets values: [Float], outputs: Int, method: Method = .meanDeviation) {
    self.init(fitting: values, groups: outputs, run: 1, method: method)
  }

  private init(fitting values: [Float], groups: Int, run: Int, method: Method) {
    let (mean, deviation, low, high) = Self.statistics(values, groups: groups, run: run)
    self.method = method
    self.run = run
    replacement = mean
    switch method {
    case .meanDeviation:
      shift = mean
      // A deviation within rounding of nothing means a constant feature.
      scale = zip(mean, deviation).map { $1 > 1e-12 * Swift.max(abs($0), 1e-300) ? $1 : 1 }
    case .minMax:
      shift = low
      scale = zip(low, high).map { $1 > $0 ? $1 - $0 : 1 }
    }
  }

  private static func statistics(
    _ values: [Float], groups: Int, run: Int
  ) -> (mean: [Double], deviation: [Double], low: [Double], high: [Double]) {
    var count = [Double](repeating: 0, count: groups)
    var mean = count
    var squares = count
    var low = [Double](repeating: .infinity, count: groups)
    var high = [Double](repeating: -.infinity, count: groups)
    forEachRun(values, groups: groups, run: run) { group, range in
      for i in range where !values[i].isNaN {
        let value = Double(values[i])
        count[group] += 1
        mean[group] += value
        low[group] = Swift.min(low[group], value)
        high[group] = Swift.max(high[group], value)
      }
    }
    for group in 0..<groups where count[group] > 0 { mean[group] /= count[group] }
    // A second pass: the difference of large sums of squares would lose the digits that matter.
    forEachRun(values, groups: groups, run: run) { group, range in
      for i in range where !values[i].isNaN {
        let difference = Double(values[i]) - mean[group]
        squares[group] += difference * difference
      }
    }
    let deviation = zip(squares, count).map { $1 > 0 ? ($0 / $1).squareRoot() : 0 }
    for group in 0..<groups where count[group] == 0 { (low[group], high[group]) = (0, 0) }
    return (mean, deviation, low, high)
  }

  private static func forEachRun(_ values: [Float], groups: Int, run: Int, _ body: (Int, Range<Int>) -> Void) {
    guard groups > 0, run > 0 else { return }
    require(values.count % (groups * run) == 0, "\(values.count) values are no rows of \(groups * run)")
    for start in stride(from: 0, to: values.count, by: run) { body(start / run % groups, start..<start + run) }
  }

  /// `(x − shift) / scale`; NaN becomes the training mean first.
  public func apply(to values: [Float]) -> [Float] {
    var result = values
    Self.forEachRun(values, groups: shift.count, run: run) { group, range in
      let (shift, scale, replacement) = (shift[group], scale[group], replacement[group])
      for i in range {
        let value = values[i].isNaN ? replacement : Double(values[i])
        result[i] = Float((value - shift) / scale)
      }
    }
    return result
  }

  /// `x scale + shift`, back in the original unit.
  public func invert(_ values: [Float]) -> [Float] {
    var result = values
    Self.forEachRun(values, groups: shift.count, run: run) { group, range in
      for i in range { result[i] = Float(Double(values[i]) * scale[group] + shift[group]) }
    }
    return result
  }

  /// The samples with mapped features.
  public func apply(to data: LabeledData) -> LabeledData { data.replacing(values: apply(to: data.values)) }

  /// The samples with features back in the original unit.
  public func invert(_ data: LabeledData) -> LabeledData { data.replacing(values: invert(data.values)) }
}

extension Split {
  /// The parts with features standardized by what the training part alone tells, and the map.
  public func standardized(
    _ method: Standardization.Method = .meanDeviation, axis: Standardization.Axis? = nil
  ) -> (split: Split, standardization: Standardization) {
    let map = Standardization(fitting: train, method: method, axis: axis)
    return (
      Split(train: map.apply(to: train), validation: map.apply(to: validation), test: map.apply(to: test)), map
    )
  }

  /// The parts with numeric targets standardized by the training part's, and the map; nil for classes.
  public func standardizingTargets(
    _ method: Standardization.Method = .meanDeviation
  ) -> (split: Split, standardization: Standardization)? {
    guard case .values(let values, let names) = train.target else { return nil }
    let map = Standardization(fittingTargets: values, outputs: names.count, method: method)
    func mapped(_ data: LabeledData) -> LabeledData {
      guard case .values(let values, let names) = data.target else { return data }
      return data.replacing(target: .values(map.apply(to: values), names: names))
    }
    return (Split(train: mapped(train), validation: mapped(validation), test: mapped(test)), map)
  }
}
