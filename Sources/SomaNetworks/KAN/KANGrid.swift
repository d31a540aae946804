import Foundation
import Soma

extension FittedKAN {
  /// Where a new grid's knots stand.
  public enum GridRange: Sendable {
    /// Between the smallest and the largest sample.
    case data
    /// Where the old grid's first and last interior knots stand, evenly.
    case kept
  }

  /// Knots from samples of an input: the mixture `ε · even + (1 - ε) · quantiles` of `G + 1` places between the smallest and largest
  /// sample, a little wider than the samples, extended by `order` on both sides. Nil if all samples are equal.
  public static func knots(_ samples: [Double], intervals: Int, order: Int, evenness: Double = 0.02) -> [Double]? {
    let sorted = samples.sorted()
    guard let first = sorted.first, let last = sorted.last, last > first else { return nil }
    var interior = (0...intervals).map { i -> Double in
      let quantile = i == intervals ? last : sorted[sorted.count * i / intervals]
      let even = first + (last - first) * Double(i) / Double(intervals)
      return evenness * even + (1 - evenness) * quantile
    }
    interior[0] -= 1e-8 * (last - first)
    interior[intervals] += 1e-8 * (last - first)
    return BSpline.extended(interior, order: order)
  }

  /// Knots where the data are; the functions stay, as well as splines on the new knots can keep them.
  /// - Throws: `KANError` if samples are not finite.
  public func updatingGrid(from x: Tensor, evenness: Double = 0.02) throws(KANError) -> FittedKAN {
    try regridded(on: x, evenness: evenness, .data) { $0.intervals }
  }

  /// The same functions on another number of intervals (grid extension): coefficients by least squares on the samples, of the
  /// smallest norm where samples do not determine them; layer by layer, each on what the refined layers before it put out.
  /// The new knots are evenly spaced unless `evenness` draws them to where samples are dense.
  /// - Throws: `KANError` if samples are not finite.
  public func refined(
    intervals: Int, on x: Tensor, range: GridRange = .data, evenness: Double = 1
  ) throws(KANError) -> FittedKAN {
    require(intervals >= 1, "a grid has at least one interval, not \(intervals)")
    return try regridded(on: x, evenness: evenness, range) { _ in intervals }
  }

  private func regridded(
    on x: Tensor, evenness: Double, _ range: GridRange, _ intervals: (BSpline) -> Int
  ) throws(KANError) -> FittedKAN {
    var result = self
    var h = x.cast(to: .float64)
    for l in network.layers.indices {
      guard h.isFinite().all().scalar != 0 else { throw KANError("the samples that reach layer \(l) are not finite") }
      if let old = network.layers[l].basis as? BSpline {
        var new = old
        new.intervals = intervals(old)
        result.refit(layer: l, h, from: old, to: new, evenness: evenness, range)
      }
      h = result.layerOutput(l, h)
    }
    return result
  }

  /// The nodes behind a layer.
  func layerOutput(_ layer: Int, _ h: Tensor) -> Tensor {
    var part = network
    part.widths = Array(network.widths[layer...(layer + 1)])
    part.layers = [network.layers[layer]]
    var own = Variables()
    for name in variables.parameters.names where name.hasPrefix("\(layer)/") || name.hasPrefix("node\(layer)/") {
      own.parameters[Self.moved(name, layer, to: 0)] = variables.parameters[name]
    }
    for name in variables.state.names where name.hasPrefix("\(layer)/") {
      own.state[Self.moved(name, layer, to: 0)] = variables.state[name]
    }
    if part.widths[0].products > 0 { part.widths[0] = KAN.Width(part.widths[0].nodes) }
    return part.apply(own, h.cast(to: dtype)).cast(to: .float64)
  }

  static func moved(_ name: String, _ layer: Int, to other: Int) -> String {
    name.hasPrefix("node")
      ? "node\(other)" + name.dropFirst("node\(layer)".count) : "\(other)" + name.dropFirst("\(layer)".count)
  }

  private mutating func refit(
    layer: Int, _ h: Tensor, from old: BSpline, to new: BSpline, evenness: Double, _ range: GridRange
  ) {
    let name = "\(layer)"
    let knots = variables.state[name + "/knots"]!.cast(to: .float64)
    let coefficients = variables.parameters[name + "/coefficients"]!.cast(to: .float64)
    let inputs = h.shape[1]
    let rows = (0..<inputs).map { i -> [Double] in
      let own = knots[i].doubles
      if range == .data,
        let moved = Self.knots(h[.all, i].doubles, intervals: new.intervals, order: new.order, evenness: evenness)
      {
        return moved
      }
      if new.intervals == old.intervals { return own }
      let (first, last) = (own[old.order], own[old.order + old.intervals])
      let interior = (0...new.intervals).map { first + (last - first) * Double($0) / Double(new.intervals) }
      return BSpline.extended(interior, order: new.order)
    }
    let newKnots = Tensor(rows.flatMap { $0 }, shape: [inputs, rows[0].count])
    let curves = h.splineCurves(knots: knots, coefficients: coefficients, order: old.order)
    let unit = Tensor.eye(new.count, dtype: .float64).broadcast(to: [inputs, new.count, new.count])
    let basis = h.splineCurves(knots: newKnots, coefficients: unit, order: new.order)
    let solution = basis.transposed(1, 0, 2).pseudoInverse(relativeTolerance: 1e-12).matmul(curves.transposed(1, 0, 2))
    variables.parameters[name + "/coefficients"] = solution.cast(to: dtype)
    variables.state[name + "/knots"] = newKnots.cast(to: dtype)
    network.layers[layer].basis = new
  }
}
