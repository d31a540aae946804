import Soma

/// Which of three functions is meant by GELU. They are not interchangeable: the tanh form differs from the exact one by up to
/// 4.7e-4, the sigmoid form by up to 2.0e-2.
public enum GELUForm: String, Sendable, Hashable, CaseIterable {
  /// `x Φ(x)`, `Φ` the standard normal distribution function
  case exact
  /// `½x (1 + tanh(√(2/π) (x + 0.044715 x³)))`
  case tanh
  /// `x σ(1.702 x)`, also called QuickGELU
  case sigmoid

  /// The form that a name in another framework's configuration means: Hugging Face's `gelu`, `gelu_new`, `gelu_fast`,
  /// `gelu_pytorch_tanh`, `quick_gelu`, and ONNX's `none` and `tanh`. Nil for other names.
  public init?(configurationName name: String) {
    switch name {
    case "gelu", "gelu_python", "none": self = .exact
    case "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_accurate", "tanh": self = .tanh
    case "quick_gelu": self = .sigmoid
    default: return nil
    }
  }
}

extension Activation {
  /// GELU in one of its forms (Hendrycks & Gimpel 2016, arXiv 1606.08415).
  public static func gelu(_ form: GELUForm) -> Activation {
    switch form {
    case .exact: gelu
    case .tanh: geluTanh
    case .sigmoid: geluSigmoid
    }
  }

  /// `x Φ((x - mean) / scale)`; as `scale` goes to 0 it becomes ReLU with its step at `mean`.
  /// - Throws: `ActivationError` unless `scale` is positive.
  public static func gelu(mean: Double, scale: Double) throws(ActivationError) -> Activation {
    try gelu.with(["m": mean, "s": scale])
  }
}

/// The random mask that GELU is the mean of: in training `m x` with `m` 1 with probability `Φ(x)` and else 0, at other times
/// `x Φ(x)`. The derivative is that of the mask drawn, `m` (Hendrycks & Gimpel 2016, arXiv 1606.08415, section 2).
/// - Shape: `[…]` → `[…]`
public struct StochasticGELU: Layer {
  public init() {}

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    guard scope.isTraining else { return Activation.gelu(x) }
    let probability = 0.5 * (x * -(0.5.squareRoot())).erfc()
    return Tensor.select(Tensor.bernoulli(probability.stopGradient(), key: scope.key()), x, 0)
  }
}
