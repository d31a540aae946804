import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// A computation whose speed is measured: mostly a whole training step, with forward pass, backward pass and update.
/// `Benchmarks/peers.py` has the same computations for other libraries.
public struct Workload: Sendable {
  public let name: String
  /// What is computed, in a line.
  public let summary: String
  let prepare: @Sendable (_ initial: InitialTensors?) throws -> Prepared

  /// A workload with its data and its first state.
  struct Prepared {
    var state: WorkloadState
    var inputs: [Tensor]
    var step: (WorkloadState, [Tensor]) -> (WorkloadState, [Tensor])
  }

  /// All workloads.
  public static let all: [Workload] = [gemm, tinyMLP, mlp, kan, kanMLP, pinn, siren, resnet8, gptChar]

  /// The workload of a name.
  /// - Throws: `BenchmarkError` that lists the names.
  public static func named(_ name: String) throws -> Workload {
    guard let found = all.first(where: { $0.name == name }) else {
      throw BenchmarkError("no workload is called \(name); there are \(all.map(\.name).joined(separator: ", "))")
    }
    return found
  }

  /// A training step of `network`: the gradient of `objective`, then the optimizer's update.
  /// - Parameters:
  ///   - inputs: the batch; the network takes the first.
  ///   - objective: the loss, from the network as a function and from the batch.
  static func training(
    _ name: String, _ summary: String, network: any Layer, optimizer: any Optimizer, learningRate: Double,
    inputs: @escaping @Sendable (Key) -> [Tensor],
    objective: @escaping @Sendable (_ network: (Tensor) -> Tensor, _ inputs: [Tensor]) -> Tensor
  ) -> Workload {
    Workload(name: name, summary: summary) { initial in
      let keys = Key(0).split()
      let batch = try initial?.inputs(like: inputs) ?? inputs(keys[0])
      var variables = network.initialized(
        for: TensorType(shape: batch[0].shape, dtype: batch[0].dtype), key: keys[1])
      variables.parameters = variables.parameters.map { asPeersBegin($0, $1, keys[1]) }
      if let initial {
        variables.parameters = try variables.parameters.checkedMap { name, like in
          try initial.tensor("parameter/\(name)", like.shape, like.dtype)
        }
      }
      let state = WorkloadState(variables: variables, optimizer: optimizer.initialState(variables.parameters))
      return Prepared(state: state, inputs: batch) { state, inputs in
        let (loss, running, gradients) = valueAndGrad(state.variables.parameters) {
          parameters -> (Tensor, Parameters) in
          var now = Variables(parameters: parameters, state: state.variables.state)
          let loss = objective(
            { x in
              let (y, next) = network.applyTraining(now, x, key: nil)
              now.state = next.state
              return y
            }, inputs)
          return (loss, now.state)
        }
        let (parameters, optimizerState) = optimizer.update(
          state.variables.parameters, gradients: gradients, state: state.optimizer,
          learningRate: Tensor(learningRate, dtype: .float64))
        let variables = Variables(parameters: parameters, state: running)
        return (WorkloadState(variables: variables, optimizer: optimizerState), [loss])
      }
    }
  }

  /// Matrices and kernels begin uniform in ±1/√fan-in, as the peers' do; tables and splines keep their own beginning.
  private static func asPeersBegin(_ name: String, _ tensor: Tensor, _ key: Key) -> Tensor {
    let keepsOwn = ["embedding/", "positions/"].contains { name.hasPrefix($0) } || !name.hasSuffix("weight")
    guard tensor.rank >= 2, !keepsOwn else { return tensor }
    return Initializer.scaled(1 / 3.0.squareRoot(), fan: .input, .uniform)(tensor.shape, key: key.folding(name))
  }
}

/// All that a workload's step carries on.
struct WorkloadState: TensorTree {
  var variables = Variables()
  var optimizer = OptimizerState()

  var leaves: [Tensor] { variables.leaves + optimizer.leaves }

  func replacingLeaves(_ leaves: [Tensor]) -> WorkloadState {
    let count = variables.leaves.count
    return WorkloadState(
      variables: variables.replacingLeaves(Array(leaves.prefix(count))),
      optimizer: optimizer.replacingLeaves(Array(leaves.dropFirst(count))))
  }
}

/// Inputs and first parameters from an `.npz` archive: `input/0`, `input/1` …, `parameter/<path>`. Matrices are
/// `[inputs, units]`, kernels `[out, in, taps…]`.
struct InitialTensors {
  let path: String
  private let tensors: [String: Tensor]

  /// - Throws: `DataError`
  init(_ path: String) throws { self.init(try NPZ.read(path, limit: 1 << 30), source: path) }

  /// - Parameter source: what messages call the archive.
  init(_ tensors: [String: Tensor], source: String) {
    path = source
    self.tensors = tensors
  }

  /// - Throws: `BenchmarkError` if there is no such tensor or its shape is another.
  func tensor(_ name: String, _ shape: Shape, _ dtype: DType) throws -> Tensor {
    guard let tensor = tensors[name] else { throw BenchmarkError("\(path): there is no array \(name)") }
    guard tensor.shape == shape else {
      throw BenchmarkError("\(path): array \(name) has shape \(tensor.shape), the workload wants \(shape)")
    }
    return tensor.cast(to: dtype)
  }

  /// The inputs, of the types that `make` would give; it is only traced.
  func inputs(like make: (Key) -> [Tensor]) throws -> [Tensor] {
    let words = Key(0).words
    let types = Graph.shapes(of: [TensorType(shape: words.shape, dtype: words.dtype)]) { make(Key(words: $0[0])) }
    return try types.enumerated().map { try tensor("input/\($0)", $1.shape, $1.dtype) }
  }
}

extension Parameters {
  /// `map` whose function may throw.
  fileprivate func checkedMap(_ transform: (String, Tensor) throws -> Tensor) throws -> Parameters {
    Parameters(try zip(names, leaves).map { ($0, try transform($0, $1)) })
  }
}

/// Something that keeps a workload from being measured. Prints as one line.
public struct BenchmarkError: Error, Hashable, Sendable, CustomStringConvertible {
  public let problem: String
  public init(_ problem: String) { self.problem = problem }
  public var description: String { problem }
}
