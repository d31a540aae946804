import Testing

@testable import Soma

/// vmap against loops: axes, nesting, and composition with derivatives.
@Suite struct VectorizationTests {
  private static func numbers(_ shape: Shape, seed: Int) -> Tensor { DerivativeCase.numbers(shape, seed: seed) }

  /// Slice `i` along `axis`, the axis gone.
  private static func slice(_ x: Tensor, _ axis: Int, _ i: Int) -> Tensor { x.movingAxis(axis, to: 0)[i] }

  private static func loop(
    inAxis: Int, outAxis: Int, _ x: Tensor, _ f: (Tensor) -> Tensor
  ) -> Tensor {
    Tensor.stack((0..<x.shape[inAxis]).map { f(slice(x, inAxis, $0)) }, axis: outAxis)
  }

  @Test(arguments: 0..<3, 0..<2)
  func nestsOverAnyAxes(_ outerIn: Int, _ innerIn: Int) {
    let x = Self.numbers([3, 4, 5], seed: 1)
    // Not symmetric in its elements, and of another length than its argument.
    let f: (Tensor) -> Tensor = { v in Tensor.concatenate([v.cumulativeSum() * v.sin(), v[0..<2]]) }
    for outerOut in -3..<3 {
      for innerOut in -2..<2 {
        let nested = vmap(inAxes: [outerIn], outAxis: outerOut, vmap(inAxes: [innerIn], outAxis: innerOut, f))
        let expected = Self.loop(inAxis: outerIn, outAxis: outerOut, x) {
          Self.loop(inAxis: innerIn, outAxis: innerOut, $0, f)
        }
        #expect(nested(x).isClose(to: expected, relative: 1e-12), "out axes \(outerOut), \(innerOut)")
      }
    }
  }

  @Test func everyCombinationOfSharedAndBatchedArguments() {
    let (a, b) = (Self.numbers([3, 2, 4], seed: 1), Self.numbers([4, 3, 2], seed: 2))
    let f: ([Tensor]) -> [Tensor] = { [$0[0].matmul($0[1]), $0[0].sum()] }
    // a along 0 ([2, 4] each), b along 1 ([4, 2] each).
    let both = vmap(inAxes: [0, 1], outAxis: 0, f)([a, b])
    let left = vmap(inAxes: [0, nil], outAxis: 0, f)([a, b[.all, 1]])
    let right = vmap(inAxes: [nil, 1], outAxis: 0, f)([a[2], b])
    for i in 0..<3 {
      #expect(both[0][i].isClose(to: a[i].matmul(b[.all, i]), relative: 1e-12))
      #expect(both[1][i].isClose(to: a[i].sum(), relative: 1e-12))
      #expect(left[0][i].isClose(to: a[i].matmul(b[.all, 1]), relative: 1e-12))
      #expect(right[0][i].isClose(to: a[2].matmul(b[.all, i]), relative: 1e-12))
      // A result that does not depend on the batch is repeated.
      #expect(right[1][i].scalar == right[1][0].scalar)
    }
  }

