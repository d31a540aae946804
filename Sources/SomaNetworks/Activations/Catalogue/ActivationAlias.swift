/// Another name for an entry, with values of its parameters.
public struct ActivationAlias: Hashable, Sendable {
  public var name: String
  public var values: [String: Double] = [:]
  /// The parameters that are trained; nil: those of the entry that `values` does not set.
  public var trained: Set<String>?
  /// Where a trained value is used, if not as the entry says.
  public var sharing: ActivationParameter.Sharing?

  /// - Throws: `ActivationError` if the entry does not have such parameters.
  func activation() throws(ActivationError) -> Activation {
    var result = try Activation.entry(name).with(values)
    let numbers = result.parameters.filter(\.isTrained).map(\.name)
    if let trained {
      result = result.training(trained)
    } else if !values.isEmpty {
      result = result.training(Set(numbers).subtracting(values.keys))
    }
    if let sharing { result.sharing = sharing }
    return result
  }

  static let all: [String: ActivationAlias] = [
    // The survey's other names
    "step": .init(name: "binary-step"), "heaviside": .init(name: "binary-step"),
    "threshold": .init(name: "binary-step"), "logistic": .init(name: "sigmoid"), "expit": .init(name: "sigmoid"),
    "tanh-half": .init(name: "bipolar-sigmoid"), "sigma2": .init(name: "bipolar-sigmoid"),
    "saaaf": .init(name: "soft-root-sign", trained: ["a", "b"]), "swish-1": .init(name: "silu"),
    "sil": .init(name: "silu"), "sielu": .init(name: "gelu-tanh"), "gelu-new": .init(name: "gelu-tanh"),
    "quick-gelu": .init(name: "gelu-sigmoid"), "suish": .init(name: "reu"),
    "very-leaky-relu": .init(name: "leaky-relu", values: ["a": 3]),
    "prelu-plus": .init(name: "sloped-relu", values: ["a": 1], trained: ["a"]),
    "pvlu": .init(name: "vlu", trained: ["a", "b"]), "relun": .init(name: "bounded-relu"),
    "relu6": .init(name: "bounded-relu", values: ["a": 6]), "thresholded-relu": .init(name: "truncated-rectified"),
    "thresholded-linear": .init(name: "hardshrink"), "tlin": .init(name: "hardshrink"),
    "modulus": .init(name: "vrelu"), "absolute-value": .init(name: "vrelu"), "lrtlu": .init(name: "lsptlu"),
    "dlu": .init(name: "signrelu"), "polylu": .init(name: "signrelu", values: ["a": 1]),
    "fplus": .init(name: "signrelu", values: ["a": 1]), "power-activation": .init(name: "repu"),
    "requ": .init(name: "repu", values: ["p": 2]), "squared-relu": .init(name: "repu", values: ["p": 2]),
    "recu": .init(name: "repu", values: ["p": 3]), "pfts": .init(name: "flatted-t-swish", trained: ["t"]),
    "relu-swish": .init(name: "flatted-t-swish", values: ["t": 0]),
    "sc-swish": .init(name: "flatted-t-swish", values: ["t": 0]), "maxtanh": .init(name: "siglu"),
    "evolved-max-tanh-log": .init(name: "relu"), "rectifier": .init(name: "relu"), "symlog": .init(name: "laf"),
    "agumb": .init(name: "aranda-ordaz", values: ["a": 1], trained: ["a"]),
    "fully-parametric-relu": .init(name: "dprelu"), "trelu": .init(name: "ptelu", values: ["a": 1]),
    "trelu2": .init(name: "ptelu", values: ["b": 1]),
    "scl-mish": .init(name: "sc-mish", values: ["a": 0.25], trained: ["a"]), "t-swish": .init(name: "p-swish"),
    "r-s": .init(name: "p-swish", values: ["a": 1]),
    "adaptive-slope-tanh": .init(name: "slope-tanh", trained: ["a"], sharing: .perUnit),
    "scaled-logistic-sigmoid": .init(name: "psigmoid", trained: ["a", "b"], sharing: .perUnit),
    "acon-a": .init(name: "swish"), "psilu": .init(name: "swish"), "tsrelul": .init(name: "psgu"),
    "css": .init(name: "sls-ss"), "random-nn-sine": .init(name: "save-sine", values: ["a": 1]),
    "random-nn-multiquadric": .init(name: "maf"), "save-relu-power": .init(name: "apprelu", trained: ["a", "b"]),
    "save-asymmetric": .init(name: "delay-relu", trained: ["a"]),
    "save-harmonization": .init(name: "sloped-relu", trained: ["a"]),
    "alisa": .init(name: "srelu", values: ["u": 1, "l": 0], trained: ["a", "b"]),
    "lisa": .init(name: "srelu", values: ["u": 1, "l": 0], trained: []), "cpn-m": .init(name: "mtlu"),
    "smu-1": .init(name: "lrelu-plus"), "afu": .init(name: "vaf"),
    // As libraries write them
    "linear": .init(name: "identity"), "leakyrelu": .init(name: "leaky-relu"),
    "rrelu": .init(name: "randomized-leaky-relu"), "hardswish": .init(name: "hard-swish"),
    "hardsigmoid": .init(name: "hard-sigmoid", values: ["a": 1.0 / 6]), "logsigmoid": .init(name: "log-sigmoid"),
    "logsoftmax": .init(name: "log-softmax"), "softmax2d": .init(name: "softmax-2d"), "sin": .init(name: "sine"),
    "abs": .init(name: "vrelu"),
  ]
}
