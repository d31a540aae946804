import Soma

/// What a sine is multiplied by in a SPDER activation: a slowly growing function of the size of its input.
public enum SPDERDamping: String, Sendable, Hashable, CaseIterable {
  /// `√|x|`
  case root
  /// `log(1 + |x|)`
  case logarithm
  /// `atan x`: makes the product even.
  case arcTangent
  /// 1: a plain sine, as in SIREN.
  case none
}

extension Activation {
  /// `sin(x) · δ(x)`, by default `sin(x) √|x|` (Shah & Sitawarin 2023, arXiv 2306.15242): the sine encodes a position, the
  /// damping keeps how large the coordinate was. Odd for `√|x|` and `log(1 + |x|)`; `|f(x)| ≤ √|x|`.
  ///
  /// Near zero the second derivative of the root's form grows like `¾ sign(x)/√|x|`. `|x|` is kept at or above `clamp`: the smallest
  /// that leaves slopes finite by default; 10⁻⁶ suits losses on second derivatives.
  /// - Throws: `ActivationError` unless `clamp` is positive.
  public static func spder(damping: SPDERDamping = .root, clamp: Double = 1e-30) throws(ActivationError) -> Activation {
    let parameter = "c=\(clamp):c>0:fixed"
    return switch damping {
    case .root: try parse("sin(x)*sqrt(max(abs(x),c))", parameter, name: "spder")
    case .logarithm: try parse("sin(x)*log1p(abs(x))", name: "spder-log")
    case .arcTangent: try parse("sin(x)*atan(x)", name: "spder-arctan")
    case .none: .sine
    }
  }
}
