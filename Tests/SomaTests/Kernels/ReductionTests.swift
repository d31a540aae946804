import Kernels
import Testing

@Suite("Reductions")
struct ReductionTests {
  struct Shape: CustomTestStringConvertible {
    var outer: Int, n: Int, inner: Int
    var count: Int { outer * n * inner }
    var testDescription: String { "[\(outer), \(n), \(inner)]" }
    /// The elements of the column behind output `index`, as offsets.
    func column(_ index: Int) -> [Int] { (0..<n).map { (index / inner * n + $0) * inner + index % inner } }
  }

  static let shapes = [
    Shape(outer: 3, n: 5, inner: 1), Shape(outer: 2, n: 63, inner: 1), Shape(outer: 2, n: 64, inner: 1),
    Shape(outer: 1, n: 5000, inner: 1), Shape(outer: 2, n: 0, inner: 3), Shape(outer: 2, n: 7, inner: 3),
    Shape(outer: 3, n: 70, inner: 5), Shape(outer: 1, n: 4500, inner: 33), Shape(outer: 2, n: 9, inner: 700),
    Shape(outer: 1, n: 2, inner: 0),
  ]
  static let operations = [SOMA_REDUCE_SUM, SOMA_REDUCE_PRODUCT, SOMA_REDUCE_MAX, SOMA_REDUCE_MIN]

  static func numbers(_ count: Int) -> [Double] {
    var generator = TestNumbers(state: UInt64(count) + 1)
    return (0..<count).map { _ in .random(in: -2...2, using: &generator) }
  }

  static func reduce<Value: BitwiseCopyable>(
    _ op: soma_reduction, _ dtype: soma_dtype, _ x: [Value], _ shape: Shape, zero: Value, split: Int? = nil
  ) -> [Value] {
    var out = [Value](repeating: zero, count: shape.outer * shape.inner)
    guard let split else {
      soma_reduce(op, dtype, &out, x, shape.outer, shape.n, shape.inner)
      return out
    }
    soma_reduce_columns(op, dtype, &out, x, shape.outer, shape.n, shape.inner, 0, split)
    soma_reduce_columns(op, dtype, &out, x, shape.outer, shape.n, shape.inner, split, shape.inner)
    return out
  }

  @Test("agree with double precision loops, however columns are split", arguments: shapes)
  func floats(shape: Shape) {
    let x = Self.numbers(shape.count).map { Float($0) }
    for level in KernelCalls.levels {
      KernelCalls.atLevel(level) {
        for op in Self.operations {
          let out = Self.reduce(op, SOMA_F32, x, shape, zero: 0)
          #expect(out == Self.reduce(op, SOMA_F32, x, shape, zero: 0, split: shape.inner / 2))
          for (index, result) in out.enumerated() {
            let column = shape.column(index).map { Double(x[$0]) }
            let size = column.reduce(0) { $0 + abs($1) }
            switch op {
            case SOMA_REDUCE_SUM:
              // 16 additions in a lane, 6 to fold, the levels above: below 32 roundings of partial sums.
              let exact = column.reduce(0, +)
              #expect(abs(Double(result) - exact) <= 0x1p-24 * 32 * size)
            case SOMA_REDUCE_PRODUCT:
              let exact = column.reduce(1, *)
              let tolerance = 0x1p-23 * Double(shape.n + 1) * abs(exact) + Double(Float.leastNormalMagnitude)
              #expect(abs(Double(result) - exact) <= tolerance)
            case SOMA_REDUCE_MAX: #expect(Double(result) == column.max() ?? -.infinity)
            default: #expect(Double(result) == column.min() ?? .infinity)
            }
          }
        }
      }
    }
  }