  @Test func allPairsByNesting() {
    let (a, b) = (Self.numbers([3, 4], seed: 1), Self.numbers([5, 4], seed: 2))
    let pairs = vmap { (x: Tensor) in vmap { (y: Tensor) in (x - y).squared().sum() }(b) }(a)
    #expect(pairs.shape == [3, 5])
    for i in 0..<3 {
      for j in 0..<5 { #expect(pairs[i, j].isClose(to: (a[i] - b[j]).squared().sum(), relative: 1e-12)) }
    }
  }

  // MARK: Per-example gradients

  struct PerExample: Sendable, CustomStringConvertible {
    let description: String
    let parameters: [Tensor]
    let inputs: Tensor
    let loss: @Sendable ([Tensor], Tensor) -> Tensor
  }

  static let networks: [PerExample] = [
    PerExample(
      description: "dense", parameters: [numbers([4, 3], seed: 1), numbers([3], seed: 2)],
      inputs: numbers([5, 4], seed: 3)
    ) { p, x in -((x.matmul(p[0]) + p[1]).logSoftmax()[1]) },
    PerExample(
      description: "convolution", parameters: [numbers([3, 2, 3, 3], seed: 1), numbers([3, 1, 1], seed: 2)],
      inputs: numbers([5, 2, 6, 5], seed: 3)
    ) { p, x in
      (x.expandDimensions(at: 0).convolution(p[0], strides: [2, 1], padding: .same)[0] + p[1]).tanh().squared().sum()
    },
    PerExample(
      description: "grouped convolution and pooling", parameters: [numbers([4, 1, 3], seed: 1)],
      inputs: numbers([4, 2, 9], seed: 3)
    ) { p, x in
      x.expandDimensions(at: 0).convolution(p[0], padding: .same, groups: 2).maxPool([3]).squared().sum()
    },
    PerExample(
      description: "layer normalization", parameters: [numbers([6], seed: 1), numbers([6], seed: 2)],
      inputs: numbers([5, 3, 6], seed: 3)
    ) { p, x in
      let centered = x - x.mean([-1], keepsAxes: true)
      return ((centered * (x.variance([-1], keepsAxes: true) + 1e-5).rsqrt()) * p[0] + p[1]).sin().sum()
    },
    PerExample(
      description: "attention",
      parameters: [numbers([4, 4], seed: 1), numbers([4, 4], seed: 2), numbers([4, 4], seed: 3)],
      inputs: numbers([3, 5, 4], seed: 4)
    ) { p, x in
      let (q, k, v) = (x.matmul(p[0]), x.matmul(p[1]), x.matmul(p[2]))
      let scores = Tensor.select(Tensor.lowerTriangle(5, 5), q.matmul(k.T) / 2.0, -1e9)
      return scores.softmax().matmul(v).squared().sum()
    },
    PerExample(
      description: "recurrent", parameters: [numbers([3, 3], seed: 1), numbers([2, 3], seed: 2)],
      inputs: numbers([4, 6, 2], seed: 3)
    ) { p, x in
      scan([Tensor.zeros([3], dtype: .float64)], [x]) { carry, slice in
        ([(carry[0].matmul(p[0]) + slice[0].matmul(p[1])).tanh()], [])
      }.carries[0].squared().sum()
    },
    PerExample(
      description: "embedding", parameters: [numbers([7, 3], seed: 1)], inputs: numbers([4, 5], seed: 3)
    ) { p, x in p[0].take(((x + 1) * 3).floor().cast(to: .int32)).sum([0]).squared().sum() },
    PerExample(
      description: "checkpointed", parameters: [numbers([3, 3], seed: 1)], inputs: numbers([4, 3], seed: 3)
    ) { p, x in checkpoint { (v: [Tensor]) in v[1].matmul(v[0]).tanh() }([p[0], x]).squared().sum() },
  ]

  @Test(arguments: networks)
  func perExampleGradientsAgreeWithALoop(_ c: PerExample) {
    let gradients = vmap { (x: Tensor) in grad { c.loss($0, x) }(c.parameters) }(c.inputs)
    for i in 0..<c.inputs.shape[0] {
      let expected = grad { c.loss($0, c.inputs[i]) }(c.parameters)
      for (a, b) in zip(gradients, expected) {
        #expect(a[i].isClose(to: b, relative: 1e-10, absolute: 1e-13), "example \(i)")
      }
    }
  }

  @Test func perExampleGradientsOfALinearModelAreOuterProducts() {
    let (w, x, y) = (Self.numbers([4, 2], seed: 1), Self.numbers([6, 4], seed: 2), Self.numbers([6, 2], seed: 3))
    let gradients = vmap { (example: [Tensor]) in
      grad { (w: Tensor) in (example[0].matmul(w) - example[1]).squared().sum() * 0.5 }(w)
    }([x, y])
    let expected = x.expandDimensions(at: 2) * (x.matmul(w) - y).expandDimensions(at: 1)
    #expect(gradients.isClose(to: expected, relative: 1e-12))
  }

  @Test(arguments: networks)
  func theGradientOfABatchIsTheSumOfGradients(_ c: PerExample) {
    let ofBatch = grad { (p: [Tensor]) in vmap { (x: Tensor) in c.loss(p, x) }(c.inputs).sum() }(c.parameters)
    let each = vmap { (x: Tensor) in grad { c.loss($0, x) }(c.parameters) }(c.inputs)
    for (a, b) in zip(ofBatch, each) { #expect(a.isClose(to: b.sum([0]), relative: 1e-10, absolute: 1e-12)) }
  }

  @Test(arguments: networks)
  func forwardModeGoesThroughVectorization(_ c: PerExample) {
    let direction = c.parameters.enumerated().map { Self.numbers($1.shape, seed: 50 + $0) }
    let outside = jvp(c.parameters, tangent: direction) { p in vmap { (x: Tensor) in c.loss(p, x) }(c.inputs) }
    let inside = vmap { (x: Tensor) in jvp(c.parameters, tangent: direction) { c.loss($0, x) }.tangent }(c.inputs)
    for i in 0..<c.inputs.shape[0] {
      let expected = jvp(c.parameters, tangent: direction) { c.loss($0, c.inputs[i]) }
      #expect(outside.value[i].isClose(to: expected.value, relative: 1e-10, absolute: 1e-12))
      #expect(outside.tangent[i].isClose(to: expected.tangent, relative: 1e-10, absolute: 1e-12))
      #expect(inside[i].isClose(to: expected.tangent, relative: 1e-10, absolute: 1e-12))
    }
  }

  @Test func hessiansOfEachExample() {
    let x = Self.numbers([4, 3], seed: 1)
    let f: (Tensor) -> Tensor = { ($0.sin() * $0.reversed()).sum().exp() }
    let hessians = vmap { hessian(f)($0) }(x)
    for i in 0..<4 { #expect(hessians[i].isClose(to: hessian(f)(x[i]), relative: 1e-10)) }
  }

  /// Each problem of a batch draws what it would draw alone.
  @Test func randomnessOfABatchIsThatOfEachKey() {
    let keys = Tensor.stack(Key(5).split(6).map(\.words))
    let draws = vmap { (words: Tensor) in Tensor.normal([7], key: Key(words: words)) }(keys)
    for i in 0..<6 { #expect(draws[i].bytes == Tensor.normal([7], key: Key(words: keys[i])).bytes) }
  }
}
