import Foundation
import Soma

/// A differential equation with its boundary and initial data, as code: what a network has to satisfy to be the solution.
///
/// ```swift
/// let problem = Problem("poisson", box: [-1...1], residual: { u, x in
///   PhysicsLoss.derivative(u, x, axis: 0, order: 2) + (x[.all, 0] * .pi).sin() * (.pi * .pi)
/// }, conditions: [.value("ends", at: Problem.ends(-1, 1)) { _ in … }])
/// ```
public struct Problem: Sendable {
  /// A function of points `[n, d]` → `[n]`.
  public typealias Function = (Tensor) -> Tensor

  /// Boundary or initial data.
  public struct Condition: Sendable {
    public var name: String
    /// `count` places where it holds, `[count, d]`.
    public var points: @Sendable (_ count: Int) -> Tensor
    /// What is left of it at those places, `[count]`: zero for the solution.
    public var residual: @Sendable (_ u: @escaping Function, _ x: Tensor) -> Tensor

    public init(
      _ name: String, points: @escaping @Sendable (_ count: Int) -> Tensor,
      residual: @escaping @Sendable (_ u: @escaping Function, _ x: Tensor) -> Tensor
    ) {
      self.name = name
      self.points = points
      self.residual = residual
    }

    /// `u = g`
    public static func value(
      _ name: String, points: @escaping @Sendable (_ count: Int) -> Tensor, _ g: @escaping @Sendable (Tensor) -> Tensor
    ) -> Condition {
      Condition(name, points: points) { u, x in u(x) - g(x) }
    }
  }

  public var name: String
  /// The equation in words of mathematics.
  public var statement: String
  /// The domain: a range for each coordinate.
  public var box: [ClosedRange<Double>]
  /// What the equation leaves, `[n]`, of a function at points inside: zero for the solution.
  public var residual: @Sendable (_ u: @escaping Function, _ x: Tensor) -> Tensor
  public var conditions: [Condition]
  /// The solution, where it is known.
  public var exact: (@Sendable (Tensor) -> Tensor)?

  public init(
    _ name: String, statement: String = "", box: [ClosedRange<Double>],
    residual: @escaping @Sendable (_ u: @escaping Function, _ x: Tensor) -> Tensor, conditions: [Condition],
    exact: (@Sendable (Tensor) -> Tensor)? = nil
  ) {
    require(!box.isEmpty && box.allSatisfy { $0.lowerBound < $0.upperBound }, "a domain has a width along each axis")
    self.name = name
    self.statement = statement
    self.box = box
    self.residual = residual
    self.conditions = conditions
    self.exact = exact
  }

  public var dimensions: Int { box.count }

  /// `count` places inside, spread evenly (Halton 1960), double precision.
  public func interior(_ count: Int) -> Tensor {
    let bases = [2, 3, 5, 7, 11, 13]
    require(dimensions <= bases.count, "domains have up to \(bases.count) dimensions")
    var values: [Double] = []
    for i in 1...count {
      for (axis, range) in box.enumerated() {
        var (fraction, share, k) = (1.0, 0.0, i)
        while k > 0 {
          fraction /= Double(bases[axis])
          share += fraction * Double(k % bases[axis])
          k /= bases[axis]
        }
        values.append(range.lowerBound + share * (range.upperBound - range.lowerBound))
      }
    }
    return Tensor(values, shape: [count, dimensions])
  }

  /// A grid of `side` places along each axis: `[sideᵈ, d]`.
  public func grid(_ side: Int) -> Tensor {
    let axes = box.map { Tensor.linspace($0.lowerBound, $0.upperBound, count: side, dtype: .float64) }
    return .stack(Tensor.meshgrid(axes).map { $0.flattened() }, axis: 1)
  }

  /// Places on a face of the box, where a coordinate has a value: evenly spaced along the other axis of two, or the one place.
  public static func face(
    axis: Int, value: Double, of box: [ClosedRange<Double>]
  ) -> @Sendable (Int) -> Tensor {
    require(box.count <= 2, "faces of boxes of one or two dimensions")
    return { count in
      guard box.count == 2 else { return Tensor([value], shape: [1, 1]) }
      let other = box[1 - axis]
      let along = Tensor.linspace(other.lowerBound, other.upperBound, count: count, dtype: .float64)
      let fixed = Tensor.full([count], value, dtype: .float64)
      return .stack(axis == 0 ? [fixed, along] : [along, fixed], axis: 1)
    }
  }

  /// Places on all faces, or on those of some axes.
  public static func boundary(of box: [ClosedRange<Double>], axes: [Int]? = nil) -> @Sendable (Int) -> Tensor {
    { count in
      let chosen = axes ?? Array(box.indices)
      let each = max(2, count / (2 * chosen.count))
      return .concatenate(
        chosen.flatMap { axis in
          [box[axis].lowerBound, box[axis].upperBound].map { face(axis: axis, value: $0, of: box)(each) }
        })
    }
  }
}

extension PhysicsLoss {
  /// A partial derivative at each point, by forward mode: `∂ᵒ f/∂x_axisᵒ`.
  /// - Parameters:
  ///   - function: `[n, d]` → `[n]`, each row by itself
  /// - Shape: points `[n, d]` → `[n]`
  public static func derivative(
    _ function: @escaping (Tensor) -> Tensor, _ points: Tensor, axis: Int, order: Int = 1
  ) -> Tensor {
    require(order >= 1, "a derivative of order \(order)")
    let direction = (Tensor.iota([points.shape[1]], dtype: .int32) .== axis).cast(to: points.dtype)
      .broadcast(to: points.shape)
    func derived(_ f: @escaping (Tensor) -> Tensor) -> (Tensor) -> Tensor {
      { x in jvp(x, tangent: direction, f).tangent }
    }
    var f = function
    for _ in 0..<order { f = derived(f) }
    return f(points)
  }
}
