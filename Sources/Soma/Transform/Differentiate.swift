/// Reverse-mode differentiation of a graph: its outputs at `inputs`, and the function that takes cotangents of the outputs
/// to cotangents of the inputs (nil: zero). Both are made of ordinary operations, so they can be traced and
/// differentiated again.
func vjp(_ graph: Graph, _ inputs: [Tensor], wantsInput: [Bool]? = nil)
  -> (outputs: [Tensor], pullback: ([Tensor?]) -> [Tensor?])
{
  var values = [Tensor?](repeating: nil, count: graph.types.count)
  /// Whether a value depends on an input whose cotangent is wanted, through floating numbers.
  var isActive = [Bool](repeating: false, count: graph.types.count)
  for (i, (id, tensor)) in zip(graph.inputs, inputs).enumerated() {
    values[id] = tensor
    isActive[id] = tensor.dtype.isFloating && (wantsInput?[i] ?? true)
  }
  /// Carries of loops before each step, which their backward loops need.
  var histories: [Int: [Tensor]] = [:]
  for (index, node) in graph.nodes.enumerated() {
    let operands = node.inputs.map { values[$0]! }
    let active = node.inputs.contains { isActive[$0] }
    var results: [Tensor]
    if active, case .scan(let scan) = node.primitive {
      let all = emit(.scan(scan.recordingCarries()), operands, scope: node.scope)
      results = Array(all.prefix(node.outputs.count))
      histories[index] = Array(all.dropFirst(node.outputs.count))
    } else {
      results = emit(node.primitive, operands, scope: node.scope)
    }
    for (id, result) in zip(node.outputs, results) {
      values[id] = result
      isActive[id] = active && result.dtype.isFloating
    }
  }
  let outputs = graph.outputs.map { values[$0]! }

  func pullback(_ cotangents: [Tensor?]) -> [Tensor?] {
    var gradients = [Tensor?](repeating: nil, count: graph.types.count)
    func add(_ gradient: Tensor?, to id: ValueID) {
      guard let gradient, isActive[id] else { return }
      gradients[id] = gradients[id].map { $0 + gradient } ?? gradient
    }
    for (id, cotangent) in zip(graph.outputs, cotangents) { add(cotangent, to: id) }
    for (index, node) in graph.nodes.enumerated().reversed() {
      let results = node.outputs.map { gradients[$0] }
      guard results.contains(where: { $0 != nil }), node.inputs.contains(where: { isActive[$0] }) else { continue }
      let application = Application(
        primitive: node.primitive, operands: node.inputs.map { values[$0]! }, results: node.outputs.map { values[$0]! },
        wants: node.inputs.map { isActive[$0] }, history: histories[index] ?? [])
      let gradientsOfOperands = Tracer.$scopePath.withValue(node.scope) { application.cotangents(results) }
      for (id, gradient) in zip(node.inputs, gradientsOfOperands) { add(gradient, to: id) }
      for id in node.outputs { gradients[id] = nil }
    }
    return graph.inputs.map { gradients[$0] }
  }
  return (outputs, pullback)
}

/// One node, applied to tensors.
struct Application {
  let primitive: Primitive
  let operands: [Tensor]
  let results: [Tensor]
  /// Which operands' cotangents are wanted.
  var wants: [Bool]
  var history: [Tensor] = []

  var x: Tensor { operands[0] }
  var y: Tensor { results[0] }

