import Testing

@testable import Soma

/// Matrix products with the operations that read their results, and products as sums of parts.
@Suite struct EpilogueTests {
  typealias Function = @Sendable ([Tensor]) -> [Tensor]

  private static func inputs(_ shapes: [Shape], _ dtype: DType) -> [Tensor] {
    shapes.enumerated().map { Tensor.normal($1, deviation: 0.5, key: Key($0), dtype: dtype) }
  }

  private func expectSame(
    _ shapes: [Shape], _ dtype: DType, steps: Int, _ function: @escaping Function,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let inputs = Self.inputs(shapes, dtype)
    let executable = try Executable(Graph(tracing: inputs.map(\.type), function))
    #expect(executable.stepCount == steps, sourceLocation: sourceLocation)
    let tolerance = dtype == .float64 ? 1e-12 : 1e-5
    for (a, b) in zip(executable(inputs), function(inputs)) {
      #expect(a.type == b.type, sourceLocation: sourceLocation)
      #expect(a.isClose(to: b, relative: tolerance, absolute: tolerance), sourceLocation: sourceLocation)
    }
  }

  /// From one piece to several with a rest, and a product of one column.
  @Test(arguments: [(3, 4, 5), (64, 32, 16), (1000, 40, 64), (515, 64, 300), (4096, 1, 8)], [DType.float32, .float64])
  func aDenseLayerIsOneKernel(_ size: (rows: Int, outputs: Int, inputs: Int), _ dtype: DType) throws {
    let shapes: [Shape] = [[size.rows, size.inputs], [size.inputs, size.outputs], [size.outputs]]
    try expectSame(shapes, dtype, steps: 1) { x in [(x[0].matmul(x[1]) + x[2]).tanh() * 2] }
  }

  @Test(arguments: [DType.float32, .float64])
  func theProductIsStoredWhereItIsReadElsewhere(_ dtype: DType) throws {
    try expectSame([[600, 50], [50, 48], [48]], dtype, steps: 1) { x in
      let product = x[0].matmul(x[1])
      return [product, (product + x[2]).maximum(0)]
    }
  }

  /// The sum may not take over the memory of an operand of the product.
  @Test func aResidualLayerKeepsItsInput() throws {
    let executable = try expectResidual()
    #expect(executable.stepCount == 2)
  }

  private func expectResidual() throws -> Executable {
    let function: Function = { x in
      let doubled = x[0] * 2
      return [doubled.matmul(x[1]).tanh() + doubled]
    }
    let inputs = Self.inputs([[900, 32], [32, 32]], .float32)
    let executable = try Executable(Graph(tracing: inputs.map(\.type), function))
    #expect(executable(inputs)[0].isClose(to: function(inputs)[0], relative: 1e-5, absolute: 1e-5))
    return executable
  }

  /// Many small matrices in a piece, rows reduced in it; the second product reads the first one's softmax.
  @Test(arguments: [(6, 5), (40, 16), (3, 130)])
  func attentionIsTwoKernels(_ batches: Int, _ length: Int) throws {
    try expectSame([[batches, length, 8], [batches, length, 8], [batches, length, 8]], .float32, steps: 2) { x in
      let scores = Tensor.einsum("bqd,bkd->bqk", x[0], x[1]) / 8
      return [scores.softmax().matmul(x[2])]
    }
  }

  @Test func twoProductsAndWhatJoinsThemAreTwoKernels() throws {
    try expectSame([[300, 20], [20, 30], [300, 20], [20, 30], [30]], .float64, steps: 2) { x in
      [(x[0].matmul(x[1]) + x[2].matmul(x[3]) + x[4]).logistic()]
    }
  }

  /// What the product needs cannot be part of its epilogue.
  @Test func operandsAreMadeBefore() throws {
    try expectSame([[256, 24], [24, 24]], .float64, steps: 2) { x in
      let hidden = x[0].tanh()
      return [hidden.matmul(x[1]) * (1 - hidden.squared())]
    }
  }

  @Test func rowsOfTheResultAreReducedWithIt() throws {
    try expectSame([[700, 12], [12, 36]], .float64, steps: 1) { x in
      let product = x[0].matmul(x[1])
      return [(product - product.mean([-1], keepsAxes: true)).squared().sum([-1])]
    }
  }

  @Test(arguments: [DType.float32, .float64])
  func gradientsAreThoseOfTheOperationsAlone(_ dtype: DType) throws {
    let inputs = Self.inputs([[300, 20], [20, 40], [40], [40, 3]], dtype)
    let loss: Function = { x in
      grad { (w: [Tensor]) in ((x[0].matmul(w[0]) + w[1]).tanh().matmul(w[2])).sin().mean() }(Array(x[1...]))
    }
    let tolerance = dtype == .float64 ? 1e-12 : 1e-4
    for (a, b) in zip(compile(loss)(inputs), loss(inputs)) {
      #expect(a.isClose(to: b, relative: tolerance, absolute: tolerance))
    }
  }

  @Test(arguments: [DType.float32, .float64])
  func theSameBitsOnOneAndTwoThreads(_ dtype: DType) throws {
    let saved = Parallel.threads
    defer { Parallel.threads = saved }
    let inputs = Self.inputs([[1003, 48], [48, 64], [64]], dtype)
    let layer = try Executable(
      Graph(tracing: inputs.map(\.type)) { x in
        let hidden = (x[0].matmul(x[1]) + x[2]).tanh()
        return [hidden, x[0].T.matmul(hidden), hidden.softmax()]
      })
    func run(threads: Int) -> [[UInt8]] {
      Parallel.threads = threads
      return layer(inputs).map(\.bytes)
    }
    #expect(run(threads: 1) == run(threads: 2))
  }

  // MARK: Long contractions

  /// Sums of parts against float64 sums in another order.
  @Test(arguments: [(20, 12, 5000), (128, 128, 4099), (3, 300, 2500), (1, 100, 70_000)], [false, true])
  func longContractionsAreSumsOfParts(_ size: (m: Int, n: Int, k: Int), _ isTransposed: Bool) throws {
    let (m, n, k) = size
    let left = Tensor.normal(isTransposed ? [k, m] : [m, k], key: Key(1))
    let right = Tensor.normal([k, n], key: Key(2))
    let found = (isTransposed ? left.T : left).matmul(right)
    let (l, r) = ((isTransposed ? left.T : left).floats.map(Double.init), right.floats.map(Double.init))
    for (i, j) in [(0, 0), (m - 1, n - 1), (m / 2, n / 3)] {
      let expected = (0..<k).reversed().reduce(0.0) { $0 + l[i * k + $1] * r[$1 * n + j] }
      #expect(abs(Double(found.floats[i * n + j]) - expected) < 1e-6 * Double(k).squareRoot() * 8)
    }
  }

  @Test(arguments: [DType.float32, .float64])
  func longContractionsHaveTheSameBitsOnOneAndTwoThreads(_ dtype: DType) {
    let saved = Parallel.threads
    defer { Parallel.threads = saved }
    let left = Tensor.normal([9000, 40], key: Key(3), dtype: dtype)
    let right = Tensor.normal([9000, 56], key: Key(4), dtype: dtype)
    func run(threads: Int) -> [UInt8] {
      Parallel.threads = threads
      return compile { (x: [Tensor]) in x[0].T.matmul(x[1]) }([left, right]).bytes
    }
    #expect(run(threads: 1) == run(threads: 2))
  }
}
