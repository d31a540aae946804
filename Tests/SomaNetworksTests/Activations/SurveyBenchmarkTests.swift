import Foundation
import Soma
import SomaNetworks
import Testing

/// The eighteen activations of the survey's benchmark (Dubey, Singh & Chaudhuri 2022), and the properties it tabulates.
@Suite struct SurveyBenchmarkTests {
  private func value(_ name: String, _ x: Double) throws -> Double {
    let f = try Activation.named(name)
    return values({ f($0) }, [x])[0]
  }

  @Test func valuesAtOne() throws {
    #expect(try value("elliott", 1) == 0.75)
    #expect(try abs(value("lisht", 1) - 0.761594156) < 5e-10)
    #expect(try abs(value("selu", -1) + 1.11133074) < 5e-9)
    #expect(try abs(value("soft-root-sign(a=5)", 1) - 1.09107020) < 5e-9)
    #expect(try abs(value("soft-root-sign(a=5)", -1) + 0.836391442) < 5e-10)
    #expect(try abs(value("pdelu", -1) + 0.651321560) < 5e-10)
    #expect(AverageBiasedReLU()(Tensor([[1, -2, 0, 3]] as [[Double]])).doubles == [0.5, 0, 0, 2.5])
  }

  @Test func limitsOfFamilies() throws {
    let x = (-40...40).map { Double($0) / 8 }
    let (celu, elu) = (try Activation.named("celu"), Activation.elu)
    #expect(values({ celu($0) }, x) == values({ elu($0) }, x))
    let near = try Activation.named("pdelu(b=0.999)")
    for (a, b) in zip(values({ near($0) }, x), values({ elu($0) }, x)) { #expect(abs(a - b) < 1e-3) }
  }

  @Test func softRootSignHasNoPole() throws {
    let x = (0...3000).map { -Double($0) / 100 }
    let f = try Activation.named("soft-root-sign(a=5)")
    let y = values({ f($0) }, x)
    // x/y is the denominator.
    for (x, y) in zip(x, y) where x < 0 { #expect(x / y >= 1) }
    let lowest = y.indices.min { y[$0] < y[$1] }!
    #expect(abs(y[lowest] + 1.416242) < 1e-6 && abs(x[lowest] + 3) < 0.011)
  }

  @Test func propertiesOfTheTable() throws {
    func of(_ name: String) throws -> ActivationProperties {
      try #require(ActivationProperties(try Activation.named(name)))
    }
    let relu = try of("relu")
    #expect(relu.smoothness == .continuous && relu.monotonicity == .nonDecreasing && relu.range == 0 ... .infinity)
    #expect(abs(relu.lipschitzConstant - 1) < 1e-9)
    let gelu = try of("gelu")
    #expect(gelu.monotonicity == .none && abs(gelu.range.lowerBound + 0.169971) < 1e-6)
    #expect(abs(gelu.lipschitzConstant - 1.128904) < 1e-5)
    let tanh = try of("tanh")
    #expect(abs(tanh.range.lowerBound + 1) < 1e-6 && abs(tanh.range.upperBound - 1) < 1e-6 && abs(tanh.mean) < 0.01)
    #expect(tanh.slopes.low == 0 && tanh.slopes.high == 0)
    let softplus = try of("softplus")
    #expect(softplus.smoothness == .smooth && softplus.curvature == .convex)
    #expect(try abs(of("swish").range.lowerBound + 0.278465) < 1e-5)
    #expect(try abs(of("mish").range.lowerBound + 0.308843) < 1e-5)
    #expect(try abs(of("elliott").mean) > 0.01)
    let lisht = try of("lisht")
    #expect(lisht.symmetry == .even && lisht.range.lowerBound >= -1e-12)
  }

  @Test func gradientsOfAll() throws {
    let x = [-2.3, -0.7, 0.3, 1.7]
    let layers: [(String, any Layer)] =
      try [
        "sigmoid", "tanh", "elliott", "relu", "leaky-relu", "prelu", "elu", "selu", "gelu", "celu", "softplus", "swish",
        "lisht",
        "soft-root-sign(a=5)", "mish", "pdelu",
      ].map { ($0, try Activation.named($0)) } + [("abrelu", AverageBiasedReLU()), ("pau", PadeActivation())]
    #expect(layers.count == 18)
    for (name, layer) in layers {
      let type = TensorType(shape: [1, 4], dtype: .float64)
      let variables = layer.initialized(for: type, key: Key(0))
      func total(_ x: [Double], _ p: Parameters) -> Double {
        layer.apply(Variables(parameters: p), Tensor(x, shape: [1, 4])).sum().doubles[0]
      }
      let own = grad { (t: Tensor) in layer.apply(variables, t).sum() }(Tensor(x, shape: [1, 4])).doubles
      for i in x.indices {
        var (up, down) = (x, x)
        up[i] += 1e-6
        down[i] -= 1e-6
        let difference = (total(up, variables.parameters) - total(down, variables.parameters)) / 2e-6
        #expect(abs(difference - own[i]) < 1e-6 * max(1, abs(difference)), "\(name) at \(x[i])")
      }
      let gradients = grad { (p: Parameters) in
        layer.apply(Variables(parameters: p), Tensor(x, shape: [1, 4])).sum()
      }(variables.parameters)
      for parameter in variables.parameters.names {
        let start = variables.parameters[parameter]!
        for i in 0..<start.count {
          func moved(_ h: Double) -> Double {
            var all = start.doubles
            all[i] += h
            var p = variables.parameters
            p[parameter] = Tensor(all, shape: start.shape)
            return total(x, p)
          }
          // PAU has |b| with a coefficient of 5e-7: a wider step would cross its corner.
          let difference = (moved(1e-7) - moved(-1e-7)) / 2e-7
          #expect(
            abs(difference - gradients[parameter]!.doubles[i]) < 1e-5 * max(1, abs(difference)), "\(name): \(parameter)"
          )
        }
      }
      let far = Tensor([[-1e4, 1e4, 0, 1]] as [[Float]])
      let single = layer.initialized(for: [1, 4], key: Key(0))
      #expect(layer.apply(single, far).floats.allSatisfy { !$0.isNaN }, "\(name)")
      #expect(grad { layer.apply(single, $0).sum() }(far).floats.allSatisfy { !$0.isNaN }, "\(name)")
    }
  }
}
