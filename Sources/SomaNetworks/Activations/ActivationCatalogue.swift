import Soma

extension Activation {
  /// Every activation, in the catalogue's order.
  public static let all: [Activation] = catalogue

  /// Other names, and the entry (with values of its parameters) that they mean.
  public static let aliases: [String: (name: String, values: [String: Double])] = [
    "linear": ("identity", [:]), "step": ("binary-step", [:]), "heaviside": ("binary-step", [:]),
    "threshold": ("binary-step", [:]), "logistic": ("sigmoid", [:]), "expit": ("sigmoid", [:]),
    "swish-1": ("silu", [:]), "sil": ("silu", [:]), "swish": ("silu", [:]), "gelu-new": ("gelu-tanh", [:]),
    "sielu": ("gelu-tanh", [:]), "rectifier": ("relu", [:]), "relu6": ("bounded-relu", ["a": 6]),
    "relun": ("bounded-relu", [:]), "leakyrelu": ("leaky-relu", [:]), "very-leaky-relu": ("leaky-relu", ["a": 3]),
    "rrelu": ("randomized-leaky-relu", [:]), "thresholded-relu": ("truncated-rectified", [:]),
    "thresholded-linear": ("hardshrink", [:]), "tlin": ("hardshrink", [:]), "hardswish": ("hard-swish", [:]),
    "hardsigmoid": ("hard-sigmoid", ["a": 1.0 / 6]), "logsigmoid": ("log-sigmoid", [:]),
    "logsoftmax": ("log-softmax", [:]), "softmax2d": ("softmax-2d", [:]),
  ]

  /// An activation by name or alias, with other parameters if wanted: `gelu`, `leaky-relu(a=20)`.
  /// - Throws: `ActivationError` with the nearest names, or with the constraint that a value breaks.
  public static func named(_ text: String, _ values: [String: Double] = [:]) throws(ActivationError) -> Activation {
    var (name, values) = (text, values)
    if let open = text.firstIndex(of: "("), text.hasSuffix(")") {
      name = String(text[..<open])
      for pair in text[text.index(after: open)...].dropLast().split(separator: ",") {
        let parts = pair.split(separator: "=").map { $0.filter { !$0.isWhitespace } }
        guard parts.count == 2, let number = try? ExpressionParser.parse(parts[1], variables: []),
          let value = ExpressionEvaluation.number(number)
        else { throw .malformedParameter(text: String(pair), reason: "expected name=number") }
        values[parts[0]] = value
      }
    }
    let key = name.lowercased().map { $0 == "_" || $0 == " " ? "-" : String($0) }.joined()
    if let known = byName[key] { return values.isEmpty ? known : try known.with(values) }
    if let alias = aliases[key], let known = byName[alias.name] {
      return try known.with(alias.values.merging(values) { $1 })
    }
    throw .unknownName(name, nearest: nearestNames(to: key, among: byName.keys.sorted() + aliases.keys.sorted()))
  }

  private static let byName: [String: Activation] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// An entry that the catalogue has.
  private static func known(_ name: String) -> Activation {
    guard let activation = byName[name] else { fatalError("the catalogue has no \(name)") }
    return activation
  }

  public static let identity = known("identity")
  public static let relu = known("relu")
  public static let leakyReLU = known("leaky-relu")
  public static let gelu = known("gelu")
  public static let geluTanh = known("gelu-tanh")
  public static let silu = known("silu")
  public static let mish = known("mish")
  public static let elu = known("elu")
  public static let selu = known("selu")
  public static let tanh = known("tanh")
  public static let sigmoid = known("sigmoid")
  public static let softplus = known("softplus")
  public static let hardSwish = known("hard-swish")
  public static let glu = known("glu")
  public static let softmax = known("softmax")

