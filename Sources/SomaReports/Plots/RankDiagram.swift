/// Mean ranks on a line, the best at the left, with bars over those that do not differ by more than the critical difference (Demšar
/// 2006).
public struct RankDiagram: Plot {
  public struct Entry: Sendable, Hashable {
    public var name: String
    public var rank: Double

    public init(_ name: String, rank: Double) {
      self.name = name
      self.rank = rank
    }
  }

  public var title: String
  public var entries: [Entry]
  public var criticalDifference: Double
  public var width = 560.0
  public var height: Double { 120 + Double((entries.count + 1) / 2) * 18 + Double(groups.count) * 8 }

  public init(_ title: String, _ entries: [Entry], criticalDifference: Double) {
    self.title = title
    self.entries = entries.sorted { $0.rank < $1.rank }
    self.criticalDifference = criticalDifference
  }

  /// The longest runs of entries within the critical difference.
  private var groups: [ClosedRange<Int>] {
    var result: [ClosedRange<Int>] = []
    for i in entries.indices {
      let last = entries.lastIndex { $0.rank - entries[i].rank <= criticalDifference } ?? i
      if last > i, result.last.map({ last > $0.upperBound }) ?? true { result.append(i...last) }
    }
    return result
  }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    let (left, right) = (150.0, width - 150)
    let (low, high) = (1.0, max(Double(entries.count), 2))
    func place(_ rank: Double) -> Double { left + (rank - low) / (high - low) * (right - left) }
    let axis = top + 40
    target.drawing.line(left, axis, right, axis, stroke: Palette.faint, class: "axis")
    let step = max(1, entries.count / 9)
    for rank in stride(from: 1, through: entries.count, by: step) {
      target.drawing.line(
        place(Double(rank)), axis - 4, place(Double(rank)), axis, stroke: Palette.faint, class: "axis")
      target.drawing.text(String(rank), place(Double(rank)), axis - 8, anchor: .middle)
    }
    let difference = min(criticalDifference, high - low)
    target.drawing.seriesLine(left, top + 10, place(low + difference), top + 10, 0, width: 3)
    target.drawing.text(
      "critical difference \(formattedNumber(criticalDifference, digits: 3))", place(low + difference) + 6, top + 14)
    for (i, group) in groups.enumerated() {
      let y = axis + 8 + Double(i) * 8
      target.drawing.seriesLine(
        place(entries[group.lowerBound].rank) - 3, y, place(entries[group.upperBound].rank) + 3, y, 0, width: 3)
    }
    let half = (entries.count + 1) / 2
    let base = axis + 20 + Double(groups.count) * 8
    for (i, entry) in entries.enumerated() {
      let isLeft = i < half
      let row = isLeft ? i : entries.count - 1 - i
      let y = base + Double(row) * 18
      let x = place(entry.rank)
      target.drawing.line(x, axis, x, y, stroke: Palette.grid, class: "grid")
      target.drawing.line(x, y, isLeft ? left - 6 : right + 6, y, stroke: Palette.grid, class: "grid")
      let text = "\(entry.name)  \(formattedNumber(entry.rank, digits: 3))"
      target.drawing.text(text, isLeft ? left - 10 : right + 10, y + 4, anchor: isLeft ? .end : .start)
    }
  }
}
