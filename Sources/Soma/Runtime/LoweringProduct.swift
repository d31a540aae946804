import Kernels

/// How a product reads one operand as a batch of matrices: in place if some order of strides allows, else from a copy.
final class MatrixView: @unchecked Sendable {
  let isTransposed: Bool
  let leadingDimension: Int
  /// Where each matrix of the batch begins, in elements.
  let offsets: UnsafeMutablePointer<Int>
  let batches: Int
  let copy: StridedCopy?
  let copiedBytes: Int
  private let size: Int

  init(_ type: TensorType, batch: [Int], rows: [Int], columns: [Int]) {
    let shape = type.shape
    let strides = shape.strides
    size = type.dtype.size
    func merged(_ axes: [Int]) -> (count: Int, stride: Int)? {
      var result = (count: 1, stride: 0)
      for axis in axes where shape[axis] != 1 {
        if result.count == 1 {
          result = (shape[axis], strides[axis])
        } else if result.stride == strides[axis] * shape[axis] {
          result = (result.count * shape[axis], strides[axis])
        } else {
          return nil
        }
      }
      return result
    }
    var batchOffsets = [0]
    for axis in batch {
      batchOffsets = batchOffsets.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
    }
    if let r = merged(rows), let c = merged(columns) {
      if (c.stride == 1 || c.count == 1) && (r.count == 1 || r.stride >= c.count) {
        (isTransposed, leadingDimension) = (false, Swift.max(r.count == 1 ? c.count : r.stride, 1))
        copy = nil
      } else if (r.stride == 1 || r.count == 1) && (c.count == 1 || c.stride >= r.count) {
        (isTransposed, leadingDimension) = (true, Swift.max(c.count == 1 ? r.count : c.stride, 1))
        copy = nil
      } else {
        (isTransposed, leadingDimension) = (false, Swift.max(c.count, 1))
        copy = MatrixView.copying(type, batch + rows + columns)
      }
    } else {
      isTransposed = false
      leadingDimension = Swift.max(columns.reduce(1) { $0 * shape[$1] }, 1)
      copy = MatrixView.copying(type, batch + rows + columns)
    }
    if copy != nil {
      let block = (rows + columns).reduce(1) { $0 * shape[$1] }
      batchOffsets = batchOffsets.indices.map { $0 * block }
    }
    copiedBytes = copy == nil ? 0 : (type.byteCount + 63) & ~63
    batches = batchOffsets.count
    offsets = .allocate(capacity: Swift.max(1, batches))
    for (i, offset) in batchOffsets.enumerated() { offsets[i] = offset }
  }

  deinit { offsets.deallocate() }

  private static func copying(_ type: TensorType, _ order: [Int]) -> StridedCopy {
    let output = Shape(order.map { type.shape[$0] })
    let strides = type.shape.strides
    return StridedCopy(
      size: type.dtype.size, dimensions: output.dimensions, outStrides: output.strides,
      inStrides: order.map { strides[$0] })
  }

  /// Where part of a matrix begins: `row` rows and `column` columns in.
  @inline(__always)
  func address(_ base: UnsafeRawPointer, _ batch: Int, row: Int = 0, column: Int = 0) -> UnsafeRawPointer {
    let offset = isTransposed ? column * leadingDimension + row : row * leadingDimension + column
    return base + (offsets[batch] + offset) * size
  }
}

/// Multiply-adds below which a product is not worth a second thread.
let productGrain = 400_000

/// A product as a batch of matrices: [batches, m, k] · [batches, k, n] → [batches, m, n].
struct Product: Sendable {
  let batches, m, n, k: Int
  let left, right: MatrixView
  let dtype: DType

  init(_ dot: Dot, _ leftType: TensorType, _ rightType: TensorType) {
    let leftFree = dot.leftFree(rank: leftType.shape.rank)
    let rightFree = dot.rightFree(rank: rightType.shape.rank)
    m = leftFree.reduce(1) { $0 * leftType.shape[$1] }
    n = rightFree.reduce(1) { $0 * rightType.shape[$1] }
    k = dot.leftContracted.reduce(1) { $0 * leftType.shape[$1] }
    left = MatrixView(leftType, batch: dot.leftBatch, rows: leftFree, columns: dot.leftContracted)
    right = MatrixView(rightType, batch: dot.rightBatch, rows: dot.rightContracted, columns: rightFree)
    batches = left.batches
    dtype = leftType.dtype
  }

  /// Rows of the results of all batches.
  var rowCount: Int { batches * m }
  var work: Int { m * n * k }
  /// Bytes for copies of operands that no order of strides describes.
  var scratch: Int { left.copiedBytes + right.copiedBytes }
  /// How a product is divided among threads.
  enum Division {
    case batches, rows, columns
    /// Parts of the contraction, each with a sum of its own: their number does not depend on that of the threads.
    case depth(parts: Int)
  }

  var division: Division {
    if batches > 1 { return .batches }
    // Gradients of weights: the operands are long, and each thread has them in its cache where it made them.
    if k >= 1024, k >= 4 * Swift.max(m, n), m * n > 64 { return .depth(parts: Swift.max(2, Swift.min(8, k / 2048))) }
    return m >= 256 || (m >= n && n < 96) ? .rows : .columns
  }

  /// Copies the operands that need it to `scratch`.
  func prepare(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, scratch: UnsafeMutableRawPointer) {
    left.copy?.run(scratch, a)
    right.copy?.run(scratch + left.copiedBytes, b)
  }

