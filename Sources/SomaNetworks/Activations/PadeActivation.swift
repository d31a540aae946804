import Foundation
import Soma

/// A trained ratio of two polynomials, `P(x)/Q(x)` (Molina, Schramowski & Kersting 2019, arXiv 1907.06732).
///
/// `P(x) = Σ_{j=0}^{m} a_j x^j`; `Q` depends on the variant and, but for `.unsafe`, never vanishes. With `m = n + 1` both tails are
/// linear. Beyond its start's interval [-3, 3] it is not what it was fitted to: normalize its inputs.
/// - Shape: `[…]` → `[…]`
public struct PadeActivation: Layer {
  public enum Variant: String, Sendable, Hashable, CaseIterable {
    /// `1 + Σ |b_k| |x|^k`
    case termwise
    /// `1 + |Σ b_k x^k|`
    case total
    /// `0.1 + |Σ b_k x^k|`
    case sharp
    /// `1 + Σ b_k x^k`: may have poles
    case unsafe
  }

  public enum Sharing: Sendable, Hashable { case layer, channel }

  /// Coefficients of a function.
  public struct Coefficients: Sendable, Hashable {
    /// `a_0 … a_m`
    public var numerator: [Double]
    /// `b_1 … b_n`
    public var denominator: [Double]

    public init(numerator: [Double], denominator: [Double]) {
      self.numerator = numerator
      self.denominator = denominator
    }

    /// Leaky ReLU of slope 0.01, on [-3, 3]; the largest error is 0.034, at the corner.
    public static let leakyReLU = Coefficients(
      numerator: [3.35583603e-2, 5.05000375e-1, 1.65343934, 2.01001052, 9.31901999e-1, 1.52424124e-1],
      denominator: [3.30847488e-6, 3.98021568, 5.12471206e-7, 3.01830109e-1])
    /// The logistic function, of degrees 5 and 2.
    public static let sigmoid = Coefficients(
      numerator: [0.5, 0.25, 17.0 / 336, 1.0 / 224, 0, -1.0 / 40320], denominator: [0, 0.1])
    /// Between several activations.
    public static let average = Coefficients(
      numerator: [0.15775171, 0.74704865, 0.82560348, 1.61369449, 0.6371632, 0.10474671],
      denominator: [0.38940287, 2.19787666, 0.30977883, 0.15976778])

    /// Standard normal numbers.
    public static func random(_ m: Int = 5, _ n: Int = 4, key: Key) -> Coefficients {
      let values = Tensor.normal([m + 1 + n], key: key, dtype: .float64).doubles
      return Coefficients(numerator: Array(values.prefix(m + 1)), denominator: Array(values.suffix(n)))
    }
  }

  public var start: Coefficients
  public var variant: Variant
  public var sharing: Sharing
  public var isTrained: Bool
  /// In training every coefficient is multiplied, for each example, by `1 + u` with `u ~ U(-r, r)`; 0 leaves them as they are.
  public var noise: Double

  /// - `start`: refused if the numerator's degree exceeds the denominator's by more than one (it would grow faster than a
  ///   line) unless `growsFreely`
  public init(
    _ start: Coefficients = .leakyReLU, variant: Variant = .termwise, sharing: Sharing = .layer, isTrained: Bool = true,
    noise: Double = 0, growsFreely: Bool = false
  ) {
    let all = start.numerator + start.denominator
    require(all.allSatisfy(\.isFinite) && !start.numerator.isEmpty, "a Padé activation wants finite coefficients")
    require(
      growsFreely || start.denominator.isEmpty || start.numerator.count <= start.denominator.count + 2
        || start == .sigmoid,
      "a Padé activation of degrees \(start.numerator.count - 1) and \(start.denominator.count) grows faster than a line"
    )
    require(noise >= 0 && noise < 1, "the coefficients' noise lies in [0, 1), not \(noise)")
    self.start = start
    self.variant = variant
    self.sharing = sharing
    self.isTrained = isTrained
    self.noise = noise
  }

  /// The function of coefficients that broadcast against `x`, by Horner's scheme. Where a power would overflow the type, both
  /// polynomials are divided by one.
  public static func value(_ x: Tensor, numerator: [Tensor], denominator: [Tensor], variant: Variant) -> Tensor {
    let degree = max(numerator.count - 1, denominator.count)
    guard degree > 1, !denominator.isEmpty else { return ratio(x, numerator, denominator, variant) }
    // Beyond the limit, in t = 1/x: P(x)/x^d and Q(x)/x^d are polynomials of t.
    let limit = x.dtype == .float64 ? 1e40 : 1e6
    let isFar = x.abs() .> limit
    let near = ratio(Tensor.select(isFar, 0, x), numerator, denominator, variant)
    let far = reversedRatio(Tensor.select(isFar, x, limit), numerator, denominator, variant, degree)
    return Tensor.select(isFar, far, near)
  }

