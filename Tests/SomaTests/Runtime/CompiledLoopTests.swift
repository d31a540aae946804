import AllocationCounter
import Testing

@testable import Soma

/// Two layers, cross-entropy, Adam: a training step as users write it, with nothing but tensor operations.
private func makeLoop(batch: Int = 32, inputs: Int = 64, hidden: Int = 48) throws -> CompiledLoop<
  [[Tensor]], [Tensor], Tensor
> {
  let parameters = [
    Tensor.normal([inputs, hidden], deviation: 0.1, key: Key(1)), Tensor.zeros([hidden]),
    Tensor.normal([hidden, 10], deviation: 0.1, key: Key(2)), Tensor.zeros([10]),
  ]
  let zeros = parameters.map { Tensor.zeros(like: $0) }
  let example = [Tensor.normal([batch, inputs], key: Key(3)), Tensor.randomIntegers([batch], in: 0..<10, key: Key(4))]
  return try CompiledLoop([parameters, zeros, zeros], example: example) { state, input in
    let (loss, gradients) = valueAndGrad(state[0]) { p in
      let hidden = (input[0].matmul(p[0]) + p[1]).tanh()
      return -((hidden.matmul(p[2]) + p[3]).logSoftmax() * input[1].oneHot(10)).sum([-1]).mean()
    }
    let m = zip(state[1], gradients).map { $0 * 0.9 + $1 * 0.1 }
    let v = zip(state[2], gradients).map { $0 * 0.999 + $1 * $1 * 0.001 }
    let next = state[0].indices.map { state[0][$0] - 0.01 * m[$0] / (v[$0].sqrt() + 1e-8) }
    return ([next, m, v], loss)
  }
}

/// Convolutions with and without stride, batch normalization, pooling, cross-entropy, momentum: a training step of a
/// convolutional network.
private func makeConvolutionalLoop(batch: Int = 8, size: Int = 16, dtype: DType = .float32) throws -> CompiledLoop<
  [[Tensor]], [Tensor], Tensor
> {
  func weight(_ shape: Shape, _ seed: Int) -> Tensor {
    Tensor.normal(shape, deviation: 0.2, key: Key(seed)).cast(to: dtype)
  }
  let parameters = [
    weight([16, 3, 3, 3], 1), weight([16, 1, 3, 3], 2), weight([32, 16, 3, 3], 3), weight([32, 16, 1, 1], 4),
    Tensor.ones([1, 16, 1, 1], dtype: dtype), Tensor.zeros([1, 16, 1, 1], dtype: dtype), weight([32, 10], 5),
  ]
  let example = [
    Tensor.normal([batch, 3, size, size], key: Key(6)).cast(to: dtype),
    Tensor.randomIntegers([batch], in: 0..<10, key: Key(7)),
  ]
  return try CompiledLoop([parameters, parameters.map { Tensor.zeros(like: $0) }], example: example) { state, input in
    let (loss, gradients) = valueAndGrad(state[0]) { p in
      let first = input[0].convolution(p[0], padding: .same)
      let centered = first - first.mean([0, 2, 3], keepsAxes: true)
      let normal = centered * ((centered * centered).mean([0, 2, 3], keepsAxes: true) + 1e-5).rsqrt() * p[4] + p[5]
      let depthwise = normal.maximum(0).convolution(p[1], padding: .same, groups: 16).maximum(0)
      let pooled = depthwise.maxPool([2, 2])
      let halved = pooled.convolution(p[2], strides: [2, 2], padding: .uniform(1))
      let short = pooled.convolution(p[3], strides: [2, 2])
      let features = (halved + short).maximum(0).mean([2, 3])
      return -(features.matmul(p[6]).logSoftmax() * input[1].oneHot(10, dtype: dtype)).sum([-1]).mean()
    }
    let velocity = zip(state[1], gradients).map { $0 * 0.9 + $1 }
    return ([zip(state[0], velocity).map { $0 - 0.05 * $1 }, velocity], loss)
  }
}

private let batch = [Tensor.normal([32, 64], key: Key(5)), Tensor.randomIntegers([32], in: 0..<10, key: Key(6))]

@Suite(.serialized) struct CompiledLoopTests {
  @Test(arguments: [(32, 64, 48), (256, 784, 200)])
  func aStepAllocatesNothing(_ batch: Int, _ inputs: Int, _ hidden: Int) throws {
    let loop = try makeLoop(batch: batch, inputs: inputs, hidden: hidden)
    loop.load([Tensor.normal([batch, inputs], key: Key(5)), Tensor.randomIntegers([batch], in: 0..<10, key: Key(6))])
    expectNoAllocations { loop.step() }
  }

  @Test(arguments: [DType.float32, .float64])
  func aConvolutionalStepAllocatesNothing(_ dtype: DType) throws {
    let loop = try makeConvolutionalLoop(dtype: dtype)
    loop.load(images(8, 16, dtype))
    expectNoAllocations { loop.step() }
  }

