import Soma

/// Attention and what stands beside it.
extension ONNXCall {
  func attention() throws -> [ONNXValue]? {
    switch name {
    case "Attention": return try scaledAttention()
    case "RotaryEmbedding": return try rotary()
    case "LinearAttention": return try linearAttention()
    default: return nil
    }
  }

  /// [n, t, heads · d] → [n, heads, t, d]; four axes stay.
  private func heads(_ x: Tensor, _ count: Int?, _ what: String) throws -> Tensor {
    if x.rank == 4 { return x }
    guard x.rank == 3, let count, count > 0, x.shape[2] % count == 0 else {
      throw ONNXError(.invalid, "\(what) of shape \(x.shape) does not divide into heads")
    }
    return x.reshape(Shape([x.shape[0], x.shape[1], count, x.shape[2] / count])).transposed([0, 2, 1, 3])
  }

  private func scaledAttention() throws -> [ONNXValue] {
    let (q, k, v) = (try floating(0), try floating(1), try floating(2))
    let dtype = q.tensor.dtype
    try check(k.tensor.dtype == dtype && v.tensor.dtype == dtype, "queries, keys and values of different types")
    let queries = try heads(q.tensor, int("q_num_heads"), "queries")
    var keys = try heads(k.tensor, int("kv_num_heads"), "keys")
    var values = try heads(v.tensor, int("kv_num_heads"), "values")
    let (n, h, t, d) = (queries.shape[0], queries.shape[1], queries.shape[2], queries.shape[3])
    try check(
      keys.shape[0] == n && values.shape[0] == n && keys.shape[1] == values.shape[1] && keys.shape[2] == values.shape[2]
        && keys.shape[3] == d && keys.shape[1] > 0 && h % keys.shape[1] == 0 && queries.count > 0,
      "queries \(queries.shape), keys \(keys.shape), values \(values.shape)")
    var past = 0
    if let pastKeys = optional(4)?.tensor {
      guard let pastValues = optional(5)?.tensor else { throw ONNXError(.invalid, "past keys without past values") }
      try check(
        pastKeys.rank == 4 && pastValues.rank == 4
          && pastKeys.shape.replacing(axis: 2, with: keys.shape[2]) == keys.shape
          && pastValues.shape.replacing(axis: 2, with: keys.shape[2]) == values.shape
          && pastKeys.shape[2] == pastValues.shape[2] && pastKeys.dtype == dtype && pastValues.dtype == dtype,
        "past keys of shape \(pastKeys.shape), past values of \(pastValues.shape)")
      past = pastKeys.shape[2]
      keys = .concatenate([pastKeys, keys], axis: 2)
      values = .concatenate([pastValues, values], axis: 2)
    }
    let total = keys.shape[2]
    try check(total > 0, "no keys")
    let (presentKeys, presentValues) = (keys, values)
    let groups = h / keys.shape[1]
    if groups > 1 {
      keys = keys.repeated(groups, axis: 1)
      values = values.repeated(groups, axis: 1)
    }
    let scale = try float("scale").flatMap { $0 == 0 ? nil : $0 } ?? 1 / Double(d).squareRoot()
    let root = scale.squareRoot()
    _ = try checkedShape([n, h, t, total])
    let wide = DType.promote(dtype, .float32)
    let working = dtype == .bfloat16 ? .float32 : wide
    let raw = (queries.cast(to: working) * root).matmul((keys.cast(to: working) * root).T)
    var scores = raw
    if let cap = try float("softcap"), cap != 0 { scores = (scores / cap).tanh() * cap }
    let capped = scores

    var allowed: Tensor?
    func allow(_ mask: Tensor) { allowed = allowed.map { $0 .& mask } ?? mask }
    let offset: Tensor
    let columns = Tensor.iota([1, 1, 1, total], axis: 3, dtype: .int64)
    if let filled = optional(6)?.tensor {
      try check(filled.shape == [n] && !filled.dtype.isFloating, "lengths of shape \(filled.shape)")
      let lengths = filled.cast(to: .int64).reshape([n, 1, 1, 1])
      allow(columns .< lengths)
      offset = past == 0 ? lengths - t : Tensor(past, dtype: .int64)
    } else {
      offset = Tensor(past, dtype: .int64)
    }
    let rows = Tensor.iota([1, 1, t, 1], axis: 2, dtype: .int64) + offset
    if try flag("is_causal") { allow(columns .<= rows) }
    let (left, right) = (try int("left_window_size", -1), try int("right_window_size", -1))
    if left >= 0 { allow(columns .>= rows - Swift.min(left, 1 << 40)) }
    if right >= 0 { allow(columns .<= rows + Swift.min(right, 1 << 40)) }
    if var mask = optional(3)?.tensor {
      if mask.rank > 0, mask.shape.last < total, mask.shape.last != 1 || total == 1 || optional(6) != nil {
        var high = mask.shape.map { _ in 0 }
        high[mask.rank - 1] = total - mask.shape.last
        let low = high.map { _ in 0 }
        mask =
          mask.dtype == .bool
          ? mask.cast(to: .uint8).padded(low: low, high: high).cast(to: .bool)
          : mask.padded(low: low, high: high, value: -.infinity)
      }
      try checkBroadcasts(mask, to: [n, h, t, total], "the mask")
      if mask.dtype == .bool { allow(mask) } else { scores = scores + mask.cast(to: working) }
    }
    if let allowed { scores = .select(allowed, scores, -Double.infinity) }
    // A query that may look nowhere gives zeros, not NaN.
    let largest = scores.max([3], keepsAxes: true)
    let isOpen = largest .> -Double.infinity
    let shifted = Tensor.select(isOpen, scores - largest, -Double.infinity)
    let powers = shifted.exp()
    let sums = powers.sum([3], keepsAxes: true)
    let weights = powers / Tensor.select(isOpen, sums, 1.0)
    // Where the whole row is closed, every share is zero.
    var y = weights.matmul(values.cast(to: working)).cast(to: dtype)
    if q.shape.rank == 3 { y = y.transposed([0, 2, 1, 3]).reshape(Shape([n, t, h * values.shape[3]])) }
    let debug: Tensor
    switch try int("qk_matmul_output_mode", 0) {
    case 0: debug = raw
    case 1: debug = capped
    case 2: debug = scores
    case 3: debug = weights
    default: throw ONNXError(.invalid, "qk_matmul_output_mode is none of 0, 1, 2 and 3")
    }
    return [
      ONNXValue(q.element.normalized(y), q.element), ONNXValue(presentKeys, k.element),
      ONNXValue(presentValues, v.element),
      ONNXValue(q.element.normalized(debug.cast(to: dtype)), q.element),
    ]
  }

