import Testing

@testable import Soma

/// Random programs: the compiled result must be the op-by-op result, whatever fusion and memory planning do.
@Suite struct RandomGraphTests {
  /// A small deterministic generator.
  struct Generator {
    var state: UInt64
    mutating func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
  }

  /// Applies `count` random operations to random earlier values; shapes are [r, n], [r], [n] and scalars.
  static func program(seed: Int, count: Int) -> @Sendable ([Tensor]) -> [Tensor] {
    { inputs in
      var g = Generator(state: UInt64(seed) &* 77 &+ 5)
      var values = inputs
      let (r, n) = (inputs[0].shape[0], inputs[0].shape[1])
      for _ in 0..<count {
        let a = values[g.next(values.count)]
        let b = values[g.next(values.count)]
        let made: Tensor?
        switch g.next(24) {
        case 0: made = a + (Shape.broadcast(a.shape, b.shape) == nil ? a : b)
        case 1: made = a * (Shape.broadcast(a.shape, b.shape) == nil ? a : b) * 0.5
        case 2: made = a.tanh()
        case 3: made = a.sin() - 0.25
        case 4: made = a.rank == 2 ? a.sum([1]) * 0.3 : nil
        case 5: made = a.rank == 2 ? a.max([1], keepsAxes: true) : nil
        case 6: made = a.rank == 2 ? a.sum([0]) * 0.2 : nil
        case 7: made = a.rank == 1 && a.count == n ? a.broadcast(to: [r, n]) : nil
        case 8: made = a.rank == 2 && a.shape == [r, n] ? a.softmax() : nil
        case 9: made = a.rank == 2 && a.shape == [r, n] ? a.T.matmul(a).tanh().sum([1]) * 0.1 : nil
        case 10: made = Tensor.select(a .> 0.1, a, a * 0.1)
        case 11: made = a.rank == 2 && a.shape == [r, n] ? a.reshape([r * n]).reshape([r, n]).logistic() : nil
        case 12: made = a.rank == 2 && a.shape == [r, n] ? a[.all, .stride(by: -1)] : nil
        case 13: made = a.mean().broadcast(to: a.shape) + a
        case 14: made = (a * a + 1).sqrt()
        case 15: made = a.maximum(-0.5).minimum(0.75)
        case 16: made = a.rank == 2 && a.shape[1] == n ? a - a.mean([1], keepsAxes: true) : nil
        case 17: made = a.rank == 2 && a.shape == [r, n] ? a[.all, 0..<(n - 1)].padded([(0, 0), (1, 0)]) : nil
        case 18:
          made = a.rank == 2 && a.shape == [r, n] ? Tensor.concatenate([a, a * 2], axis: 1)[.all, 1..<(n + 1)] : nil
        case 19: made = a.rank == 1 && a.count == r ? a.expandDimensions(at: 1).broadcast(to: [r, n]) : nil
        case 20: made = a.cumulativeSum(0) * 0.1
        case 21:
          made = a.rank == 2 && a.shape == [r, n] ? a.matmul(a.T.matmul(a).tanh() * (0.5 / Float(n))) + values[2] : nil
        case 22: made = a.rank == 2 && a.shape == [r, n] ? (a.matmul(values[0].T) / Float(n)).softmax().matmul(a) : nil
        default: made = a.cast(to: a.dtype == .float32 ? .float64 : .float32).exp().log1p().cast(to: a.dtype)
        }
        if let made { values.append(made) }
      }
      return Array(values.suffix(6))
    }
  }

  @Test(arguments: 0..<300)
  func compiledEqualsOpByOp(_ seed: Int) {
    let (r, n) = [(3, 5), (1, 7), (40, 33), (64, 1), (130, 100), (5, 600)][seed % 6]
    let inputs = [
      Tensor.normal([r, n], key: Key(seed)), Tensor.normal([r], key: Key(seed + 1)),
      Tensor.normal([n], key: Key(seed + 2)),
    ]
    let f = Self.program(seed: seed, count: 30)
    let expected = f(inputs)
    let found = compile(f)(inputs)
    for (a, b) in zip(found, expected) {
      #expect(a.type == b.type)
      #expect(a.isClose(to: b, relative: 2e-5, absolute: 2e-5), "seed \(seed)")
    }
  }

  @Test(arguments: 0..<60)
  func compiledGradientsEqualOpByOp(_ seed: Int) {
    let (r, n) = [(3, 5), (40, 33), (7, 200)][seed % 3]
    let inputs = [
      Tensor.normal([r, n], key: Key(seed), dtype: .float64), Tensor.normal([r], key: Key(seed + 1), dtype: .float64),
      Tensor.normal([n], key: Key(seed + 2), dtype: .float64),
    ]
    let f = Self.program(seed: seed, count: 25)
    let g: @Sendable ([Tensor]) -> [Tensor] = {
      grad { (x: [Tensor]) in f(x).map { $0.cast(to: .float64).sin().mean() }.reduce(Tensor(0, dtype: .float64), +) }(
        $0)
    }
    for (a, b) in zip(compile(g)(inputs), g(inputs)) {
      #expect(a.isClose(to: b, relative: 1e-6, absolute: 1e-7), "seed \(seed)")
    }
  }
}
