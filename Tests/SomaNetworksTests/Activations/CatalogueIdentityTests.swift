import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// What the survey and the papers say of entries, as equations.
@Suite struct CatalogueIdentityTests {
  private static let grid = (0...120).map { Double($0 - 60) / 10 }

  /// Both sides as entries with parameters or, after `=`, as formulas.
  static let identities: [(String, String)] = [
    ("exponential-swish", "=sigmoid(-x)"),
    ("gelu-tanh", "=x*sigmoid(2*sqrt(2/pi)*(x+0.044715*x^3))"),
    ("eanaf", "=x*sigmoid(x-log(2))"), ("aranda-ordaz(a=1)", "sigmoid"), ("iplu(a=1)", "polu(a=1)"),
    ("polu(a=1)", "pfplus(a=1,b=1)"), ("pfplus(a=1,b=1)", "signrelu(a=1)"), ("reu", "=max(x, x*exp(-abs(x)))"),
    ("siglu", "=max(x, tanh(x))"), ("siglu", "ptelu(a=1,b=1)"), ("blu(a=1/2)", "bent-identity"),
    ("even-power-linear(d=2)", "bi-firing(a=1)"), ("linq(a=0)", "sqnl"), ("swim(a=1)", "swish-plus(e=1)"),
    ("swish-plus(e=1)", "pflu"), ("softsign-plus(e=1)", "rootsig(a=1)"), ("pserf(a=1,b=1)", "serf"),
    ("lau(a=1,b=1)", "logish"), ("tanhsoft-2(b=1,c=1)", "tanhexp"), ("uaf(a=1,b=0,c=0,d=-1,e=0)", "identity"),
    ("leaf(a=0,b=2,c=2,d=-1)", "tanh"), ("acon-c(a=1,b=0.25,c=1)", "acon-b(a=1,b=0.25)"),
    ("pstanh(a=1/2,b=0.7)", "ahaf(a=1,b=1.4)"), ("yamada-sigmoid(a=2)", "tanh"), ("celu(a=2)", "pelu(a=2,b=2)"),
    ("felu(a=1)", "elu(a=1)"), ("srelu(u=1,a=0.1,l=-1,b=0.1)", "plu(a=0.1,b=1)"),
    ("eis(a=0,b=1,c=0,d=0.98,e=1.56)", "eis-3"), ("maf(a=0,b=1)", "vrelu-plus(e=1)"), ("frac-relu(a=0)", "relu"),
    ("mish", "=q := exp(x); x*q*(q+2)/(q*q+2*q+2)"), ("tanh", "=2*sigmoid(2*x)-1"), ("bipolar-sigmoid", "=tanh(x/2)"),
    ("scaled-sigmoid-4", "=2*tanh(x/2)"), ("elliott", "=(1+x/(1+abs(x)))/2"),
    ("logsqnl", "=u := clip(x, -2, 2); (1+u-u*abs(u)/4)/2"),
    ("triple-state-swish(a=1,b=2)", "=x*sigmoid(x)*(sigmoid(x)+sigmoid(x-1)+sigmoid(x-2))"),
    ("lisht", "softmodulus-t(a=1)"), ("psechsig(a=0)", "silu"), ("ptanhsig(a=0)", "silu"), ("selu", "lselu(c=0)"),
    ("selu", "sselu(c=1)"), ("rsigelu(a=0.5)", "rsigelud(a=0.5,b=0.5)"), ("shifted-relu", "displaced-relu(a=1)"),
    ("signrelu(a=0)", "relu"), ("repu(p=1)", "relu"), ("pan(a=0)", "vrelu"), ("mirrored-relu", "tent(a=1)"),
    ("thlu", "ptelu(a=1,b=1/2)"), ("modified-elliott", "=x/sqrt(1+x^2)+1/2"), ("isru-slope(a=3)", "=3*x/sqrt(1+9*x^2)"),
    ("smish", "=x*tanh(log1p(sigmoid(x)))"), ("dsilu", "=sigmoid(x)*(1+x*(1-sigmoid(x)))"),
    ("e-swish(a=1.5)", "ahaf(a=1.5,b=1)"),
    ("swish(a=1)", "silu"), ("naf-6(c=0)", "sls-ss"), ("tca-2", "tca"), ("aria-2(a=1,b=2)", "swish(a=2)"),
    ("grelu(a=2,b=3)", "=q := 3*log(2); log(1+exp(q*x))/q"), ("generalized-tanh(a=2,b=0.5)", "=2*tanh(0.25*x)"),
    ("stepplus(e=1)", "=(1+x/sqrt(1+x^2))/2"), ("bipolarplus(e=2)", "=x/sqrt(x^2+2)"), ("psf(m=1)", "sigmoid"),
    ("multistate-symmetric(a=-3)", "=-1+sigmoid(x)+sigmoid(x-3)"), ("geu(a=2)", "=normcdf(x/2)"),
    ("pgelu(a=1)", "gelu"),
    ("frac-gl(a=0)", "softplus"), ("eis-2(b=1,c=1)", "=x*softplus(x)/sqrt(1+x^2)"),
    ("leaf(a=1,b=0,c=2,d=0)", "swish(a=2)"),
    ("lpselu(c=0)", "pselu"), ("pshelu(a=2,b=0.5,c=0)", "psvelu(a=2,b=0.5,c=0)"),
    ("dual-line(a=1,b=0.01,m=0)", "dprelu"),
    ("flexible-relu(b=0)", "relu"), ("svelu(b=0)", "elu"), ("hardtanh(a=-1,b=1)", "=clip(x, -1, 1)"),
  ]

