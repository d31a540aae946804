import Kernels

/// What computes one step of an executable. `run` gets the addresses of the outputs, then of the inputs, then of
/// `scratch` bytes of memory that it may overwrite.
struct Kernel: Sendable {
  typealias Pointers = UnsafePointer<UnsafeMutableRawPointer>
  var scratch = 0
  /// Bytes that a run holds besides: memory of the graphs that it runs.
  var held = 0
  /// For each output, the inputs whose memory it may take over if their sizes agree.
  var inPlace: [[Int]] = []
  let run: @Sendable (Pointers) -> Void

  init(scratch: Int = 0, held: Int = 0, inPlace: [[Int]] = [], run: @escaping @Sendable (Pointers) -> Void) {
    self.scratch = scratch
    self.held = held
    self.inPlace = inPlace
    self.run = run
  }
}

extension Kernel {
  /// A kernel that is one loop.
  static func parallel(
    _ count: Int, grain: Int, alignment: Int = 1, scratch: Int = 0, inPlace: [[Int]] = [],
    _ body: @escaping ParallelLoop.Body
  ) -> Kernel {
    let loop = ParallelLoop(count, grain: grain, alignment: alignment, body)
    return Kernel(scratch: scratch, inPlace: inPlace) { loop.run($0) }
  }
}

/// Elements below which a loop is not worth a second thread.
let parallelGrain = 16_384

