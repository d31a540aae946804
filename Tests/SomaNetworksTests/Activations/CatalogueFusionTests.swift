import Soma
import Testing

@testable import SomaNetworks

/// Entries run as fused kernels: one for everything, or a few where a formula has hundreds of operations.
@Suite struct CatalogueFusionTests {
  private func kernels(_ inputs: Int, _ function: ([Tensor]) -> [Tensor]) throws -> (kernels: Int, operations: Int) {
    let types = [TensorType](repeating: TensorType(shape: [4096]), count: inputs)
    let executable = try Executable(Graph(tracing: types, function))
    let computing = executable.graph.nodes.count {
      !$0.inputs.isEmpty && executable.graph.types[$0.outputs.lowerBound].shape == [4096]
    }
    return (executable.stepCount, computing)
  }

  @Test func forwardAndBackwardAreFused() throws {
    for f in Activation.find(where: { $0.isElementwise && $0.kind != .stochastic }) {
      let forward = try kernels(1) { [f($0[0])] }
      let both = try kernels(2) { inputs in
        let (y, pullback) = vjp(inputs[0]) { f($0) }
        return [y, pullback(inputs[1])]
      }
      for (side, found) in [("forward", forward), ("both", both)] {
        // A kernel takes up to 96 operations; groups that others cut off, or that run out of registers, may be a quarter
        // as large. Steps have no slope: the gradient is a fill or a copy of its own.
        let limit = 2 + found.operations / 24
        #expect(
          found.kernels <= limit, "\(f.name), \(side): \(found.kernels) kernels for \(found.operations) operations")
        if found.operations <= 64 { #expect(found.kernels <= 2, "\(f.name), \(side): \(found.kernels) kernels") }
      }
    }
  }
}
