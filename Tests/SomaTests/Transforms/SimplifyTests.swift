import Testing

@testable import Soma

/// What simplification leaves of a graph.
@Suite struct SimplifyTests {
  private static let type = TensorType(shape: [3, 4], dtype: .float64)

  private static func names(_ count: Int = 1, _ function: ([Tensor]) -> [Tensor]) -> [String] {
    Graph(tracing: [TensorType](repeating: type, count: count), function).simplified().nodes.map(\.primitive.name)
  }

  @Test func commonSubexpressionsAreMerged() {
    #expect(
      Self.names { [$0[0].sin() * 2.5 + $0[0].sin() * 2.5] } == ["sin", "constant", "broadcast", "multiply", "add"])
    // Equal settings merge, other settings do not.
    #expect(Self.names { [$0[0].sum([0]), $0[0].sum([0]), $0[0].sum([1])] } == ["reduce.sum", "reduce.sum"])
    #expect(Self.names(2) { [$0[0].sin() + $0[1].sin()] } == ["sin", "sin", "add"])
  }

  @Test func equalConstantsAreMerged() {
    let (a, b) = (Tensor([1.0, 2, 3, 4]), Tensor([1.0, 2, 3, 4]))
    #expect(Self.names { [($0[0] + a) * ($0[0] + b)] } == ["constant", "broadcast", "add", "multiply"])
  }

  @Test func deadCodeGoesAndInputsStay() {
    let graph = Graph(tracing: [Self.type, Self.type]) { x in
      _ = x[1].exp().sum()
      return [x[0].sin()]
    }
    #expect(graph.nodes.count == 3)
    let simplified = graph.simplified()
    #expect(simplified.nodes.map(\.primitive.name) == ["sin"])
    #expect(simplified.inputTypes == graph.inputTypes && simplified.outputTypes == graph.outputTypes)
  }

  @Test func operationsThatChangeNothingGo() {
    #expect(Self.names { [$0[0] * 1] } == [])
    #expect(Self.names { [1 * $0[0]] } == [])
    #expect(Self.names { [$0[0] / 1] } == [])
    #expect(Self.names { [$0[0] - 0] } == [])
    #expect(Self.names { [-(-$0[0])] } == [])
    #expect(Self.names { [$0[0].stopGradient()] } == [])
    #expect(Self.names { [$0[0].T.T] } == [])
    #expect(Self.names { [$0[0].reshape(12).reshape(2, 6).reshape(3, 4)] } == [])
  }

  /// `-0 + 0` is 0 and `∞ · 0` is NaN: what does not hold to the bit is left alone.
  @Test func identitiesThatAreNotExactAreNotApplied() {
    #expect(Self.names { [$0[0] + 0] }.contains("add"))
    #expect(Self.names { [0 - $0[0]] }.contains("subtract"))
    #expect(Self.names { [$0[0] * 0] }.contains("multiply"))
    let x = Tensor([-0.0, .infinity])
    #expect(compile { (x: Tensor) in x + 0 }(x).bytes == Tensor([0.0, .infinity]).bytes)
    #expect(compile { (x: Tensor) in x * 0 }(x).doubles[1].isNaN)
  }

  @Test func chainsOfMovesBecomeOne() {
    let graph = Graph(tracing: [TensorType(shape: [2, 3, 4])]) { x in
      [x[0].transposed(1, 2, 0).transposed(2, 1, 0), x[0].reshape(6, 4).reshape(24)]
    }
    let nodes = graph.simplified().nodes
    #expect(nodes.map(\.primitive) == [.transpose([0, 2, 1]), .reshape([24])])
  }

  @Test func customFunctionsGiveWayToTheirBodies() {
    #expect(Self.names { [straightThrough($0[0]) { $0.round() } + $0[0].round()] } == ["round", "add"])
  }

  /// Merging a recomputed value with the kept one would undo the checkpoint.
  @Test func checkpointsAreNotMergedWithWhatIsOutside() {
    let f: (Tensor) -> Tensor = { $0.sin().exp() }
    func count(_ f: @escaping (Tensor) -> Tensor) -> Int {
      Self.names { x in [f(x[0])] + [grad { f($0).squared().sum() }(x[0])] }.filter { $0 == "sin" }.count
    }
    // Value and gradient share everything; with the checkpoint: the value's, the forward pass's and the recomputed one.
    #expect(count(f) == 1)
    #expect(count(checkpoint(f)) > 1)
    let twice = Self.names { x in [checkpoint(f)(x[0]), checkpoint(f)(x[0] + 0)] }
    #expect(twice.filter { $0 == "sin" }.count == 2)
  }

  @Test func randomnessOfOneKeyIsDrawnOnce() {
    let names = Self.names { x in
      let key = Key(3).folding(x[0].sum().cast(to: .int32))
      return [Tensor.uniform([5], key: key), Tensor.uniform([5], key: key)]
    }
    #expect(names.filter { $0 == "randomBits" }.count == 2)
  }
}
