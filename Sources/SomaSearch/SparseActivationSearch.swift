import Foundation
import Soma
import SomaData
import SomaNetworks

/// Which operator stands in which layer of a pruned network: late-acceptance hill climbing over operators, each state judged by
/// a short fine-tuning. (SAFS: Loni, Mohan, Asadi, Lindauer 2023, arXiv 2305.10964)
public struct SparseActivationSearch: Sendable {
  public enum Level: String, Sendable, Hashable, CaseIterable {
    /// One operator for each layer.
    case layer
    /// One for all.
    case network
    /// One for each unit.
    case node
  }
  /// Operators of each layer: one, or one for each unit.
  public typealias State = [[SparseOperator]]

  public struct Result: Sendable {
    public var operators: State
    public var energy: Double
    public var steps: [LateAcceptanceHillClimb<State>.Step]
    /// How many states were trained; the rest had been seen before.
    public var evaluations: Int
  }

  public var operators: [SparseOperator]
  public var level: Level
  public var climb: LateAcceptanceHillClimb<State>

  public init(
    operators: [SparseOperator] = SparseOperator.published, level: Level = .layer, steps: Int = 20, history: Int = 3
  ) {
    precondition(!operators.isEmpty, "a search for operators wants some")
    self.operators = operators
    self.level = level
    climb = LateAcceptanceHillClimb(history: history, steps: steps)
  }

  /// Searches.
  /// - Parameters:
  ///   - units: of each layer with an activation
  ///   - energy: such as 1/accuracy after fine-tuning; asked once for each state
  public func run(units: [Int], seed: UInt64, energy: (State) throws -> Double) rethrows -> Result {
    var known: [State: Double] = [:]
    func judged(_ state: State) throws -> Double {
      if let value = known[state] { return value }
      let value = try energy(state)
      known[state] = value
      return value
    }
    var generator = SeededGenerator(seed: seed, stream: 41)
    func draw(_ count: Int) -> [SparseOperator] { (0..<count).map { _ in operators[generator.below(operators.count)] } }
    let start: State
    switch level {
    case .layer: start = units.map { _ in draw(1) }
    case .network:
      let one = draw(1)
      start = units.map { _ in one }
    case .node: start = units.map { draw($0) }
    }
    let result = try climb.minimize(start, seed: seed, neighbour: { neighbour($0, &$1) }, energy: judged)
    return Result(
      operators: result.best, energy: result.bestEnergy, steps: result.steps, evaluations: known.count)
  }

  /// One operator drawn anew, then two layers' (or units') operators exchanged.
  private func neighbour(_ state: State, _ generator: inout SeededGenerator) -> State {
    let fresh = operators[generator.below(operators.count)]
    if level == .network { return state.map { _ in [fresh] } }
    var next = state
    let layer = generator.below(state.count)
    next[layer][generator.below(next[layer].count)] = fresh
    switch level {
    case .layer: next.swapAt(generator.below(state.count), generator.below(state.count))
    case .node:
      let (a, b) = (generator.below(state.count), generator.below(state.count))
      let (i, j) = (generator.below(next[a].count), generator.below(next[b].count))
      (next[a][i], next[b][j]) = (next[b][j], next[a][i])
    case .network: break
    }
    return next
  }
}
