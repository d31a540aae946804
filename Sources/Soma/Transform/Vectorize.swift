/// A tensor inside a vectorized function: with a leading batch axis, or the same for the whole batch.
struct Batched {
  var tensor: Tensor
  var isBatched: Bool

  init(_ tensor: Tensor, _ isBatched: Bool) {
    self.tensor = tensor
    self.isBatched = isBatched
  }

  /// With the batch axis, repeated if need be.
  func stretched(_ size: Int) -> Tensor {
    if isBatched { return tensor }
    return emit(.broadcast([size] + tensor.shape, axes: tensor.shape.indices.map { $0 + 1 }), tensor)
  }
}

/// The graph over a batch of problems: batched operands have a leading axis of `size`.
func vmap(_ graph: Graph, _ inputs: [Batched], _ size: Int) -> [Batched] {
  var values = [Batched?](repeating: nil, count: graph.types.count)
  for (id, input) in zip(graph.inputs, inputs) { values[id] = input }
  for node in graph.nodes {
    let operands = node.inputs.map { values[$0]! }
    let results = Tracer.$scopePath.withValue(node.scope) { node.primitive.vectorized(operands, size) }
    for (id, result) in zip(node.outputs, results) { values[id] = result }
  }
  return graph.outputs.map { values[$0]! }
}

extension Primitive {
  func vectorized(_ operands: [Batched], _ size: Int) -> [Batched] {
    if operands.allSatisfy({ !$0.isBatched }) {
      return emit(self, operands.map(\.tensor)).map { Batched($0, false) }
    }
    /// Every operand stretched, a primitive with the batch as one more leading axis.
    func stretching(_ primitive: Primitive) -> [Batched] {
      emit(primitive, operands.map { $0.stretched(size) }).map { Batched($0, true) }
    }
    func shifted(_ axes: [Int]) -> [Int] { axes.map { $0 + 1 } }

    switch self {
    case .constant, .iota: fatalError("\(name) has no operands")
    case .randomBits(let shape):
      // One key after another: the cipher takes one key at a time.
      let (_, bits) = Soma.scan([], [operands[0].tensor]) { _, key in ([], [emit(.randomBits(shape), key[0])]) }
      return [Batched(bits[0], true)]
    case .unary, .polygamma, .binary, .compare, .select, .cast, .stopGradient: return stretching(self)

    case .dot(let dot): return [dot.vectorized(operands[0], operands[1])]
    case .convolution(let convolution, let role):
      return [convolution.vectorized(role, operands[0], operands[1], size)]

    case .splineSum(let sum, let role): return [sum.vectorized(role, operands, size)]

    case .reduce(let reduction, let axes): return stretching(.reduce(reduction, axes: shifted(axes)))
    case .argReduce(let largest, let axis): return stretching(.argReduce(largest: largest, axis: axis + 1))
    case .cumulative(let reduction, let axis, let reverse):
      return stretching(.cumulative(reduction, axis: axis + 1, reverse: reverse))
    case .windowReduce, .windowArgMax: return stretching(self)

    case .reshape(let shape): return stretching(.reshape([size] + shape))
    case .transpose(let permutation): return stretching(.transpose([0] + shifted(permutation)))
    case .broadcast(let shape, let axes): return stretching(.broadcast([size] + shape, axes: [0] + shifted(axes)))
    case .slice(let starts, let limits, let strides):
      return stretching(.slice(starts: [0] + starts, limits: [size] + limits, strides: [1] + strides))
    case .pad(let low, let high, let interior):
      return stretching(.pad(low: [0] + low, high: [0] + high, interior: [0] + interior))
    case .concatenate(let axis): return stretching(.concatenate(axis: axis + 1))
    case .reverse(let axes): return stretching(.reverse(axes: shifted(axes)))
    case .gather(let axis, let batch):
      let (x, indices) = (operands[0], operands[1])
      if batch == 0 && !indices.isBatched {
        return [Batched(emit(.gather(axis: axis + 1, batchAxes: 0), x.tensor, indices.tensor), true)]
      }
      if batch == 0 && !x.isBatched {
        return [Batched(emit(self, x.tensor, indices.tensor).movingAxis(axis, to: 0), true)]
      }
      return stretching(.gather(axis: axis + 1, batchAxes: batch + 1))
    case .scatterAdd(let axis, let batch):
      if batch == 0 && !operands[1].isBatched {
        let (x, updates) = (operands[0].stretched(size), operands[2].stretched(size))
        return [Batched(emit(.scatterAdd(axis: axis + 1, batchAxes: 0), x, operands[1].tensor, updates), true)]
      }
      return stretching(.scatterAdd(axis: axis + 1, batchAxes: batch + 1))
    case .argSort(let axis, let descending): return stretching(.argSort(axis: axis + 1, descending: descending))
    case .argTopK: return stretching(self)

    case .fourier(let inverse, let axis): return stretching(.fourier(inverse: inverse, axis: axis + 1))
    case .realFourier(let axis): return stretching(.realFourier(axis: axis + 1))
    case .inverseRealFourier(let axis, let length):
      return stretching(.inverseRealFourier(axis: axis + 1, length: length))

    case .cholesky, .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant:
      return stretching(self)

    case .scan(let scan): return scan.vectorized(operands, size)
    case .custom(let custom): return stretching(.custom(custom.vectorized(size)))
    case .checkpoint(let graph):
      var flags: [Bool] = []
      let (batched, captures) = trace(operands.map(\.tensor.type)) { arguments in
        let results = vmap(graph, zip(arguments, operands).map { Batched($0, $1.isBatched) }, size)
        flags = results.map(\.isBatched)
        return results.map(\.tensor)
      }
      let results = emit(.checkpoint(batched), operands.map(\.tensor) + captures)
      return zip(results, flags).map(Batched.init)
    }
  }
}

