import Synchronization

/// Kernels of single primitives, kept between eager operations: making one may cost more than running it.
private final class EagerKernels: Sendable {
  private struct Call: Hashable {
    let primitive: Primitive
    let inputs: [TensorType]
  }

  private let kernels = Mutex<[Call: Kernel]>([:])
  private let capacity = 2048

  func kernel(_ primitive: Primitive, _ inputs: [TensorType], _ outputs: [TensorType]) -> Kernel {
    let call = Call(primitive: primitive, inputs: inputs)
    if let known = kernels.withLock({ $0[call] }) { return known }
    let kernel = lower(primitive, inputs, outputs)
    kernels.withLock { kernels in
      if kernels.count >= capacity { kernels.removeAll(keepingCapacity: true) }
      kernels[call] = kernel
    }
    return kernel
  }

  static let shared = EagerKernels()
}

/// Computes a primitive on concrete tensors.
func evaluate(_ primitive: Primitive, _ operands: [Tensor], types: [TensorType]) -> [Tensor] {
  switch primitive {
  case .constant(let constant): return [constant.tensor]
  case .custom(let custom): return custom.function(operands)
  case .checkpoint(let graph): return graph(operands)
  case .stopGradient: return operands
  case .reshape(let shape):
    return [Tensor(shape: shape, dtype: operands[0].dtype, source: operands[0].source)]
  default: break
  }
  let kernel = EagerKernels.shared.kernel(primitive, operands.map(\.type), types)
  let results = types.map { Storage(byteCount: $0.byteCount) }
  let scratch = kernel.scratch > 0 ? Storage(byteCount: kernel.scratch) : nil
  var pointers = results.map(\.pointer) + operands.map(\.storage.pointer)
  if let scratch { pointers.append(scratch.pointer) }
  pointers.withUnsafeBufferPointer { kernel.run($0.baseAddress!) }
  withExtendedLifetime((operands, scratch)) {}
  return zip(types, results).map { Tensor(shape: $0.shape, dtype: $0.dtype, source: .concrete($1)) }
}