  /// Cotangents of the operands from those of the results, of which at least one is given.
  func cotangents(_ given: [Tensor?]) -> [Tensor?] {
    /// The cotangent of the only floating result.
    var g: Tensor { given[0]! }
    func whole(_ i: Int) -> Tensor { given[i] ?? Tensor.zeros(like: results[i]) }

    switch primitive {
    case .constant, .iota, .randomBits, .compare, .argReduce, .windowArgMax, .argSort, .argTopK, .stopGradient:
      return operands.map { _ in nil }
    case .unary, .polygamma, .binary, .select, .cast:
      return operands.indices.map {
        wants[$0] ? primitive.elementwiseDerivative($0, operands, y, times: g) : nil
      }

    case .dot(let dot):
      return [
        wants[0] ? dot.leftCotangent(g, operands[0], operands[1]) : nil,
        wants[1] ? dot.rightCotangent(g, operands[0], operands[1]) : nil,
      ]
    case .convolution(let c, let role):
      // <conv(x, w), g> = <x, input(g, w)> = <w, kernel(x, g)>: the third of each pair.
      func form(_ role: Convolution.Role, _ a: Tensor, _ b: Tensor) -> Tensor { emit(.convolution(c, role), a, b) }
      let (a, b) = (operands[0], operands[1])
      switch role {
      case .output: return [wants[0] ? form(.input, g, b) : nil, wants[1] ? form(.kernel, a, g) : nil]
      case .input: return [wants[0] ? form(.output, g, b) : nil, wants[1] ? form(.kernel, g, a) : nil]
      case .kernel: return [wants[0] ? form(.input, b, g) : nil, wants[1] ? form(.output, a, g) : nil]
      }

    case .splineSum(let sum, let role): return sum.cotangents(role, operands, wants: wants, g)

    case .reduce(let reduction, let axes):
      let kept = keptAxes(axes)
      func spread(_ t: Tensor) -> Tensor { emit(.broadcast(x.shape, axes: kept), t) }
      switch reduction {
      case .sum: return [spread(g)]
      case .max, .min:
        let isExtreme = (x .== spread(y)).cast(to: x.dtype)
        let ties = isExtreme.sum(axes)
        return [isExtreme * spread(g / ties)]
      case .product: return [spread(g) * x.productsOfOthers(axes)]
      }
    case .cumulative(let reduction, let axis, let reverse):
      switch reduction {
      case .sum: return [g.cumulativeSum(axis, reverse: !reverse)]
      case .max, .min:
        let sources = x.recordPositions(y, axis, reverse)
        return [Tensor.zeros(like: x).scatterAddingAlong(g, at: sources, axis: axis)]
      case .product: return [x.cumulativeProductCotangent(y, g, axis, reverse)]
      }
    case .windowReduce(let reduction, let window):
      switch reduction {
      case .sum: return [window.spread(g, over: x.shape)]
      case .max, .min:
        let positions = window.extremes(x, largest: reduction == .max)
        let k = window.size.count
        let (flat, values) = (window.flattened(x), window.flattened(g))
        let axis = flat.rank - 1
        let sum = emit(
          .scatterAdd(axis: axis, batchAxes: x.rank - k), Tensor.zeros(like: flat), window.flattened(positions), values)
        return [sum.reshape(x.shape)]
      case .product: fatalError("window products are not defined")
      }

    case .reshape: return [g.reshape(x.shape)]
    case .transpose(let permutation):
      var inverse = permutation
      for (i, axis) in permutation.enumerated() { inverse[axis] = i }
      return [g.transposed(inverse)]
    case .broadcast(let shape, let axes): return [g.sum(shape.indices.filter { !axes.contains($0) })]
    case .slice(let starts, _, let strides):
      let high = x.shape.indices.map { i in
        let n = y.shape[i]
        return n == 0 ? x.shape[i] - starts[i] : x.shape[i] - starts[i] - ((n - 1) * strides[i] + 1)
      }
      return [g.padded(low: starts, high: high, interior: strides.map { $0 - 1 })]
    case .pad(let low, _, let interior):
      let limits = x.shape.indices.map { low[$0] + (x.shape[$0] == 0 ? 0 : (x.shape[$0] - 1) * (interior[$0] + 1) + 1) }
      return [emit(.slice(starts: low, limits: limits, strides: interior.map { $0 + 1 }), g)]
    case .concatenate(let axis): return g.split(sizes: operands.map { $0.shape[axis] }, axis: axis)
    case .reverse(let axes): return [g.reversed(axes)]
    case .gather(let axis, let batch):
      return [emit(.scatterAdd(axis: axis, batchAxes: batch), Tensor.zeros(like: x), operands[1], g), nil]
    case .scatterAdd(let axis, let batch):
      return [g, nil, wants[2] ? emit(.gather(axis: axis, batchAxes: batch), g, operands[1]) : nil]

    case .fourier(let inverse, let axis): return emit(.fourier(inverse: !inverse, axis: axis), [whole(0), whole(1)])
    case .realFourier(let axis):
      let n = x.shape[axis]
      let weights = Tensor.binWeights(n, ends: 1, others: 0.5, like: y, axis)
      return [emit(.inverseRealFourier(axis: axis, length: n), whole(0) * weights, whole(1) * weights)]
    case .inverseRealFourier(let axis, let n):
      let weights = Tensor.binWeights(n, ends: 1, others: 2, like: operands[0], axis)
      return emit(.realFourier(axis: axis), [g]).map { $0 * weights }

    case .cholesky: return [choleskyCotangent(g)]
    case .triangularSolve(let lower, let transposed, let unit):
      let gb = emit(.triangularSolve(lower: lower, transposed: !transposed, unitDiagonal: unit), operands[0], g)
      guard wants[0] else { return [nil, gb] }
      let full = transposed ? y.matmul(gb.T) : gb.matmul(y.T)
      return [-full.triangle(lower: lower, unitDiagonal: unit), gb]
    case .symmetricEigen: return [symmetricEigenCotangent(given[0], given[1])]
    case .singularValues: return [singularValuesCotangent(given[0], given[1], given[2])]
    case .qr: return [qrCotangent(whole(0), whole(1))]
    case .solve(let transposed):
      let gb = emit(.solve(transposed: !transposed), operands[0], g)
      return [wants[0] ? -(transposed ? y.matmul(gb.T) : gb.matmul(y.T)) : nil, gb]
    case .logDeterminant:
      guard let g = given[1] else { return [nil] }
      let inverse = emit(.solve(transposed: true), x, Tensor.eye(x.shape[-1], dtype: x.dtype).broadcast(to: x.shape))
      return [g.expandDimensions(at: -1).expandDimensions(at: -1) * inverse]

    case .scan(let scan): return scan.cotangents(self, given)
    case .custom(let custom): return custom.cotangents(operands, results, results.indices.map(whole))
    case .checkpoint(let graph): return checkpointCotangents(graph, results.indices.map(whole))
    }
  }

