import SomaData

/// Hill climbing that also accepts what is no worse than the state some steps ago (Burke, Bykov 2017): of a list of h
/// energies, step i compares with entry i mod h, which then becomes the energy of the current state. With h = 1 it is plain
/// hill climbing that accepts ties.
public struct LateAcceptanceHillClimb<State: Sendable>: Sendable {
  public struct Step: Sendable {
    public let candidate: State
    public let energy: Double
    public let isAccepted: Bool
    /// The energy of the state before the step, and the entry of the list it was compared with.
    public let current: Double
    public let late: Double
  }
  public struct Result: Sendable {
    public var best: State
    public var bestEnergy: Double
    public var steps: [Step]
  }

  public var history: Int
  public var steps: Int

  public init(history: Int = 3, steps: Int = 20) {
    precondition(history > 0 && steps >= 0, "late acceptance wants a history of at least 1")
    self.history = history
    self.steps = steps
  }

  /// Lowers an energy.
  /// - Parameter stopsAt: ends when the best energy is at or below.
  public func minimize(
    _ start: State, seed: UInt64, stopsAt: Double = -.infinity,
    neighbour: (State, inout SeededGenerator) -> State, energy: (State) throws -> Double
  ) rethrows -> Result {
    var generator = SeededGenerator(seed: seed)
    var (current, value) = (start, try energy(start))
    var late = [Double](repeating: value, count: history)
    var result = Result(best: current, bestEnergy: value, steps: [])
    for i in 0..<steps where result.bestEnergy > stopsAt {
      let candidate = neighbour(current, &generator)
      let next = try energy(candidate)
      let slot = i % history
      let isAccepted = next <= value || next <= late[slot]
      result.steps.append(
        Step(candidate: candidate, energy: next, isAccepted: isAccepted, current: value, late: late[slot]))
      if isAccepted { (current, value) = (candidate, next) }
      late[slot] = value
      if value < result.bestEnergy { (result.best, result.bestEnergy) = (current, value) }
    }
    return result
  }
}
