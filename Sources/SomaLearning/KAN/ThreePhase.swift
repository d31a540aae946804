import Soma
import SomaNetworks

/// Training of a KAN whose nodes select their family of functions (arXiv 2408.08338): all families together, then one at a time drawn by
/// Gumbel noise of falling temperature, then the chosen ones alone. Each of the three phases has Adam anew and a cosine of its own.
public struct ThreePhase: Sendable {
  /// Steps of the phases.
  public var full: Int
  public var selective: Int
  public var fineTune: Int
  /// Temperatures of equal parts of the second phase.
  public var temperatures: [Double]
  /// Whether the second phase takes the likeliest family instead of drawing.
  public var isDeterministic: Bool
  /// Whether a second family stays where its weight is at least half the first's.
  public var sharing: Bool

  public init(
    full: Int = 200, selective: Int = 200, fineTune: Int = 200, temperatures: [Double] = [1, 0.7, 0.4, 0.2],
    isDeterministic: Bool = false, sharing: Bool = false
  ) {
    require(full >= 0 && selective >= 0 && fineTune >= 0, "phases have no negative number of steps")
    require(!temperatures.isEmpty && temperatures.allSatisfy { $0 > 0 }, "temperatures are positive")
    self.full = full
    self.selective = selective
    self.fineTune = fineTune
    self.temperatures = temperatures
    self.isDeterministic = isDeterministic
    self.sharing = sharing
  }

  public var steps: Int { full + selective + fineTune }

  /// The phases of the selection with their steps; a pool of one family needs none of them.
  public func phases(_ network: KAN) -> [(phase: BasisPool.Phase, steps: Int)] {
    let selects = network.layers.contains { ($0.basis as? BasisPool).map { $0.families.count > 1 } ?? false }
    guard selects else { return [] }
    return [
      (.full, full),
      (.annealed(temperatures: temperatures, steps: selective, isDeterministic: isDeterministic), selective),
    ]
  }

  /// Minimizes the mean squared error on the whole data; the result is an ordinary KAN with one family a node.
  /// - Throws: `KANError`
  public func fit(_ start: FittedKAN, _ x: Tensor, _ y: Tensor, rate: Double = 1e-2, key: Key) throws -> FittedKAN {
    var kan = start
    let phases = phases(kan.network)
    for (i, phase) in phases.enumerated() {
      kan.network = kan.network.selecting(phase.phase)
      kan = try adam(kan, x, y, rate, key.folding("phase\(i)"), steps: phase.steps)
    }
    kan = kan.selectingFamilies(sharing: sharing)
    return try adam(kan, x, y, rate, key.folding("fineTune"), steps: phases.isEmpty ? steps : fineTune)
  }

  private func adam(
    _ kan: FittedKAN, _ x: Tensor, _ y: Tensor, _ rate: Double, _ key: Key, steps: Int
  ) throws -> FittedKAN {
    guard steps > 0 else { return kan }
    let (network, state) = (kan.network, kan.variables.state)
    let words = key.words
    let training = try EnsembleTraining(
      [kan.variables.parameters], optimizer: Adam(), learningRates: [rate],
      shared: [x.cast(to: kan.dtype), y.cast(to: kan.dtype), words]
    ) { member in
      // The step decides the temperature of the selection.
      let now = state.map { name, tensor in
        name.hasSuffix(BasisPool.stepName) ? member.step.cast(to: tensor.dtype).reshape(tensor.shape) : tensor
      }
      let variables = Variables(parameters: member.parameters, state: now)
      let noise = Key(words: member.shared[2]).folding(member.step)
      let (output, _) = network.applyTraining(variables, member.shared[0], key: noise)
      return (output - member.shared[1]).squared().mean()
    }
    let schedule = Schedule.cosine(1)
    for step in 0..<steps {
      training.load([x.cast(to: kan.dtype), y.cast(to: kan.dtype), words], rateFactor: schedule(step, of: steps))
      training.step()
    }
    var result = kan
    result.variables.parameters = training.members[0]
    return result
  }
}
