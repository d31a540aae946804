import Soma

/// A penalty that layers report (`Scope.penalize`), added to the loss with the factor
/// `weight · clamp((step - start) / (end - start), 0, 1)`.
public struct ScheduledPenalty: Sendable, Hashable {
  /// What the layers call it, such as `sparsity`.
  public var kind: String
  public var weight: Double
  public var start: Int
  public var end: Int

  public init(_ kind: String, weight: Double, from start: Int = 0, to end: Int = 0) {
    require(start >= 0 && end >= start, "a penalty grows from step \(start) to step \(end)")
    self.kind = kind
    self.weight = weight
    self.start = start
    self.end = end
  }

  /// The factor at a step, which counts from 0 and may be traced; `float32`.
  public func factor(_ step: Tensor) -> Tensor { weight * share(step) }

  /// The part of the factor that grows from 0 to 1.
  public func share(_ step: Tensor) -> Tensor {
    guard end > start else { return (step .>= start).cast(to: .float32) }
    return ((step.cast(to: .float32) - Double(start)) / Double(end - start)).clipped(0.0, 1.0)
  }
}
