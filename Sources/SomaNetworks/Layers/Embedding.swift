import Soma

/// A vector for each symbol.
/// - Shape: integers `[…]` → `[…, width]`; a symbol out of range gives zeros in a compiled graph
public struct Embedding: Layer {
  public var count: Int
  public var width: Int
  public var initializer: Initializer

  public init(_ count: Int, width: Int, initializer: Initializer = .normal(0.02)) {
    self.count = count
    self.width = width
    self.initializer = initializer
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    table(scope).take(x.dtype.isFloating ? x.cast(to: .int32) : x)
  }

  /// The vectors, `[count, width]`, which an output layer may share.
  public func table(_ scope: Scope) -> Tensor { scope.parameter("weight", [count, width], initializer) }
}
