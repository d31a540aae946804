import Soma

/// A chain of additions and multiplications that may be read as a formula.
public struct ArithmeticNetwork: Layer {
  public enum Unit: String, Hashable, Sendable, Codable { case addition, multiplication }
  public var units: [(unit: Unit, outputs: Int)]

  public init(_ units: [(unit: Unit, outputs: Int)]) {
    require(!units.isEmpty, "an arithmetic network has at least one unit")
    self.units = units
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var x = x
    for (i, part) in units.enumerated() {
      switch part.unit {
      case .addition: x = NeuralAddition(outputs: part.outputs)(x, scope[i])
      case .multiplication: x = NeuralMultiplication(outputs: part.outputs)(x, scope[i])
      }
    }
    return x
  }

  /// The network with every weight rounded to -1, 0, 1 or 0, 1, and what it computes: `x0*x3 - x5`, one text an output.
  /// - Throws: `NeuronError` if a weight is further than `tolerance` from a whole number.
  public func rounded(_ variables: Variables, tolerance: Double = 0.1) throws -> (
    expressions: [String], variables: Variables
  ) {
    var result = variables
    var terms: [Term] = []
    for (i, part) in units.enumerated() {
      let name = "\(i)/weight"
      guard let weight = variables.parameters[name] else { throw NeuronError("the variables lack \(name)") }
      let whole = try integerWeights(weight, multiplies: part.unit == .multiplication, tolerance: tolerance)
      result.parameters[name] = whole.cast(to: weight.dtype)
      let (rows, columns) = (weight.shape[0], weight.shape[1])
      if terms.isEmpty { terms = (0..<columns).map { Term(text: "x\($0)", isSum: false) } }
      let values = whole.ints
      terms = (0..<rows).map { row in
        let chosen = (0..<columns).compactMap { column -> (Int, Term)? in
          let w = values[row * columns + column]
          return w == 0 ? nil : (w, terms[column])
        }
        return part.unit == .addition ? Term.sum(chosen) : Term.product(chosen.map(\.1))
      }
    }
    return (terms.map(\.text), result)
  }

  private struct Term {
    var text: String
    var isSum: Bool

    static func sum(_ parts: [(sign: Int, term: Term)]) -> Term {
      guard !parts.isEmpty else { return Term(text: "0", isSum: false) }
      var text = ""
      for (i, part) in parts.enumerated() {
        let inner = part.sign < 0 && part.term.isSum ? "(\(part.term.text))" : part.term.text
        text += i == 0 ? (part.sign < 0 ? "-" : "") + inner : (part.sign < 0 ? " - " : " + ") + inner
      }
      return Term(text: text, isSum: parts.count > 1 || parts[0].sign < 0 || parts[0].term.isSum)
    }

    static func product(_ parts: [Term]) -> Term {
      guard !parts.isEmpty else { return Term(text: "1", isSum: false) }
      if parts.count == 1 { return parts[0] }
      return Term(text: parts.map { $0.isSum ? "(\($0.text))" : $0.text }.joined(separator: "*"), isSum: false)
    }
  }
}

/// `max |W - nearest whole number|`: how far weights in -1 … 1 are from {-1, 0, 1}.
public func sparsityError(_ weight: Tensor) -> Tensor {
  let size = weight.abs()
  return size.minimum((1 - size).abs()).max()
}

/// The weights of an addition or multiplication as exact `int8`.
/// - Throws: `NeuronError` if one is further than `tolerance` from {-1, 0, 1}, or {0, 1} if they multiply.
public func integerWeights(_ weight: Tensor, multiplies: Bool, tolerance: Double = 1e-3) throws -> Tensor {
  let low = multiplies ? 0.0 : -1.0
  let whole = weight.round().clipped(low, 1.0)
  let gap = (weight - whole).abs().max().scalar
  guard gap <= tolerance else {
    throw NeuronError("a weight is \(gap) away from a whole number, more than \(tolerance)")
  }
  return whole.cast(to: .int8)
}