  /// Su et al. 2021, arXiv 2104.09864.
  private func rotary() throws -> [ONNXValue] {
    let x = try floating(0)
    let isFlat = x.shape.rank == 3
    let y =
      isFlat
      ? try heads(x.tensor, int("num_heads"), "the operand") : x.tensor
    try check(y.rank == 4, "an operand of shape \(x.shape)")
    let width = y.shape[3]
    let named = try int("rotary_embedding_dim", 0)
    let rotated = named == 0 ? width : named
    try check(rotated > 0 && rotated <= width && rotated % 2 == 0, "\(rotated) of \(width) channels turn")
    func angles(_ i: Int) throws -> Tensor {
      var cache = try floating(i).tensor
      if let positions = optional(3) {
        try check(cache.rank == 2, "a cache of shape \(cache.shape)")
        cache = cache.take(try places(positions, below: cache.shape[0]))
      }
      try check(
        cache.shape == [y.shape[0], y.shape[2], rotated / 2], "angles of shape \(cache.shape) for \(rotated) channels")
      return cache.expandDimensions(at: 1).cast(to: y.dtype)
    }
    let (cosines, sines) = (try angles(1), try angles(2))
    let parts = y.split(sizes: [rotated, width - rotated], axis: 3)
    let isInterleaved = try flag("interleaved")
    let halves: [Tensor]
    if isInterleaved {
      let pairs = parts[0].reshape(Shape(Array(y.shape[..<3]) + [rotated / 2, 2]))
      halves = pairs.split(2, axis: 4).map { $0.squeezed([4]) }
    } else {
      halves = parts[0].split(2, axis: 3)
    }
    let first = cosines * halves[0] - sines * halves[1]
    let second = sines * halves[0] + cosines * halves[1]
    let turned =
      isInterleaved
      ? Tensor.stack([first, second], axis: 4).reshape(parts[0].shape) : .concatenate([first, second], axis: 3)
    var z = rotated == width ? turned : .concatenate([turned, parts[1]], axis: 3)
    if isFlat { z = z.transposed([0, 2, 1, 3]).reshape(x.shape) }
    return result(z, x.element)
  }

