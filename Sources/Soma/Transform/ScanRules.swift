/// Runs `body` over the leading axis of the sequences, carrying tensors from step to step: recurrent and spiking
/// networks, samplers, recurrences. One primitive, whatever the length.
/// - Parameters:
///   - carries: what the first step gets; every step returns tensors of the same types.
///   - sequences: tensors with a leading axis of one length; each step gets one slice of each.
///   - length: the number of steps if there are no sequences.
///   - reverse: from the last slice to the first; results keep the slices' places.
///   - body: one step: next carries and results from carries and slices.
/// - Returns: the last carries, and the steps' results stacked.
public func scan(
  _ carries: [Tensor], _ sequences: [Tensor], length: Int? = nil, reverse: Bool = false,
  _ body: (_ carries: [Tensor], _ slices: [Tensor]) -> (carries: [Tensor], results: [Tensor])
) -> (carries: [Tensor], results: [Tensor]) {
  guard let length = length ?? sequences.first?.shape[0] else {
    fatalError("scan wants a length if there are no sequences")
  }
  require(
    sequences.allSatisfy { $0.rank > 0 && $0.shape[0] == length },
    "scan: the leading axes of \(sequences.map(\.shape)) are not all \(length)")
  let types =
    carries.map(\.type) + sequences.map { TensorType(shape: Shape($0.shape.dropFirst()), dtype: $0.dtype) }
  var count = 0
  let (graph, captures) = trace(types, liftsConstants: true) { arguments in
    let (next, results) = body(Array(arguments.prefix(carries.count)), Array(arguments.dropFirst(carries.count)))
    count = next.count
    return next + results
  }
  require(count == carries.count, "scan: the body returned \(count) carries of \(carries.count)")
  let description = Scan(
    body: graph, length: length, carries: carries.count, sequences: sequences.count, reverse: reverse)
  let outputs = emit(.scan(description), carries + sequences + captures)
  return (Array(outputs.prefix(count)), Array(outputs.dropFirst(count)))
}

extension Scan {
  /// The same loop, which also returns the carries each step began with, stacked.
  func recordingCarries() -> Scan {
    var result = self
    result.body.outputs += body.inputs.prefix(carries)
    return result
  }

  /// The parts of an argument list.
  private func parts<T>(_ list: [T]) -> (carries: [T], sequences: [T], constants: [T]) {
    (
      Array(list[..<carries]), Array(list[carries..<(carries + sequences)]), Array(list[(carries + sequences)...])
    )
  }

  /// A backward loop: it runs each step again from the recorded carries and pulls the cotangents back through it.
  func cotangents(_ application: Application, _ given: [Tensor?]) -> [Tensor?] {
    let (operands, results, wants) = (application.operands, application.results, application.wants)
    let (initial, inputs, constants) = parts(operands)
    let floatingCarries = initial.indices.filter { initial[$0].dtype.isFloating }
    let wantedSequences = inputs.indices.filter { inputs[$0].dtype.isFloating && wants[carries + $0] }
    let wantedConstants = constants.indices.filter {
      constants[$0].dtype.isFloating && wants[carries + sequences + $0]
    }
    let givenResults = results.indices.dropFirst(carries).filter { given[$0] != nil }

    let carried =
      floatingCarries.map { given[$0] ?? Tensor.zeros(like: results[$0]) }
      + wantedConstants.map { Tensor.zeros(like: constants[$0]) }
    let streamed = inputs + application.history + givenResults.map { given[$0]! }
    let types =
      carried.map(\.type) + streamed.map { TensorType(shape: Shape($0.shape.dropFirst()), dtype: $0.dtype) }
      + constants.map(\.type)
    let (backward, captures) = trace(types) { arguments in
      let (cotangents, rest) = arguments.cut(at: floatingCarries.count)
      let (sums, rest2) = rest.cut(at: wantedConstants.count)
      let (slices, rest3) = rest2.cut(at: sequences)
      let (before, rest4) = rest3.cut(at: carries)
      let (ofResults, kept) = rest4.cut(at: givenResults.count)
      let (_, pullback) = vjp(
        body, before + slices + kept,
        wantsInput: initial.indices.map { initial[$0].dtype.isFloating } + wants.dropFirst(carries))
      var all = [Tensor?](repeating: nil, count: results.count)
      for (i, cotangent) in zip(floatingCarries, cotangents) { all[i] = cotangent }
      for (i, cotangent) in zip(givenResults, ofResults) { all[i] = cotangent }
      let gradients = pullback(all)
      func gradient(_ i: Int, like t: Tensor) -> Tensor { gradients[i] ?? Tensor.zeros(like: t) }
      return floatingCarries.map { gradient($0, like: before[$0]) }
        + zip(wantedConstants, sums).map { i, sum in gradients[carries + sequences + i].map { sum + $0 } ?? sum }
        + wantedSequences.map { gradient(carries + $0, like: slices[$0]) }
    }
    let loop = Scan(
      body: backward, length: length, carries: carried.count, sequences: streamed.count, reverse: !reverse)
    let outputs = emit(.scan(loop), carried + streamed + constants + captures)
    var result = [Tensor?](repeating: nil, count: operands.count)
    let positions =
      floatingCarries + wantedConstants.map { carries + sequences + $0 } + wantedSequences.map { carries + $0 }
    for (i, output) in zip(positions, outputs) { result[i] = output }
    return result
  }

