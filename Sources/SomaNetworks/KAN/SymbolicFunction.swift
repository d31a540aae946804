import Foundation
import Soma

/// A named function that a learned edge can turn out to be, with a complexity; evaluated without singularities: beyond a threshold
/// of the value, poles and logarithms go over into lines or constants.
public struct SymbolicFunction: Sendable, Hashable {
  public let name: String
  public let complexity: Int

  public init(_ name: String, complexity: Int) {
    self.name = name
    self.complexity = complexity
  }

  /// All functions that edges are compared with.
  public static let library: [SymbolicFunction] = [
    .init("0", complexity: 0), .init("x", complexity: 1), .init("x^2", complexity: 2), .init("x^3", complexity: 3),
    .init("x^4", complexity: 3), .init("x^5", complexity: 3), .init("1/x", complexity: 2),
    .init("1/x^2", complexity: 2),
    .init("1/x^3", complexity: 3), .init("1/x^4", complexity: 4), .init("1/x^5", complexity: 5),
    .init("sqrt", complexity: 2), .init("x^1.5", complexity: 4), .init("1/sqrt", complexity: 2),
    .init("exp", complexity: 2), .init("log", complexity: 2), .init("abs", complexity: 3), .init("sin", complexity: 2),
    .init("cos", complexity: 2), .init("tan", complexity: 3), .init("tanh", complexity: 3),
    .init("sign", complexity: 3), .init("arcsin", complexity: 4), .init("arccos", complexity: 4),
    .init("arctan", complexity: 4), .init("arctanh", complexity: 4), .init("gaussian", complexity: 3),
  ]

  /// The function of a name.
  public static func named(_ name: String) -> SymbolicFunction? { library.first { $0.name == name } }

  /// The value at every place.
  /// - `threshold`: where values are cut.
  public func callAsFunction(_ x: Tensor, threshold: Double = 10) -> Tensor {
    let size = x.abs()
    /// `near` inside `|x| < edge`, else `far` of a place that is outside.
    func outside(_ edge: Double, near: Tensor, far: (Tensor) -> Tensor) -> Tensor {
      let isNear = size .< edge
      return .select(isNear, near, far(.select(isNear, Tensor.full(x.shape, edge, dtype: x.dtype), x)))
    }
    func reciprocal(_ power: Int) -> Tensor {
      let edge = pow(threshold, -1 / Double(power))
      let near = power % 2 == 1 ? x * (threshold / edge) : Tensor.full(x.shape, threshold, dtype: x.dtype)
      return outside(edge, near: near) { 1 / $0.power(power) }
    }
    switch name {
    case "0": return Tensor.zeros(like: x)
    case "x": return x
    case "x^2": return x * x
    case "x^3": return x * x * x
    case "x^4": return (x * x).squared()
    case "x^5": return (x * x).squared() * x
    case "1/x": return reciprocal(1)
    case "1/x^2": return reciprocal(2)
    case "1/x^3": return reciprocal(3)
    case "1/x^4": return reciprocal(4)
    case "1/x^5": return reciprocal(5)
    case "sqrt":
      let edge = 1 / (threshold * threshold)
      return outside(edge, near: x * (1 / edge.squareRoot())) { $0.abs().sqrt() * $0.sign() }
    case "x^1.5": return size * outside(1e-12, near: size) { $0.abs().sqrt() }
    case "1/sqrt":
      return outside(1 / (threshold * threshold), near: Tensor.full(x.shape, threshold, dtype: x.dtype)) {
        $0.abs().rsqrt()
      }
    case "exp": return x.minimum(log(threshold)).exp()
    case "log":
      return outside(exp(-threshold), near: Tensor.full(x.shape, -threshold, dtype: x.dtype)) { $0.abs().log() }
    case "abs": return size
    case "sin": return x.sin()
    case "cos": return x.cos()
    case "tan":
      // The place within a period, from the middle of a branch.
      let place = x - (x * (1 / Double.pi)).round() * Double.pi
      let edge = atan(threshold)
      let isNear = place.abs() .< edge
      return .select(isNear, Tensor.select(isNear, place, 0).tan(), place.sign() * threshold)
    case "tanh": return x.tanh()
    case "sign": return x.sign()
    case "arcsin":
      let isInside = size .< 1
      return .select(isInside, Tensor.select(isInside, x, 0).asin(), x.sign() * (Double.pi / 2))
    case "arccos":
      let isInside = size .< 1
      return .select(isInside, Tensor.select(isInside, x, 0).acos(), (1 - x.sign()) * (Double.pi / 2))
    case "arctan": return x.atan()
    case "arctanh":
      let isInside = size .< tanh(min(threshold, 15))
      return .select(isInside, Tensor.select(isInside, x, 0).atanh(), x.sign() * threshold)
    case "gaussian": return (-x * x).exp()
    default: fatalError("\(name) is no symbolic function")
    }
  }

  /// `f(inner)` as a formula.
  func formula(_ inner: Formula) -> Formula {
    switch name {
    case "0": return .number(0)
    case "x": return inner
    case "x^2", "x^3", "x^4", "x^5": return inner.raised(to: Double(name.dropFirst(2))!)
    case "1/x": return inner.raised(to: -1)
    case "1/x^2", "1/x^3", "1/x^4", "1/x^5": return inner.raised(to: -Double(name.dropFirst(4))!)
    case "gaussian": return Formula.number(-1).times(inner.raised(to: 2)).called("exp")
    case "1/sqrt": return inner.called("abs").raised(to: -0.5)
    case "x^1.5": return inner.called("abs").raised(to: 1.5)
    case "sqrt", "log", "exp", "abs", "sin", "cos", "tan", "tanh", "sign", "arcsin", "arccos", "arctan", "arctanh":
      return inner.called(name)
    default: fatalError("\(name) is no symbolic function")
    }
  }
}
