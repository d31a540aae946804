import Soma

/// A line of the catalogue, read when it is asked for.
struct ActivationEntry: Sendable {
  let name: String
  let displayName: String
  /// `class/place/place`
  let section: String
  let kind: Activation.Kind
  let formula: String
  let parameters: String
  let source: String
  let stable: String?
  let notes: String
  let axis: Int
  let structure: ActivationStructure?

  /// Name, display name, class and places in the survey, kind, formula, parameters, source; `stable` is an equal form to
  /// compute.
  static func row(
    _ name: String, _ displayName: String, _ section: String, _ kind: Activation.Kind, _ formula: String,
    _ parameters: String, _ source: String, stable: String? = nil, notes: String = "", axis: Int = -1,
    structure: ActivationStructure? = nil
  ) -> ActivationEntry {
    ActivationEntry(
      name: name, displayName: displayName, section: section, kind: kind, formula: formula, parameters: parameters,
      source: source, stable: stable, notes: notes, axis: axis, structure: structure)
  }

  /// - Throws: `ActivationError` for a line that cannot be read.
  func activation() throws(ActivationError) -> Activation {
    let places = section.split(separator: "/", maxSplits: 1)
    return try Activation(
      name, displayName, String(places[0]), kind, formula, parameters, source, stable: stable,
      section: places.count > 1 ? String(places[1]) : "", notes: notes, axis: axis, structure: structure)
  }

  /// The survey's entries, in its order.
  static let survey: [ActivationEntry] =
    sigmoids + sigmoidWeighted + rectifiers + exponentialAndSquare + otherFixed + adaptiveRectifiers + adaptiveSigmoids
    + adaptiveOther + fractionalRationalSpline + mollifiedComplexSave

  /// What libraries have and the survey has not.
  static let further: [ActivationEntry] = {
    // swift-format-ignore
    return [
      row("identity", "Identity", "step", .scalar, "x", "-", "classical"),
      row("threshold-value", "Threshold with a value", "step", .scalar, "where(x>a, x, b)", "a=0.1:fixed;b=20:fixed", "as PyTorch's Threshold"),
      row("tanhshrink", "Tanhshrink", "sigmoid-weighted", .scalar, "x-tanh(x)", "-", "as PyTorch's Tanhshrink"),
      row("softmin", "Softmin", "softmax", .vector, "e := exp(-x-axismax(-x)); e/axissum(e)", "-", "as PyTorch's Softmin"),
      row("log-softmax", "Log-softmax", "softmax", .vector, "s := x-axismax(x); s-log(axissum(exp(s)))", "-", "Bridle 1990"),
      row("softmax-2d", "Softmax over channels", "softmax", .vector, "e := exp(x-axismax(x)); e/axissum(e)", "-", "as PyTorch's Softmax2d", axis: -3),
      row("snake", "Snake", "adaptive-other", .scalar, Activation.snakeFormula, "a=1:a>0:trained:per-unit", "Ziyin, Hartwig & Ueda 2020, arXiv 2006.08195"),
      row("snake-beta", "Snake with a height of its own", "adaptive-other", .scalar, Activation.snakeBetaFormula, "a=1:a>0:trained:per-unit;b=1:b>0:trained:per-unit", "Lee et al. 2023, arXiv 2206.04658"),
      row("x-plus-sin", "Sine and identity", "other-fixed", .scalar, "x+sin(x)", "-", "Ziyin, Hartwig & Ueda 2020, arXiv 2006.08195"),
      row("atlu", "Arctan linear unit", "sigmoid-weighted", .scalar, SelfGate.arctan.gated, "-", "Huang 2024, arXiv 2405.20768"),
      row("xatlu", "Expanded ATLU", "sigmoid-weighted", .scalar, SelfGate.arctan.expanded, "range=0:trained:per-layer", "Huang 2024, arXiv 2405.20768"),
      row("xgelu", "Expanded GELU", "sigmoid-weighted", .scalar, SelfGate.normal.expanded, "range=0:trained:per-layer", "Huang 2024, arXiv 2405.20768"),
      row("xsilu", "Expanded SiLU", "sigmoid-weighted", .scalar, SelfGate.sigmoid.expanded, "range=0:trained:per-layer", "Huang 2024, arXiv 2405.20768"),
      row("crrelu", "Correction-regularized ReLU", "adaptive-other", .scalar, Activation.crreluFormula, "a=0.01:trained:per-layer", "Sun et al. 2024, arXiv 2405.12954"),
      row("cauchy", "Cauchy activation", "adaptive-rational", .scalar, "(l1*x+l2)/(x^2+d^2)", "l1=1:trained:per-unit;l2=1:trained:per-unit;d=1:d>0:trained:per-unit", "Li, Xia & Zhang 2024, arXiv 2409.19221"),
    ]
  }()
}