  /// Axes of the operand that a reduction leaves.
  func keptAxes(_ axes: [Int]) -> [Int] { x.shape.indices.filter { !axes.contains($0) } }

  /// Recomputes the sub-graph and its backward pass, as a region of its own.
  private func checkpointCotangents(_ graph: Graph, _ cotangents: [Tensor]) -> [Tensor?] {
    let count = operands.count
    let wanted = operands.indices.filter { wants[$0] && operands[$0].dtype.isFloating }
    let (backward, captures) = trace((operands + cotangents).map(\.type)) { arguments in
      let (_, pullback) = vjp(graph, Array(arguments.prefix(count)), wantsInput: wants)
      let gradients = pullback(Array(arguments.dropFirst(count)))
      return wanted.map { gradients[$0] ?? Tensor.zeros(like: arguments[$0]) }
    }
    let gradients = emit(.checkpoint(backward), operands + cotangents + captures)
    var result = [Tensor?](repeating: nil, count: count)
    for (i, gradient) in zip(wanted, gradients) { result[i] = gradient }
    return result
  }
}

extension Dot {
  /// The cotangent of the left operand.
  func leftCotangent(_ g: Tensor, _ left: Tensor, _ right: Tensor) -> Tensor {
    let (batch, free) = (leftBatch.count, leftFree(rank: left.rank))
    let rightFree = rightFree(rank: right.rank)
    let product = Dot(
      leftBatch: Array(0..<batch), rightBatch: rightBatch,
      leftContracted: rightFree.indices.map { batch + free.count + $0 }, rightContracted: rightFree)
    // The result's axes: batch, the left's free axes, the right's contracted ones in their own order.
    let order = leftBatch + free + rightContracted.sorted().map { leftContracted[rightContracted.firstIndex(of: $0)!] }
    return emit(.dot(product), g, right).placing(axes: order)
  }

  /// The cotangent of the right operand.
  func rightCotangent(_ g: Tensor, _ left: Tensor, _ right: Tensor) -> Tensor {
    let (batch, free) = (leftBatch.count, leftFree(rank: left.rank))
    let rightFree = rightFree(rank: right.rank)
    let product = Dot(
      leftBatch: leftBatch, rightBatch: Array(0..<batch), leftContracted: free,
      rightContracted: free.indices.map { batch + $0 })
    let order =
      rightBatch + leftContracted.sorted().map { rightContracted[leftContracted.firstIndex(of: $0)!] } + rightFree
    return emit(.dot(product), left, g).placing(axes: order)
  }
}

extension Tensor {
  /// The transpose whose axis `axes[i]` is axis `i` of this tensor.
  func placing(axes: [Int]) -> Tensor {
    var order = axes
    for (i, axis) in axes.enumerated() { order[axis] = i }
    return transposed(order)
  }

  /// For each element the product of the others along `axes`, without division.
  func productsOfOthers(_ axes: [Int]) -> Tensor {
    let kept = shape.indices.filter { !axes.contains($0) }
    let rows = transposed(kept + axes).reshape(Shape(kept.map { shape[$0] } + [axes.reduce(1) { $0 * shape[$1] }]))
    let others = rows.exclusiveProduct(reverse: false) * rows.exclusiveProduct(reverse: true)
    return others.reshape(Shape((kept + axes).map { shape[$0] })).placing(axes: kept + axes)
  }

