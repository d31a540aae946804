import Soma

/// Collects the layers of a braces block: `Sequential { Dense(64); Activation.relu; Dense(10) }`, with `if` and `for`.
@resultBuilder
public enum LayerBuilder {
  public static func buildExpression(_ layer: some Layer) -> [any Layer] { [layer] }
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  public static func buildEither(first part: [any Layer]) -> [any Layer] { part }
  public static func buildEither(second part: [any Layer]) -> [any Layer] { part }
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}

/// One layer after the other; their scopes are 0, 1, 2 …
public struct Sequential: Layer {
  public var layers: [any Layer]

  public init(_ layers: [any Layer]) { self.layers = layers }
  public init(@LayerBuilder _ layers: () -> [any Layer]) { self.layers = layers() }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var x = x
    for (i, layer) in layers.enumerated() { x = layer(x, scope[i]) }
    return x
  }
}

/// `shortcut(x) + body(x)`; the shortcut is the identity unless given (He, Zhang, Ren, Sun 2015, arXiv 1512.03385).
public struct Residual: Layer {
  public var body: Sequential
  public var shortcut: (any Layer)?

  public init(shortcut: (any Layer)? = nil, @LayerBuilder _ body: () -> [any Layer]) {
    self.body = Sequential(body())
    self.shortcut = shortcut
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let y = body(x, scope["body"])
    let kept = shortcut.map { $0(x, scope["shortcut"]) } ?? x
    require(
      kept.shape == y.shape,
      "residual \(scope.path): the body turns \(x.shape) into \(y.shape), the shortcut keeps \(kept.shape)")
    return y + kept
  }
}

/// Several layers on the same input, their outputs joined.
public struct Parallel: Layer {
  public enum Join: Sendable {
    case concatenating(axis: Int)
    case adding
    case multiplying
  }
  public var layers: [any Layer]
  public var join: Join

  public init(_ join: Join = .concatenating(axis: -1), @LayerBuilder _ layers: () -> [any Layer]) {
    self.layers = layers()
    self.join = join
    require(!self.layers.isEmpty, "Parallel wants at least one layer")
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let outputs = layers.enumerated().map { $1(x, scope[$0]) }
    return switch join {
    case .concatenating(let axis): .concatenate(outputs, axis: axis)
    case .adding: outputs.dropFirst().reduce(outputs[0], +)
    case .multiplying: outputs.dropFirst().reduce(outputs[0], *)
    }
  }
}

/// A layer `count` times in a row, with parameters of its own each time or the same.
public struct Repeat: Layer {
  public var count: Int
  public var sharesParameters: Bool
  public var layer: any Layer

  public init(_ count: Int, sharesParameters: Bool = false, _ layer: any Layer) {
    require(count >= 0, "Repeat wants a count of at least 0, not \(count)")
    self.count = count
    self.sharesParameters = sharesParameters
    self.layer = layer
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    (0..<count).reduce(x) { x, i in layer(x, sharesParameters ? scope["shared"] : scope[i]) }
  }
}

/// A function without parameters as a layer.
public struct Lambda: Layer {
  private let function: @Sendable (Tensor) -> Tensor
  public init(_ function: @escaping @Sendable (Tensor) -> Tensor) { self.function = function }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { function(x) }
}

/// All axes from `axis` on merged.
/// - Shape: `[n, a, b, …]` → `[n, a·b·…]`
public struct Flatten: Layer {
  public var axis: Int
  public init(from axis: Int = 1) { self.axis = axis }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { axis >= x.rank ? x : x.flattened(from: axis) }
}

/// Each example in another shape.
/// - Shape: `[n, …]` → `[n] + shape`; one length may be -1
public struct Reshape: Layer {
  public var lengths: [Int]
  public init(_ lengths: [Int]) { self.lengths = lengths }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let all: [Int] = [x.shape[0]] + lengths
    return x.reshape(all)
  }
}
