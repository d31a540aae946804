import Soma

/// Each primitive in the standard's operators.
extension ONNXWriter {
  mutating func write(
    _ primitive: Primitive, _ x: [String], _ types: [TensorType], _ results: [TensorType]
  ) throws -> [String] {
    func refused(_ why: String = "has no meaning in the standard") -> ONNXError {
      ONNXError(.unsupported, "\(primitive.name) \(why)")
    }
    switch primitive {
    case .constant(let value): return [constant(value.tensor)]
    case .iota(let type, let axis):
      let counts = Tensor((0..<type.shape[axis]).map { Int64($0) }).cast(to: type.dtype)
      let shape = type.shape.indices.map { $0 == axis ? type.shape[axis] : 1 }
      return [add("Expand", [constant(counts.reshape(Shape(shape))), list(type.shape.dimensions)])]
    case .randomBits: throw refused()

    case .unary(let function): return [try unary(function, x[0], types[0])]
    case .polygamma: throw refused()
    case .binary(let function): return [try binary(function, x[0], x[1], types[0])]
    case .compare(let comparison): return [compare(comparison, x[0], x[1], types[0])]
    case .select: return [add("Where", x)]
    case .cast(let dtype): return [cast(x[0], dtype)]
    case .stopGradient: return [add("Identity", x)]

    case .dot(let dot): return [product(dot, x, types)]
    case .convolution(let c, let role): return [try convolution(c, role, x, types)]
    case .splineSum(let sum, let role): return try inline(sum.spelledOut(role, types), x)

    case .reduce(let reduction, let axes):
      let name = ["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"][Int(reduction.rawValue)]
      guard !axes.isEmpty else { return [add("Identity", x)] }
      let settings: [String: Setting] = ["keepdims": .int(0)]
      guard types[0].dtype == .bool else { return [add(name, [x[0], list(axes)], settings)] }
      return [cast(add(name, [cast(x[0], .int32), list(axes)], settings), .bool)]
    case .argReduce(let largest, let axis):
      let index = add(largest ? "ArgMax" : "ArgMin", x, ["axis": .int(axis), "keepdims": .int(0)])
      return [cast(index, .int32)]
    case .cumulative(let reduction, let axis, let reverse):
      guard reduction == .sum else { throw refused("is in newer versions of the standard only") }
      return [add("CumSum", [x[0], constant(Tensor(axis, dtype: .int64))], ["reverse": .int(reverse ? 1 : 0)])]
    case .windowReduce(let reduction, let window): return [try pooled(reduction, window, x[0], types[0], results[0])]
    case .windowArgMax(let window):
      let (flat, settings) = poolOperand(window, x[0], types[0])
      let index = add("MaxPool", [flat], settings, count: 2)[1]
      let k = window.size.count
      let size = types[0].shape.suffix(k).reduce(1, *)
      let lead = types[0].shape.dropLast(k).reduce(1, *)
      // The standard counts through all channels.
      let offsets = Tensor((0..<lead).map { Int64($0 * size) }).reshape(Shape([1, lead] + window.size.map { _ in 1 }))
      return [cast(reshaped(add("Sub", [index, constant(offsets)]), results[0].shape.dimensions), .int32)]

    case .reshape(let shape): return [reshaped(x[0], shape.dimensions)]
    case .transpose(let order): return [add("Transpose", x, ["perm": .ints(order)])]
    case .broadcast(let shape, let axes):
      var aligned = [Int](repeating: 1, count: shape.rank)
      for (axis, length) in zip(axes, types[0].shape) { aligned[axis] = length }
      return [add("Expand", [reshaped(x[0], aligned), list(shape.dimensions)])]
    case .slice(let starts, let limits, let strides):
      guard !starts.isEmpty else { return [add("Identity", x)] }
      return [add("Slice", [x[0], list(starts), list(limits), list(Array(starts.indices)), list(strides)])]
    case .pad(let low, let high, let interior): return [padded(x[0], types[0], low, high, interior)]
    case .concatenate(let axis): return [add("Concat", x, ["axis": .int(axis)])]
    case .reverse(let axes): return [reversed(x[0], axes)]
    case .gather(let axis, let batch): return [gathered(x, types, axis, batch)]
    case .scatterAdd(let axis, let batch): return [try scattered(x, types, axis, batch, refused())]
    case .argSort(let axis, let descending):
      let count = list([types[0].shape[axis]])
      let settings: [String: Setting] = ["axis": .int(axis), "largest": .int(descending ? 1 : 0)]
      return [cast(add("TopK", [x[0], count], settings, count: 2)[1], .int32)]
    case .argTopK(let k): return [cast(add("TopK", [x[0], list([k])], ["axis": .int(-1)], count: 2)[1], .int32)]

    case .fourier(let inverse, let axis):
      let parts = x.map { add("Unsqueeze", [$0, list([types[0].shape.rank])]) }
      let pair = add("Concat", parts, ["axis": .int(-1)])
      let length = types[0].shape[axis]
      var y = add("DFT", [pair, "", constant(Tensor(axis, dtype: .int64))], ["inverse": .int(inverse ? 1 : 0)])
      if inverse { y = add("Mul", [y, constant(Tensor(length, dtype: types[0].dtype))]) }
      return complexParts(y, types[0].shape.rank)
    case .realFourier(let axis):
      let operand = add("Unsqueeze", [x[0], list([types[0].shape.rank])])
      let y = add("DFT", [operand, "", constant(Tensor(axis, dtype: .int64))], ["onesided": .int(1)])
      return complexParts(y, types[0].shape.rank)
    case .inverseRealFourier: throw refused("is in newer versions of the standard only")

    case .cholesky, .triangularSolve, .symmetricEigen, .singularValues, .qr, .solve, .logDeterminant: throw refused()

    case .scan(let scan): return try loop(scan, x)
    case .custom(let custom): return try inline(custom.function, x)
    case .checkpoint(let graph): return try inline(graph, x)
    }
  }