  /// Recurrences over a matrix-valued state (Yang et al. 2024, arXiv 2412.06464).
  private func linearAttention() throws -> [ONNXValue] {
    let (q, k, v) = (try floating(0), try floating(1), try floating(2))
    guard let h = try int("q_num_heads"), let kv = try int("kv_num_heads"), h > 0, kv > 0, h % kv == 0 else {
      throw ONNXError(.invalid, "the numbers of heads")
    }
    func packed(_ x: ONNXValue, _ count: Int, _ what: String) throws -> Tensor {
      try check(x.shape.rank == 3, "\(what) of shape \(x.shape)")
      return try heads(x.tensor.cast(to: x.tensor.dtype == .float64 ? .float64 : .float32), count, what)
    }
    let (queries, keys, values) = (try packed(q, h, "queries"), try packed(k, kv, "keys"), try packed(v, kv, "values"))
    let (n, t, d, e) = (queries.shape[0], queries.shape[2], queries.shape[3], values.shape[3])
    try check(
      keys.shape == [n, kv, t, d] && values.shape == [n, kv, t, e] && t > 0,
      "queries \(queries.shape), keys \(keys.shape), values \(values.shape)")
    let rule = try string("update_rule", "gated_delta")
    try check(["linear", "gated", "delta", "gated_delta"].contains(rule), "update_rule is unknown")
    let named = try float("scale", 0)
    let scale = named == 0 ? 1 / Double(d).squareRoot() : named
    let state = optional(3)?.tensor.cast(to: queries.dtype) ?? .zeros([n, kv, d, e], dtype: queries.dtype)
    try check(state.shape == [n, kv, d, e], "a state of shape \(state.shape)")
    var sequences = [queries, keys, values].map { $0.movingAxis(2, to: 0) }
    let isGated = rule.hasPrefix("gated")
    let isDelta = rule.hasSuffix("delta")
    if isGated {
      let decay = try packed(try input(4), kv, "decay")
      try check(decay.shape == [n, kv, t, d] || decay.shape == [n, kv, t, 1], "a decay of shape \(decay.shape)")
      sequences.append(decay.exp().broadcast(to: [n, kv, t, d]).movingAxis(2, to: 0))
    }
    if isDelta {
      let rate = try input(5).tensor.cast(to: queries.dtype)
      try check(rate.shape == [n, t, kv] || rate.shape == [n, t, 1], "a rate of shape \(rate.shape)")
      let spread = rate.broadcast(to: [n, t, kv]).transposed([1, 0, 2]).expandDimensions(at: 3)
      sequences.append(spread)
    }
    let (last, results) = scan([state], sequences, length: t) { carries, slices in
      var s = carries[0]
      let key = slices[1].expandDimensions(at: 3)
      if isGated { s = s * slices[3].expandDimensions(at: 3) }
      var value = slices[2]
      if isDelta {
        let recalled = (s * key).sum([2])
        value = (value - recalled) * slices[isGated ? 4 : 3]
      }
      s = s + key * value.expandDimensions(at: 2)
      let shared = h == kv ? s : s.repeated(h / kv, axis: 1)
      let y = (shared * slices[0].expandDimensions(at: 3)).sum([2]) * scale
      return ([s], [y])
    }
    let y = results[0].transposed([1, 0, 2, 3]).reshape(Shape([n, t, h * e])).cast(to: q.tensor.dtype)
    let element = optional(3)?.element ?? q.element
    return [
      ONNXValue(q.element.normalized(y), q.element),
      ONNXValue(element.normalized(last[0].cast(to: element.storage)), element),
    ]
  }
}
