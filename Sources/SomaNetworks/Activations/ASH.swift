import Soma

/// Sparse, self-normalizing activation: `x σ(α (x - m - z s))`, `m` and `s` mean and population deviation of the layer's units, for
/// each example. Hard: `clip(x, 0, 2) hσ(α (x - m - z s))`, `hσ(t) = min(max(t + 3, 0), 6)/6`, exactly zero for most units.
/// Gradients go through `m` and `s` (Lee, Yang, Lee & Hwang 2022, arXiv 2210.11672; hard form: Keller 2024, arXiv 2404.17651).
/// - Shape: `[…, units]` → the same
public struct ASH: Layer {
  public var alpha: Double
  /// How many deviations above the mean a unit's gate is half open.
  public var z: Double
  public var isHard: Bool

  public init(alpha: Double = 3, z: Double = 2.3, isHard: Bool = false) {
    self.alpha = alpha
    self.z = z
    self.isHard = isHard
  }

  public static func hard(alpha: Double = 3, z: Double = 2.3) -> ASH { ASH(alpha: alpha, z: z, isHard: true) }

  /// The gate, between 0 and 1.
  public func gate(_ x: Tensor) -> Tensor {
    require(x.rank > 0 && x.shape.last > 1, "ASH wants at least two units, not \(x.shape)")
    let mean = x.mean([-1], keepsAxes: true)
    let centered = x - mean
    let variance = (centered * centered).mean([-1], keepsAxes: true)
    // The root's slope at 0 is infinite; a layer of equal units has deviation 0 and passes no gradient through it.
    let isFlat = variance .== 0
    let deviation = Tensor.select(isFlat, 0, Tensor.select(isFlat, 1, variance).sqrt())
    let t = (centered - deviation * z) * alpha
    return isHard ? (t + 3).clipped(0.0, 6.0) * (1.0 / 6) : t.logistic()
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { (isHard ? x.clipped(0.0, 2.0) : x) * gate(x) }
  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { self(x) }
}

/// The k largest units of each example: with the threshold subtracted, `relu(x - x_(k))` with `x_(k)` the k-th largest, or masked,
/// `x [x ≥ x_(k)]`.
/// - Shape: `[…, units]` → the same
public struct TopK: Layer {
  public var k: Int
  public var isSubtracting: Bool

  public init(_ k: Int, isSubtracting: Bool = true) {
    require(k > 0, "TopK keeps at least one unit")
    self.k = k
    self.isSubtracting = isSubtracting
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank > 0 && x.shape.last >= k, "TopK keeps \(k) units of \(x.shape)")
    let threshold = x.topK(k).values[.ellipsis, (k - 1)..<k]
    return isSubtracting ? Activation.relu(x - threshold) : Tensor.select(x .>= threshold, x, 0)
  }
}

/// In each group of units the largest stays, the others become 0 (Srivastava et al. 2013).
/// - Shape: `[…, units]` → the same; the groups' size divides the units
public struct LocalWinnerTakeAll: Layer {
  public var size: Int

  public init(_ size: Int) {
    require(size > 0, "a group has at least one unit")
    self.size = size
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank > 0 && x.shape.last % size == 0, "groups of \(size) do not divide \(x.shape)")
    let groups = x.reshape(Shape(x.shape.dropLast()) + [x.shape.last / size, size])
    return Tensor.select(groups .>= groups.max([-1], keepsAxes: true), groups, 0).reshape(x.shape)
  }
}

extension Activation {
  /// Mean and deviation along the axis; equal units have deviation 0 and pass no gradient through it.
  static let ashDeviation =
    "m := axismean(x); v := axismean((x-m)^2); s := where(v>0, sqrt(where(v>0, v, 1)), 0); "

  /// `1/(1 + |x/a|^d)`: large near zero only (Lan & Mahmood 2023, arXiv 2310.01365).
  /// - Throws: `ActivationError` unless `a` and `d` are positive.
  public static func elephant(_ a: Double = 0.08, power d: Double = 4) throws(ActivationError) -> Activation {
    try parse("1/(1+abs(x/a)^d)", "a=\(a):a>0:fixed;d=\(d):d>0:fixed", name: "elephant")
  }
}

/// A linear map whose weights are, for each unit, brought to mean 0 and length 1: `x ŵ`, `ŵ = (w - mean w)/‖w - mean w‖`.
/// - Shape: `[…, inputs]` → `[…, units]`
public struct RowNormalizedLinear: Layer {
  public var units: Int
  public var initializer: Initializer

  public init(_ units: Int, initializer: Initializer = .heNormal) {
    self.units = units
    self.initializer = initializer
  }

  /// The weights of the units, in columns, as they are used.
  public static func normalized(_ weight: Tensor) -> Tensor {
    let centered = weight - weight.mean([0], keepsAxes: true)
    return centered / centered.norm([0], keepsAxes: true)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let weight = scope.parameter("weight", [x.shape.last, units], initializer, dtype: x.dtype)
    return x.matmul(Self.normalized(weight))
  }
}
