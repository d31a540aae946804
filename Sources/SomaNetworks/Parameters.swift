import Soma

/// Named tensors: a network's weights, its running statistics, an optimizer's moments. A plain value; names are paths
/// like `encoder/0/attention/query/weight`.
public struct Parameters: TensorTree, Sendable {
  public private(set) var names: [String]
  private var tensors: [String: Tensor]

  public init() {
    names = []
    tensors = [:]
  }

  public init(_ pairs: some Sequence<(String, Tensor)>) {
    self.init()
    for (name, tensor) in pairs { self[name] = tensor }
  }

  public subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set {
      if let newValue {
        if tensors.updateValue(newValue, forKey: name) == nil { names.append(name) }
      } else if tensors.removeValue(forKey: name) != nil {
        names.removeAll { $0 == name }
      }
    }
  }

  public var isEmpty: Bool { names.isEmpty }
  /// The number of tensors.
  public var count: Int { names.count }
  /// The number of elements of all tensors.
  public var elementCount: Int { names.reduce(0) { $0 + tensors[$1]!.count } }

  public var leaves: [Tensor] { names.map { tensors[$0]! } }

  public func replacingLeaves(_ leaves: [Tensor]) -> Parameters {
    require(leaves.count == names.count, "\(leaves.count) tensors for \(names.count) names")
    var result = self
    for (name, leaf) in zip(names, leaves) { result.tensors[name] = leaf }
    return result
  }

  /// The same names with other tensors.
  public func map(_ transform: (String, Tensor) -> Tensor) -> Parameters {
    Parameters(names.map { ($0, transform($0, tensors[$0]!)) })
  }

  /// The tensors whose names a predicate accepts.
  public func filtered(_ isIncluded: (String) -> Bool) -> Parameters {
    Parameters(names.filter(isIncluded).map { ($0, tensors[$0]!) })
  }

  /// Parameters of equal names and shapes, joined along a new leading axis.
  public static func stacked(_ members: [Parameters]) -> Parameters {
    require(!members.isEmpty, "there are no parameters to stack")
    return members[0].map { name, _ in Tensor.stack(members.map { $0[name]! }) }
  }

  /// Both sets together; `other` wins where names meet.
  public func merging(_ other: Parameters) -> Parameters {
    var result = self
    for name in other.names { result[name] = other[name] }
    return result
  }
}

/// What a network needs to run: trained parameters, and state that the forward pass itself updates.
public struct Variables: TensorTree, Sendable {
  public var parameters: Parameters
  public var state: Parameters

  public init(parameters: Parameters = Parameters(), state: Parameters = Parameters()) {
    self.parameters = parameters
    self.state = state
  }

  public var leaves: [Tensor] { parameters.leaves + state.leaves }
  public func replacingLeaves(_ leaves: [Tensor]) -> Variables {
    Variables(
      parameters: parameters.replacingLeaves(Array(leaves.prefix(parameters.count))),
      state: state.replacingLeaves(Array(leaves.dropFirst(parameters.count))))
  }
}
