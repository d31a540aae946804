import Testing

@testable import Soma

/// Graphs cut into slabs of their batch must give what they give whole, op by op.
@Suite struct SlabTests {
  /// So small that everything that can be cut is.
  private static let tiny = Slabs.Limits(
    fewestBytes: 1, slabBytes: 1 << 13, fewestRows: 1, wholeBytes: 1 << 20, sumBytes: 1 << 30, lanes: 2...3)

  private static func graph(_ inputs: [Tensor], _ function: ([Tensor]) -> [Tensor]) -> Graph {
    trace(inputs.map(\.type), function).graph.simplified()
  }

  private static func regions(_ graph: Graph) -> Int { graph.nodes.count { $0.scope == "slabs" && $0.isScan } }

  /// The number of regions that were cut, after comparing results.
  private static func check(
    _ inputs: [Tensor], updated: Set<Int>, limits: Slabs.Limits = tiny, tolerance: Double = 1e-11,
    _ function: ([Tensor]) -> [Tensor]
  ) throws -> Int {
    let whole = graph(inputs, function)
    let cut = whole.withSlabs(updated: updated, limits)
    let found = try Executable(cut)(inputs)
    for (a, b) in zip(found, whole(inputs)) {
      #expect(a.type == b.type)
      #expect(a.isClose(to: b, relative: tolerance, absolute: tolerance))
    }
    return regions(cut)
  }

  private static func normal(_ shape: Shape, _ seed: Int) -> Tensor {
    Tensor.normal(shape, deviation: 0.4, key: Key(seed), dtype: .float64)
  }

  /// Batches that slabs divide, that leave a rest, and primes.
  @Test(arguments: [64, 48, 37, 101, 2048])
  func gradientsOfDenseLayers(batch: Int) throws {
    let parameters = [Self.normal([7, 12], 1), Self.normal([12], 2), Self.normal([12, 5], 3)]
    let inputs = parameters + [Self.normal([batch, 7], 4), Tensor.randomIntegers([batch], in: 0..<5, key: Key(5))]
    let count = try Self.check(inputs, updated: [0, 1, 2]) { all in
      let (loss, gradients) = valueAndGrad(Array(all[..<3])) { p in
        let hidden = (all[3].matmul(p[0]) + p[1]).tanh()
        return -(hidden.matmul(p[2]).logSoftmax() * all[4].oneHot(5, dtype: .float64)).sum([-1]).mean()
      }
      return [loss] + gradients
    }
    #expect(count == 1)
  }

  /// Statistics over the batch stand between regions.
  @Test(arguments: [12, 31])
  func convolutionsAndBatchNormalization(batch: Int) throws {
    let parameters = [Self.normal([4, 3, 3, 3], 1), Self.normal([6, 4, 3, 3], 2), Self.normal([6, 5], 3)]
    let inputs = parameters + [Self.normal([batch, 3, 8, 8], 4)]
    let count = try Self.check(inputs, updated: [0, 1, 2], tolerance: 1e-9) { all in
      let (loss, gradients) = valueAndGrad(Array(all[..<3])) { p in
        let first = all[3].convolution(p[0], padding: .same)
        let centered = first - first.mean([0, 2, 3], keepsAxes: true)
        let normal = centered * ((centered * centered).mean([0, 2, 3], keepsAxes: true) + 1e-5).rsqrt()
        let second = normal.maximum(0).maxPool([2, 2]).convolution(p[1], strides: [2, 2], padding: .uniform(1))
        return second.tanh().mean([2, 3]).matmul(p[2]).logSoftmax().squared().mean()
      }
      return [loss] + gradients
    }
    #expect(count >= 2)
  }

  /// The batch is a leading axis of two lengths, embeddings are gathered and their gradients scattered.
  @Test(arguments: [8, 13])
  func attentionOverTokens(batch: Int) throws {
    let (length, width, heads) = (6, 8, 2)
    let parameters = [Self.normal([11, width], 1), Self.normal([width, 3 * width], 2), Self.normal([width, 11], 3)]
    let tokens = Tensor.randomIntegers([batch, length], in: 0..<11, key: Key(4))
    let count = try Self.check(parameters + [tokens], updated: [0, 1, 2]) { all in
      let (loss, gradients) = valueAndGrad(Array(all[..<3])) { p in
        let x = p[0].take(all[3])
        let flat = x.reshape([batch * length, width]).matmul(p[1])
        let parts = (0..<3).map { k in
          flat[.all, (k * width)..<((k + 1) * width)].reshape([batch, length, heads, width / heads])
            .transposed([0, 2, 1, 3])
        }
        let mixed = parts[0].matmul(parts[1].transposed([0, 1, 3, 2])).softmax().matmul(parts[2])
        let logits = mixed.transposed([0, 2, 1, 3]).reshape([batch * length, width]).matmul(p[2])
        let targets = all[3].reshape([batch * length]).oneHot(11, dtype: .float64)
        return -(logits.logSoftmax() * targets).sum([-1]).mean()
      }
      return [loss] + gradients
    }
    #expect(count == 1)
  }

