import Soma

/// Minimizes a smooth function without noise: full batches, fitting, physics-informed networks. The direction comes from the
/// last gradients (limited-memory BFGS: Nocedal 1980; Liu, Nocedal 1989), the step from a line search that fulfils the
/// strong Wolfe conditions (Nocedal, Wright, "Numerical Optimization", 2006, algorithms 3.5, 3.6, 7.4, 7.5). Value and
/// gradient are one compiled graph. Works in `float32` and, for convergence to many digits, `float64`.
public struct LBFGS: Sendable {
  /// Pairs of steps and gradient changes that are kept.
  public var history: Int
  public var maximumIterations: Int
  /// Ends where no component of the gradient is larger.
  public var gradientTolerance: Double
  /// Ends where a step changes the value by no more than this share; 0: never for this reason.
  public var valueTolerance: Double
  /// The conditions' constants: `f(x + t d) ≤ f + c₁ t f'`, `|f'(x + t d)| ≤ c₂ |f'|`.
  public var sufficientDecrease: Double
  public var curvature: Double
  public var maximumSearchSteps: Int

  public init(
    history: Int = 10, maximumIterations: Int = 200, gradientTolerance: Double = 1e-7, valueTolerance: Double = 1e-12,
    sufficientDecrease: Double = 1e-4, curvature: Double = 0.9, maximumSearchSteps: Int = 25
  ) {
    require(history > 0, "L-BFGS keeps \(history) pairs: at least 1")
    require(
      0 < sufficientDecrease && sufficientDecrease < curvature && curvature < 1,
      "the Wolfe conditions want 0 < c₁ < c₂ < 1, not \(sufficientDecrease), \(curvature)")
    self.history = history
    self.maximumIterations = maximumIterations
    self.gradientTolerance = gradientTolerance
    self.valueTolerance = valueTolerance
    self.sufficientDecrease = sufficientDecrease
    self.curvature = curvature
    self.maximumSearchSteps = maximumSearchSteps
  }

  public enum Ending: Sendable { case gradientVanished, valueSettled, noFurtherDecrease, iterationsUsedUp }

  public struct Result<Tree: TensorTree> {
    public var minimizer: Tree
    public var value: Double
    public var iterations: Int
    public var evaluations: Int
    public var ending: Ending
    /// The value after each iteration, the starting value first.
    public var values: [Double]
  }

  /// The start is no place to begin: the function is not finite there.
  public struct NonFiniteStart: Error, CustomStringConvertible {
    public let value: Double
    public var description: String {
      "L-BFGS: the function or its gradient is not finite at the start (value \(value))"
    }
  }

  /// Minimizes from `start`, whose tensors all have the type the function computes in.
  /// - Throws: `NonFiniteStart`.
  public func minimize<Tree: TensorTree>(_ start: Tree, _ function: @escaping (Tree) -> Tensor) throws -> Result<Tree> {
    let leaves = start.leaves
    func tree(_ flat: Tensor) -> Tree {
      var offset = 0
      return start.replacingLeaves(
        leaves.map { leaf in
          defer { offset += leaf.count }
          return flat[offset..<(offset + leaf.count)].reshape(leaf.shape).cast(to: leaf.dtype)
        })
    }
    let flat = Tensor.concatenate(leaves.map { $0.flattened() })
    let evaluate = compile { (x: Tensor) in
      let (value, gradient) = valueAndGrad(x) { function(tree($0)) }
      return [value, gradient]
    }
    var evaluations = 0
    func point(_ x: [Double]) -> Point {
      evaluations += 1
      let result = evaluate(Tensor(x).cast(to: flat.dtype))
      return Point(x: x, value: result[0].scalar, gradient: result[1].doubles)
    }

    var now = point(flat.doubles)
    guard now.isFinite else { throw NonFiniteStart(value: now.value) }
    var values = [now.value]
    var pairs: [Pair] = []
    var ending = Ending.iterationsUsedUp
    var iterations = 0
    while iterations < maximumIterations {
      if now.gradient.allSatisfy({ abs($0) <= gradientTolerance }) {
        ending = .gradientVanished
        break
      }
      var direction = descent(now.gradient, pairs)
      if dot(direction, now.gradient) >= 0 {
        // Rounding has spoilt the curvature that was kept: begin anew with the gradient.
        pairs = []
        direction = descent(now.gradient, pairs)
      }
      // Without curvature the gradient's length says nothing of the step's: begin with a length of at most 1.
      let first = pairs.isEmpty ? Swift.min(1, 1 / now.gradient.reduce(0) { $0 + abs($1) }) : 1
      guard let next = search(from: now, along: direction, first: first, point) else {
        if pairs.isEmpty {
          ending = .noFurtherDecrease
          break
        }
        pairs = []
        continue
      }
      iterations += 1
      let pair = Pair(step: difference(next.x, now.x), change: difference(next.gradient, now.gradient))
      // Only pairs of positive curvature keep the approximation positive-definite.
      if pair.product > 1e-16 * dot(pair.change, pair.change) {
        pairs.append(pair)
        if pairs.count > history { pairs.removeFirst() }
      }
      let before = now.value
      now = next
      values.append(now.value)
      if valueTolerance > 0, abs(before - now.value) <= valueTolerance * Swift.max(abs(before), abs(now.value), 1e-300)
      {
        ending = .valueSettled
        break
      }
    }
    return Result(
      minimizer: tree(Tensor(now.x).cast(to: flat.dtype)), value: now.value, iterations: iterations,
      evaluations: evaluations, ending: ending, values: values)
  }

