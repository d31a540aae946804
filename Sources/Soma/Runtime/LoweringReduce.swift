import Kernels

/// Elements of one partial sum when a long axis is reduced by several threads; fixed, so that bits do not depend on them.
private let reductionBlock = 65_536

/// One reduction of a run of neighbouring axes: [outer, n, inner] → [outer, inner].
private struct ReductionRun: Sendable {
  let outer, n, inner: Int

  var outputCount: Int { outer * inner }
  /// Partial results a long reduction to one element keeps.
  var partials: Int { outer * inner == 1 && n > 2 * reductionBlock ? (n + reductionBlock - 1) / reductionBlock : 0 }

  func run(
    _ op: soma_reduction, _ dtype: DType, _ out: UnsafeMutableRawPointer, _ input: UnsafeRawPointer,
    _ scratch: UnsafeMutableRawPointer
  ) {
    let size = dtype.size
    if partials > 0 {
      Parallel.split(partials, grain: 1) { part in
        for i in part {
          let first = i * reductionBlock
          soma_reduce(
            op, dtype.code, scratch + i * size, input + first * size, 1, Swift.min(reductionBlock, n - first), 1)
        }
      }
      soma_reduce(op, dtype.code, out, scratch, 1, partials, 1)
    } else if outer > 1 || inner == 1 {
      Parallel.split(outer, grain: Swift.max(1, parallelGrain / Swift.max(1, n * inner))) { part in
        soma_reduce(
          op, dtype.code, out + part.lowerBound * inner * size, input + part.lowerBound * n * inner * size, part.count,
          n,
          inner)
      }
    } else {
      Parallel.split(inner, grain: Swift.max(64, parallelGrain / Swift.max(1, n)), alignment: 64) { part in
        soma_reduce_columns(op, dtype.code, out, input, outer, n, inner, part.lowerBound, part.upperBound)
      }
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
  return Kernel(scratch: partialBytes + (steps.count > 1 ? 2 * between : 0)) { p in
    var source = UnsafeRawPointer(p[1])
    for i in 0..<steps.count {
      let target = i == steps.count - 1 ? p[0] : p[2] + partialBytes + (i & 1) * between
      steps[i].run(op, dtype, target, source, p[2])
      source = UnsafeRawPointer(target)
    }
  }
}