  /// Second derivatives of a network with respect to its inputs, and results that are read along the batch.
  @Test(arguments: [40, 53])
  func residualsOfDifferentialEquations(points: Int) throws {
    let parameters = [Self.normal([2, 16], 1), Self.normal([16, 16], 2), Self.normal([16, 1], 3)]
    let count = try Self.check(parameters + [Self.normal([points, 2], 4)], updated: [0, 1, 2]) { all in
      func field(_ p: [Tensor], _ x: Tensor) -> Tensor {
        x.matmul(p[0]).tanh().matmul(p[1]).tanh().matmul(p[2]).squeezed([1])
      }
      func residual(_ p: [Tensor]) -> Tensor {
        let slope = grad { (x: Tensor) in field(p, x).sum() }
        let second = grad { (x: Tensor) in slope(x)[.all, 0].sum() }(all[3])[.all, 0]
        return second + field(p, all[3]).sin()
      }
      let (loss, gradients) = valueAndGrad(Array(all[..<3])) { residual($0).squared().mean() }
      return [loss, residual(Array(all[..<3]))] + gradients
    }
    #expect(count >= 1)
  }

  /// What needs its operand whole stays outside: sorting and running sums along the batch, products of the batch with
  /// itself, a recurrence over it.
  @Test func operationsAcrossTheBatchStayWhole() throws {
    let inputs = [Self.normal([6, 6], 1), Self.normal([36, 6], 2)]
    _ = try Self.check(inputs, updated: [0]) { all in
      let h = all[1].matmul(all[0]).tanh()
      let similar = h.matmul(h.T).softmax()
      let (state, states) = scan([all[0][0]], [h]) { carry, slices in
        ([(carry[0] + slices[0]).tanh()], [carry[0] * 2])
      }
      return [h.cumulativeSum(0), h.argSort(0), similar.matmul(h), h.max([0]), state[0], states[0].matmul(all[0])]
    }
  }

  @Test func randomPrograms() throws {
    var cut = 0
    for seed in 0..<200 {
      let (r, n) = [(30, 5), (64, 33), (41, 8), (130, 20)][seed % 4]
      let inputs = [Self.normal([r, n], seed), Self.normal([r], seed + 1), Self.normal([n], seed + 2)]
      let regions = try Self.check(inputs, updated: [2], tolerance: 1e-8) {
        RandomGraphTests.program(seed: seed, count: 30)($0)
      }
      cut += regions > 0 ? 1 : 0
    }
    #expect(cut > 50)
  }

  @Test func sumsDoNotDependOnThreads() throws {
    let inputs = [
      Tensor.normal([3, 64], key: Key(1)), Tensor.normal([64, 64], key: Key(2)),
      Tensor.normal([40_000, 3], key: Key(3)),
    ]
    let whole = Self.graph(inputs) { all in
      let (loss, gradients) = valueAndGrad(Array(all[..<2])) { p in
        all[2].matmul(p[0]).sin().matmul(p[1]).sin().squared().mean()
      }
      return [loss] + gradients
    }
    let cut = whole.withSlabs(updated: [0, 1])
    #expect(Self.regions(cut) == 1)
    let executable = try Executable(cut)
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    Parallel.threads = 1
    let alone = executable(inputs)
    Parallel.threads = Parallel.cores
    let together = executable(inputs)
    for (a, b) in zip(alone, together) { #expect(a.floats == b.floats) }
  }

  /// A large batch takes little more memory than a small one: activations of all layers are never there at once.
  @Test func memoryDoesNotGrowWithTheBatch() throws {
    func intermediates(_ batch: Int) throws -> Int {
      let weights = (0..<4).map { Tensor.normal([64, 64], key: Key($0)) }
      let loop = try CompiledLoop(weights, example: Tensor.zeros([batch, 64])) { p, x in
        let (loss, gradients) = valueAndGrad(p) { p in p.reduce(x) { $0.matmul($1).tanh() }.squared().mean() }
        return (zip(p, gradients).map { $0 - 0.1 * $1 }, loss)
      }
      return loop.memory.intermediates
    }
    // All activations of the larger batch are 4 × 64 × 4 bytes × 65,536 = 67 MB.
    #expect(try intermediates(65_536) < 24 << 20)
  }

  @Test func smallGraphsAreLeftAlone() {
    let inputs = [Self.normal([8, 4], 1), Self.normal([16, 8], 2)]
    let graph = Self.graph(inputs) { [$0[1].matmul($0[0]).tanh().sum([0])] }
    #expect(graph.withSlabs(updated: [0]) == graph)
  }
}

extension Graph.Node {
  fileprivate var isScan: Bool {
    if case .scan = primitive { true } else { false }
  }
}
