import Soma

/// Operators whose result's shape depends on values: these must be known when the model is loaded.
extension ONNXCall {
  func selection() throws -> [ONNXValue]? {
    switch name {
    case "NonZero":
      let x = try known(0).tensor
      let values = x.doubles
      let strides = x.shape.strides
      let hits = values.indices.filter { values[$0] != 0 }
      // A scalar counts as a vector of one element.
      let rank = Swift.max(x.rank, 1)
      let rows = (0..<rank).flatMap { axis in
        hits.map { x.rank == 0 ? 0 : Int64($0 / strides[axis] % x.shape[axis]) }
      }
      return [ONNXValue(Tensor(rows, shape: [rank, hits.count]))]
    case "Compress":
      let (x, condition) = (try input(0), try known(1))
      try check(condition.element == .bool && condition.shape.rank == 1, "a condition of shape \(condition.shape)")
      let chosen = condition.tensor.bools.enumerated().filter(\.element).map(\.offset)
      guard let named = try int("axis") else {
        try check(chosen.allSatisfy { $0 < x.tensor.count }, "the condition is longer than the operand")
        return [ONNXValue(x.tensor.flattened().take(Tensor(chosen)), x.element)]
      }
      let axis = try axis(named, rank: x.shape.rank)
      try check(chosen.allSatisfy { $0 < x.shape[axis] }, "the condition is longer than axis \(axis)")
      return [ONNXValue(x.tensor.take(Tensor(chosen), axis: axis), x.element)]
    case "Unique": return try unique()
    case "NonMaxSuppression": return try suppressed()
    case "TfIdfVectorizer": return try counts()
    default: return nil
    }
  }

  private func unique() throws -> [ONNXValue] {
    let x = try known(0)
    let isSorted = try flag("sorted", true)
    let named = try int("axis")
    let axis = try named.map { try self.axis($0, rank: x.shape.rank) }
    let moved = axis.map { x.tensor.movingAxis($0, to: 0) } ?? x.tensor.flattened()
    let count = moved.shape[0]
    let width = count == 0 ? 0 : moved.count / count
    let values = moved.doubles
    if x.element.bits == 64, !x.element.isFloating {
      try check(values.allSatisfy { abs($0) < 0x1p53 }, "integers beyond 2^53")
    }
    var firsts = [Int](), inverse = [Int64](), totals = [Int64]()
    var seen = [[Double]: Int]()
    for row in 0..<count {
      let key = Array(values[row * width..<(row + 1) * width])
      if let known = seen[key] {
        inverse.append(Int64(known))
        totals[known] += 1
      } else {
        seen[key] = firsts.count
        inverse.append(Int64(firsts.count))
        firsts.append(row)
        totals.append(1)
      }
    }
    if isSorted {
      func row(_ i: Int) -> ArraySlice<Double> { values[firsts[i] * width..<(firsts[i] + 1) * width] }
      let order = firsts.indices.sorted { row($0).lexicographicallyPrecedes(row($1)) }
      var place = [Int64](repeating: 0, count: order.count)
      for (new, old) in order.enumerated() { place[old] = Int64(new) }
      firsts = order.map { firsts[$0] }
      totals = order.map { totals[$0] }
      inverse = inverse.map { place[Int($0)] }
    }
    let chosen = moved.take(Tensor(firsts))
    return [
      ONNXValue(axis.map { chosen.movingAxis(0, to: $0) } ?? chosen, x.element),
      ONNXValue(Tensor(firsts.map { Int64($0) })), ONNXValue(Tensor(inverse)), ONNXValue(Tensor(totals)),
    ]
  }

