/// Turns the nodes of a graph into steps.
struct Fusion {
  private(set) var steps: [Program.Step] = []

  init(_ graph: Graph, roots: [ValueID]) {
    for node in graph.nodes {
      switch node.primitive {
      case .constant, .reshape, .stopGradient: continue
      default: break
      }
      let kernel = lower(node.primitive, node.inputs.map { graph.types[$0] }, node.outputs.map { graph.types[$0] })
      steps.append(
        Program.Step(
          kernel: kernel, outputs: Array(node.outputs), inputs: node.inputs.map { roots[$0] }, name: node.primitive.name))
    }
  }
}
