/// Forward-mode differentiation of a graph: its outputs at `inputs`, and their tangents for tangents of the inputs
/// (nil: zero).
func jvp(_ graph: Graph, _ inputs: [Tensor], _ tangents: [Tensor?]) -> (outputs: [Tensor], tangents: [Tensor?]) {
  var values = [Tensor?](repeating: nil, count: graph.types.count)
  var directions = [Tensor?](repeating: nil, count: graph.types.count)
  for (i, id) in graph.inputs.enumerated() {
    values[id] = inputs[i]
    directions[id] = inputs[i].dtype.isFloating ? tangents[i] : nil
  }
  for node in graph.nodes {
    let operands = node.inputs.map { values[$0]! }
    let given = node.inputs.map { directions[$0] }
    guard given.contains(where: { $0 != nil }) else {
      for (id, result) in zip(node.outputs, emit(node.primitive, operands, scope: node.scope)) { values[id] = result }
      continue
    }
    let (results, tangents) = Tracer.$scopePath.withValue(node.scope) { node.primitive.tangents(operands, given) }
    for (i, id) in node.outputs.enumerated() {
      values[id] = results[i]
      directions[id] = tangents[i]
    }
  }
  return (graph.outputs.map { values[$0]! }, graph.outputs.map { directions[$0] })
}

