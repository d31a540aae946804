import Foundation
import Kernels
import Testing

/// `C = alpha op(A) op(B) + beta C` by the definition, in double.
private func product(
  _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Double, _ a: [Double], _ lda: Int,
  _ b: [Double], _ ldb: Int, _ beta: Double, _ c: [Double], _ ldc: Int
) -> [Double] {
  var out = c
  for i in 0..<m {
    for j in 0..<n {
      var sum = 0.0
      for p in 0..<k {
        sum += a[transposeA ? p * lda + i : i * lda + p] * b[transposeB ? j * ldb + p : p * ldb + j]
      }
      out[i * ldc + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * ldc + j])
    }
  }
  return out
}

private let sizes: [(m: Int, n: Int, k: Int)] = [
  (1, 1, 1), (1, 1, 64), (1, 17, 3), (2, 33, 65), (7, 1, 33), (64, 1, 32), (64, 32, 2), (64, 32, 32), (5, 50, 7),
  (9, 16, 16), (12, 47, 48), (13, 49, 31), (33, 10, 64), (65, 65, 65), (31, 128, 40), (70, 90, 110), (1, 300, 200),
  (3, 130, 70), (130, 2, 90), (0, 4, 3), (4, 0, 3), (4, 3, 0),
]

@Suite struct LinearGemmTests {
  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func floatingProductsFollowTheDefinition(transposeA: Bool, transposeB: Bool) {
    soma_single_threaded_libraries()
    var random = LinearRandom(1)
    for (m, n, k) in sizes {
      for padding in [0, 3] {
        for (alpha, beta) in [(1.0, 0.0), (1.0, 1.0), (-0.5, 2.0), (0.0, 0.5)] {
          let lda = (transposeA ? m : k) + padding
          let ldb = (transposeB ? k : n) + padding
          let ldc = n + padding
          let a = random.floats((transposeA ? k : m) * lda + 1)
          let b = random.floats((transposeB ? n : k) * ldb + 1)
          // A zero beta must not read what was there.
          let c = beta == 0 ? [Float](repeating: .nan, count: m * ldc + 1) : random.floats(m * ldc + 1)
          let expected = product(
            transposeA, transposeB, m, n, k, alpha, a.map(Double.init), lda, b.map(Double.init), ldb, beta,
            c.map(Double.init), ldc)
          var single = c
          var double = c.map(Double.init)
          #expect(
            soma_gemm(
              SOMA_F32, transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, alpha, a, lda, b, ldb, beta, &single, ldc) == 0
          )
          #expect(
            soma_gemm(
              SOMA_F64, transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, alpha, a.map(Double.init), lda,
              b.map(Double.init), ldb, beta, &double, ldc) == 0)
          // k roundings of values up to 1; what lies between the rows must stay.
          for i in 0..<single.count {
            if expected[i].isNaN {
              #expect(single[i].isNaN && double[i].isNaN, "element \(i) beside C was written")
            } else {
              #expect(abs(Double(single[i]) - expected[i]) <= 6e-8 * Double(k + 4), "\(m)x\(n)x\(k) at \(i)")
              #expect(abs(double[i] - expected[i]) <= 2.3e-16 * Double(k + 4), "\(m)x\(n)x\(k) at \(i)")
            }
          }
        }
      }
    }
  }

  /// More rows, columns and depth than the blocks that are packed at a time, none a multiple of a tile.
  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func largeProductsFollowTheDefinition(transposeA: Bool, transposeB: Bool) {
    soma_single_threaded_libraries()
    var random = LinearRandom(3)
    let (m, n, k) = (101, 509, 171)
    let a = random.floats(m * k).map(Double.init)
    let b = random.floats(k * n).map(Double.init)
    let (lda, ldb) = (transposeA ? m : k, transposeB ? k : n)
    let start = random.floats(m * n).map(Double.init)
    let expected = product(transposeA, transposeB, m, n, k, -0.5, a, lda, b, ldb, 1, start, n)
    var double = start
    var single = start.map { Float($0) }
    let (ta, tb): (Int32, Int32) = (transposeA ? 1 : 0, transposeB ? 1 : 0)
    #expect(soma_gemm(SOMA_F64, ta, tb, m, n, k, -0.5, a, lda, b, ldb, 1, &double, n) == 0)
    let (x, y) = (a.map { Float($0) }, b.map { Float($0) })
    #expect(soma_gemm(SOMA_F32, ta, tb, m, n, k, -0.5, x, lda, y, ldb, 1, &single, n) == 0)
    let worst = zip(double, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
    let worstSingle = zip(single, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
    #expect(worst <= 2.3e-16 * Double(k + 4))
    #expect(worstSingle <= 6e-8 * Double(k + 4))
  }

  /// A caller may divide a double product over threads by rows without changing a bit. OpenBLAS, which serves machines
  /// without AVX-512, does not promise that.
  @Test(.enabled(if: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.contains("avx512vl") == true))
  func partsOfADoubleProductHaveTheBitsOfTheWhole() {
    var random = LinearRandom(4)
    let (m, n, k) = (90, 130, 400)
    let a = random.doubles(m * k)
    let b = random.doubles(k * n)
    var whole = [Double](repeating: 0, count: m * n)
    var parts = whole
    #expect(soma_gemm(SOMA_F64, 0, 0, m, n, k, 1, a, k, b, n, 0, &whole, n) == 0)
    for (first, count) in [(0, 45), (45, 3), (48, 42)] {
      var part = [Double](repeating: 0, count: count * n)
      #expect(soma_gemm(SOMA_F64, 0, 0, count, n, k, 1, Array(a[(first * k)...]), k, b, n, 0, &part, n) == 0)
      parts.replaceSubrange((first * n)..<((first + count) * n), with: part)
    }
    #expect(parts == whole)
  }

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func integerProductsWrap(transposeA: Bool, transposeB: Bool) {
    var random = LinearRandom(2)
    for (m, n, k) in [(1, 1, 1), (3, 70, 40), (17, 5, 33), (40, 65, 70), (4, 3, 0)] {
      for beta in [0, 1] {
        let lda = (transposeA ? m : k) + 2
        let ldb = (transposeB ? k : n) + 1
        let a = random.int32s((transposeA ? k : m) * lda + 1)
        let b = random.int32s((transposeB ? n : k) * ldb + 1)
        let wideA = random.int64s(a.count)
        let wideB = random.int64s(b.count)
        let start = random.int32s(m * n)
        var c = start
        var wide = start.map(Int64.init)
        var expected = start.map { beta == 1 ? $0 : 0 }
        var wideExpected = start.map { beta == 1 ? Int64($0) : 0 }
        for i in 0..<m {
          for j in 0..<n {
            for p in 0..<k {
              let x = transposeA ? p * lda + i : i * lda + p
              let y = transposeB ? j * ldb + p : p * ldb + j
              expected[i * n + j] &+= a[x] &* b[y]
              wideExpected[i * n + j] &+= wideA[x] &* wideB[y]
            }
          }
        }
        let (ta, tb): (Int32, Int32) = (transposeA ? 1 : 0, transposeB ? 1 : 0)
        #expect(soma_gemm(SOMA_I32, ta, tb, m, n, k, 1, a, lda, b, ldb, Double(beta), &c, n) == 0)
        #expect(soma_gemm(SOMA_I64, ta, tb, m, n, k, 1, wideA, lda, wideB, ldb, Double(beta), &wide, n) == 0)
        #expect(c == expected)
        #expect(wide == wideExpected)
      }
    }
  }

  @Test func impossibleProductsAreRefused() {
    var c: [Float] = [7]
    #expect(soma_gemm(SOMA_BOOL, 0, 0, 1, 1, 1, 1, c, 1, c, 1, 0, &c, 1) < 0)
    #expect(soma_gemm(SOMA_I32, 0, 0, 1, 1, 1, 0.5, c, 1, c, 1, 0, &c, 1) < 0)
    #expect(soma_gemm(SOMA_F32, 0, 0, 1, 1, 2, 1, c, 1, c, 1, 0, &c, 1) < 0)
    #expect(soma_gemm(SOMA_F32, 0, 0, 2, 2, 2, 1, c, 2, c, 2, 0, &c, 1) < 0)
    #expect(c == [7])
  }
}
