import Foundation
import Soma

/// `L₂ ∘ g ∘ … ∘ g ∘ L₁`: one layer, with one set of parameters, applied again and again between two affine maps (Zhang, Lu & Zhao
/// 2023, arXiv 2301.12353). The graph does not grow with the number of times: the repetition is one scan.
/// - Shape: `[n, d]` → `[n, outputs]`
public struct RepeatedComposition: Layer {
  public var g: any Layer
  public var times: Int
  /// The width of what g maps to itself.
  public var state: Int
  public var outputs: Int
  /// Whether g's output is added to its input, divided by `times`: Euler steps of `ẋ = g(x)` over unit time.
  public var isFlow: Bool

  public init(_ g: any Layer, times: Int, state: Int, outputs: Int = 1, isFlow: Bool = false) {
    require(times >= 0 && state > 0 && outputs > 0, "\(times) compositions of width \(state), \(outputs) outputs")
    self.g = g
    self.times = times
    self.state = state
    self.outputs = outputs
    self.isFlow = isFlow
  }

  /// `g = Dense(state) ∘ ReLU ∘ Dense(width)`.
  public static func trainable(
    state: Int = 16, width: Int = 16, times: Int, outputs: Int = 1, isFlow: Bool = false
  ) -> RepeatedComposition {
    RepeatedComposition(
      Sequential {
        Dense(width, initializer: .lecunNormal)
        Activation.relu
        Dense(state, initializer: .lecunNormal)
      }, times: times, state: state, outputs: outputs, isFlow: isFlow)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var h = Dense(state, initializer: .lecunNormal)(x, scope["in"])
    if times > 0 {
      let inner = scope["g"]
      // Declared once outside the loop, so that initialization sees the parameters.
      if scope.isInitializing { _ = g(h, inner) }
      h =
        scan([h], [], length: times) { carries, _ in
          let y = g(carries[0], inner)
          require(
            y.shape == carries[0].shape, "a layer that is repeated keeps the shape: \(carries[0].shape) to \(y.shape)")
          return ([isFlow ? carries[0] + y * (1 / Double(times)) : y], [])
        }.carries[0]
    }
    return Dense(outputs, initializer: .lecunNormal)(h, scope["out"])
  }
}

/// `Φ_T` of a fixed field: `x ← x + h g(x)`, `steps` times with `h = time/steps`.
/// - Shape: `[n, d]` → `[n, d]`
public struct EulerFlow: Layer {
  public var g: any Layer
  public var steps: Int
  public var time: Double

  public init(_ g: any Layer, steps: Int, time: Double = 1) {
    require(steps > 0, "a flow takes at least one step")
    self.g = g
    self.steps = steps
    self.time = time
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    if scope.isInitializing { _ = g(x, scope["g"]) }
    return scan([x], [], length: steps) { carries, _ in
      ([carries[0] + g(carries[0], scope["g"]) * (time / Double(steps))], [])
    }.carries[0]
  }
}
