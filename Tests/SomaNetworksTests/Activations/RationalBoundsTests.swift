import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct RationalBoundsTests {
  @Test func signChangesAreTheSimpleRoots() {
    // (x + 2)(x - 1)(x - 1)(x - 3): it only touches zero at 1.
    let touching = Polynomial([2, 1]) * Polynomial([-1, 1]) * Polynomial([-1, 1]) * Polynomial([-3, 1])
    let roots = touching.signChanges(in: Interval(-10, 10))
    #expect(abs(roots.first! + 2) < 1e-12 && abs(roots.last! - 3) < 1e-12, "\(roots)")
    #expect(roots.dropFirst().dropLast().allSatisfy { abs($0 - 1) < 1e-6 }, "\(roots)")
    // Chebyshev's polynomial of degree 5 has the roots cos((2k - 1)π/10).
    let chebyshev = Polynomial([0, 5, 0, -20, 0, 16])
    let found = chebyshev.signChanges(in: Interval(-1, 1))
    let expected = (1...5).map { cos(Double(2 * $0 - 1) * .pi / 10) }.sorted()
    #expect(found.count == 5 && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-14 })
    #expect(Polynomial([3]).signChanges(in: Interval(-1, 1)).isEmpty)
  }

  private func samples(_ x: Interval, _ count: Int) -> [Double] {
    (0...count).map { x.low + x.width * Double($0) / Double(count) }
  }

  /// The greatest of many samples and of ever finer ones about it: at a corner few samples are near the peak.
  private func highest(_ f: (Tensor) -> Tensor, _ x: Interval) -> Double {
    var (range, best) = (x, -Double.infinity)
    for count in [100_000, 1000, 1000, 1000] {
      let places = samples(range, count)
      let values = f(Tensor(places)).doubles
      let k = values.indices.max { values[$0] < values[$1] }!
      best = max(best, values[k])
      range = Interval(places[max(0, k - 1)], places[min(count, k + 1)])
    }
    return best
  }

  private static let intervals = [
    Interval(-3, 3), Interval(-1.7, 0.4), Interval(0.2, 9), Interval(-50, -2), Interval(0, 0.001),
  ]

  /// Bounds hold all samples and are not wider than they by more than a millionth.
  @Test(arguments: PadeActivation.Variant.allCases) func boundsAreTight(_ variant: PadeActivation.Variant) {
    var starts: [PadeActivation.Coefficients] = [.leakyReLU, .average]
    starts += (0..<20).map { .random(5, 4, key: Key($0)) }
    for (i, start) in starts.enumerated() {
      for x in Self.intervals {
        let bounds = start.bounds(x, variant: variant)
        let places = samples(x, 100_000)
        let f = PadeActivation(start, variant: variant)
        let (low, high) = (-highest({ -f($0) }, x), highest({ f($0) }, x))
        if variant == .unsafe, bounds == .all {
          // A pole: the denominator changes its sign.
          let q = places.map { Polynomial([1] + start.denominator)($0) }
          #expect(q.min()! <= 0 && q.max()! >= 0)
          continue
        }
        let room = 1e-6 * max(1, high - low)
        #expect(bounds.low <= low && bounds.high >= high, "\(i) \(x): \(bounds), samples \(low)…\(high)")
        #expect(low - bounds.low < room && bounds.high - high < room, "\(i) \(x): \(bounds), samples \(low)…\(high)")
      }
    }
  }

  @Test func tailsAreTheLimits() {
    // x/(1 + x²) lies in ±½ and vanishes at both ends.
    let bump = PadeActivation.Coefficients(numerator: [0, 1], denominator: [0, 1])
    let all = bump.bounds(.all)
    #expect(abs(all.low + 0.5) < 1e-12 && abs(all.high - 0.5) < 1e-12)
    let right = bump.bounds(Interval(3, .infinity))
    #expect(abs(right.high - 0.3) < 1e-12 && right.low <= 0 && right.low > -1e-12)
    // Linear tails are unbounded.
    let leaky = PadeActivation.Coefficients.leakyReLU.bounds(.all)
    #expect(leaky.high == .infinity && leaky.low == -.infinity)
    let above = PadeActivation.Coefficients.leakyReLU.bounds(Interval(1, .infinity))
    #expect(above.high == .infinity && above.low > 0.9)
  }
}

@Suite struct LinearBoundsTests {
  private static let names = [
    "relu", "leaky-relu", "gelu", "mish", "silu", "tanh", "sigmoid", "elu", "softplus", "sine", "hard-swish", "cauchy",
  ]

  @Test(arguments: names) func linesEncloseTheFunction(_ name: String) throws {
    let f = try Activation.named(name)
    for x in [Interval(-3, 3), Interval(-1, 2), Interval(0.1, 0.9), Interval(-6, -2), Interval(1, 1)] {
      let (lower, upper) = try f.linearBounds(x)
      let places = (0...1000).map { x.low + x.width * Double($0) / 1000 }
      let values = f(Tensor(places)).doubles
      for (place, value) in zip(places, values) {
        #expect(lower(place) <= value && value <= upper(place), "\(name) \(x) at \(place)")
      }
      // Each line comes near the function somewhere, and lines are better than the least and greatest value.
      let below = zip(places, values).map { $1 - lower($0) }.min()!
      let above = zip(places, values).map { upper($0) - $1 }.min()!
      #expect(max(below, above) <= 0.003 * max(x.width, 0.01), "\(name) \(x): \(below), \(above)")
      let range = try f.bounds(x)
      let middle = x.low + x.width / 2
      #expect(upper(middle) - lower(middle) <= range.width + 1e-9, "\(name) \(x)")
    }
  }

  @Test func whatHasNoLinesIsRefused() throws {
    #expect(throws: ActivationError.self) { try Activation.relu.linearBounds(Interval(0, .infinity)) }
    #expect(throws: ActivationError.self) { try Activation.named("softmax").linearBounds(Interval(0, 1)) }
  }
}
