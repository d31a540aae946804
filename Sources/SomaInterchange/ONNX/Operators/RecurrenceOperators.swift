import Soma

/// Recurrent layers: RNN, GRU and LSTM, one or both directions.
extension ONNXCall {
  func recurrence() throws -> [ONNXValue]? {
    switch name {
    case "RNN": return try recurrent(gates: 1)
    case "GRU": return try recurrent(gates: 3)
    case "LSTM": return try recurrent(gates: 4)
    default: return nil
    }
  }

  private func recurrent(gates: Int) throws -> [ONNXValue] {
    let x = try floating(0)
    let (w, r) = (try floating(1), try floating(2))
    try sameElements([x, w, r])
    let isBatchFirst = try flag("layout")
    try check(x.shape.rank == 3, "an operand of shape \(x.shape)")
    let sequence = isBatchFirst ? x.tensor.swappingAxes(0, 1) : x.tensor
    let (steps, batch, width) = (sequence.shape[0], sequence.shape[1], sequence.shape[2])
    let hidden = try int("hidden_size") ?? r.shape.last
    let direction = try string("direction", "forward")
    try check(["forward", "reverse", "bidirectional"].contains(direction), "the direction is unknown")
    let directions = direction == "bidirectional" ? 2 : 1
    try check(
      hidden > 0 && w.shape == [directions, gates * hidden, width] && r.shape == [directions, gates * hidden, hidden],
      "weights of shapes \(w.shape) and \(r.shape) for \(width) inputs and \(hidden) units")
    let isLSTM = gates == 4
    let bias = optional(3)?.tensor
    if let bias { try check(bias.shape == [directions, 2 * gates * hidden], "a bias of shape \(bias.shape)") }
    var lengths: Tensor?
    if let given = optional(4) {
      try check(given.shape == [batch] && given.element == .int32, "sequence lengths of shape \(given.shape)")
      lengths = given.tensor.reshape([batch, 1])
    }
    func initial(_ i: Int) throws -> [Tensor] {
      let zeros = Tensor.zeros([batch, hidden], dtype: sequence.dtype)
      guard let state = optional(i)?.tensor else { return [Tensor](repeating: zeros, count: directions) }
      let ordered = isBatchFirst ? state.rank == 3 ? state.swappingAxes(0, 1) : state : state
      try check(ordered.shape == [directions, batch, hidden], "a state of shape \(state.shape)")
      return ordered.split(directions).map { $0.squeezed([0]) }
    }
    let (h0, c0) = (try initial(5), isLSTM ? try initial(6) : [])
    var peepholes: Tensor?
    if isLSTM, let given = optional(7)?.tensor {
      try check(given.shape == [directions, 3 * hidden], "peepholes of shape \(given.shape)")
      peepholes = given
    }
    let perDirection = isLSTM ? 3 : gates == 3 ? 2 : 1
    let standard = isLSTM ? ["Sigmoid", "Tanh", "Tanh"] : gates == 3 ? ["Sigmoid", "Tanh"] : ["Tanh"]
    let names = try strings("activations") ?? (0..<directions).flatMap { _ in standard }
    try check(names.count == perDirection * directions, "\(names.count) activations")
    let alphas = try floats("activation_alpha") ?? []
    let betas = try floats("activation_beta") ?? []
    let clip = try float("clip")
    let isLinearBeforeReset = try int("linear_before_reset", 0) != 0
    let couples = try flag("input_forget")

    var outputs = [Tensor](), lastStates = [Tensor](), lastCells = [Tensor]()
    for d in 0..<directions {
      let functions = try (0..<perDirection).map { i in
        try gate(
          names[d * perDirection + i],
          alphas.indices.contains(d * perDirection + i) ? alphas[d * perDirection + i] : nil,
          betas.indices.contains(d * perDirection + i) ? betas[d * perDirection + i] : nil)
      }
      func clipped(_ t: Tensor) -> Tensor { clip.map { t.clipped(-$0, $0) } ?? t }
      let weights = w.tensor.split(directions)[d].squeezed([0])
      let recurrence = r.tensor.split(directions)[d].squeezed([0])
      let biases = bias?.split(directions)[d].squeezed([0]).split(2)
      let backwards = direction == "reverse" || d == 1
      // All steps' products with the inputs at once.
      var driven = sequence.reshape(Shape([steps * batch, width])).matmul(weights.T)
      if let biases { driven = driven + biases[0] }
      driven = driven.reshape(Shape([steps, batch, gates * hidden]))
      let times = Tensor.iota([steps], dtype: .int32)
      let peeps = peepholes?.split(directions)[d].squeezed([0]).split(3)
      func step(_ state: [Tensor], _ drive: Tensor, _ time: Tensor) -> [Tensor] {
        let h = state[0]
        var next: [Tensor]
        switch gates {
        case 1:
          var sum = drive + h.matmul(recurrence.T)
          if let biases { sum = sum + biases[1] }
          next = [functions[0](clipped(sum))]
        case 3:
          let parts = drive.split(3, axis: 1)
          let matrices = recurrence.split(3)
          let offsets = biases?[1].split(3)
          func recur(_ t: Tensor, _ i: Int) -> Tensor {
            let product = t.matmul(matrices[i].T)
            return offsets.map { product + $0[i] } ?? product
          }
          let z = functions[0](clipped(parts[0] + recur(h, 0)))
          let reset = functions[0](clipped(parts[1] + recur(h, 1)))
          let candidate = isLinearBeforeReset ? reset * recur(h, 2) : recur(reset * h, 2)
          let n = functions[1](clipped(parts[2] + candidate))
          next = [(1 - z) * n + z * h]
        default:
          let c = state[1]
          var sum = drive + h.matmul(recurrence.T)
          if let biases { sum = sum + biases[1] }
          let parts = sum.split(4, axis: 1)
          let i = functions[0](clipped(peeps.map { parts[0] + $0[0] * c } ?? parts[0]))
          let f = couples ? 1 - i : functions[0](clipped(peeps.map { parts[2] + $0[2] * c } ?? parts[2]))
          let cell = f * c + i * functions[1](clipped(parts[3]))
          let o = functions[0](clipped(peeps.map { parts[1] + $0[1] * cell } ?? parts[1]))
          next = [o * functions[2](cell), cell]
        }
        guard let lengths else { return next }
        let isAlive = time .< lengths
        return zip(next, state).map { .select(isAlive, $0, $1) }
      }
      let start = isLSTM ? [h0[d], c0[d]] : [h0[d]]
      let (last, results) = scan(start, [driven, times], length: steps, reverse: backwards) { state, slices in
        let next = step(state, slices[0], slices[1])
        var y = next[0]
        if let lengths { y = .select(slices[1] .< lengths, y, y * 0) }
        return (next, [y])
      }
      outputs.append(results[0])
      lastStates.append(last[0])
      if isLSTM { lastCells.append(last[1]) }
    }
    var y = Tensor.stack(outputs, axis: 1)
    var h = Tensor.stack(lastStates)
    if isBatchFirst { (y, h) = (y.transposed([2, 0, 1, 3]), h.swappingAxes(0, 1)) }
    guard isLSTM else { return results([y, h], x.element) }
    let c = Tensor.stack(lastCells)
    return results([y, h, isBatchFirst ? c.swappingAxes(0, 1) : c], x.element)
  }

  private func gate(_ name: String, _ alpha: Double?, _ beta: Double?) throws -> (Tensor) -> Tensor {
    switch name.lowercased() {
    case "sigmoid": return { $0.logistic() }
    case "tanh": return { $0.tanh() }
    case "relu": return { $0.maximum(0.0) }
    case "affine": return { $0 * (alpha ?? 1) + (beta ?? 0) }
    case "leakyrelu": return { .select($0 .< 0, $0 * (alpha ?? 0.01), $0) }
    case "thresholdedrelu": return { .select($0 .> (alpha ?? 1), $0, 0.0) }
    case "scaledtanh": return { ($0 * (beta ?? 1)).tanh() * (alpha ?? 1) }
    case "hardsigmoid": return { ($0 * (alpha ?? 0.2) + (beta ?? 0.5)).clipped(0.0, 1.0) }
    case "elu": return { .select($0 .< 0, $0.minimum(0.0).expm1() * (alpha ?? 1), $0) }
    case "softsign": return { $0 / ($0.abs() + 1) }
    case "softplus": return { $0.softplus() }
    default: throw ONNXError(.invalid, "the activation \(name.prefix(30)) is unknown")
    }
  }
}
