import Kernels
import Testing

@Suite("Elementwise accuracy")
struct ElementwiseAccuracyTests {
  /// The promise is 2 units in the last place for single functions and pow, 4 for lgamma and polygamma.
  static func bound(_ function: ElementwiseGolden.Function) -> Double {
    switch function {
    case .unary(SOMA_LGAMMA.rawValue), .polygamma: 4
    default: 2
    }
  }

  static func results(_ golden: ElementwiseGolden) -> [Double] {
    golden.isDouble
      ? results(golden, golden.first, golden.second, SOMA_F64) { $0 }
      : results(golden, golden.first.map(Float.init), golden.second.map(Float.init), SOMA_F32) { Double($0) }
  }

  static func results<Number: BinaryFloatingPoint>(
    _ golden: ElementwiseGolden, _ first: [Number], _ second: [Number], _ dtype: soma_dtype,
    _ widen: (Number) -> Double
  ) -> [Double] {
    switch golden.function {
    case .unary(let op):
      return KernelCalls.map(soma_unary_map(soma_unary(rawValue: op), dtype), first, like: Number.zero).map(widen)
    case .binary(let op):
      return KernelCalls.map(soma_binary_map(soma_binary(rawValue: op), dtype), first, second, like: Number.zero)
        .map(widen)
    case .polygamma(let order):
      var out = [Number](repeating: 0, count: first.count)
      first.withUnsafeBytes { first in
        out.withUnsafeMutableBytes { out in
          soma_polygamma(order, dtype, out.baseAddress, first.baseAddress, out.count / MemoryLayout<Number>.stride)
        }
      }
      return out.map(widen)
    }
  }

  @Test("agrees with 40-digit values over the full range", arguments: KernelCalls.levels)
  func agreesWithExactValues(level: Int32) {
    #expect(ElementwiseGolden.all.count == 2 * (23 + 2 + 4))
    for golden in ElementwiseGolden.all {
      let results = KernelCalls.atLevel(level) { Self.results(golden) }
      for (index, result) in results.enumerated() {
        let error = golden.error(result, at: index)
        if error <= Self.bound(golden.function) { continue }
        Issue.record(
          """
          \(golden.function) \(golden.isDouble ? "F64" : "F32") at \(golden.first[index]) \
          \(golden.second.isEmpty ? "" : "\(golden.second[index])"): \(result), exact \(golden.value[index]), \
          \(error) ulp, level \(level)
          """)
      }
    }
  }

  @Test("an element's bits do not depend on its place", arguments: KernelCalls.levels)
  func placeDoesNotMatter(level: Int32) {
    KernelCalls.atLevel(level) {
      for golden in ElementwiseGolden.all where !golden.isDouble {
        guard case .unary(let op) = golden.function else { continue }
        let map = soma_unary_map(soma_unary(rawValue: op), SOMA_F32)
        let x = golden.first.map(Float.init)
        let whole = KernelCalls.map(map, x, like: Float.zero)
        for start in [1, 5, x.count - 3] {
          let part = KernelCalls.map(map, Array(x[start...]), like: Float.zero)
          #expect(part.map(\.bitPattern) == whole[start...].map(\.bitPattern))
        }
      }
    }
  }
}