  mutating func number(_ value: Double, _ type: TensorType) -> String {
    constant(Tensor(value, dtype: type.dtype))
  }

  private mutating func unary(_ function: Unary, _ x: String, _ type: TensorType) throws -> String {
    switch function {
    case .negate: return add("Neg", [x])
    case .abs: return add("Abs", [x])
    case .sign: return add("Sign", [x])
    case .floor: return type.dtype.isFloating ? add("Floor", [x]) : add("Identity", [x])
    case .ceil: return type.dtype.isFloating ? add("Ceil", [x]) : add("Identity", [x])
    case .round: return type.dtype.isFloating ? add("Round", [x]) : add("Identity", [x])
    case .exp: return add("Exp", [x])
    case .expm1:
      // 2t / (1 - t) with t = tanh(x/2) near zero, where the difference would lose digits.
      let one = number(1, type)
      let t = add("Tanh", [add("Mul", [x, number(0.5, type)])])
      let near = add("Div", [add("Add", [t, t]), add("Sub", [one, t])])
      let far = add("Sub", [add("Exp", [x]), one])
      return add("Where", [add("Less", [add("Abs", [x]), one]), near, far])
    case .log: return add("Log", [x])
    case .log1p:
      // log(u) x / (u - 1) with u = 1 + x as rounded. (Goldberg 1991)
      let one = number(1, type)
      let u = add("Add", [x, one])
      let difference = add("Sub", [u, one])
      let isTiny = add("Equal", [difference, number(0, type)])
      let safe = add("Where", [isTiny, one, difference])
      let corrected = add("Mul", [add("Log", [u]), add("Div", [x, safe])])
      let near = add("Where", [isTiny, x, corrected])
      return add("Where", [add("Less", [add("Abs", [x]), one]), near, add("Log", [u])])
    case .sqrt: return add("Sqrt", [x])
    case .rsqrt: return add("Reciprocal", [add("Sqrt", [x])])
    case .sin: return add("Sin", [x])
    case .cos: return add("Cos", [x])
    case .tan: return add("Tan", [x])
    case .asin: return add("Asin", [x])
    case .acos: return add("Acos", [x])
    case .atan: return add("Atan", [x])
    case .sinh: return add("Sinh", [x])
    case .cosh: return add("Cosh", [x])
    case .tanh: return add("Tanh", [x])
    case .asinh: return add("Asinh", [x])
    case .acosh: return add("Acosh", [x])
    case .atanh: return add("Atanh", [x])
    case .erf: return add("Erf", [x])
    case .erfc: return add("Sub", [number(1, type), add("Erf", [x])])
    case .lgamma: return try inline(Self.logarithmOfGamma(type), [x])[0]
    case .erfInverse: throw ONNXError(.unsupported, "\(function) has no meaning in the standard")
    case .logistic: return add("Sigmoid", [x])
    case .isFinite:
      guard type.dtype.isFloating else { return add("Equal", [x, x]) }
      return add("Not", [add("Or", [add("IsNaN", [x]), add("IsInf", [x])])])
    case .not: return add(type.dtype == .bool ? "Not" : "BitwiseNot", [x])
    }
  }