  /// Where the product reads its operands, which lie at `a` and `b` or were copied to `scratch`.
  @inline(__always)
  func operands(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, scratch: @autoclosure () -> UnsafeMutableRawPointer)
    -> (left: UnsafeRawPointer, right: UnsafeRawPointer)
  {
    (
      left.copy == nil ? a : UnsafeRawPointer(scratch()),
      right.copy == nil ? b : UnsafeRawPointer(scratch() + left.copiedBytes)
    )
  }

  /// Rows `rows` of the columns `columns` of one batch, summed over `depth`, written to `out`, whose rows are n apart.
  @inline(__always)
  func run(
    _ operands: (left: UnsafeRawPointer, right: UnsafeRawPointer), batch: Int, rows: Range<Int>, columns: Range<Int>,
    depth: Range<Int>, to out: UnsafeMutableRawPointer
  ) {
    _ = soma_gemm(
      dtype.code, left.isTransposed ? 1 : 0, right.isTransposed ? 1 : 0, rows.count, columns.count, depth.count, 1,
      left.address(operands.left, batch, row: rows.lowerBound, column: depth.lowerBound), left.leadingDimension,
      right.address(operands.right, batch, row: depth.lowerBound, column: columns.lowerBound), right.leadingDimension,
      0, out, n)
  }

  /// Rows `rows` of the results of all batches, one after the other.
  @inline(__always)
  func run(
    _ operands: (left: UnsafeRawPointer, right: UnsafeRawPointer), rows: Range<Int>, to out: UnsafeMutableRawPointer
  ) {
    var first = rows.lowerBound
    while first < rows.upperBound {
      let batch = first / m
      let last = Swift.min(rows.upperBound, (batch + 1) * m)
      run(
        operands, batch: batch, rows: (first - batch * m)..<(last - batch * m), columns: 0..<n, depth: 0..<k,
        to: out + (first - rows.lowerBound) * n * dtype.size)
      first = last
    }
  }
}

func lowerDot(_ dot: Dot, _ leftType: TensorType, _ rightType: TensorType) -> Kernel {
  let product = Product(dot, leftType, rightType)
  let ordinary = lowerOrdinaryDot(product, leftType)
  guard product.rowCount * product.n > 0, let fastScratch = product.fastScratch else { return ordinary }
  // Both ways find copies of operands at the beginning of the scratch memory.
  let copies = (product.scratch + 63) & ~63
  return Kernel(scratch: Swift.max(ordinary.scratch, copies + fastScratch)) { p in
    if product.scratch > 0 { product.prepare(p[1], p[2], scratch: p[3]) }
    if product.runFast(product.operands(p[1], p[2], scratch: p[3]), to: p[0], scratch: p[3] + copies) { return }
    ordinary.run(p)
  }
}

private func lowerOrdinaryDot(_ product: Product, _ leftType: TensorType) -> Kernel {
  let (m, n, k, size) = (product.m, product.n, product.k, leftType.dtype.size)
  guard product.rowCount * n > 0 else { return Kernel { _ in } }
  func grain(_ work: Int) -> Int { Swift.max(1, productGrain / Swift.max(1, work)) }
  let loop: ParallelLoop
  switch product.division {
  case .batches:
    loop = ParallelLoop(product.batches, grain: grain(product.work)) { p, _, part in
      product.run(
        product.operands(p[1], p[2], scratch: p[3]), rows: (part.lowerBound * m)..<(part.upperBound * m),
        to: p[0] + part.lowerBound * m * n * size)
    }
  case .rows:
    loop = ParallelLoop(m, grain: grain(n * k), alignment: 16) { p, _, part in
      product.run(
        product.operands(p[1], p[2], scratch: p[3]), rows: part, to: p[0] + part.lowerBound * n * size)
    }
  case .columns:
    loop = ParallelLoop(n, grain: grain(m * k), alignment: 16) { p, _, part in
      product.run(
        product.operands(p[1], p[2], scratch: p[3]), batch: 0, rows: 0..<m, columns: part, depth: 0..<k,
        to: p[0] + part.lowerBound * size)
    }
  case .depth(let parts): return lowerDeepProduct(product, leftType.dtype, parts: parts)
  }
  return Kernel(scratch: product.scratch) { p in
    if product.scratch > 0 { product.prepare(p[1], p[2], scratch: p[3]) }
    loop.run(p)
  }
}

/// A product as the sum of products of parts of the contraction.
private func lowerDeepProduct(_ product: Product, _ dtype: DType, parts: Int) -> Kernel {
  let (m, n, k) = (product.m, product.n, product.k)
  let copies = (product.scratch + 63) & ~63
  let sumBytes = m * n * dtype.size
  let code = dtype.code
  let sums = ParallelLoop(parts, grain: Swift.max(1, productGrain / Swift.max(1, m * n * (k / parts)))) { p, _, part in
    for i in part {
      product.run(
        product.operands(p[1], p[2], scratch: p[3]), batch: 0, rows: 0..<m, columns: 0..<n,
        depth: (k * i / parts)..<(k * (i + 1) / parts), to: p[3] + copies + i * sumBytes)
    }
  }
  let total = ParallelLoop(m * n, grain: parallelGrain, alignment: 64) { p, _, part in
    soma_reduce_columns(SOMA_REDUCE_SUM, code, p[0], p[3] + copies, 1, parts, m * n, part.lowerBound, part.upperBound)
  }
  return Kernel(scratch: copies + parts * sumBytes) { p in
    if product.scratch > 0 { product.prepare(p[1], p[2], scratch: p[3]) }
    sums.run(p)
    total.run(p)
  }
}