  private static func horner(_ x: Tensor, _ coefficients: [Tensor]) -> Tensor {
    guard let last = coefficients.last else { return Tensor.zeros(like: x) }
    return coefficients.dropLast().reversed().reduce(Tensor.zeros(like: x) + last) { $0 * x + $1 }
  }

  private static func ratio(_ x: Tensor, _ a: [Tensor], _ b: [Tensor], _ variant: Variant) -> Tensor {
    let top = horner(x, a)
    guard !b.isEmpty else { return variant == .sharp ? top * 10.0 : top }
    switch variant {
    case .termwise: return top / (1 + horner(x.abs(), b.map { $0.abs() }) * x.abs())
    case .total: return top / (1 + (horner(x, b) * x).abs())
    case .sharp: return top / (0.1 + (horner(x, b) * x).abs())
    case .unsafe: return top / (1 + horner(x, b) * x)
    }
  }

  /// Numerator and denominator divided by `x^d` (the denominator by `|x|^d`, where it is a sum of magnitudes).
  private static func reversedRatio(
    _ x: Tensor, _ a: [Tensor], _ b: [Tensor], _ variant: Variant, _ degree: Int
  ) -> Tensor {
    let t = 1 / x
    func shifted(_ t: Tensor, _ coefficients: [Tensor], from lowest: Int) -> Tensor {
      // Σ c_k x^{k + lowest - d} = Σ c_k t^{d - lowest - k}
      let power = degree - lowest - (coefficients.count - 1)
      let value = horner(t, coefficients.reversed())
      return (0..<power).reduce(value) { result, _ in result * t }
    }
    let top = shifted(t, a, from: 0)
    let base = variant == .sharp ? 0.1 : 1.0
    let size = t.abs()
    let rest = (0..<degree).reduce(Tensor.zeros(like: x) + base) { result, _ in result * size }
    let sign = degree % 2 == 0 ? Tensor.ones(like: x) : x.sign()
    switch variant {
    case .termwise: return top * sign / (rest + shifted(size, b.map { $0.abs() }, from: 1))
    case .total, .sharp: return top * sign / (rest + shifted(t, b, from: 1).abs())
    case .unsafe: return top / (rest * sign + shifted(t, b, from: 1))
    }
  }

  /// The function with the start's coefficients.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let x = x.dtype.isFloating ? x : x.cast(to: .float32)
    func constants(_ values: [Double]) -> [Tensor] { values.map { Tensor($0, dtype: x.dtype) } }
    return Self.value(
      x, numerator: constants(start.numerator), denominator: constants(start.denominator), variant: variant)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let axis = x.rank >= 4 ? 1 : x.rank - 1
    func coefficients(_ name: String, _ values: [Double]) -> [Tensor] {
      guard !values.isEmpty else { return [] }
      let shape: Shape = sharing == .layer ? [values.count] : [values.count, x.shape[axis]]
      let initializer = Initializer("coefficients") { shape, _, dtype in
        let column = Tensor(values).cast(to: dtype)
        return shape.rank == 1 ? column : column.expandDimensions(at: 1).broadcast(to: shape)
      }
      let stored = scope.parameter(name, shape, initializer, dtype: x.dtype)
      let own = isTrained ? stored : stored.stopGradient()
      return values.indices.map { k in
        let value = sharing == .layer ? own[k] : own[k].reshape(Shape([x.shape[axis]] + ones(x.rank - axis - 1)))
        guard noise > 0, scope.isTraining, x.rank > 0 else { return value }
        let factor = Tensor.uniform(
          Shape([x.shape[0]] + ones(x.rank - 1)), low: 1 - noise, high: 1 + noise, key: scope.key(), dtype: x.dtype)
        return value * factor
      }
    }
    return Self.value(
      x, numerator: coefficients("numerator", start.numerator),
      denominator: coefficients("denominator", start.denominator),
      variant: variant)
  }

  private func ones(_ count: Int) -> [Int] { [Int](repeating: 1, count: count) }

  /// The coefficients in the variables of a layer whose parts are shared.
  public static func coefficients(_ parameters: Parameters, at path: String) -> Coefficients? {
    guard let a = parameters[path + "/numerator"], let b = parameters[path + "/denominator"], a.rank == 1 else {
      return nil
    }
    return Coefficients(numerator: a.doubles, denominator: b.doubles)
  }
}
