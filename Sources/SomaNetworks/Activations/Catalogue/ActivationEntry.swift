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
      row("helu", "HeLU", "relu-based", .scalar, "t := where(x>0, 0, where(x>-a, x+a, 0)); relu(x)+t-stop(t)", "a=0.05:a>=0:fixed", "Kimhi, Kashani, Mendelson & Baskin 2024, arXiv 2411.10573", notes: "relu, whose gradient passes where x > -a"),
      row("hard-mish", "Hard Mish", "relu-based", .scalar, "0.5*x*clip(x+2, 0, 2)", "-", "Misra 2019, arXiv 1908.08681 (in pieces)"),
      row("elephant", "Elephant", "other-fixed", .scalar, "1/(1+abs(x/a)^d)", "a=0.08:a>0:fixed;d=4:d>0:fixed", "Lan & Mahmood 2023, arXiv 2310.01365"),
      row("tempered-sigmoid", "Tempered sigmoid", "sigmoid-based", .scalar, "s*sigmoid(t*x)-o", "s=2:fixed;t=2:fixed;o=1:fixed", "Papernot et al. 2020, arXiv 2007.14191", stable: "s/2*tanh(t*x/2)+s/2-o", notes: "tanh at the start values; (1.58, 3, 0.71) is another usual choice"),
      row("apa", "Adaptive parametric activation", "adaptive-sigmoid", .scalar, "(l*exp(-k*x)+1)^(-1/l)", "l=1:l>0:trained:per-layer;k=1:trained:per-layer", "Alexandridis, Deng, Nguyen & Luo 2024, arXiv 2407.08567", stable: "exp(-softplus(log(l)-k*x)/l)"),
      row("aglu", "Adaptive gated linear unit", "adaptive-sigmoid-weighted", .scalar, "x*(l*exp(-k*x)+1)^(-1/l)", "l=1:l>0:trained:per-layer;k=1:trained:per-layer", "Alexandridis, Deng, Nguyen & Luo 2024, arXiv 2407.08567", stable: "x*exp(-softplus(log(l)-k*x)/l)"),
      row("ash", "ASH", "other-fixed", .vector, Activation.ashDeviation + "x*sigmoid(a*(x-m-z*s))", "a=3:fixed;z=2.3:fixed", "Keller 2024, arXiv 2404.17651", notes: "m and s are mean and deviation along the axis"),
      row("hard-ash", "Hard ASH", "other-fixed", .vector, Activation.ashDeviation + "clip(x, 0, 2)*clip(a*(x-m-z*s)+3, 0, 6)/6", "a=3:fixed;z=2.3:fixed", "Keller 2024, arXiv 2404.17651", notes: "m and s are mean and deviation along the axis"),
      row("top-k", "Top k", "other-fixed", .vector, "relu(x-y), y the k-th largest along the channels", "k=64:k>0:fixed", "Ahmad & Scheinkman 2019, arXiv 1903.11257 (subtracted)", structure: .topK),
      row("winner-takes-all", "Local winner takes all", "other-fixed", .vector, "x where it is the larger of two neighbouring channels, else 0", "-", "Srivastava et al. 2013", structure: .winnerTakesAll),
      row("mittag-leffler-gate", "Mittag-Leffler gate", "adaptive-sigmoid-weighted", .vector, "x*gamma(beta)*E(alpha, beta; -exp(-k*x))", "alpha=0.05:fixed;beta=1:fixed;k=1:fixed", "Mostafanejad 2023, arXiv 2302.11007", notes: "the numbers are start values; alpha and k are trained", structure: .mittagLefflerGate),
      row("mittag-leffler-sigmoid", "Mittag-Leffler sigmoid", "adaptive-sigmoid", .vector, "gamma(beta)*E(alpha, beta; -exp(-k*x))", "alpha=0.05:fixed;beta=1:fixed;k=1:fixed", "Mostafanejad 2023, arXiv 2302.11007", notes: "the numbers are start values; alpha and k are trained", structure: .mittagLefflerSigmoid),
      row("matrix-diagonal", "Diagonal matrix activation", "adaptive-relu", .vector, "t[bin(x)]*x, a trained t for each of 12 bins of each unit", "-", "Liu, Liu, Zhang & Zou 2021, arXiv 2109.09948", notes: "relu at the start", structure: .diagonalMatrix),
      row("matrix-tridiagonal", "Tri-diagonal matrix activation", "adaptive-relu", .vector, "d[bin(x)]*x + l[bin(x)]*(unit before) + u[bin(x)]*(unit behind)", "-", "Liu, Liu, Zhang & Zou 2021, arXiv 2109.09948", notes: "relu at the start", structure: .tridiagonalMatrix),
    ]
  }()
}
