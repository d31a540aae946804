/// Everything a graph can compute. Each transform, reading and lowering is one exhaustive `switch` over these cases, so
/// a new primitive makes the compiler list every rule that is missing. Composites belong in `Tensor`'s operations.
///
/// Elementwise primitives take operands of one shape: `broadcast` makes stretching explicit.
public indirect enum Primitive: Hashable, Sendable {
  // Sources
  /// A tensor known when the graph was made.
  case constant(Constant)
  /// Counts 0, 1, 2 … along `axis`.
  case iota(TensorType, axis: Int)
  /// Uniform 32-bit words (as `int32`) of a shape, from a key of shape [2]; Threefry-2x32-20.
  case randomBits(Shape)

  // Elementwise
  case unary(Unary)
  /// The polygamma function of an order; 0 is digamma.
  case polygamma(Int)
  case binary(Binary)
  case compare(Comparison)
  /// (bool condition, then, otherwise)
  case select
  case cast(DType)
  /// The identity, with derivative zero.
  case stopGradient

  // Contractions
  case dot(Dot)
  case convolution(Convolution, Convolution.Role)
  /// Sums of B-splines, from the few that are not zero.
  case splineSum(SplineSum, SplineSum.Role)

  // Reductions
  case reduce(Reduction, axes: [Int])
  /// Index (`int32`) of the first largest or smallest element along an axis.
  case argReduce(largest: Bool, axis: Int)
  case cumulative(Reduction, axis: Int, reverse: Bool)
  case windowReduce(Reduction, Window)
  /// Index (`int32`), flat over the windowed axes, of each window's first largest element; -1 for an empty window.
  case windowArgMax(Window)

  // Structure
  case reshape(Shape)
  /// Output axis `i` is input axis `permutation[i]`.
  case transpose([Int])
  /// Input axis `i` becomes output axis `axes[i]` (ascending); the other output axes repeat.
  case broadcast(Shape, axes: [Int])
  case slice(starts: [Int], limits: [Int], strides: [Int])
  /// Zeros around the tensor and, `interior`, between its elements.
  case pad(low: [Int], high: [Int], interior: [Int])
  case concatenate(axis: Int)
  case reverse(axes: [Int])
  /// (operand, indices): takes positions along `axis`. The first `batchAxes` axes of both run together; the other axes
  /// of the indices replace `axis`. An index out of range gives zero.
  case gather(axis: Int, batchAxes: Int)
  /// (operand, indices, updates): the operand plus, at each index, the update; the transpose of `gather`.
  case scatterAdd(axis: Int, batchAxes: Int)
  /// Indices (`int32`) that sort along an axis, stably; NaN last.
  case argSort(axis: Int, descending: Bool)
  /// Indices (`int32`) of the k largest along the last axis, largest first.
  case argTopK(Int)

  // Fourier transforms along an axis, unnormalized, complex numbers as (real, imaginary)
  case fourier(inverse: Bool, axis: Int)
  /// real [n] → (real, imaginary) [n / 2 + 1]
  case realFourier(axis: Int)
  /// (real, imaginary) [length / 2 + 1] → real [length]
  case inverseRealFourier(axis: Int, length: Int)

  // Linear algebra on the last two axes
  /// Lower factor of a symmetric positive-definite matrix.
  case cholesky
  /// (A, B) → X with op(A) X = B.
  case triangularSolve(lower: Bool, transposed: Bool, unitDiagonal: Bool)
  /// Symmetric A → (ascending eigenvalues, eigenvectors in columns).
  case symmetricEigen
  /// A → (U, s, Vᵀ), thin.
  case singularValues
  /// A → (Q, R), reduced, with a non-negative diagonal of R.
  case qr
  /// (A, B) → X with op(A) X = B.
  case solve(transposed: Bool)
  /// A → (sign, log |det A|)
  case logDeterminant

  // Structured
  case scan(Scan)
  case custom(CustomDerivative)
  /// A sub-graph whose intermediate values are recomputed in the backward pass.
  case checkpoint(Graph)
}

public enum Unary: UInt8, Hashable, Sendable, CaseIterable {
  case negate, abs, sign, floor, ceil, round, exp, expm1, log, log1p, sqrt, rsqrt, sin, cos, tan, asin, acos, atan
  case sinh, cosh, tanh, asinh, acosh, atanh, erf, erfc, erfInverse, lgamma, logistic
  /// Gives `bool`.
  case isFinite
  /// Logical on `bool`, bitwise on integers.
  case not
}

public enum Binary: UInt8, Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, divide, remainder, power, maximum, minimum, atan2, and, or, xor, shiftLeft, shiftRight
}

public enum Comparison: UInt8, Hashable, Sendable, CaseIterable {
  case equal, notEqual, less, lessEqual, greater, greaterEqual
}

public enum Reduction: UInt8, Hashable, Sendable, CaseIterable {
  case sum, product, max, min
}

/// A general matrix product: the output has the batch axes, then the free axes of the left, then of the right.
public struct Dot: Hashable, Sendable {
  public var leftBatch: [Int]
  public var rightBatch: [Int]
  public var leftContracted: [Int]
  public var rightContracted: [Int]

