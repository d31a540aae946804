import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct SPDERTests {
  static let places = [0, 0.25, 1, -1, 4, -9.0]

  // From NumPy (Tests/Golden/make-field-golden.py).
  @Test(arguments: [
    (SPDERDamping.root, [0, 0.123701979627, 0.841470984808, -0.841470984808, -1.51360499062, -1.23635545573]),
    (.logarithm, [0, 0.0552065980773, 0.583263240643, -0.583263240643, -1.21802662817, -0.948937880665]),
    (.arcTangent, [0, 0.0606086911905, 0.66088976602, 0.66088976602, -1.00338211619, 0.601750316451]),
  ]) func values(_ damping: SPDERDamping, _ expected: [Double]) throws {
    let f = try Activation.spder(damping: damping)
    #expect(zip(f(Tensor(Self.places)).doubles, expected).allSatisfy { abs($0 - $1) < 1e-11 })
  }

  @Test func isOddAndFiniteAtZero() throws {
    let f = try Activation.spder()
    let x = Tensor.linspace(0.01, 30, count: 500, dtype: .float64)
    #expect(zip(f(x).doubles, f(-x).doubles).allSatisfy { $0 == -$1 })
    let slope = grad { (x: Tensor) in f(x).sum() }
    #expect(abs(slope(double(0)).scalar) < 1e-12)
    #expect(slope(Tensor([Float(0), 1e-20, -1e-35])).floats.allSatisfy { $0.isFinite })
    // With the clamp second derivatives stay finite too.
    let clamped = try Activation.spder(clamp: 1e-6)
    let second = grad { (x: Tensor) in grad { (y: Tensor) in clamped(y).sum() }(x).sum() }
    #expect(second(Tensor([Float(0), 1e-9, -1e-7, 1e-3])).floats.allSatisfy { $0.isFinite })
  }

  @Test func startHasTheFrequencysSpread() {
    let network = CoordinateNetwork.siren(width: 256, depth: 2)
    let weight = network.initialized(for: [1, 2], key: Key(3)).parameters["1/weight"]!
    #expect(weight.abs().max().scalar <= (6.0 / 256).squareRoot() / 30)
    #expect(abs(weight.variance().scalar / (2.0 / 256 / 900) - 1) < 0.05)
    let first = network.initialized(for: [1, 2], key: Key(3)).parameters["0/weight"]!
    #expect(first.abs().max().scalar <= 0.5)
  }

  @Test func withoutDampingItIsSIREN() {
    let (a, b) = (
      CoordinateNetwork.spder(width: 16, depth: 3, damping: .none), CoordinateNetwork.siren(width: 16, depth: 3)
    )
    let variables = a.initialized(for: [1, 2], key: Key(1))
    let x = Tensor.uniform([20, 2], low: -1, high: 1, key: Key(2))
    #expect(a.apply(variables, x).floats == b.apply(variables, x).floats)
    // And both are sin(30 (x W + b)) layer by layer, written out.
    let p = variables.parameters
    var h = x
    for layer in 0..<3 { h = ((h.matmul(p["\(layer)/weight"]!) + p["\(layer)/bias"]!) * 30.0).sin() }
    let expected = h.matmul(p["head/weight"]!) + p["head/bias"]!
    #expect((expected - b.apply(variables, x)).abs().max().scalar < 1e-5)
  }

  @Test func slopeOfTheFieldMatchesDifferences() {
    let network = CoordinateNetwork.spder(width: 16, depth: 3)
    let variables = network.initialized(for: TensorType(shape: [1, 2], dtype: .float64), key: Key(5))
    func f(_ x: Tensor) -> Tensor { network.apply(variables, x).sum() }
    let x = Tensor.uniform([1, 2], low: -1, high: 1, key: Key(6), dtype: .float64)
    let slope = grad(f)(x).doubles
    for axis in 0..<2 {
      let step = Tensor(axis == 0 ? [1e-6, 0] : [0, 1e-6], shape: [1, 2])
      let difference = (f(x + step).scalar - f(x - step).scalar) / 2e-6
      #expect(abs(slope[axis] / difference - 1) < 1e-5)
    }
  }

  @Test func encodingsHaveTheirWidth() {
    let x = Tensor.uniform([5, 2], key: Key(1))
    for encoding in [CoordinateEncoding.identity, .octaves(4), .randomFrequencies(count: 8, deviation: 10)] {
      #expect(encoding(x).shape == [5, encoding.width(2)])
    }
    let half = CoordinateEncoding.octaves(2)(Tensor([0.25], shape: [1, 1])).doubles
    // x, sin πx, cos πx, sin 2πx, cos 2πx
    let root = 0.5.squareRoot()
    #expect(zip(half, [0.25, root, root, 1, 0]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(CoordinateEncoding.octaves(forSamples: 64) == .octaves(4))
  }

  @Test func boundsContainEveryValue() throws {
    let f = try Activation.spder()
    let bounds = try f.bounds(Interval(-2, 3))
    let found = f(Tensor.linspace(-2, 3, count: 400, dtype: .float64)).doubles
    #expect(bounds.low <= found.min()! && bounds.high >= found.max()!)
  }
}