  /// One line each: name, display name, family, kind, formula, parameters, source; `stable` is an equal form to
  /// compute.
  private static let catalogue: [Activation] = {
    func row(
      _ name: String, _ display: String, _ family: String, _ kind: Kind, _ formula: String, _ parameters: String,
      _ source: String, stable: String? = nil, axis: Int = -1
    ) -> Activation {
      do {
        return try Activation(name, display, family, kind, formula, parameters, source, stable: stable, axis: axis)
      } catch { fatalError("the catalogue's entry \(name): \(error)") }
    }
    // swift-format-ignore
    return [
      row("identity", "Identity", "step", .scalar, "x", "-", "classical"),
      row("binary-step", "Heaviside step", "step", .scalar, "where(x>=0, 1, 0)", "-", "McCulloch & Pitts 1943; Rosenblatt 1958"),
      row("threshold-value", "Threshold with a value", "step", .scalar, "where(x>a, x, b)", "a=0.1:fixed;b=20:fixed", "as PyTorch's Threshold"),
      row("sigmoid", "Logistic sigmoid", "sigmoid-based", .scalar, "1/(1+exp(-x))", "-", "Verhulst 1838; as unit: Rumelhart, Hinton & Williams 1986", stable: "sigmoid(x)"),
      row("tanh", "Hyperbolic tangent", "sigmoid-based", .scalar, "tanh(x)", "-", "classical; LeCun, Bottou, Orr & Mueller 1998"),
      row("softsign", "Softsign", "sigmoid-based", .scalar, "x/(1+abs(x))", "-", "Turian, Bergstra & Bengio 2009; Glorot & Bengio 2010"),
      row("silu", "SiLU, swish-1", "sigmoid-weighted", .scalar, "x*sigmoid(x)", "-", "Elfwing, Uchibe & Doya 2017, arXiv 1702.03118"),
      row("gelu", "GELU", "sigmoid-weighted", .scalar, "x*normcdf((x-m)/s)", "m=0:fixed;s=1:s>0:fixed", "Hendrycks & Gimpel 2016, arXiv 1606.08415"),
      row("gelu-tanh", "GELU, tanh approximation", "sigmoid-weighted", .scalar, "0.5*x*(1+tanh(sqrt(2/pi)*(x+0.044715*x^3)))", "-", "Hendrycks & Gimpel 2016, arXiv 1606.08415", stable: "x*sigmoid(2*sqrt(2/pi)*x*(1+0.044715*x^2))"),
      row("log-sigmoid", "Log-sigmoid", "sigmoid-weighted", .scalar, "log(sigmoid(x))", "-", "classical", stable: "-softplus(-x)"),
      row("mish", "Mish", "sigmoid-weighted", .scalar, "x*tanh(softplus(x))", "-", "Misra 2019, arXiv 1908.08681", stable: "e := exp(min(x, 20)); q := e*(e+2); x*(q/(q+2))"),
      row("tanhshrink", "Tanhshrink", "sigmoid-weighted", .scalar, "x-tanh(x)", "-", "as PyTorch's Tanhshrink"),
      row("glu", "Gated linear unit", "gated", .gated, "x1*sigmoid(x2)", "-", "Dauphin, Fan, Auli & Grangier 2016, arXiv 1612.08083"),
      row("reglu", "ReGLU", "gated", .gated, "x1*relu(x2)", "-", "Shazeer 2020, arXiv 2002.05202"),
      row("geglu", "GEGLU", "gated", .gated, "x1*x2*normcdf(x2)", "-", "Shazeer 2020, arXiv 2002.05202"),
      row("swiglu", "SwiGLU", "gated", .gated, "x1*x2*sigmoid(b*x2)", "b=1:trained:per-layer", "Shazeer 2020, arXiv 2002.05202"),
      row("softmax", "Softmax", "softmax", .vector, "e := exp(x-axismax(x)); e/axissum(e)", "-", "Bridle 1990"),
      row("softmin", "Softmin", "softmax", .vector, "e := exp(-x-axismax(-x)); e/axissum(e)", "-", "as PyTorch's Softmin"),
      row("log-softmax", "Log-softmax", "softmax", .vector, "s := x-axismax(x); s-log(axissum(exp(s)))", "-", "Bridle 1990"),
      row("softmax-2d", "Softmax over channels", "softmax", .vector, "e := exp(x-axismax(x)); e/axissum(e)", "-", "as PyTorch's Softmax2d", axis: -3),
      row("relu", "ReLU", "relu-based", .scalar, "max(x, 0)", "-", "Fukushima 1969; Nair & Hinton 2010", stable: "relu(x)"),
      row("leaky-relu", "LReLU", "relu-based", .scalar, "where(x>=0, x, x/a)", "a=100:a>1:fixed", "Maas, Hannun & Ng 2013"),
      row("randomized-leaky-relu", "RReLU", "relu-based", .stochastic, "infer: where(x>=0, x, x/((l+u)/2)) ;; train: where(x>=0, x, x/t) with t from Uniform(l,u) per unit", "l=3:l>0:fixed;u=8:u>l:fixed", "Xu, Wang, Chen & Li 2015, arXiv 1505.00853"),
      row("bounded-relu", "BReLU", "relu-based", .scalar, "min(max(0, x), a)", "a=1:a>0:fixed", "Liew, Khalil-Hani & Bakhteri 2016; a=6: Krizhevsky 2010"),
      row("hard-sigmoid", "Hard sigmoid", "relu-based", .scalar, "clip(a*x+b, 0, 1)", "a=1/2:a>0:fixed;b=1/2:fixed", "Courbariaux, Hubara, Soudry, El-Yaniv & Bengio 2016, arXiv 1602.02830"),
      row("hardtanh", "HardTanh", "relu-based", .scalar, "clip(x, a, b)", "a=-1:fixed;b=1:b>a:fixed", "Collobert 2004"),
      row("hard-swish", "Hard swish", "relu-based", .scalar, "x*clip(x+3, 0, 6)/6", "-", "Howard et al. 2019, arXiv 1905.02244"),
      row("truncated-rectified", "TRec", "relu-based", .scalar, "where(x>a, x, 0)", "a=1:a>=0:fixed", "Konda, Memisevic & Krueger 2014, arXiv 1402.3337"),
      row("hardshrink", "Hardshrink", "relu-based", .scalar, "where(abs(x)>a, x, 0)", "a=0.5:a>0:fixed", "hard thresholding, Donoho & Johnstone 1994"),
      row("softshrink", "Softshrink", "relu-based", .scalar, "sign(x)*relu(abs(x)-a)", "a=0.5:a>0:fixed", "soft thresholding, Donoho 1995"),
      row("elu", "ELU", "relu-based", .scalar, "where(x>=0, x, a*expm1(x))", "a=1:a>0:fixed", "Clevert, Unterthiner & Hochreiter 2015, arXiv 1511.07289"),
      row("selu", "SELU", "elu-based", .scalar, "where(x>=0, a*x, a*b*expm1(x))", "a=1.0507009873554805:fixed;b=1.6732632423543772:fixed", "Klambauer, Unterthiner, Mayr & Hochreiter 2017, arXiv 1706.02515"),
      row("softplus", "Softplus", "other-fixed", .scalar, "log(1+exp(x))", "-", "Dugas, Bengio, Belisle, Nadeau & Garcia 2000", stable: "softplus(x)"),
      row("prelu", "PReLU", "adaptive-relu", .scalar, "where(x>=0, x, a*x)", "a=0.25:trained:per-channel", "He, Zhang, Ren & Sun 2015, arXiv 1502.01852"),
      row("celu", "CELU", "adaptive-relu", .scalar, "where(x>=0, x, a*expm1(x/a))", "a=1:a>0:trained:per-unit", "Barron 2017, arXiv 1704.07483"),
    ]
  }()
}
