import Foundation
import Kernels
import Testing

/// One complex transform by the definition; the angles are reduced exactly before they are rounded.
private func transform(_ re: [Double], _ im: [Double], sign: Double) -> (re: [Double], im: [Double]) {
  let n = re.count
  let cosines = (0..<n).map { cos(2 * Double.pi * Double($0) / Double(n)) }
  let sines = (0..<n).map { sign * sin(2 * Double.pi * Double($0) / Double(n)) }
  var (outRe, outIm) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
  for k in 0..<n {
    for j in 0..<n {
      let turn = j * k % n
      outRe[k] += re[j] * cosines[turn] - im[j] * sines[turn]
      outIm[k] += re[j] * sines[turn] + im[j] * cosines[turn]
    }
  }
  return (outRe, outIm)
}

/// Both element types behind one interface in double; the values given are exact in either.
private struct Transform {
  let dtype: soma_dtype
  let n: Int
  let outer: Int
  let inner: Int

  private func withPlan<T>(_ body: (OpaquePointer, inout [UInt64]) -> T) -> T {
    let plan = soma_fft_create(dtype, n)!
    defer { soma_fft_destroy(plan) }
    var scratch = [UInt64](repeating: 0x7ff8_0000_7fc0_0000, count: soma_fft_scratch(plan) / 8 + 1)
    return body(plan, &scratch)
  }

  func complex(_ re: [Double], _ im: [Double], inverse: Bool) -> (re: [Double], im: [Double]) {
    withPlan { plan, scratch in
      // In place.
      if dtype == SOMA_F64 {
        var (a, b) = (re, im)
        soma_fft_complex(plan, inverse ? 1 : 0, &a, &b, a, b, outer, inner, &scratch)
        return (a, b)
      }
      let (x, y) = (re.map(Float.init), im.map(Float.init))
      var a = [Float](repeating: .nan, count: x.count)
      var b = a
      soma_fft_complex(plan, inverse ? 1 : 0, &a, &b, x, y, outer, inner, &scratch)
      return (a.map(Double.init), b.map(Double.init))
    }
  }

  func real(_ values: [Double]) -> (re: [Double], im: [Double]) {
    let count = outer * (n / 2 + 1) * inner
    return withPlan { plan, scratch in
      if dtype == SOMA_F64 {
        var a = [Double](repeating: .nan, count: count)
        var b = a
        soma_fft_real(plan, &a, &b, values, outer, inner, &scratch)
        return (a, b)
      }
      var a = [Float](repeating: .nan, count: count)
      var b = a
      soma_fft_real(plan, &a, &b, values.map(Float.init), outer, inner, &scratch)
      return (a.map(Double.init), b.map(Double.init))
    }
  }

  func realInverse(_ re: [Double], _ im: [Double]) -> [Double] {
    let count = outer * n * inner
    return withPlan { plan, scratch in
      if dtype == SOMA_F64 {
        var a = [Double](repeating: .nan, count: count)
        soma_fft_real_inverse(plan, &a, re, im, outer, inner, &scratch)
        return a
      }
      var a = [Float](repeating: .nan, count: count)
      soma_fft_real_inverse(plan, &a, re.map(Float.init), im.map(Float.init), outer, inner, &scratch)
      return a.map(Double.init)
    }
  }
}

/// The column at (outer, inner) of [outer, length, inner].
private func column(_ values: [Double], _ length: Int, _ o: Int, _ i: Int, inner: Int) -> [Double] {
  (0..<length).map { values[(o * length + $0) * inner + i] }
}

/// Root of the summed squared error over that of the summed squares, as FFTW's accuracy benchmark takes it.
private func relativeError(_ a: [(re: [Double], im: [Double])], _ b: [(re: [Double], im: [Double])]) -> Double {
  var (error, total) = (0.0, 0.0)
  for (x, y) in zip(a, b) {
    for k in x.re.indices {
      error += (x.re[k] - y.re[k]) * (x.re[k] - y.re[k]) + (x.im[k] - y.im[k]) * (x.im[k] - y.im[k])
      total += y.re[k] * y.re[k] + y.im[k] * y.im[k]
    }
  }
  return total == 0 ? error.squareRoot() : (error / total).squareRoot()
}

private let lengths = Array(1...40) + [49, 64, 97, 100, 121, 128, 143, 194, 1009]

