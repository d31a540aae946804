import Soma
import SomaNetworks
import Testing

@Suite struct ASHTests {
  private let x = [-1, 0, 0.2, 0.5, 1.5, 3, 0.1, -0.3]

  @Test func valuesOfBothForms() {
    let soft = ASH(alpha: 3, z: 1)(Tensor(x)).doubles
    #expect(
      relativeError(soft, [-3.491e-4, 0, 2.524e-3, 0.0152394, 0.580561, 2.9481323, 9.38e-4, -8.5310e-4], floor: 1e-9)
        < 3e-4)
    let hard = ASH.hard(alpha: 3, z: 1)(Tensor(x)).doubles
    #expect(zip(hard, [0, 0, 0, 0, 0.6350578, 2, 0, 0]).allSatisfy { abs($0 - $1) < 5e-8 })
  }

  @Test(arguments: [false, true]) func gradientsGoThroughMeanAndDeviation(_ isHard: Bool) {
    let layer = ASH(alpha: 3, z: 1, isHard: isHard)
    let weights = Tensor([0.3, -1, 0.7, 2, -0.4, 1.1, 0.2, 0.9])
    // Away from the corners of the hard form.
    let place = Tensor([-1, 0.05, 0.2, 0.5, 1.45, 1.7, 0.12, -0.3])
    let slopes = grad { (layer($0) * weights).sum() }(place).doubles
    for i in place.doubles.indices {
      func moved(_ h: Double) -> Double {
        var values = place.doubles
        values[i] += h
        return (layer(Tensor(values)) * weights).sum().doubles[0]
      }
      #expect(abs(slopes[i] - (moved(1e-6) - moved(-1e-6)) / 2e-6) < 1e-7)
    }
    #expect(grad { layer($0).sum() }(Tensor([1.0, 1, 1])).doubles.allSatisfy { $0.isFinite })
  }

  @Test func theGateKnowsNeitherShiftNorScale() {
    for isHard in [false, true] {
      let gate = ASH(alpha: 3, z: 1, isHard: isHard).gate(Tensor(x))
      #expect(ASH(alpha: 3, z: 1, isHard: isHard).gate(Tensor(x) + 5.0).isClose(to: gate, relative: 1e-12))
      #expect(ASH(alpha: 1.5, z: 1, isHard: isHard).gate(Tensor(x) * 2.0).isClose(to: gate, relative: 1e-12))
    }
  }

  @Test func aTenthOfNormalUnitsIsActive() {
    let x = Tensor.normal([1000, 1000], key: Key(5))
    let share = (ASH.hard()(x) .!= 0).cast(to: .float32).mean().floats[0]
    #expect(abs(share - 0.0968) < 0.003)
  }

  @Test func normalizedRows() {
    let weight = Tensor.normal([9, 4], key: Key(1), dtype: .float64)
    let used = RowNormalizedLinear.normalized(weight)
    #expect(used.mean([0]).abs().max().doubles[0] < 1e-15)
    #expect(used.norm([0]).isClose(to: Tensor.ones([4], dtype: .float64), relative: 1e-14))
    let pull = Tensor.normal([9, 4], key: Key(2), dtype: .float64)
    let slope = grad { (RowNormalizedLinear.normalized($0) * pull).sum() }(weight)
    #expect((slope * used).sum([0]).abs().max().doubles[0] < 1e-13)
    #expect(slope.sum([0]).abs().max().doubles[0] < 1e-13)
  }

  @Test func rivals() throws {
    func run(_ layer: any Layer) -> [Double] { layer.apply(Variables(), Tensor(x)).doubles }
    #expect(run(TopK(3)) == [0, 0, 0, 0, 1, 2.5, 0, 0])
    #expect(run(TopK(3, isSubtracting: false)) == [0, 0, 0, 0.5, 1.5, 3, 0, 0])
    #expect(run(LocalWinnerTakeAll(4)) == [0, 0, 0, 0.5, 0, 3, 0, 0])
    let elephant = try Activation.elephant(0.5, power: 4)
    #expect(abs(values({ elephant($0) }, [1])[0] - 1.0 / 17) < 1e-15)
  }
}
