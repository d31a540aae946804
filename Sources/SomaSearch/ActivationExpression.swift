import Foundation
import Soma
import SomaNetworks

/// A scalar function built from core units `b(u₁(x₁), u₂(x₂))`, the search space in which Swish was found (Ramachandran, Zoph & Le 2017,
/// arXiv 1710.05941). The last unit's output is the function; an operand is the input or an earlier unit's output.
public struct ActivationExpression: Sendable, Hashable {
  public enum Unary: String, Sendable, Hashable, CaseIterable {
    case identity = "id"
    case negate = "neg"
    case abs, square, cube, sqrt
    /// `β x`, `x + β`, `β`: one trained number for each channel, from 1
    case scale, shift, constant
    /// `ln(|x| + ε)`
    case log
    case exp, sin, cos, sinh, cosh, tanh, asinh, atan, sinc
    /// `max(x, 0)`, `min(x, 0)`
    case relu, negativePart = "minzero"
    case sigmoid, softplus
    /// `e^{-x²}`
    case gaussian = "gauss"
    case erf
    case zero, one

    public var isTrained: Bool { self == .scale || self == .shift || self == .constant }
    public var isConstant: Bool { self == .constant || self == .zero || self == .one }
  }

  public enum Binary: String, Sendable, Hashable, CaseIterable {
    case add, multiply = "mul", subtract = "sub"
    /// `x₁/(x₂ + ε)`
    case divide = "div"
    case maximum = "max", minimum = "min"
    /// `σ(x₁) x₂`
    case gate = "sig"
    /// `e^{-β(x₁-x₂)²}`, `e^{-β|x₁-x₂|}`; `β` trained, from 1
    case gaussianDistance = "gaussdist", laplaceDistance = "absdist"
    /// `β x₁ + (1-β) x₂`; `β` trained in [0, 1], from ½
    case blend

    public var isTrained: Bool { self == .gaussianDistance || self == .laplaceDistance || self == .blend }
  }

  /// The input, or the output of a unit (from 0).
  public enum Operand: Sendable, Hashable {
    case input
    case unit(Int)
  }

  public struct Unit: Sendable, Hashable {
    public var binary: Binary
    public var first, second: Unary
    public var firstOperand, secondOperand: Operand

    public init(
      _ binary: Binary, _ first: Unary, _ second: Unary, of firstOperand: Operand = .input,
      _ secondOperand: Operand = .input
    ) {
      self.binary = binary
      self.first = first
      self.second = second
      self.firstOperand = firstOperand
      self.secondOperand = secondOperand
    }
  }

  public let units: [Unit]

  static let epsilon = 1e-7

  /// - Parameter units: at least one; operands name earlier units only
  public init(_ units: [Unit]) {
    require(!units.isEmpty, "an activation expression has at least one unit")
    for (i, unit) in units.enumerated() {
      for case .unit(let k) in [unit.firstOperand, unit.secondOperand] {
        require(k >= 0 && k < i, "unit \(i + 1) of an activation expression uses unit \(k + 1)")
      }
    }
    self.units = units
  }

  public var isTrained: Bool { units.contains { $0.binary.isTrained || $0.first.isTrained || $0.second.isTrained } }

  /// The value; `parameter(name, start)` gives the trained numbers.
  func value(_ x: Tensor, _ parameter: (_ name: String, _ start: Double) -> Tensor) -> Tensor {
    var outputs: [Tensor] = []
    for (i, unit) in units.enumerated() {
      func operand(_ operand: Operand) -> Tensor {
        switch operand {
        case .input: x
        case .unit(let k): outputs[k]
        }
      }
      func inner(_ unary: Unary, _ place: Operand, _ name: String) -> Tensor {
        Self.apply(unary, operand(place)) { parameter("\(name)\(i + 1)", 1) }
      }
      outputs.append(
        Self.apply(
          unit.binary, inner(unit.first, unit.firstOperand, "first"), inner(unit.second, unit.secondOperand, "second")
        ) {
          parameter("binary\(i + 1)", $0)
        })
    }
    return outputs.last!
  }

  private static func apply(_ unary: Unary, _ x: Tensor, _ beta: () -> Tensor) -> Tensor {
    switch unary {
    case .identity: x
    case .negate: -x
    case .abs: x.abs()
    case .square: x * x
    case .cube: x * x * x
    case .sqrt: x.maximum(0).sqrt()
    case .scale: x * beta()
    case .shift: x + beta()
    case .constant: Tensor.zeros(like: x) + beta()
    case .log: (x.abs() + epsilon).log()
    case .exp: x.exp()
    case .sin: x.sin()
    case .cos: x.cos()
    case .sinh: x.sinh()
    case .cosh: x.cosh()
    case .tanh: x.tanh()
    case .asinh: x.asinh()
    case .atan: x.atan()
    case .sinc: sinc(x)
    case .relu: x.maximum(0)
    case .negativePart: x.minimum(0)
    case .sigmoid: x.logistic()
    case .softplus: x.softplus()
    case .gaussian: (-(x * x)).exp()
    case .erf: x.erf()
    case .zero: Tensor.zeros(like: x)
    case .one: Tensor.ones(like: x)
    }
  }

