import Testing

@testable import Soma

@Suite struct GoldenTests {
  static func check(_ results: [Tensor], _ c: GoldenCase, _ how: String) {
    #expect(results.count == c.outputs.count)
    for (result, expected) in zip(results, c.outputs) {
      #expect(result.type == expected.type, "\(c.name) \(how): \(result.type) instead of \(expected.type)")
      guard result.type == expected.type else { continue }
      for (i, (a, b)) in zip(result.doubles, expected.doubles).enumerated() {
        let isSame =
          (a.isNaN && b.isNaN) || (a == b && (!c.signedZeros || a.sign == b.sign))
          || abs(a - b) <= c.absolute + c.relative * abs(b)
        #expect(isSame, "\(c.name) \(how), element \(i): \(a) instead of \(b)")
      }
    }
  }

  @Test func thereAreEnoughCases() { #expect(GoldenCase.all.count >= 400) }

  @Test(arguments: GoldenCase.all)
  func agreesWithNumPy(_ c: GoldenCase) {
    Self.check(c.compute(c.inputs), c, "eager")
    Self.check(compile { (x: [Tensor]) in c.compute(x) }(c.inputs), c, "compiled")
  }
}
