import Kernels

/// One strided copy, with its lists of lengths and strides in memory that kernels can read without allocating.
final class StridedCopy: @unchecked Sendable {
  private let lists: UnsafeMutablePointer<Int64>
  private let loop: ParallelLoop
  private let outOffset: Int
  private let inOffset: Int
  private let count: Int

  /// - Parameters: lengths and strides in elements of `size` bytes; offsets in elements.
  init(
    size: Int, dimensions: [Int], outStrides: [Int], inStrides: [Int], outOffset: Int = 0, inOffset: Int = 0
  ) {
    // Axes of length 1 vanish; neighbours that run on in both tensors merge.
    var axes: [(n: Int, o: Int, i: Int)] = []
    for (n, (o, i)) in zip(dimensions, zip(outStrides, inStrides)) where n != 1 {
      if let last = axes.last, last.o == o * n, last.i == i * n {
        axes[axes.count - 1] = (last.n * n, o, i)
      } else {
        axes.append((n, o, i))
      }
    }
    if axes.isEmpty { axes = [(1, 1, 1)] }
    let rank = axes.count
    self.outOffset = outOffset * size
    self.inOffset = inOffset * size
    count = dimensions.reduce(1, *)
    lists = .allocate(capacity: 3 * rank)
    for (k, axis) in axes.enumerated() {
      lists[k] = Int64(axis.n)
      lists[rank + k] = Int64(axis.o)
      lists[2 * rank + k] = Int64(axis.i)
    }
    let first = axes[0].n
    // The lists live as long as the copy, and with it the loop.
    nonisolated(unsafe) let memory = lists
    loop = ParallelLoop(first, grain: Swift.max(1, 2 * parallelGrain / Swift.max(1, count / Swift.max(1, first)))) {
      pointers, _, part in StridedCopy.copy(size, rank, memory, pointers, part)
    }
  }

  deinit { lists.deallocate() }

  func run(_ out: UnsafeMutableRawPointer, _ input: UnsafeRawPointer) {
    guard count > 0 else { return }
    withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: 2) { pointers in
      pointers[0] = out + outOffset
      pointers[1] = UnsafeMutableRawPointer(mutating: input) + inOffset
      loop.run(UnsafePointer(pointers.baseAddress!))
    }
  }

  /// Copies a part of the outermost axis.
  private static func copy(
    _ size: Int, _ rank: Int, _ lists: UnsafeMutablePointer<Int64>, _ pointers: Kernel.Pointers, _ part: Range<Int>
  ) {
    let (outStride, inStride) = (Int(lists[rank]) * size, Int(lists[2 * rank]) * size)
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: rank) { dimensions in
      dimensions.baseAddress!.update(from: lists, count: rank)
      dimensions[0] = Int64(part.count)
      soma_copy_strided(
        size, pointers[0] + part.lowerBound * outStride, lists + rank, pointers[1] + part.lowerBound * inStride,
        lists + 2 * rank, dimensions.baseAddress!, Int32(rank))
    }
  }
}

extension StridedCopy {
  /// The copy that a structural primitive with one operand amounts to; nil for the others.
  convenience init?(_ primitive: Primitive, _ input: TensorType, _ output: TensorType) {
    let (x, y) = (input.shape, output.shape)
    let (xs, ys) = (x.strides, y.strides)
    let size = input.dtype.size
    switch primitive {
    case .transpose(let permutation):
      self.init(size: size, dimensions: y.dimensions, outStrides: ys, inStrides: permutation.map { xs[$0] })
    case .broadcast(_, let axes):
      var strides = y.map { _ in 0 }
      for (i, axis) in axes.enumerated() { strides[axis] = xs[i] }
      self.init(size: size, dimensions: y.dimensions, outStrides: ys, inStrides: strides)
    case .slice(let starts, _, let steps):
      self.init(
        size: size, dimensions: y.dimensions, outStrides: ys, inStrides: zip(xs, steps).map(*),
        inOffset: zip(xs, starts).map(*).reduce(0, +))
    case .reverse(let axes):
      let strides = xs.indices.map { axes.contains($0) ? -xs[$0] : xs[$0] }
      let offset = axes.reduce(0) { $0 + Swift.max(0, x[$1] - 1) * xs[$1] }
      self.init(size: size, dimensions: y.dimensions, outStrides: ys, inStrides: strides, inOffset: offset)
    case .pad(let low, _, let interior):
      self.init(
        size: size, dimensions: x.dimensions, outStrides: zip(ys, interior).map { $0 * ($1 + 1) }, inStrides: xs,
        outOffset: zip(ys, low).map(*).reduce(0, +))
    case .constant, .iota, .randomBits, .unary, .polygamma, .binary, .compare, .select, .cast, .stopGradient, .dot,
      .convolution, .splineSum, .reduce, .argReduce, .cumulative, .windowReduce, .windowArgMax, .reshape, .concatenate,
      .gather,
      .scatterAdd, .argSort, .argTopK, .fourier, .realFourier, .inverseRealFourier, .cholesky, .triangularSolve,
      .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant, .scan, .custom, .checkpoint:
      return nil
    }
  }
}

func lowerCopy(_ primitive: Primitive, _ inputs: [TensorType], _ output: TensorType) -> Kernel {
  if case .concatenate(let axis) = primitive {
    var offset = 0
    let ys = output.shape.strides
    let copies = inputs.map { input in
      defer { offset += input.shape[axis] * ys[axis] }
      return StridedCopy(
        size: output.dtype.size, dimensions: input.shape.dimensions, outStrides: ys, inStrides: input.shape.strides,
        outOffset: offset)
    }
    return Kernel { p in
      for i in 0..<copies.count { copies[i].run(p[0], p[1 + i]) }
    }
  }
  guard let copy = StridedCopy(primitive, inputs[0], output) else {
    fatalError("\(primitive.name) is no copy")
  }
  if case .pad = primitive {
    let bytes = output.byteCount
    return Kernel { p in
      p[0].initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      copy.run(p[0], p[1])
    }
  }
  return Kernel { p in copy.run(p[0], p[1]) }
}
