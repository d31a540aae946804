import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Which activations are others under another name, with other parameters, scaled and shifted.
@Suite struct RelativesTests {
  private func kinds(_ f: Activation, _ other: String) throws -> [ActivationRelation.Kind] {
    try f.relatives(among: [.named(other)]).map(\.kind)
  }

  private func isSpecialCase(_ f: Activation, _ other: String) throws -> Bool {
    try kinds(f, other).contains { if case .specialCase = $0 { true } else { $0 == .same } }
  }

  @Test func specialCasesOfTheIdentities() throws {
    for (name, other) in [
      ("sigmoid", "aranda-ordaz"), ("signrelu", "iplu"), ("signrelu", "polu"), ("signrelu", "pfplus"),
      ("siglu", "ptelu"), ("bent-identity", "blu"), ("bi-firing", "even-power-linear"), ("sqnl", "linq"),
      ("pflu", "swim"), ("pflu", "swish-plus"), ("rootsig", "softsign-plus"), ("serf", "pserf"), ("logish", "lau"),
      ("tanhexp", "tanhsoft-2"), ("identity", "uaf"), ("tanh", "leaf"), ("acon-b", "acon-c"),
      ("pstanh(a=1/2,b=0.7)", "ahaf"), ("tanh", "yamada-sigmoid"), ("celu(a=2)", "pelu"), ("elu", "felu"),
      ("plu", "srelu"), ("eis-3", "eis"), ("vrelu-plus", "maf"), ("relu", "frac-relu"),
    ] {
      let f = try Activation.named(name)
      #expect(try isSpecialCase(f, other), "\(name) is not found in \(other)")
    }
  }

  @Test func sameUnderAnotherFormula() throws {
    for (formula, name) in [
      ("sigmoid(-x)", "exponential-swish"), ("x*sigmoid(x-log(2))", "eanaf"), ("max(x, x*exp(-abs(x)))", "reu"),
      ("max(x, tanh(x))", "siglu"), ("q := exp(x); x*q*(q+2)/(q*q+2*q+2)", "mish"), ("(x+abs(x))/2", "relu"),
      ("x*sigmoid(2*sqrt(2/pi)*(x+0.044715*x^3))", "gelu-tanh"),
    ] {
      #expect(try kinds(.parse(formula), name) == [.same], "\(formula)")
    }
    #expect(try !kinds(.gelu, "gelu-tanh").contains(.same))
    #expect(try Activation.duplicates(of: .parse("x/(1+exp(-x))")).map(\.name).contains("silu"))
  }

  @Test func affineImages() throws {
    let group = ["tanh", "sigmoid", "bipolar-sigmoid", "scaled-sigmoid-4", "scaled-tanh", "yamada-sigmoid"]
    for a in group {
      for b in group where a != b {
        let isAffine = try kinds(.named(a), b).contains { if case .affine = $0 { true } else { $0 == .same } }
        #expect(isAffine, "\(a) \(b)")
      }
    }
    for (a, b) in [("softsign", "elliott"), ("sqnl", "logsqnl"), ("hat", "tent")] {
      #expect(try kinds(.named(a), b).contains { if case .affine = $0 { true } else { false } }, "\(a) \(b)")
    }
    #expect(try !kinds(.silu, "eanaf").contains { if case .affine = $0 { true } else { $0 == .same } })
    guard
      case .affine(let p, let q, let r, let s)? = try kinds(.tanh, "sigmoid").first(where: {
        if case .affine = $0 { true } else { false }
      })
    else {
      Issue.record("no affine relation")
      return
    }
    #expect(abs(p) == 2 && abs(q) == 2 && r == 0 && abs(s) == 1)
  }

  @Test func derivativesInversesReflections() throws {
    #expect(try kinds(.named("dsilu"), "silu").contains(.derivative))
    #expect(try kinds(.sigmoid, "softplus").contains(.derivative))
    #expect(try kinds(.named("stepplus(e=4)"), "squareplus").contains(.derivative))
    #expect(try kinds(.named("laf"), "symexp").contains(.inverse))
    #expect(try kinds(.parse("-relu(-x)"), "relu").contains(.reflection))
  }

  /// The rediscoveries that the survey names, typed with other letters.
  @Test func rediscoveriesAreRecognized() throws {
    for (formula, name) in [
      ("relu(x)^2", "repu"), ("where(x>0, p*x, q*x)", "dprelu"), ("where(x>t, x, 0)", "truncated-rectified"),
      ("relu(x)*sigmoid(x)", "flatted-t-swish"), ("min(max(0, x), u)", "bounded-relu"),
    ] {
      let f = try Activation.parse(openFormula: formula)
      #expect(try isSpecialCase(f, name), "\(formula) is not found as \(name)")
    }
    #expect(throws: ActivationError.self) { try Activation.parse(openFormula: "x*sgmoid(x)") }
  }
}
