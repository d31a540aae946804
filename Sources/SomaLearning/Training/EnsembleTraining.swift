import Soma
import SomaNetworks

/// Many copies of a small network trained side by side as one graph: seeds, restarts, learning rates, penalty weights.
/// Each member has parameters, optimizer state, learning rate and key of its own; a member that diverges does not touch
/// the others.
///
/// ```swift
/// let training = try EnsembleTraining(starts, optimizer: Adam(), learningRates: rates, shared: [x, y]) { member in
///   (network.apply(Variables(parameters: member.parameters), member.shared[0]) - member.shared[1]).squared().mean()
/// }
/// for _ in 0..<1000 { training.step() }
/// ```
public final class EnsembleTraining {
  /// What the loss of one member depends on.
  public struct Member {
    public let parameters: Parameters
    /// What all members see, as loaded last.
    public let shared: [Tensor]
    /// This member's part of the tensors given for each.
    public let own: [Tensor]
    /// The number of the step, from 0; `int32`.
    public let step: Tensor
    /// Randomness of this member in this step.
    public let key: Key
  }

  public let count: Int
  private let loop: CompiledLoop<OptimizedParameters, [Tensor], Tensor>
  private var rateFactor = 1.0

  /// - `members`: start values, all with the same names and shapes.
  /// - `learningRates`: one for each member, or one for all.
  /// - `seeds`: what each member's randomness comes from; its place if nil. Results do not depend on a member's place.
  /// - `shared`: tensors that every member sees; `load` replaces them.
  /// - `own`: tensors whose leading axis is the members.
  /// - `projection`: applied to a member's parameters after each update.
  /// - Throws: `Executable.MemoryLimitExceeded`.
  public init(
    _ members: [Parameters], optimizer: any Optimizer, learningRates: [Double], seeds: [Int]? = nil,
    shared: [Tensor] = [], own: [Tensor] = [], projection: ((Parameters) -> Parameters)? = nil,
    memoryLimit: Int? = nil, loss: @escaping (Member) -> Tensor
  ) throws {
    require(!members.isEmpty, "an ensemble has at least one member")
    require(
      learningRates.count == members.count || learningRates.count == 1,
      "\(learningRates.count) learning rates for \(members.count) members")
    require(own.allSatisfy { $0.rank > 0 && $0.shape[0] == members.count }, "own tensors have an entry for each member")
    count = members.count
    let template = OptimizedParameters(parameters: members[0], optimizer: optimizer.initialState(members[0]))
    let states = members.map { OptimizedParameters(parameters: $0, optimizer: optimizer.initialState($0)).leaves }
    let stacked = template.leaves.indices.map { i in Tensor.stack(states.map { $0[i] }) }
    let rates = learningRates.count == 1 ? [Double](repeating: learningRates[0], count: count) : learningRates
    let words = Tensor.stack((seeds ?? Array(0..<count)).map { Key($0).folding("member").words })
    let (n, ownCount) = (stacked.count, own.count)
    // Leaves of a member: state, rate, key, own tensors, then what all share, with the rates' common factor last.
    let axes = [Int?](repeating: 0, count: n + 2 + ownCount) + [Int?](repeating: nil, count: shared.count + 1)
    let fixed = [Tensor(rates), words] + own
    loop = try CompiledLoop(
      template.replacingLeaves(stacked), example: shared + [Tensor(1, dtype: .float64)], memoryLimit: memoryLimit
    ) { state, input in
      let step = vmap(inAxes: axes) { (leaves: [Tensor]) -> [Tensor] in
        let now = template.replacingLeaves(Array(leaves.prefix(n)))
        let rate = leaves[n] * leaves[leaves.count - 1]
        let (value, gradient) = valueAndGrad(now.parameters) { parameters in
          loss(
            Member(
              parameters: parameters, shared: Array(leaves[(n + 2 + ownCount)..<(leaves.count - 1)]),
              own: Array(leaves[(n + 2)..<(n + 2 + ownCount)]), step: now.optimizer.step,
              key: Key(words: leaves[n + 1]).folding(now.optimizer.step)))
        }
        var next = now
        (next.parameters, next.optimizer) = optimizer.update(
          now.parameters, gradients: gradient, state: now.optimizer, learningRate: rate)
        if let projection { next.parameters = projection(next.parameters) }
        return next.leaves + [value.cast(to: .float32)]
      }
      let results = step(state.leaves + fixed + input)
      return (state.replacingLeaves(Array(results.prefix(n))), results[n])
    }
    load(shared)
  }

  /// Replaces what all members see. `rateFactor` multiplies the learning rates (schedules).
  public func load(_ shared: [Tensor], rateFactor: Double = 1) {
    loop.load(shared + [Tensor(rateFactor, dtype: .float64)])
  }

  /// One step of every member.
  public func step() { loop.step() }

  /// The members' losses before the last step's update.
  public var losses: [Double] { loop.output.doubles }

  /// All members' parameters, with a leading axis.
  public var stacked: Parameters { loop.state.parameters }

  /// The members' parameters, one by one.
  public var members: [Parameters] {
    let all = stacked
    return (0..<count).map { i in all.map { $1[i] } }
  }
}
