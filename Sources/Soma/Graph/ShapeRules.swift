extension Primitive {
  /// The types of the results for operands of the given types. A mismatch is a programmer's mistake and stops with a
  /// message that names the operation, the shapes and the layer.
  func outputTypes(_ operands: [TensorType]) -> [TensorType] {
    func check(_ condition: Bool, _ requirement: @autoclosure () -> String) {
      guard !condition else { return }
      let place = Tracer.scopePath.isEmpty ? "" : " in \(Tracer.scopePath)"
      let types = operands.map(\.description).joined(separator: ", ")
      fatalError("\(name)(\(types))\(place): \(requirement())")
    }
    func expect(_ count: Int) { check(operands.count == count, "wants \(count) operands") }
    func expectSquare(_ type: TensorType) {
      check(type.shape.rank >= 2 && type.shape[-1] == type.shape[-2], "wants square matrices")
    }
    func expectReal(_ type: TensorType) {
      check(type.dtype == .float32 || type.dtype == .float64, "wants float32 or float64")
    }

    switch self {
    case .constant(let constant):
      return [constant.type]
    case .iota(let type, let axis):
      check(axis >= 0 && axis < type.shape.rank, "axis \(axis) does not exist")
      return [type]
    case .randomBits(let shape):
      expect(1)
      check(operands[0] == TensorType(shape: [2], dtype: .int32), "wants a key of two int32 words")
      return [TensorType(shape: shape, dtype: .int32)]

    case .unary(let function):
      expect(1)
      let x = operands[0]
      switch function {
      case .isFinite: return [TensorType(shape: x.shape, dtype: .bool)]
      case .not: check(!x.dtype.isFloating, "wants bool or integers")
      case .negate, .abs, .sign, .floor, .ceil, .round: check(x.dtype != .bool, "wants numbers")
      case .exp, .expm1, .log, .log1p, .sqrt, .rsqrt, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh,
        .asinh,
        .acosh, .atanh, .erf, .erfc, .erfInverse, .lgamma, .logistic:
        check(x.dtype.isFloating, "wants floating numbers")
      }
      return [x]
    case .polygamma(let order):
      expect(1)
      check(order >= 0 && operands[0].dtype.isFloating, "wants an order ≥ 0 and floating numbers")
      return [operands[0]]
    case .binary(let function):
      expect(2)
      check(operands[0] == operands[1], "wants operands of one type")
      check(function.accepts(operands[0].dtype), "is not defined for \(operands[0].dtype)")
      return [operands[0]]
    case .compare:
      expect(2)
      check(operands[0] == operands[1], "wants operands of one type")
      return [TensorType(shape: operands[0].shape, dtype: .bool)]
    case .select:
      expect(3)
      check(operands[0].dtype == .bool && operands[1] == operands[2], "wants bool and two operands of one type")
      check(operands[0].shape == operands[1].shape, "wants a condition of the operands' shape")
      return [operands[1]]
    case .cast(let dtype):
      expect(1)
      return [TensorType(shape: operands[0].shape, dtype: dtype)]
    case .stopGradient:
      expect(1)
      return [operands[0]]

    case .dot(let dot):
      expect(2)
      let (a, b) = (operands[0], operands[1])
      check(a.dtype == b.dtype && a.dtype.hasProducts, "wants float32, float64, int32 or int64 on both sides")
      check(
        dot.leftBatch.map { a.shape[$0] } == dot.rightBatch.map { b.shape[$0] }, "the batch axes have other lengths")
      check(
        dot.leftContracted.map { a.shape[$0] } == dot.rightContracted.map { b.shape[$0] },
        "cannot multiply: the contracted axes have other lengths")
      let shape =
        dot.leftBatch.map { a.shape[$0] } + dot.leftFree(rank: a.shape.rank).map { a.shape[$0] }
        + dot.rightFree(rank: b.shape.rank).map { b.shape[$0] }
      return [TensorType(shape: Shape(shape), dtype: a.dtype)]
    case .convolution(let c, let role):
      expect(2)
      let (a, b) = (operands[0].shape, operands[1].shape)
      let rank = c.kernelSize.count
      check(
        operands[0].dtype == operands[1].dtype && operands[0].dtype.hasProducts,
        "wants float32, float64, int32 or int64 on both sides")
      check((1...3).contains(rank) && a.rank == rank + 2 && b.rank == rank + 2, "wants 1 to 3 spatial axes")
      check(c.outputSize.allSatisfy { $0 > 0 }, "the kernel is larger than the padded input \(c.inputSize)")
      let shape: [Int]
      switch role {
      case .output:
        check(
          a[1] == b[1] * c.groups && b[0] % c.groups == 0, "input channels \(a[1]), kernel \(b), groups \(c.groups)")
        check(Array(a[2...]) == c.inputSize && Array(b[2...]) == c.kernelSize, "sizes differ from the description")
        shape = [a[0], b[0]] + c.outputSize
      case .input:
        check(a[1] == b[0] && b[0] % c.groups == 0, "output channels \(a[1]), kernel \(b), groups \(c.groups)")
        check(Array(a[2...]) == c.outputSize && Array(b[2...]) == c.kernelSize, "sizes differ from the description")
        shape = [a[0], b[1] * c.groups] + c.inputSize
      case .kernel:
        check(a[0] == b[0] && a[1] % c.groups == 0 && b[1] % c.groups == 0, "batches or channels differ")
        check(Array(a[2...]) == c.inputSize && Array(b[2...]) == c.outputSize, "sizes differ from the description")
        shape = [b[1], a[1] / c.groups] + c.kernelSize
      }
      return [TensorType(shape: Shape(shape), dtype: operands[0].dtype)]

    case .splineSum(let sum, let role):
      check(operands.count == 4 || (operands.count == 3 && role != .weights), "wants 3 or 4 operands")
      expectReal(operands[0])
      check(operands.allSatisfy { $0.dtype == operands[0].dtype }, "wants operands of one type")
      let (x, knots, third) = (operands[0].shape, operands[1].shape, operands[2].shape)
      check(x.rank == 3 && knots.rank == 3, "wants x [b, s, i] and knots [b, i, k]")
      let splines = knots[2] - sum.order - 1
      check(
        (0...SplineSum.highestOrder).contains(sum.order) && sum.derivative <= sum.order && splines > sum.order
          && knots[0] == x[0] && knots[1] == x[2] && knots[2] <= SplineSum.mostKnots,
        "wants an order up to \(SplineSum.highestOrder) and up to \(SplineSum.mostKnots) knots for each input, not order "
          + "\(sum.order) and knots \(knots)")
      let result: Shape
      switch role {
      case .output:
        check(third.rank == 4 && Array(third[..<3]) == [x[0], x[2], splines], "wants coefficients [b, i, r, o]")
        result = [x[0], x[1], third[3]]
      case .coefficients:
        check(third.rank == 3 && third[0] == x[0] && third[1] == x[1], "wants cotangents [b, s, o]")
        result = [x[0], x[2], splines, third[2]]
      case .weights:
        check(third.rank == 4 && Array(third[..<3]) == [x[0], x[2], splines], "wants coefficients [b, i, r, o]")
        check(operands[3].shape == [x[0], x[1], third[3]], "wants cotangents [b, s, o]")
        result = x
      }
      if operands.count == 4, role != .weights { check(operands[3].shape == x, "wants weights of x's shape") }
      return [TensorType(shape: result, dtype: operands[0].dtype)]

    case .reduce(let reduction, let axes):
      expect(1)
      let x = operands[0]
      check(axes.allSatisfy { $0 >= 0 && $0 < x.shape.rank } && Set(axes).count == axes.count, "axes \(axes)")
      check(x.dtype != .bool || reduction == .max || reduction == .min, "wants numbers")
      return [TensorType(shape: x.shape.removing(axes: axes), dtype: x.dtype)]
    case .argReduce(_, let axis):
      expect(1)
      let shape = operands[0].shape
      check(axis >= 0 && axis < shape.rank, "axis \(axis) does not exist")
      check(shape[axis] > 0 || shape.elementCount == 0, "has no element along axis \(axis)")
      return [TensorType(shape: shape.removing(axes: [axis]), dtype: .int32)]
    case .cumulative(_, let axis, _):
      expect(1)
      check(axis >= 0 && axis < operands[0].shape.rank && operands[0].dtype != .bool, "axis \(axis)")
      return [operands[0]]
    case .windowReduce(_, let window):
      expect(1)
      check(operands[0].dtype != .bool, "wants numbers")
      return [TensorType(shape: windowed(operands[0].shape, window, check), dtype: operands[0].dtype)]
    case .windowArgMax(let window):
      expect(1)
      return [TensorType(shape: windowed(operands[0].shape, window, check), dtype: .int32)]

    case .reshape(let shape):
      expect(1)
      check(shape.elementCount == operands[0].shape.elementCount, "cannot become \(shape)")
      return [TensorType(shape: shape, dtype: operands[0].dtype)]
    case .transpose(let permutation):
      expect(1)
      let shape = operands[0].shape
      check(permutation.sorted() == Array(0..<shape.rank), "\(permutation) is no order of the axes")
      return [TensorType(shape: Shape(permutation.map { shape[$0] }), dtype: operands[0].dtype)]
    case .broadcast(let shape, let axes):
      expect(1)
      let x = operands[0].shape
      check(axes.count == x.rank && zip(axes, axes.dropFirst()).allSatisfy { $0 < $1 }, "axes \(axes)")
      check(
        axes.allSatisfy { $0 >= 0 && $0 < shape.rank } && zip(axes, x).allSatisfy { shape[$0] == $1 },
        "does not broadcast to \(shape) at axes \(axes)")
      return [TensorType(shape: shape, dtype: operands[0].dtype)]
    case .slice(let starts, let limits, let strides):
      expect(1)
      let x = operands[0].shape
      check(starts.count == x.rank && limits.count == x.rank && strides.count == x.rank, "wants a range for each axis")
      let shape = x.indices.map { i -> Int in
        check(
          0 <= starts[i] && starts[i] <= limits[i] && limits[i] <= x[i] && strides[i] > 0,
          "\(starts[i])..<\(limits[i]) by \(strides[i]) lies outside axis \(i)")
        return (limits[i] - starts[i] + strides[i] - 1) / strides[i]
      }
      return [TensorType(shape: Shape(shape), dtype: operands[0].dtype)]
    case .pad(let low, let high, let interior):
      expect(1)
      let x = operands[0].shape
      check(low.count == x.rank && high.count == x.rank && interior.count == x.rank, "wants padding for each axis")
      check((low + high + interior).allSatisfy { $0 >= 0 }, "wants padding ≥ 0")
      let shape = x.indices.map { low[$0] + high[$0] + x[$0] + Swift.max(x[$0] - 1, 0) * interior[$0] }
      return [TensorType(shape: Shape(shape), dtype: operands[0].dtype)]
    case .concatenate(let axis):
      check(!operands.isEmpty, "wants operands")
      let first = operands[0]
      check(axis >= 0 && axis < first.shape.rank, "axis \(axis) does not exist")
      for other in operands {
        check(
          other.dtype == first.dtype && other.shape.rank == first.shape.rank
            && other.shape.removing(axes: [axis]) == first.shape.removing(axes: [axis]),
          "shapes may differ along axis \(axis) only")
      }
      let length = operands.reduce(0) { $0 + $1.shape[axis] }
      return [TensorType(shape: first.shape.replacing(axis: axis, with: length), dtype: first.dtype)]
    case .reverse(let axes):
      expect(1)
      check(axes.allSatisfy { $0 >= 0 && $0 < operands[0].shape.rank }, "axes \(axes)")
      return [operands[0]]
    case .gather(let axis, let batch):
      expect(2)
      let (x, indices) = (operands[0].shape, operands[1].shape)
      check(operands[1].dtype == .int32 || operands[1].dtype == .int64, "wants int32 or int64 indices")
      check(batch <= axis && axis < x.rank && batch <= indices.rank, "axis \(axis), batch axes \(batch)")
      check(Array(x[..<batch]) == Array(indices[..<batch]), "the batch axes have other lengths")
      let shape = Array(x[..<axis]) + Array(indices[batch...]) + Array(x[(axis + 1)...])
      return [TensorType(shape: Shape(shape), dtype: operands[0].dtype)]
    case .scatterAdd(let axis, let batch):
      expect(3)
      let expected = Primitive.gather(axis: axis, batchAxes: batch).outputTypes(Array(operands[..<2]))[0]
      check(operands[2] == expected, "wants updates of type \(expected)")
      check(operands[0].dtype != .bool, "wants numbers")
      return [operands[0]]
    case .argSort(let axis, _):
      expect(1)
      check(axis >= 0 && axis < operands[0].shape.rank, "axis \(axis) does not exist")
      return [TensorType(shape: operands[0].shape, dtype: .int32)]
    case .argTopK(let k):
      expect(1)
      let shape = operands[0].shape
      check(shape.rank > 0 && k >= 0 && k <= shape.last, "k = \(k)")
      return [TensorType(shape: shape.replacing(axis: shape.rank - 1, with: k), dtype: .int32)]

    case .fourier(_, let axis):
      expect(2)
      expectReal(operands[0])
      check(operands[0] == operands[1] && axis >= 0 && axis < operands[0].shape.rank, "wants two parts of one type")
      return operands
    case .realFourier(let axis):
      expect(1)
      expectReal(operands[0])
      check(axis >= 0 && axis < operands[0].shape.rank && operands[0].shape[axis] > 0, "axis \(axis)")
      let shape = operands[0].shape
      let half = TensorType(shape: shape.replacing(axis: axis, with: shape[axis] / 2 + 1), dtype: operands[0].dtype)
      return [half, half]
    case .inverseRealFourier(let axis, let length):
      expect(2)
      expectReal(operands[0])
      check(operands[0] == operands[1] && axis >= 0 && axis < operands[0].shape.rank, "wants two parts of one type")
      check(length > 0 && operands[0].shape[axis] == length / 2 + 1, "wants \(length / 2 + 1) bins along axis \(axis)")
      return [TensorType(shape: operands[0].shape.replacing(axis: axis, with: length), dtype: operands[0].dtype)]

    case .cholesky:
      expect(1)
      expectReal(operands[0])
      expectSquare(operands[0])
      return [operands[0]]
    case .triangularSolve, .solve:
      expect(2)
      expectReal(operands[0])
      expectSquare(operands[0])
      let (a, b) = (operands[0], operands[1])
      check(
        a.dtype == b.dtype && b.shape.rank == a.shape.rank && b.shape[-2] == a.shape[-1]
          && a.shape.dropLast(2).elementsEqual(b.shape.dropLast(2)), "wants right sides [..., \(a.shape[-1]), m]")
      return [b]
    case .symmetricEigen:
      expect(1)
      expectReal(operands[0])
      expectSquare(operands[0])
      return [TensorType(shape: Shape(operands[0].shape.dropLast()), dtype: operands[0].dtype), operands[0]]
    case .singularValues:
      expect(1)
      expectReal(operands[0])
      check(operands[0].shape.rank >= 2, "wants matrices")
      let (batch, m, n) = operands[0].shape.asMatrices
      let k = Swift.min(m, n)
      return [batch + [m, k], batch + [k], batch + [k, n]].map { TensorType(shape: $0, dtype: operands[0].dtype) }
    case .qr:
      expect(1)
      expectReal(operands[0])
      check(operands[0].shape.rank >= 2, "wants matrices")
      let (batch, m, n) = operands[0].shape.asMatrices
      let k = Swift.min(m, n)
      return [batch + [m, k], batch + [k, n]].map { TensorType(shape: $0, dtype: operands[0].dtype) }
    case .logDeterminant:
      expect(1)
      expectReal(operands[0])
      expectSquare(operands[0])
      let result = TensorType(shape: Shape(operands[0].shape.dropLast(2)), dtype: operands[0].dtype)
      return [result, result]

    case .scan(let scan):
      let carries = Array(operands.prefix(scan.carries))
      check(operands.count == scan.body.inputs.count, "wants \(scan.body.inputs.count) operands")
      for (i, (operand, expected)) in zip(operands, scan.body.inputTypes).enumerated() {
        let isSequence = i >= scan.carries && i < scan.carries + scan.sequences
        let type =
          isSequence ? TensorType(shape: [scan.length] + expected.shape, dtype: expected.dtype) : expected
        check(operand == type, "operand \(i) should be \(type)")
      }
      let results = scan.body.outputTypes
      check(Array(results.prefix(scan.carries)) == carries, "the body must return carries of the types it takes")
      return carries
        + results.dropFirst(scan.carries).map { TensorType(shape: [scan.length] + $0.shape, dtype: $0.dtype) }
    case .custom(let custom):
      check(operands == custom.function.inputTypes, "wants \(custom.function.inputTypes)")
      return custom.function.outputTypes
    case .checkpoint(let graph):
      check(operands == graph.inputTypes, "wants \(graph.inputTypes)")
      return graph.outputTypes
    }
  }

  private func windowed(_ shape: Shape, _ window: Window, _ check: (Bool, @autoclosure () -> String) -> Void) -> Shape {
    let k = window.size.count
    check((1...3).contains(k) && shape.rank >= k, "wants 1 to 3 windowed axes")
    let size = window.outputSize(Array(shape.suffix(k)))
    check(size.allSatisfy { $0 > 0 }, "the window \(window.size) is larger than the padded input \(shape)")
    return Shape(Array(shape.dropLast(k)) + size)
  }

  /// The primitive's name, as graphs print it and errors quote it.
  public var name: String {
    switch self {
    case .constant: "constant"
    case .iota: "iota"
    case .randomBits: "randomBits"
    case .unary(let function): "\(function)"
    case .polygamma(let order): order == 0 ? "digamma" : "polygamma\(order)"
    case .binary(let function): "\(function)"
    case .compare(let comparison): "\(comparison)"
    case .select: "select"
    case .cast(let dtype): "cast.\(dtype)"
    case .stopGradient: "stopGradient"
    case .dot: "dot"
    case .convolution(_, let role):
      switch role {
      case .output: "convolution"
      case .input: "convolution.input"
      case .kernel: "convolution.kernel"
      }
    case .splineSum(_, let role):
      switch role {
      case .output: "splineSum"
      case .coefficients: "splineSum.coefficients"
      case .weights: "splineSum.weights"
      }
    case .reduce(let reduction, _): "reduce.\(reduction)"
    case .argReduce(let largest, _): largest ? "argMax" : "argMin"
    case .cumulative(let reduction, _, _): "cumulative.\(reduction)"
    case .windowReduce(let reduction, _): "window.\(reduction)"
    case .windowArgMax: "window.argMax"
    case .reshape: "reshape"
    case .transpose: "transpose"
    case .broadcast: "broadcast"
    case .slice: "slice"
    case .pad: "pad"
    case .concatenate: "concatenate"
    case .reverse: "reverse"
    case .gather: "gather"
    case .scatterAdd: "scatterAdd"
    case .argSort: "argSort"
    case .argTopK: "argTopK"
    case .fourier(let inverse, _): inverse ? "inverseFourier" : "fourier"
    case .realFourier: "realFourier"
    case .inverseRealFourier: "inverseRealFourier"
    case .cholesky: "cholesky"
    case .triangularSolve: "triangularSolve"
    case .symmetricEigen: "symmetricEigen"
    case .singularValues: "singularValues"
    case .qr: "qr"
    case .solve: "solve"
    case .logDeterminant: "logDeterminant"
    case .scan: "scan"
    case .custom(let custom): custom.name
    case .checkpoint: "checkpoint"
    }
  }
}

extension DType {
  /// Whether products and convolutions are made in the type itself.
  var hasProducts: Bool { self == .float32 || self == .float64 || self == .int32 || self == .int64 }
  /// The type in which products of narrower numbers are made; the result is converted back (integers wrap).
  var forProducts: DType { hasProducts ? self : self == .bfloat16 ? .float32 : .int32 }
}

extension Binary {
  func accepts(_ dtype: DType) -> Bool {
    switch self {
    case .add, .multiply, .maximum, .minimum: true
    case .subtract, .divide, .remainder, .power: dtype != .bool
    case .atan2: dtype.isFloating
    case .and, .or, .xor: !dtype.isFloating
    case .shiftLeft, .shiftRight: dtype.isInteger
    }
  }
}

extension Shape {
  /// The leading axes, and the rows and columns of the last two.
  var asMatrices: (batch: Shape, rows: Int, columns: Int) { (Shape(dropLast(2)), self[-2], self[-1]) }

  /// Products of the lengths before, of, and after `axis`.
  func split(at axis: Int) -> (outer: Int, length: Int, inner: Int) {
    (self[..<axis].reduce(1, *), self[axis], self[(axis + 1)...].reduce(1, *))
  }
}
