/// A line, `slope · x + offset`.
public struct Line: Hashable, Sendable {
  public var slope: Double
  public var offset: Double

  public init(slope: Double, offset: Double) {
    self.slope = slope
    self.offset = offset
  }

  public func callAsFunction(_ x: Double) -> Double { slope * x + offset }
}

extension Activation {
  /// A line that is nowhere above the function over a finite interval and one that is nowhere below it, at the parameters'
  /// start values. Chord, end tangents and middle tangents are tried; each is moved until interval arithmetic confirms it, on
  /// `parts` pieces; of those the one that encloses the least area is taken.
  /// (Zhang, Weng, Chen, Hsieh & Daniel 2018, arXiv 1811.00866)
  /// - Throws: `ActivationError` as `bounds`, or if the interval is infinite.
  public func linearBounds(_ x: Interval, parts: Int = 256) throws(ActivationError) -> (lower: Line, upper: Line) {
    let range = try bounds(x, parts: parts)
    guard let program = ScalarProgram(self), x.isFinite, range.isFinite else { throw .outsideDomain(name, "\(x)") }
    guard x.width > 0 else { return (Line(slope: 0, offset: range.low), Line(slope: 0, offset: range.high)) }
    let enclosure = ScalarBounds(program, order: 1)
    let pieces = x.divided(Swift.max(1, parts)).map { part in
      let center = part.low + part.width / 2
      return (
        part: part, center: center, jet: enclosure(part), value: enclosure(Interval(center)).value
      )
    }
    /// Bounds of `f(x) - slope · x`: by the value at the centre and the slopes about it, and by both terms apart.
    func difference(_ slope: Double) -> Interval {
      pieces.reduce(Interval.undefined) { result, piece in
        let apart = piece.jet.value - Interval(slope) * piece.part
        let radius = Interval(-piece.part.width / 2, piece.part.width / 2)
        let about =
          piece.value - Interval(slope) * Interval(piece.center) + (piece.jet.slope - Interval(slope)) * radius
        return result.union(piece.jet.slope.isFinite ? apart.intersection(about) ?? apart : apart)
      }
    }
    let ends = [x.low, x.high].map { enclosure(Interval($0)) }
    let chord = (ends[1].value.low - ends[0].value.low) / x.width
    let tangents = [0.0, 0.25, 0.5, 0.75, 1].map { enclosure(Interval(x.low + $0 * x.width)).slope }
    let slopes = ([chord, 0] + tangents.filter(\.isFinite).map { $0.low + $0.width / 2 }).filter(\.isFinite)
    let middle = x.low + x.width / 2
    let lines = slopes.map { slope in (slope: slope, gap: difference(slope)) }
    let lower = lines.map { Line(slope: $0.slope, offset: $0.gap.low) }.max { $0(middle) < $1(middle) }
    let upper = lines.map { Line(slope: $0.slope, offset: $0.gap.high) }.min { $0(middle) < $1(middle) }
    guard let lower, let upper else { throw .outsideDomain(name, "\(x)") }
    return (lower, upper)
  }
}
