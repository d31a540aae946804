import Foundation
import Soma

/// A compositional pattern-producing network (Stanley 2007): dense layers without biases whose neurons have each their own function,
/// from a pixel's place to its colour. Layout and functions as Kumar, Clune, Lehman & Stanley 2025 (arXiv 2505.11581) have them.
/// - Shape: `[n, 4]` (y, x, distance, 1) → `[n, outputs]`
public struct CPPN: Layer, Hashable {
  /// What a neuron applies.
  public enum Function: String, Sendable, Hashable, CaseIterable {
    /// `v`, carried on for later layers.
    case cache
    /// `v`
    case identity
    case cos, sin, tanh
    /// `2σ(v) - 1`
    case sigmoid
    /// `2 exp(-v²) - 1`
    case gaussian
    case relu

    public func callAsFunction(_ v: Tensor) -> Tensor {
      switch self {
      case .cache, .identity: v
      case .cos: v.cos()
      case .sin: v.sin()
      case .tanh: v.tanh()
      case .sigmoid: v.logistic() * 2.0 - 1
      case .gaussian: (-(v * v)).exp() * 2.0 - 1
      case .relu: v.maximum(0.0)
      }
    }

    public func callAsFunction(_ v: Double) -> Double {
      switch self {
      case .cache, .identity: v
      case .cos: Foundation.cos(v)
      case .sin: Foundation.sin(v)
      case .tanh: Foundation.tanh(v)
      case .sigmoid: 2 / (1 + Foundation.exp(-v)) - 1
      case .gaussian: 2 * Foundation.exp(-v * v) - 1
      case .relu: max(v, 0)
      }
    }

    /// Whether `f(-v) = -f(v)`.
    public var isOdd: Bool {
      switch self {
      case .cache, .identity, .sin, .tanh, .sigmoid: true
      case .cos, .gaussian, .relu: false
      }
    }
  }

  public struct Group: Sendable, Hashable {
    public var function: Function
    public var count: Int
    public init(_ function: Function, _ count: Int) { (self.function, self.count) = (function, count) }
  }

  public var depth: Int
  /// The neurons of each hidden layer, in order.
  public var groups: [Group]
  public var outputs: Int
  /// The factor on the deviation of the start, LeCun's normal one.
  public var initialScale: Double

  public init(depth: Int, groups: [Group], outputs: Int = 3, initialScale: Double = 1) {
    require(depth >= 1 && groups.allSatisfy { $0.count > 0 } && !groups.isEmpty, "a CPPN has layers and neurons")
    self.depth = depth
    self.groups = groups
    self.outputs = outputs
    self.initialScale = initialScale
  }

  /// What is wrong with a text that describes an architecture.
  public struct ArchitectureError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Layers and neurons: `12;cache:15,gaussian:4,identity:2,sin:1`.
  /// - Throws: `ArchitectureError`
  public init(architecture text: String, outputs: Int = 3, initialScale: Double = 1) throws(ArchitectureError) {
    let halves = text.split(separator: ";")
    guard halves.count == 2, let depth = Int(halves[0]), (1...1000).contains(depth) else {
      throw ArchitectureError(description: "\(text): an architecture reads as 12;cache:15,gaussian:4")
    }
    var groups: [Group] = []
    for part in halves[1].split(separator: ",") {
      let words = part.split(separator: ":")
      guard words.count == 2, let function = Function(rawValue: String(words[0])), let count = Int(words[1]),
        (1...4096).contains(count)
      else {
        let known = Function.allCases.map(\.rawValue).joined(separator: ", ")
        throw ArchitectureError(description: "\(part): neurons read as gaussian:4, of \(known)")
      }
      groups.append(Group(function, count))
    }
    guard !groups.isEmpty else { throw ArchitectureError(description: "\(text): a layer has neurons") }
    self.init(depth: depth, groups: groups, outputs: outputs, initialScale: initialScale)
  }

