import Kernels

/// Elements of one partial sum when a long axis is reduced by several threads; fixed, so that bits do not depend on them.
private let reductionBlock = 65_536

/// One reduction of a run of neighbouring axes: [outer, n, inner] → [outer, inner].
private struct ReductionRun: Sendable {
  let outer, n, inner: Int

  var outputCount: Int { outer * inner }
  /// Partial results a long reduction to one element keeps.
  var partials: Int { outer * inner == 1 && n > 2 * reductionBlock ? (n + reductionBlock - 1) / reductionBlock : 0 }

  /// The loop over (result, operand, partial results).
  func loop(_ op: soma_reduction, _ dtype: DType) -> ParallelLoop {
    let size = dtype.size
    let (outer, n, inner) = (self.outer, self.n, self.inner)
    if partials > 0 {
      return ParallelLoop(partials, grain: 1) { p, _, part in
        for i in part {
          let first = i * reductionBlock
          let length = Swift.min(reductionBlock, n - first)
          soma_reduce(op, dtype.code, p[2] + i * size, p[1] + first * size, 1, length, 1)
        }
      }
    }
    if outer > 1 || inner == 1 {
      let row = n * inner
      return ParallelLoop(outer, grain: Swift.max(1, parallelGrain / Swift.max(1, row))) { p, _, part in
        let (out, input) = (p[0] + part.lowerBound * inner * size, p[1] + part.lowerBound * row * size)
        soma_reduce(op, dtype.code, out, input, part.count, n, inner)
      }
    }
    return ParallelLoop(inner, grain: Swift.max(64, parallelGrain / Swift.max(1, n)), alignment: 64) { p, _, part in
      soma_reduce_columns(op, dtype.code, p[0], p[1], outer, n, inner, part.lowerBound, part.upperBound)
    }
  }
}

func lowerReduce(_ reduction: Reduction, _ axes: [Int], _ input: TensorType) -> Kernel {
  // Runs of neighbouring axes, reduced from the last to the first so that memory is read in order.
  var runs: [ReductionRun] = []
  var shape = input.shape.dimensions
  var remaining = axes.sorted()
  while let last = remaining.popLast() {
    var first = last
    while let next = remaining.last, next == first - 1 {
      first = next
      remaining.removeLast()
    }
    runs.append(
      ReductionRun(
        outer: shape[..<first].reduce(1, *), n: shape[first...last].reduce(1, *),
        inner: shape[(last + 1)...].reduce(1, *)))
    shape.removeSubrange(first...last)
  }
  let size = input.dtype.size
  let dtype = input.dtype
  let op = reduction.code
  let steps = runs
  func rounded(_ bytes: Int) -> Int { (bytes + 63) & ~63 }
  let partialBytes = rounded((steps.map(\.partials).max() ?? 0) * size)
  let between = rounded((steps.dropLast().map(\.outputCount).max() ?? 0) * size)
  let loops = steps.map { $0.loop(op, dtype) }
  let scratch = partialBytes + (steps.count > 1 ? 2 * between : 0)
  return Kernel(scratch: scratch) { p in
    withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: 3) { pointers in
      pointers[1] = p[1]
      pointers[2] = scratch > 0 ? p[2] : p[1]
      for i in 0..<steps.count {
        pointers[0] = i == steps.count - 1 ? p[0] : p[2] + partialBytes + (i & 1) * between
        loops[i].run(UnsafePointer(pointers.baseAddress!))
        if steps[i].partials > 0 { soma_reduce(op, dtype.code, pointers[0], p[2], 1, steps[i].partials, 1) }
        pointers[1] = pointers[0]
      }
    }
  }
}