  /// `sin(x)/x`, 1 at 0.
  private static func sinc(_ x: Tensor) -> Tensor {
    let isZero = x .== 0
    return Tensor.select(isZero, 1, x.sin() / Tensor.select(isZero, 1, x))
  }

  private static func apply(_ binary: Binary, _ a: Tensor, _ b: Tensor, _ beta: (Double) -> Tensor) -> Tensor {
    switch binary {
    case .add: return a + b
    case .multiply: return a * b
    case .subtract: return a - b
    case .divide: return a / (b + epsilon)
    case .maximum: return a.maximum(b)
    case .minimum: return a.minimum(b)
    case .gate: return a.logistic() * b
    case .gaussianDistance:
      let d = a - b
      return (-(beta(1) * d * d)).exp()
    case .laplaceDistance: return (-(beta(1) * (a - b).abs())).exp()
    case .blend:
      let weight = beta(0.5).clipped(0.0, 1.0)
      return weight * a + (1 - weight) * b
    }
  }
}

extension ActivationExpression: Layer {
  /// The value with all trained numbers at their start.
  public func callAsFunction(_ x: Tensor) -> Tensor { value(x) { _, start in Tensor(start, dtype: x.dtype) } }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let axis = x.rank >= 4 ? 1 : x.rank - 1
    return value(x) { name, start in
      scope.parameter(name, [x.shape[axis]], .constant(start), dtype: x.dtype).reshape(
        Shape([x.shape[axis]] + [Int](repeating: 1, count: x.rank - axis - 1)))
    }
  }
}

// MARK: Text

extension ActivationExpression: CustomStringConvertible {
  /// `mul(sigmoid(x), id(x))`; of several units, separated by semicolons, later ones use earlier ones as `y1`, `y2`, ….
  public var description: String {
    func text(_ operand: Operand) -> String {
      switch operand {
      case .input: "x"
      case .unit(let k): "y\(k + 1)"
      }
    }
    return units.map { unit in
      "\(unit.binary.rawValue)(\(unit.first.rawValue)(\(text(unit.firstOperand))), \(unit.second.rawValue)(\(text(unit.secondOperand))))"
    }.joined(separator: "; ")
  }

  /// Reads what `description` writes.
  /// - Throws: `SearchError` that names the place.
  public init(parsing text: String) throws(SearchError) {
    var units: [Unit] = []
    for (i, part) in text.split(separator: ";", omittingEmptySubsequences: false).enumerated() {
      let compact = String(part.filter { !$0.isWhitespace })
      func wrong(_ reason: String) -> SearchError {
        SearchError("unit \(i + 1) of the expression, \"\(compact)\": \(reason)")
      }
      guard let open = compact.firstIndex(of: "("), compact.hasSuffix(")") else { throw wrong("expected name(…, …)") }
      guard let binary = Binary(rawValue: String(compact[..<open])) else {
        throw wrong("\(compact[..<open]) is none of \(Binary.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      let arguments = compact[compact.index(after: open)...].dropLast().split(
        separator: ",", omittingEmptySubsequences: false)
      guard arguments.count == 2 else { throw wrong("expected two arguments") }
      var inner: [(Unary, Operand)] = []
      for argument in arguments {
        guard let open = argument.firstIndex(of: "("), argument.hasSuffix(")") else {
          throw wrong("\(argument): expected name(x)")
        }
        guard let unary = Unary(rawValue: String(argument[..<open])) else {
          throw wrong("\(argument[..<open]) is none of \(Unary.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let name = argument[argument.index(after: open)...].dropLast()
        if name == "x" {
          inner.append((unary, .input))
        } else if name.hasPrefix("y"), let k = Int(name.dropFirst()), k >= 1, k <= i {
          inner.append((unary, .unit(k - 1)))
        } else {
          throw wrong("\(name) is neither x nor an earlier unit")
        }
      }
      units.append(Unit(binary, inner[0].0, inner[1].0, of: inner[0].1, inner[1].1))
    }
    self.init(units)
  }
}

/// What is wrong with a wish about a search. Prints as one line.
public struct SearchError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

extension ActivationExpression {
  /// The functions that the publication reports.
  public static let discovered: [(name: String, expression: ActivationExpression)] = [
    ("x·σ(βx)", .init([.init(.add, .scale, .zero), .init(.gate, .identity, .identity, of: .unit(0), .input)])),
    ("max(x, σ(x))", .init([.init(.maximum, .identity, .sigmoid)])),
    ("cos(x) − x", .init([.init(.subtract, .cos, .identity)])),
    ("min(x, sin x)", .init([.init(.minimum, .identity, .sin)])),
    ("(atan x)² − x", .init([.init(.add, .atan, .zero), .init(.subtract, .square, .identity, of: .unit(0), .input)])),
    ("max(x, tanh x)", .init([.init(.maximum, .identity, .tanh)])),
    ("sinc(x) + x", .init([.init(.add, .sinc, .identity)])),
    ("x·(asinh x)²", .init([.init(.add, .asinh, .zero), .init(.multiply, .identity, .square, of: .input, .unit(0))])),
  ]
}