  /// Whether the remainder of a division lies on the other side of zero than the divisor.
  private mutating func crosses(_ remainder: String, _ divisor: String, _ type: TensorType) -> String {
    let zero = number(0, type)
    let differ = add("Xor", [add("Less", [remainder, zero]), add("Less", [divisor, zero])])
    return add("And", [differ, add("Not", [add("Equal", [remainder, zero])])])
  }

  private mutating func binary(_ function: Binary, _ a: String, _ b: String, _ type: TensorType) throws -> String {
    let isBool = type.dtype == .bool
    let isFloating = type.dtype.isFloating
    switch function {
    case .add: return add(isBool ? "Or" : "Add", [a, b])
    case .subtract: return add("Sub", [a, b])
    case .multiply: return add(isBool ? "And" : "Mul", [a, b])
    case .divide:
      if isFloating { return add("Div", [a, b]) }
      // The standard rounds towards zero and leaves division by zero open.
      let (zero, one) = (number(0, type), number(1, type))
      let isZero = add("Equal", [b, zero])
      let divisor = add("Where", [isZero, one, b])
      let quotient = add("Div", [a, divisor])
      let remainder = add("Sub", [a, add("Mul", [quotient, divisor])])
      let lower = add("Sub", [quotient, cast(crosses(remainder, divisor, type), type.dtype)])
      return add("Where", [isZero, zero, lower])
    case .remainder:
      if !isFloating { return add("Mod", [a, b]) }
      let remainder = add("Mod", [a, b], ["fmod": .int(1)])
      return add("Where", [crosses(remainder, b, type), add("Add", [remainder, b]), remainder])
    case .power: return add("Pow", [a, b])
    case .maximum: return add(isBool ? "Or" : "Max", [a, b])
    case .minimum: return add(isBool ? "And" : "Min", [a, b])
    case .atan2:
      return atan2(a, b, type)
    case .and: return add(isBool ? "And" : "BitwiseAnd", [a, b])
    case .or: return add(isBool ? "Or" : "BitwiseOr", [a, b])
    case .xor: return add(isBool ? "Xor" : "BitwiseXor", [a, b])
    case .shiftLeft, .shiftRight:
      guard type.dtype == .uint8 else { throw ONNXError(.unsupported, "shifts of signed integers") }
      return add("BitShift", [a, b], ["direction": .text(function == .shiftLeft ? "LEFT" : "RIGHT")])
    }
  }

  private mutating func compare(_ comparison: Comparison, _ a: String, _ b: String, _ type: TensorType) -> String {
    let isOrder = comparison != .equal && comparison != .notEqual
    let (x, y) = type.dtype == .bool && isOrder ? (cast(a, .int32), cast(b, .int32)) : (a, b)
    switch comparison {
    case .equal: return add("Equal", [x, y])
    case .notEqual: return add("Not", [add("Equal", [x, y])])
    case .less: return add("Less", [x, y])
    case .lessEqual: return add("LessOrEqual", [x, y])
    case .greater: return add("Greater", [x, y])
    case .greaterEqual: return add("GreaterOrEqual", [x, y])
    }
  }

