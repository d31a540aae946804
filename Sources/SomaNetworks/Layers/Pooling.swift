import Soma

/// The largest element of each window over the spatial axes.
/// - Shape: `[n, c, spatial…]` → `[n, c, spatial / stride…]`
public struct MaxPool: Layer {
  public var size: [Int]
  public var strides: [Int]
  public var padding: Padding
  public init(_ size: [Int] = [2, 2], strides: [Int]? = nil, padding: Padding = .valid) {
    self.size = size
    self.strides = strides ?? size
    self.padding = padding
  }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { x.maxPool(size, strides: strides, padding: padding) }
}

/// The mean of each window over the spatial axes; padding counts as zeros, or not at all.
public struct AveragePool: Layer {
  public var size: [Int]
  public var strides: [Int]
  public var padding: Padding
  public var countsPadding: Bool
  public init(_ size: [Int] = [2, 2], strides: [Int]? = nil, padding: Padding = .valid, countsPadding: Bool = false) {
    self.size = size
    self.strides = strides ?? size
    self.padding = padding
    self.countsPadding = countsPadding
  }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    x.averagePool(size, strides: strides, padding: padding, countsPadding: countsPadding)
  }
}

/// The spatial axes averaged into a given number of cells, whatever their lengths: cell i of k covers positions
/// `⌊i·n/k⌋ ..< ⌈(i+1)·n/k⌉`.
public struct AdaptiveAveragePool: Layer {
  public var size: [Int]
  public init(_ size: [Int]) { self.size = size }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { x.adaptiveAveragePool(size) }
}

/// The largest element of each cell, cells as `AdaptiveAveragePool`.
public struct AdaptiveMaxPool: Layer {
  public var size: [Int]
  public init(_ size: [Int]) { self.size = size }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var result = x
    for (i, cells) in size.enumerated() {
      let axis = x.rank - size.count + i
      let n = x.shape[axis]
      require(cells > 0 && n > 0, "adaptive pooling of \(x.shape) to \(size)")
      let parts = (0..<cells).map { cell -> Tensor in
        let range = (cell * n / cells)..<(((cell + 1) * n + cells - 1) / cells)
        return result.split(sizes: [range.lowerBound, range.count, n - range.upperBound], axis: axis)[1].max(
          [axis], keepsAxes: true)
      }
      result = .concatenate(parts, axis: axis)
    }
    return result
  }
}

/// The mean (or maximum) over all spatial axes.
/// - Shape: `[n, c, spatial…]` → `[n, c]`
public struct GlobalPool: Layer {
  public enum Kind: Sendable { case average, max }
  public var kind: Kind
  public init(_ kind: Kind = .average) { self.kind = kind }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank > 2, "global pooling \(scope.path) wants [n, c, spatial…], not \(x.shape)")
    let rows = x.flattened(from: 2)
    return kind == .average ? rows.mean([2]) : rows.max([2])
  }
}
