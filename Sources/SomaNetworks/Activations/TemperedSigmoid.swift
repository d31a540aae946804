import Soma

/// `s σ(T x) - o`: a bounded activation that keeps gradients small, tanh for s = 2, T = 2, o = 1. Its derivative is at most
/// `s T/4`, its range `(-o, s - o)`. (Papernot, Thakurta, Song, Chien, Erlingsson 2020, arXiv 2007.14191)
/// - Shape: unchanged
public struct TemperedSigmoid: Layer, Hashable {
  /// s
  public var scale: Double
  /// T
  public var inverseTemperature: Double
  /// o
  public var offset: Double
  /// Whether the three numbers are trained, one of each for the layer.
  public var isTrained: Bool

  public init(scale: Double = 2, inverseTemperature: Double = 2, offset: Double = 1, isTrained: Bool = false) {
    self.scale = scale
    self.inverseTemperature = inverseTemperature
    self.offset = offset
    self.isTrained = isTrained
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    value(x, scale, inverseTemperature, offset) { Tensor($0, dtype: x.dtype) }
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    guard isTrained else { return self(x) }
    func parameter(_ name: String, _ value: Double) -> Tensor {
      scope.parameter(name, [], .constant(value), dtype: x.dtype)
    }
    return parameter("scale", scale) * (parameter("inverseTemperature", inverseTemperature) * x).logistic()
      - parameter("offset", offset)
  }

  /// By tanh, which keeps all digits where the sigmoid saturates: `s (tanh(T x/2) + 1)/2 - o`.
  private func value(_ x: Tensor, _ s: Double, _ t: Double, _ o: Double, _ scalar: (Double) -> Tensor) -> Tensor {
    scalar(s / 2) * (scalar(t / 2) * x).tanh() + scalar(s / 2 - o)
  }
}