  /// One loop for values and tangents together.
  func tangents(_ operands: [Tensor], _ given: [Tensor?]) -> (results: [Tensor], tangents: [Tensor?]) {
    let (initial, inputs, constants) = parts(operands)
    let (initialTangents, inputTangents, constantTangents) = parts(given)
    // A carry may become active on the way, so every floating one carries a tangent.
    let carried = initial.indices.filter { initial[$0].dtype.isFloating }
    let streamed = inputs.indices.filter { inputTangents[$0] != nil }
    let kept = constants.indices.filter { constantTangents[$0] != nil }
    let outputs = body.outputTypes
    let floatingResults = outputs.indices.filter { outputs[$0].dtype.isFloating }

    let first = initial + carried.map { initialTangents[$0] ?? Tensor.zeros(like: initial[$0]) }
    let slices = inputs + streamed.map { inputTangents[$0]! }
    let fixed = constants + kept.map { constantTangents[$0]! }
    let types =
      first.map(\.type) + slices.map { TensorType(shape: Shape($0.shape.dropFirst()), dtype: $0.dtype) }
      + fixed.map(\.type)
    let (joint, captures) = trace(types) { arguments in
      let (allCarries, rest) = arguments.cut(at: first.count)
      let (allSlices, allConstants) = rest.cut(at: slices.count)
      var tangents = [Tensor?](repeating: nil, count: operands.count)
      for (i, t) in zip(carried, allCarries.dropFirst(carries)) { tangents[i] = t }
      for (i, t) in zip(streamed, allSlices.dropFirst(sequences)) { tangents[carries + i] = t }
      for (i, t) in zip(kept, allConstants.dropFirst(constants.count)) { tangents[carries + sequences + i] = t }
      let primals =
        Array(allCarries.prefix(carries)) + allSlices.prefix(sequences) + allConstants.prefix(constants.count)
      let (results, resultTangents) = jvp(body, primals, tangents)
      func tangent(_ i: Int) -> Tensor { resultTangents[i] ?? Tensor.zeros(like: results[i]) }
      return Array(results.prefix(carries)) + carried.map(tangent) + results.dropFirst(carries)
        + floatingResults.filter { $0 >= carries }.map(tangent)
    }
    let loop = Scan(
      body: joint, length: length, carries: first.count, sequences: slices.count, reverse: reverse)
    let all = emit(.scan(loop), first + slices + fixed + captures)
    let (lastCarries, stacked) = all.cut(at: first.count)
    let resultCount = outputs.count - carries
    var tangents = [Tensor?](repeating: nil, count: outputs.count)
    for (i, t) in zip(carried, lastCarries.dropFirst(carries)) { tangents[i] = t }
    for (i, t) in zip(floatingResults.filter { $0 >= carries }, stacked.dropFirst(resultCount)) { tangents[i] = t }
    return (Array(lastCarries.prefix(carries)) + stacked.prefix(resultCount), tangents)
  }

  /// One loop over a batch of problems.
  func vectorized(_ operands: [Batched], _ size: Int) -> [Batched] {
    let (initial, inputs, constants) = parts(operands)
    let first = initial.map { $0.stretched(size) }
    let slices = inputs.map { $0.isBatched ? $0.tensor.movingAxis(0, to: 1) : $0.tensor }
    let flags = initial.map { _ in true } + inputs.map(\.isBatched) + constants.map(\.isBatched)
    let types =
      first.map(\.type) + slices.map { TensorType(shape: Shape($0.shape.dropFirst()), dtype: $0.dtype) }
      + constants.map(\.tensor.type)
    let (batchedBody, captures) = trace(types) { arguments in
      vmap(body, zip(arguments, flags).map(Batched.init), size).map { $0.stretched(size) }
    }
    let loop = Scan(body: batchedBody, length: length, carries: carries, sequences: sequences, reverse: reverse)
    let outputs = emit(.scan(loop), first + slices + constants.map(\.tensor) + captures)
    return outputs.enumerated().map { i, output in
      Batched(i < carries ? output : output.movingAxis(1, to: 0), true)
    }
  }
}

extension Array {
  /// The first `count` elements and the rest.
  func cut(at count: Int) -> ([Element], [Element]) { (Array(prefix(count)), Array(dropFirst(count))) }
}