@Suite struct LinearFourierTests {
  /// The naive sum in double is itself only good to about n^½ · 1e-16.
  @Test(arguments: [SOMA_F32, SOMA_F64])
  private func transformsFollowTheDefinition(dtype: soma_dtype) {
    let limit = dtype == SOMA_F32 ? 3e-7 : 3e-15
    var random = LinearRandom(3)
    for n in lengths {
      for (outer, inner) in n > 200 ? [(1, 1), (1, 9)] : [(1, 1), (3, 1), (19, 1), (2, 3), (1, 17), (2, 16)] {
        let count = outer * n * inner
        let re = random.floats(count).map(Double.init)
        let im = random.floats(count).map(Double.init)
        let it = Transform(dtype: dtype, n: n, outer: outer, inner: inner)
        let forward = it.complex(re, im, inverse: false)
        let backward = it.complex(re, im, inverse: true)
        let half = it.real(re)
        var (found, expected) = ([(re: [Double], im: [Double])](), [(re: [Double], im: [Double])]())
        var (foundReal, expectedReal) = (found, expected)
        let last = n > 200 ? 1 : outer * inner
        for c in Set([0, outer * inner / 2, last - 1]) {
          let (o, i) = (c / inner, c % inner)
          let (x, y) = (column(re, n, o, i, inner: inner), column(im, n, o, i, inner: inner))
          found.append((column(forward.re, n, o, i, inner: inner), column(forward.im, n, o, i, inner: inner)))
          expected.append(transform(x, y, sign: -1))
          found.append((column(backward.re, n, o, i, inner: inner), column(backward.im, n, o, i, inner: inner)))
          expected.append(transform(x, y, sign: 1))
          let bins = n / 2 + 1
          foundReal.append((column(half.re, bins, o, i, inner: inner), column(half.im, bins, o, i, inner: inner)))
          let whole = transform(x, x.map { _ in 0 }, sign: -1)
          expectedReal.append((Array(whole.re[..<bins]), Array(whole.im[..<bins])))
        }
        #expect(relativeError(found, expected) < limit, "complex, length \(n), outer \(outer), inner \(inner)")
        #expect(relativeError(foundReal, expectedReal) < limit, "real, length \(n), outer \(outer), inner \(inner)")
      }
    }
  }

  @Test(arguments: [SOMA_F32, SOMA_F64])
  private func thereAndBackAgain(dtype: soma_dtype) {
    // The error of a fast transform grows with its number of passes (Higham 2002, theorem 24.2, bounds each by about
    // 7 units of roundoff; two transforms are made here, of random errors).
    let roundoff = dtype == SOMA_F32 ? Double(Float.ulpOfOne) / 2 : Double.ulpOfOne / 2
    var random = LinearRandom(4)
    for n in lengths + [250, 1000, 1024, 2000, 65537, 131_072] {
      let limit = 4 * roundoff * (log2(Double(n)) + 2)
      for (outer, inner) in n > 2000 ? [(1, 1)] : [(1, 1), (2, 3), (1, 18)] {
        let it = Transform(dtype: dtype, n: n, outer: outer, inner: inner)
        let re = random.floats(outer * n * inner).map(Double.init)
        let im = random.floats(outer * n * inner).map(Double.init)
        let forward = it.complex(re, im, inverse: false)
        let back = it.complex(forward.re, forward.im, inverse: true)
        #expect(relativeDifference(back.re.map { $0 / Double(n) }, re) < limit, "length \(n)")
        #expect(relativeDifference(back.im.map { $0 / Double(n) }, im) < limit, "length \(n)")
        let half = it.real(re)
        let whole = it.realInverse(half.re, half.im)
        #expect(relativeDifference(whole.map { $0 / Double(n) }, re) < limit, "real, length \(n)")
      }
    }
  }

  /// The transform of a shifted unit impulse has modulus 1 and the angle -2π k shift / n everywhere.
  @Test(arguments: [1009, 4096, 65536, 131_072, 100_003])
  func longTransformsOfAnImpulseAreExactWaves(n: Int) {
    var impulse = [Double](repeating: 0, count: n)
    impulse[n / 3] = 1
    let wave = Transform(dtype: SOMA_F64, n: n, outer: 1, inner: 1)
      .complex(impulse, impulse.map { _ in 0 }, inverse: false)
    var worst = 0.0
    for k in 0..<n {
      let angle = -2 * Double.pi * Double(k * (n / 3) % n) / Double(n)
      worst = max(worst, abs(wave.re[k] - cos(angle)), abs(wave.im[k] - sin(angle)))
    }
    #expect(worst < 4e-15)
  }

  @Test func missingImaginaryPartsAreZeros() {
    var random = LinearRandom(5)
    let plan = soma_fft_create(SOMA_F64, 12)!
    defer { soma_fft_destroy(plan) }
    var scratch = [UInt8](repeating: 255, count: soma_fft_scratch(plan))
    let x = random.doubles(24)
    var (a, b, c, d) = (x, x, x, x)
    soma_fft_complex(plan, 0, &a, &b, x, nil, 2, 1, &scratch)
    soma_fft_complex(plan, 0, &c, &d, x, [Double](repeating: 0, count: 24), 2, 1, &scratch)
    #expect(a == c)
    #expect(b == d)
  }

  @Test func imaginaryPartsThatARealSignalCannotHaveAreIgnored() {
    for n in [7, 8] {
      let it = Transform(dtype: SOMA_F64, n: n, outer: 1, inner: 1)
      let re = (0...(n / 2)).map { Double($0) + 1 }
      var im = [Double](repeating: 0.5, count: n / 2 + 1)
      im[0] = .nan
      if n == 8 { im[4] = .infinity }
      var clean = im
      clean[0] = 0
      if n == 8 { clean[4] = 0 }
      let values = it.realInverse(re, im)
      #expect(values == it.realInverse(re, clean))
      #expect(values.allSatisfy { $0.isFinite })
    }
  }

  @Test func impossiblePlansAreRefused() {
    #expect(soma_fft_create(SOMA_F32, 0) == nil)
    #expect(soma_fft_create(SOMA_I32, 8) == nil)
    #expect(soma_fft_create(SOMA_F64, 1 << 40) == nil)
  }
}
