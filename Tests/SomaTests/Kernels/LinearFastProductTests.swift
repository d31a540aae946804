import Kernels
import Testing

/// Strassen's algorithm on matrices far smaller than those it is used for.
@Suite(.enabled(if: soma_cpu_level() == 2, "needs AVX-512")) struct LinearFastProductTests {
  /// Magnitudes between 1/2 and 1, so that no row or column differs much from the others.
  private static func matrix(_ count: Int, _ random: inout LinearRandom) -> [Float] {
    (0..<count).map { _ in
      let x = random.unit()
      return Float(x < 0 ? x / 2 - 0.5 : x / 2 + 0.5)
    }
  }

  private static func fast(
    parts: Int = 2, _ ta: Bool, _ tb: Bool, _ m: Int, _ n: Int, _ k: Int, _ a: [Float], _ lda: Int, _ b: [Float],
    _ ldb: Int, _ c: inout [Float], _ ldc: Int
  ) -> Bool {
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: soma_gemm_fast_scratch(parts, m, n, k), alignment: 16)
    defer { scratch.deallocate() }
    return soma_gemm_fast(parts, ta ? 1 : 0, tb ? 1 : 0, m, n, k, a, lda, b, ldb, &c, ldc, scratch) == 1
  }

  /// Blocks that are cut off or empty, panels of 16, 32 and 48 columns, and more columns and terms than are packed at a
  /// time.
  static let sizes: [(m: Int, n: Int, k: Int)] = [
    (1, 1, 1), (3, 5, 7), (17, 33, 65), (64, 64, 64), (101, 203, 150), (260, 131, 70), (37, 300, 100), (31, 2300, 45),
    (40, 70, 3300), (300, 256, 513),
  ]

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func productsFollowTheDefinition(transposeA: Bool, transposeB: Bool) {
    var random = LinearRandom(1)
    for (m, n, k) in Self.sizes {
      let (lda, ldb, ldc) = ((transposeA ? m : k) + 3, (transposeB ? k : n) + 1, n + 2)
      let a = Self.matrix((transposeA ? k : m) * lda, &random)
      let b = Self.matrix((transposeB ? n : k) * ldb, &random)
      var c = [Float](repeating: .nan, count: m * ldc)
      #expect(Self.fast(transposeA, transposeB, m, n, k, a, lda, b, ldb, &c, ldc), "\(m)x\(n)x\(k)")
      var (largest, errors, squares) = (0.0, 0.0, 0.0)
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0
          for p in 0..<k {
            sum +=
              Double(a[transposeA ? p * lda + i : i * lda + p]) * Double(b[transposeB ? j * ldb + p : p * ldb + j])
          }
          let error = abs(Double(c[i * ldc + j]) - sum)
          largest = error.isNaN ? .infinity : max(largest, error)
          (errors, squares) = (errors + error * error, squares + sum * sum)
        }
        #expect((n..<ldc).allSatisfy { c[i * ldc + $0].isNaN }, "what lies between the rows of C was written")
      }
      // Higham 2002, (23.13), for two levels and elements up to 1; errors are mostly far smaller.
      let depth = Double((k + 3) / 4)
      #expect(largest <= 144 * depth * (depth + 5) * 6e-8, "\(m)x\(n)x\(k)")
      #expect(errors.squareRoot() <= 4e-6 * squares.squareRoot(), "\(m)x\(n)x\(k)")
    }
  }

  @Test(arguments: [(false, false), (true, true)])
  func bitsDoNotDependOnTheNumberOfParts(transposeA: Bool, transposeB: Bool) {
    var random = LinearRandom(2)
    for (m, n, k) in [(101, 203, 150), (31, 2300, 45), (300, 256, 513)] {
      let (lda, ldb) = (transposeA ? m : k, transposeB ? k : n)
      let (a, b) = (Self.matrix(m * k, &random), Self.matrix(k * n, &random))
      let results = [1, 2, 3, 7, 40].map { parts in
        var c = [Float](repeating: 0, count: m * n)
        #expect(Self.fast(parts: parts, transposeA, transposeB, m, n, k, a, lda, b, ldb, &c, n))
        return c
      }
      for result in results { #expect(result == results[0]) }
    }
  }

  @Test func whatIsNotFiniteIsLeftToTheOrdinaryProduct() {
    var random = LinearRandom(3)
    let (m, n, k) = (90, 70, 80)
    let (a, b) = (Self.matrix(m * k, &random), Self.matrix(k * n, &random))
    var c = [Float](repeating: 0, count: m * n)
    #expect(Self.fast(false, false, m, n, k, a, k, b, n, &c, n))
    for value in [Float.infinity, -.infinity, .nan] {
      for place in [0, 41 * k + 17, m * k - 1] {
        var spoiled = a
        spoiled[place] = value
        #expect(!Self.fast(false, false, m, n, k, spoiled, k, b, n, &c, n))
      }
      var spoiled = b
      spoiled[33 * n + 69] = value
      #expect(!Self.fast(false, false, m, n, k, a, k, spoiled, n, &c, n))
    }
    let (large, larger) = (a.map { $0 * 1e19 }, b.map { $0 * 1e19 })
    #expect(!Self.fast(false, false, m, n, k, large, k, larger, n, &c, n))
  }

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func unevenOperandsAreLeftToTheOrdinaryProduct(transposeA: Bool, transposeB: Bool) {
    var random = LinearRandom(4)
    let (m, n, k) = (90, 70, 80)
    let (lda, ldb) = (transposeA ? m : k, transposeB ? k : n)
    let (a, b) = (Self.matrix(m * k, &random), Self.matrix(k * n, &random))
    func isFast(row: Float = 1, column: Float = 1, left: Float = 1, right: Float = 1) -> Bool {
      var (x, y) = (a, b)
      // One row of A, one column of B, and half of the terms.
      for p in 0..<k {
        x[transposeA ? p * lda + 71 : 71 * lda + p] *= row
        y[transposeB ? 65 * ldb + p : p * ldb + 65] *= column
        guard p % 2 == 0 else { continue }
        for i in 0..<m { x[transposeA ? p * lda + i : i * lda + p] *= left }
        for j in 0..<n { y[transposeB ? j * ldb + p : p * ldb + j] *= right }
      }
      var c = [Float](repeating: 0, count: m * n)
      return Self.fast(transposeA, transposeB, m, n, k, x, lda, y, ldb, &c, n)
    }
    #expect(isFast())
    #expect(isFast(row: 2, column: 0.5))
    #expect(!isFast(row: 0))
    #expect(!isFast(row: 0.01))
    #expect(!isFast(row: 100))
    #expect(!isFast(column: 0))
    #expect(!isFast(column: 0.01))
    #expect(!isFast(column: 100))
    // What is large may meet what is large, but not only what is small.
    #expect(isFast(left: 100, right: 100))
    #expect(!isFast(left: 1000, right: 0.001))
    #expect(!isFast(left: 0.001, right: 1000))
  }

  @Test func aProcessorWithoutTheInstructionsRefuses() {
    var random = LinearRandom(5)
    let (a, b) = (Self.matrix(64 * 64, &random), Self.matrix(64 * 64, &random))
    var c = [Float](repeating: 0, count: 64 * 64)
    for level in [0, 1] {
      soma_limit_cpu_level(Int32(level))
      defer { soma_limit_cpu_level(2) }
      #expect(!Self.fast(false, false, 64, 64, 64, a, 64, b, 64, &c, 64))
      #expect(soma_gemm_fast_pays(4096, 4096, 4096) == 0)
    }
    #expect(soma_gemm_fast_pays(2048, 2048, 2048) == 1)
    #expect(soma_gemm_fast_pays(4096, 4096, 512) == 0)
  }
}
