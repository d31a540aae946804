import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct MatrixActivationTests {
  private func variables(_ layer: MatrixActivation, _ shape: Shape, _ dtype: DType = .float64) -> Variables {
    layer.initialized(for: TensorType(shape: shape, dtype: dtype), key: Key(0))
  }

  @Test func beginsAsReLU() {
    let x = Tensor.normal([25_000, 4], key: Key(1))
    for layer in [
      MatrixActivation.diagonal(), .tridiagonal(), .tridiagonal(columnWise: true), .block2(),
      .diagonal(continuous: true),
    ] {
      let start = variables(layer, x.shape, .float32)
      let y = layer.apply(start, x)
      if layer.isContinuous {
        #expect(y.isClose(to: x.maximum(0), relative: 1e-5, absolute: 1e-6))
      } else {
        #expect(y.floats == x.maximum(0).floats, "\(layer.form)")
      }
      let g = grad { (x: Tensor) in layer.apply(start, x).sum() }(x)
      #expect(g.isClose(to: (x .> 0).cast(to: .float32), absolute: 1e-6))
    }
  }

  @Test func binsHoldTheirUpperEnd() {
    let layer = MatrixActivation.diagonal(breakpoints: [-1, 0, 1])
    let values = [-1, -0.999, 0, 1e-30, 1, 1.001]
    #expect(values.map { layer.bin($0) } == [0, 1, 1, 2, 2, 3])
    // The same bins are met in the tensor form: factors 10, 20, 30, 40.
    let t = Parameters([("diagonal", Tensor([10.0, 20, 30, 40], shape: [4, 1]))])
    let x = Tensor([-1, -0.5, 0, 0.5, 1, 1.25], shape: [6, 1])
    #expect(layer.apply(Variables(parameters: t), x).doubles == [-10, -10, 0, 15, 30, 50])
    #expect(layer.apply(Variables(parameters: t), Tensor([Double.nan], shape: [1, 1])).scalar.isNaN)
    #expect(layer.curve(t, unit: 0, over: [-1, 0.5]) == [-10, 15])
  }

  @Test func knownSpecialCases() {
    let x = Tensor.normal([50, 3], key: Key(2), dtype: .float64)
    let identity = MatrixActivation.diagonal(sharing: .layer)
    func with(_ values: [Double]) -> Variables {
      Variables(parameters: Parameters([("diagonal", Tensor(values, shape: [values.count, 1]))]))
    }
    #expect(identity.apply(with([Double](repeating: 1, count: 12)), x).doubles == x.doubles)
    #expect(identity.apply(with([Double](repeating: -2.5, count: 12)), x).doubles == (x * -2.5).doubles)
    let leaky = MatrixActivation.diagonal(breakpoints: [0], sharing: .layer)
    let y = leaky.apply(with([0.1, 1]), x)
    #expect(y.isClose(to: Tensor.select(x .> 0, x, 0.1 * x), relative: 1e-12))
    let weights = Tensor.normal([50, 3], key: Key(3), dtype: .float64)
    let g = grad { (t: Tensor) in
      (leaky.apply(Variables(parameters: Parameters([("diagonal", t)])), x) * weights).sum()
    }(Tensor([0.1, 1], shape: [2, 1]))
    #expect(abs(g[0, 0].scalar - (x.minimum(0) * weights).sum().scalar) < 1e-10)
  }

  @Test func tridiagonalMatricesWithConstantEntries() {
    let layer = MatrixActivation.tridiagonal(breakpoints: [0.3])
    let (d, l, u) = (Tensor([1.0, 2, 3, 4]), Tensor([9.0, 5, 6, 7]), Tensor([-1.0, -2, -3, 9]))
    func both(_ t: Tensor) -> Tensor { Tensor.stack([t, t]) }
    let p = Parameters([("diagonal", both(d)), ("lower", both(l)), ("upper", both(u))])
    let x = Tensor.normal([5, 4], key: Key(4), dtype: .float64)
    let matrix = Tensor([[1.0, -1, 0, 0], [5, 2, -2, 0], [0, 6, 3, -3], [0, 0, 7, 4]])
    #expect(layer.apply(Variables(parameters: p), x).isClose(to: x.matmul(matrix.T), relative: 1e-10, absolute: 1e-12))
  }

  @Test func derivativesAgreeWithDifferences() {
    let forms: [MatrixActivation] = [
      .diagonal(), .diagonal(sharing: .layer, continuous: true), .tridiagonal(columnWise: true), .block2(), .modReLU(),
    ]
    for layer in forms {
      let x = Tensor.uniform([6, 4], low: -1.5, high: 1.5, key: Key(5), dtype: .float64)
      let start = variables(layer, x.shape).parameters.map { name, t in
        .normal(t.shape, key: Key(6).folding(name), dtype: .float64)
      }
      let weights = Tensor.normal([6, 4], key: Key(7), dtype: .float64)
      func value(_ p: Parameters, _ x: Tensor) -> Double {
        (layer.apply(Variables(parameters: p), x) * weights).sum().scalar
      }
      let (_, g) = valueAndGrad(start) { p in (layer.apply(Variables(parameters: p), x) * weights).sum() }
      let direction = start.map { name, t in .normal(t.shape, key: Key(8).folding(name), dtype: .float64) }
      func moved(_ h: Double) -> Parameters { start.map { $1 + h * direction[$0]! } }
      let slope = zip(g.leaves, direction.leaves).reduce(0) { $0 + ($1.0 * $1.1).sum().scalar }
      let h = layer.form == .modReLU(epsilon: 1e-6) ? 1e-6 : 1e-3
      let difference = (value(moved(h), x) - value(moved(-h), x)) / (2 * h)
      #expect(abs(difference - slope) < 1e-8 * max(1, abs(slope)), "\(layer.form)")
      // Along the input, away from the breakpoints.
      guard x.doubles.allSatisfy({ v in layer.breakpoints.allSatisfy { abs(v - $0) > 1e-3 } }) else { continue }
      let gx = grad { (x: Tensor) in (layer.apply(Variables(parameters: start), x) * weights).sum() }(x)
      let dx = Tensor.uniform([6, 4], low: -1, high: 1, key: Key(9), dtype: .float64)
      let along = (value(start, x + 1e-6 * dx) - value(start, x - 1e-6 * dx)) / 2e-6
      #expect(abs(along - (gx * dx).sum().scalar) < 1e-6 * max(1, abs(along)), "\(layer.form)")
    }
  }

  @Test func channelsOfImages() {
    let image = Tensor.normal([2, 4, 3, 5], key: Key(10), dtype: .float64)
    for layer in [MatrixActivation.tridiagonal(), .block2()] {
      let p = variables(layer, image.shape).parameters.map { name, t in
        .normal(t.shape, key: Key(11).folding(name), dtype: .float64)
      }
      let pixels = layer.apply(Variables(parameters: p), image.transposed([0, 2, 3, 1]).reshape([30, 4]))
      let expected = pixels.reshape([2, 3, 5, 4]).transposed([0, 3, 1, 2])
      #expect(layer.apply(Variables(parameters: p), image).isClose(to: expected, relative: 1e-12))
    }
  }

  @Test func continuousPiecesMeet() {
    let layer = MatrixActivation.diagonal(sharing: .layer, continuous: true)
    let t = Tensor.normal([12, 1], key: Key(12), dtype: .float64)
    let variables = Variables(parameters: Parameters([("diagonal", t)]))
    func value(_ x: Double) -> Double { layer.apply(variables, Tensor([x], shape: [1, 1])).scalar }
    for s in layer.breakpoints { #expect(abs(value(s + 1e-9) - value(s - 1e-9)) < 1e-6) }
    for (k, middle) in ([-1.3] + (0..<10).map { -0.9 + 0.2 * Double($0) } + [1.3]).enumerated() {
      #expect(abs((value(middle + 1e-4) - value(middle - 1e-4)) / 2e-4 - t.doubles[k]) < 1e-8)
    }
  }
}
