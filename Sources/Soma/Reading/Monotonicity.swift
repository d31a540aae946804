/// In which directions the elements of a value may move while elements of an input rise; found by following signs through
/// the graph, so it never promises too much: what cannot be decided may do both.
public struct Movement: Sendable {
  /// 1 where the element may rise, else 0; `float32`, the value's shape.
  public let rises: Tensor
  /// 1 where it may fall.
  public let falls: Tensor

  public var isNonDecreasing: Bool { falls.count == 0 || falls.max().scalar == 0 }
  public var isNonIncreasing: Bool { rises.count == 0 || rises.max().scalar == 0 }

  fileprivate init(_ rises: Tensor, _ falls: Tensor) {
    self.rises = (rises .> 0).cast(to: .float32)
    self.falls = (falls .> 0).cast(to: .float32)
  }

  fileprivate static func anything(_ shape: Shape) -> Movement { Movement(.ones(shape), .ones(shape)) }
  fileprivate static func nothing(_ shape: Shape) -> Movement { Movement(.zeros(shape), .zeros(shape)) }
  fileprivate var reversed: Movement { Movement(falls, rises) }
  /// Moves as either does.
  fileprivate func joined(_ other: Movement) -> Movement { Movement(rises + other.rises, falls + other.falls) }
  fileprivate func mapped(_ function: (Tensor) -> Tensor) -> Movement { Movement(function(rises), function(falls)) }
}

extension Graph {
  /// How the outputs move while elements of an input rise.
  /// - Parameters:
  ///   - input: which input moves; the others stay as `arguments` say.
  ///   - arguments: values of the other inputs by their number.
  ///   - moving: 1 for the elements that rise, 0 for those that stay; nil: all rise.
  public func movement(input: Int = 0, arguments: [Int: Tensor] = [:], moving: Tensor? = nil) -> [Movement] {
    require(inputs.indices.contains(input), "movement: the graph has \(inputs.count) inputs, no input \(input)")
    let start = inputs.indices.map { i -> Motion in
      if i == input {
        let shape = types[inputs[i]].shape
        return .moving(Movement(moving.map { $0.broadcast(to: shape) } ?? .ones(shape), .zeros(shape)))
      }
      guard let value = arguments[i] else { fatalError("movement: the value of input \(i) is not given") }
      return .fixed(value)
    }
    return followed(start).map(\.movement)
  }

  fileprivate func followed(_ start: [Motion]) -> [Motion] {
    var values = [Motion?](repeating: nil, count: types.count)
    for (id, value) in zip(inputs, start) { values[id] = value }
    var makers: [ValueID: Node] = [:]
    for node in nodes {
      for id in node.outputs { makers[id] = node }
      let results =
        joinedPieces(node, values, makers).map { [.moving($0)] }
        ?? node.primitive.followed(node.inputs.map { values[$0]! }, node.outputs.map { types[$0] })
      for (id, result) in zip(node.outputs, results) { values[id] = result }
    }
    return outputs.map { values[$0]! }
  }

  /// A choice between two functions of x by comparing x with a number c, as piecewise activations are made: moves as its
  /// pieces do, and as the jump at c does.
  private func joinedPieces(_ node: Node, _ values: [Motion?], _ makers: [ValueID: Node]) -> Movement? {
    guard case .select = node.primitive, let condition = makers[node.inputs[0]],
      case .compare(let comparison) = condition.primitive, let edge = values[condition.inputs[1]]?.value,
      case .moving(let x)? = values[condition.inputs[0]]
    else { return nil }
    let isUpper: Bool
    switch comparison {
    case .greater, .greaterEqual: isUpper = true
    case .less, .lessEqual: isUpper = false
    case .equal, .notEqual: return nil
    }
    let (above, below) = isUpper ? (node.inputs[1], node.inputs[2]) : (node.inputs[2], node.inputs[1])
    func atEdge(_ id: ValueID) -> Tensor? { value(of: id, ifValue: condition.inputs[0], is: edge, values, makers) }
    guard let high = atEdge(above), let low = atEdge(below) else { return nil }
    let (up, down) = ((high .> low).cast(to: .float32), (high .< low).cast(to: .float32))
    let jump = Movement(x.rises * up + x.falls * down, x.rises * down + x.falls * up)
    return values[above]!.movement.joined(values[below]!.movement).joined(jump)
  }