extension Primitive {
  /// The results and their tangents, at least one operand having a tangent.
  func tangents(_ operands: [Tensor], _ given: [Tensor?]) -> (results: [Tensor], tangents: [Tensor?]) {
    /// Results, with a rule for the tangents.
    func with(_ rule: (Application) -> [Tensor?]) -> (results: [Tensor], tangents: [Tensor?]) {
      let results = emit(self, operands)
      return (results, rule(Application(primitive: self, operands: operands, results: results, wants: [])))
    }
    func whole(_ i: Int) -> Tensor { given[i] ?? Tensor.zeros(like: operands[i]) }
    /// A primitive that is linear in all its floating operands together.
    func linear() -> (results: [Tensor], tangents: [Tensor?]) {
      with { _ in emit(self, operands.indices.map { operands[$0].dtype.isFloating ? whole($0) : operands[$0] }) }
    }
    /// A primitive that is linear in each of two operands.
    func bilinear() -> (results: [Tensor], tangents: [Tensor?]) {
      with { _ in
        [sum(given[0].map { emit(self, $0, operands[1]) }, given[1].map { emit(self, operands[0], $0) })]
      }
    }
    func sum(_ a: Tensor?, _ b: Tensor?) -> Tensor? {
      guard let a else { return b }
      return b.map { a + $0 } ?? a
    }

    switch self {
    case .constant, .iota, .randomBits, .compare, .argReduce, .windowArgMax, .argSort, .argTopK, .stopGradient:
      return with { a in a.results.map { _ in nil } }
    case .unary, .polygamma, .binary, .select, .cast:
      return with { a in
        [
          operands.indices.reduce(nil as Tensor?) { total, i in
            sum(total, given[i].flatMap { elementwiseDerivative(i, operands, a.y, times: $0) })
          }
        ]
      }

    case .dot, .convolution: return bilinear()
    case .splineSum(let sum, let role): return with { _ in [sum.tangent(role, operands, given)] }

    case .reduce(let reduction, let axes):
      switch reduction {
      case .sum: return linear()
      case .max, .min:
        return with { a in
          let isExtreme = (a.x .== emit(.broadcast(a.x.shape, axes: a.keptAxes(axes)), a.y)).cast(to: a.x.dtype)
          return [(isExtreme * whole(0)).sum(axes) / isExtreme.sum(axes)]
        }
      case .product: return with { a in [(a.x.productsOfOthers(axes) * whole(0)).sum(axes)] }
      }
    case .cumulative(let reduction, let axis, let reverse):
      switch reduction {
      case .sum: return linear()
      case .max, .min:
        return with { a in [whole(0).takeAlong(a.x.recordPositions(a.y, axis, reverse), axis: axis)] }
      case .product: return with { a in [a.x.cumulativeProductTangent(a.y, whole(0), axis, reverse)] }
      }
    case .windowReduce(let reduction, let window):
      switch reduction {
      case .sum: return linear()
      case .max, .min:
        return with { a in
          let positions = window.flattened(window.extremes(a.x, largest: reduction == .max))
          let flat = window.flattened(whole(0))
          let taken = emit(.gather(axis: flat.rank - 1, batchAxes: flat.rank - 1), flat, positions)
          return [taken.reshape(a.y.shape)]
        }
      case .product: fatalError("window products are not defined")
      }

    case .reshape, .transpose, .broadcast, .slice, .pad, .concatenate, .reverse, .gather, .scatterAdd: return linear()
    case .fourier, .realFourier, .inverseRealFourier: return linear()

    case .cholesky: return with { a in [a.choleskyTangent(whole(0))] }
    case .triangularSolve(let lower, let transposed, let unit):
      return with { a in
        var right = given[1]
        if let t = given[0] {
          let part = t.triangle(lower: lower, unitDiagonal: unit)
          right = sum(right, -(transposed ? part.T : part).matmul(a.y))
        }
        return [right.map { emit(self, operands[0], $0) }]
      }
    case .symmetricEigen: return with { a in a.symmetricEigenTangents(whole(0)) }
    case .singularValues: return with { a in a.singularValuesTangents(whole(0)) }
    case .qr: return with { a in a.qrTangents(whole(0)) }
    case .solve(let transposed):
      return with { a in
        let right = sum(given[1], given[0].map { -(transposed ? $0.T : $0).matmul(a.y) })
        return [right.map { emit(self, operands[0], $0) }]
      }
    case .logDeterminant:
      return with { a in [nil, emit(.solve(transposed: false), a.x, whole(0)).trace()] }

    case .scan(let scan): return scan.tangents(operands, given)
    case .custom(let custom):
      return with { a in custom.tangents(operands, a.results, operands.indices.map(whole)) }
    case .checkpoint(let graph):
      let moving = operands.indices.filter { given[$0] != nil }
      let outputs = graph.outputTypes
      let (joint, captures) = trace(operands.map(\.type) + moving.map { operands[$0].type }) { arguments in
        var tangents = [Tensor?](repeating: nil, count: operands.count)
        for (i, tangent) in zip(moving, arguments.dropFirst(operands.count)) { tangents[i] = tangent }
        let (results, resultTangents) = jvp(graph, Array(arguments.prefix(operands.count)), tangents)
        return results + zip(results, resultTangents).map { $1 ?? Tensor.zeros(like: $0) }
      }
      let all = emit(.checkpoint(joint), operands + moving.map { given[$0]! } + captures)
      let (results, tangents) = all.cut(at: outputs.count)
      return (results, zip(outputs, tangents).map { $0.dtype.isFloating ? $1 : nil })
    }
  }
}

extension Tensor {
  /// The tangent of the recurrence `pⱼ = pⱼ₋₁ xⱼ`: `tⱼ = tⱼ₋₁ xⱼ + pⱼ₋₁ ẋⱼ`.
  func cumulativeProductTangent(_ running: Tensor, _ direction: Tensor, _ axis: Int, _ reverse: Bool) -> Tensor {
    let (x, t) = (movingAxis(axis, to: 0), direction.movingAxis(axis, to: 0))
    let rest = Shape(x.shape.dropFirst())
    let (_, results) = scan(
      [Tensor.ones(rest, dtype: dtype), Tensor.zeros(rest, dtype: dtype)], [x, t], reverse: reverse
    ) { carry, step in
      let tangent = carry[1] * step[0] + carry[0] * step[1]
      return ([carry[0] * step[0], tangent], [tangent])
    }
    return results[0].movingAxis(0, to: axis)
  }
}
