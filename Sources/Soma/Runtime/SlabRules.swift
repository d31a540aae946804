/// How a primitive takes part in a computation on slabs: runs of its operands' leading axis.
struct SlabRule {
  enum Result {
    /// Each slab of the results comes from the same slab of the operands.
    case along
    /// The slabs give summands of the result.
    case sum
  }

  /// Whether each operand is read slab by slab; the others are read whole.
  let operands: [Bool]
  let result: Result

  private init(_ operands: [Bool], _ result: Result = .along) {
    self.operands = operands
    self.result = result
  }

  /// - Parameters:
  ///   - isAlong: which operands come in slabs already. At least one does.
  ///   - units: what the leading axis of every slab is a multiple of, summed over all slabs.
  /// - Returns: nil if the primitive needs such an operand whole, or makes something else of its leading axis.
  init?(_ primitive: Primitive, _ types: [TensorType], isAlong: [Bool], units: Int) {
    let shapes = types.map(\.shape)
    /// All operands along, if the primitive works on each position of axis 0 alone.
    func positionwise(_ condition: Bool) -> SlabRule? {
      condition ? SlabRule(types.map { _ in true }) : nil
    }
    let rule: SlabRule?
    switch primitive {
    case .constant, .iota, .randomBits:
      rule = nil
    case .unary, .polygamma, .binary, .compare, .select, .cast, .stopGradient:
      rule = positionwise(true)

    case .dot(let dot):
      rule = SlabRule.dot(dot, isAlong)
    case .convolution(_, let role):
      switch role {
      case .output, .input: rule = isAlong[1] ? nil : SlabRule([true, false])
      case .kernel: rule = SlabRule([true, true], .sum)
      }
    case .splineSum:
      // The samples are their second axis.
      rule = nil

    case .reduce(let reduction, let axes):
      if !axes.contains(0) {
        rule = positionwise(true)
      } else {
        rule = reduction == .sum && types[0].dtype != .bfloat16 ? SlabRule([true], .sum) : nil
      }
    case .argReduce(_, let axis), .cumulative(_, let axis, _), .concatenate(let axis), .argSort(let axis, _),
      .fourier(_, let axis), .realFourier(let axis), .inverseRealFourier(let axis, _):
      rule = positionwise(axis > 0)
    case .windowReduce(_, let window), .windowArgMax(let window):
      rule = positionwise(window.size.count < shapes[0].rank)

    case .reshape(let shape):
      rule = positionwise(shape.rank > 0 && shape[0] % units == 0 && shape[0] > 0)
    case .transpose(let permutation):
      rule = positionwise(permutation.first == 0)
    case .broadcast(_, let axes):
      rule = positionwise(axes.first == 0)
    case .slice(let starts, let limits, let strides):
      rule = positionwise(starts[0] == 0 && limits[0] == shapes[0][0] && strides[0] == 1)
    case .pad(let low, let high, let interior):
      rule = positionwise(low[0] == 0 && high[0] == 0 && interior[0] == 0)
    case .reverse(let axes):
      rule = positionwise(!axes.contains(0))
    case .gather(let axis, let batchAxes):
      if batchAxes > 0 {
        rule = positionwise(true)
      } else if isAlong[1] {
        rule = !isAlong[0] && axis == 0 ? SlabRule([false, true]) : nil
      } else {
        rule = axis > 0 ? SlabRule([true, false]) : nil
      }
    case .scatterAdd(let axis, let batchAxes):
      if batchAxes > 0 {
        rule = positionwise(true)
      } else if axis == 0 {
        rule = !isAlong[0] && types[0].dtype != .bfloat16 ? SlabRule([false, true, true], .sum) : nil
      } else {
        rule = isAlong[1] ? nil : SlabRule([true, false, true])
      }
    case .argTopK:
      rule = positionwise(shapes[0].rank > 1)

    case .cholesky, .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant:
      rule = positionwise(shapes[0].rank > 2)

    case .scan, .custom, .checkpoint:
      rule = nil
    }
    guard let rule, zip(isAlong, rule.operands).allSatisfy({ !$0 || $1 }) else { return nil }
    self = rule
  }

  private static func dot(_ dot: Dot, _ isAlong: [Bool]) -> SlabRule? {
    if dot.leftBatch.first == 0, dot.rightBatch.first == 0 { return SlabRule([true, true]) }
    if let i = dot.leftContracted.firstIndex(of: 0), dot.rightContracted[i] == 0 {
      return SlabRule([true, true], .sum)
    }
    let isFree = dot.leftBatch.isEmpty && !dot.leftContracted.contains(0)
    return isAlong[0] && !isAlong[1] && isFree ? SlabRule([true, false]) : nil
  }

  /// The primitive for a slab: lengths of the leading axis that it names become `length(of that axis)`.
  static func primitive(_ primitive: Primitive, length: (Int) -> Int) -> Primitive {
    switch primitive {
    case .reshape(let shape): .reshape(shape.replacing(axis: 0, with: length(shape[0])))
    case .broadcast(let shape, let axes): .broadcast(shape.replacing(axis: 0, with: length(shape[0])), axes: axes)
    case .slice(let starts, let limits, let strides):
      .slice(starts: starts, limits: [length(limits[0])] + limits.dropFirst(), strides: strides)
    case .constant, .iota, .randomBits, .unary, .polygamma, .binary, .compare, .select, .cast, .stopGradient, .dot,
      .convolution, .splineSum, .reduce, .argReduce, .cumulative, .windowReduce, .windowArgMax, .transpose, .pad,
      .concatenate, .reverse, .gather, .scatterAdd, .argSort, .argTopK, .fourier, .realFourier, .inverseRealFourier,
      .cholesky, .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant, .scan, .custom,
      .checkpoint:
      primitive
    }
  }
}
