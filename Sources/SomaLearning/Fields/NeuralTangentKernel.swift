import Soma
import SomaNetworks

/// How a network of one output answers to training: `K(a, b) = ⟨∂f(a)/∂θ, ∂f(b)/∂θ⟩` (Jacot, Gabriel & Hongler 2018, arXiv 1806.07572).
public struct NeuralTangentKernel: Sendable {
  public var network: any Layer
  public var parameters: Parameters

  public init(_ network: any Layer, _ parameters: Parameters) {
    self.network = network
    self.parameters = parameters
  }

  /// The gradients at each place, side by side: `[n, d]` → `[n, parameters]`.
  public func gradients(at x: Tensor) -> Tensor {
    vmap { (place: Tensor) -> Tensor in
      let slope = grad { (p: Parameters) in
        network.apply(Variables(parameters: p), place.expandDimensions(at: 0)).sum()
      }(parameters)
      return .concatenate(slope.leaves.map { $0.flattened() })
    }(x)
  }

  /// `[n, d]`, `[m, d]` → `[n, m]`
  public func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor { gradients(at: a).matmul(gradients(at: b).T) }

  /// What a step of gradient descent on the mean squared error does to the function, to first order:
  /// `-(η/n) Σᵢ K(xᵢ, x) 2 (f(xᵢ) - yᵢ)`.
  /// - Shape: samples x `[n, d]`, y `[n, 1]`; places `[m, d]` → `[m]`
  public func functionalStep(_ x: Tensor, _ y: Tensor, at places: Tensor, learningRate: Double) -> Tensor {
    let slope = (network.apply(Variables(parameters: parameters), x) - y) * 2.0
    return (self(places, x).matmul(slope) * (-learningRate / Double(x.shape[0]))).squeezed([1])
  }
}
