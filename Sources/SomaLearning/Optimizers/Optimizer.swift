import Soma
import SomaNetworks

/// A rule that changes parameters by their gradients, written as a function of tensors: traced, it becomes part of the one
/// graph that is a training step.
public protocol Optimizer: Sendable {
  /// Whether a parameter changes at all; gradients of others are not computed.
  func trains(_ path: String) -> Bool
  func initialState(_ parameters: Parameters) -> OptimizerState
  /// The parameters after one step, and the state for the next.
  /// - `learningRate`: a scalar
  func update(
    _ parameters: Parameters, gradients: Parameters, state: OptimizerState, learningRate: Tensor
  ) -> (Parameters, OptimizerState)
}

extension Optimizer {
  public func trains(_ path: String) -> Bool { true }
}

/// What an optimizer remembers between steps.
public struct OptimizerState: TensorTree, Sendable {
  /// Steps taken, a scalar `int32`.
  public var step: Tensor
  /// Tensors kept for each parameter (moments, sums), by their meaning.
  public var slots: [String: Parameters]

  public init(step: Tensor = Tensor(0, dtype: .int32), slots: [String: Parameters] = [:]) {
    self.step = step
    self.slots = slots
  }

  public var leaves: [Tensor] { [step] + slots.leaves }
  public func replacingLeaves(_ leaves: [Tensor]) -> OptimizerState {
    OptimizerState(step: leaves[0], slots: slots.replacingLeaves(Array(leaves.dropFirst())))
  }
}

/// Parameters that are treated otherwise than the rest.
public struct ParameterGroup: Sendable, Hashable {
  /// Which paths the group is for: `*` stands for any text, `?` for one character; a pattern that begins with `*/` also
  /// matches without that part. Examples: `*/bias`, `encoder/*`, `*norm*`.
  public var pattern: String
  /// What the learning rate is multiplied by.
  public var learningRateFactor: Double
  /// The weight decay here; nil: the optimizer's own.
  public var weightDecay: Double?
  /// Whether the parameters stay as they are.
  public var isFrozen: Bool

  public init(
    _ pattern: String, learningRateFactor: Double = 1, weightDecay: Double? = nil, isFrozen: Bool = false
  ) {
    self.pattern = pattern
    self.learningRateFactor = learningRateFactor
    self.weightDecay = weightDecay
    self.isFrozen = isFrozen
  }

  public func matches(_ path: String) -> Bool {
    glob(Array(pattern.utf8), Array(path.utf8))
      || (pattern.hasPrefix("*/") && glob(Array(pattern.utf8.dropFirst(2)), Array(path.utf8)))
  }
}

/// Whether a text matches a pattern with `*` and `?`. Linear in the text for each star.
private func glob(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
  let (star, any) = (UInt8(ascii: "*"), UInt8(ascii: "?"))
  var (p, t) = (0, 0)
  // Where to go on if the match fails: the last star, stretched by one more character.
  var retry: (pattern: Int, text: Int)?
  while t < text.count {
    if p < pattern.count, pattern[p] == star {
      retry = (p + 1, t)
      p += 1
    } else if p < pattern.count, pattern[p] == any || pattern[p] == text[t] {
      p += 1
      t += 1
    } else if let last = retry {
      retry = (last.pattern, last.text + 1)
      (p, t) = (last.pattern, last.text + 1)
    } else {
      return false
    }
  }
  return pattern[p...].allSatisfy { $0 == star }
}

/// What the rule of one parameter sees beside the parameter: scalars, computed in `float64` so that `1 - βᵗ` keeps its
/// digits, then rounded to the parameter's type.
public struct UpdateContext {
  let step: Tensor
  let rate: Tensor
  let dtype: DType
  /// The weight decay of this parameter.
  public let weightDecay: Double

  /// The number of this step, 1 for the first; `float64`.
  public var count: Tensor { step.cast(to: .float64) }
  /// The learning rate of this parameter; `float64`.
  public var learningRate: Tensor { rate }
  /// A scalar in the parameter's type.
  public func scalar(_ value: Tensor) -> Tensor { value.cast(to: dtype) }
  /// `1 - βᵗ`, `float64`.
  public func biasCorrection(_ beta: Double) -> Tensor {
    beta == 0 ? Tensor(1, dtype: .float64) : -(count * log(beta)).expm1()
  }
}

/// An optimizer that treats each parameter by itself.
public protocol ParameterwiseOptimizer: Optimizer {
  var weightDecay: Double { get set }
  /// The first group whose pattern matches a parameter's path holds for it.
  var groups: [ParameterGroup] { get set }
  /// What a parameter's slots are before the first step.
  func initialSlots(_ parameter: Tensor) -> [String: Tensor]
  /// The new parameter; `slots` become those of the next step.
  func updated(_ parameter: Tensor, _ gradient: Tensor, _ slots: inout [String: Tensor], _ context: UpdateContext)
    -> Tensor
}

extension ParameterwiseOptimizer {
  public func group(of path: String) -> ParameterGroup? { groups.first { $0.matches(path) } }

  public func trains(_ path: String) -> Bool { group(of: path)?.isFrozen != true }

  public func initialState(_ parameters: Parameters) -> OptimizerState {
    var state = OptimizerState()
    for (name, tensor) in zip(parameters.names, parameters.leaves) where trains(name) {
      for (slot, value) in initialSlots(tensor) { state.slots[slot, default: Parameters()][name] = value }
    }
    return state
  }

  public func update(
    _ parameters: Parameters, gradients: Parameters, state: OptimizerState, learningRate: Tensor
  ) -> (Parameters, OptimizerState) {
    var (next, nextState) = (parameters, state)
    nextState.step = state.step + 1
    let rate = learningRate.cast(to: .float64)
    for (name, tensor) in zip(parameters.names, parameters.leaves) {
      guard trains(name), let gradient = gradients[name] else { continue }
      let group = group(of: name)
      let factor = group?.learningRateFactor ?? 1
      let context = UpdateContext(
        step: nextState.step, rate: factor == 1 ? rate : rate * factor, dtype: tensor.dtype,
        weightDecay: group?.weightDecay ?? weightDecay)
      var slots = state.slots.compactMapValues { $0[name] }
      next[name] = updated(tensor, gradient, &slots, context)
      for (slot, value) in slots { nextState.slots[slot]?[name] = value }
    }
    return (next, nextState)
  }

  /// The gradient of the loss plus `weightDecay/2 · |p|²`.
  func decayed(_ gradient: Tensor, _ parameter: Tensor, _ context: UpdateContext) -> Tensor {
    context.weightDecay == 0 ? gradient : gradient + context.weightDecay * parameter
  }

  /// The parameter shrunk by `learningRate · weightDecay` (Loshchilov, Hutter 2017, arXiv:1711.05101).
  func shrunk(_ parameter: Tensor, _ context: UpdateContext) -> Tensor {
    context.weightDecay == 0
      ? parameter : parameter * context.scalar(1 - context.learningRate * context.weightDecay)
  }
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Parameters with their optimizer's state: what a training step changes where layers keep no state.
struct OptimizedParameters: TensorTree {
  var parameters: Parameters
  var optimizer: OptimizerState
  var leaves: [Tensor] { parameters.leaves + optimizer.leaves }
  func replacingLeaves(_ leaves: [Tensor]) -> OptimizedParameters {
    OptimizedParameters(
      parameters: parameters.replacingLeaves(Array(leaves.prefix(parameters.count))),
      optimizer: optimizer.replacingLeaves(Array(leaves.dropFirst(parameters.count))))
  }
}
