import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Tensors of one layer from `Tests/Golden/make_networks_golden.py`.
struct LayerGolden {
  private struct Stored: Decodable {
    var shape: [Int]
    var values: [Double]
  }
  private let stored: [String: Stored]

  private static let all: [String: [String: Stored]] = {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Resources/layers.json")
      .standardized
    do {
      return try JSONDecoder().decode([String: [String: Stored]].self, from: Data(contentsOf: url))
    } catch { fatalError("\(url.path): \(error)") }
  }()

  init(_ name: String) {
    guard let stored = Self.all[name] else { fatalError("layers.json has no case \(name)") }
    self.stored = stored
  }

  subscript(_ name: String) -> Tensor {
    guard let tensor = stored[name] else { fatalError("the case has no tensor \(name)") }
    return Tensor(tensor.values, shape: Shape(tensor.shape))
  }

  /// The weights: every stored tensor that is not an input, a result or a gradient.
  var parameters: Parameters {
    let others: Set = ["x", "context", "output", "probe", "mean", "variance"]
    return Parameters(
      stored.keys.sorted().filter { !others.contains($0) && !$0.hasPrefix("grad/") }.map { ($0, self[$0]) })
  }

  /// Output and gradients of a layer with these weights agree with the stored ones.
  func check(
    state: Parameters = Parameters(), isTraining: Bool = false, sourceLocation: SourceLocation = #_sourceLocation,
    _ run: @escaping (Tensor, Scope) -> Tensor
  ) {
    let inputs = parameters.merging(Parameters([("x", self["x"])]))
    let probe = self["probe"]
    let (_, output, gradient) = valueAndGrad(
      inputs,
      withExtra: { (all: Parameters) -> (Tensor, Tensor) in
        let variables = Variables(parameters: all.filtered { $0 != "x" }, state: state)
        let y = run(all["x"]!, Scope(variables, isTraining: isTraining))
        return ((y * probe).sum(), y)
      })
    #expect(output.isClose(to: self["output"], relative: 1e-7, absolute: 2e-8), sourceLocation: sourceLocation)
    for name in gradient.names {
      #expect(
        gradient[name]!.isClose(to: self["grad/" + name], relative: 1e-7, absolute: 1e-7), "gradient of \(name)",
        sourceLocation: sourceLocation)
    }
  }
}
