import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Derivatives, bounds and shapes of all entries of one number.
@Suite struct CatalogueCurveTests {
  private static let scalars = CatalogueRow.all.filter { $0.kind == "scalar" }
  /// Their slope at zero is infinite.
  private static let infiniteSlopes: Set<String> = [
    "sqrt-activation", "ssaf", "frac-relu", "frac-lrelu", "frac-prelu", "frac-elu", "save-power",
  ]

  @Test func slopesMatchDifferences() throws {
    for row in Self.scalars {
      let f = try Activation.named(row.name)
      // Two of the bases have a corner at a whole number of tenths.
      let x = Tensor([-2.3, -0.7, 0.3, 1.7]) + (row.name.hasPrefix("frac-") ? 0.03 : 0)
      let h = 1e-5
      let first = try f.derivative(1)
      let slope = (f(x + h) - f(x - h)) / (2 * h)
      #expect(
        first(x).isClose(to: slope, relative: 1e-6, absolute: 1e-8), "\(row.name): \(first(x)), not \(slope)")
    }
  }

  @Test func secondDerivativesMatchDifferences() throws {
    for row in Self.scalars {
      let f = try Activation.named(row.name)
      // Two of the bases have a corner at a whole number of tenths.
      let x = Tensor([-2.3, -0.7, 0.3, 1.7]) + (row.name.hasPrefix("frac-") ? 0.03 : 0)
      let h = 1e-5
      let (first, second) = (try f.derivative(1), try f.derivative(2))
      let bend = (first(x + h) - first(x - h)) / (2 * h)
      #expect(
        second(x).isClose(to: bend, relative: 1e-6, absolute: 1e-7), "\(row.name): \(second(x)), not \(bend)")
    }
  }

  @Test func oneByOneIsTheSameAsTogether() throws {
    let x = Tensor([-2.3, -0.7, 0.3, 1.7])
    for row in Self.scalars {
      let f = try Activation.named(row.name)
      let together = vmap { f($0) }(x).doubles
      let alone = x.doubles.map { f(Tensor($0, dtype: .float64)).scalar }
      for (a, b) in zip(together, alone) { #expect(abs(a - b) <= 1e-14 * max(1, abs(b)), "\(row.name)") }
    }
  }

  @Test func noSlopeAtZeroIsNotANumber() throws {
    for row in Self.scalars {
      let f = try Activation.named(row.name)
      for dtype in [DType.float32, .float64] {
        let slope = try f.derivative(1)(Tensor([0.0]).cast(to: dtype)).doubles[0]
        #expect(!slope.isNaN && (slope.isFinite || Self.infiniteSlopes.contains(row.name)), "\(row.name): \(slope)")
      }
    }
  }

  @Test func boundsContainAllValues() throws {
    let places = (0...200).map { -1 + 3 * Double($0) / 200 }
    for row in Self.scalars {
      let f = try Activation.named(row.name)
      let bounds = try f.bounds(Interval(-1, 2))
      for (x, y) in zip(places, f(Tensor(places)).doubles) {
        #expect(bounds.contains(y), "\(row.name): \(y) at \(x) is outside \(bounds)")
      }
      let slopes = try f.slopeBounds(Interval(-1, 2))
      let measured = try f.derivative(1)(Tensor(places)).doubles.filter(\.isFinite)
      for slope in measured {
        let isInside = slopes.low - 1e-9 * abs(slopes.low) <= slope && slope <= slopes.high + 1e-9 * abs(slopes.high)
        #expect(isInside, "\(row.name): the slope \(slope) is outside \(slopes)")
      }
    }
  }

  @Test func boundsAreTightWhereTheyCanBe() throws {
    for (name, low, high) in [
      ("relu", 0, 2), ("tanh", -0.7615942, 0.9640276), ("silu", -0.2689414, 1.7615942), ("sine", -0.8414710, 1),
      ("hard-swish", -0.3333333, 1.6666667), ("binary-step", 0, 1), ("cosine", 0, 1.4161468),
    ] as [(String, Double, Double)] {
      let bounds = try Activation.named(name).bounds(Interval(-1, 2), parts: 1024)
      #expect(bounds.low <= low + 1e-7 && bounds.low > low - 0.01, "\(name): \(bounds)")
      #expect(bounds.high >= high - 1e-7 && bounds.high < high + 0.01, "\(name): \(bounds)")
    }
  }

  @Test func shapesOnAGridAreAsManyAsCounted() throws {
    let grid = (0...256).map { Double($0 - 128) / 16 }
    var (finite, atZero, odd, even, rising, falling, positive) = (0, 0, 0, 0, 0, 0, 0)
    var fallers: Set<String> = []
    for row in Self.scalars {
      let y = try row.activation()(Tensor(grid)).doubles
      // Far out the printed form of this one is a quotient of roundings, and counts as nothing; computed well, it is odd
      // and rises.
      if row.name == "trug" {
        #expect(
          zip(y, y.dropFirst()).allSatisfy { $1 > $0 } && zip(y, y.reversed()).allSatisfy { abs($0 + $1) < 1e-14 })
        finite += 1
        atZero += 1
        continue
      }
      if y.allSatisfy(\.isFinite) { finite += 1 }
      let tolerance = 1e-9 * (y.filter(\.isFinite).map(abs).max() ?? 0)
      if abs(y[128]) <= tolerance { atZero += 1 }
      let reversed = Array(y.reversed())
      if zip(y, reversed).allSatisfy({ abs($0 + $1) <= tolerance }) { odd += 1 }
      if zip(y, reversed).allSatisfy({ abs($0 - $1) <= tolerance }) { even += 1 }
      let steps = zip(y, y.dropFirst()).map { $1 - $0 }
      if steps.allSatisfy({ $0 >= -tolerance }) { rising += 1 }
      if steps.allSatisfy({ $0 <= tolerance }) {
        falling += 1
        fallers.insert(row.name)
      }
      if y.allSatisfy({ $0 >= -tolerance }) { positive += 1 }
    }
    #expect(finite == 384)
    #expect(atZero == 273)
    #expect(odd == 58)
    #expect(even == 30)
    #expect(rising == 220)
    #expect(falling == 9)
    #expect(
      fallers == [
        "sinc-sigmoid", "cloglog", "cloglog-modified", "exponential-swish", "arctid", "cosid", "sinp", "exponential",
        "random-nn-step",
      ])
    #expect(positive == 105)
  }
}
