import Foundation
import Kernels
import Testing

private typealias Golden = LinearLapackGolden

private func entry(_ i: Int, _ j: Int, _ seed: Int) -> Double {
  let (row, column) = (i + 1, j + 2)
  let mixed: Int = 7 * row * row * row * column * column
  let cube: Int = 11 * j * j * j
  return Double((seed + mixed + cube) % 127 - 63) / 64
}

/// The matrices of `make_lapack_golden.py`.
private func matrix(_ m: Int, _ n: Int, _ seed: Int) -> [Double] {
  (0..<m).flatMap { i in (0..<n).map { j in entry(i, j, seed) } }
}

private func transposed(_ a: [Double], _ m: Int, _ n: Int) -> [Double] {
  (0..<n).flatMap { j in (0..<m).map { i in a[i * n + j] } }
}

private func multiply(_ a: [Double], _ b: [Double], _ m: Int, _ k: Int, _ n: Int) -> [Double] {
  (0..<m).flatMap { i in (0..<n).map { j in (0..<k).reduce(0) { $0 + a[i * k + $1] * b[$1 * n + j] } } }
}

private func identity(_ n: Int) -> [Double] { (0..<(n * n)).map { $0 / n == $0 % n ? 1 : 0 } }

private func positive(_ n: Int, _ seed: Int) -> [Double] {
  let a = matrix(n, n, seed)
  return zip(multiply(a, transposed(a, n, n), n, n, n), identity(n)).map { $0 + $1 }
}

/// The routines for one element type, with values in double.
private struct Lapack: CustomTestStringConvertible {
  let dtype: soma_dtype
  var isDouble: Bool { dtype == SOMA_F64 }
  /// For factors and reconstructions of matrices of a few dozen rows and values near 1.
  var tolerance: Double { isDouble ? 2e-14 : 1e-5 }
  var testDescription: String { isDouble ? "double" : "single" }

  private func scratch(_ op: soma_factorization, _ m: Int, _ n: Int) -> [UInt64] {
    [UInt64](repeating: .max, count: soma_lapack_scratch(op, dtype, m, n) / 8 + 1)
  }

  /// Calls `body(first, second, results…)` with arrays of this type; results are NaN before.
  private func run(
    _ first: [Double], and second: [Double] = [], _ counts: [Int],
    _ body: (
      UnsafeRawPointer, UnsafeRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer
    ) -> Int32
  ) -> (info: Int, results: [[Double]]) {
    func go<T: BinaryFloatingPoint & BitwiseCopyable>(_ type: T.Type) -> (Int, [[Double]]) {
      var outs = (0..<3).map { [T](repeating: .nan, count: $0 < counts.count ? counts[$0] : 0) }
      var (x, y, z) = (outs[0], outs[1], outs[2])
      let info = body(first.map { T($0) }, second.map { T($0) }, &x, &y, &z)
      outs = [x, y, z]
      return (Int(info), counts.indices.map { outs[$0].map { Double($0) } })
    }
    return isDouble ? go(Double.self) : go(Float.self)
  }

  func cholesky(_ a: [Double], _ n: Int) -> (info: Int, results: [[Double]]) {
    var work = scratch(SOMA_CHOLESKY, n, n)
    return run(a, [n * n]) { a, _, l, _, _ in soma_cholesky(dtype, l, a, n, &work) }
  }

  func triangular(_ a: [Double], _ b: [Double], _ n: Int, _ m: Int, _ lower: Bool, _ transpose: Bool, _ unit: Bool)
    -> [Double]
  {
    run(a, and: b, [n * m]) { a, b, x, _, _ in
      soma_triangular_solve(dtype, lower ? 1 : 0, transpose ? 1 : 0, unit ? 1 : 0, x, a, b, n, m)
    }.results[0]
  }

  func eigh(_ a: [Double], _ n: Int) -> (info: Int, results: [[Double]]) {
    var work = scratch(SOMA_EIGH, n, n)
    return run(a, [n, n * n]) { a, _, values, vectors, _ in soma_eigh(dtype, values, vectors, a, n, &work) }
  }

  func svd(_ a: [Double], _ m: Int, _ n: Int) -> (info: Int, results: [[Double]]) {
    let k = min(m, n)
    var work = scratch(SOMA_SVD, m, n)
    return run(a, [m * k, k, k * n]) { a, _, u, s, vt in soma_svd(dtype, u, s, vt, a, m, n, &work) }
  }

  func qr(_ a: [Double], _ m: Int, _ n: Int) -> (info: Int, results: [[Double]]) {
    let k = min(m, n)
    var work = scratch(SOMA_QR, m, n)
    return run(a, [m * k, k * n]) { a, _, q, r, _ in soma_qr(dtype, q, r, a, m, n, &work) }
  }

  func solve(_ a: [Double], _ b: [Double], _ n: Int, _ m: Int, transpose: Bool) -> (info: Int, results: [[Double]]) {
    var work = scratch(SOMA_SOLVE, n, m)
    return run(a, and: b, [n * m]) { a, b, x, _, _ in soma_solve(dtype, transpose ? 1 : 0, x, a, b, n, m, &work) }
  }

