import Kernels
import Synchronization

/// A convolution by the runtime's own loops.
private final class ConvolutionPlan: @unchecked Sendable {
  let handle: OpaquePointer
  let units, blocks, packedBytes, scratchBytes: Int

  init?(_ role: soma_conv_role, _ dtype: DType, _ shape: soma_conv_shape) {
    var shape = shape
    guard let handle = soma_conv_plan_create(role, dtype.code, &shape) else { return nil }
    self.handle = handle
    units = soma_conv_plan_units(handle)
    blocks = soma_conv_plan_blocks(handle)
    packedBytes = (soma_conv_plan_packed(handle) + 63) & ~63
    scratchBytes = (soma_conv_plan_scratch(handle) + 63) & ~63
  }

  deinit { soma_conv_plan_destroy(handle) }

  /// OUTPUT and INPUT: the kernel is packed, then images are divided.
  func kernel(workPerUnit: Int, packing: Int) -> Kernel {
    let packedBytes = self.packedBytes
    let scratchBytes = self.scratchBytes
    let pack = ParallelLoop(blocks, grain: Swift.max(1, parallelGrain * blocks / Swift.max(1, packing))) {
      p, _, part in soma_conv_plan_pack(self.handle, p[2], p[3], part.lowerBound, part.upperBound)
    }
    let loop = ParallelLoop(units, grain: Swift.max(1, productGrain / Swift.max(1, workPerUnit))) { p, worker, part in
      soma_conv_plan_run(
        self.handle, p[1], p[3], p[0], p[3] + packedBytes + worker * scratchBytes, part.lowerBound, part.upperBound)
    }
    return Kernel(scratch: packedBytes + scratchBytes * Parallel.cores) { p in
      pack.run(p)
      loop.run(p)
    }
  }

  /// KERNEL: each of some parts of the batch gives a whole gradient.
  func gradientKernel(parts: Int, bytes: Int, dtype: DType) -> Kernel {
    let partial = (bytes + 63) & ~63
    let scratchBytes = self.scratchBytes
    let batch = units
    let loop = ParallelLoop(parts, grain: 1) { p, worker, range in
      for i in range {
        let result = i == 0 ? p[0] : p[3] + (i - 1) * partial
        soma_conv_plan_run(
          self.handle, p[1], p[2], result, p[3] + (parts - 1) * partial + worker * scratchBytes, batch * i / parts,
          batch * (i + 1) / parts)
      }
    }
    let sum = soma_binary_map(SOMA_ADD, dtype.code)!
    let elements = bytes / dtype.size
    return Kernel(scratch: Swift.max(64, partial * (parts - 1) + scratchBytes * Parallel.cores)) { p in
      loop.run(p)
      for i in 1..<Swift.max(1, parts) where i < parts { sum(p[0], p[0], p[3] + (i - 1) * partial, nil, elements) }
    }
  }
}

/// A convolution's library object for one part of the batch.
private final class ConvolutionObject: @unchecked Sendable {
  let handle: OpaquePointer

  init?(_ role: soma_conv_role, _ shape: soma_conv_shape) {
    var shape = shape
    guard let handle = soma_conv_create(role, &shape) else { return nil }
    self.handle = handle
  }

  deinit { soma_conv_destroy(handle) }
}

private final class Pool<Element: AnyObject & Sendable>: Sendable {
  private let free = Mutex<[Element]>([])
  private let make: @Sendable () -> Element?
  init(_ make: @escaping @Sendable () -> Element?) { self.make = make }
  func take() -> Element? { free.withLock { $0.popLast() } ?? make() }
  func give(_ element: Element) { free.withLock { $0.append(element) } }
}

