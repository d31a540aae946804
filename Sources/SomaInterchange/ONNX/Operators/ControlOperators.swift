import Soma
import SomaData

/// Branches and loops. Loops are unrolled: how often they run must be known when the model is loaded.
extension ONNXCall {
  func control() throws -> [ONNXValue]? {
    switch name {
    case "If": return try branch()
    case "Loop": return try loop()
    case "Scan": return try scanned()
    default: return nil
    }
  }

  private func branch() throws -> [ONNXValue] {
    let condition = try input(0)
    try check(
      condition.element == .bool && condition.tensor.count == 1, "a condition of type \(condition.element.name)")
    if condition.isConcrete {
      return try interpreter.run(try graph(condition.tensor.bools[0] ? "then_branch" : "else_branch"), in: environment)
    }
    // Both are pure: where they give the same types, a selection does.
    let then = try interpreter.run(try graph("then_branch"), in: environment)
    let otherwise = try interpreter.run(try graph("else_branch"), in: environment)
    let fits =
      then.count == otherwise.count
      && zip(then, otherwise).allSatisfy { $0.shape == $1.shape && $0.element == $1.element }
    guard fits else {
      _ = try known(0)
      return []
    }
    return zip(then, otherwise).map { a, b in
      var value = ONNXValue(.select(condition.tensor.reshape([]), a.tensor, b.tensor), a.element)
      value.origins = a.origins.union(b.origins)
      return value
    }
  }

  private func loop() throws -> [ONNXValue] {
    let body = try graph("body")
    let limit = has(0) ? Swift.max(try integer(0), 0) : Int.max
    var goesOn = has(1) ? try known(1).tensor.bools.first ?? false : true
    var carried = try inputs.indices.dropFirst(2).map { try input($0) }
    try check(
      body.input.count == carried.count + 2, "\(carried.count) values go around, the body takes \(body.input.count)")
    try check(body.output.count > carried.count, "the body gives \(body.output.count) values")
    var rows = [[ONNXValue]](repeating: [], count: body.output.count - 1 - carried.count)
    var i = 0
    while i < limit && goesOn {
      var inner = environment
      inner.values[body.input[0].name] = ONNXValue(Tensor(i, dtype: .int64))
      inner.values[body.input[1].name] = ONNXValue(Tensor(goesOn, dtype: .bool))
      for (port, value) in zip(body.input.dropFirst(2), carried) { inner.values[port.name] = value }
      let results = try interpreter.run(body, in: inner)
      guard results[0].isConcrete else {
        throw ONNXError(.needsValue([]), "how long the loop runs must be known when the model is loaded")
          .naming(Array(results[0].origins))
      }
      try check(results[0].element == .bool && results[0].tensor.count == 1, "its condition is no bool")
      goesOn = results[0].tensor.bools[0]
      carried = Array(results[1..<(1 + carried.count)])
      for (j, value) in results.dropFirst(1 + carried.count).enumerated() { rows[j].append(value) }
      i += 1
    }
    return carried + (try stacked(rows, body.output.dropFirst(1 + carried.count).map { $0 }, axis: 0))
  }

  /// Values of all rounds as one tensor each.
  private func stacked(_ rows: [[ONNXValue]], _ ports: [Onnx_ValueInfoProto], axis: Int) throws -> [ONNXValue] {
    try zip(rows, ports).map { values, port in
      guard let first = values.first else {
        // No round: the body's declaration tells the type.
        let declared = try ONNXModel.Port(port, file: "model")
        let lengths = try (declared.lengths ?? []).map { length -> Int in
          guard case .fixed(let value) = length else {
            throw ONNXError(.unsupported, "an empty result of unknown shape")
          }
          return value
        }
        let element = declared.element ?? .float32
        return ONNXValue(.zeros(try checkedShape([0] + lengths), dtype: element.storage), element)
      }
      try check(
        values.allSatisfy { $0.shape == first.shape && $0.element == first.element },
        "results of rounds differ in shape")
      let place = try self.axis(axis, rank: first.shape.rank + 1)
      var value = ONNXValue(.stack(values.map(\.tensor), axis: place), first.element)
      value.origins = values.reduce(into: []) { $0.formUnion($1.origins) }
      return value
    }
  }

  private func scanned() throws -> [ONNXValue] {
    guard version >= 9 else { throw ONNXError(.unsupported, "Scan of version 8") }
    let body = try graph("body")
    guard let count = try int("num_scan_inputs"), count > 0, count <= inputs.count else {
      throw ONNXError(.invalid, "the number of scan inputs")
    }
    let states = inputs.count - count
    var carried = try (0..<states).map { try input($0) }
    let sequences = try (states..<inputs.count).map { try input($0) }
    try check(body.input.count == inputs.count && body.output.count >= states, "the body's inputs or outputs")
    let results = body.output.count - states
    func setting(_ name: String, _ number: Int) throws -> [Int] {
      let values = try ints(name) ?? [Int](repeating: 0, count: number)
      try check(values.count == number, "\(name) has \(values.count) entries")
      return values
    }
    let inAxes = try zip(try setting("scan_input_axes", count), sequences).map { try axis($0, rank: $1.shape.rank) }
    let inDirections = try setting("scan_input_directions", count)
    let outAxes = try setting("scan_output_axes", results)
    let outDirections = try setting("scan_output_directions", results)
    let length = sequences[0].shape[inAxes[0]]
    try check(zip(sequences, inAxes).allSatisfy { $0.shape[$1] == length }, "sequences of different lengths")
    let slices = zip(sequences, inAxes).map { sequence, axis in
      length == 0 ? [] : sequence.tensor.split(length, axis: axis).map { $0.squeezed([axis]) }
    }
    var rows = [[ONNXValue]](repeating: [], count: results)
    for i in 0..<length {
      var inner = environment
      for (port, value) in zip(body.input, carried) { inner.values[port.name] = value }
      for (j, port) in body.input.dropFirst(states).enumerated() {
        var value = ONNXValue(slices[j][inDirections[j] == 0 ? i : length - 1 - i], sequences[j].element)
        value.origins = sequences[j].origins
        inner.values[port.name] = value
      }
      let step = try interpreter.run(body, in: inner)
      carried = Array(step.prefix(states))
      for (j, value) in step.dropFirst(states).enumerated() { rows[j].append(value) }
    }
    let outputs = try rows.indices.map { j -> ONNXValue in
      let ordered = outDirections[j] == 0 ? rows[j] : rows[j].reversed()
      return try stacked([ordered], [body.output[states + j]], axis: outAxes[j])[0]
    }
    return carried + outputs
  }
}