  /// A value that follows elementwise from one value and known ones.
  private func value(
    of id: ValueID, ifValue root: ValueID, is replacement: Tensor, _ values: [Motion?], _ makers: [ValueID: Node]
  ) -> Tensor? {
    if id == root { return replacement }
    if let known = values[id]?.value { return known }
    guard let node = makers[id] else { return nil }
    guard node.primitive.isElementwise || node.primitive == .stopGradient else { return nil }
    var operands: [Tensor] = []
    for input in node.inputs {
      guard let operand = value(of: input, ifValue: root, is: replacement, values, makers) else { return nil }
      operands.append(operand)
    }
    return emit(node.primitive, operands)[0]
  }
}

/// What is known of a value: its elements, or how it moves.
private enum Motion {
  case fixed(Tensor)
  case moving(Movement)

  var movement: Movement {
    switch self {
    case .fixed(let value): .nothing(value.shape)
    case .moving(let movement): movement
    }
  }
  var value: Tensor? { if case .fixed(let value) = self { value } else { nil } }
}

extension Primitive {
  fileprivate func followed(_ operands: [Motion], _ types: [TensorType]) -> [Motion] {
    let values = operands.compactMap(\.value)
    if values.count == operands.count { return emit(self, values).map { .fixed($0) } }
    let unknown = types.map { Motion.moving(.anything($0.shape)) }
    let moves = operands.map(\.movement)
    func one(_ movement: Movement) -> [Motion] { [.moving(movement)] }
    /// The same primitive applied to where things move.
    func same() -> [Motion] { one(moves[0].mapped { emit(self, $0) }) }
    /// A product of a value that moves with one that is known.
    func product(_ multiply: (_ moving: Tensor, _ known: Tensor) -> Tensor, _ moving: Movement, _ known: Tensor)
      -> [Motion]
    {
      let (positive, negative) = ((known .> 0).cast(to: .float32), (known .< 0).cast(to: .float32))
      return one(
        Movement(
          multiply(moving.rises, positive) + multiply(moving.falls, negative),
          multiply(moving.falls, positive) + multiply(moving.rises, negative)))
    }
    func bilinear() -> [Motion] {
      if let known = operands[1].value { return product({ emit(self, $0, $1) }, moves[0], known) }
      if let known = operands[0].value { return product({ emit(self, $1, $0) }, moves[1], known) }
      return unknown
    }
    switch self {
    case .constant, .iota, .randomBits: return unknown
    case .unary(let function):
      switch function {
      case .exp, .expm1, .log, .log1p, .sqrt, .tanh, .sinh, .asinh, .acosh, .atanh, .asin, .atan, .erf, .erfInverse,
        .logistic, .sign, .floor, .ceil, .round:
        return one(moves[0])
      case .negate, .erfc, .acos, .rsqrt: return one(moves[0].reversed)
      case .not: return types[0].dtype == .bool ? one(moves[0].reversed) : unknown
      case .abs, .sin, .cos, .tan, .cosh, .lgamma, .isFinite: return unknown
      }
    case .polygamma: return unknown
    case .binary(let function):
      switch function {
      case .add, .maximum, .minimum: return one(moves[0].joined(moves[1]))
      case .subtract: return one(moves[0].joined(moves[1].reversed))
      case .multiply: return bilinear()
      case .divide: return operands[1].value.map { product(*, moves[0], $0) } ?? unknown
      case .and, .or: return types[0].dtype == .bool ? one(moves[0].joined(moves[1])) : unknown
      case .remainder, .power, .atan2, .xor, .shiftLeft, .shiftRight: return unknown
      }
    case .compare(let comparison):
      switch comparison {
      case .greater, .greaterEqual: return one(moves[0].joined(moves[1].reversed))
      case .less, .lessEqual: return one(moves[1].joined(moves[0].reversed))
      case .equal, .notEqual: return unknown
      }
    case .select:
      guard let condition = operands[0].value else { return unknown }
      return one(
        Movement(
          .select(condition, moves[1].rises, moves[2].rises), .select(condition, moves[1].falls, moves[2].falls)))
    case .cast(let dtype): return dtype == .bool ? unknown : one(moves[0])
    case .stopGradient: return one(moves[0])
    case .dot, .convolution: return bilinear()
    case .reduce(let reduction, let axes):
      return reduction == .product ? unknown : one(moves[0].mapped { emit(.reduce(.max, axes: axes), $0) })
    case .cumulative(let reduction, let axis, let reverse):
      return reduction == .product
        ? unknown : one(moves[0].mapped { emit(.cumulative(.max, axis: axis, reverse: reverse), $0) })
    case .windowReduce(let reduction, let window):
      return reduction == .product ? unknown : one(moves[0].mapped { emit(.windowReduce(.max, window), $0) })
    case .reshape, .transpose, .broadcast, .slice, .pad, .reverse: return same()
    case .concatenate:
      return one(Movement(emit(self, moves.map(\.rises))[0], emit(self, moves.map(\.falls))[0]))
    case .gather:
      return operands[1].value.map { indices in one(moves[0].mapped { emit(self, $0, indices) }) } ?? unknown
    case .scatterAdd:
      guard let indices = operands[1].value else { return unknown }
      return one(
        Movement(
          emit(self, [moves[0].rises, indices, moves[2].rises])[0],
          emit(self, [moves[0].falls, indices, moves[2].falls])[0]))
    case .splineSum, .argReduce, .windowArgMax, .argSort, .argTopK, .fourier, .realFourier, .inverseRealFourier,
      .cholesky,
      .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant, .scan:
      return unknown
    case .custom(let custom): return custom.function.followed(operands)
    case .checkpoint(let graph): return graph.followed(operands)
    }
  }
}