  private mutating func product(_ dot: Dot, _ x: [String], _ types: [TensorType]) -> String {
    let (left, right) = (types[0].shape.rank, types[1].shape.rank)
    let batch = Array(0..<dot.leftBatch.count)
    if dot.leftBatch == batch, dot.rightBatch == batch, dot.leftContracted == [left - 1],
      dot.rightContracted == [batch.count], right == batch.count + 2,
      left == batch.count + 2 || batch.isEmpty && left > 1
    {
      return add("MatMul", x)
    }
    var letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")[...]
    func letter() -> Character { letters.popFirst() ?? "?" }
    var a = [Character](repeating: "?", count: left)
    var b = [Character](repeating: "?", count: right)
    for (i, j) in zip(dot.leftBatch + dot.leftContracted, dot.rightBatch + dot.rightContracted) {
      a[i] = letter()
      b[j] = a[i]
    }
    for i in a.indices where a[i] == "?" { a[i] = letter() }
    for j in b.indices where b[j] == "?" { b[j] = letter() }
    let shared = Set(dot.leftBatch + dot.leftContracted)
    let sharedRight = Set(dot.rightBatch + dot.rightContracted)
    let output =
      dot.leftBatch.map { a[$0] } + a.indices.filter { !shared.contains($0) }.map { a[$0] }
      + b.indices.filter { !sharedRight.contains($0) }.map { b[$0] }
    return add("Einsum", x, ["equation": .text("\(String(a)),\(String(b))->\(String(output))")])
  }

  private mutating func convolution(
    _ c: Convolution, _ role: Convolution.Role, _ x: [String], _ types: [TensorType]
  ) throws -> String {
    var settings: [String: Setting] = [
      "kernel_shape": .ints(c.kernelSize), "strides": .ints(c.strides), "dilations": .ints(c.dilations),
      "pads": .ints(c.low + c.high), "group": .int(c.groups),
    ]
    guard (c.low + c.high).allSatisfy({ $0 >= 0 }) else {
      throw ONNXError(.unsupported, "a convolution that cuts its operand")
    }
    switch role {
    case .output: return add("Conv", x, settings)
    case .input:
      settings["output_padding"] = .ints(
        c.inputSize.indices.map { i -> Int in
          let reach = (c.outputSize[i] - 1) * c.strides[i] + (c.kernelSize[i] - 1) * c.dilations[i] + 1
          return c.inputSize[i] - (reach - c.low[i] - c.high[i])
        })
      return add("ConvTranspose", x, settings)
    case .kernel:
      guard c.groups == 1 else { throw ONNXError(.unsupported, "the kernel's cotangent of a convolution in groups") }
      // Batch and channels change places, and so do strides and dilations; what a stride leaves over is cut off.
      let order = [1, 0] + c.inputSize.indices.map { $0 + 2 }
      let swapped = x.map { add("Transpose", [$0], ["perm": .ints(order)]) }
      settings["kernel_shape"] = .ints(c.outputSize)
      settings["strides"] = .ints(c.dilations)
      settings["dilations"] = .ints(c.strides)
      let whole = add("Conv", swapped, settings)
      let axes = c.kernelSize.indices.map { $0 + 2 }
      let cut = add("Slice", [whole, list(axes.map { _ in 0 }), list(c.kernelSize), list(axes)])
      return add("Transpose", [cut], ["perm": .ints(order)])
    }
  }

  /// The operand as one batch of channels, and the window's settings.
  private mutating func poolOperand(
    _ window: Window, _ x: String, _ type: TensorType
  ) -> (String, [String: Setting]) {
    let k = window.size.count
    let shape = [1, type.shape.dropLast(k).reduce(1, *)] + type.shape.suffix(k)
    return (
      reshaped(x, shape),
      [
        "kernel_shape": .ints(window.size), "strides": .ints(window.strides), "dilations": .ints(window.dilations),
        "pads": .ints(window.low + window.high),
      ]
    )
  }

  private mutating func pooled(
    _ reduction: Reduction, _ window: Window, _ x: String, _ type: TensorType, _ result: TensorType
  ) throws -> String {
    let operand = reduction == .min ? add("Neg", [x]) : x
    var (flat, settings) = poolOperand(window, operand, type)
    let y: String
    switch reduction {
    case .max: y = add("MaxPool", [flat], settings)
    case .min: y = add("Neg", [add("MaxPool", [flat], settings)])
    case .sum:
      settings["count_include_pad"] = .int(1)
      flat = add("AveragePool", [flat], settings)
      y = add("Mul", [flat, number(Double(window.size.reduce(1, *)), type)])
    case .product: throw ONNXError(.unsupported, "products of windows")
    }
    return reshaped(y, result.shape.dimensions)
  }

