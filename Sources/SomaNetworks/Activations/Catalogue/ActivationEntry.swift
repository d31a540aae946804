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
    ]
  }()
}
