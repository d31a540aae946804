import Soma

/// The names and types of a network's variables, without their elements.
public struct VariableTypes: Hashable, Sendable {
  public struct Entry: Hashable, Sendable {
    public let name: String
    public let type: TensorType
  }

  /// In the order of declaration.
  public private(set) var parameters: [Entry] = []
  public private(set) var state: [Entry] = []
  private var known: [String: TensorType] = [:]

  init() {}

  /// The number of trained numbers.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.type.shape.elementCount } }

  /// Notes a variable; parts that share a scope declare it more than once.
  mutating func declare(_ name: String, _ type: TensorType, isParameter: Bool) {
    let key = (isParameter ? "parameter " : "state ") + name
    if let first = known[key] {
      require(first == type, "\(name) is declared as \(first) and as \(type)")
      return
    }
    known[key] = type
    if isParameter {
      parameters.append(Entry(name: name, type: type))
    } else {
      state.append(Entry(name: name, type: type))
    }
  }
}