  private func side(_ text: String) throws -> Activation {
    text.hasPrefix("=") ? try Activation.parse(String(text.dropFirst())) : try Activation.named(text)
  }

  @Test(arguments: identities.indices) func identitiesHold(_ index: Int) throws {
    let (left, right) = Self.identities[index]
    let (a, b) = (try side(left), try side(right))
    let x = Tensor(Self.grid)
    for (i, (u, v)) in zip(a(x).doubles, b(x).doubles).enumerated() {
      // What cancels is exact to roundings of its largest part.
      #expect(abs(u - v) <= 1e-12 * max(abs(v), 1e-2), "\(left) = \(right) at \(Self.grid[i]): \(u), \(v)")
    }
  }

  @Test func identitiesOfArguments() throws {
    let x = Tensor(Self.grid)
    let (hat, tent) = (try Activation.named("hat(a=2)"), try Activation.named("tent(a=1)"))
    #expect(hat(x).isClose(to: tent(x - 1), relative: 1e-12, absolute: 1e-13))
    let (laf, symexp) = (try Activation.named("laf"), try Activation.named("symexp"))
    #expect(laf(symexp(x)).isClose(to: x, relative: 1e-12, absolute: 1e-14))
    let partition = try Activation.named("lutu-cosine").with([
      "b": .list([1, 1, 1, 1, 1, 1, 1], first: 0), "t": .number(2),
    ])
    let inside = Tensor((0...20).map { Double($0) / 10 - 1 })
    #expect(partition(inside).isClose(to: .ones(like: inside), relative: 1e-12))
  }

  // Minima and maxima, from the functions' derivatives in 40-digit arithmetic.
  @Test(arguments: [
    ("silu", -0.2784645, -1.2784645), ("gelu", -0.1699712, -0.7517915), ("mish", -0.3088434, -1.1924312),
    ("tanhexp", -0.3532858, -1.0788600), ("serf", -0.3484375, -1.1930600), ("logish", -0.2527688, -1.3724541),
    ("gish", -0.2781595, -1.2820510), ("hard-swish", -0.375, -1.5), ("squish", -0.5, -1),
  ]) func minima(_ name: String, _ value: Double, _ place: Double) throws {
    let p = try #require(ActivationProperties(try Activation.named(name)))
    let lowest = try #require(p.minima.min { $0.y < $1.y })
    #expect(abs(lowest.y - value) < 1e-7, "\(lowest)")
    #expect(abs(lowest.x - place) < 2e-6, "\(lowest)")
  }

