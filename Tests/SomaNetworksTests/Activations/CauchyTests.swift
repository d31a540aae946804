import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct CauchyTests {
  @Test func valuesAndSlopes() {
    #expect(values({ CauchyActivation()($0) }, [1]) == [1])
    let f = CauchyActivation(lambda1: 0.5, lambda2: 0.3, d: 0.7)
    #expect(abs(values({ f($0) }, [-2])[0] + 0.155902004) < 5e-10)
    #expect(abs(values({ f($0) }, [-2], order: 1)[0] + 0.0275296253) < 5e-11)
    let x = [-2.0, -0.4, 0.1, 1.7]
    #expect(relativeError(values({ f($0) }, x, order: 1), slopes({ f($0) }, x), floor: 1) < 1e-9)
    // φ″ = [2λ₁x³ + 6λ₂x² - 6λ₁d²x - 2λ₂d²]/(x²+d²)³
    let bends = x.map { x in
      (x * x * x - 0.6 * x * x * -3 - 3 * 0.49 * x - 0.6 * 0.49) / pow(x * x + 0.49, 3)
    }
    #expect(relativeError(values({ f($0) }, x, order: 2), bends, floor: 1) < 1e-12)
    let points = Tensor(x)
    let gradients = grad { (p: [Tensor]) in CauchyActivation.value(points, lambda1: p[0], lambda2: p[1], d: p[2]).sum()
    }(
      [double(0.5), double(0.3), double(0.7)]
    ).map { $0.doubles[0] }
    let q = x.map { $0 * $0 + 0.49 }
    let expected = [
      zip(x, q).reduce(0) { $0 + $1.0 / $1.1 }, q.reduce(0) { $0 + 1 / $1 },
      zip(x, q).reduce(0) { $0 - 2 * 0.7 * (0.5 * $1.0 + 0.3) / ($1.1 * $1.1) },
    ]
    #expect(relativeError(gradients, expected) < 1e-12)
  }

  @Test func rungesFunctionIsOneUnit() {
    let x = (-100...100).map { Double($0) / 100 }
    let unit = CauchyActivation(lambda1: 0, lambda2: 1, d: 0.2)
    #expect(relativeError(values({ unit($0) * (1.0 / 25) }, x), x.map { 1 / (1 + 25 * $0 * $0) }) < 1e-12)
  }

  @Test func symmetryRangeAndScaling() {
    let x = (0..<100_000).map { Double($0) / 5000 - 10 }
    for (a, b, d) in [(0.0, 1.0, 0.5), (1, 0, 0.5), (0.7, -0.4, 1.3), (-2, 0.1, 0.3)] {
      let f = CauchyActivation(lambda1: a, lambda2: b, d: d)
      let y = values({ f($0) }, x)
      let range = f.range(on: -10...9.9998)
      #expect(range.lowerBound <= y.min()! + 1e-15 && range.upperBound >= y.max()! - 1e-15)
      #expect(y.min()! - range.lowerBound < 1e-6 && range.upperBound - y.max()! < 1e-6)
      let mirrored = values({ f($0) }, x.map { -$0 })
      if a == 0 { #expect(y == mirrored) }
      if b == 0 { #expect(y == mirrored.map { -$0 }) }
      let c = 2.5
      let moved = CauchyActivation(lambda1: a / c, lambda2: b / (c * c), d: d / c)
      #expect(
        relativeError(values({ moved($0) }, [0.3, -1.1]), values({ f($0) }, [0.3 * c, -1.1 * c]), floor: 1e-6) < 1e-12)
    }
  }

  @Test(arguments: [(4, 1.5e-2), (8, 6.0e-5), (16, 9.2e-10)]) func convergenceIsGeometric(_ n: Int, _ expected: Double)
  {
    let t = Tensor((0..<400).map { cos(Double.pi * (Double($0) + 0.5) / 400) }, shape: [400, 1])
    var columns: [Tensor] = []
    for k in 0..<n {
      let angle = Double.pi * (Double(k) + 0.5) / Double(n)
      // (ρe^{iθ} + e^{-iθ}/ρ)/2 with ρ = 2
      let (p, q) = ((2 + 0.5) / 2 * cos(angle), (2 - 0.5) / 2 * sin(angle))
      let size = (t - p).squared() + q * q
      columns += [(t - p) / size, 1 / size]
    }
    let features = Tensor.concatenate(columns, axis: 1)
    let scale = features.norm([0])
    let (u, s, v) = (features / scale).singularValues()
    let inverse = Tensor.select(s .> s[0] * 1e-15, 1 / s, 0)
    let solution = v.T.matmul(inverse.expandDimensions(at: 1) * u.T.matmul(t.exp()))
    let error = ((features / scale).matmul(solution) - t.exp()).abs().max().doubles[0]
    #expect(error < 10 * expected)
  }

  @Test func parametersOfALayer() {
    let count = XNet(width: 42).parameterCount(for: [1, 1])
    #expect(count == 42 * 2 + 3 * 42 + 42 + 1)
  }
}
