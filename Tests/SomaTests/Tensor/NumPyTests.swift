import Testing

@testable import Soma

/// The composites that NumPy's users expect, against NumPy.
@Suite struct NumPyTests {
  static let cases = GoldenCase.read("numpy_golden.json")
  /// Their results' shapes depend on values, so they have no graph.
  private static let concreteOnly: Set<String> = [
    "unique", "union", "intersection", "subtracting", "symmetricDifference", "nonZeroPositions", "elementsWhere",
  ]

  @Test(arguments: cases) func agreesWithNumPy(_ c: GoldenCase) throws {
    GoldenTests.check(try compute(c, c.inputs), c, "eager")
    guard !Self.concreteOnly.contains(c.operation) else { return }
    // Traced once here, where it may throw, so that the closure cannot.
    GoldenTests.check(compile { (x: [Tensor]) in (try? self.compute(c, x)) ?? [] }(c.inputs), c, "compiled")
  }

  private func compute(_ c: GoldenCase, _ x: [Tensor]) throws -> [Tensor] {
    let dtype = x[0].dtype
    func extent() -> Tensor.ConvolutionExtent {
      switch c.text("mode") {
      case "same": .same
      case "valid": .valid
      default: .full
      }
    }
    switch c.operation {
    case "nanSum": return [x[0].nanSum(c.axes())]
    case "nanProduct": return [x[0].nanProduct(c.axes())]
    case "nanMax": return [x[0].nanMax(c.axes())]
    case "nanMin": return [x[0].nanMin(c.axes())]
    case "nanMean": return [x[0].nanMean(c.axes())]
    case "nanVariance": return [x[0].nanVariance(c.axes(), correction: c.int("correction"))]
    case "nanQuantile": return [x[0].nanQuantile(c.double("q"))]
    case "nanCumulativeSum": return [x[0].nanCumulativeSum()]
    case "nanCumulativeProduct": return [x[0].nanCumulativeProduct()]
    case "nanArgMax": return [x[0].nanArgMax()]
    case "nanArgMin": return [x[0].nanArgMin()]
    case "nanToNumber": return [x[0].nanToNumber(7)]
    case "average": return [x[0].average(weights: x[1], c.axes())]
    case "peakToPeak": return [x[0].peakToPeak(c.axes())]
    case "countNonZero": return [x[0].countNonZero(c.axes())]
    case "percentile": return [x[0].percentile(c.double("p"))]
    case "covariance": return [x[0].covariance()]
    case "correlation": return [x[0].correlation()]
    case "binCount": return [x[0].binCount(length: c.int("length"))]
    case "binCountWeighted": return [x[0].binCount(length: c.int("length"), weights: x[1])]
    case "histogramEdges": return [x[0].histogram(edges: x[1])]
    case "histogramDensity": return [x[0].histogram(edges: x[1], density: true)]
    case "histogram":
      let (counts, edges) = x[0].histogram(bins: c.int("bins"))
      return [counts, edges]
    case "trapezoid": return [x[0].trapezoid(spacing: c.double("spacing"), c.int("axis"))]
    case "trapezoidOver": return [x[0].trapezoid(over: x[1])]
    case "searchSorted": return [x[0].searchSorted(x[1], side: c.text("side") == "left" ? .left : .right)]
    case "digitized": return [x[0].digitized(x[1], includesRight: c.bool("right"))]
    case "interpolated": return [x[0].interpolated(x[1], x[2])]
    case "interpolatedEnds": return [x[0].interpolated(x[1], x[2], left: -5, right: 6)]
    case "differences": return [x[0].differences(order: c.int("order"))]
    case "slope": return [x[0].slope(spacing: c.double("spacing"))]
    case "polynomial": return [x[0].polynomial(x[1])]
    case "vandermonde": return [x[0].vandermonde(columns: 4)]
    case "polynomialFit": return [Tensor.polynomialFit(x[0], x[1], degree: c.int("degree"))]
    case "convolved": return [x[0].convolved(with: x[1], extent())]
    case "correlated": return [x[0].correlated(with: x[1], extent())]
    case "unique":
      let unique = x[0].unique()
      return [unique.values, unique.firsts, unique.inverse, unique.counts]
    case "isMember": return [x[0].isMember(of: x[1])]
    case "union": return [x[0].union(x[1])]
    case "intersection": return [x[0].intersection(x[1])]
    case "subtracting": return [x[0].subtracting(x[1])]
    case "symmetricDifference": return [x[0].symmetricDifference(x[1])]
    case "nonZeroPositions": return [x[0].nonZeroPositions()]
    case "elementsWhere": return [x[0].elements(where: x[1])]
    case "lexicographicOrder": return [Tensor.lexicographicOrder(x)]
    case "truncated": return [x[0].truncated()]
    case "fractionAndInteger":
      let (fraction, integer) = x[0].fractionAndInteger()
      return [fraction, integer]
    case "truncatedRemainder": return [x[0].truncatedRemainder(x[1])]
    case "dividedWithRemainder":
      let (quotient, remainder) = x[0].dividedWithRemainder(by: x[1])
      return [quotient, remainder]
    case "heaviside": return [x[0].heaviside()]
    case "withSign": return [x[0].withSign(of: x[1])]
    case "isSignNegative": return [x[0].isSignNegative()]
    case "cubeRoot": return [x[0].cubeRoot()]
    case "logAddExp2": return [x[0].logAddExp2(x[1])]
    case "degrees": return [x[0].degrees()]
    case "radians": return [x[0].radians()]
    case "rounded": return [x[0].rounded(decimals: c.int("decimals"))]
    case "unwrapped": return [x[0].unwrapped()]
    case "gcd": return [x[0].greatestCommonDivisor(x[1])]
    case "lcm": return [x[0].leastCommonMultiple(x[1])]
    case "verticalStack": return [Tensor.verticalStack(x)]
    case "horizontalStack": return [Tensor.horizontalStack(x)]
    case "depthStack": return [Tensor.depthStack(x)]
    case "columnStack": return [Tensor.columnStack(x)]
    case "block": return [Tensor.block([[x[0], x[1]], [x[1], x[0]]])]
    case "splitNearlyEqual": return x[0].split(nearlyEqual: c.int("parts"))
    case "repeatedCounts": return [x[0].repeated(c.list("counts"), axis: 1)]
    case "inserting": return [x[0].inserting(x[1], at: c.int("index"), axis: 1)]
    case "removing": return [x[0].removing(at: c.list("indices"), axis: 1)]
    case "rotated90": return [x[0].rotated90(c.int("turns"))]
    case "replacing": return [x[0].replacing(1, .stride(by: 2), with: x[1])]
    case "choose": return [Tensor.choose(x[0], [x[1], x[2]])]
    case "selectCases":
      return [Tensor.select([(x[0] .> 4, x[0]), (x[0] .> 1, x[1])], otherwise: Tensor(0.5, dtype: dtype))]
    case "logspace": return [Tensor.logspace(-1, 2, count: 5, dtype: dtype)]
    case "geomspace": return [Tensor.geomspace(1, 1000, count: 4, dtype: dtype)]
    case "hanning": return [Tensor.hannWindow(c.int("n"), dtype: dtype)]
    case "hamming": return [Tensor.hammingWindow(c.int("n"), dtype: dtype)]
    case "blackman": return [Tensor.blackmanWindow(c.int("n"), dtype: dtype)]
    case "bartlett": return [Tensor.bartlettWindow(c.int("n"), dtype: dtype)]
    case "kaiser": return [Tensor.kaiserWindow(c.int("n"), beta: c.double("beta"), dtype: dtype)]
    case "fourierFrequencies": return [Tensor.fourierFrequencies(c.int("n"), spacing: 0.1, dtype: dtype)]
    case "realFourierFrequencies": return [Tensor.realFourierFrequencies(c.int("n"), spacing: 0.1, dtype: dtype)]
    case "fourierShifted": return [x[0].fourierShifted()]
    case "inverseFourierShifted": return [x[0].inverseFourierShifted()]
    case "fourier2":
      let (real, imaginary) = x[0].fourier(axes: [0, 1])
      return [real, imaginary]
    case "lowerTriangleIndices":
      let (rows, columns) = Tensor.lowerTriangleIndices(c.int("n"), offset: c.int("offset"))
      return [rows, columns]
    case "upperTriangleIndices":
      let (rows, columns) = Tensor.upperTriangleIndices(c.int("n"), offset: c.int("offset"))
      return [rows, columns]
    case "cross": return [x[0].cross(x[1])]
    case "inner": return [x[0].inner(x[1])]
    case "tensorDot": return [x[0].tensorDot(x[1], axes: c.list("axes"), c.list("otherAxes"))]
    case "matrixPower": return [x[0].matrixPower(c.int("n"))]
    case "chainProduct": return [Tensor.chainProduct(x)]
    case "conditionNumber": return [x[0].conditionNumber()]
    case "matrixRank": return [x[0].matrixRank()]
    case "nuclearNorm": return [x[0].nuclearNorm()]
    default: throw UnknownOperation(name: c.operation)
    }
  }

  private struct UnknownOperation: Error { let name: String }
}