  @Test func maximaAndErrorsOfApproximations() throws {
    let x = Tensor((0...80_000).map { Double($0 - 40_000) / 10_000 })
    func largest(_ y: Tensor) -> Double { y.max().scalar }
    let (dsilu, sech) = (try Activation.named("dsilu"), try Activation.named("rectified-sech"))
    #expect(abs(largest(dsilu(x)) - 1.0998393) < 1e-7)
    #expect(abs(largest(sech(x)) - 0.6627434) < 1e-7)
    for (name, error) in [("gelu-tanh", 4.732355e-4), ("gelu-sigmoid", 2.033487e-2)] {
      let f = try Activation.named(name)
      #expect(abs(largest((f(x) - Activation.gelu(x)).abs()) / error - 1) < 1e-5, "\(name)")
    }
  }

  @Test(arguments: [
    ("relu", 0.398942, 0.5, 0.5), ("tanh", 0, 0.394294, 0.464403), ("sigmoid", 0.5, 0.293379, 0.044836),
    ("silu", 0.206621, 0.355776, 0.379482), ("gelu", 0.282095, 0.425221, 0.455851),
    ("mish", 0.240404, 0.452342, 0.479084), ("elu", 0.160521, 0.644945, 0.668102),
    ("softplus", 0.806059, 0.921246, 0.293379), ("softsign", 0, 0.183014, 0.227671),
  ]) func gaussianMoments(_ name: String, _ m1: Double, _ m2: Double, _ d2: Double) throws {
    let m = try #require(GaussianMoments(try Activation.named(name)))
    #expect(abs(m.mean - m1) < 1e-6 && abs(m.secondMoment - m2) < 1e-6 && abs(m.slopeMoment - d2) < 1e-6, "\(m)")
    #expect(abs(initialGain(try Activation.named(name)) - 1 / m2.squareRoot()) < 1e-5)
  }

  @Test func selfNormalizingMoments() throws {
    let m = try #require(GaussianMoments(.selu))
    #expect(abs(m.mean) < 1e-6 && abs(m.secondMoment - 1) < 1e-6)
    // λ² (½ + α² e² Φ(-2))
    let (scale, alpha) = (1.0507009873554805, 1.6732632423543772)
    let slope = scale * scale * (0.5 + alpha * alpha * exp(2) * erfc(2 / 2.0.squareRoot()) / 2)
    #expect(abs(m.slopeMoment - slope) < 1e-6)
  }

  @Test func momentsOfTheStar() throws {
    let m = try #require(GaussianMoments(try Activation.named("starrelu")))
    #expect(abs(m.mean) < 1e-4 && abs(m.secondMoment - 0.999939) < 1e-4 && abs(m.slopeMoment - 1.599903) < 1e-4)
  }

  @Test(
    arguments: [
      ("softplus", -80, 1.804851e-35), ("log-sigmoid", -80, -80), ("silu", -80, -1.443881e-33),
      ("mish", -80, -1.443881e-33), ("gelu", -10, -7.619853e-23), ("probit", -10, 7.619853e-24),
      ("gish", -40, -1.699342e-16), ("logish", -40, -1.699342e-16), ("new-sigmoid", 80, 0.7071068),
      ("hclsh", 60, 59.30685),
      ("hclsh", -60, -0.6931472), ("colu", -30, -9.357623e-14), ("pflu", -1000, -2.499998e-4),
      ("squareplus", -1000, 9.999990e-4), ("aria-2", -20, -1.751302e-25), ("soft-root-sign", -60, -1.236692e-7),
      ("psf", -60, 8.756511e-27), ("trug", 30, 0.9655988), ("tanhexp", 30, 30), ("serf", 30, 30),
    ] as [(String, Float, Float)]) func tailsInSinglePrecision(_ name: String, _ x: Float, _ y: Float) throws
  {
    let f = try Activation.named(name)
    let value = f(Tensor([x])).floats[0]
    #expect(abs(value - y) <= 2e-5 * abs(y), "\(value)")
    #expect(grad { f($0).sum() }(Tensor([x])).floats[0].isFinite)
  }
}