/// The kernel of a primitive for operands and results of the given types. `custom` and `checkpoint` have been inlined
/// before, constants have memory of their own.
func lower(_ primitive: Primitive, _ inputs: [TensorType], _ outputs: [TensorType]) -> Kernel {
  let count = outputs.first?.shape.elementCount ?? 0
  let dtype = inputs.first?.dtype ?? outputs[0].dtype
  switch primitive {
  case .constant, .custom, .checkpoint:
    fatalError("\(primitive.name) has no kernel: it is resolved when the graph is compiled")
  case .iota(let type, let axis):
    return lowerIota(type, axis)
  case .randomBits:
    return Kernel.parallel(count, grain: parallelGrain, alignment: 64) { p, _, part in
      let key = p[1].assumingMemoryBound(to: UInt32.self)
      let out = p[0].assumingMemoryBound(to: UInt32.self)

      soma_random_bits(key, out + part.lowerBound, UInt64(part.lowerBound), part.count)
    }

  case .unary(let function):
    return map(soma_unary_map(function.code, dtype.code), primitive, dtype, outputs[0].dtype, count, operands: 1)
  case .polygamma(let order):
    let size = dtype.size
    return Kernel.parallel(count, grain: 1024, inPlace: [[0]]) { p, _, part in

      let offset = part.lowerBound * size
      soma_polygamma(Int32(order), dtype.code, p[0] + offset, p[1] + offset, part.count)
    }
  case .binary(let function):
    return map(soma_binary_map(function.code, dtype.code), primitive, dtype, dtype, count, operands: 2)
  case .compare(let comparison):
    return map(soma_compare_map(comparison.code, dtype.code), primitive, dtype, .bool, count, operands: 2)
  case .select:
    let size = inputs[1].dtype.size
    let kernel = soma_select_map(inputs[1].dtype.code)!
    return Kernel.parallel(count, grain: parallelGrain, inPlace: [[1, 2]]) { p, _, part in

      let first = part.lowerBound
      kernel(p[0] + first * size, p[1] + first, p[2] + first * size, p[3] + first * size, part.count)
    }
  case .cast(let target):
    return map(soma_cast_map(dtype.code, target.code), primitive, dtype, target, count, operands: 1)
  case .stopGradient, .reshape:
    let bytes = outputs[0].byteCount
    return Kernel { p in p[0].copyMemory(from: p[1], byteCount: bytes) }

  case .dot(let dot):
    return lowerDot(dot, inputs[0], inputs[1])
  case .convolution(let convolution, let role):
    return lowerConvolution(convolution, role, inputs, outputs[0])
  case .splineSum(let sum, let role):
    return lowerSplineSum(sum, role, inputs, outputs[0])

  case .reduce(let reduction, let axes):
    return lowerReduce(reduction, axes, inputs[0])
  case .argReduce(let largest, let axis):
    let (outer, n, inner) = inputs[0].shape.split(at: axis)
    let size = dtype.size
    return Kernel.parallel(outer, grain: Swift.max(1, parallelGrain / Swift.max(1, n * inner))) { p, _, part in

      soma_arg_reduce(
        largest ? 1 : 0, dtype.code, p[0].assumingMemoryBound(to: Int32.self) + part.lowerBound * inner,
        p[1] + part.lowerBound * n * inner * size, part.count, n, inner)
    }
  case .cumulative(let reduction, let axis, let reverse):
    let (outer, n, inner) = inputs[0].shape.split(at: axis)
    let stride = n * inner * dtype.size
    return Kernel.parallel(outer, grain: Swift.max(1, parallelGrain / Swift.max(1, n * inner)), inPlace: [[0]]) {
      p, _, part in

      let offset = part.lowerBound * stride
      soma_cumulative(reduction.code, dtype.code, reverse ? 1 : 0, p[0] + offset, p[1] + offset, part.count, n, inner)
    }
  case .windowReduce(let reduction, let window):
    let (outer, inBlock, outBlock, description) = windows(window, inputs[0].shape, outputs[0].shape)
    let size = dtype.size
    return Kernel.parallel(outer, grain: Swift.max(1, parallelGrain / Swift.max(1, outBlock))) { p, _, part in

      var description = description
      soma_window_reduce(
        reduction.code, dtype.code, p[0] + part.lowerBound * outBlock * size, p[1] + part.lowerBound * inBlock * size,
        part.count, &description)
    }
  case .windowArgMax(let window):
    let (outer, inBlock, outBlock, description) = windows(window, inputs[0].shape, outputs[0].shape)
    let size = dtype.size
    return Kernel.parallel(outer, grain: Swift.max(1, parallelGrain / Swift.max(1, outBlock))) { p, _, part in

      var description = description
      soma_window_arg_max(
        dtype.code, p[0].assumingMemoryBound(to: Int32.self) + part.lowerBound * outBlock,
        p[1] + part.lowerBound * inBlock * size, part.count, &description)
    }

  case .transpose, .broadcast, .slice, .pad, .concatenate, .reverse:
    return lowerCopy(primitive, inputs, outputs[0])
  case .gather(let axis, let batchAxes):
    let g = IndexedAxis(inputs[0].shape, inputs[1], axis: axis, batchAxes: batchAxes)
    let size = dtype.size
    // Split whichever of the batch and the indices is long.
    if g.batch > 1 {
      return .parallel(g.batch, grain: Swift.max(1, parallelGrain / Swift.max(1, g.outer * g.m * g.inner))) {
        p, _, part in
        let b = part.lowerBound
        soma_gather(
          size, p[0] + b * g.outer * g.m * g.inner * size, p[1] + b * g.outer * g.n * g.inner * size,
          p[2] + b * g.m * g.indexSize, g.isWide, part.count, g.outer, g.n, g.m, g.inner)
      }
    }
    if g.outer == 1 {
      return .parallel(g.m, grain: Swift.max(1, parallelGrain / Swift.max(1, g.inner))) { p, _, part in
        let first = part.lowerBound
        soma_gather(
          size, p[0] + first * g.inner * size, p[1], p[2] + first * g.indexSize, g.isWide, 1, 1, g.n, part.count,
          g.inner)
      }
    }
    return .parallel(g.outer, grain: Swift.max(1, parallelGrain / Swift.max(1, g.m * g.inner))) { p, _, part in
      let o = part.lowerBound
      soma_gather(
        size, p[0] + o * g.m * g.inner * size, p[1] + o * g.n * g.inner * size, p[2], g.isWide, 1, part.count, g.n, g.m,
        g.inner)
    }
  case .scatterAdd(let axis, let batchAxes):
    let g = IndexedAxis(inputs[0].shape, inputs[1], axis: axis, batchAxes: batchAxes)
    let size = dtype.size
    let bytes = outputs[0].byteCount
    let loop =
      g.batch > 1
      ? ParallelLoop(g.batch, grain: Swift.max(1, parallelGrain / Swift.max(1, g.outer * g.m * g.inner))) {
        p, _, part in
        let b = part.lowerBound
        soma_scatter_add(
          dtype.code, p[0] + b * g.outer * g.n * g.inner * size, p[3] + b * g.outer * g.m * g.inner * size,
          p[2] + b * g.m * g.indexSize, g.isWide, part.count, g.outer, g.n, g.m, g.inner)
      }
      : ParallelLoop(g.outer, grain: Swift.max(1, parallelGrain / Swift.max(1, g.m * g.inner))) { p, _, part in
        let o = part.lowerBound
        soma_scatter_add(
          dtype.code, p[0] + o * g.n * g.inner * size, p[3] + o * g.m * g.inner * size, p[2], g.isWide, 1, part.count,
          g.n,
          g.m, g.inner)
      }
    return Kernel(inPlace: [[0]]) { p in
      if p[0] != p[1] { p[0].copyMemory(from: p[1], byteCount: bytes) }
      loop.run(p)
    }
  case .argSort(let axis, let descending):
    let (outer, n, inner) = inputs[0].shape.split(at: axis)
    return Kernel(scratch: soma_argsort_scratch(n)) { p in
      soma_argsort(
        descending ? 1 : 0, dtype.code, p[0].assumingMemoryBound(to: Int32.self), p[1], outer, n, inner, p[2])
    }
  case .argTopK(let k):
    let n = inputs[0].shape.last
    let rows = n == 0 ? 0 : inputs[0].shape.elementCount / n
    return Kernel(scratch: soma_argsort_scratch(n)) { p in
      soma_top_k(dtype.code, p[0].assumingMemoryBound(to: Int32.self), p[1], rows, n, k, p[2])
    }

  case .fourier, .realFourier, .inverseRealFourier:
    return lowerFourier(primitive, inputs, outputs)
  case .cholesky, .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant:
    return lowerFactorization(primitive, inputs, outputs)
  case .scan(let scan):
    return lowerScan(scan)
  }
}