  // MARK: Direction

  private struct Point {
    var x: [Double]
    var value: Double
    var gradient: [Double]
    var isFinite: Bool { value.isFinite && gradient.allSatisfy(\.isFinite) }
  }

  private struct Pair {
    let step: [Double]
    let change: [Double]
    let product: Double

    init(step: [Double], change: [Double]) {
      self.step = step
      self.change = change
      product = dot(step, change)
    }
  }

  /// `-H g`, H the approximate inverse Hessian: the two-loop recursion.
  private func descent(_ gradient: [Double], _ pairs: [Pair]) -> [Double] {
    var q = gradient
    var factors = [Double](repeating: 0, count: pairs.count)
    for (i, pair) in pairs.enumerated().reversed() {
      factors[i] = dot(pair.step, q) / pair.product
      add(&q, -factors[i], pair.change)
    }
    if let last = pairs.last {
      let scale = last.product / dot(last.change, last.change)
      for i in q.indices { q[i] *= scale }
    }
    for (i, pair) in pairs.enumerated() {
      add(&q, factors[i] - dot(pair.change, q) / pair.product, pair.step)
    }
    for i in q.indices { q[i] = -q[i] }
    return q
  }

  // MARK: Line search

  private struct Trial {
    var t: Double
    var point: Point
    var slope: Double
    var value: Double { point.value }
  }

  /// A point along the direction that fulfils the strong Wolfe conditions, or failing that one with a lower value.
  private func search(
    from start: Point, along direction: [Double], first: Double, _ point: ([Double]) -> Point
  ) -> Point? {
    let slope = dot(start.gradient, direction)
    func trial(_ t: Double) -> Trial {
      var x = start.x
      add(&x, t, direction)
      let p = point(x)
      return Trial(t: t, point: p, slope: dot(p.gradient, direction))
    }
    func decreases(_ trial: Trial) -> Bool { trial.value <= start.value + sufficientDecrease * trial.t * slope }
    func isFlat(_ trial: Trial) -> Bool { abs(trial.slope) <= -curvature * slope }
    var used = 0
    var previous = Trial(t: 0, point: start, slope: slope)
    var t = first
    var bracket: (low: Trial, high: Trial)?
    while used < maximumSearchSteps {
      let now = trial(t)
      used += 1
      if !now.point.isFinite {
        // Too far: come back, without trusting an interpolation through infinity.
        t = previous.t + (t - previous.t) * 0.1
        continue
      }
      if !decreases(now) || (used > 1 && previous.t > 0 && now.value >= previous.value) {
        bracket = (previous, now)
        break
      }
      if isFlat(now) { return now.point }
      if now.slope >= 0 {
        bracket = (now, previous)
        break
      }
      let guess = cubicMinimum(previous, now)
      t = Swift.min(Swift.max(guess ?? now.t * 2, now.t + 0.01 * (now.t - previous.t)), now.t * 10)
      previous = now
    }
    guard var (low, high) = bracket else { return previous.t > 0 ? previous.point : nil }
    // `low` fulfils the first condition, has the lowest value of those that do, and its slope points at `high`.
    while used < maximumSearchSteps {
      let width = abs(high.t - low.t)
      if width * abs(low.slope) <= 1e-16 * abs(low.value) { break }
      let (a, b) = (Swift.min(low.t, high.t), Swift.max(low.t, high.t))
      var t = cubicMinimum(low, high) ?? (a + b) / 2
      // Keep away from the ends, or the bracket shrinks too slowly.
      t = Swift.min(Swift.max(t, a + 0.1 * width), b - 0.1 * width)
      let now = trial(t)
      used += 1
      if !now.point.isFinite || !decreases(now) || now.value >= low.value {
        high = now
      } else {
        if isFlat(now) { return now.point }
        if now.slope * (high.t - low.t) >= 0 { high = low }
        low = now
      }
    }
    return low.t > 0 && low.value < start.value ? low.point : nil
  }

  /// Where the cubic through two values and slopes is lowest; nil if it has no minimum.
  private func cubicMinimum(_ a: Trial, _ b: Trial) -> Double? {
    guard a.t != b.t, b.value.isFinite, b.slope.isFinite else { return nil }
    let d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    let square = d1 * d1 - a.slope * b.slope
    guard square >= 0 else { return nil }
    let d2 = (b.t > a.t ? 1 : -1) * square.squareRoot()
    let t = b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
    return t.isFinite ? t : nil
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for i in a.indices { sum += a[i] * b[i] }
  return sum
}

private func add(_ a: inout [Double], _ factor: Double, _ b: [Double]) {
  for i in a.indices { a[i] += factor * b[i] }
}

private func difference(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 - $1 } }