  private mutating func padded(
    _ x: String, _ type: TensorType, _ low: [Int], _ high: [Int], _ interior: [Int]
  ) -> String {
    let isBool = type.dtype == .bool
    var y = isBool ? cast(x, .uint8) : x
    var shape = type.shape.dimensions
    for (axis, gap) in interior.enumerated() where gap > 0 && shape[axis] > 1 {
      // Zeros behind each element on an axis of its own, then one axis again without the last zeros.
      let n = shape[axis]
      y = reshaped(y, Array(shape[...axis]) + [1] + Array(shape[(axis + 1)...]))
      var pads = [Int](repeating: 0, count: 2 * (shape.count + 1))
      pads[shape.count + 1 + axis + 1] = gap
      y = add("Pad", [y, list(pads)])
      shape[axis] = n * (gap + 1)
      y = add("Slice", [reshaped(y, shape), list([0]), list([n * (gap + 1) - gap]), list([axis])])
      shape[axis] -= gap
    }
    if (low + high).contains(where: { $0 != 0 }) { y = add("Pad", [y, list(low + high)]) }
    return isBool ? cast(y, .bool) : y
  }

  private mutating func gathered(_ x: [String], _ types: [TensorType], _ axis: Int, _ batch: Int) -> String {
    if batch == 0 { return add("Gather", x, ["axis": .int(axis)]) }
    // The axis behind the batch axes, points of one coordinate, then the axes between back in front.
    let rank = types[0].shape.rank
    let between = Array(batch..<axis)
    let order = Array(0..<batch) + [axis] + between + Array((axis + 1)..<rank)
    let operand = axis == batch ? x[0] : add("Transpose", [x[0]], ["perm": .ints(order)])
    let points = add("Unsqueeze", [x[1], list([types[1].shape.rank])])
    let wide = types[1].dtype == .int64 ? points : cast(points, .int64)
    let y = add("GatherND", [operand, wide], ["batch_dims": .int(batch)])
    guard axis != batch else { return y }
    let own = types[1].shape.rank - batch
    let ends = batch + own + between.count
    var back = Array(0..<batch)
    back += Array((batch + own)..<ends)
    back += Array(batch..<(batch + own))
    back += Array(ends..<(rank - 1 + own))
    return add("Transpose", [y], ["perm": .ints(back)])
  }

  private mutating func scattered(
    _ x: [String], _ types: [TensorType], _ axis: Int, _ batch: Int, _ refusal: ONNXError
  ) throws -> String {
    let (rank, own) = (types[0].shape.rank, types[1].shape.rank - batch)
    let wide = types[1].dtype == .int64 ? x[1] : cast(x[1], .int64)
    let settings: [String: Setting] = ["reduction": .text("add")]
    if batch == 0 {
      let order: [Int] = [axis] + Array(0..<axis) + Array((axis + 1)..<rank)
      let operand = axis == 0 ? x[0] : add("Transpose", [x[0]], ["perm": .ints(order)])
      let updateOrder: [Int] = Array(axis..<axis + own) + Array(0..<axis) + Array((axis + own)..<(rank - 1 + own))
      let updates = axis == 0 ? x[2] : add("Transpose", [x[2]], ["perm": .ints(updateOrder)])
      let points = add("Unsqueeze", [wide, list([own])])
      let y = add("ScatterND", [operand, points, updates], settings)
      guard axis != 0 else { return y }
      return add("Transpose", [y], ["perm": .ints(Array(1...axis) + [0] + Array((axis + 1)..<rank))])
    }
    guard batch == rank - 1, axis == batch, own == 1 else { throw refusal }
    return add("ScatterElements", [x[0], wide, x[2]], ["axis": .int(axis), "reduction": .text("add")])
  }

  private mutating func complexParts(_ y: String, _ rank: Int) -> [String] {
    (0..<2).map { i in
      add("Gather", [y, constant(Tensor(i, dtype: .int64))], ["axis": .int(rank)])
    }
  }
}
