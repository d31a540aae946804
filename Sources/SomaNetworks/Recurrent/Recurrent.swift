import Soma

/// A recurrent network along a sequence: RNN, LSTM or GRU cells, several layers, one or both directions.
///
/// - `rnn`: `h = f(x W + h U + b)` (Elman 1990)
/// - `lstm`: `i, f, g, o = x W + h U + b`; `c = σ(f) c + σ(i) tanh(g)`; `h = σ(o) tanh(c)` (Hochreiter, Schmidhuber
///   1997; Gers,
///   Schmidhuber, Cummins 2000)
/// - `gru`: `r, z = σ(x W + h U + b)`; `n = tanh(x Wₙ + bₙ + r (h Uₙ + uₙ))`; `h = (1 - z) n + z h` (Cho et al. 2014,
///   arXiv 1406.1078;
///   the reset gate after the product)
///
/// The input's product with W is made for all steps at once.
/// - Shape: `[n, t, d]` → `[n, t, units · directions]`, or `[n, units · directions]` of the last step
public struct Recurrent: Layer {
  public enum Cell: Sendable, Hashable {
    case rnn(Activation)
    case lstm
    case gru

    var gates: Int {
      switch self {
      case .rnn: 1
      case .lstm: 4
      case .gru: 3
      }
    }
    /// Tensors that a cell carries.
    var carries: Int { self == .lstm ? 2 : 1 }
  }

  public enum Output: Sendable { case sequence, last }

  public var cell: Cell
  public var units: Int
  public var layers: Int
  public var isBidirectional: Bool
  public var output: Output
  /// Between layers, in training.
  public var dropout: Double

  public init(
    _ cell: Cell, _ units: Int, layers: Int = 1, isBidirectional: Bool = false, output: Output = .sequence,
    dropout: Double = 0
  ) {
    require(units > 0 && layers > 0, "a recurrent network wants units and layers, not \(units) and \(layers)")
    self.cell = cell
    self.units = units
    self.layers = layers
    self.isBidirectional = isBidirectional
    self.output = output
    self.dropout = dropout
  }

  public static func rnn(_ units: Int, activation: Activation = .tanh, layers: Int = 1) -> Recurrent {
    Recurrent(.rnn(activation), units, layers: layers)
  }
  public static func lstm(_ units: Int, layers: Int = 1) -> Recurrent { Recurrent(.lstm, units, layers: layers) }
  public static func gru(_ units: Int, layers: Int = 1) -> Recurrent { Recurrent(.gru, units, layers: layers) }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { run(x, from: nil, scope).output }

  /// The zero state: for each layer and direction the cell's carries, `[n, units]`.
  public func initialState(batch: Int, dtype: DType = .float32) -> [Tensor] {
    let count = layers * (isBidirectional ? 2 : 1) * cell.carries
    return (0..<count).map { _ in Tensor.zeros([batch, units], dtype: dtype) }
  }

  /// Continues from a state: the output, and the state after the last step.
  public func callAsFunction(_ x: Tensor, state: [Tensor], _ scope: Scope) -> (output: Tensor, state: [Tensor]) {
    scope { run(x, from: state, scope) }
  }

  private func run(_ x: Tensor, from state: [Tensor]?, _ scope: Scope) -> (output: Tensor, state: [Tensor]) {
    require(x.rank == 3, "recurrent \(scope.path) wants [n, t, d], not \(x.shape)")
    let state = state ?? initialState(batch: x.shape[0], dtype: x.dtype)
    let directions = isBidirectional ? 2 : 1
    require(state.count == layers * directions * cell.carries, "recurrent \(scope.path): \(state.count) state tensors")
    var sequence = x.transposed(1, 0, 2)
    var final: [Tensor] = []
    var last: [Tensor] = []
    for layer in 0..<layers {
      var outputs: [Tensor] = []
      last = []
      for direction in 0..<directions {
        let at = (layer * directions + direction) * cell.carries
        let (h, carries) = pass(
          sequence, Array(state[at..<(at + cell.carries)]), reverse: direction == 1,
          scope[layer][direction == 0 ? "forward" : "backward"])
        outputs.append(h)
        final += carries
        last.append(carries[0])
      }
      sequence = .concatenate(outputs, axis: -1)
      if dropout > 0, layer + 1 < layers { sequence = Dropout(dropout)(sequence, scope[layer]["dropout"]) }
    }
    return (output == .sequence ? sequence.transposed(1, 0, 2) : .concatenate(last, axis: -1), final)
  }

  /// One layer in one direction over `[t, n, d]`.
  private func pass(_ x: Tensor, _ carries: [Tensor], reverse: Bool, _ scope: Scope) -> (Tensor, [Tensor]) {
    let width = cell.gates * units
    let w = scope.parameter("weight", [x.shape[2], width], .glorotUniform, dtype: x.dtype)
    let u = scope.parameter("recurrent", [units, width], .orthogonal(), dtype: x.dtype)
    let b = scope.parameter("bias", [width], biasInitializer, dtype: x.dtype)
    let hiddenBias = cell == .gru ? scope.parameter("hiddenBias", [units], .zeros, dtype: x.dtype) : nil
    let inputs = x.matmul(w) + b
    let result = scan(carries, [inputs], reverse: reverse) { carries, slices in
      let next = step(slices[0], carries, u, hiddenBias)
      return (next, [next[0]])
    }
    return (result.results[0], result.carries)
  }

  private func step(_ input: Tensor, _ carries: [Tensor], _ u: Tensor, _ hiddenBias: Tensor?) -> [Tensor] {
    let h = carries[0]
    switch cell {
    case .rnn(let activation): return [activation(input + h.matmul(u))]
    case .lstm:
      let gates = (input + h.matmul(u)).split(4, axis: -1)
      let c = gates[1].logistic() * carries[1] + gates[0].logistic() * gates[2].tanh()
      return [gates[3].logistic() * c.tanh(), c]
    case .gru:
      let (own, recurrent) = (input.split(3, axis: -1), h.matmul(u).split(3, axis: -1))
      let reset = (own[0] + recurrent[0]).logistic()
      let update = (own[1] + recurrent[1]).logistic()
      let new = (own[2] + reset * (recurrent[2] + hiddenBias!)).tanh()
      return [new + update * (h - new)]
    }
  }

  /// Zeros; the forget gate begins open (Jozefowicz, Zaremba, Sutskever 2015).
  private var biasInitializer: Initializer {
    guard cell == .lstm else { return .zeros }
    return Initializer("forgetGateOpen") { [units] shape, _, dtype in
      .concatenate([
        .zeros([units], dtype: dtype), .ones([units], dtype: dtype), .zeros([2 * units], dtype: dtype),
      ])
    }
  }
}
