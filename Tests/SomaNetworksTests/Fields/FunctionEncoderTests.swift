import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct FunctionEncoderTests {
  private let encoder = FunctionEncoder(
    inputDimension: 1, size: 2048, alpha: 15, beta: 2.5, key: Key(1), dtype: .float64)
  private func column(_ values: [Double]) -> Tensor { Tensor(values, shape: [values.count, 1]) }
  private func f(_ x: Tensor) -> Tensor {
    (x * (2 * Double.pi)).sin() * 0.4 + ((x - 0.6).squared() * -20.0).exp() * 0.5
  }

  @Test func similarityIsTheGaussianOfTheDistance() {
    let wide = FunctionEncoder(inputDimension: 1, size: 8000, alpha: 15, key: Key(2), dtype: .float64)
    func alike(_ a: Double, _ b: Double) -> Double {
      wide.similarity(wide.place(column([a])), wide.place(column([b]))).doubles[0]
    }
    #expect(abs(alike(0.2, 0.25) - 0.7548396) < 0.02)
    #expect(abs(alike(0.2, 0.2) - 1) < 1e-12)
    // Over keys the variance is (1 - k²)²/(2N).
    let k = 0.7548396
    let found = (0..<200).map { key -> Double in
      let e = FunctionEncoder(inputDimension: 1, size: 256, alpha: 15, key: Key(key), dtype: .float64)
      return e.similarity(e.place(column([0.2])), e.place(column([0.25]))).doubles[0]
    }
    let mean = found.reduce(0, +) / 200
    let variance = found.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 199
    #expect(abs(variance / ((1 - k * k) * (1 - k * k) / 512) - 1) < 0.4)
  }

  @Test func unbindingInvertsBinding() {
    let v = Hypervector(
      real: .normal([2048], key: Key(3), dtype: .float64), imaginary: .normal([2048], key: Key(4), dtype: .float64))
    let place = encoder.place(Tensor([0.37]))
    let back = place.bound(to: v).unbound(from: place)
    #expect(
      (back.real - v.real).abs().max().scalar < 1e-12 && (back.imaginary - v.imaginary).abs().max().scalar < 1e-12)
  }

  @Test func shiftsAreBindings() {
    let (x, c) = (Tensor([0.31]), Tensor([0.22]))
    let (moved, bound) = (encoder.place(x + c), encoder.place(x).bound(to: encoder.place(c)))
    #expect(
      (moved.real - bound.real).abs().max().scalar < 1e-9
        && (moved.imaginary - bound.imaginary).abs().max().scalar < 1e-9)
  }

  @Test func repeatedSamplesDoNotMoveTheRefinedEncoding() {
    let x = Tensor.uniform([60, 1], key: Key(5), dtype: .float64)
    let doubled = Tensor.concatenate([x, x])
    let repeated = Tensor.concatenate([x, x[0..<1].broadcast(to: [50, 1])])
    func compare(_ other: Tensor, _ refine: FunctionEncoder.Refinement) -> Double {
      encoder.similarity(encoder.encode(x, f(x), refine: refine), encoder.encode(other, f(other), refine: refine))
        .scalar
    }
    #expect(compare(doubled, .smallestBall()) >= 0.97)
    #expect(compare(repeated, .smallestBall()) >= 0.97)
    #expect(compare(repeated, .none) < 0.9)
  }

  @Test func refinementRaisesTheWorstFit() {
    let x = Tensor.concatenate([
      Tensor.uniform([20, 1], key: Key(6), dtype: .float64),
      Tensor.uniform([80, 1], low: 0.2, high: 0.3, key: Key(7), dtype: .float64),
    ])
    let fits = [0, 1, 5, 20, 80, 200].map { steps -> Double in
      let refine: FunctionEncoder.Refinement = steps == 0 ? .none : .smallestBall(steps: steps)
      return encoder.worstFit(encoder.encode(x, f(x), refine: refine), x, f(x)).scalar
    }
    #expect(fits.last! >= fits[0])
    // A step moves the encoding, and so every fit, by at most its rate.
    for (steps, pair) in zip([0, 1, 5, 20, 80], zip(fits, fits.dropFirst())) {
      #expect(pair.1 >= pair.0 - 1 / Double(steps + 2))
    }
  }

  @Test func decodesWhatWasEncoded() {
    let one = encoder.encode(column([0.4]), column([0.3]))
    let (value, confidence) = encoder.decode(one, at: column([0.4]))
    #expect(abs(value.doubles[0] - 0.3) < 1e-3 && abs(confidence.doubles[0] - 1) < 1e-6)
    let x = Tensor.linspace(0, 1, count: 50, dtype: .float64).reshape(50, 1)
    let constant = encoder.encode(x, x * 0 - 0.2)
    let found = encoder.decode(constant, at: column([0.03, 0.5, 0.77]))
    #expect(found.values.doubles.allSatisfy { abs($0 + 0.2) < 0.02 })
    // Far from every sample the answer is not sure.
    let far = encoder.decode(one, at: column([0.9])).confidence.doubles[0]
    #expect(far < 0.2)
  }

  @Test func vectorsDecodeToo() {
    let two = FunctionEncoder(
      inputDimension: 2, outputDimension: 2, size: 4096, alpha: 8, beta: 2, key: Key(9), dtype: .float64)
    let x = Tensor([0.3, 0.6], shape: [1, 2])
    let y = Tensor([-0.4, 0.7], shape: [1, 2])
    let found = two.decodeVectors(two.encode(x, y), at: x).values.doubles
    #expect(abs(found[0] + 0.4) < 0.02 && abs(found[1] - 0.7) < 0.02)
  }

  @Test func withoutValuesItEncodesTheSetOfPlaces() {
    let blind = FunctionEncoder(inputDimension: 1, size: 512, alpha: 15, beta: 1e-12, key: Key(1), dtype: .float64)
    let x = Tensor.uniform([30, 1], key: Key(8), dtype: .float64)
    let (a, b) = (blind.encode(x, f(x), refine: .none), blind.encode(x, refine: .none))
    #expect(abs(blind.similarity(a, b).scalar - 1) < 1e-9)
  }

  @Test func isDifferentiableInPlacesAndValues() {
    let small = FunctionEncoder(inputDimension: 1, size: 64, alpha: 3, key: Key(1), dtype: .float64)
    let goal = small.encode(column([0.1, 0.6]), column([0.2, -0.3]), refine: .none)
    func score(_ inputs: [Tensor]) -> Tensor { small.encode(inputs[0], inputs[1], refine: .none).inner(goal) }
    let at = [column([0.15, 0.5]), column([0.1, -0.2])]
    let slope = grad(score)(at)
    for k in 0..<2 {
      var (up, down) = (at, at)
      up[k] = at[k] + column([1e-6, 0])
      down[k] = at[k] - column([1e-6, 0])
      #expect(abs(slope[k].doubles[0] - (score(up).scalar - score(down).scalar) / 2e-6) < 1e-7)
    }
  }

  @Test func layerEncodesEachSetByItself() {
    let layer = FunctionEncoding(encoder, refine: .smallestBall(steps: 20))
    let x = Tensor.uniform([3, 15, 1], key: Key(11), dtype: .float64)
    let sets = Tensor.concatenate([x, f(x)], axis: 2)
    let y = layer.apply(Variables(), sets)
    #expect(y.shape == [3, 4096])
    let single = encoder.encode(x[1], f(x)[1], refine: .smallestBall(steps: 20)).features
    #expect((y[1] - single).abs().max().scalar < 1e-9)
  }
}
