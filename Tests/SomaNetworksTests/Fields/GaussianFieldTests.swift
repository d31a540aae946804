import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct GaussianFieldTests {
  private let f = Tensor([0.2, -0.1], shape: [1, 2])
  private let centres = Tensor([[0, 0], [0.5, 0.5], [0.2, -0.3]])
  private let inverse = Tensor([[2, 2], [1, 3], [4, 0.5]])

  // From NumPy.
  @Test func kernelsAndTheirSums() {
    let phi = GaussianKernels.exponents(f, centres: centres, inverseWidths: inverse).exp().doubles
    #expect(zip(phi, [0.90483742, 0.18919066, 0.99501248]).allSatisfy { abs($0 - $1) < 6e-9 })
    for (isNormalized, expected) in [(false, 1.12396234), (true, 0.59015915)] {
      let layer = GaussianKernels(count: 3, isNormalized: isNormalized)
      let parameters = Parameters([
        ("centre", centres), ("sharpness", inverse.log()), ("weight", Tensor([[1], [-2], [0.5]])),
        ("bias", Tensor([0.1])),
      ])
      let y = layer.apply(Variables(parameters: parameters), f).doubles[0]
      #expect(abs(y - expected) < 6e-8)
    }
  }

  @Test(arguments: [DType.float32, .float64]) func bothFormsAgree(_ dtype: DType) {
    let f = Tensor.normal([50, 5], key: Key(1), dtype: dtype)
    let c = Tensor.concatenate([f[0..<3], Tensor.normal([4, 5], key: Key(2), dtype: dtype)])
    let a = Tensor.uniform([7, 5], low: 0.2, high: 2, key: Key(3), dtype: dtype)
    let direct = GaussianKernels.exponents(f, centres: c, inverseWidths: a).exp()
    let fast = GaussianKernels.fastExponents(f, centres: c, inverseWidths: a).exp()
    #expect((direct - fast).abs().max().scalar < (dtype == .float32 ? 1e-5 : 1e-12))
    #expect(direct[0, 0].scalar == 1 && abs(fast[0, 0].scalar - 1) < (dtype == .float32 ? 1e-5 : 1e-12))
  }

  @Test func normalizedKernelsShareOneUnit() {
    let single = GaussianKernels(count: 1)
    var start = single.initialized(for: TensorType(shape: [1, 2], dtype: .float64), key: Key(1))
    start.parameters["bias"] = Tensor([0.25])
    let w = start.parameters["weight"]!.doubles[0]
    let x = Tensor.normal([20, 2], deviation: 5, key: Key(2), dtype: .float64)
    #expect(single.apply(start, x).doubles.allSatisfy { abs($0 - w - 0.25) < 1e-12 })
  }

  @Test func farFeaturesStayFinite() {
    let far = Tensor([1e4, -1e4], shape: [1, 2])
    for isNormalized in [false, true] {
      let layer = GaussianKernels(count: 3, isNormalized: isNormalized)
      let parameters = Parameters([
        ("centre", centres), ("sharpness", inverse.log()), ("weight", Tensor([[1], [-2], [0.5]])),
        ("bias", Tensor([0.1])),
      ])
      let y = layer.apply(Variables(parameters: parameters), far).doubles[0]
      // Nearest in its own widths is the first kernel; the third has a width of 2 along the second axis but ¼ along the first.
      let nearest = GaussianKernels.exponents(far, centres: centres, inverseWidths: inverse).argMax(-1).ints[0]
      #expect(abs(y - (isNormalized ? [1, -2, 0.5][nearest] + 0.1 : 0.1)) < 1e-9)
    }
  }

  @Test func gridsInterpolateBetweenNodes() {
    let grid = FeatureGrid(resolutions: [3], channels: 1)
    let values = (0..<9).map { Double($0 * $0) }
    let parameters = Parameters([("level0", Tensor(values, shape: [9, 1]))])
    func at(_ y: Double, _ x: Double) -> Double {
      grid.apply(Variables(parameters: parameters), Tensor([y, x], shape: [1, 2])).doubles[0]
    }
    for i in 0..<3 { for j in 0..<3 { #expect(at(Double(i - 1), Double(j - 1)) == values[3 * i + j]) } }
    #expect(abs(at(-1, -0.75) - 0.25) < 1e-12)
    #expect(abs(at(0.5, 0.5) - (16 + 25 + 49 + 64) / 4.0) < 1e-12)
    #expect(at(3, 1) == at(1, 1))
    let slope = grad { (p: Parameters) in
      grid.apply(Variables(parameters: p), Tensor([0.3, -0.4], shape: [1, 2])).sum()
    }(parameters)["level0"]!.doubles
    #expect(slope.count { $0 != 0 } == 4 && abs(slope.reduce(0, +) - 1) < 1e-12)
  }

  @Test func everyStorageOfAGridReadsPlaces() {
    let x = Tensor.uniform([40, 3], low: -1, high: 1, key: Key(1))
    for storage in [
      FeatureGrid.Storage.dense, .hashed(size: 64), .triPlane(multiplies: true), .triPlane(multiplies: false),
    ] {
      let grid = FeatureGrid(resolutions: [4, 9], channels: 2, storage: storage)
      let start = grid.initialized(for: [1, 3], key: Key(2))
      let y = grid.apply(start, x)
      #expect(y.shape == [40, 4] && y.floats.allSatisfy { $0.isFinite } && y.variance().scalar > 0)
    }
    // A small level fits into a table and is kept as it is.
    let hashed = FeatureGrid(resolutions: [4, 9], channels: 2, storage: .hashed(size: 64))
    #expect(hashed.variableTypes(for: TensorType(shape: [1, 3])).parameters.map { $0.type.shape[0] } == [64, 64])
  }

  @Test func constantMediumGivesBeersLaw() {
    let (sigma, length, count) = (0.7, 2.0, 64)
    let density = Tensor.full([1, count], sigma, dtype: .float64)
    let steps = Tensor.full([1, count], length / Double(count), dtype: .float64)
    let colour = Tensor([0.2, 0.5, 0.9]).broadcast(to: [1, count, 3])
    let background = Tensor([1.0, 0.1, 0.3])
    let (seen, weights, remainder) = VolumeRendering.composite(
      densities: density, colours: colour, steps: steps, background: background)
    let through = exp(-sigma * length)
    for (i, c) in [0.2, 0.5, 0.9].enumerated() {
      #expect(abs(seen.doubles[i] - ((1 - through) * c + through * [1.0, 0.1, 0.3][i])) < 1e-10)
    }
    #expect(abs(weights.sum().scalar + remainder.sum().scalar - 1) < 1e-12)
  }

  @Test func sphericalHarmonicsAreOrthonormal() {
    // Gauss's rule in z and equal angles integrate these products exactly.
    let (nodes, weights) = ([-0.7745966692414834, 0, 0.7745966692414834], [5.0 / 9, 8.0 / 9, 5.0 / 9])
    var (directions, area) = ([Double](), [Double]())
    for (z, w) in zip(nodes, weights) {
      for k in 0..<8 {
        let (a, r) = (2 * Double.pi * Double(k) / 8, (1 - z * z).squareRoot())
        directions += [r * cos(a), r * sin(a), z]
        area.append(w * 2 * .pi / 8)
      }
    }
    let y = sphericalHarmonics(Tensor(directions, shape: [24, 3]))
    let gram = (y * Tensor(area).reshape(24, 1)).T.matmul(y)
    #expect((gram - Tensor.eye(9, dtype: .float64)).abs().max().scalar < 1e-12)
  }

  @Test func linearPlaneHasUnitSlope() {
    // A one-channel grid holding the signed distance of a plane, read by a linear decoder: the Eikonal loss vanishes.
    let field = GridField(grid: FeatureGrid(resolutions: [5], channels: 1), decoder: Dense(1))
    let axis = Tensor.linspace(-1, 1, count: 5, dtype: .float64)
    let nodes = Tensor.meshgrid([axis, axis, axis]).map { $0.flattened() }
    let plane = (nodes[0] * 2.0 + nodes[1] * 1.0 - nodes[2] * 2.0) * (1 / 3.0) - 0.1
    let parameters = Parameters([
      ("grid/level0", plane.reshape(125, 1)), ("decoder/weight", Tensor([[1.0]])), ("decoder/bias", Tensor([0.0])),
    ])
    let x = Tensor.uniform([100, 3], low: -0.99, high: 0.99, key: Key(4), dtype: .float64)
    let slope = grad { (x: Tensor) in field.apply(Variables(parameters: parameters), x).sum() }(x)
    let loss = (slope.squared().sum([1]).sqrt() - 1).squared().mean().scalar
    #expect(loss < 1e-6)
  }
}