/// Whether a function keeps the order of its inputs: `x ≤ y` in every element implies `f(x) ≤ f(y)`.
public enum OrderPreservation: Sendable {
  /// By the signs of all paths.
  case proven
  /// Two inputs, `low ≤ high` in every element, with an output that falls by `drop`.
  case refuted(low: Tensor, high: Tensor, drop: Double)
  /// Some path may fall, but no pair of inputs that shows it was found.
  case undecided

  /// Follows the signs through the graph; if they leave it open, tries pairs of inputs.
  /// - `shape`: of one input, the batch axis first and of any length.
  /// - `range`: where inputs are tried.
  public init(
    _ shape: Shape, range: ClosedRange<Double> = -2...2, tries: Int = 64, key: Key = Key(0),
    _ function: @escaping (Tensor) -> Tensor
  ) {
    require(shape.rank > 0, "order preservation wants a batch axis")
    let sample = Shape([1] + shape.dimensions.dropFirst())
    let graph = Graph(tracing: [TensorType(shape: sample)]) { [function($0[0])] }
    if graph.movement()[0].isNonDecreasing {
      self = .proven
      return
    }
    let batch = Shape([256] + shape.dimensions.dropFirst())
    let size = batch.elementCount / 256
    let compiled = compile(function)
    for t in 0..<tries {
      let keys = key.folding(t).split(4)
      let low = Tensor.uniform(batch, low: range.lowerBound, high: range.upperBound, key: keys[0])
      // Half the pairs differ in one element, half in all.
      let chosen = Tensor.randomIntegers([256], in: 0..<size, key: keys[1]).oneHot(size).reshape(batch)
      let single = (Tensor.iota(batch, axis: 0) .< 128).cast(to: .float32)
      let step = Tensor.uniform(batch, high: t % 2 == 0 ? 1 : 0.1, key: keys[2])
      let high = low + step * (single * chosen + (1 - single))
      let (a, b) = (compiled(low), compiled(high))
      let drops = (a - b).reshape([256, -1]).max([1])
      let worst = drops.argMax().item(as: Int.self)
      let drop = drops[worst].scalar
      // Rounding alone makes tiny differences.
      if drop > 1e-4 * Swift.max(1, a.abs().max().scalar) {
        self = .refuted(low: low[worst], high: high[worst], drop: drop)
        return
      }
    }
    self = .undecided
  }
}