  private func suppressed() throws -> [ONNXValue] {
    let (boxes, scores) = (try known(0), try known(1))
    try check(
      boxes.shape.rank == 3 && boxes.shape[2] == 4 && scores.shape.rank == 3 && scores.shape[0] == boxes.shape[0]
        && scores.shape[2] == boxes.shape[1], "boxes of shape \(boxes.shape), scores of \(scores.shape)")
    let limit = has(2) ? try integer(2) : 0
    let overlap = has(3) ? try number(3) : 0
    let threshold = has(4) ? try number(4) : nil
    let isCentered = try flag("center_point_box")
    let (b, s) = (boxes.tensor.floats, scores.tensor.floats)
    let count = boxes.shape[1]
    func corners(_ start: Int) -> (Float, Float, Float, Float) {
      let (p, q, r, t) = (b[start], b[start + 1], b[start + 2], b[start + 3])
      if isCentered { return (q - t / 2, p - r / 2, q + t / 2, p + r / 2) }
      return (min(p, r), min(q, t), max(p, r), max(q, t))
    }
    func share(_ i: Int, _ j: Int) -> Float {
      let (a, c) = (corners(i), corners(j))
      let common = max(0, min(a.2, c.2) - max(a.0, c.0)) * max(0, min(a.3, c.3) - max(a.1, c.1))
      let areas = (a.2 - a.0) * (a.3 - a.1) + (c.2 - c.0) * (c.3 - c.1) - common
      return areas > 0 ? common / areas : 0
    }
    var chosen = [Int64]()
    for batch in 0..<boxes.shape[0] {
      for kind in 0..<scores.shape[1] {
        let first = (batch * scores.shape[1] + kind) * count
        let candidates = (0..<count).filter { threshold == nil || Double(s[first + $0]) > threshold ?? 0 }
          .sorted { s[first + $0] > s[first + $1] || (s[first + $0] == s[first + $1] && $0 < $1) }
        var kept = [Int]()
        for candidate in candidates where kept.count < limit {
          let place = (batch * count + candidate) * 4
          if kept.allSatisfy({ Double(share(place, (batch * count + $0) * 4)) <= overlap }) {
            kept.append(candidate)
            chosen += [Int64(batch), Int64(kind), Int64(candidate)]
          }
        }
      }
    }
    return [ONNXValue(Tensor(chosen, shape: [chosen.count / 3, 3]))]
  }

  /// Counts of runs of whole numbers, possibly with gaps, weighted.
  private func counts() throws -> [ONNXValue] {
    let x = try known(0)
    try check((1...2).contains(x.shape.rank) && x.element.isInteger, "an operand of type \(x.element.name)\(x.shape)")
    guard let pool = try ints("pool_int64s") else { throw ONNXError(.unsupported, "runs of text") }
    guard let starts = try ints("ngram_counts"), let places = try ints("ngram_indexes"),
      let shortest = try int("min_gram_length"), let longest = try int("max_gram_length"),
      let gap = try int("max_skip_count"), let mode = try string("mode")
    else { throw ONNXError(.invalid, "an attribute is missing") }
    let weights = try floats("weights")
    try check(
      shortest > 0 && longest >= shortest && longest <= starts.count && gap >= 0 && gap < 1 << 20, "its lengths")
    try check(
      zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 } && starts.allSatisfy { $0 >= 0 && $0 <= pool.count }
        && places.allSatisfy { $0 >= 0 && $0 < 1 << 24 } && weights.map { $0.count == places.count } ?? true
        && ["TF", "IDF", "TFIDF"].contains(mode), "its tables contradict each other")
    var table = [[Int]: Int]()
    var number = 0
    for (i, start) in starts.enumerated() {
      let end = i + 1 < starts.count ? starts[i + 1] : pool.count
      try check((end - start) % (i + 1) == 0, "the runs of length \(i + 1) are cut off")
      for run in stride(from: start, to: end, by: i + 1) {
        if i + 1 >= shortest && i + 1 <= longest { table[Array(pool[run..<run + i + 1])] = number }
        number += 1
      }
    }
    try check(number == places.count, "\(places.count) places for \(number) runs")
    let width = (places.max() ?? -1) + 1
    let rows = x.shape.rank == 1 ? 1 : x.shape[0]
    let length = x.shape.last
    let values = x.tensor.ints
    _ = try checkedShape([rows, width], limit: 1 << 26)
    var sums = [Float](repeating: 0, count: rows * width)
    for row in 0..<rows {
      let line = Array(values[row * length..<(row + 1) * length])
      for size in shortest...longest {
        // Single numbers have no gaps; counting them once is enough.
        for step in 1...(size == 1 ? 1 : gap + 1) {
          var start = 0
          while start + (size - 1) * step < length {
            let run = (0..<size).map { line[start + $0 * step] }
            if let found = table[run] { sums[row * width + places[found]] += 1 }
            start += 1
          }
        }
      }
    }
    if mode != "TF" {
      var perPlace = [Float](repeating: 1, count: width)
      if let weights { for (place, weight) in zip(places, weights) { perPlace[place] = Float(weight) } }
      for i in sums.indices { sums[i] = (mode == "IDF" ? (sums[i] > 0 ? 1 : 0) : sums[i]) * perPlace[i % width] }
    }
    return [ONNXValue(Tensor(sums, shape: x.shape.rank == 1 ? [width] : [rows, width]))]
  }
}
