import Soma

/// `y ↦ D(y) y`, the entries of the matrix D being piecewise constant in the pre-activations, with trained values: a diagonal
/// D gives each unit a piecewise linear activation (with jumps), other forms couple neighbours. (Liu, Cao, Li, Zikatanov
/// 2021, "Neural networks with trainable matrix activation functions", arXiv 2109.09948)
///
/// Bins: `k(v) = #{j : sⱼ < v}`, so a breakpoint belongs to the bin below it. Runs along the last axis, or the channels of
/// `[n, c, h, w]`. The derivative of the bin's number counts as zero. Begins as ReLU.
/// - Shape: unchanged
public struct MatrixActivation: Layer, Hashable {
  public enum Form: Hashable, Sendable {
    /// `t[k(yᵢ)] yᵢ`
    case diagonal
    /// `d[k(yᵢ)] yᵢ + l[k(yᵢ)] yᵢ₋₁ + u[k(yᵢ)] yᵢ₊₁`; column-wise, l and u go by the bin of the neighbour they multiply.
    case tridiagonal(isColumnWise: Bool)
    /// Neighbours in pairs, each pair times a 2 × 2 matrix by the bins of both.
    case block2
    /// Pairs times `max(r + b, 0)/(r + ε)`, r the length of the pair, b trained. (Arjovsky, Shah, Bengio 2015,
    /// arXiv 1511.06464)
    case modReLU(epsilon: Double)
  }
  public enum Sharing: String, Hashable, Sendable { case unit, layer }

  public let form: Form
  public let breakpoints: [Double]
  public var sharing: Sharing
  /// Whether the pieces (of the diagonal form) are joined: slopes instead of factors, `∫₀ʸ t[k(v)] dv`.
  public let isContinuous: Bool

  private init(_ form: Form, _ breakpoints: [Double], _ sharing: Sharing, isContinuous: Bool = false) {
    require(!breakpoints.isEmpty, "a matrix activation has at least one breakpoint")
    require(
      zip(breakpoints, breakpoints.dropFirst()).allSatisfy { $0 < $1 },
      "the breakpoints \(breakpoints) do not ascend")
    self.form = form
    self.breakpoints = breakpoints
    self.sharing = sharing
    self.isContinuous = isContinuous
  }

  /// Eleven breakpoints on -1 … 1.
  public static let usualBreakpoints = (0...10).map { (Double($0) - 5) / 5 }

  public static func diagonal(
    breakpoints: [Double] = usualBreakpoints, sharing: Sharing = .unit, continuous: Bool = false
  ) -> MatrixActivation {
    MatrixActivation(.diagonal, breakpoints, sharing, isContinuous: continuous)
  }
  public static func tridiagonal(
    breakpoints: [Double] = usualBreakpoints, sharing: Sharing = .unit, columnWise: Bool = false
  ) -> MatrixActivation {
    MatrixActivation(.tridiagonal(isColumnWise: columnWise), breakpoints, sharing)
  }
  public static func block2(breakpoints: [Double] = [-0.5, 0, 0.5], sharing: Sharing = .unit) -> MatrixActivation {
    MatrixActivation(.block2, breakpoints, sharing)
  }
  public static func modReLU(epsilon: Double = 1e-6, sharing: Sharing = .unit) -> MatrixActivation {
    MatrixActivation(.modReLU(epsilon: epsilon), [0], sharing)
  }