func lowerConvolution(_ c: Convolution, _ role: Convolution.Role, _ inputs: [TensorType], _ output: TensorType)
  -> Kernel
{
  let (first, second) = (inputs[0], inputs[1])
  let batch = first.shape[0]
  let channels: (input: Int, output: Int)
  switch role {
  case .output: channels = (first.shape[1], second.shape[0])
  case .input: channels = (output.shape[1], first.shape[1])
  case .kernel: channels = (first.shape[1], second.shape[1])
  }
  func triple(_ values: [Int], filler: Int64) -> (Int64, Int64, Int64) {
    let padded = values.map(Int64.init) + [Int64](repeating: filler, count: 3 - values.count)
    return (padded[0], padded[1], padded[2])
  }
  func shape(_ n: Int) -> soma_conv_shape {
    soma_conv_shape(
      rank: Int32(c.kernelSize.count), n: Int64(n), c: Int64(channels.input), o: Int64(channels.output),
      groups: Int64(c.groups), in: triple(c.inputSize, filler: 1), taps: triple(c.kernelSize, filler: 1),
      out: triple(c.outputSize, filler: 1), stride: triple(c.strides, filler: 1),
      dilation: triple(c.dilations, filler: 1), low: triple(c.low, filler: 0), high: triple(c.high, filler: 0))
  }
  let dtype = first.dtype
  let code: soma_conv_role =
    switch role {
    case .output: SOMA_CONV_OUTPUT
    case .input: SOMA_CONV_INPUT
    case .kernel: SOMA_CONV_KERNEL
    }
  let bytes = output.byteCount
  guard batch > 0, output.shape.elementCount > 0 else {
    return Kernel { p in p[0].initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
  }
  // The parts depend on the shape and the machine, not on the threads in use, so neither do the bits.
  let taps = c.kernelSize.reduce(1, *)
  let work = c.outputSize.reduce(channels.output * channels.input / c.groups * taps, *)
  let parts = Swift.min(batch, Parallel.cores, 16, Swift.max(1, batch * work / productGrain))
  if let plan = ConvolutionPlan(code, dtype, shape(batch)) {
    return role == .kernel
      ? plan.gradientKernel(parts: parts, bytes: bytes, dtype: dtype)
      : plan.kernel(workPerUnit: batch * work / plan.units, packing: second.shape.elementCount)
  }
  return dividedConvolution(code, dtype, parts: parts, batch: batch, shape, inputs, output)
}

/// Each of some parts of the batch by the library, or by the reference.
private func dividedConvolution(
  _ role: soma_conv_role, _ dtype: DType, parts: Int, batch: Int, _ shape: (Int) -> soma_conv_shape,
  _ inputs: [TensorType], _ output: TensorType
) -> Kernel {
  let (first, second) = (inputs[0], inputs[1])
  let isGradient = role == SOMA_CONV_KERNEL
  let bytes = output.byteCount
  let bounds = (0...parts).map { batch * $0 / parts }
  let shapes = (0..<parts).map { shape(bounds[$0 + 1] - bounds[$0]) }
  let firstStride = first.byteCount / batch
  let secondStride = isGradient ? second.byteCount / batch : 0
  let resultStride = isGradient ? bytes : output.byteCount / batch
  let partial = isGradient ? (bytes + 63) & ~63 : 0
  let sum = soma_binary_map(SOMA_ADD, dtype.code)!
  let elements = output.shape.elementCount

  let trial = dtype == .float32 ? shapes.compactMap { ConvolutionObject(role, $0) } : []
  let usesLibrary = trial.count == parts
  // A library object serves one call at a time; each part of the batch has a pool of its own.
  let pools = usesLibrary ? shapes.map { shape in Pool<ConvolutionObject> { ConvolutionObject(role, shape) } } : []
  for (pool, object) in zip(pools, trial) { pool.give(object) }
  var largest = shapes[parts - 1]
  let scratch = usesLibrary ? 0 : (soma_convolve_scratch(role, dtype.code, &largest) + 63) & ~63
  let loop = ParallelLoop(parts, grain: 1) { p, _, range in
    for i in range {
      let result = isGradient ? (i == 0 ? p[0] : p[3] + (i - 1) * partial) : p[0] + bounds[i] * resultStride
      let (a, b) = (p[1] + bounds[i] * firstStride, p[2] + bounds[i] * secondStride)
      let status: Int32
      if usesLibrary {
        guard let object = pools[i].take() else { fatalError("out of memory for a convolution") }
        status = soma_conv_execute(object.handle, a, b, result)
        pools[i].give(object)
      } else {
        soma_single_threaded_libraries()
        var shape = shapes[i]
        let memory = p[3] + partial * (parts - 1) + i * scratch
        status = soma_convolve_reference(role, dtype.code, &shape, a, b, result, memory)
      }
      require(status == 0, "a convolution failed with status \(status)")
    }
  }
  return Kernel(scratch: partial * (parts - 1) + scratch * parts) { p in
    loop.run(p)
    guard isGradient else { return }
    for i in 1..<Swift.max(1, parts) where i < parts { sum(p[0], p[0], p[3] + (i - 1) * partial, nil, elements) }
  }
}
