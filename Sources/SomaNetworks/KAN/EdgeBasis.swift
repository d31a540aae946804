import Soma

/// Functions of one number whose weighted sums are the learned functions on a network's edges: `φ(x) = Σ_r c_r b_r(x)`.
///
/// A basis states `values`; sums over inputs and single curves follow from them. One that has a faster way, as splines that are zero
/// almost everywhere, states those too. A basis with knots, phases or denominators of its own declares them in the scope.
public protocol EdgeBasis: Sendable {
  /// How tables and pictures call it.
  var name: String { get }
  /// The number of functions.
  var count: Int { get }
  /// Where the functions can tell inputs apart.
  var range: ClosedRange<Double> { get }
  /// Every function at every place.
  /// - Shape: `[..., i]` → `[..., i, count]`
  func values(_ x: Tensor, _ scope: Scope) -> Tensor
  /// Weighted sums over inputs and functions.
  /// - Shape: x `[..., i]`, coefficients `[i, count, o]` → `[..., o]`
  func sum(_ x: Tensor, _ coefficients: Tensor, _ scope: Scope) -> Tensor
  /// The function of every edge.
  /// - Shape: x `[..., i]`, coefficients `[i, count, o]` → `[..., i, o]`
  func curves(_ x: Tensor, _ coefficients: Tensor, _ scope: Scope) -> Tensor
  /// The coefficients `[i, count, o]` as they count: a selection among families scales them.
  func weighted(_ coefficients: Tensor, _ scope: Scope) -> Tensor
  /// How the coefficients `[i, count, o]` begin.
  var initializer: Initializer { get }
}

extension EdgeBasis {
  public func weighted(_ coefficients: Tensor, _ scope: Scope) -> Tensor { coefficients }

  public func sum(_ x: Tensor, _ coefficients: Tensor, _ scope: Scope) -> Tensor {
    let (inputs, outputs) = (coefficients.shape[0], coefficients.shape[2])
    let rows = Shape(x.shape.dimensions.dropLast() + [inputs * count])
    return values(x, scope).reshape(rows).matmul(weighted(coefficients, scope).reshape([inputs * count, outputs]))
  }

  public func curves(_ x: Tensor, _ coefficients: Tensor, _ scope: Scope) -> Tensor {
    // One product for each input: [i, …, count] · [i, count, o].
    let inputs = x.shape.last
    let rows = x.count / max(1, inputs)
    let byInput = values(x, scope).reshape([rows, inputs, count]).transposed(1, 0, 2)
    let curves = byInput.matmul(weighted(coefficients, scope)).transposed(1, 0, 2)
    return curves.reshape(Shape(x.shape.dimensions + [coefficients.shape[2]]))
  }

  /// Normal numbers of deviation `0.3/√(inputs · count)`: sums over all edges of a node have about that size times √count.
  public var initializer: Initializer { .edgeCoefficients(0.3) }

  /// The functions as a basis begins, outside a network.
  public func values(_ x: Tensor) -> Tensor { values(x, Scope(initializing: Key(0))) }

  /// The curve of some coefficients as a basis begins: `Σ_r c_r b_r(x)`.
  public func curve(_ x: Tensor, _ coefficients: [Double]) -> Tensor {
    require(coefficients.count == count, "\(name): \(coefficients.count) coefficients for \(count) functions")
    return values(x.expandDimensions(at: -1)).squeezed([x.rank]).matmul(Tensor(coefficients).cast(to: x.dtype))
  }
}

extension Initializer {
  /// Coefficients `[inputs, count, outputs]` of deviation `scale/√(inputs · count)`.
  public static func edgeCoefficients(_ scale: Double) -> Initializer {
    Initializer("edgeCoefficients") { shape, key, dtype in
      let fan = Double(max(1, shape[0] * shape[1]))
      return .normal(shape, deviation: scale / fan.squareRoot(), key: key, dtype: dtype)
    }
  }
}
