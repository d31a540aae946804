import SomaData

/// Evolution whose oldest member dies: the best of a random tournament has a mutated child, which joins at one end of the
/// population while the oldest leaves at the other (Real, Aggarwal, Huang, Le 2018, arXiv 1802.01548). With several scores,
/// the winner is a random member of the tournament's Pareto front (Liu et al. 2020, arXiv 2004.02967).
public struct AgingEvolution<Genome: Sendable>: Sendable {
  public struct Member: Sendable {
    public let genome: Genome
    /// Larger is better, one for each goal.
    public let scores: [Double]
    /// The order of birth.
    public let birth: Int
  }

  /// What happened in a step.
  public struct Step: Sendable {
    public let tournament: [Member]
    public let winner: Member
    public let child: Member
    public let removed: Member
  }

  public let populationSize: Int
  /// The share of the population in a tournament, two members at least.
  public let tournamentShare: Double
  /// Oldest first.
  public private(set) var population: [Member] = []
  /// Every member there ever was.
  public private(set) var history: [Member] = []
  private var generator: SeededGenerator

  public init(populationSize: Int, tournamentShare: Double = 0.05, seed: UInt64) {
    precondition(populationSize > 1 && tournamentShare > 0 && tournamentShare <= 1, "an evolution wants a population")
    self.populationSize = populationSize
    self.tournamentShare = tournamentShare
    generator = SeededGenerator(seed: seed)
  }

  /// Fills the population with random genomes.
  /// - Parameter score: nil refuses a genome, and another is drawn.
  public mutating func begin(
    _ random: (inout SeededGenerator) throws -> Genome, _ score: (Genome) throws -> [Double]?
  ) rethrows {
    while population.count < populationSize {
      let genome = try random(&generator)
      guard let scores = try score(genome) else { continue }
      population.append(Member(genome: genome, scores: scores, birth: history.count))
      history.append(population[population.count - 1])
    }
  }

  /// One tournament, one child, one death. A child that is refused is drawn again, at most `attempts` times; then the
  /// winner itself is born again.
  @discardableResult
  public mutating func step(
    attempts: Int = 20, _ mutate: (Genome, inout SeededGenerator) throws -> Genome,
    _ score: (Genome) throws -> [Double]?
  ) rethrows -> Step {
    precondition(population.count == populationSize, "the evolution has not begun")
    let size = Swift.max(2, Int((Double(populationSize) * tournamentShare).rounded()))
    let tournament = generator.permutation(populationSize).prefix(size).map { population[$0] }
    let front = paretoFront(tournament.map(\.scores)).map { tournament[$0] }
    let winner = front[generator.below(front.count)]
    var child = Member(genome: winner.genome, scores: winner.scores, birth: history.count)
    for _ in 0..<attempts {
      let genome = try mutate(winner.genome, &generator)
      guard let scores = try score(genome) else { continue }
      child = Member(genome: genome, scores: scores, birth: history.count)
      break
    }
    population.append(child)
    history.append(child)
    return Step(tournament: tournament, winner: winner, child: child, removed: population.removeFirst())
  }

  /// The members that no other one beats in every score.
  public var paretoSet: [Member] { paretoFront(history.map(\.scores)).map { history[$0] } }
}

/// The places of the vectors that no other dominates: at least as good everywhere and better somewhere.
public func paretoFront(_ scores: [[Double]]) -> [Int] {
  scores.indices.filter { i in
    !scores.contains { other in
      zip(other, scores[i]).allSatisfy { $0 >= $1 } && zip(other, scores[i]).contains { $0 > $1 }
    }
  }
}
