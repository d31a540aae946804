import Foundation
import Testing

@testable import Soma
@testable import SomaNetworks

@Suite struct SymbolicTests {
  @Test func sineIsFoundWithItsNumbers() {
    let x = (0..<100).map { -1 + 2 * Double($0) / 99 }
    let y = x.map { 5 * sin(3 * $0 + 2) + 0.7 }
    let fit = SymbolicFit(SymbolicFunction.named("sin")!, x: x, y: y)
    #expect(fit.r2 > 0.9999)
    // Up to the sine's symmetries.
    let (a, b, c, d) = (fit.affine[0], fit.affine[1], fit.affine[2], fit.affine[3])
    let sign: Double = a < 0 ? -1 : 1
    let turn = (b * sign - 2).remainder(dividingBy: Double.pi)
    #expect(abs(abs(a) - 3) < 1e-2 && abs(turn) < 1e-2 && abs(abs(c) - 5) < 2e-2 && abs(d - 0.7) < 1e-2)
    let best = SymbolicFit.ranked(x: x, y: y)
    #expect(["sin", "cos"].contains(best[0].function.name))
    #expect(best.first { $0.function.name == "sin" }!.r2 > 0.9999)
  }

  @Test func everyFunctionStaysFiniteWithItsSlope() {
    let x = [-50, -1.5707963, -1, -0.5, 0, 1e-9, 0.5, 1, 1.5707963, 7, 300] as [Double]
    for function in SymbolicFunction.library {
      let f = { (x: Tensor) in function(x) }
      #expect(values(f, x).allSatisfy { $0.isFinite }, "\(function.name)")
      #expect(values(f, x, order: 1).allSatisfy { $0.isFinite }, "\(function.name)")
    }
  }

  @Test func functionsAgreeWithTheirFormulas() {
    let x = [0.3, 0.7, 0.95] as [Double]
    for function in SymbolicFunction.library {
      let formula = function.formula(.variable("x"))
      let expected = values({ function($0, threshold: 1e6) }, x)
      for (place, value) in zip(x, expected) {
        #expect(abs(formula.value(["x": place]) - value) < 1e-9 * max(1, abs(value)), "\(function.name)")
      }
    }
  }

  @Test func formulasKeepConstantsSimple() {
    let x = Formula.variable("x")
    #expect(x.times(2).adding(.number(1)).adding(x.times(-2)).description == "1")
    #expect(x.adding(.number(1)).called("exp").times(2).rounded().description == "5.437*exp(x)")
    #expect(x.times(3).raised(to: 2).description == "9*x^2")
    #expect(x.adding(.number(.pi)).called("sin").description == "-sin(x)")
    #expect(x.times(2).called("log").adding(.number(-log(2.0))).description == "log(x)")
    #expect(x.times(Formula.variable("y")).times(-1.5).description == "-1.5*x*y")
    #expect(x.times(-2).called("sin").description == "-sin(2*x)" && x.times(-2).called("cos").description == "cos(2*x)")
    #expect(x.raised(to: -1).description == "x^(-1)")
    #expect(x.times(1e-9).adding(.number(0.5)).rounded().description == "0.5")
  }

  @Test func printedFormulasLeaveOutWhatHardlyMatters() {
    let rows = (0..<50).map { (i: Int) -> [String: Double] in
      let other = i * 7 % 50
      return ["x": Double(i) / 25 - 1, "y": Double(other) / 50]
    }
    let x = Formula.variable("x")
    let y = Formula.variable("y")
    let wave = x.times(3.14159265).called("sin").times(-1)
    let line = x.times(2.00004).adding(y.times(1e-5)).adding(.number(1e-7))
    let formula = line.adding(wave)
    #expect(formula.printed(on: rows).description == "2*x - sin(3.142*x)")
    // A large exponential and what cancels it keep their digits.
    let cancelling = x.times(1e-3).called("exp").times(5000).adding(.number(-5000))
    for row in rows {
      #expect(abs(cancelling.printed(on: rows).value(row) - cancelling.value(row)) < 1e-2)
    }
  }

  @Test func roundingChangesLittle() {
    let inner = Formula.variable("x").times(3.14159).adding(.number(0.20001))
    let formula = inner.called("sin").times(1.00004).adding(Formula.variable("y").raised(to: 2).times(0.99996))
    let names = ["x": 0.4, "y": -0.8]
    #expect(abs(formula.value(names) - formula.rounded().value(names)) < 1e-3)
  }
}
