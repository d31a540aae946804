import Soma

/// The loss in the plane of two random directions through a network's parameters, each filter of a direction as long as the network's
/// own (Li, Xu, Taylor, Studer & Goldstein 2018, arXiv 1712.09913): `L(θ + a d₁ + b d₂)`.
public struct LossLandscape: Sendable, Hashable {
  /// Multiples a and b of the directions, the same for both.
  public var places: [Double]
  /// `losses[i][j]` at `a = places[i]`, `b = places[j]`.
  public var losses: [[Double]]

  /// - Parameters:
  ///   - radius: the largest multiple
  ///   - points: multiples along each axis; odd counts have the network itself in the middle
  ///   - loss: of parameters, a scalar; compiled once
  public init(
    around parameters: Parameters, radius: Double = 1, points: Int = 11, key: Key,
    loss: @escaping (Parameters) -> Tensor
  ) {
    require(points >= 2 && radius > 0, "a landscape of \(points) points and radius \(radius)")
    let keys = key.split(2)
    let (first, second) = (Self.direction(parameters, key: keys[0]), Self.direction(parameters, key: keys[1]))
    let places = (0..<points).map { radius * (2 * Double($0) / Double(points - 1) - 1) }
    let names = parameters
    let count = parameters.leaves.count
    let height = compile { (leaves: [Tensor]) -> Tensor in
      let moved = (0..<count).map { i in
        let type = leaves[i].dtype
        return leaves[i] + leaves[count + i] * leaves[3 * count].cast(to: type)
          + leaves[2 * count + i] * leaves[3 * count + 1].cast(to: type)
      }
      return loss(names.replacingLeaves(moved))
    }
    self.places = places
    losses = places.map { a in
      places.map { b in
        let multiples = [Tensor(a, dtype: .float64), Tensor(b, dtype: .float64)]
        return height(parameters.leaves + first.leaves + second.leaves + multiples).scalar
      }
    }
  }

  /// Normal numbers, each filter scaled to the length of the parameters' own: the weights of one unit (the last axis of matrices and of
  /// edges' coefficients, the first of kernels). Biases and scales, which have no filters, stay where they are.
  public static func direction(_ parameters: Parameters, key: Key) -> Parameters {
    parameters.map { name, tensor in
      guard tensor.rank > 1 else { return Tensor.zeros(like: tensor) }
      let noise = Tensor.normal(tensor.shape, key: key.folding(name), dtype: tensor.dtype)
      let unit = tensor.rank >= 4 ? 0 : tensor.rank - 1
      let axes = (0..<tensor.rank).filter { $0 != unit }
      func length(_ t: Tensor) -> Tensor { t.squared().sum(axes, keepsAxes: true).sqrt() }
      return noise * (length(tensor) / length(noise).maximum(1e-30))
    }
  }
}