  func logDeterminant(_ a: [Double], _ n: Int) -> [Double] {
    var work = scratch(SOMA_LOG_DETERMINANT, n, n)
    return run(a, [1, 1]) { a, _, sign, log, _ in soma_log_determinant(dtype, sign, log, a, n, &work) }
      .results.flatMap { $0 }
  }
}

private let types = [Lapack(dtype: SOMA_F32), Lapack(dtype: SOMA_F64)]
private let extents = [(1, 1), (2, 2), (5, 3), (3, 5), (33, 20), (20, 33), (64, 64), (1, 9), (9, 1)]

@Suite struct LinearLapackTests {
  @Test(arguments: types) private func choleskyAgreesWithNumPy(it: Lapack) {
    let found = it.cholesky(positive(5, 1), 5)
    #expect(found.info == 0)
    #expect(relativeDifference(found.results[0], Golden.cholesky) < it.tolerance)
  }

  @Test(arguments: types) private func choleskyReadsTheLowerPartAndClearsTheUpper(it: Lapack) {
    let n = 40
    var a = positive(n, 3)
    let whole = a
    for i in 0..<n { for j in (i + 1)..<max(n, i + 1) { a[i * n + j] = 99 } }
    let found = it.cholesky(a, n)
    let l = found.results[0]
    #expect(found.info == 0)
    for i in 0..<n { for j in (i + 1)..<max(n, i + 1) { #expect(l[i * n + j] == 0) } }
    #expect(relativeDifference(multiply(l, transposed(l, n, n), n, n, n), whole) < it.tolerance)
  }

  @Test(arguments: types) private func choleskyOfAnIndefiniteMatrixIsNaN(it: Lapack) {
    for a in [[1.0, 2, 2, 1], [.nan, 0, 0, 1], [1, 0, 0, 0]] {
      let found = it.cholesky(a, 2)
      #expect(found.info > 0)
      #expect(found.results[0].allSatisfy { $0.isNaN })
    }
  }

  @Test(arguments: types) private func triangularSystemsAgreeWithSciPy(it: Lapack) {
    let a = zip(matrix(6, 6, 4), identity(6)).map { $0 + 4 * $1 }
    let b = matrix(6, 3, 8)
    let cases: [(Bool, Bool, Bool, [Double])] = [
      (false, false, false, Golden.upper), (false, false, true, Golden.upperUnit),
      (false, true, false, Golden.upperTransposed), (false, true, true, Golden.upperTransposedUnit),
      (true, false, false, Golden.lower), (true, false, true, Golden.lowerUnit),
      (true, true, false, Golden.lowerTransposed), (true, true, true, Golden.lowerTransposedUnit),
    ]
    for (lower, transpose, unit, expected) in cases {
      let found = it.triangular(a, b, 6, 3, lower, transpose, unit)
      #expect(relativeDifference(found, expected) < it.tolerance, "lower \(lower) transpose \(transpose) unit \(unit)")
    }
  }

  @Test(arguments: types) private func eigenvaluesAgreeWithNumPy(it: Lapack) {
    // Not symmetric: the routine symmetrizes.
    let found = it.eigh(matrix(6, 6, 9), 6)
    #expect(found.info == 0)
    #expect(relativeDifference(found.results[0], Golden.eigenvalues) < it.tolerance)
  }

  @Test(arguments: types) private func eigenvectorsDiagonalize(it: Lapack) {
    for n in [1, 2, 7, 50] {
      let a = matrix(n, n, 6)
      let symmetric = zip(a, transposed(a, n, n)).map { ($0 + $1) / 2 }
      let found = it.eigh(a, n)
      let (values, vectors) = (found.results[0], found.results[1])
      #expect(values == values.sorted())
      let scaled = (0..<(n * n)).map { vectors[$0] * values[$0 % n] }
      #expect(relativeDifference(multiply(symmetric, vectors, n, n, n), scaled) < it.tolerance, "size \(n)")
      #expect(relativeDifference(multiply(transposed(vectors, n, n), vectors, n, n, n), identity(n)) < it.tolerance)
    }
  }

  @Test(arguments: types) private func singularValuesAgreeWithNumPy(it: Lapack) {
    #expect(relativeDifference(it.svd(matrix(7, 4, 2), 7, 4).results[1], Golden.singularValues) < it.tolerance)
    #expect(relativeDifference(it.svd(matrix(4, 6, 3), 4, 6).results[1], Golden.wideSingularValues) < it.tolerance)
  }

  @Test(arguments: types) private func singularVectorsReconstruct(it: Lapack) {
    for (m, n) in extents {
      let k = min(m, n)
      let a = matrix(m, n, 11)
      let found = it.svd(a, m, n)
      let (u, s, vt) = (found.results[0], found.results[1], found.results[2])
      #expect(found.info == 0)
      #expect(s == s.sorted(by: >))
      let us = (0..<(m * k)).map { u[$0] * s[$0 % k] }
      #expect(relativeDifference(multiply(us, vt, m, k, n), a) < it.tolerance, "\(m)x\(n)")
      #expect(relativeDifference(multiply(transposed(u, m, k), u, k, m, k), identity(k)) < it.tolerance)
      #expect(relativeDifference(multiply(vt, transposed(vt, k, n), k, n, k), identity(k)) < it.tolerance)
    }
  }

  @Test(arguments: types) private func qrAgreesWithNumPy(it: Lapack) {
    let tall = it.qr(matrix(7, 4, 2), 7, 4).results
    #expect(relativeDifference(tall[0], Golden.q) < it.tolerance)
    #expect(relativeDifference(tall[1], Golden.r) < it.tolerance)
    #expect(relativeDifference(it.qr(matrix(4, 6, 3), 4, 6).results[1], Golden.wideR) < it.tolerance)
  }

  @Test(arguments: types) private func qrReconstructs(it: Lapack) {
    for (m, n) in extents {
      let k = min(m, n)
      let a = matrix(m, n, 12)
      let found = it.qr(a, m, n)
      let (q, r) = (found.results[0], found.results[1])
      #expect(found.info == 0)
      #expect(relativeDifference(multiply(q, r, m, k, n), a) < it.tolerance, "\(m)x\(n)")
      #expect(relativeDifference(multiply(transposed(q, m, k), q, k, m, k), identity(k)) < it.tolerance)
      for i in 0..<k {
        #expect(r[i * n + i] >= 0)
        for j in 0..<i { #expect(r[i * n + j] == 0) }
      }
    }
  }

  @Test(arguments: types) private func systemsAgreeWithNumPy(it: Lapack) {
    // The condition number is 23.
    let tolerance = 10 * it.tolerance
    let (a, b) = (matrix(6, 6, 0), matrix(6, 3, 8))
    #expect(relativeDifference(it.solve(a, b, 6, 3, transpose: false).results[0], Golden.solution) < tolerance)
    #expect(relativeDifference(it.solve(a, b, 6, 3, transpose: true).results[0], Golden.transposedSolution) < tolerance)
    let determinant = it.logDeterminant(a, 6)
    #expect(determinant[0] == Golden.determinant[0])
    #expect(abs(determinant[1] - Golden.determinant[1]) < tolerance)
  }

  @Test(arguments: types) private func solutionsOfLargerSystemsSatisfyThem(it: Lapack) {
    let n = 60
    var random = LinearRandom(6)
    let a = zip(random.doubles(n * n), identity(n)).map { $0 + 8 * $1 }
    for m in [1, 5, 70] {
      let b = random.doubles(n * m)
      for transpose in [false, true] {
        let x = it.solve(a, b, n, m, transpose: transpose).results[0]
        let back = multiply(transpose ? transposed(a, n, n) : a, x, n, n, m)
        #expect(relativeDifference(back, b) < 10 * it.tolerance)
      }
    }
  }

  @Test(arguments: types) private func singularSystemsAreNaN(it: Lapack) {
    let found = it.solve([1, 2, 2, 4], [1, 1], 2, 1, transpose: false)
    #expect(found.info > 0)
    #expect(found.results[0].allSatisfy { $0.isNaN })
  }

  @Test(arguments: types) private func determinantsOfSpecialMatrices(it: Lapack) {
    #expect(it.logDeterminant([1, 2, 2, 4], 2) == [0, -.infinity])
    #expect(it.logDeterminant([0, 1, 1, 0], 2) == [-1, 0])
    #expect(it.logDeterminant([0, 0, 1, 1, 0, 0, 0, 1, 0], 3) == [1, 0])
    #expect(it.logDeterminant([-2], 1)[0] == -1)
    #expect(it.logDeterminant([.nan, 1, 1, 1], 2).allSatisfy { $0.isNaN })
  }

  @Test(arguments: types) private func valuesThatAreNotFiniteGiveNaNAndEnd(it: Lapack) {
    for bad in [Double.nan, .infinity] {
      var a = matrix(30, 30, 1)
      a[31] = bad
      for found in [it.eigh(a, 30), it.svd(a, 30, 30)] {
        #expect(found.info != 0)
        #expect(found.results.allSatisfy { $0.allSatisfy { $0.isNaN } })
      }
    }
  }

  @Test(arguments: types) private func emptyMatricesAreNothingToDo(it: Lapack) {
    var one: [Double] = [5]
    var work = [UInt8](repeating: 0, count: 256)
    var other: [Double] = [5]
    var third = one
    #expect(soma_cholesky(it.dtype, &one, other, 0, &work) == 0)
    #expect(soma_svd(it.dtype, &one, &other, &third, [1.0], 0, 3, &work) == 0)
    #expect(soma_solve(it.dtype, 0, &one, other, other, 3, 0, &work) == 0)
    #expect(one == [5])
    #expect(soma_log_determinant(it.dtype, &one, &other, [1.0], 0, &work) == 0)
    #expect(soma_cholesky(SOMA_I32, &one, other, 1, &work) < 0)
  }
}