  /// The product of the elements before (or after) each along the last axis.
  private func exclusiveProduct(reverse: Bool) -> Tensor {
    let n = shape.last
    let ones = Tensor.ones(shape.replacing(axis: rank - 1, with: Swift.min(1, n)), dtype: dtype)
    guard n > 1 else { return ones }
    let product = slice(rank - 1, reverse ? 1..<n : 0..<(n - 1)).cumulativeProduct(-1, reverse: reverse)
    return .concatenate(reverse ? [product, ones] : [ones, product], axis: -1)
  }

  /// The position of the record that each running extreme repeats.
  func recordPositions(_ running: Tensor, _ axis: Int, _ reverse: Bool) -> Tensor {
    let positions = Tensor.iota(shape, axis: axis, dtype: .int32)
    let isRecord = self .== running
    return reverse
      ? Tensor.select(isRecord, positions, Int(Int32.max)).cumulativeMin(axis, reverse: true)
      : Tensor.select(isRecord, positions, 0).cumulativeMax(axis)
  }

  /// The adjoint of the recurrence `pⱼ = pⱼ₋₁ xⱼ`, which needs no division: `aⱼ = gⱼ + xⱼ₊₁ aⱼ₊₁`, `∂xⱼ = pⱼ₋₁ aⱼ`.
  func cumulativeProductCotangent(_ running: Tensor, _ g: Tensor, _ axis: Int, _ reverse: Bool) -> Tensor {
    let (x, p, g) = (movingAxis(axis, to: 0), running.movingAxis(axis, to: 0), g.movingAxis(axis, to: 0))
    let n = x.shape[0]
    guard n > 0 else { return self }
    let edge = Tensor.ones(p.shape.replacing(axis: 0, with: 1), dtype: dtype)
    let before: Tensor =
      reverse ? .concatenate([p.slice(0, 1..<n), edge]) : .concatenate([edge, p.slice(0, 0..<(n - 1))])
    let (_, adjoints) = scan(
      [Tensor.zeros(Shape(x.shape.dropFirst()), dtype: dtype)], [x, g], reverse: !reverse
    ) { carry, step in
      // The carry is x·a of the neighbour.
      let a = step[1] + carry[0]
      return ([step[0] * a], [a])
    }
    return (before * adjoints[0]).movingAxis(0, to: axis)
  }

  /// Weights of the bins of a half spectrum of a signal of length n, along `axis`.
  static func binWeights(_ n: Int, ends: Double, others: Double, like spectrum: Tensor, _ axis: Int) -> Tensor {
    let bins = n / 2 + 1
    let weights = (0..<bins).map { $0 == 0 || 2 * $0 == n ? ends : others }
    var aligned = [Int](repeating: 1, count: spectrum.rank - axis)
    aligned[0] = bins
    return Tensor(weights).cast(to: spectrum.dtype).reshape(Shape(aligned))
  }

  /// The lower or upper triangle; without the diagonal if that counts as ones.
  func triangle(lower: Bool, unitDiagonal: Bool) -> Tensor {
    lower ? lowerTriangular(offset: unitDiagonal ? -1 : 0) : upperTriangular(offset: unitDiagonal ? 1 : 0)
  }
}

extension Window {
  /// The windowed axes merged into one.
  func flattened(_ t: Tensor) -> Tensor {
    let k = size.count
    return t.reshape(Shape(Array(t.shape.dropLast(k)) + [t.shape.suffix(k).reduce(1, *)]))
  }

  func extremes(_ x: Tensor, largest: Bool) -> Tensor { emit(.windowArgMax(self), largest ? x : -x) }

  /// The transpose of the window sum: each window's number added to all its positions.
  func spread(_ g: Tensor, over shape: Shape) -> Tensor {
    let k = size.count
    let lead = shape.rank - k
    let zeros = [Int](repeating: 0, count: g.rank)
    var g = g.padded(low: zeros, high: zeros, interior: [Int](repeating: 0, count: lead) + strides.map { $0 - 1 })
    var back = Window(size: size, strides: size.map { _ in 1 }, dilations: dilations)
    for i in 0..<k {
      let reach = (size[i] - 1) * dilations[i]
      let before = reach - low[i]
      if before < 0 { g = g.slice(lead + i, Swift.min(-before, g.shape[lead + i])..<g.shape[lead + i]) }
      back.low[i] = Swift.max(0, before)
      let after = shape[lead + i] + reach - g.shape[lead + i] - back.low[i]
      if after < 0 { g = g.slice(lead + i, 0..<(g.shape[lead + i] + after)) }
      back.high[i] = Swift.max(0, after)
    }
    return emit(.windowReduce(.sum, back), g)
  }
}
