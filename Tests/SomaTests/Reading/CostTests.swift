import Testing

@testable import Soma

/// Counts of operations, by hand: a multiplication with an addition is two.
@Suite struct CostTests {
  private static func cost(_ shapes: [Shape], parameters: Int = 0, _ function: ([Tensor]) -> [Tensor]) -> CostReport {
    Graph(tracing: shapes.map { TensorType(shape: $0) }, function).cost(parameterInputs: parameters)
  }

  @Test func aDenseLayer() {
    let report = Self.cost([[64, 48], [48], [32, 64]], parameters: 2) { [$0[2].matmul($0[0]) + $0[1]] }
    #expect(report.byOperation["dot"]?.operations == 2 * 32 * 64 * 48)
    #expect(report.byOperation["add"]?.operations == 32 * 48)
    #expect(report.total.operations == 2 * 32 * 64 * 48 + 32 * 48)
    #expect(report.parameters == 64 * 48 + 48)
    #expect(report.byOperation["dot"]?.bytesMoved == 4 * (32 * 64 + 64 * 48 + 32 * 48))
    // The product, the stretched bias and the sum are alive together.
    #expect(report.peakActivationBytes == 3 * 4 * 32 * 48)
  }

  @Test func aBackwardPassOfADenseLayerTakesTwiceItsProducts() {
    let report = Self.cost([[64, 48], [32, 64]]) { x in
      grad { (p: [Tensor]) in p[1].matmul(p[0]).sum() }(x)
    }
    #expect(report.byOperation["dot"]?.operations == 2 * 2 * 32 * 64 * 48)
  }

  @Test(arguments: [1, 2, 4])
  func convolutions(_ groups: Int) {
    // [2, 8, 10, 9] with 12 kernels of 3×2, strides 2 and 1, no padding: 4×8 positions.
    let kernel: Shape = [12, 8 / groups, 3, 2]
    let expected = 2 * (2 * 12 * 4 * 8) * (8 / groups) * (3 * 2)
    let forward = Self.cost([[2, 8, 10, 9], kernel]) { [$0[0].convolution($0[1], strides: [2, 1], groups: groups)] }
    #expect(forward.total.operations == expected)
    // Each of the three roles takes the same products.
    let backward = Self.cost([[2, 8, 10, 9], kernel]) { x in
      grad { (p: [Tensor]) in p[0].convolution(p[1], strides: [2, 1], groups: groups).sum() }(x)
    }
    #expect(backward.byOperation["convolution.input"]?.operations == expected)
    #expect(backward.byOperation["convolution.kernel"]?.operations == expected)
  }

  @Test func attention() {
    let (b, h, t, d) = (2, 3, 7, 5)
    let report = Self.cost([[b, h, t, d], [b, h, t, d], [b, h, t, d]]) {
      [($0[0].matmul($0[1].T) * 0.5).softmax().matmul($0[2])]
    }
    #expect(report.byOperation["dot"]?.operations == 2 * (2 * b * h * t * t * d))
    // Scale, maximum, subtract, exp, sum, divide: once an element of the scores.
    #expect(report.total.operations == 2 * (2 * b * h * t * t * d) + 6 * b * h * t * t)
  }

  @Test func aLoopCostsItsBodyTimesItsLength() {
    let report = Self.cost([[8], [20, 8], [8, 8]]) { x in
      scan([x[0]], [x[1]]) { carry, slice in ([(carry[0].matmul(x[2]) + slice[0]).tanh()], []) }.carries
    }
    #expect(report.total.operations == 20 * (2 * 8 * 8 + 8 + 8))
  }

  @Test func smallUpdatesOfALargeTableAreCheap() {
    let indices = Tensor([5, 7, 5] as [Int32])
    let report = Self.cost([[10_000, 4], [3, 4]]) { [$0[0].scatterAdding($0[1], at: indices)] }
    #expect(report.total.operations == 3 * 4)
  }

  @Test func scopesAddUpToTheWhole() {
    let report = Self.cost([[16, 8], [8, 4], [4, 4]]) { x in
      let hidden = scoped("network/0") { x[0].matmul(x[1]) }
      let result = scoped("network/1") { scoped("network/1/inner") { hidden.matmul(x[2]) }.tanh() }
      return [result.sum()]
    }
    #expect(report.byScope["network/0"]?.operations == 2 * 16 * 8 * 4)
    #expect(report.byScope["network/1"]?.operations == 16 * 4)
    #expect(report.byScope["network/1/inner"]?.operations == 2 * 16 * 4 * 4)
    #expect(report.cost(ofScope: "network/1").operations == 16 * 4 + 2 * 16 * 4 * 4)
    #expect(report.cost(ofScope: "network").operations == 2 * 16 * 8 * 4 + 16 * 4 + 2 * 16 * 4 * 4)
    // A name that only begins alike is another layer.
    #expect(report.cost(ofScope: "net").operations == 0)
    #expect(report.byScope[""]?.operations == 16 * 4)
    #expect(report.byScope.values.reduce(Cost(), +) == report.total)
    #expect(report.byOperation.values.reduce(Cost(), +) == report.total)
  }

  @Test func derivativesCountForTheLayersTheyComeFrom() {
    let report = Self.cost([[16, 8], [8, 4]]) { x in
      [grad { (w: Tensor) in scoped("layer") { x[0].matmul(w) }.squared().sum() }(x[1])]
    }
    #expect(report.byScope["layer"]?.operations == 2 * (2 * 16 * 8 * 4))
  }

  @Test func checkpointsPayForTheirRecomputation() {
    func operations(_ f: @escaping (Tensor) -> Tensor) -> Int {
      Self.cost([[50]]) { x in
        let (value, gradient) = valueAndGrad(x[0]) { f($0).sum() }
        return [value, gradient]
      }.byOperation["exp"]?.operations ?? 0
    }
    let f: (Tensor) -> Tensor = { $0.exp().sin() }
    #expect(operations(f) == 50)
    #expect(operations(checkpoint(f)) == 2 * 50)
  }

  @Test func movesCostBytesAndNoOperations() {
    let report = Self.cost([[6, 4]]) { [Tensor.concatenate([$0[0].T, $0[0].T.reversed()], axis: 1)[0..<2]] }
    #expect(report.total.operations == 0)
    #expect(report.total.bytesMoved > 0 && report.total.intensity == 0)
  }
}
