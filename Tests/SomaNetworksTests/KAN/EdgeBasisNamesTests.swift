import Foundation
import Testing

@testable import Soma
@testable import SomaNetworks

@Suite struct EdgeBasisNamesTests {
  @Test(arguments: EdgeBasisNames.all.map(\.name) + ["activation:mish", "chebyshev:5", "BSpline:7"])
  func namesMakeNetworksWithSlopes(_ name: String) throws {
    let basis = try EdgeBasisNames.named(name)
    let kan = KAN([2, 3, 1], basis: basis)
    let x = Tensor.uniform([6, 2], low: -0.9, high: 0.9, key: Key(1), dtype: .float64)
    let variables = kan.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(2))
    let slope = grad { (x: Tensor) in kan.apply(variables, x).sum() }(x)
    #expect(slope.doubles.allSatisfy { $0.isFinite } && slope.abs().max().scalar > 0)
  }

  @Test func numbersAndRangesArrive() throws {
    #expect(try EdgeBasisNames.named("chebyshev:5").count == 5)
    #expect(try EdgeBasisNames.named("bspline:7").count == 10)
    #expect(try EdgeBasisNames.named("fourier:6").count == 12)
    #expect(try EdgeBasisNames.named("rbf", range: -3...2).range == -3...2)
    #expect(try EdgeBasisNames.named("activation:gelu") is ActivationBasis)
    // A Fourier series over a range repeats after twice its length.
    let series = try EdgeBasisNames.named("fourier", range: -2...2)
    let x = Tensor([0.3] as [Double])
    #expect((series.values(x) - series.values(x + 8.0)).abs().max().scalar < 1e-12)
  }

  @Test func unknownNamesAreRefused() {
    func refused(_ text: String, _ message: String) {
      let error = #expect(throws: NetworkError.self) { try EdgeBasisNames.named(text) }
      #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
    refused("chebishev", "chebyshev")
    refused("zzzzzz", "bspline, chebyshev")
    refused("rbf:1", "must be 2 to 64")
    refused("rbf:many", "must be 2 to 64")
    refused("activation:mishh", "mish")
    refused("", "unknown basis")
  }

  @Test func everyBasisIsANetworkOfTheCommandLine() throws {
    for (name, _) in EdgeBasisNames.all where !["bspline", "rbf"].contains(name) {
      let network = try Network.named("\(name)-kan", input: [1, 5], outputs: 2)
      #expect(network.outputShape(for: [4, 5]) == [4, 2], "\(name)")
    }
    #expect(try Network.named("activation-kan:mish", input: [1, 5], outputs: 2).outputShape(for: [4, 5]) == [4, 2])
  }
}
