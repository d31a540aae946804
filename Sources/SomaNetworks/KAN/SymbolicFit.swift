import Foundation
import Soma

/// How well a named function explains an edge: `y ≈ c·f(a x + b) + d`.
public struct SymbolicFit: Sendable, Hashable {
  public var function: SymbolicFunction
  /// a, b, c, d
  public var affine: [Double]
  /// The share of the variance that is explained.
  public var r2: Double

  /// What is minimized among functions: `0.8·complexity + 0.2·log₂(1 + 10⁻⁵ - r²)`.
  public func loss(simplicity: Double = 0.8) -> Double {
    simplicity * Double(function.complexity) + (1 - simplicity) * log2(max(1 + 1e-5 - r2, 1e-12))
  }

  /// The most samples that the search for a and b looks at.
  static let samples = 256

  /// Fits a function to samples: a and b by a grid of 101 × 101 in [-10, 10]², searched three times, each time between the neighbours
  /// of the best point; c and d by least squares. Places where the function would be cut (poles, large exponentials) do not count.
  public init(_ function: SymbolicFunction, x: [Double], y: [Double]) {
    require(x.count == y.count && x.count > 1, "a symbolic fit wants samples: \(x.count) places, \(y.count) values")
    self.init(Search(function), x, y)
  }

  /// The best functions first. Constants explain nothing, and have the least complexity.
  public static func ranked(
    _ library: [SymbolicFunction] = SymbolicFunction.library, x: [Double], y: [Double], simplicity: Double = 0.8
  ) -> [SymbolicFit] {
    library.map { SymbolicFit($0, x: x, y: y) }.sorted {
      $0.loss(simplicity: simplicity) < $1.loss(simplicity: simplicity)
    }
  }

  private init(_ search: Search, _ allX: [Double], _ allY: [Double]) {
    function = search.function
    let step = max(1, allX.count / Self.samples)
    let chosen = stride(from: 0, to: allX.count, by: step)
    let (x, y) = (Tensor(chosen.map { allX[$0] }), Tensor(chosen.map { allY[$0] }))
    var (a, b) = (-10.0...10.0, -10.0...10.0)
    var best = (a: 1.0, b: 0.0, r2: -1.0)
    if !["0", "x"].contains(function.name) {
      for _ in 0..<3 {
        let (places, score) = search.best(x, y, a, b)
        if score > best.r2 { best = (places.a, places.b, score) }
        func narrowed(_ range: ClosedRange<Double>, _ place: Double) -> ClosedRange<Double> {
          let h = (range.upperBound - range.lowerBound) / 100
          return max(range.lowerBound, place - h)...min(range.upperBound, place + h)
        }
        (a, b) = (narrowed(a, best.a), narrowed(b, best.b))
      }
    }
    let inner = Tensor(allX) * best.a + best.b
    let f = function(inner, threshold: 1000)
    let mean = (f: f.mean().scalar, y: allY.reduce(0, +) / Double(allY.count))
    let (df, dy) = (f - mean.f, Tensor(allY) - mean.y)
    let (ff, fy, yy) = (df.squared().sum().scalar, (df * dy).sum().scalar, dy.squared().sum().scalar)
    let slope = ff > 1e-300 ? fy / ff : 0
    affine = [best.a, best.b, slope, mean.y - slope * mean.f]
    let share = ff > 1e-300 && yy > 0 ? fy * fy / (ff * yy + 1e-4 * min(1, ff * yy)) : 0
    r2 = share.isFinite ? min(share, 1) : 0
  }

  /// The search's step for one function, compiled once.
  private struct Search {
    let function: SymbolicFunction

    init(_ function: SymbolicFunction) { self.function = function }

    func best(_ x: Tensor, _ y: Tensor, _ a: ClosedRange<Double>, _ b: ClosedRange<Double>) -> (
      place: (a: Double, b: Double), r2: Double
    ) {
      let scores = Search.compiled[function.name]!([
        x, y, Tensor([a.lowerBound, a.upperBound]), Tensor([b.lowerBound, b.upperBound]),
      ])[0].doubles
      let at = scores.indices.max { scores[$0] < scores[$1] }!
      func place(_ range: ClosedRange<Double>, _ i: Int) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * Double(i) / 100
      }
      return ((place(a, at / 101), place(b, at % 101)), scores[at])
    }

    private static let compiled: [String: CompiledFunction<[Tensor], [Tensor]>] = Dictionary(
      uniqueKeysWithValues: SymbolicFunction.library.map { function in
        (
          function.name,
          compile { (inputs: [Tensor]) -> [Tensor] in
            let (x, y) = (inputs[0], inputs[1])
            let steps = Tensor.iota([101], dtype: .float64) * 0.01
            let a = (inputs[2][0] + (inputs[2][1] - inputs[2][0]) * steps).reshape([101, 1, 1])
            let b = (inputs[3][0] + (inputs[3][1] - inputs[3][0]) * steps).reshape([1, 101, 1])
            let inner = a * x + b
            let f = function(inner, threshold: 1000)
            // Values that are cut are not the function's: no formula would say them.
            let isCut = (f - function(inner, threshold: 1e6)).abs().max([2]) .> 1e-3
            let df = f - f.mean([2]).expandDimensions(at: 2)
            let dy = y - y.mean()
            let (ff, fy) = (df.squared().sum([2]), (df * dy).sum([2]))
            let r2 = fy.squared() / (ff * dy.squared().sum() + 1e-4)
            return [Tensor.select(r2.isFinite() .& !isCut, r2, 0)]
          }
        )
      })
  }
}