  public init(leftBatch: [Int] = [], rightBatch: [Int] = [], leftContracted: [Int], rightContracted: [Int]) {
    self.leftBatch = leftBatch
    self.rightBatch = rightBatch
    self.leftContracted = leftContracted
    self.rightContracted = rightContracted
  }

  func leftFree(rank: Int) -> [Int] { (0..<rank).filter { !leftBatch.contains($0) && !leftContracted.contains($0) } }
  func rightFree(rank: Int) -> [Int] { (0..<rank).filter { !rightBatch.contains($0) && !rightContracted.contains($0) } }
}

/// A convolution in 1 to 3 spatial dimensions: input [n, c, spatial…], kernel [o, c / groups, taps…], output
/// [n, o, spatial…]. The three roles are the three ways to derive one of them from the others of a trilinear form,
/// so derivatives of any order stay within this family.
public struct Convolution: Hashable, Sendable {
  public enum Role: UInt8, Hashable, Sendable {
    /// (input, kernel) → output
    case output
    /// (output cotangent, kernel) → input cotangent: the transposed convolution
    case input
    /// (input, output cotangent) → kernel cotangent
    case kernel
  }

  public var inputSize: [Int]
  public var kernelSize: [Int]
  public var strides: [Int]
  public var dilations: [Int]
  public var low: [Int]
  public var high: [Int]
  public var groups: Int

  public init(
    inputSize: [Int], kernelSize: [Int], strides: [Int], dilations: [Int], low: [Int], high: [Int], groups: Int = 1
  ) {
    self.inputSize = inputSize
    self.kernelSize = kernelSize
    self.strides = strides
    self.dilations = dilations
    self.low = low
    self.high = high
    self.groups = groups
  }

  /// Positions of the output along each spatial axis.
  public var outputSize: [Int] {
    inputSize.indices.map { i in
      let reach = (kernelSize[i] - 1) * dilations[i] + 1
      let room = inputSize[i] + low[i] + high[i] - reach
      return room < 0 ? 0 : room / strides[i] + 1
    }
  }
}

/// Sliding windows over the last `size.count` axes.
public struct Window: Hashable, Sendable {
  public var size: [Int]
  public var strides: [Int]
  public var dilations: [Int]
  public var low: [Int]
  public var high: [Int]

  public init(size: [Int], strides: [Int]? = nil, dilations: [Int]? = nil, low: [Int]? = nil, high: [Int]? = nil) {
    self.size = size
    self.strides = strides ?? size
    self.dilations = dilations ?? size.map { _ in 1 }
    self.low = low ?? size.map { _ in 0 }
    self.high = high ?? size.map { _ in 0 }
  }

  /// Window positions over axes of the given lengths.
  public func outputSize(_ input: [Int]) -> [Int] {
    input.indices.map { i in
      let room = input[i] + low[i] + high[i] - ((size[i] - 1) * dilations[i] + 1)
      return room < 0 ? 0 : room / strides[i] + 1
    }
  }
}

/// A loop: `body` takes (carries, one slice of each sequence, constants) and gives (carries, one slice of each result).
/// Inputs of the primitive: carries, sequences (leading axis `length`), constants; outputs: carries, stacked results.
public struct Scan: Hashable, Sendable {
  public var body: Graph
  public var length: Int
  public var carries: Int
  public var sequences: Int
  public var reverse: Bool
}

/// A function with a derivative of its own: surrogate gradients, straight-through estimators, implicit differentiation.
/// At least one derivative is given; the other follows by transposition, since both are linear in their last arguments.
public struct CustomDerivative: Hashable, Sendable {
  public var name: String
  public var function: Graph
  /// (inputs, outputs, output cotangents) → input cotangents
  public var pullback: Graph?
  /// (inputs, outputs, input tangents) → output tangents
  public var pushforward: Graph?
}

/// A tensor stored in a graph.
public struct Constant: Hashable, Sendable {
  public let type: TensorType
  let storage: Storage

  public static func == (a: Constant, b: Constant) -> Bool { a.type == b.type && a.storage.hasSameBytes(as: b.storage) }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    storage.hash(into: &hasher)
  }

  /// The tensor itself.
  public var tensor: Tensor { Tensor(shape: type.shape, dtype: type.dtype, source: .concrete(storage)) }
}

extension Primitive {
  /// Whether each element of the result depends on the elements of the operands at its own place alone, and is computed there.
  var isElementwise: Bool {
    switch self {
    case .unary, .polygamma, .binary, .compare, .select, .cast: true
    case .constant, .iota, .randomBits, .stopGradient, .dot, .convolution, .splineSum, .reduce, .argReduce, .cumulative,
      .windowReduce,
      .windowArgMax, .reshape, .transpose, .broadcast, .slice, .pad, .concatenate, .reverse, .gather, .scatterAdd,
      .argSort,
      .argTopK, .fourier, .realFourier, .inverseRealFourier, .cholesky, .triangularSolve, .symmetricEigen,
      .singularValues,
      .qr, .solve, .logDeterminant, .scan, .custom, .checkpoint:
      false
    }
  }
}
