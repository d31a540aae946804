import Foundation

/// Groups of samples whose means cannot be told apart: samples in the order of their means are divided where that explains
/// most, as long as chance explains less than that at the level (Scott, Knott 1974). The error's variance is that of the
/// samples being divided, so that erratic samples do not blur the others.
/// - Parameter samples: at least two values each; equally many are assumed
/// - Returns: for each sample, the number of its group, 0 for the one with the largest means.
public func scottKnottGroups(_ samples: [[Double]], level: Double = 0.05) -> [Int] {
  let means = samples.map(\.mean)
  let order = means.indices.sorted { means[$0] > means[$1] }
  var groups = [Int](repeating: 0, count: samples.count)
  var next = 0

  func divide(_ part: ArraySlice<Int>) {
    if part.count > 1, let cut = significantCut(part) {
      divide(part[..<cut])
      divide(part[cut...])
      return
    }
    for i in part { groups[i] = next }
    next += 1
  }

  func significantCut(_ part: ArraySlice<Int>) -> Int? {
    let k = Double(part.count)
    let total = part.reduce(0) { $0 + means[$1] }
    let center = total / k
    var (best, place, sum) = (-Double.infinity, part.startIndex, 0.0)
    for i in part.indices.dropLast() {
      sum += means[part[i]]
      let n = Double(i - part.startIndex + 1)
      let between = sum * sum / n + (total - sum) * (total - sum) / (k - n) - total * total / k
      if between > best { (best, place) = (between, i + 1) }
    }
    // The variance of a mean: of all means about their centre, and of the values about their own means.
    var (within, freedom, size) = (0.0, 0.0, 0.0)
    for i in part {
      within += samples[i].reduce(0) { $0 + ($1 - means[i]) * ($1 - means[i]) }
      freedom += Double(samples[i].count - 1)
      size += Double(samples[i].count)
    }
    let error = freedom > 0 ? within / freedom / (size / k) : 0
    let spread = part.reduce(0) { $0 + (means[$1] - center) * (means[$1] - center) }
    let variance = (spread + freedom * error) / (k + freedom)
    guard variance > 0 else { return nil }
    let statistic = .pi / (2 * (.pi - 2)) * best / variance
    return ChiSquare(degrees: k / (.pi - 2)).probability(above: statistic) < level ? place : nil
  }

  if !samples.isEmpty { divide(order[...]) }
  return groups
}
