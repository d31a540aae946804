import Foundation
import Soma

/// Picks samples so that classes get rarer and rarer: class `c` of `n` keeps its first `⌊largest · ratio^{c/(n-1)}⌋` samples, as the
/// long-tailed versions of image sets are made (Cui et al. 2019, arXiv 1901.05555).
public struct LongTail: Sendable, Hashable {
  /// The smallest over the largest class.
  public var ratio: Double
  public var largest: Int

  public init(ratio: Double, largest: Int) {
    require(ratio > 0 && ratio <= 1 && largest > 0, "a long tail of ratio \(ratio) from \(largest) samples")
    self.ratio = ratio
    self.largest = largest
  }

  /// How many samples class `c` of `count` keeps.
  public func count(ofClass c: Int, of count: Int) -> Int {
    Int(Double(largest) * pow(ratio, count > 1 ? Double(c) / Double(count - 1) : 0) + 1e-9)
  }

  /// The kept samples, in their own order.
  public func indices(_ data: LabeledData) -> [Int] {
    var kept = [Int](repeating: 0, count: data.classNames.count)
    return (data.labels ?? []).enumerated().filter { _, label in
      kept[Int(label)] += 1
      return kept[Int(label)] <= count(ofClass: Int(label), of: kept.count)
    }.map(\.offset)
  }
}
