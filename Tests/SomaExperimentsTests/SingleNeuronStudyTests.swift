import Foundation
import Soma
import SomaLearning
import SomaNetworks
import Testing

@testable import SomaExperiments

@Suite struct SingleNeuronStudyTests {
  private func prelu(_ coding: SingleNeuronStudy.Coding, _ w: [Double], _ a: Double) -> (
    loss: Double, w: [Double], a: Double, y: [Double]
  ) {
    let rows = BooleanFunction.xor.rows(low: coding == .bipolar ? -1 : 0)
    let x = Tensor(rows)
    let t = Tensor(BooleanFunction.xor.values, shape: [4, 1])
    let layer = XorModel.prelu.layer
    let p = Parameters([("weight", Tensor(w, shape: [2, 1])), ("slope", Tensor(a, dtype: .float64))])
    func output(_ p: Parameters) -> Tensor { layer.apply(Variables(parameters: p), x) }
    let (value, g) = valueAndGrad(p) { (output($0) - t).squared().mean() }
    return (value.scalar, g["weight"]!.doubles, g["slope"]!.scalar, output(p).doubles)
  }

  @Test func exactSolutions() {
    for (coding, w) in [
      (SingleNeuronStudy.Coding.bipolar, [0.5, -0.5]), (.bipolar, [-0.5, 0.5]), (.binary, [1, -1]), (.binary, [-1, 1]),
    ] {
      let found = prelu(coding, w, -1)
      #expect(found.loss == 0 && found.w == [0, 0] && found.a == 0)
    }
  }

  @Test func valuesByHand() {
    let found = prelu(.bipolar, [0.3, -0.2], 0.25)
    for (a, b) in zip(found.y, [-0.025, -0.125, 0.5, 0.1]) { #expect(abs(a - b) < 1e-12) }
    #expect(abs(found.loss - 0.3815625) < 1e-12)
    for (a, b) in zip(found.w + [found.a], [-0.05625, 0.1625, 0.2825]) { #expect(abs(a - b) < 1e-12) }
  }

  @Test func landscape() {
    let numbers = Tensor.uniform([100, 3], low: -2, high: 2, key: Key(1), dtype: .float64).doubles
    for i in 0..<100 {
      let (w1, w2, a) = (numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2])
      let (u, v) = (w1 + w2, abs(w1 - w2))
      let expected = u * u + a * a * u * u + (v - 1) * (v - 1) + (a * v + 1) * (a * v + 1)
      #expect(abs(4 * prelu(.bipolar, [w1, w2], a).loss - expected) < 1e-12)
    }
  }

  @Test func theTrapOfTheBinaryCoding() {
    for a in [-1.0, 0.25, 3] {
      let found = prelu(.binary, [1.0 / 3, 1.0 / 3], a)
      #expect(abs(found.loss - 1.0 / 3) < 1e-12)
      #expect((found.w + [found.a]).allSatisfy { abs($0) < 1e-12 })
    }
  }

  @Test func linearNeuronsAndMonotoneSlopesNeverSucceed() {
    let random = Tensor.normal([10_000, 3], deviation: 2, key: Key(2), dtype: .float64).doubles
    for i in 0..<10_000 {
      let (w1, w2, b) = (random[3 * i], random[3 * i + 1], random[3 * i + 2])
      let z = [b, b + w2, b + w1, b + w1 + w2]
      for y in [z, z.map { $0 > 0 ? $0 : 0.25 * $0 }] {
        #expect(zip(y, BooleanFunction.xor.values).filter { ($0 > 0.5) == ($1 > 0.5) }.count <= 3)
      }
    }
  }

  @Test func manyRestartsAreSingleRuns() throws {
    var study = SingleNeuronStudy(coding: .bipolar, rates: [0.03], restarts: 500, steps: 25)
    let all = try study.run(.prelu, .adam).parameters
    #expect(all.count == 500)
    study.restarts = 3
    let few = try study.run(.prelu, .adam).parameters
    for i in 0..<3 {
      for (a, b) in zip(all[i].leaves, few[i].leaves) { #expect(a.isClose(to: b, relative: 1e-5, absolute: 1e-6)) }
    }
    let success = try SingleNeuronStudy(coding: .bipolar, rates: [0.1], restarts: 40).run(.prelu, .adam).result.success
    #expect(success[0] > 0.95)
  }

  @Test func aBiasedNeuronSolvesAllFunctions() {
    let grid = (0...12).map { -3 + 0.5 * Double($0) }
    func solved(_ slopes: [Double]) -> Set<Int> {
      var found = Set<Int>()
      for w1 in grid {
        for w2 in grid {
          for b in grid {
            for a in slopes {
              let y = [b, b + w2, b + w1, b + w1 + w2].map { $0 > 0 ? $0 : a * $0 }
              found.insert(y.enumerated().reduce(0) { $0 | ($1.element > 0.5 ? 1 << $1.offset : 0) })
            }
          }
        }
      }
      return found
    }
    #expect(solved([-2, -1, -0.5, 0, 0.25, 1]).count == 16)
    #expect(solved([0, 0.25, 1]) == Set(0..<16).subtracting([BooleanFunction.xor.code, BooleanFunction.xnor.code]))
  }

  @Test func capacity() {
    #expect(XorCapacity { $0.tanh() }.margin <= 0)
    #expect(XorCapacity { $0.maximum(0) }.margin <= 0)
    let cosine = XorCapacity { $0 * $0.cos() }
    #expect(cosine.margin > 1)
    #expect(abs(XorCapacity { $0.abs() }.margin - 3) < 1e-9)
  }
}
