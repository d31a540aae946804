import Kernels

/// How a product reads one operand as a batch of matrices: in place if some order of strides allows, else from a copy.
private final class MatrixView: @unchecked Sendable {
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

func lowerDot(_ dot: Dot, _ leftType: TensorType, _ rightType: TensorType) -> Kernel {
  let leftFree = dot.leftFree(rank: leftType.shape.rank)
  let rightFree = dot.rightFree(rank: rightType.shape.rank)
  let m = leftFree.reduce(1) { $0 * leftType.shape[$1] }
  let n = rightFree.reduce(1) { $0 * rightType.shape[$1] }
  let k = dot.leftContracted.reduce(1) { $0 * leftType.shape[$1] }
  // The contracted axes may run in another order on each side: take the order of the side where they are merged.
  let a = MatrixView(leftType, batch: dot.leftBatch, rows: leftFree, columns: dot.leftContracted)
  let b = MatrixView(rightType, batch: dot.rightBatch, rows: dot.rightContracted, columns: rightFree)
  let batches = a.batches
  let size = leftType.dtype.size
  let code = leftType.dtype.code
  let work = m * n * k
  guard batches * m * n > 0 else { return Kernel { _ in } }

  /// The operands as the product reads them.
  @Sendable func left(_ p: Kernel.Pointers) -> UnsafeRawPointer { UnsafeRawPointer(a.copy == nil ? p[1] : p[3]) }
  @Sendable func right(_ p: Kernel.Pointers) -> UnsafeRawPointer {
    UnsafeRawPointer(b.copy == nil ? p[2] : p[3] + a.copiedBytes)
  }
  let flipA: Int32 = a.isTransposed ? 1 : 0
  let flipB: Int32 = b.isTransposed ? 1 : 0
  let product: ParallelLoop
  if batches > 1 {
    product = ParallelLoop(batches, grain: Swift.max(1, productGrain / Swift.max(1, work))) { p, _, part in
      for i in part {
        _ = soma_gemm(
          code, flipA, flipB, m, n, k, 1, a.address(left(p), i), a.leadingDimension, b.address(right(p), i),
          b.leadingDimension, 0, p[0] + i * m * n * size, n)
      }
    }
  } else if m >= n || m >= 256 {
    product = ParallelLoop(m, grain: Swift.max(1, productGrain / Swift.max(1, n * k)), alignment: 16) { p, _, part in
      _ = soma_gemm(
        code, flipA, flipB, part.count, n, k, 1, a.address(left(p), 0, row: part.lowerBound), a.leadingDimension,
        b.address(right(p), 0), b.leadingDimension, 0, p[0] + part.lowerBound * n * size, n)
    }
  } else {
    product = ParallelLoop(n, grain: Swift.max(1, productGrain / Swift.max(1, m * k)), alignment: 16) { p, _, part in
      _ = soma_gemm(
        code, flipA, flipB, m, part.count, k, 1, a.address(left(p), 0), a.leadingDimension,
        b.address(right(p), 0, column: part.lowerBound), b.leadingDimension, 0, p[0] + part.lowerBound * size, n)
    }
  }
  return Kernel(scratch: a.copiedBytes + b.copiedBytes) { p in
    a.copy?.run(p[3], p[1])
    b.copy?.run(p[3] + a.copiedBytes, p[2])
    product.run(p)
  }
}

// MARK: - Fourier

private final class FourierPlan: @unchecked Sendable {
  let handle: OpaquePointer
  let scratch: Int
  init(_ dtype: DType, _ length: Int) {
    guard let handle = soma_fft_create(dtype.code, length) else { fatalError("out of memory for a transform") }
    self.handle = handle
    scratch = (soma_fft_scratch(handle) + 63) & ~63
  }
  deinit { soma_fft_destroy(handle) }
}

func lowerFourier(_ primitive: Primitive, _ inputs: [TensorType], _ outputs: [TensorType]) -> Kernel {
  let dtype = inputs[0].dtype
  let size = dtype.size
  let workers = Parallel.cores
  @Sendable func grain(_ n: Int, _ inner: Int) -> Int { Swift.max(1, 4096 / Swift.max(1, n * inner)) }
  switch primitive {
  case .fourier(let inverse, let axis):
    let (outer, n, inner) = inputs[0].shape.split(at: axis)
    guard outer * n * inner > 0 else { return Kernel { _ in } }
    let plan = FourierPlan(dtype, n)
    return Kernel.parallel(outer, grain: grain(n, inner), scratch: plan.scratch * workers) { p, worker, part in

      let offset = part.lowerBound * n * inner * size
      soma_fft_complex(
        plan.handle, inverse ? 1 : 0, p[0] + offset, p[1] + offset, p[2] + offset, p[3] + offset, part.count, inner,
        p[4] + worker * plan.scratch)
    }
  case .realFourier(let axis):
    let (outer, n, inner) = inputs[0].shape.split(at: axis)
    let plan = FourierPlan(dtype, n)
    return Kernel.parallel(outer, grain: grain(n, inner), scratch: plan.scratch * workers) { p, worker, part in

      let out = part.lowerBound * (n / 2 + 1) * inner * size
      soma_fft_real(
        plan.handle, p[0] + out, p[1] + out, p[2] + part.lowerBound * n * inner * size, part.count, inner,
        p[3] + worker * plan.scratch)
    }
  case .inverseRealFourier(let axis, let n):
    let (outer, bins, inner) = inputs[0].shape.split(at: axis)
    let plan = FourierPlan(dtype, n)
    return Kernel.parallel(outer, grain: grain(n, inner), scratch: plan.scratch * workers) { p, worker, part in

      let offset = part.lowerBound * bins * inner * size
      soma_fft_real_inverse(
        plan.handle, p[0] + part.lowerBound * n * inner * size, p[1] + offset, p[2] + offset, part.count, inner,
        p[3] + worker * plan.scratch)
    }
  default:
    fatalError("\(primitive.name) is no Fourier transform")
  }
}

// MARK: - Factorizations

func lowerFactorization(_ primitive: Primitive, _ inputs: [TensorType], _ outputs: [TensorType]) -> Kernel {
  let dtype = inputs[0].dtype
  let code = dtype.code
  let size = dtype.size
  let (batch, m, n) = inputs[0].shape.asMatrices
  let count = batch.elementCount
  let strides = (outputs + inputs).map { $0.shape.elementCount / Swift.max(1, count) * size }
  /// Calls `body` for each matrix with the addresses of its outputs and inputs.
  func each(
    _ op: soma_factorization?,
    _ body:
      @escaping @Sendable (Kernel.Pointers, _ offset: (Int) -> UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
  ) -> Kernel {
    let scratch = op.map { (soma_lapack_scratch($0, code, m, columns) + 63) & ~63 } ?? 0
    let workers = Parallel.cores
    return Kernel.parallel(
      count, grain: Swift.max(1, 20_000 / Swift.max(1, m * m * n)), scratch: Swift.max(64, scratch * workers)
    ) { p, worker, part in

      for i in part { body(p, { p[$0] + i * strides[$0] }, p[strides.count] + worker * scratch) }
    }
  }
  var columns: Int {
    switch primitive {
    case .solve, .triangularSolve: inputs[1].shape[-1]
    default: n
    }
  }
  let right = columns
  switch primitive {
  case .cholesky: return each(SOMA_CHOLESKY) { _, at, s in _ = soma_cholesky(code, at(0), at(1), n, s) }
  case .triangularSolve(let lower, let transposed, let unit):
    return each(nil) { _, at, _ in
      _ = soma_triangular_solve(
        code, lower ? 1 : 0, transposed ? 1 : 0, unit ? 1 : 0, at(0), at(1), at(2), n, right)
    }
  case .symmetricEigen: return each(SOMA_EIGH) { _, at, s in _ = soma_eigh(code, at(0), at(1), at(2), n, s) }
  case .singularValues: return each(SOMA_SVD) { _, at, s in _ = soma_svd(code, at(0), at(1), at(2), at(3), m, n, s) }
  case .qr: return each(SOMA_QR) { _, at, s in _ = soma_qr(code, at(0), at(1), at(2), m, n, s) }
  case .solve(let transposed):
    return each(SOMA_SOLVE) { _, at, s in _ = soma_solve(code, transposed ? 1 : 0, at(0), at(1), at(2), n, right, s) }
  case .logDeterminant:
    return each(SOMA_LOG_DETERMINANT) { _, at, s in _ = soma_log_determinant(code, at(0), at(1), at(2), n, s) }
  default:
    fatalError("\(primitive.name) is no factorization")
  }
}