/// A loop over elements by a map of one element type in and one out.
private func map(
  _ kernel: soma_map?, _ primitive: Primitive, _ from: DType, _ to: DType, _ count: Int, operands: Int
) -> Kernel {
  guard let kernel else { fatalError("\(primitive.name) is not defined for \(from)") }
  let (a, b) = (from.size, to.size)
  let inPlace = a == b ? [Array(0..<operands)] : []
  if operands == 1 {
    return Kernel.parallel(count, grain: parallelGrain, inPlace: inPlace) { p, _, part in

      kernel(p[0] + part.lowerBound * b, p[1] + part.lowerBound * a, nil, nil, part.count)
    }
  }
  return Kernel.parallel(count, grain: parallelGrain, inPlace: inPlace) { p, _, part in

    let offset = part.lowerBound * a
    kernel(p[0] + part.lowerBound * b, p[1] + offset, p[2] + offset, nil, part.count)
  }
}

private func lowerIota(_ type: TensorType, _ axis: Int) -> Kernel {
  let (outer, n, inner) = type.shape.split(at: axis)
  let size = type.dtype.size
  let dtype = type.dtype
  return Kernel(scratch: n * size) { p in
    guard outer * n * inner > 0 else { return }
    if inner == 1 {
      for o in 0..<outer { soma_iota(dtype.code, p[0] + o * n * size, 0, n) }
      return
    }
    soma_iota(dtype.code, p[1], 0, n)
    for o in 0..<outer {
      for i in 0..<n { soma_fill(p[0] + (o * n + i) * inner * size, p[1] + i * size, size, inner) }
    }
  }
}

/// Sizes of a gather or scatter: operand [batch, outer, n, inner], indices [batch, m].
struct IndexedAxis: Sendable {
  let batch, outer, n, m, inner: Int
  let indexSize: Int
  let isWide: Int32

  init(_ operand: Shape, _ indices: TensorType, axis: Int, batchAxes: Int) {
    batch = operand[..<batchAxes].reduce(1, *)
    outer = operand[batchAxes..<axis].reduce(1, *)
    n = operand[axis]
    inner = operand[(axis + 1)...].reduce(1, *)
    m = indices.shape[batchAxes...].reduce(1, *)
    indexSize = indices.dtype.size
    isWide = indices.dtype == .int64 ? 1 : 0
  }
}

private func windows(_ window: Window, _ input: Shape, _ output: Shape)
  -> (outer: Int, inBlock: Int, outBlock: Int, description: soma_window)
{
  let k = window.size.count
  func triple(_ values: [Int]) -> (Int64, Int64, Int64) {
    let padded = values.map(Int64.init) + [Int64](repeating: 1, count: 3 - k)
    return (padded[0], padded[1], padded[2])
  }
  let ins = Array(input.suffix(k))
  let outs = Array(output.suffix(k))
  let description = soma_window(
    rank: Int32(k), in: triple(ins), out: triple(outs), size: triple(window.size), stride: triple(window.strides),
    dilation: triple(window.dilations), low: triple(window.low))
  return (input.dropLast(k).reduce(1, *), ins.reduce(1, *), outs.reduce(1, *), description)
}

extension DType {
  var code: soma_dtype { soma_dtype(UInt32(rawValue)) }
}
extension Unary {
  var code: soma_unary { soma_unary(UInt32(rawValue)) }
}
extension Binary {
  var code: soma_binary { soma_binary(UInt32(rawValue)) }
}
extension Comparison {
  var code: soma_compare { soma_compare(UInt32(rawValue)) }
}
extension Reduction {
  var code: soma_reduction { soma_reduction(UInt32(rawValue)) }
}
