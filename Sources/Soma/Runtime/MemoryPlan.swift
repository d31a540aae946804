/// Where each intermediate value of an executable lives in one block of memory: values whose lifetimes do not overlap
/// share places.
struct MemoryPlan: Sendable {
  struct Block {
    let bytes: Int
    /// First and last step that touches the block.
    var lifetime: ClosedRange<Int>
  }

  private(set) var offsets: [Int]
  private(set) var byteCount = 0

  /// Places the largest blocks first, each at the lowest address that is free throughout its life.
  init(_ blocks: [Block]) {
    offsets = [Int](repeating: 0, count: blocks.count)
    let order = blocks.indices.sorted {
      (blocks[$0].bytes, blocks[$1].lifetime.lowerBound) > (blocks[$1].bytes, blocks[$0].lifetime.lowerBound)
    }
    var placed: [(start: Int, end: Int, lifetime: ClosedRange<Int>)] = []
    for index in order where blocks[index].bytes > 0 {
      let bytes = (blocks[index].bytes + 63) & ~63
      let lifetime = blocks[index].lifetime
      var start = 0
      // `placed` is sorted by start, so the first gap that fits is the lowest.
      for other in placed where other.lifetime.overlaps(lifetime) {
        if other.start >= start + bytes { break }
        start = Swift.max(start, other.end)
      }
      offsets[index] = start
      byteCount = Swift.max(byteCount, start + bytes)
      let position = placed.partitioningIndex { $0.start > start }
      placed.insert((start, start + bytes, lifetime), at: position)
    }
  }
}

extension Array {
  /// The first index at which a predicate that is false, then true along the array becomes true.
  func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
