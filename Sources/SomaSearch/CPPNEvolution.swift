import Foundation
import Soma
import SomaData
import SomaNetworks

/// Evolves the graph of a pattern-producing network towards a grey picture: mutations of weights, links, nodes and functions as in NEAT
/// (Stanley & Miikkulainen 2002), an archive of the best for each symmetry and spatial frequency (MAP-Elites: Mouret & Clune 2015,
/// arXiv 1504.04909), the goal first coarse, then finer.
public struct CPPNEvolution: Sendable {
  public struct Elite: Sendable {
    public var genome: CPPNGraph
    /// Mean squared difference from the goal at the present fineness.
    public var error: Double
  }

  /// Bins along each axis of the archive.
  public var bins: Int
  public var weightDeviation: Double
  /// Sides of the goal, one stage after the other.
  public var stages: [Int]

  public init(bins: Int = 8, weightDeviation: Double = 0.5, stages: [Int] = [8, 16, 48]) {
    require(bins > 0 && !stages.isEmpty, "an archive has bins, a search has stages")
    self.bins = bins
    self.weightDeviation = weightDeviation
    self.stages = stages
  }

  /// A child by one mutation: a weight moved (80 of 100), a link added (10), a link split by a node (5), a function changed (5).
  public func mutated(_ parent: CPPNGraph, _ generator: inout SeededGenerator) -> CPPNGraph {
    var child = parent
    func unit(_ g: inout SeededGenerator) -> Double { (Double(g.below(1 << 30)) + 0.5) / Double(1 << 30) }
    func normal(_ g: inout SeededGenerator) -> Double { (-2 * log(unit(&g))).squareRoot() * cos(2 * .pi * unit(&g)) }
    func addLink(_ g: inout SeededGenerator) {
      let sources = Array(0..<CPPNGraph.inputs) + Array(child.outputNodes.upperBound..<child.nodeCount)
      let from = sources[g.below(sources.count)]
      let to = CPPNGraph.inputs + g.below(child.nodeCount - CPPNGraph.inputs)
      guard from != to, !child.links.contains(where: { $0.from == from && $0.to == to }) else { return }
      child.links.append(.init(from: from, to: to, weight: normal(&g)))
    }
    let draw = generator.below(100)
    if draw < 80, !child.links.isEmpty {
      child.links[generator.below(child.links.count)].weight += normal(&generator) * weightDeviation
    } else if draw < 90 || child.links.isEmpty {
      addLink(&generator)
    } else if draw < 95 {
      let i = generator.below(child.links.count)
      let old = child.links[i]
      let functions = CPPN.Function.allCases.filter { $0 != .cache }
      child.functions.append(functions[generator.below(functions.count)])
      let node = child.nodeCount - 1
      child.links[i] = .init(from: old.from, to: node, weight: 1)
      child.links.append(.init(from: node, to: old.to, weight: old.weight))
    } else if !child.functions.isEmpty {
      let functions = CPPN.Function.allCases.filter { $0 != .cache }
      child.functions[generator.below(child.functions.count)] = functions[generator.below(functions.count)]
    }
    return child
  }

  /// The picture of a genome, grey in 0 … 1: x along the first axis.
  public static func picture(_ genome: CPPNGraph, side: Int) -> [Double] {
    let draw = genome.evaluator()
    return (0..<side * side).map { i in
      let (x, y) = (-1 + 2 * Double(i / side) / Double(side - 1), -1 + 2 * Double(i % side) / Double(side - 1))
      return min(abs(draw([y, x, 1.4 * (x * x + y * y).squareRoot(), 1])[0]), 1)
    }
  }

  /// Which bin a picture belongs to: how symmetric it is, and how much neighbours differ.
  func bin(_ picture: [Double], _ side: Int) -> Int {
    let odd = FracturedRepresentation.oddShare(picture, side: side)
    var (change, all) = (0.0, 1e-9)
    let mean = picture.reduce(0, +) / Double(picture.count)
    for i in 0..<side {
      for j in 0..<side {
        all += (picture[i * side + j] - mean) * (picture[i * side + j] - mean)
        if j + 1 < side { change += pow(picture[i * side + j + 1] - picture[i * side + j], 2) }
      }
    }
    let frequency = min((change / all).squareRoot(), 1)
    func place(_ v: Double) -> Int { min(bins - 1, Int(v * Double(bins))) }
    return place(min(odd * 2, 1)) * bins + place(frequency)
  }

  /// The picture at another size, each pixel the mean of what it covers.
  static func coarse(_ picture: [Double], _ side: Int, to small: Int) -> [Double] {
    guard small != side else { return picture }
    return (0..<small * small).map { i in
      let (r, c) = (i / small, i % small)
      let (r0, r1) = (r * side / small, max(r * side / small + 1, (r + 1) * side / small))
      let (c0, c1) = (c * side / small, max(c * side / small + 1, (c + 1) * side / small))
      var sum = 0.0
      for y in r0..<r1 { for x in c0..<c1 { sum += picture[y * side + x] } }
      return sum / Double((r1 - r0) * (c1 - c0))
    }
  }

  /// The best genome found.
  /// - Parameters:
  ///   - target: `side²` values of 0 … 1
  ///   - isOver: asked after each child, with the children so far; true ends the search
  ///   - share: of the whole that is done, which decides the stage
  public func search(
    target: [Double], side: Int, seed: UInt64, share: (Int) -> Double, isOver: (Int) throws -> Bool
  ) rethrows -> Elite {
    var generator = SeededGenerator(seed: seed)
    var archive: [Int: Elite] = [:]
    var stage = 0
    var start = CPPNGraph(outputs: 1)
    for i in 0..<CPPNGraph.inputs { start.links.append(.init(from: i, to: CPPNGraph.inputs, weight: 0.3)) }
    var goal = Self.coarse(target, side, to: stages[0])
    func rated(_ genome: CPPNGraph) -> (Elite, Int) {
      let size = stages[stage]
      let picture = Self.picture(genome, side: size)
      let error = zip(picture, goal).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(picture.count)
      return (Elite(genome: genome, error: error), bin(picture, size))
    }
    func keep(_ genome: CPPNGraph) {
      let (elite, place) = rated(genome)
      if archive[place].map({ elite.error < $0.error }) ?? true { archive[place] = elite }
    }
    keep(start)
    var children = 0
    while try !isOver(children) {
      let wanted = min(stages.count - 1, Int(share(children) * Double(stages.count)))
      if wanted > stage {
        stage = wanted
        goal = Self.coarse(target, side, to: stages[stage])
        let old = archive.keys.sorted().map { archive[$0]!.genome }
        archive = [:]
        for genome in old { keep(genome) }
      }
      let keys = archive.keys.sorted()
      // Half the parents are the best so far, half any of the archive.
      let parent: CPPNGraph
      if generator.below(2) == 0 {
        parent = archive.values.min { $0.error < $1.error }!.genome
      } else {
        parent = archive[keys[generator.below(keys.count)]]!.genome
      }
      var child = mutated(parent, &generator)
      while generator.below(2) == 0 { child = mutated(child, &generator) }
      keep(child)
      children += 1
    }
    stage = stages.count - 1
    goal = Self.coarse(target, side, to: stages[stage])
    return archive.keys.sorted().map { rated(archive[$0]!.genome).0 }.min { $0.error < $1.error }!
  }
}
