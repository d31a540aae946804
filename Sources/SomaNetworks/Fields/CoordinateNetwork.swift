import Foundation
import Soma

/// A network from places to values: an image as a function of `(y, x)`, a sound of time, a shape of space.
///
/// With frequency ω₀ (SIREN: Sitzmann et al. 2020, arXiv 2006.09661; SPDER: Shah & Sitawarin 2023, arXiv 2306.15242) hidden layers are
/// `act(ω₀ (x W + b))`, `W` uniform in `±1/inputs` in the first and in `±√(6/inputs)/ω₀` in the others, `b` in `±1/√inputs`; the last
/// layer is linear. Without one they are plain dense layers with He's start.
/// - Shape: `[..., d]` → `[..., outputs]`
public struct CoordinateNetwork: Layer {
  public enum Start: Sendable, Hashable {
    /// Frequencies spread by ω₀.
    case sinusoidal
    /// Normal with variance `2/inputs`, biases zero: rectifiers.
    case he
    /// Glorot & Bengio's, for saturating activations.
    case glorot
  }

  public var width: Int
  /// Hidden layers.
  public var depth: Int
  public var outputs: Int
  public var activation: any Layer
  /// ω₀; 1 leaves inputs as they are.
  public var omega: Double
  /// The frequency of the first layer, if it differs.
  public var firstOmega: Double?
  public var encoding: CoordinateEncoding
  public var start: Start

  public init(
    width: Int = 256, depth: Int = 6, outputs: Int = 1, activation: any Layer, omega: Double = 30,
    firstOmega: Double? = nil, encoding: CoordinateEncoding = .identity, start: Start = .sinusoidal
  ) {
    require(
      width > 0 && depth > 0 && outputs > 0,
      "a coordinate network of width \(width), depth \(depth), \(outputs) outputs")
    require(omega > 0 && (firstOmega ?? 1) > 0, "frequencies are positive, not \(omega)")
    self.width = width
    self.depth = depth
    self.outputs = outputs
    self.activation = activation
    self.omega = omega
    self.firstOmega = firstOmega
    self.encoding = encoding
    self.start = start
  }

  /// `sin(ω₀ (x W + b))` (Sitzmann et al. 2020, arXiv 2006.09661).
  public static func siren(width: Int = 256, depth: Int = 6, outputs: Int = 1, omega: Double = 30) -> CoordinateNetwork
  {
    CoordinateNetwork(
      width: width, depth: depth, outputs: outputs, activation: Activation.sine, omega: omega)
  }

  /// `sin(z) δ(z)` with `z = ω₀ (x W + b)`.
  public static func spder(
    width: Int = 256, depth: Int = 6, outputs: Int = 1, damping: SPDERDamping = .root, omega: Double = 30
  ) -> CoordinateNetwork {
    CoordinateNetwork(
      width: width, depth: depth, outputs: outputs, activation: dampings[damping]!, omega: omega)
  }

  /// Rectifiers behind an encoding.
  public static func rectified(
    width: Int = 256, depth: Int = 6, outputs: Int = 1, encoding: CoordinateEncoding = .identity
  ) -> CoordinateNetwork {
    CoordinateNetwork(
      width: width, depth: depth, outputs: outputs, activation: Activation.relu, omega: 1, encoding: encoding,
      start: .he)
  }

  private static let dampings = Dictionary(
    uniqueKeysWithValues: SPDERDamping.allCases.map { ($0, try! Activation.spder(damping: $0)) })

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var h = encoding(x)
    for layer in 0..<depth {
      let frequency = layer == 0 ? firstOmega ?? omega : omega
      let z = affine(h, width, scope[layer], layer: layer)
      h = activation(frequency == 1 ? z : z * frequency, scope["activation\(layer)"])
      scope.observe("layer\(layer)", h)
    }
    return affine(h, outputs, scope["head"], layer: depth)
  }

  private func affine(_ x: Tensor, _ units: Int, _ scope: Scope, layer: Int) -> Tensor {
    let inputs = Double(x.shape.last)
    let weight: Initializer =
      switch start {
      case .he: .heNormal
      case .glorot: .glorotNormal
      case .sinusoidal: .uniform(layer == 0 ? 1 / inputs : sqrt(6 / inputs) / omega)
      }
    let bias: Initializer = start != .sinusoidal ? .zeros : .uniform(1 / sqrt(inputs))
    return scope {
      x.matmul(scope.parameter("weight", [x.shape.last, units], weight, dtype: x.dtype))
        + scope.parameter("bias", [units], bias, dtype: x.dtype)
    }
  }
}