  public var width: Int { groups.reduce(0) { $0 + $1.count } }
  /// The function of each neuron of a layer.
  public var functions: [Function] { groups.flatMap { Array(repeating: $0.function, count: $0.count) } }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var h = x
    for layer in 0..<depth {
      let weight = scope.parameter(
        "layer\(layer)", [h.shape.last, width], .scaled(initialScale, fan: .input, .normal), dtype: x.dtype)
      let z = h.matmul(weight)
      let parts = z.split(sizes: groups.map(\.count), axis: -1)
      h = .concatenate(zip(groups, parts).map { $0.function($1) }, axis: -1)
      scope.observe("layer\(layer)", h)
    }
    return h.matmul(
      scope.parameter("head", [width, outputs], .scaled(initialScale, fan: .input, .normal), dtype: x.dtype))
  }

  /// The inputs of a picture of `side × side` pixels over `[-1, 1]²`, x along the first axis: `[side², 4]`.
  public static func inputs(side: Int, dtype: DType = .float32) -> Tensor {
    let axis = Tensor.linspace(-1, 1, count: side, dtype: .float64)
    let grid = Tensor.meshgrid([axis, axis]).map { $0.flattened() }
    let (x, y) = (grid[0], grid[1])
    let distance = (x * x + y * y).sqrt() * 1.4
    return Tensor.stack([y, x, distance, Tensor.ones(like: x)], axis: 1).cast(to: dtype)
  }

  /// Grey: `clip(|v|, 0, 1)`. Colour: hue, saturation and value as the three outputs: `(h + 1) mod 1`, `clip(s, 0, 1)`, `clip(|v|, 0, 1)`.
  /// - Shape: `[n, 1]` → `[n, 1]`, `[n, 3]` → `[n, 3]`
  public static func colours(_ output: Tensor) -> Tensor {
    if output.shape.last == 1 { return output.abs().clipped(0.0, 1.0) }
    let parts = output.split(3, axis: -1)
    let hue = (parts[0] + 1) % Tensor(1, dtype: output.dtype)
    return rgb(.concatenate([hue, parts[1].clipped(0.0, 1.0), parts[2].abs().clipped(0.0, 1.0)], axis: -1))
  }

  /// Hue, saturation, value to red, green, blue, all in 0 … 1, by the hexcone (Smith 1978):
  /// `v - v s max(0, min(k, 4 - k, 1))` with `k = (n + 6h) mod 6` and n = 5, 3, 1.
  /// - Shape: `[..., 3]` → `[..., 3]`
  public static func rgb(_ hsv: Tensor) -> Tensor {
    let parts = hsv.split(3, axis: -1)
    let (h, s, v) = (parts[0], parts[1], parts[2])
    let six = Tensor(6, dtype: hsv.dtype)
    return .concatenate(
      [5, 3, 1].map { n in
        let k = (h * 6.0 + Double(n)) % six
        let drop = k.minimum(4 - k).minimum(1.0).maximum(0.0)
        return v - v * s * drop
      }, axis: -1)
  }
}

extension CPPN {
  /// A face, symmetric, of few reusable parts, built by hand: 3 layers of 4 identity, 3 Gaussian and 3 sigmoid neurons, one output. It
  /// stands in for a network that open-ended evolution found.
  public static func face(dtype: DType = .float64) -> (network: CPPN, parameters: Parameters) {
    let network = CPPN(
      depth: 3, groups: [Group(.identity, 4), Group(.gaussian, 3), Group(.sigmoid, 3)], outputs: 1)
    func matrix(_ rows: Int, _ columns: Int, _ entries: [(Int, Int, Double)]) -> Tensor {
      var values = [Double](repeating: 0, count: rows * columns)
      for (row, column, value) in entries { values[row * columns + column] = value }
      return Tensor(values, shape: [rows, columns]).cast(to: dtype)
    }
    let (y, x, d, b) = (0, 1, 2, 3)
    let parameters = Parameters([
      ("layer0", matrix(4, 10, [(y, 0, 1), (d, 1, 1), (b, 2, 1), (x, 4, 1.5), (x, 5, 2)])),
      (
        "layer1",
        matrix(
          10, 10,
          [
            (1, 0, 1), (2, 1, 1), (5, 2, 1), (4, 4, 4), (2, 4, -1.08), (0, 5, 5), (2, 5, -1.5), (0, 6, 8), (2, 6, 2.8),
            (4, 6, -0.8),
          ])
      ),
      (
        "layer2",
        matrix(
          10, 10,
          [
            (1, 0, 1), (4, 7, 4), (5, 7, 4), (1, 7, -5), (6, 8, 4), (2, 8, 4), (1, 8, -5), (1, 9, 8), (0, 9, -8),
          ])
      ),
      ("head", matrix(10, 1, [(9, 0, 0.5), (7, 0, -0.45), (8, 0, -0.35), (0, 0, -0.3)])),
    ])
    return (network, parameters)
  }
}
