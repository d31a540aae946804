/// Sums of B-splines over inputs, of which only `order + 1` are not zero at any place (Liu et al. 2024, arXiv 2404.19756; the
/// recursion of Cox and de Boor). The form
///
///     F(x, u, c, g) = Σ u[s,i] · B⁽ᵈ⁾_{i,r}(x[s,i]) · c[i,r,o] · g[s,o]
///
/// over samples `s`, inputs `i`, splines `r` and outputs `o` is linear in `u`, `c` and `g`; the three roles are its
/// derivatives by one of them, and the derivative by `x` is the same form with `d + 1`. So derivatives of any order stay
/// within this family. Knots are data: nothing is differentiated by them.
///
/// All operands have one leading batch axis.
/// - Shape: x, u `[b, s, i]`; knots `[b, i, splines + order + 1]`, ascending; c `[b, i, r, o]`; g `[b, s, o]`
public struct SplineSum: Hashable, Sendable {
  public enum Role: UInt8, Hashable, Sendable {
    /// (x, knots, c[, u]) → `[b, s, o]`
    case output
    /// (x, knots, g[, u]) → `[b, i, r, o]`
    case coefficients
    /// (x, knots, c, g) → `[b, s, i]`
    case weights
  }

  /// The splines' degree.
  public var order: Int
  /// How often the splines are differentiated.
  public var derivative = 0

  /// The highest order that there is a kernel for.
  public static let highestOrder = 9
  /// The most knots of one input: kernels keep them on their stack.
  public static let mostKnots = 1 << 16

  public init(order: Int) { self.order = order }

  var differentiated: SplineSum? {
    guard derivative < order else { return nil }
    var next = self
    next.derivative += 1
    return next
  }

  private func form(_ role: Role, _ operands: [Tensor]) -> Tensor { emit(.splineSum(self, role), operands)[0] }

  /// Cotangents of the operands.
  func cotangents(_ role: Role, _ operands: [Tensor], wants: [Bool], _ given: Tensor) -> [Tensor?] {
    let (x, knots, third) = (operands[0], operands[1], operands[2])
    let last = operands.count > 3 ? operands[3] : nil
    func wanted(_ i: Int, _ make: () -> Tensor?) -> Tensor? { wants.count > i && wants[i] ? make() : nil }
    func slope(_ c: Tensor, _ g: Tensor) -> Tensor? { differentiated.map { $0.form(.weights, [x, knots, c, g]) } }
    let cotangents: [Tensor?]
    switch role {
    case .output:
      cotangents = [
        wanted(0) { slope(third, given).map { last == nil ? $0 : $0 * last! } }, nil,
        wanted(2) { form(.coefficients, [x, knots, given] + (last.map { [$0] } ?? [])) },
        wanted(3) { form(.weights, [x, knots, third, given]) },
      ]
    case .coefficients:
      cotangents = [
        wanted(0) { slope(given, third).map { last == nil ? $0 : $0 * last! } }, nil,
        wanted(2) { form(.output, [x, knots, given] + (last.map { [$0] } ?? [])) },
        wanted(3) { form(.weights, [x, knots, given, third]) },
      ]
    case .weights:
      cotangents = [
        wanted(0) { slope(third, last!).map { $0 * given } }, nil,
        wanted(2) { form(.coefficients, [x, knots, last!, given]) },
        wanted(3) { form(.output, [x, knots, third, given]) },
      ]
    }
    return Array(cotangents.prefix(operands.count))
  }

  /// The tangent of the result.
  func tangent(_ role: Role, _ operands: [Tensor], _ given: [Tensor?]) -> Tensor? {
    let (x, knots, third) = (operands[0], operands[1], operands[2])
    let last = operands.count > 3 ? operands[3] : nil
    var parts: [Tensor] = []
    if let direction = given[0], let next = differentiated {
      switch role {
      case .output, .coefficients:
        parts.append(next.form(role, [x, knots, third, last.map { $0 * direction } ?? direction]))
      case .weights: parts.append(next.form(role, [x, knots, third, last!]) * direction)
      }
    }
    if let direction = given[2] { parts.append(form(role, [x, knots, direction] + (last.map { [$0] } ?? []))) }
    if given.count > 3, let direction = given[3] { parts.append(form(role, [x, knots, third, direction])) }
    return parts.isEmpty ? nil : parts.dropFirst().reduce(parts[0], +)
  }

  /// Another batch axis joins the one there is. Coefficients that all problems share stay shared: their samples stand in a row.
  func vectorized(_ role: Role, _ operands: [Batched], _ size: Int) -> Batched {
    let isShared = role != .coefficients && !operands[1].isBatched && !operands[2].isBatched
    if isShared, operands[1].tensor.shape[0] == 1 {
      let rows = operands.enumerated().map { i, operand -> Tensor in
        guard i != 1, i != 2 else { return operand.tensor }
        let all = operand.stretched(size)
        return all.reshape([1, all.shape[0] * all.shape[2], all.shape[3]])
      }
      let result = form(role, rows)
      return Batched(result.reshape([size, 1, result.shape[1] / size, result.shape[2]]), true)
    }
    let joined = operands.map { operand -> Tensor in
      let all = operand.stretched(size)
      return all.reshape(Shape([all.shape[0] * all.shape[1]] + Array(all.shape.dimensions.dropFirst(2))))
    }
    let result = form(role, joined)
    let rest = Array(result.shape.dimensions.dropFirst())
    return Batched(result.reshape(Shape([size, result.shape[0] / size] + rest)), true)
  }
}
