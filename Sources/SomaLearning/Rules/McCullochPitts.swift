import Foundation

/// One artificial neuron on paper: `a = Σ wᵢ xᵢ + b`, `y = f(a)` (McCulloch, Pitts 1943).
public struct McCullochPitts: Sendable, Hashable {
  public enum Activation: String, Sendable, Hashable, CaseIterable, Codable {
    /// 1 if a ≥ 0, else 0
    case step
    /// 1 if a ≥ 0, else -1
    case bipolarStep
    case linear
    /// `1/(1 + e⁻ᵃ)`
    case logistic
    case tanh

    public func callAsFunction(_ a: Double) -> Double {
      switch self {
      case .step: a >= 0 ? 1 : 0
      case .bipolarStep: a >= 0 ? 1 : -1
      case .linear: a
      case .logistic: 1 / (1 + exp(-a))
      case .tanh: Foundation.tanh(a)
      }
    }

    /// The derivative, from the value y = f(a): `y(1 - y)`, `1 - y²`, 1; zero for steps.
    public func derivative(ofValue y: Double) -> Double {
      switch self {
      case .step, .bipolarStep: 0
      case .linear: 1
      case .logistic: y * (1 - y)
      case .tanh: 1 - y * y
      }
    }

    /// The values that are reached, or come as near as one likes.
    public var range: ClosedRange<Double> {
      switch self {
      case .step, .logistic: 0...1
      case .bipolarStep, .tanh: -1...1
      case .linear: -.infinity ... .infinity
      }
    }
  }

  public var weights: [Double]
  public var bias: Double
  public var activation: Activation

  public init(weights: [Double], bias: Double, activation: Activation = .step) {
    self.weights = weights
    self.bias = bias
    self.activation = activation
  }

  /// The form with a threshold: fires if `Σ wᵢ xᵢ ≥ θ`.
  public init(weights: [Double], threshold: Double) { self.init(weights: weights, bias: -threshold) }

  /// `Σ wᵢ xᵢ + b`
  public func sum(_ x: [Double]) -> Double {
    precondition(x.count == weights.count, "\(x.count) inputs for \(weights.count) weights")
    return zip(weights, x).reduce(bias) { $0 + $1.0 * $1.1 }
  }

  public func callAsFunction(_ x: [Double]) -> Double { activation(sum(x)) }

  /// Where a neuron of two inputs decides.
  public enum Boundary: Sendable, Hashable {
    /// `x₂ = slope · x₁ + intercept`
    case line(slope: Double, intercept: Double)
    /// `x₁ = place`
    case vertical(Double)
    /// Both weights are zero.
    case none
  }

  public var boundary: Boundary {
    precondition(weights.count == 2, "a boundary in the plane wants two weights, not \(weights.count)")
    if weights[1] != 0 { return .line(slope: -weights[0] / weights[1], intercept: -bias / weights[1]) }
    return weights[0] != 0 ? .vertical(-bias / weights[0]) : .none
  }

  // Gates by hand.
  public static let and = McCullochPitts(weights: [1, 1], bias: -1.5)
  public static let or = McCullochPitts(weights: [1, 1], bias: -0.5)
  public static let not = McCullochPitts(weights: [-1], bias: 0.5)
  public static let nand = McCullochPitts(weights: [-1, -1], bias: 1.5)
  public static let nor = McCullochPitts(weights: [-1, -1], bias: 0.5)
  /// Exclusive or needs two layers: `AND(OR(x), NAND(x))`.
  public static func xor(_ x: [Double]) -> Double { and([or(x), nand(x)]) }
}

/// A truth table of two to four inputs.
public struct BooleanFunction: Sendable, Hashable, CustomStringConvertible {
  /// Bit r is the value in row r, whose inputs are r's bits, the first input the highest.
  public let code: Int
  public let inputs: Int

  /// - Precondition: 1 to 4 inputs, a code below `2^(2^inputs)`
  public init(code: Int, inputs: Int = 2) {
    precondition(
      (1...4).contains(inputs) && code >= 0 && code < 1 << (1 << inputs), "truth table \(code) of \(inputs) inputs")
    self.code = code
    self.inputs = inputs
  }

  public static let and = BooleanFunction(code: 0b1000)
  public static let or = BooleanFunction(code: 0b1110)
  public static let xor = BooleanFunction(code: 0b0110)
  public static let xnor = BooleanFunction(code: 0b1001)
  /// All 16 functions of two inputs.
  public static let ofTwo = (0..<16).map { BooleanFunction(code: $0) }

  /// The rows in order 00, 01, 10, 11, with inputs `low` or `high`.
  public func rows(low: Double = 0, high: Double = 1) -> [[Double]] {
    (0..<(1 << inputs)).map { row in (0..<inputs).map { row >> (inputs - 1 - $0) & 1 == 1 ? high : low } }
  }
  /// The values, 0 or 1.
  public var values: [Double] { (0..<(1 << inputs)).map { Double(code >> $0 & 1) } }

  public var description: String {
    let names = [
      "FALSE", "NOR", "x2 AND NOT x1", "NOT x1", "x1 AND NOT x2", "NOT x2", "XOR", "NAND", "AND", "XNOR", "x2",
      "x1 IMPLIES x2", "x1", "x2 IMPLIES x1", "OR", "TRUE",
    ]
    return inputs == 2 ? names[code] : "\(code) of \(inputs)"
  }
}
