import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct CatalogueTableTests {
  @Test func everyRowIsAnEntryWithItsPlaceInTheSurvey() {
    #expect(CatalogueRow.all.count == 451)
    #expect(Activation.all.map(\.name).sorted() == CatalogueRow.all.map(\.name).sorted())
    #expect(Set(Activation.all.map(\.name)).count == 451)
    let byName = Dictionary(uniqueKeysWithValues: Activation.all.map { ($0.name, $0) })
    for row in CatalogueRow.all {
      let f = byName[row.name]
      #expect(f?.kind.rawValue == row.kind, "\(row.name)")
      #expect(f.map { $0.section.isEmpty ? $0.family : "\($0.family)/\($0.section)" } == row.section, "\(row.name)")
    }
  }

  @Test func kindsAndClassesAreAsManyAsTheSurveyHas() {
    func count(_ kind: Activation.Kind) -> Int { Activation.all.count { $0.kind == kind } }
    #expect(count(.scalar) == 385)
    #expect(count(.vector) == 22)
    #expect(count(.composite) == 19)
    #expect(count(.stochastic) == 15)
    #expect(count(.gated) == 6)
    #expect(count(.multiInput) == 3)
    #expect(count(.attention) == 1)
    let classes: [(String, Int)] = [
      ("step", 2), ("sigmoid-based", 43), ("sigmoid-weighted", 37), ("gated", 5), ("softmax", 2), ("relu-based", 59),
      ("elu-based", 20), ("square-based", 11), ("other-fixed", 49), ("adaptive-framework", 1), ("adaptive-relu", 64),
      ("adaptive-sigmoid", 13), ("adaptive-sigmoid-weighted", 14), ("adaptive-softmax", 3), ("adaptive-other", 69),
      ("adaptive-fractional", 12), ("adaptive-rational", 6), ("adaptive-spline", 4), ("msrf", 19),
      ("adaptive-complex", 8), ("save", 10),
    ]
    for (name, number) in classes { #expect(Activation.all.count { $0.family == name } == number, "\(name)") }
    #expect(classes.map(\.1).reduce(0, +) == 451)
    #expect(Activation.families.count == classes.count)
  }

  /// Entries whose parameters the table writes in words, or that have one more to choose a form.
  private static let ownParameters: Set<String> = [
    "softsign-rrelu", "sbaf", "scaa", "crelu", "ncrelu", "bipolar-relu", "alternating-repu", "lipschitz-relu", "kwta",
    "margin-relu", "funnel-relu", "probact", "maxout", "abu", "activation-ensemble", "tca", "tca-2", "apaf", "gabu",
    "dknn", "rowdy", "nin", "flexible-activation-bag", "dy-relu", "save-levels", "taaf", "dpaf", "fpaf",
    "trainable-amplitude", "laaf", "frac-gl", "catalytic", "multi-bias", "save-product",
  ]

  @Test func parametersAndTheirDefaultsAreTheTables() throws {
    for row in CatalogueRow.all where !Self.ownParameters.contains(row.name) {
      let f = try Activation.named(row.name)
      let expected = try ActivationParameter.parse(row.parameters)
      #expect(f.parameters == expected, "\(row.name)")
    }
    for row in CatalogueRow.all where Self.ownParameters.contains(row.name) && row.kind == "composite" {
      let f = try Activation.named(row.name)
      let names = row.parameters.split(separator: ";").map { $0.prefix { $0 != "=" && $0 != "[" } }
      for name in names where !["W1", "W2", "selection", "n"].contains(name) {
        #expect(f.parameters.contains { $0.name == name }, "\(row.name) \(name)")
      }
    }
  }

  @Test func goldenValuesAtTheDefaults() throws {
    var count = 0
    for row in CatalogueRow.all {
      guard let golden = row.golden else {
        #expect(["scaa", "funnel-relu", "nin", "flexible-activation-bag"].contains(row.name))
        continue
      }
      count += 1
      expect(row, try row.activation(), golden)
    }
    #expect(count == 447)
  }

  @Test func goldenValuesAtOtherParameters() throws {
    var count = 0
    for row in CatalogueRow.all {
      guard let probe = row.probe else { continue }
      count += 1
      expect(row, try row.activation().with(probe.values), probe.expected)
    }
    #expect(count == 180)
  }

  private func expect(_ row: CatalogueRow, _ f: Activation, _ expected: [Double]) {
    for dtype in [DType.float64, .float32] {
      let values = row.values(f, dtype)
      #expect(values.count == expected.count, "\(row.name) \(values)")
      let (relative, absolute) = dtype == .float64 ? (2e-6, 1e-9) : (2e-5, 1e-7)
      for (value, wanted) in zip(values, expected) {
        #expect(
          value.isNaN == wanted.isNaN && !(abs(value - wanted) > relative * abs(wanted) + absolute),
          "\(row.name), \(dtype): \(value), not \(wanted)")
      }
    }
  }

  @Test func aliasesMeanTheirEntries() throws {
    // From the survey: name, entry, values.
    let table = """
      step binary-step; heaviside binary-step; threshold binary-step; logistic sigmoid; expit sigmoid; tanh-half bipolar-sigmoid;
      sigma2 bipolar-sigmoid; saaaf soft-root-sign; swish-1 silu; sil silu; sielu gelu-tanh; gelu-new gelu-tanh;
      quick-gelu gelu-sigmoid; suish reu; very-leaky-relu leaky-relu(a=3); prelu-plus sloped-relu(a=1); pvlu vlu;
      relun bounded-relu; relu6 bounded-relu(a=6); thresholded-relu truncated-rectified; thresholded-linear hardshrink;
      tlin hardshrink; modulus vrelu; absolute-value vrelu; lrtlu lsptlu; dlu signrelu; polylu signrelu(a=1); fplus signrelu(a=1);
      power-activation repu; requ repu(p=2); squared-relu repu(p=2); recu repu(p=3); pfts flatted-t-swish;
      relu-swish flatted-t-swish(t=0); sc-swish flatted-t-swish(t=0); maxtanh siglu; evolved-max-tanh-log relu; rectifier relu;
      symlog laf; agumb aranda-ordaz(a=1); fully-parametric-relu dprelu; trelu ptelu(a=1); trelu2 ptelu(b=1);
      scl-mish sc-mish(a=0.25); t-swish p-swish; r-s p-swish(a=1); adaptive-slope-tanh slope-tanh;
      scaled-logistic-sigmoid psigmoid; acon-a swish; psilu swish; tsrelul psgu; css sls-ss; random-nn-sine save-sine(a=1);
      random-nn-multiquadric maf; save-relu-power apprelu; save-asymmetric delay-relu; save-harmonization sloped-relu;
      alisa srelu(u=1,l=0); lisa srelu(u=1,l=0); cpn-m mtlu; smu-1 lrelu-plus; afu vaf
      """
    let pairs = table.split(separator: ";").map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
    #expect(pairs.count == 62)
    let x = Tensor(CatalogueRow.points)
    for pair in pairs {
      let (alias, entry) = (try Activation.named(pair[0]), try Activation.named(pair[1]))
      #expect(alias.name == entry.name && alias(x).doubles == entry(x).doubles, "\(pair)")
    }
    // What an alias fixes is not trained, what it trains is.
    func trained(_ name: String) throws -> [String] {
      try Activation.named(name).parameters.filter(\.isTrained).map(\.name)
    }
    #expect(try trained("lisa") == [] && trained("alisa") == ["a", "b"] && trained("srelu") == ["u", "a", "l", "b"])
    #expect(try trained("trelu") == ["b"] && trained("prelu-plus") == ["a"] && trained("sc-swish") == [])
    #expect(try Activation.named("adaptive-slope-tanh").parameterCount(for: [2, 5]) == 5)
  }
}
