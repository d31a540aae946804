import Soma

/// A feed-forward block as a sum of neurons, `y = Σ hᵢ W_out[i] + b`: shows its activations, or drops neurons whose
/// contribution `|hᵢ| |W_out[i]|` stays below a threshold. Takes the place of `FeedForward` and `GatedFeedForward`.
/// (Zhang et al. 2024, "ReLU² Wins", arXiv 2402.03804)
public struct SparseFeedForward: Layer {
  public enum Block: Sendable {
    case plain(FeedForward)
    case gated(GatedFeedForward)
  }
  public let block: Block
  /// The threshold of the block at each path; blocks that are not named drop nothing.
  public var thresholds: [String: Double]
  /// Whether the block shows its input (`input`), activations (`activations`) and output without bias (`output`).
  public var observes: Bool

  /// - Returns: nil for another kind of layer
  public init?(_ layer: any Layer, thresholds: [String: Double] = [:], observes: Bool = false) {
    switch layer {
    case let plain as FeedForward: block = .plain(plain)
    case let gated as GatedFeedForward: block = .gated(gated)
    default: return nil
    }
    self.thresholds = thresholds
    self.observes = observes
  }

  /// A network whose feed-forward blocks drop neurons below the thresholds at their paths.
  public static func truncating(_ network: any Layer, _ thresholds: [String: Double]) -> Replacing {
    Replacing(network) { SparseFeedForward($0, thresholds: thresholds) }
  }
  /// A network whose feed-forward blocks show what they do.
  public static func observing(_ network: any Layer) -> Replacing {
    Replacing(network) { SparseFeedForward($0, observes: true) }
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let h: Tensor
    let (units, usesBias): (Int, Bool)
    switch block {
    case .plain(let plain):
      h = plain.activation(Dense(plain.hidden, usesBias: plain.usesBias)(x, scope["in"]), scope["activation"])
      (units, usesBias) = (plain.units ?? x.shape.last, plain.usesBias)
    case .gated(let gated):
      let parts = Dense(2 * gated.hidden, usesBias: gated.usesBias)(x, scope["in"]).split(2, axis: -1)
      h = gated.gate(parts[0], scope["gate"]) * parts[1]
      (units, usesBias) = (gated.units ?? x.shape.last, gated.usesBias)
    }
    let out = scope["out"]
    let w = out.parameter("weight", [h.shape.last, units], .glorotUniform, dtype: x.dtype)
    var kept = h
    if let threshold = thresholds[scope.path] {
      kept = .select(h.abs() * w.norm([1]) .< threshold, 0, h)
    }
    let y = kept.matmul(w)
    if observes {
      scope.observe("input", x)
      scope.observe("activations", h)
      scope.observe("output", y)
    }
    return usesBias ? y + out.parameter("bias", [units], .zeros, dtype: x.dtype) : y
  }
}

/// Running a trained plain block one token at a time, touching only the rows of neurons that are active.
public struct SparseExecution: Sendable {
  /// `[units, d]`: rows of the first weight's transpose, so that one neuron lies together.
  private let inputRows: Tensor
  private let inputBias: Tensor?
  /// `[units, d']`
  private let outputRows: Tensor
  private let outputBias: Tensor?
  private let activation: Activation

  /// - `path`: of the block in the variables, such as `block/0/feedForward`
  public init(_ block: FeedForward, _ variables: Variables, path: String) {
    let prefix = path.isEmpty ? "" : path + "/"
    guard let first = variables.parameters[prefix + "in/weight"],
      let second = variables.parameters[prefix + "out/weight"]
    else { fatalError("the variables hold no feed-forward block at \(path)") }
    inputRows = first.T
    outputRows = second
    inputBias = variables.parameters[prefix + "in/bias"]
    outputBias = variables.parameters[prefix + "out/bias"]
    activation = block.activation
  }

  /// The output for one token, and how many neurons it took.
  /// - Parameters:
  ///   - x: `[d]`
  ///   - active: the neurons to compute, as a predictor says; nil computes all first factors and skips the rows of the
  ///     second weight whose activation is exactly zero, which loses nothing.
  public func callAsFunction(_ x: Tensor, active: [Int]? = nil) -> (output: Tensor, neurons: Int) {
    require(x.shape == [inputRows.shape[1]], "sparse execution takes one token [\(inputRows.shape[1])], not \(x.shape)")
    let chosen = active.map { Tensor($0.map { Int32($0) }) }
    let rows = chosen.map { inputRows.take($0) } ?? inputRows
    var z = rows.matmul(x)
    if let inputBias { z = z + (chosen.map { inputBias.take($0) } ?? inputBias) }
    let h = activation(z)
    let values = h.floats
    let nonzero = values.indices.filter { values[$0] != 0 }
    let places = Tensor(nonzero.map { Int32(active?[$0] ?? $0) })
    var y = Tensor.zeros([outputRows.shape[1]])
    if !nonzero.isEmpty {
      y = Tensor(nonzero.map { values[$0] }).matmul(outputRows.take(places))
    }
    if let outputBias { y = y + outputBias }
    return (y, nonzero.count)
  }
}
