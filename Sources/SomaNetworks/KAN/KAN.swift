import Soma

/// A network of learned functions on edges, `Φ_{L-1} ∘ … ∘ Φ_0` (Liu et al. 2024, arXiv 2404.19756), whose nodes add or, optionally,
/// multiply (Liu et al. 2024, arXiv 2408.10205).
///
/// If a function is a composition of smooth layers, some splines on `G` intervals of order `k` are as near to it as `C·G^{-k-1+m}` in
/// the norm of `m` derivatives: errors may fall as the (k + 1)th power of the number of parameters.
/// - Shape: `[..., inputs]` → `[..., outputs]`
public struct KAN: Layer {
  /// The nodes of a layer: those that add come first, then those that multiply `arity` sums each.
  public struct Width: Sendable, Hashable, ExpressibleByIntegerLiteral {
    public var sums: Int
    public var products: Int
    public init(_ sums: Int, products: Int = 0) {
      require(sums >= 0 && products >= 0 && sums + products > 0, "a layer of \(sums) sums and \(products) products")
      self.sums = sums
      self.products = products
    }
    public init(integerLiteral value: Int) { self.init(value) }
    public var nodes: Int { sums + products }
  }

  /// Inputs, hidden layers, outputs.
  public var widths: [Width]
  public var layers: [KANLayer]
  /// How many sums a product node multiplies.
  public var arity: Int
  /// Whether every node has a trained scale and bias of its own.
  public var trainsNodes = false

  /// - `layer`: the layer that makes so many sums.
  public init(_ widths: [Width], arity: Int = 2, layer: (_ sums: Int) -> KANLayer) {
    require(widths.count >= 2, "a KAN has inputs and outputs: \(widths.count) widths are too few")
    require(widths[0].products == 0 && arity >= 2, "inputs are no products, and products have at least two factors")
    self.widths = widths
    self.arity = arity
    layers = widths.dropFirst().map { layer($0.sums + arity * $0.products) }
  }

  /// A network of B-splines whose edges can be switched off and whose grid can be fitted to data.
  public init(
    _ shape: [Int], intervals: Int = 5, order: Int = 3, range: ClosedRange<Double> = -1...1,
    base: KANLayer.Base = .silu, initialization: KANLayer.Initialization = .small
  ) {
    self.init(shape.map { Width($0) }) { sums in
      KANLayer(
        sums, basis: BSpline(order: order, intervals: intervals, range: range), base: base,
        initialization: initialization, usesMask: true)
    }
  }

  /// A network of any basis: edges `w_b b(x) + Σ_r c_r b_r(x)`.
  public init(_ shape: [Int], basis: any EdgeBasis, base: KANLayer.Base = .silu) {
    self.init(shape.map { Width($0) }) { KANLayer($0, basis: basis, base: base, usesScale: false) }
  }

  public var inputs: Int { widths[0].nodes }
  public var outputs: Int { widths.last!.nodes }

  /// The columns of a layer's sums that a node is made of.
  public func sums(ofNode node: Int, in layer: Int) -> [Int] {
    let width = widths[layer + 1]
    return node < width.sums
      ? [node] : (0..<arity).map { width.sums + (node - width.sums) * arity + $0 }
  }

  private func joined(_ sums: Tensor, _ layer: Int, _ scope: Scope) -> Tensor {
    let width = widths[layer + 1]
    var nodes = sums
    if width.products > 0 {
      let lead = sums.shape.dimensions.dropLast()
      let factors = sums[.ellipsis, width.sums..<sums.shape.last].reshape(Shape(lead + [width.products, arity]))
      let products = (1..<arity).reduce(factors[.ellipsis, 0]) { $0 * factors[.ellipsis, $1] }
      nodes =
        width.sums == 0 ? products : .concatenate([sums[.ellipsis, 0..<width.sums], products], axis: sums.rank - 1)
    }
    guard trainsNodes else { return nodes }
    return nodes * scope.parameter("scale", [width.nodes], .ones, dtype: sums.dtype)
      + scope.parameter("bias", [width.nodes], .zeros, dtype: sums.dtype)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.shape.last == inputs, "the network takes \(inputs) inputs, not \(x.shape.last)")
    var h = x
    for (l, layer) in layers.enumerated() { h = joined(layer(h, scope[l]), l, scope["node\(l)"]) }
    return h
  }

  /// What flows through a network.
  public struct Activity {
    /// Node values, the inputs first: `[n, nodes]` each.
    public var nodes: [Tensor]
    /// Sums before multiplication: `[n, sums]` each.
    public var sums: [Tensor]
    /// What every edge adds: `[n, i, o]` each.
    public var curves: [Tensor]
    /// The part of it that the basis makes.
    public var basisParts: [Tensor]
    public var output: Tensor { nodes.last! }
  }

  /// The output with all edges and nodes on the way.
  public func activity(_ x: Tensor, _ scope: Scope) -> Activity {
    require(x.rank == 2 && x.shape[1] == inputs, "activity wants [n, \(inputs)], not \(x.shape)")
    var result = Activity(nodes: [x], sums: [], curves: [], basisParts: [])
    for (l, layer) in layers.enumerated() {
      let (curves, part) = layer.edges(result.nodes[l], scope[l])
      let sums = curves.sum([1])
      result.curves.append(curves)
      result.basisParts.append(part)
      result.sums.append(sums)
      result.nodes.append(joined(sums, l, scope["node\(l)"]))
    }
    return result
  }
}