extension Dot {
  func vectorized(_ left: Batched, _ right: Batched) -> Batched {
    func shifted(_ axes: [Int], _ by: Bool) -> [Int] { by ? axes.map { $0 + 1 } : axes }
    var dot = Dot(
      leftBatch: shifted(leftBatch, left.isBatched), rightBatch: shifted(rightBatch, right.isBatched),
      leftContracted: shifted(leftContracted, left.isBatched),
      rightContracted: shifted(rightContracted, right.isBatched))
    if left.isBatched && right.isBatched {
      dot.leftBatch.insert(0, at: 0)
      dot.rightBatch.insert(0, at: 0)
      return Batched(emit(.dot(dot), left.tensor, right.tensor), true)
    }
    // The batch axis of one side is a free axis of the product, the first of its side.
    let position = leftBatch.count + (left.isBatched ? 0 : leftFree(rank: left.tensor.rank).count)
    return Batched(emit(.dot(dot), left.tensor, right.tensor).movingAxis(position, to: 0), true)
  }
}

extension Convolution {
  /// The batch of problems goes into the batch axis, into output channels, or into groups.
  func vectorized(_ role: Role, _ first: Batched, _ second: Batched, _ size: Int) -> Batched {
    /// Merges the batch axis into `axis` of the problem's shape, before it.
    func merged(_ t: Tensor, _ axis: Int) -> Tensor {
      let moved = t.movingAxis(0, to: axis)
      var shape = moved.shape.dimensions
      shape.replaceSubrange(axis...(axis + 1), with: [shape[axis] * shape[axis + 1]])
      return moved.reshape(Shape(shape))
    }
    func divided(_ t: Tensor, _ axis: Int) -> Batched {
      var shape = t.shape.dimensions
      shape.replaceSubrange(axis...axis, with: [size, shape[axis] / size])
      return Batched(t.reshape(Shape(shape)).movingAxis(axis, to: 0), true)
    }
    if role != .kernel && !second.isBatched {
      return divided(emit(.convolution(self, role), merged(first.tensor, 0), second.tensor), 0)
    }
    if groups == 1 && !first.isBatched {
      switch role {
      case .output: return divided(emit(.convolution(self, role), first.tensor, merged(second.tensor, 0)), 1)
      case .kernel: return divided(emit(.convolution(self, role), first.tensor, merged(second.tensor, 1)), 0)
      case .input: break
      }
    }
    var grouped = self
    grouped.groups = groups * size
    let (a, b) = (first.stretched(size), second.stretched(size))
    switch role {
    case .output, .input: return divided(emit(.convolution(grouped, role), merged(a, 1), merged(b, 0)), 1)
    case .kernel: return divided(emit(.convolution(grouped, role), merged(a, 1), merged(b, 1)), 0)
    }
  }
}