  @Test("all instruction sets give the same bits")
  func sameBits() {
    for shape in Self.shapes {
      let x = Self.numbers(shape.count).map { Float($0) }
      let results = KernelCalls.levels.map { level in
        KernelCalls.atLevel(level) { Self.reduce(SOMA_REDUCE_SUM, SOMA_F32, x, shape, zero: 0).map(\.bitPattern) }
      }
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }

  @Test("integers wrap, F64 and BF16 too, bool is any and all", arguments: shapes)
  func otherTypes(shape: Shape) {
    let x = ElementwiseRuleTests.integers(Int8.self, seed: 3, count: shape.count)
    let doubles = Self.numbers(shape.count)
    let truths = doubles.map { $0 < 1.9 }
    let halves = KernelCalls.map(soma_cast_map(SOMA_F64, SOMA_BF16), doubles, like: UInt16.zero)
    let widened = KernelCalls.map(soma_cast_map(SOMA_BF16, SOMA_F64), halves, like: Double.zero)
    for level in KernelCalls.levels {
      KernelCalls.atLevel(level) {
        let sums = Self.reduce(SOMA_REDUCE_SUM, SOMA_I8, x, shape, zero: 0)
        let products = Self.reduce(SOMA_REDUCE_PRODUCT, SOMA_I8, x, shape, zero: 0)
        let most = Self.reduce(SOMA_REDUCE_MAX, SOMA_I8, x, shape, zero: 0)
        let doubleSums = Self.reduce(SOMA_REDUCE_SUM, SOMA_F64, doubles, shape, zero: 0)
        let any = Self.reduce(SOMA_REDUCE_MAX, SOMA_BOOL, truths, shape, zero: false)
        let all = Self.reduce(SOMA_REDUCE_MIN, SOMA_BOOL, truths, shape, zero: false)
        let halfSums = Self.reduce(SOMA_REDUCE_SUM, SOMA_BF16, halves, shape, zero: 0)
        let halfResults = KernelCalls.map(soma_cast_map(SOMA_BF16, SOMA_F64), halfSums, like: Double.zero)
        for index in sums.indices {
          let column = shape.column(index)
          #expect(sums[index] == column.reduce(0) { $0 &+ x[$1] })
          #expect(products[index] == column.reduce(1) { $0 &* x[$1] })
          #expect(most[index] == column.map { x[$0] }.max() ?? .min)
          let size = column.reduce(0) { $0 + abs(doubles[$1]) }
          #expect(abs(doubleSums[index] - column.reduce(0) { $0 + doubles[$1] }) <= 0x1p-50 * size)
          #expect(any[index] == column.contains { truths[$0] })
          #expect(all[index] == column.allSatisfy { truths[$0] })
          let exact = column.reduce(0) { $0 + widened[$1] }
          #expect(abs(halfResults[index] - exact) <= 0x1p-8 * abs(exact) + 0x1p-19 * size)
        }
      }
    }
  }

  @Test("NaN is the extreme, and the first one counts", arguments: shapes.filter { $0.n > 1 })
  func notANumber(shape: Shape) {
    var x = Self.numbers(shape.count).map { Float(Int($0 * 3)) }
    for index in 0..<shape.outer * shape.inner where index % 2 == 0 {
      for offset in shape.column(index).suffix(2) { x[offset] = .nan }
    }
    for level in KernelCalls.levels {
      KernelCalls.atLevel(level) {
        for (largest, op) in [(Int32(0), SOMA_REDUCE_MIN), (1, SOMA_REDUCE_MAX)] {
          let extremes = Self.reduce(op, SOMA_F32, x, shape, zero: 0)
          var places = [Int32](repeating: -1, count: shape.outer * shape.inner)
          soma_arg_reduce(largest, SOMA_F32, &places, x, shape.outer, shape.n, shape.inner)
          for index in places.indices {
            let column = shape.column(index).map { x[$0] }
            let extreme = largest == 1 ? column.max()! : column.min()!
            let place = column.firstIndex(where: \.isNaN) ?? column.firstIndex(of: extreme)!
            #expect(Int(places[index]) == place)
            #expect(extremes[index].isNaN == (index % 2 == 0))
          }
        }
      }
    }
  }

  @Test("running reductions go either way", arguments: shapes.filter { $0.n > 0 && $0.n < 100 })
  func cumulative(shape: Shape) {
    let x = Self.numbers(shape.count).map { Float($0) }
    let rules: [(soma_reduction, (Float, Float) -> Float)] = [
      (SOMA_REDUCE_SUM, { $0 + $1 }), (SOMA_REDUCE_PRODUCT, { $0 * $1 }), (SOMA_REDUCE_MAX, { max($0, $1) }),
      (SOMA_REDUCE_MIN, { min($0, $1) }),
    ]
    for level in KernelCalls.levels {
      KernelCalls.atLevel(level) {
        for (op, rule) in rules {
          for reverse in [false, true] {
            var out = [Float](repeating: 0, count: x.count)
            soma_cumulative(op, SOMA_F32, reverse ? 1 : 0, &out, x, shape.outer, shape.n, shape.inner)
            for index in 0..<shape.outer * shape.inner {
              var column = shape.column(index)
              if reverse { column.reverse() }
              var total = x[column[0]]
              #expect(out[column[0]] == total)
              for offset in column.dropFirst() {
                total = rule(total, x[offset])
                #expect(out[offset] == total)
              }
            }
          }
        }
      }
    }
  }
}