  /// 1 for each bin whose middle lies above zero, else 0; the outer bins count by their side.
  private var reluPieces: [Double] {
    let middles =
      [breakpoints[0] - 1] + zip(breakpoints, breakpoints.dropFirst()).map { ($0 + $1) / 2 } + [breakpoints.last! + 1]
    return middles.indices.map { $0 == middles.count - 1 || ($0 > 0 && middles[$0] > 0) ? 1 : 0 }
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.rank > 0, "matrix activation \(scope.path) wants at least one axis")
    // Computed along the last axis; channels are moved there and back.
    guard x.rank >= 4 else { return along(x, scope) }
    return along(x.movingAxis(1, to: -1), scope).movingAxis(-1, to: 1)
  }

  private func along(_ y: Tensor, _ scope: Scope) -> Tensor {
    let n = y.shape.last
    switch form {
    case .diagonal:
      let t = pieces("diagonal", n, reluPieces, y, scope)
      return isContinuous ? joined(t, y) : picked(t, y) * y
    case .tridiagonal(let isColumnWise):
      let zero = reluPieces.map { _ in 0.0 }
      let (before, after) = (neighbour(y, -1), neighbour(y, 1))
      let d = picked(pieces("diagonal", n, reluPieces, y, scope), y)
      let l = picked(pieces("lower", n, zero, y, scope), isColumnWise ? before : y)
      let u = picked(pieces("upper", n, zero, y, scope), isColumnWise ? after : y)
      return d * y + l * before + u * after
    case .block2:
      require(n % 2 == 0, "matrix activation \(scope.path) pairs \(n) units: wants an even number")
      return blocks(y, scope)
    case .modReLU(let epsilon):
      require(n % 2 == 0, "matrix activation \(scope.path) pairs \(n) units: wants an even number")
      let pairs = y.reshape(Shape(y.shape.dropLast()) + [n / 2, 2])
      let r = (pairs.squared().sum([-1], keepsAxes: true) + epsilon * epsilon).sqrt()
      let b = scope.parameter("bias", sharing == .unit ? [n / 2, 1] : [1, 1], .zeros, dtype: y.dtype)
      return (pairs * ((r + b).maximum(0) / (r + epsilon))).reshape(y.shape)
    }
  }

  /// `[bins, n]`, or `[bins, 1]` if shared.
  private func pieces(_ name: String, _ n: Int, _ start: [Double], _ y: Tensor, _ scope: Scope) -> Tensor {
    let initializer = Initializer("pieces") { shape, _, dtype in
      Tensor(start).cast(to: dtype).reshape([start.count, 1]).broadcast(to: shape)
    }
    return scope.parameter(name, [start.count, sharing == .unit ? n : 1], initializer, dtype: y.dtype)
  }

  /// `t[k(v)]`, by comparisons with the breakpoints one after the other: one fused pass, and the derivative in t falls to
  /// the bin that was met.
  private func picked(_ t: Tensor, _ v: Tensor) -> Tensor {
    var result = t[0].broadcast(to: v.shape)
    for (j, s) in breakpoints.enumerated() { result = .select(v .> s, t[j + 1], result) }
    return result
  }

  /// `Σ tₖ · (the part of 0 … y inside bin k)`
  private func joined(_ t: Tensor, _ y: Tensor) -> Tensor {
    let edges = [-Double.infinity] + breakpoints + [Double.infinity]
    var sum = Tensor.zeros(like: y)
    for k in 0...breakpoints.count {
      func inside(_ v: Double) -> Double { min(max(v, edges[k]), edges[k + 1]) }
      var part = y
      if edges[k] > -.infinity { part = part.maximum(edges[k]) }
      if edges[k + 1] < .infinity { part = part.minimum(edges[k + 1]) }
      sum = sum + t[k] * (part - inside(0))
    }
    return sum
  }

  /// The value of the unit `by` places further, zero beyond the ends.
  private func neighbour(_ y: Tensor, _ by: Int) -> Tensor {
    let n = y.shape.last
    let zero = Tensor.zeros(Shape(y.shape.dropLast()) + [1], dtype: y.dtype)
    return by < 0
      ? .concatenate([zero, y[.ellipsis, 0..<(n - 1)]], axis: -1) : .concatenate([y[.ellipsis, 1..<n], zero], axis: -1)
  }

  private func blocks(_ y: Tensor, _ scope: Scope) -> Tensor {
    let pairs = y.shape.last / 2
    let bins = breakpoints.count + 1
    let (a, b) = (y[.ellipsis, .stride(by: 2)], y[.ellipsis, .stride(from: 1, by: 2)])
    func bin(_ v: Tensor) -> Tensor {
      breakpoints.reduce(Tensor.zeros(v.shape, dtype: .int32)) { $0 + (v .> $1).cast(to: .int32) }
    }
    let start = reluPieces
    let initializer = Initializer("blocks") { shape, _, dtype in
      let table: [Double] = start.flatMap { first in start.flatMap { second -> [Double] in [first, 0, 0, second] } }
      return Tensor(table, shape: [1, bins * bins, 4]).cast(to: dtype).broadcast(to: shape)
    }
    let groups = sharing == .unit ? pairs : 1
    let table = scope.parameter("blocks", [groups, bins * bins, 4], initializer, dtype: y.dtype)
    var places = bin(a) * bins + bin(b)
    if sharing == .unit { places = places + Tensor.iota([pairs], dtype: .int32) * (bins * bins) }
    let m = table.reshape([groups * bins * bins, 4]).take(places)
    let first = m[.ellipsis, 0] * a + m[.ellipsis, 1] * b
    let second = m[.ellipsis, 2] * a + m[.ellipsis, 3] * b
    return Tensor.stack([first, second], axis: -1).reshape(y.shape)
  }

  /// The number of the bin of a value.
  public func bin(_ v: Double) -> Int { breakpoints.filter { $0 < v }.count }

  /// The learned function of a unit of the diagonal form: its factor times the value, over a range.
  public func curve(_ parameters: Parameters, unit: Int, over x: [Double], path: String = "") -> [Double] {
    let name = path.isEmpty ? "diagonal" : path + "/diagonal"
    guard let t = parameters[name] else { return [] }
    let column = t[.all, min(unit, t.shape[1] - 1)].doubles
    if isContinuous {
      let scope = Scope(Variables(parameters: Parameters([("diagonal", Tensor(column, shape: [column.count, 1]))])))
      return forward(Tensor(x, shape: [x.count, 1]), scope).doubles
    }
    return x.map { column[bin($0)] * $0 }
  }
}
