import Testing

@testable import Soma

/// What compilation makes of a graph: how many kernels, how much memory.
@Suite struct ExecutableTests {
  private static func executable(_ types: [TensorType], _ function: ([Tensor]) -> [Tensor]) throws -> Executable {
    try Executable(Graph(tracing: types, function))
  }
  private static let x = TensorType(shape: [4096, 100])

  // MARK: Fusion. Fused values live in the cache-sized scratch of a kernel, which does not grow with the tensors.

  @Test func chainsOfElementwiseOperationsAreOneKernel() throws {
    let chain = try Self.executable([Self.x, Self.x]) { x in
      [(x[0].sin() * x[1] + 0.5).tanh().maximum(0).sqrt() - x[0].exp()]
    }
    #expect(chain.stepCount == 1)
    #expect(chain.memory.intermediates < Self.x.byteCount / 10)
  }

  @Test func softmaxIsOneKernel() throws {
    let softmax = try Self.executable([Self.x]) { [$0[0].softmax()] }
    #expect(softmax.stepCount == 1)
    #expect(softmax.memory.intermediates < Self.x.byteCount / 10)
  }

  @Test func layerNormalizationIsOneKernel() throws {
    let row = TensorType(shape: [100])
    let normalization = try Self.executable([Self.x, row, row]) { x in
      let centered = x[0] - x[0].mean([-1], keepsAxes: true)
      return [centered * (centered.squared().mean([-1], keepsAxes: true) + 1e-5).rsqrt() * x[1] + x[2]]
    }
    #expect(normalization.stepCount == 1)
    #expect(normalization.memory.intermediates < Self.x.byteCount / 10)
  }

  @Test func aDenseLayerIsAProductWithItsBiasAndActivation() throws {
    let layer = try Self.executable([Self.x, TensorType(shape: [100, 80]), TensorType(shape: [80])]) {
      [($0[0].matmul($0[1]) + $0[2]).maximum(0)]
    }
    #expect(layer.stepCount <= 2)
  }

  // MARK: Memory

  @Test func memoryIsWhatTensorsTake() throws {
    let constant = Tensor.normal([100, 30], key: Key(1))
    let executable = try Self.executable([Self.x]) { [$0[0].matmul(constant)] }
    #expect(executable.memory.inputs == 4096 * 100 * 4)
    #expect(executable.memory.outputs == 4096 * 30 * 4)
    #expect(executable.memory.constants == 100 * 30 * 4)
    let m = executable.memory
    #expect(m.total == m.inputs + m.outputs + m.constants + m.intermediates)
  }

  /// A chain of products needs two of its intermediate values at a time, however long it is.
  @Test func placesAreUsedAgain() throws {
    let matrix = TensorType(shape: [64, 64])
    func intermediates(_ length: Int) throws -> Int {
      try Self.executable([matrix, matrix]) { x in
        [(0..<length).reduce(x[0]) { y, _ in y.matmul(x[1]) }]
      }.memory.intermediates
    }
    #expect(try intermediates(4) > 0)
    #expect(try intermediates(40) == intermediates(4))
  }

  @Test func aLimitIsRefusedBeforeAnythingRuns() throws {
    let graph = Graph(tracing: [TensorType(shape: [1000, 1000])]) { [$0[0].matmul($0[0])] }
    let needed = try Executable(graph).memory.total
    #expect(try Executable(graph, memoryLimit: needed).memory.total == needed)
    let error = #expect(throws: Executable.MemoryLimitExceeded.self) { try Executable(graph, memoryLimit: needed - 1) }
    #expect(error?.needed == needed && error?.limit == needed - 1)
    let small = Executable.MemoryLimitExceeded(needed: 3 << 20, limit: 1536)
    #expect("\(small)" == "this computation needs 3.0 MiB of memory, more than the limit of 1.5 KiB")
  }

  /// 24 blocks, kept whole or in four checkpointed parts: values and gradients stay, the memory shrinks.
  @Test func checkpointsShrinkADeepChain() throws {
    let (blocks, width, batch) = (24, 32, 256)
    func makeLoop(parts: Int) throws -> CompiledLoop<[Tensor], Tensor, Tensor> {
      let weights = (0..<blocks).map { Tensor.normal([width, width], deviation: 0.3, key: Key($0)) }
      return try CompiledLoop(weights, example: Tensor.zeros([batch, width])) { weights, input in
        let (loss, gradients) = valueAndGrad(weights) { (w: [Tensor]) in
          func run(_ x: Tensor, _ w: ArraySlice<Tensor>) -> Tensor { w.reduce(x) { $0.matmul($1).tanh() } }
          let length = blocks / parts
          return (0..<parts).reduce(input) { x, part in
            let mine = w[(part * length)..<((part + 1) * length)]
            if parts == 1 { return run(x, mine) }
            return checkpoint { (p: [Tensor]) in run(p[0], p[1...]) }([x] + mine)
          }.squared().mean()
        }
        return (zip(weights, gradients).map { $0 - 0.1 * $1 }, loss)
      }
    }
    let (whole, parted) = (try makeLoop(parts: 1), try makeLoop(parts: 4))
    let (activation, gradients) = (batch * width * 4, blocks * width * width * 4)
    #expect(whole.memory.intermediates >= blocks * activation + gradients)
    // The values of one part and the borders of the others, with room for the gradient on its way, a product that its
    // epilogue has not read yet, and scratch.
    #expect(parted.memory.intermediates <= (blocks / 4 + 4 + 5) * activation + gradients)
    let input = Tensor.normal([batch, width], key: Key(99))
    for _ in 0..<3 {
      let (a, b) = (whole(input), parted(input))
      #expect(a.isClose(to: b, relative: 1e-5))
    }
    for (a, b) in zip(whole.state, parted.state) { #expect(a.isClose(to: b, relative: 1e-4, absolute: 1e-6)) }
  }

  @Test func inputsAreUpdatedInPlace() throws {
    let loop = try CompiledLoop([Tensor.ones([1000])], example: [Tensor]()) { state, _ in
      ([state[0] * 2], state[0].sum())
    }
    #expect(loop.memory.inputs == 4000)
    #expect(loop.memory.outputs == 4)
    for _ in 0..<3 { loop.step() }
    #expect(loop.state[0].floats.allSatisfy { $0 == 8 } && loop.output.scalar == 4000)
  }

  @Test func eachCombinationOfTypesIsCompiledOnce() throws {
    let f = compile { (x: Tensor) in x * 2 }
    let first = try f.executable(for: Tensor.ones([3]))
    #expect(try f.executable(for: Tensor.zeros([3])) === first)
    #expect(try f.executable(for: Tensor.ones([4])) !== first)
    #expect(try f.executable(for: Tensor.ones([3], dtype: .float64)) !== first)
  }

  @Test func compiledFunctionsMayBeDifferentiated() {
    let f = compile { (x: Tensor) in x.sin().sum() }
    let x = DerivativeCase.numbers([4], seed: 1)
    #expect(grad { f($0) }(x).isClose(to: x.cos(), relative: 1e-14))
    #expect(compile(grad { f($0) })(x).isClose(to: x.cos(), relative: 1e-14))
  }
}
