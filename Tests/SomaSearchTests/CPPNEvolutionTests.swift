import Foundation
import Soma
import SomaData
import SomaNetworks
import SomaSearch
import Testing

@Suite struct CPPNEvolutionTests {
  @Test func mutationsKeepGraphsSound() {
    let evolution = CPPNEvolution()
    var generator = SeededGenerator(seed: 1)
    var genome = CPPNGraph(outputs: 1)
    for _ in 0..<300 { genome = evolution.mutated(genome, &generator) }
    #expect(!genome.functions.isEmpty && genome.functions.allSatisfy { $0 != .cache })
    let nodes = 0..<genome.nodeCount
    #expect(genome.links.allSatisfy { nodes.contains($0.from) && nodes.contains($0.to) && $0.to >= CPPNGraph.inputs })
    #expect(genome.links.allSatisfy { !genome.outputNodes.contains($0.from) && $0.weight.isFinite })
    // Whatever grew, its layers draw what its graph does.
    let (network, parameters) = genome.layerized(dtype: .float64)
    let drawn = CPPN.colours(network.apply(Variables(parameters: parameters), CPPN.inputs(side: 8, dtype: .float64)))
      .doubles
    for (a, b) in zip(drawn, CPPNEvolution.picture(genome, side: 8)) { #expect(abs(a - b) < 1e-9) }
  }

  @Test func searchComesCloser() {
    // A disc.
    let side = 16
    let axis = (0..<side).map { -1 + 2 * Double($0) / Double(side - 1) }
    let target = axis.flatMap { x in axis.map { y in max(0, 1 - (x * x + y * y)) } }
    func best(_ children: Int) -> Double {
      CPPNEvolution(stages: [8, 16]).search(
        target: target, side: side, seed: 3, share: { Double($0) / Double(children) }, isOver: { $0 >= children }
      ).error
    }
    let (few, many) = (best(5), best(1500))
    #expect(many < few / 3 && many < 0.02)
  }
}
