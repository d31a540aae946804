import Kernels

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