  @Test(arguments: [DType.float32, .float64])
  func aConvolutionalStepHasTheSameBitsOnOneAndTwoThreads(_ dtype: DType) throws {
    func run(threads: Int) throws -> [[UInt8]] {
      let saved = Parallel.threads
      defer { Parallel.threads = saved }
      Parallel.threads = threads
      let loop = try makeConvolutionalLoop(batch: 33, size: 32, dtype: dtype)
      loop.load(images(33, 32, dtype))
      for _ in 0..<3 { loop.step() }
      return loop.state.flatMap { $0.map(\.bytes) }
    }
    #expect(try run(threads: 1) == run(threads: 2))
  }

  private func images(_ batch: Int, _ size: Int, _ dtype: DType) -> [Tensor] {
    [
      Tensor.normal([batch, 3, size, size], key: Key(8)).cast(to: dtype),
      Tensor.randomIntegers([batch], in: 0..<10, key: Key(9)),
    ]
  }

  private func expectNoAllocations(_ step: () -> Void) {
    let saved = Parallel.threads
    defer { Parallel.threads = saved }
    // Alone, this thread does what the pool's threads do otherwise.
    for threads in [1, 2] {
      Parallel.threads = threads
      for _ in 0..<20 { step() }
      let before = allocation_count()
      guard before >= 0 else { return }
      for _ in 0..<100 { step() }
      #expect(allocation_count() == before)
    }
  }

  @Test func allocationsAreCounted() {
    let before = allocation_count()
    guard before >= 0 else { return }
    let storage = Storage(byteCount: 1000)
    #expect(allocation_count() > before)
    withExtendedLifetime(storage) {}
  }

  @Test func trainingLowersTheLoss() throws {
    let loop = try makeLoop()
    loop.load(batch)
    loop.step()
    let first = loop.float(0)
    for _ in 0..<200 { loop.step() }
    #expect(loop.float(0) < 0.05 * first, "from \(first) to \(loop.float(0))")
  }

  @Test func theSameBitsOnOneAndTwoThreads() throws {
    // Large enough that every kernel would use two threads.
    func run(threads: Int) throws -> [[UInt8]] {
      let saved = Parallel.threads
      defer { Parallel.threads = saved }
      Parallel.threads = threads
      let loop = try makeLoop(batch: 512, inputs: 784, hidden: 256)
      loop.load([Tensor.normal([512, 784], key: Key(5)), Tensor.randomIntegers([512], in: 0..<10, key: Key(6))])
      for _ in 0..<3 { loop.step() }
      return loop.state.flatMap { $0.map(\.bytes) }
    }
    #expect(try run(threads: 1) == run(threads: 2))
  }

  @Test func aStateThatMovesBetweenLeavesSurvives() throws {
    // (a, b) → (b, a + b): each new leaf needs an old one that is overwritten.
    let loop = try CompiledLoop([Tensor([1.0, 10]), Tensor([2.0, 20])], example: [Tensor]()) { state, _ in
      ([state[1], state[0] + state[1]], state[0])
    }
    for _ in 0..<3 { loop.step() }
    #expect(loop.state[0].doubles == [5, 50])
    #expect(loop.state[1].doubles == [8, 80])
    #expect(loop.output.doubles == [3, 30])
  }

  @Test func swappedStatesSurvive() throws {
    let loop = try CompiledLoop([Tensor([1.0]), Tensor([2.0])], example: [Tensor]()) { state, _ in
      ([state[1], state[0]], state[0] * 1)
    }
    loop.step()
    #expect(loop.state.map(\.scalar) == [2, 1])
  }

  @Test func aLimitOnMemoryIsKept() throws {
    let limited = compile(memoryLimit: 10_000) { (x: Tensor) in x.matmul(x) }
    let small = try limited.run(Tensor.ones([8, 8]))
    #expect(small.floats.allSatisfy { $0 == 8 })
    #expect(throws: Executable.MemoryLimitExceeded.self) { try limited.run(Tensor.ones([100, 100])) }
    let executable = try compile { (x: Tensor) in x.matmul(x) }.executable(for: Tensor.ones([100, 100]))
    #expect(executable.memory.inputs == 40_000 && executable.memory.outputs == 40_000)
  }

  @Test func oneExecutableServesManyTasks() async throws {
    let f = compile { (x: Tensor) in (x.matmul(x).tanh() + x).sum([1]) }
    let inputs = (0..<16).map { Tensor.normal([64, 64], key: Key($0)) }
    let expected = inputs.map { f($0).bytes }
    await withTaskGroup(of: (Int, [UInt8]).self) { group in
      for _ in 0..<4 {
        for i in inputs.indices {
          group.addTask { (i, f(inputs[i]).bytes) }
        }
      }
      for await (i, bytes) in group { #expect(bytes == expected[i]) }
    }
  }
}
