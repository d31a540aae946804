import SomaData

/// What is wrong with a model of the ONNX standard, or what of it Soma cannot do. Prints as one line:
/// `node "conv1" (Conv): 3 input channels, but the kernel has 4`.
public struct ONNXError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// The model contradicts the standard or itself.
    case invalid
    /// The model is right, but uses what Soma has no meaning for.
    case unsupported
    /// A shape or a setting depends on a value that is not known before the model runs; it must be given at load.
    case needsValue([String])
  }

  public let kind: Kind
  public let problem: String
  /// The node, as errors quote it; empty if the fault lies elsewhere.
  public internal(set) var node = ""
  /// The operand that must be known, until its origin is found.
  var operand: Int?

  init(_ kind: Kind = .invalid, _ problem: String) {
    self.kind = kind
    self.problem = problem
  }

  public var description: String { oneLine(node.isEmpty ? problem : "\(node): \(problem)") }
}

/// Throws if a condition does not hold.
func check(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
  if !condition { throw ONNXError(.invalid, problem()) }
}
