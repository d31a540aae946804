import Testing

@testable import Soma
@testable import SomaNetworks

@Suite struct LossLandscapeTests {
  private static let parameters = Parameters([
    ("dense/weight", Tensor.normal([4, 3], key: Key(1), dtype: .float64)),
    ("dense/bias", Tensor([0.5, -1, 2] as [Double])),
    ("kernel", Tensor.normal([2, 3, 3, 3], key: Key(2), dtype: .float64)),
  ])

  @Test func filtersOfADirectionAreAsLongAsTheNetworks() {
    let direction = LossLandscape.direction(Self.parameters, key: Key(3))
    for (name, unit) in [("dense/weight", 1), ("kernel", 0)] {
      let (d, p) = (direction[name]!, Self.parameters[name]!)
      let axes = (0..<p.rank).filter { $0 != unit }
      #expect((d.squared().sum(axes) - p.squared().sum(axes)).abs().max().scalar < 1e-12)
      #expect((d - p).abs().max().scalar > 1e-3)
    }
    #expect(direction["dense/bias"]!.doubles == [0, 0, 0])
  }

  @Test func aQuadraticLossIsAParaboloid() {
    func loss(_ p: Parameters) -> Tensor { p.leaves.map { $0.squared().sum() }.reduce(Tensor(0, dtype: .float64), +) }
    let landscape = LossLandscape(around: Self.parameters, radius: 0.5, points: 5, key: Key(4), loss: loss)
    #expect(landscape.places == [-0.5, -0.25, 0, 0.25, 0.5])
    let keys = Key(4).split(2)
    let (d, e) = (
      LossLandscape.direction(Self.parameters, key: keys[0]), LossLandscape.direction(Self.parameters, key: keys[1])
    )
    func inner(_ a: Parameters, _ b: Parameters) -> Double {
      zip(a.leaves, b.leaves).reduce(0) { $0 + ($1.0 * $1.1).sum().scalar }
    }
    let p = Self.parameters
    for (i, a) in landscape.places.enumerated() {
      for (j, b) in landscape.places.enumerated() {
        let squares = inner(p, p) + a * a * inner(d, d) + b * b * inner(e, e)
        let mixed = 2 * (a * inner(p, d) + b * inner(p, e) + a * b * inner(d, e))
        #expect(abs(landscape.losses[i][j] - squares - mixed) < 1e-10)
      }
    }
  }
}
